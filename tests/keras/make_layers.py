"""Runs every layer of layer_cases_*.py in Keras: outputs and gradients, with random weights.

    python tests/keras/make_layers.py [PART OF A NAME]     writes tests/fixtures/layers.{json,npz}

Without an argument it writes the files; with one it runs the cases whose name holds it, prints
their shapes and writes nothing. README.md says what the files hold.
"""

import contextlib
import os
import sys
import zlib

# Hundreds of tiny programs: compiling them is what takes the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

from reference import FIXTURES, FLOATX, header, keras, np, plain, random_weights, without_initializers, write_json

import jax
from keras import tree
from keras.src import backend
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell
from keras.src.random.seed_generator import draw_seed

import layer_cases_other  # noqa: F401
import layer_cases_recurrent  # noqa: F401
import layer_cases_wrappers  # noqa: F401
from layer_cases import CASES


@contextlib.contextmanager
def watched_draws():
    """Yields the list of what the random layers draw, as ("dm" or "rdm", array), in Keras' order."""
    drawn, kind = [], ["dm"]
    dropout, normal = backend.random.dropout, backend.random.normal
    recurrent = DropoutRNNCell.get_recurrent_dropout_mask

    def watched_dropout(inputs, rate, noise_shape=None, seed=None):
        seed = draw_seed(seed)
        drawn.append((kind[0], dropout(jax.numpy.ones_like(inputs), rate, noise_shape, seed)))
        return dropout(inputs, rate, noise_shape, seed)

    def watched_normal(*args, **kwargs):
        drawn.append((kind[0], normal(*args, **kwargs)))
        return drawn[-1][1]

    def watched_recurrent(cell, step_input):
        kind[0] = "rdm"
        try:
            return recurrent(cell, step_input)
        finally:
            kind[0] = "dm"

    backend.random.dropout, backend.random.normal = watched_dropout, watched_normal
    DropoutRNNCell.get_recurrent_dropout_mask = watched_recurrent
    try:
        yield drawn
    finally:
        backend.random.dropout, backend.random.normal = dropout, normal
        DropoutRNNCell.get_recurrent_dropout_mask = recurrent


def arguments(case, inputs, states):
    """The call's arguments. Masks travel attached to the inputs, as between layers."""
    kwargs = dict(case.kwargs)
    for x, mask in zip(inputs, case.masks):
        set_keras_mask(x, mask)
    if case.training:
        kwargs["training"] = True
    if case.style == "cell":
        return [inputs[0], tree.pack_sequence_as(case.states, list(states))], kwargs
    if case.style == "args":  # query, value and, if there is one, key
        if len(inputs) == 3:
            kwargs["key"] = inputs[2]
        return list(inputs[:2]), kwargs
    if case.style == "list":
        return [list(inputs)], kwargs
    if states:
        kwargs["initial_state"] = tree.pack_sequence_as(case.states, list(states))
        if case.masks[0] is not None:  # Keras drops an attached mask when states are passed
            kwargs["mask"] = case.masks[0]
    return list(inputs), kwargs


def run(case):
    keras.utils.clear_session()
    seed = zlib.crc32(case.name.encode())
    keras.utils.set_random_seed(seed % 2**31)
    rng = np.random.default_rng(seed)
    case.masks = [None if m is None else np.asarray(m, bool) for m in case.masks]
    inputs = [np.asarray(x, FLOATX) if x.dtype.kind == "f" else x for x in case.inputs]
    states = [np.asarray(s, FLOATX) for s in tree.flatten(case.states)]
    arrays = {f"x{i}": x for i, x in enumerate(inputs)}
    arrays.update({f"mask{i}": m for i, m in enumerate(case.masks) if m is not None})
    arrays.update({f"s{i}": s for i, s in enumerate(states)})
    arrays.update({k: v for k, v in case.kwargs.items() if isinstance(v, np.ndarray)})

    layer = case.make()
    if case.adapt is not None:
        layer.adapt(case.adapt)
        arrays["adapt0"] = case.adapt
    args, kwargs = arguments(case, inputs, states)
    layer(*tree.map_structure(lambda x: keras.KerasTensor(x.shape, str(x.dtype)), args), **symbolic(kwargs))
    if case.adapt is None:
        random_weights(layer, rng, scale=0.6)
    weights = [np.asarray(w) for w in layer.get_weights()]
    arrays.update({f"w{i}": w for i, w in enumerate(weights)})

    result = record(case, layer, inputs, states, rng, "", arrays)
    if case.second is not None:  # stateful: the states of the first call go into the second
        for held, value in zip(held_states(layer, case), result["held"]):
            held.assign(value)
        second = [np.asarray(case.second, FLOATX)]
        arrays["second_x0"] = second[0]
        arrays.update({f"second_mask{i}": m for i, m in enumerate(case.masks) if m is not None})
        arrays.update({f"second_s{i}": s for i, s in enumerate(states)})
        record(case, layer, second, states, rng, "second_", arrays)
    config = plain(keras.saving.serialize_keras_object(layer))
    info = {
        "class_name": config["class_name"],
        "config": config,
        "call": {
            "style": case.style,
            "training": case.training,
            "masks": [m is not None for m in case.masks],
            "states": plain(tree.map_structure(lambda s: list(s.shape), case.states)),
            "arguments": {k: True if isinstance(v, np.ndarray) else v for k, v in case.kwargs.items()},
        },
        "stateful": case.second is not None,
        "inputs": len(inputs),
        "outputs": result["outputs"],
        "weights": [
            {"name": w.path, "shape": list(w.shape), "trainable": any(w is t for t in layer.trainable_weights)}
            for w in layer.weights
        ],
    }
    if result["losses"]:
        info["losses"] = result["losses"]
    return info, {k: shrink(v) for k, v in arrays.items()}


def symbolic(kwargs):
    return tree.map_structure(
        lambda v: keras.KerasTensor(v.shape, str(v.dtype)) if isinstance(v, np.ndarray) else v, kwargs
    )


def record(case, layer, inputs, states, rng, prefix, arrays):
    """One run under jax.grad: outputs, what was drawn and updated, gradients. Goes into `arrays`."""
    floating = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
    held = held_states(layer, case)
    cotangents = []

    def objective(trainable, floats, states):
        full = [backend.convert_to_tensor(x) for x in inputs]
        for i, x in zip(floating, floats):
            full[i] = x
        args, kwargs = arguments(case, full, states)
        # Not `stateless_call`: it goes past `__call__`, where masks and activity regularizers are.
        given = list(zip(layer.trainable_variables, trainable))
        with keras.StatelessScope(state_mapping=given, collect_losses=True) as scope, watched_draws() as drawn:
            outputs = tree.flatten(layer(*args, **kwargs))
            losses = layer.losses
        if not cotangents:
            cotangents.extend(rng.uniform(-1, 1, y.shape).astype("float32") for y in outputs)
        total = sum((y * r).sum() for y, r in zip(outputs, cotangents)) + sum(losses)
        kinds.extend(kind for kind, _ in drawn)
        return total, {
            "y": outputs,
            "outmask": [get_keras_mask(y) for y in outputs],
            "drawn": [array for _, array in drawn],
            "losses": losses,
            "updated": [scope.get_current_value(w) for w in layer.weights],
            "held": [scope.get_current_value(v) for v in held],
        }

    kinds = []
    gradients, seen = jax.jit(jax.grad(objective, argnums=(0, 1, 2), has_aux=True))(
        [v.value for v in layer.trainable_variables], [inputs[i] for i in floating], states
    )
    for i, y in enumerate(seen["y"]):
        arrays[f"{prefix}y{i}"] = y
        arrays[f"{prefix}r{i}"] = cotangents[i]
        if seen["outmask"][i] is not None:
            arrays[f"{prefix}outmask{i}"] = seen["outmask"][i]
    counts = {"dm": 0, "rdm": 0}
    for kind, array in zip(kinds, seen["drawn"]):
        arrays[f"{prefix}{kind}{counts[kind]}"] = array
        counts[kind] += 1
    trainable = {id(v): g for v, g in zip(layer.trainable_variables, gradients[0])}
    for i, weight in enumerate(layer.weights):
        if id(weight) in trainable:
            arrays[f"{prefix}gw{i}"] = trainable[id(weight)]
        elif seen["updated"][i] is not None and not np.array_equal(arrays[f"w{i}"], seen["updated"][i]):
            arrays[f"{prefix}nt{i}"] = seen["updated"][i]
    arrays.update({f"{prefix}gx{i}": g for i, g in zip(floating, gradients[1])})
    arrays.update({f"{prefix}gs{i}": g for i, g in enumerate(gradients[2])})
    for name, array in arrays.items():
        assert np.isfinite(np.asarray(array)).all(), f"{name} is not finite"
    return {"outputs": len(seen["y"]), "losses": [float(v) for v in seen["losses"]], "held": seen["held"]}


def held_states(layer, case):
    if case.second is None:
        return []
    if hasattr(layer, "forward_layer"):
        return tree.flatten([layer.forward_layer.states, layer.backward_layer.states])
    return tree.flatten(layer.states)


def shrink(array):
    array = np.asarray(array)
    if array.dtype == np.float64 and FLOATX == "float32":
        array = array.astype("float32")
    return array.astype("int32") if array.dtype.kind in "iu" else array


def main():
    without_initializers()
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    cases, arrays, failed = {}, {}, []
    for case in CASES:
        if wanted not in case.name:
            continue
        try:
            cases[case.name], found = run(case)
        except Exception as error:
            print(f"{case.name}: {type(error).__name__}: {str(error)[:400]}", flush=True)
            failed.append(case.name)
            continue
        arrays.update({f"{case.name}/{key}": value for key, value in found.items()})
        if wanted:
            print(case.name, {k: v.shape for k, v in found.items()}, cases[case.name].get("losses", ""))
    print(f"{len(cases)} cases, {len({c['class_name'] for c in cases.values()})} classes")
    if FLOATX == "float64":
        compare(arrays)
    elif not wanted:
        np.savez_compressed(FIXTURES / "layers.npz", **arrays)
        write_json(FIXTURES / "layers.json", header(), cases)
    return f"{len(failed)} cases failed" if failed else None


def compare(arrays):
    """How far the committed float32 numbers are from the same in double precision."""
    with np.load(FIXTURES / "layers.npz") as committed:
        for name, exact in arrays.items():
            kind = name.split("/")[1].removeprefix("second_")
            if exact.dtype.kind != "f" or kind[0] not in "yg" or name not in committed:
                continue
            tolerance = 1e-5 if kind[0] == "y" else 1e-4
            off = np.abs(committed[name] - exact) / (tolerance + tolerance * np.abs(exact))
            if off.max(initial=0) > 0.1:
                print(f"{name}: {off.max():.2f} of the tolerance")


if __name__ == "__main__":
    sys.exit(main())
