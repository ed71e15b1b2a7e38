"""Makes the files in fixtures/ with whichever Keras runs this script.

    python3.11 -m venv /tmp/k && /tmp/k/bin/pip install -r requirements.txt
    /tmp/k/bin/python make_fixtures.py fixtures

Run it once with each of requirements.txt, requirements-keras33.txt and requirements-tfkeras.txt
(the last one with tf-keras put beside it, see there). Every run adds files named after its Keras
(k3_, k33_, k2_) and a JSON of what is in them, computed by Keras and h5py:

    k3_stacked.keras, k3_stacked.npz   a model; its inputs x0.. and its predictions y0..
    k3_expected.json                   every array of every file: shape, dtype, sums, ends
"""

import io
import json
import os
import sys
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import h5py
import numpy as np

try:
    import tf_keras as keras
except ImportError:
    import keras

L = keras.layers
VERSION = tuple(int(n) for n in keras.__version__.split(".")[:2])
PREFIX = "k2_" if VERSION[0] == 2 else "k33_" if VERSION < (3, 5) else "k3_"
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "fixtures")
RNG = np.random.default_rng(7)
EXPECTED = {}
# One of the three has padding at its end.
SENTENCES = np.array([[3, 1, 4, 0, 0], [5, 2, 6, 1, 8], [7, 8, 1, 3, 2]], dtype="int32")


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def ints(top, *shape):
    return RNG.integers(0, top, size=shape).astype("int32")


def shake(model):
    """Weights that show a swapped gate or a missing bias: no zeros, no ones."""
    values = []
    for weight in model.get_weights():
        values.append((RNG.normal(size=weight.shape) * 0.4).astype(weight.dtype))
    model.set_weights(values)
    for layer in every_layer(model):
        if layer.__class__.__name__ == "BatchNormalization":
            *rest, variance = layer.get_weights()
            layer.set_weights([*rest, np.abs(variance) + 0.5])
    return model


def every_layer(model):
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from every_layer(layer)


def short(number):
    return float(f"{number:.11g}")


def array(value):
    value = np.asarray(value)
    flat = value.astype("float64").ravel()
    return {
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "sum": short(flat.sum()),
        "ramp": short((flat * np.arange(1, flat.size + 1)).sum()),
        "ends": [float(flat[0]), float(flat[-1])] if flat.size else [],
    }


def tree(h5):
    """Every object of a weights file: its name and arrays."""
    found = {}

    def visit(path, node):
        if isinstance(node, h5py.Group) and path.rsplit("/", 1)[-1] == "vars":
            arrays = [array(node[str(i)]) for i in range(len(node))]
            found[path[:-4].rstrip("/")] = {"name": node.attrs.get("name"), "arrays": arrays}

    h5.visititems(visit)
    return found


def names(group, attribute):
    if attribute in group.attrs:
        found = group.attrs[attribute]
    else:
        found, part = [], 0
        while f"{attribute}{part}" in group.attrs:
            found.extend(group.attrs[f"{attribute}{part}"])
            part += 1
    return [n.decode() if isinstance(n, bytes) else str(n) for n in found]


def legacy(h5):
    group = h5["model_weights"] if "model_weights" in h5 else h5
    layers = []
    for name in names(group, "layer_names"):
        weights = [[n, array(group[name][n])] for n in names(group[name], "weight_names")]
        layers.append([name, weights])
    found = {"layers": layers}
    if "optimizer_weights" in h5:
        slots = h5["optimizer_weights"]
        found["optimizer"] = [[n, array(slots[n])] for n in names(slots, "weight_names")]
    return found


def describe(file):
    path = os.path.join(OUT, file)
    if file.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as h5:
                return {"tree": tree(h5)}
    with h5py.File(path) as h5:
        if "layer_names" in h5.attrs or "model_weights" in h5:
            return {"legacy": legacy(h5)}
        return {"tree": tree(h5)}


def keep(model, name, inputs, endings=(".keras",)):
    """Saves a model, what it predicts, and what is in its files."""
    inputs = [np.asarray(x) for x in (inputs if isinstance(inputs, list) else [inputs])]
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    arrays = {f"x{i}": x for i, x in enumerate(inputs)}
    arrays.update({f"y{i}": np.asarray(y) for i, y in enumerate(outputs)})
    np.savez(os.path.join(OUT, f"{PREFIX}{name}.npz"), **arrays)
    for ending in endings:
        file = PREFIX + name + ending
        path = os.path.join(OUT, file)
        if ending.endswith(".weights.h5") or ending == "_weights.h5":
            model.save_weights(path)
        else:
            model.save(path)
        EXPECTED[file] = {
            "keras_version": keras.__version__,
            "predictions": f"{PREFIX}{name}.npz",
            **describe(file),
        }


def stacked():
    layers = [
        L.LSTM(5, return_sequences=True),
        L.LSTM(4, return_sequences=True),
        L.LSTM(3),
        L.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential([keras.Input((6, 4)), *layers], name="stacked")
    return shake(model)


def wrapped():
    # Keras 3.3 can't train cells with unequal numbers of states under a mask.
    cells = [L.LSTMCell(3), L.GRUCell(2), L.SimpleRNNCell(2)]
    cells = L.LSTMCell(3) if PREFIX == "k33_" else cells
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            L.Masking(-1.0),
            L.Bidirectional(L.LSTM(2, return_sequences=True)),
            L.TimeDistributed(L.Dense(3, activation="relu")),
            L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum"),
            L.SpatialDropout1D(0.1),
            L.GRU(3, reset_after=False, go_backwards=True, return_sequences=True),
            L.RNN(cells, return_sequences=True),
            L.SimpleRNN(2, use_bias=False),
            L.Dense(1),
        ]
    )
    return shake(model)


def masked(rows=4):
    x = floats(rows, 5, 3)
    x[0, 3:] = -1.0
    x[1, 1:] = -1.0
    return x


def convolved():
    model = keras.Sequential(
        [
            keras.Input((8, 2)),
            L.Conv1D(4, 3, padding="causal", activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling1D(2),
            L.Dropout(0.2),
            L.LayerNormalization(),
            L.GlobalAveragePooling1D(),
            L.Dense(2, activation=L.LeakyReLU()),
            L.Dense(2),
        ]
    )
    return shake(model)


def graph():
    tokens = keras.Input((5,), dtype="int32", name="tokens")
    extra = keras.Input((3,), name="extra")
    embedded = L.Embedding(9, 4, mask_zero=True, name="words")(tokens)
    states = L.LSTM(4, return_sequences=True, return_state=True)(embedded)
    decoded = L.LSTM(4, return_sequences=True)(states[0], initial_state=states[1:])
    attended = L.MultiHeadAttention(2, 3, name="attention")(decoded, states[0])
    added = L.Add()([attended, decoded])
    normal = L.LayerNormalization()(added)
    squeeze = L.Dense(3, name="shared")
    inner_in = keras.Input((3,), name="inner_in")
    inner_out = L.Dense(2, activation="tanh", name="inner_dense")(inner_in)
    inner = keras.Model(inner_in, inner_out, name="inner")
    small = keras.Sequential([keras.Input((2,)), L.Dense(2, name="small_dense")], name="small")
    steps = L.TimeDistributed(L.Dense(3))(normal)
    last = L.GRU(3)(steps)
    left, right = inner(last), inner(extra)
    joined = L.Concatenate()([left, right, L.BatchNormalization()(extra)])
    joined = L.Concatenate()([joined, small(left)])
    first = L.Dense(2, name="first")(joined)
    both = L.Multiply()([squeeze(L.Dense(4)(joined)), squeeze(L.Dense(4)(right))])
    second = L.Dense(1, name="second")(both)
    return shake(keras.Model([tokens, extra], [first, second, right], name="graph"))


def single():
    """Functional with one input and one output."""
    x = keras.Input((4, 2), name="x")
    y = L.Dense(2)(L.LSTM(3)(x))
    return shake(keras.Model(x, y, name="single"))


def compiled(model, optimizer, loss, x, y, metrics=None):
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    return model


def one_hot(rows, classes):
    return np.eye(classes, dtype="float32")[ints(classes, rows)]


def keras3():
    old = PREFIX == "k33_"
    model = stacked()
    keep(model, "stacked", floats(3, 6, 4))
    x, y = floats(8, 6, 4), one_hot(8, 3)
    trained = compiled(model, "rmsprop", "categorical_crossentropy", x, y, ["accuracy"])
    keep(trained, "trained", x, (".keras", ".h5", ".weights.h5") if not old else (".keras", ".h5"))
    model = wrapped()
    x = masked(8)
    adam = keras.optimizers.Adam(0.01, clipnorm=1.0)
    keep(compiled(model, adam, keras.losses.Huber(), x, floats(8, 1)), "wrapped", x)
    keep(graph(), "graph", [SENTENCES, floats(3, 3)], (".keras",) if old else (".keras", ".h5"))
    if old:
        return
    keep(convolved(), "convolved", floats(2, 8, 2))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    sgd = keras.optimizers.SGD(schedule, momentum=0.9)
    x, y = floats(4, 4, 2), floats(4, 2)
    keep(compiled(single(), sgd, "mse", x, y), "single", x)
    refused()
    hostile()


def refused():
    """Files that no loader without Python can take; nothing to predict."""

    @keras.saving.register_keras_serializable("fixtures")
    class Twice(L.Layer):
        def call(self, x):
            return x * 2

    keras.Sequential([keras.Input((2,)), Twice()]).save(os.path.join(OUT, "k3_custom.keras"))
    keras.Sequential([keras.Input((2,)), L.Lambda(lambda x: x * 2, name="times_two")]).save(
        os.path.join(OUT, "k3_lambda.keras")
    )
    keras.Sequential([keras.Input((2,)), L.Dense(1, dtype="mixed_bfloat16")]).save(
        os.path.join(OUT, "k3_mixed.keras")
    )
    model = keras.Sequential([keras.Input((2,)), L.Dense(1, dtype="bfloat16")])
    model.save_weights(os.path.join(OUT, "k3_bfloat16.weights.h5"))


def hostile():
    """HDF5 features that reach out of the file, or that no Keras writes."""

    def weights(name):
        h5 = h5py.File(os.path.join(OUT, f"hostile_{name}.weights.h5"), "w")
        h5.create_group("vars").attrs["name"] = "m"
        return h5, h5.create_group("layers/dense/vars")

    h5, group = weights("soft_link")
    h5["layers/other/vars/0"] = np.zeros(2, "float32")
    group["0"] = h5py.SoftLink("/layers/other/vars/0")
    h5, group = weights("external_link")
    group["0"] = h5py.ExternalLink("/etc/passwd", "/x")
    h5, group = weights("external_data")
    group.create_dataset("0", (4,), "uint32", external=[("/etc/passwd", 0, 16)])
    h5, group = weights("virtual")
    layout = h5py.VirtualLayout((2,), "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (2,))
    group.create_virtual_dataset("0", layout)
    h5, group = weights("chunked")
    group.create_dataset("0", data=np.zeros(8, "float32"), chunks=(4,))
    h5, group = weights("gzip")
    group.create_dataset("0", (1 << 30,), "float32", chunks=(1 << 20,), compression="gzip")
    h5, group = weights("unwritten")
    group.create_dataset("0", (1 << 30,), "float32")
    h5 = h5py.File(os.path.join(OUT, "hostile_dense.weights.h5"), "w", libver="latest")
    group = h5.create_group("layers/dense/vars", track_order=True)
    for i in range(12):
        group[str(i)] = np.zeros(1, "float32")
    h5 = h5py.File(os.path.join(OUT, "big_endian.weights.h5"), "w")
    h5["layers/dense/vars/0"] = np.arange(6, dtype=">f4").reshape(2, 3)
    h5["layers/dense/vars"].attrs["name"] = np.bytes_("dense")
    h5 = h5py.File(os.path.join(OUT, "split_names.h5"), "w")
    for part in range(3):
        names = [f"layer_{part}_{i}" for i in range(2)]
        h5.attrs[f"layer_names{part}"] = np.array(names, dtype="S")
        for name in names:
            layer = h5.create_group(name)
            layer.attrs["weight_names"] = np.array([f"{name}/kernel:0"], dtype="S")
            layer[f"{name}/kernel:0"] = np.full(2, part, "float32")


def keras2():
    layers = [
        L.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid", input_shape=(6, 4)),
        L.Bidirectional(L.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid")),
        L.Dense(3, activation="softmax"),
    ]
    model = shake(keras.Sequential(layers, name="old"))
    keep(model, "hard", floats(3, 6, 4), (".h5", "_weights.h5"))
    x, y = floats(8, 6, 4), one_hot(8, 3)
    trained = compiled(stacked(), "adam", "categorical_crossentropy", x, y, ["accuracy"])
    keep(trained, "trained", x, (".h5",))
    x = masked(8)
    sgd = keras.optimizers.legacy.SGD(0.05, momentum=0.9, decay=0.01)
    keep(compiled(wrapped(), sgd, keras.losses.Huber(), x, floats(8, 1)), "wrapped", x, (".h5",))
    keep(graph(), "graph", [SENTENCES, floats(3, 3)], (".h5", ".keras"))


keras.utils.set_random_seed(7)
os.makedirs(OUT, exist_ok=True)
keras2() if PREFIX == "k2_" else keras3()
with open(os.path.join(OUT, f"{PREFIX}expected.json"), "w") as file:
    json.dump(EXPECTED, file, separators=(",", ":"), sort_keys=True)
    file.write("\n")
print(f"{len(EXPECTED)} files of Keras {keras.__version__} in {OUT}")
