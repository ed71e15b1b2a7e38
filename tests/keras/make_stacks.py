"""Random stacks of layers and small graphs, run by Keras: do the layers also agree together?

    python tests/keras/make_stacks.py      writes tests/fixtures/stacks.json

Weights and inputs come from the formula in `numbers`, which the Rust test has too, so only
configs and outputs are committed. In the JSON each case has
    class_name, config   Keras' own, without what equals a default
    inputs               a list of {shape, kind, ...}; see `make_input`
    outputs              a list of {shape, values}
    gradients            one number a weight: sum(dL/dw * c) with L = sum over outputs of sum(y * r);
                         null for a weight that is not trained, or where Keras has no number
    mask_goes_backwards  true where a go_backwards layer hands its mask on: Keras 3.15.1 does not
                         reverse it along with the sequence
Tensor numbers of the formula: weights 0, 1, ... in get_weights() order; inputs 1000, 1001, ...;
r of the outputs 3000, 3001, ...; c of the weights 2000, 2001, ...
"""

import copy
import os
import sys
import warnings

# Hundreds of tiny programs: compiling them is what takes the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

from reference import FIXTURES, FLOATX, header, keras, np, plain, without_initializers, write_json

import jax
from keras import tree

from stack_cases import graph, sequential
from stack_cases_more import graph_more
from stack_cases_wide import graph_wide

SEQUENTIAL, GRAPHS, MORE, WIDE = 200, 80, 70, 80
# Here the operations on masks that Keras puts into the graph decide in which order it lists the layers, and with them
# the weights; burn-keras has no such operations, and another order.
ORDERED_BY_MASKS = {390, 402}
M64 = np.uint64(0xFFFFFFFFFFFFFFFF)


def numbers(seed, tensor, count):
    """`count` float32 numbers in [-0.5, 0.5), exact in both languages: splitmix64's mixing, 24 bits of it."""
    with np.errstate(over="ignore"):
        i = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        z = z + np.uint64(tensor + 1) * np.uint64(0xD1342543DE82EF95) + i * np.uint64(0x2545F4914F6CDD1D)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype("float32") / np.float32(2**24) - np.float32(0.5)


def make_input(seed, index, spec):
    """`floats` are 4 * the formula, `tokens` are 1 + floor((v + 0.5) * (vocabulary - 1)).

    With `lengths`, the steps after a sample's length ("post") or before its end ("pre") are zero.
    """
    shape = spec["shape"]
    values = numbers(seed, 1000 + index, int(np.prod(shape))).reshape(shape)
    if spec["kind"] == "tokens":
        values = (1 + np.floor((values + np.float32(0.5)) * np.float32(spec["vocabulary"] - 1))).astype("int32")
    else:
        values = values * np.float32(4)
    for b, length in enumerate(spec.get("lengths", [])):
        if spec["padding"] == "post":
            values[b, length:] = 0
        else:
            values[b, : shape[1] - length] = 0
    return values


def make_weights(model, seed):
    """The formula; a variance is 1 + it."""
    weights = []
    for i, weight in enumerate(model.weights):
        values = numbers(seed, i, int(np.prod(weight.shape))).reshape(weight.shape)
        weights.append(values + np.float32(1) if "variance" in weight.path.split("/")[-1] else values)
    model.set_weights(weights)


def rounded(values):
    return [float(f"{v:.9g}") for v in np.asarray(values, "float64").ravel()]


def run(seed, build):
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model, specs, mask_goes_backwards = build(np.random.default_rng(seed))
    inputs = [make_input(seed, i, spec) for i, spec in enumerate(specs)]
    make_weights(model, seed)
    inputs = [x.astype(FLOATX) if x.dtype.kind == "f" else x for x in inputs]
    one = inputs[0] if len(inputs) == 1 else inputs
    config = neutral(plain(model.get_config()))
    again = type(model).from_config(copy.deepcopy(config))  # which empties what it is given
    assert settings(again) == settings(model), "a stripped entry was not neutral"

    def objective(trainable):
        given = list(zip(model.trainable_variables, trainable))
        with keras.StatelessScope(state_mapping=given):
            ys = tree.flatten(model(one))
        return sum((y.ravel() * numbers(seed, 3000 + k, y.size)).sum() for k, y in enumerate(ys)), ys

    gradients, outputs = jax.jit(jax.grad(objective, has_aux=True))([v.value for v in model.trainable_variables])
    by_variable = {id(v): g for v, g in zip(model.trainable_variables, gradients)}
    sums = []
    for i, weight in enumerate(model.weights):
        # The gradient of a maximum divides by how many values equal it. XLA may compute those a second
        # time, rounded otherwise, and find none: Keras' figure is then not a number, and left out.
        if id(weight) in by_variable and np.isfinite(by_variable[id(weight)]).all():
            g = np.asarray(by_variable[id(weight)], "float64").ravel()
            sums.append(float(f"{(g * numbers(seed, 2000 + i, g.size)).sum():.9g}"))
        else:
            sums.append(None)
    for y in outputs:
        assert np.isfinite(y).all()
    case = {
        "seed": seed,
        "class_name": type(model).__name__,
        "config": config,
        "inputs": specs,
        "outputs": [{"shape": list(y.shape), "values": rounded(y)} for y in outputs],
        "gradients": sums,
    }
    if mask_goes_backwards:
        case["mask_goes_backwards"] = True
    return case


def settings(model):
    """The whole config, without what differs between two models built alike."""

    def strip(thing):
        if isinstance(thing, list):
            return [strip(t) for t in thing]
        if isinstance(thing, dict):
            return {k: strip(v) for k, v in thing.items() if k not in ("build_config", "seed", "shared_object_id")}
        return thing

    return strip(plain(model.get_config()))


MINIMAL = {
    "LSTM": (1,), "GRU": (1,), "SimpleRNN": (1,), "LSTMCell": (1,), "GRUCell": (1,), "SimpleRNNCell": (1,),
    "Dense": (1,), "Conv1D": (1, 1), "Embedding": (1, 1), "Dropout": (0,), "SpatialDropout1D": (0,),
    "GaussianNoise": (0,), "RepeatVector": (1,), "Reshape": ((1,),), "Permute": ((1,),), "Rescaling": (0,),
    "AveragePooling1D": (1,), "MultiHeadAttention": (1, 1), "Dot": (1,), "Activation": (None,),
}  # fmt: skip
REQUIRED = {
    "units", "filters", "kernel_size", "input_dim", "output_dim", "rate", "stddev", "n", "target_shape", "dims",
    "scale", "offset", "pool_size", "strides", "num_heads", "key_dim", "axes", "activation", "name", "layer", "cell", "cells",
}  # fmt: skip
DEFAULTS = {}


def neutral(thing):
    """A config without the entries that say what a fresh layer of the class has anyway."""
    if isinstance(thing, list):
        return [neutral(t) for t in thing]
    if not isinstance(thing, dict):
        return thing
    thing = {k: v for k, v in thing.items() if k not in ("build_config", "registered_name")}
    name, config = thing.get("class_name"), thing.get("config")
    if thing.get("module") == "keras.layers" and isinstance(config, dict) and name != "InputLayer":
        defaults = defaults_of(name)
        config = {k: v for k, v in config.items() if k in REQUIRED or k not in defaults or defaults[k] != v}
        config = {k: v for k, v in config.items() if not k.endswith("_initializer") and k not in ("seed", "dtype")}
        thing = {**thing, "config": config}
    return {k: neutral(v) for k, v in thing.items()}


def defaults_of(name):
    if name not in DEFAULTS:
        if name in ("RNN", "Bidirectional", "TimeDistributed", "StackedRNNCells"):
            inner = keras.layers.LSTM(1) if name != "RNN" else keras.layers.LSTMCell(1)
            layer = getattr(keras.layers, name)([keras.layers.LSTMCell(1)] if name == "StackedRNNCells" else inner)
        else:
            layer = getattr(keras.layers, name)(*MINIMAL.get(name, ()))
        DEFAULTS[name] = plain(layer.get_config())
    return DEFAULTS[name]


def main():
    without_initializers()
    warnings.simplefilter("ignore")  # "... does not support masking and will destroy it": as intended here
    cases, failed = {}, 0
    kinds = [("stack", sequential)] * SEQUENTIAL + [("graph", graph)] * GRAPHS + [("more", graph_more)] * MORE
    for seed, (kind, build) in enumerate(kinds + [("wide", graph_wide)] * WIDE):
        if seed in ORDERED_BY_MASKS:
            continue
        try:
            cases[f"{kind}_{seed:03}"] = run(seed, build)
        except Exception as error:
            print(f"{kind}_{seed:03}: {type(error).__name__}: {str(error)[:400]}", flush=True)
            failed += 1
    if FLOATX == "float64":
        return compare(cases)
    formula = rounded(numbers(7, 1001, 4))
    write_json(FIXTURES / "stacks.json", {**header(), "formula_of_seed_7_tensor_1001": formula}, cases)
    return f"{failed} cases failed" if failed else None


def compare(cases):
    """How far the committed float32 numbers are from the same in double precision."""
    import json

    committed = json.loads((FIXTURES / "stacks.json").read_text())["cases"]
    for name, case in cases.items():
        pairs = [(v, w, 1e-5) for a, b in zip(case["outputs"], committed[name]["outputs"])
                 for v, w in zip(a["values"], b["values"])]  # fmt: skip
        pairs += [(v, w, 1e-4) for v, w in zip(case["gradients"], committed[name]["gradients"])
                  if None not in (v, w)]
        off = max(abs(v - w) / (t + t * abs(v)) for v, w, t in pairs)
        if off > 0.1:
            print(f"{name}: {off:.2f} of the tolerance", [layer["class_name"] for layer in case["config"]["layers"]])


if __name__ == "__main__":
    sys.exit(main())
