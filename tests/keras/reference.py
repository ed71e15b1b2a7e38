"""The reference that all fixtures come from: keras==3.15.1 on JAX, CPU, float32.

Import this module before keras. A script that needs what Keras does with TensorFlow only sets
`KERAS_REFERENCE_BACKEND` before. `FLOATX=float64` in the environment runs the same
scripts in double precision, to see how far float32 itself is from the truth.
"""

import importlib
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_REFERENCE_BACKEND", "jax")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["JAX_PLATFORMS"] = "cpu"
FLOATX = os.environ.get("FLOATX", "float32")
if FLOATX == "float64":
    os.environ["JAX_ENABLE_X64"] = "1"

import keras  # noqa: E402
import numpy as np  # noqa: E402

keras.config.set_floatx(FLOATX)
if keras.__version__ != "3.15.1":
    raise SystemExit(f"the reference is keras 3.15.1, this is {keras.__version__}")

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
DATA = HERE.parent.parent / "examples" / "data"


def without_initializers():
    """New weights are zero from now on, at once: for scripts that set every weight anyway."""
    from keras.src.initializers import random_initializers as initializers

    for name in ["RandomUniform", "VarianceScaling", "Orthogonal"]:
        getattr(initializers, name).__call__ = lambda self, shape, dtype=None: np.zeros(shape, dtype or FLOATX)


def random_weights(layer_or_model, rng, scale=0.4):
    """Replaces every weight by random numbers: constant ones would hide swapped gates.

    Variances and other weights that must be positive stay positive.
    """
    values = []
    for weight in layer_or_model.weights:
        value = rng.uniform(-scale, scale, weight.shape)
        if "variance" in weight.name:
            value = rng.uniform(0.5, 1.5, weight.shape)
        values.append(value.astype("float32"))
    layer_or_model.set_weights(values)
    return values


def plain(thing):
    """Keras configs and array scalars as what JSON has."""
    return json.loads(json.dumps(thing, default=_plain))


def _plain(thing):
    if isinstance(thing, (np.floating, np.integer, np.bool_)):
        return thing.item()
    if isinstance(thing, np.ndarray):
        return thing.tolist()
    raise TypeError(f"{type(thing)} in a config: {thing!r}")


def write_json(path, header, cases):
    """One case a line, so that a change shows as the lines that changed. JSON has no NaN: one is an error."""
    with open(path, "w") as out:
        out.write("{\n")
        for key, value in header.items():
            out.write(f"{json.dumps(key)}: {json.dumps(value)},\n")
        out.write('"cases": {\n')
        lines = [f"{json.dumps(name)}: {json.dumps(case, allow_nan=False)}" for name, case in cases.items()]
        out.write(",\n".join(lines))
        out.write("\n}\n}\n")


def header():
    backend = importlib.import_module(keras.backend.backend())
    return {"keras": keras.__version__, "backend": f"{backend.__name__} {backend.__version__}", "floatx": FLOATX}
