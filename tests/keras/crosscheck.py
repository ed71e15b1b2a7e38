"""Holds the `burn-keras` command against real Keras, in both directions.

    cargo build --release -p burn-keras-cli
    python tests/keras/crosscheck.py target/release/burn-keras [PART OF A NAME]

- A model saved by Keras: the command predicts what Keras predicts, and what `convert` writes loads
  in Keras, predicts the same and trains on as Keras' own file does. One model for every class of
  layer_cases_*.py, functional as it was made, and compiled and trained, Sequential where it has one
  input; then random stacks and graphs of stack_cases.py.
- Two epochs in Keras, two in the command, two in Keras end with the weights of six in Keras.
- `fit` gives the history and the weights that Keras gives, for the options it has.
"""

import os
import subprocess
import sys
import tempfile
import traceback
import zlib

# Hundreds of tiny programs: compiling them is what takes the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

from reference import keras, np, random_weights

import json

from keras import layers as L
from keras import tree

import layer_cases_other  # noqa: F401
import layer_cases_recurrent  # noqa: F401
import layer_cases_wrappers  # noqa: F401
from layer_cases import CASES
from make_stacks import make_input, make_weights
from stack_cases import graph, sequential

COMMAND = os.path.abspath(sys.argv[1])
WANTED = sys.argv[2] if len(sys.argv) > 2 else ""
WORK = tempfile.mkdtemp()
STACKS, GRAPHS = range(0, 20), range(200, 225)
PASSED, FAILED = [], []


def at(name):
    return os.path.join(WORK, name)


def command(*args):
    done = subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, args[:2]))}: {done.stderr.strip()[-400:]}")
    return done.stdout


def close(found, wanted, what, tolerance=1e-5):
    assert len(found) == len(wanted), f"{what}: {len(found)} arrays, not {len(wanted)}"
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance, err_msg=what)


def predict_by_command(path, names, inputs):
    if len(inputs) == 1:
        np.save(at("x.npy"), inputs[0])
        command("predict", path, "--input", at("x.npy"), "--output", at("y.npz"))
    else:
        np.savez(at("x.npz"), **dict(zip(names, inputs)))
        command("predict", path, "--input", at("x.npz"), "--output", at("y.npz"))
    with np.load(at("y.npz")) as found:
        return [found[f"output_{i}"] for i in range(len(found))]


def outputs_of(model, inputs):
    return tree.flatten(model(inputs[0] if len(inputs) == 1 else list(inputs), training=False))


def there_and_back(name, model, inputs):
    wanted = [np.asarray(y) for y in outputs_of(model, inputs)]
    model.save(at("keras.keras"))
    names = [x._keras_history.operation.name for x in model.inputs]
    close(predict_by_command(at("keras.keras"), names, inputs), wanted, f"{name}: burn-keras on Keras' file")
    command("convert", at("keras.keras"), at("ours.keras"))
    again = keras.saving.load_model(at("ours.keras"))
    close(outputs_of(again, inputs), wanted, f"{name}: Keras on the converted file")
    close(again.get_weights(), model.get_weights(), f"{name}: weights", 0)


def layer_model(case):
    """The case's layer as a functional model of its own."""
    layer = case.make()
    if case.adapt is not None:
        layer.adapt(case.adapt)
    stateful = getattr(layer, "stateful", False)
    batch = case.inputs[0].shape[0] if stateful else None
    inputs = [keras.Input(batch_shape=(batch, *x.shape[1:]), dtype=str(x.dtype)) for x in case.inputs]
    states = [keras.Input(s.shape[1:]) for s in tree.flatten(case.states)]
    arguments = dict(case.kwargs)
    if case.style == "list":
        args = [inputs]
    elif case.style == "args":
        args = inputs[:2]
        arguments.update({"key": inputs[2]} if len(inputs) == 3 else {})
    else:
        args = inputs
        arguments.update({"initial_state": tree.pack_sequence_as(case.states, states)} if states else {})
    ends = inputs + states
    model = keras.Model(ends if len(ends) > 1 else ends[0], layer(*args, **arguments))
    if case.adapt is None:  # what was adapted is computed with as it was then
        random_weights(model, np.random.default_rng(zlib.crc32(case.name.encode())), 0.6)
    return model, [*case.inputs, *tree.flatten(case.states)]


def sequential_model(case):
    """The case's layer as the one layer of a Sequential model; a model of several outputs can't be one."""
    layer = case.make()
    if case.adapt is not None:
        layer.adapt(case.adapt)
    x = case.inputs[0]
    batch = x.shape[0] if getattr(layer, "stateful", False) else None
    ends = keras.Input(batch_shape=(batch, *x.shape[1:]), dtype=str(x.dtype))
    model = keras.Sequential([ends, layer])
    if case.adapt is None:
        random_weights(model, np.random.default_rng(zlib.crc32(case.name.encode())), 0.6)
    return model


def trained(name, model, inputs):
    """Three steps of training in Keras, there and back, and three more from either file."""
    one = inputs[0] if len(inputs) == 1 else list(inputs)
    targets = [np.asarray(y) * 0.5 for y in outputs_of(model, inputs)]
    targets = targets[0] if len(targets) == 1 else targets
    model.compile(keras.optimizers.Adam(0.01), "mse")
    stateful = any(getattr(layer, "stateful", False) for layer in model.layers)

    def train(model):
        for _ in range(3):
            model.train_on_batch(one, targets)
            if stateful:
                model.reset_states() if hasattr(model, "reset_states") else [
                    layer.reset_states() for layer in model.layers if getattr(layer, "stateful", False)
                ]

    train(model)
    there_and_back(name, model, inputs)
    if any(isinstance(layer, RANDOM) or getattr(layer, "dropout", 0) for layer in model.layers):
        return
    again, own = (keras.saving.load_model(at(file)) for file in ("ours.keras", "keras.keras"))
    for after in (again, own):
        train(after)
    close(again.get_weights(), own.get_weights(), f"{name}: trained on", 0)


RANDOM = (L.Dropout, L.GaussianNoise, L.SpatialDropout1D, L.Bidirectional, L.RNN, L.TimeDistributed)


def layers():
    """The first case of every class, and the first with initial states."""
    met = set()
    for case in CASES:
        masked = any(m is not None for m in case.masks)
        if case.style == "cell" or masked or case.training or any(isinstance(v, np.ndarray) for v in case.kwargs.values()):
            continue
        kind = (type(case.make()).__name__, bool(case.states))
        if kind in met:
            continue
        met.add(kind)
        yield f"layer {case.name}", lambda case=case: there_and_back(case.name, *layer_model(case))
        single = len(case.inputs) == 1 and not case.states and not case.kwargs and case.style not in ("list", "args")
        if single and len(tree.flatten(case.make()(case.inputs[0]))) == 1:
            yield f"Sequential {case.name}", lambda case=case: trained(case.name, sequential_model(case), case.inputs)
        yield f"trained {case.name}", lambda case=case: trained(case.name, *layer_model(case))


def stacks():
    def check(seed, build):
        model, specs, _ = build(np.random.default_rng(seed))
        make_weights(model, seed)
        inputs = [make_input(seed, i, spec) for i, spec in enumerate(specs)]
        there_and_back(f"stack {seed}", model, inputs)

    for seed in STACKS:
        yield f"stack {seed}", lambda seed=seed: check(seed, sequential)
    for seed in GRAPHS:
        yield f"graph {seed}", lambda seed=seed: check(seed, graph)


def data(seed=3, classes=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(24, 6, 4)).astype("float32")
    return x, np.eye(classes, dtype="float32")[rng.integers(0, classes, 24)]


def stacked(optimizer, **options):
    model = keras.Sequential(
        [keras.Input((6, 4)), L.LSTM(5, return_sequences=True), L.LSTM(4), L.Dense(3, activation="softmax")]
    )
    random_weights(model, np.random.default_rng(5))
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def across_the_border(optimizer):
    x, y = data()
    np.save(at("x.npy"), x)
    np.save(at("y.npy"), y)
    fit = dict(batch_size=8, shuffle=False, verbose=0)
    whole = stacked(optimizer)
    wanted = whole.fit(x, y, epochs=6, **fit).history
    model = stacked(optimizer)
    first = model.fit(x, y, epochs=2, **fit).history
    model.save(at("one.keras"))
    command("fit", at("one.keras"), "--x", at("x.npy"), "--y", at("y.npy"), "--epochs", 2, "--batch-size", 8,
            "--no-shuffle", "--output", at("two.keras"), "--history", at("two.json"))  # fmt: skip
    second = json.load(open(at("two.json")))
    model = keras.saving.load_model(at("two.keras"))
    third = model.fit(x, y, epochs=2, **fit).history
    close([first["loss"] + second["loss"] + third["loss"]], [wanted["loss"]], f"{optimizer}: losses")
    close(model.get_weights(), whole.get_weights(), f"{optimizer}: weights")
    assert int(model.optimizer.iterations) == 18


def fits():
    x, y = data()
    np.save(at("x.npy"), x)
    np.save(at("y.npy"), y)
    np.save(at("vx.npy"), x[:7] * 0.5)
    np.save(at("vy.npy"), y[:7])
    weights = (np.arange(24) % 5 / 2).astype("float32")
    np.save(at("w.npy"), weights)
    plain = ["--x", at("x.npy"), "--y", at("y.npy"), "--no-shuffle"]

    def check(options, keras_options, compiled=None):
        model = stacked("adam")
        model.save(at("m.keras"))
        if compiled:
            model.compile(**compiled)
        history = model.fit(x, y, **{"shuffle": False, "verbose": 0, **keras_options}).history
        command("fit", at("m.keras"), *plain, *options, "--output", at("t.keras"), "--history", at("h.json"))
        found = json.load(open(at("h.json")))
        assert list(found) == list(history), f"{list(found)}, Keras has {list(history)}"
        close([found[k] for k in history], list(history.values()), "history")
        close(keras.saving.load_model(at("t.keras")).get_weights(), model.get_weights(), "weights")

    held = (x[:7] * 0.5, y[:7])
    cases = {
        "defaults": ([], {}),
        "epochs and batch size": (["--epochs", 3, "--batch-size", 5], dict(epochs=3, batch_size=5)),
        "validation split": (["--validation-split", 0.3, "--epochs", 2], dict(validation_split=0.3, epochs=2)),
        "validation data": (["--validation-x", at("vx.npy"), "--validation-y", at("vy.npy")], dict(validation_data=held)),
        "class weights": (["--class-weight", '{"0": 1.0, "1": 3.5, "2": 0.5}', "--epochs", 2], dict(class_weight={0: 1.0, 1: 3.5, 2: 0.5}, epochs=2)),
        "sample weights": (["--sample-weight", at("w.npy"), "--epochs", 2], dict(sample_weight=weights, epochs=2)),
        "sample weights and a validation split": (
            ["--sample-weight", at("w.npy"), "--validation-split", 0.25], dict(sample_weight=weights, validation_split=0.25)
        ),
        "initial epoch": (["--epochs", 4, "--initial-epoch", 2], dict(epochs=4, initial_epoch=2)),
        "all three": (
            ["--optimizer", "sgd", "--loss", "mse", "--metrics", "mae"], {}, dict(optimizer="sgd", loss="mse", metrics=["mae"])
        ),
        "optimizer": (["--optimizer", "rmsprop"], {}, dict(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])),
        "loss": (["--loss", "mse"], {}, dict(optimizer="adam", loss="mse", metrics=["accuracy"])),
        "metrics": (["--metrics", "mae,mse"], {}, dict(optimizer="adam", loss="categorical_crossentropy", metrics=["mae", "mse"])),
    }  # fmt: skip
    for name, case in cases.items():
        yield f"fit, {name}", lambda case=case: check(*case)


def masked_losses():
    """Training on outputs that carry masks, and their figures: masks of steps, and of steps within steps.

    The metrics are those of `evaluate`: in `fit` Keras on JAX has lost the mask before they see it.
    """

    def check(shape, grow):
        ids = np.random.default_rng(8).integers(0, 7, (6, *shape)).astype("int32")
        ids[:, 0] = 1
        x = keras.Input(shape, dtype="int32")
        model = keras.Model(x, grow(L.Embedding(7, 2, mask_zero=True)(x)))
        random_weights(model, np.random.default_rng(9), 0.6)
        model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
        y = np.random.default_rng(7).normal(size=(6, *model.output_shape[1:])).astype("float32")
        model.save(at("m.keras"))
        np.save(at("x.npy"), ids)
        np.save(at("y.npy"), y)
        data = ["--x", at("x.npy"), "--y", at("y.npy")]
        figures = json.loads(command("evaluate", at("m.keras"), *data, "--json"))
        wanted = model.evaluate(ids, y, verbose=0, return_dict=True)
        assert set(figures) == set(wanted), f"{list(figures)}, Keras has {list(wanted)}"
        close([figures[k] for k in wanted], list(wanted.values()), "evaluate")
        history = model.fit(ids, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
        command("fit", at("m.keras"), *data, "--batch-size", 4, "--epochs", 2, "--no-shuffle", "--output", at("t.keras"),
                "--history", at("h.json"))  # fmt: skip
        close([json.load(open(at("h.json")))["loss"]], [history["loss"]], "losses")
        close(keras.saving.load_model(at("t.keras")).get_weights(), model.get_weights(), "weights")

    kinds = {
        "steps": ((5,), L.LSTM(3, return_sequences=True)),
        "steps within steps": ((3, 4), L.Dense(3)),
    }
    for name, (shape, grow) in kinds.items():
        yield f"loss, masks of {name}", lambda shape=shape, grow=grow: check(shape, grow)


def main():
    checks = [*layers(), *stacks(), *masked_losses()]
    checks += [(f"training across the border, {o}", lambda o=o: across_the_border(o)) for o in ("adam", "rmsprop", "sgd")]
    checks += list(fits())
    for name, check in checks:
        if WANTED not in name:
            continue
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        try:
            check()
            PASSED.append(name)
        except Exception as error:
            FAILED.append(name)
            print(f"FAILED {name}: {type(error).__name__}: {str(error)[:600]}", flush=True)
            if not isinstance(error, (RuntimeError, AssertionError)):
                traceback.print_exc()
    print(f"{len(PASSED)} checks against Keras {keras.__version__} passed, {len(FAILED)} failed")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
