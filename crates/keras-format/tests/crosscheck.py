"""Holds files written here against real Keras.

    cargo build --release -p keras-format --example rewrite
    python crosscheck.py path/to/rewrite     # in the environment of requirements.txt

- Every `.keras` and `.weights.h5` of fixtures/ is read and written again by the example; Keras has
  to load the copy and find the same weights, optimizer variables and predictions in it.
- Of every legacy `.h5` and every file of an older Keras, Keras 3 has to build the model from the
  config as this crate hands it on, and predict with the file's weights what the old Keras did.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")

import h5py
import keras
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
REWRITE = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp()
CHECKED = []


@keras.saving.register_keras_serializable("fixtures")
class Twice(keras.layers.Layer):
    def call(self, x):
        return x * 2


@keras.saving.register_keras_serializable("fixtures")
def keras2_hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


# Activations are looked up by name among Keras' own alone.
keras.src.activations.ALL_OBJECTS_DICT["keras2_hard_sigmoid"] = keras2_hard_sigmoid


def rewrite(file, ending):
    out = os.path.join(WORK, file.split(".")[0] + ending)
    subprocess.run([REWRITE, os.path.join(HERE, file), out], check=True)
    return out


def same(found, wanted, what):
    assert len(found) == len(wanted), f"{what}: {len(found)} arrays, not {len(wanted)}"
    for i, (a, b) in enumerate(zip(found, wanted)):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=f"{what}, array {i}")


def predictions(model, file):
    path = os.path.join(HERE, file.split(".")[0].replace("_weights", "") + ".npz")
    if not os.path.exists(path):
        return
    data = np.load(path)
    inputs = [data[f"x{i}"] for i in range(len(data)) if f"x{i}" in data]
    outputs = [data[f"y{i}"] for i in range(len(data)) if f"y{i}" in data]
    found = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    found = found if isinstance(found, (list, tuple)) else [found]
    assert len(found) == len(outputs)
    rows = slice(None)
    if file.startswith("k2_graph"):
        # Keras 3 drops the mask of a layer that is given initial states, Keras 2 used it.
        rows = (data["x0"] != 0).all(axis=1)
        assert rows.sum() == 2
    for a, b in zip(found, outputs):
        a, b = a[rows], b[rows]
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=file)


def optimizer(model):
    return [v for v in model.optimizer.variables] if getattr(model, "optimizer", None) else []


def copy_of_keras_file(file):
    copy = rewrite(file, ".keras")
    with zipfile.ZipFile(copy) as archive:
        entries = archive.infolist()
        assert [e.filename for e in entries] == ["metadata.json", "config.json", "model.weights.h5"]
        assert all(e.compress_type == zipfile.ZIP_STORED for e in entries)
        h5 = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        original = zipfile.ZipFile(os.path.join(HERE, file)).read("model.weights.h5")
        compare_h5(h5, h5py.File(io.BytesIO(original)), file)
    found, wanted = keras.saving.load_model(copy), keras.saving.load_model(os.path.join(HERE, file))
    same(found.get_weights(), wanted.get_weights(), file)
    same(optimizer(found), optimizer(wanted), f"{file}, optimizer")
    if file.startswith("k3_"):
        assert found.get_config() == wanted.get_config(), file
    predictions(found, file)
    CHECKED.append(f"{file}: {len(found.get_weights())} weights, {len(optimizer(found))} of the optimizer")


def compare_h5(found, wanted, what):
    """The same groups, arrays, types and names."""

    def listing(h5):
        rows = {}
        h5.visititems(lambda path, node: rows.update({canonical(path): row(node)}))
        return rows

    def row(node):
        if isinstance(node, h5py.Dataset):
            return (node.shape, node.dtype.str, node[()].tobytes())
        return dict(node.attrs)

    def canonical(path):
        for part in ("query", "key", "value", "output"):
            path = path.replace(f"/_{part}_dense", f"/{part}_dense")
        return path

    assert listing(found) == listing(wanted), what


def copy_of_weights_file(file):
    copy = rewrite(file, ".weights.h5")
    compare_h5(h5py.File(copy), h5py.File(os.path.join(HERE, file)), file)
    model = keras.saving.load_model(os.path.join(HERE, file.replace(".weights.h5", ".keras")))
    wanted = model.get_weights()
    model.set_weights([w * 0 for w in wanted])
    model.load_weights(copy)
    same(model.get_weights(), wanted, file)
    CHECKED.append(f"{file}: {len(wanted)} weights")


def legacy_weights(h5):
    group = h5["model_weights"]
    for layer in group.attrs["layer_names"]:
        for name in group[layer].attrs["weight_names"]:
            yield np.asarray(group[layer][name])


def model_of_config(config):
    compiled = config.pop("compile_config", None)
    model = keras.saving.deserialize_keras_object(config)
    if compiled:
        optimizer = keras.saving.deserialize_keras_object(compiled["optimizer"])
        loss = compiled["loss"]
        loss = loss if isinstance(loss, str) else keras.saving.deserialize_keras_object(loss)
        model.compile(optimizer, loss, metrics=compiled["metrics"])
    return model


def legacy_file(file):
    with open(rewrite(file, ".json")) as text:
        model = model_of_config(json.load(text))
    with h5py.File(os.path.join(HERE, file)) as h5:
        values = list(legacy_weights(h5))
    # In the order of the file: by layer, and in each the trainable ones first.
    variables = []
    for layer in model.layers:
        variables += layer.trainable_weights + layer.non_trainable_weights
    assert len(variables) == len(values), f"{file}: {len(variables)} variables, {len(values)} arrays"
    for variable, value in zip(variables, values):
        assert tuple(variable.shape) == value.shape, (file, variable.path, value.shape)
        variable.assign(value)
    predictions(model, file)
    CHECKED.append(f"{file}: {len(values)} weights")


def old_keras_file(file):
    """Keras 3 refuses tf.keras' archives; with the rewritten config it loads them."""
    copy_path = rewrite(file, ".keras")
    model = keras.saving.load_model(copy_path, compile=False)
    predictions(model, file)
    CHECKED.append(f"{file}: {len(model.get_weights())} weights")


FAILED = []
for file in sorted(os.listdir(HERE)):
    if not file.startswith("k"):
        continue
    if file in ("k3_lambda.keras", "k3_mixed.keras", "k3_bfloat16.weights.h5", "k2_hard_weights.h5"):
        continue
    try:
        if file.startswith("k2_") and file.endswith(".keras"):
            old_keras_file(file)
        elif file.endswith(".keras"):
            copy_of_keras_file(file)
        elif file.endswith(".weights.h5"):
            copy_of_weights_file(file)
        elif file.endswith(".h5"):
            legacy_file(file)
    except Exception:
        FAILED.append(file)
        print(f"FAILED {file}")
        traceback.print_exc()

print("\n".join(CHECKED))
print(f"{len(CHECKED)} passed, {len(FAILED)} failed")
sys.exit(1 if FAILED else 0)
