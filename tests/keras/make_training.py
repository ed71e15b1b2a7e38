"""Trains small models from fixed random weights and records what Keras gets.

    python tests/keras/make_training.py      writes tests/fixtures/training.{json,npz}

In the JSON, `cases` maps a name to
    layers      model.get_config(), Keras' own
    optimizer   the serialized optimizer, as in compile_config of a .keras file
    loss, metrics, epochs, batch_size (shuffle is off)
    history     key -> one number an epoch
    weights     how many arrays w0, w1, ... there are
and the npz holds `<case>/x`, `y`, `xv`, `yv`, the initial weights `<case>/w0`, ... and the
trained ones `<case>/final0`, ..., both in get_weights() order.
"""

import functools
import sys

from reference import FIXTURES, FLOATX, header, keras, np, plain, random_weights, write_json

from keras import layers, optimizers

TRAIN, VALIDATION, TIMESTEPS, FEATURES, CLASSES = 100, 40, 8, 16, 10


def stack(units, outputs, activation):
    return keras.Sequential(
        [
            keras.Input((TIMESTEPS, FEATURES), name="input"),
            layers.LSTM(units, return_sequences=True, name="first"),
            layers.LSTM(units, return_sequences=True, name="second"),
            layers.LSTM(units, name="third"),
            layers.Dense(outputs, activation=activation, name="scores"),
        ],
        name="stacked",
    )


def labels(kind, n, rng):
    classes = rng.integers(0, CLASSES, n)
    if kind == "one_hot":
        return np.eye(CLASSES, dtype="float32")[classes]
    if kind == "sparse":
        return classes.astype("int32")
    if kind == "reals":  # the Keras guide's dummy labels: neither one-hot nor summing to 1
        return rng.random((n, CLASSES)).astype("float32")
    if kind == "binary":
        return rng.integers(0, 2, n).astype("float32")
    return rng.normal(size=(n, 1)).astype("float32")


CASES = {
    # name: (units, label kind, optimizer, loss, metrics)
    "stacked_rmsprop": (32, "one_hot", "rmsprop", "categorical_crossentropy", ["accuracy"]),
    "stacked_adam": (32, "one_hot", "adam", "categorical_crossentropy", ["accuracy"]),
    "stacked_sgd": (32, "one_hot", "sgd", "categorical_crossentropy", ["accuracy"]),
    "nesterov": (
        8, "one_hot", lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        "categorical_crossentropy", ["accuracy"],
    ),
    "momentum": (
        8, "one_hot", lambda: optimizers.SGD(0.05, momentum=0.9),
        "categorical_crossentropy", ["accuracy"],
    ),
    "rmsprop_centered": (
        8, "one_hot", lambda: optimizers.RMSprop(0.001, momentum=0.9, centered=True),
        "categorical_crossentropy", ["accuracy"],
    ),
    "adam_amsgrad": (
        8, "one_hot", lambda: optimizers.Adam(0.005, amsgrad=True, clipnorm=0.05),
        "categorical_crossentropy", ["accuracy"],
    ),
    "sgd_weight_decay": (
        8, "one_hot", lambda: optimizers.SGD(0.1, weight_decay=0.01, clipvalue=0.01),
        "categorical_crossentropy", ["accuracy"],
    ),
    "rmsprop_global_clipnorm": (
        8, "one_hot", lambda: optimizers.RMSprop(0.002, global_clipnorm=0.1),
        "categorical_crossentropy", ["accuracy"],
    ),
    "sparse": (8, "sparse", "adam", "sparse_categorical_crossentropy", ["accuracy"]),
    "reals": (8, "reals", "rmsprop", "categorical_crossentropy", ["accuracy"]),
    "binary": (8, "binary", "rmsprop", "binary_crossentropy", ["accuracy"]),
    "regression": (8, "real", "adam", "mse", ["mae"]),
}  # fmt: skip


def stacked_run(seed, units, kind, optimizer, loss, metrics):
    rng = np.random.default_rng(seed)
    outputs, activation = {"binary": (1, "sigmoid"), "real": (1, None)}.get(kind, (CLASSES, "softmax"))
    model = stack(units, outputs, activation)
    initial = random_weights(model, rng)
    data = {}
    data["x"] = rng.normal(size=(TRAIN, TIMESTEPS, FEATURES)).astype("float32")
    data["y"] = labels(kind, TRAIN, rng)
    data["xv"] = rng.normal(size=(VALIDATION, TIMESTEPS, FEATURES)).astype("float32")
    data["yv"] = labels(kind, VALIDATION, rng)
    return train(model, initial, data, optimizer, loss, metrics)


def train(model, initial, data, optimizer, loss, metrics, epochs=4, batch_size=32):
    model.compile(optimizer() if callable(optimizer) else optimizer, loss=loss, metrics=metrics)
    config = plain(keras.saving.serialize_keras_object(model.optimizer))
    history = model.fit(
        data["x"], data["y"], validation_data=(data["xv"], data["yv"]),
        epochs=epochs, batch_size=batch_size, shuffle=False, verbose=0,
    )  # fmt: skip
    arrays = dict(data)
    arrays.update({f"w{i}": value for i, value in enumerate(initial)})
    arrays.update({f"final{i}": np.asarray(value) for i, value in enumerate(model.get_weights())})
    case = {
        "optimizer": config,
        "loss": loss,
        "metrics": metrics,
        "epochs": epochs,
        "batch_size": batch_size,
        "weights": len(initial),
        "history": {key: [float(v) for v in values] for key, values in history.history.items()},
        "layers": plain(model.get_config()),
    }
    return case, arrays


def main():
    runs = {name: functools.partial(stacked_run, i, *spec) for i, (name, spec) in enumerate(CASES.items())}
    record("training", runs)


def record(file, runs):
    cases, arrays = {}, {}
    for name, run in runs.items():
        try:
            cases[name], found = run()
        except RuntimeError as error:  # SimpleRNN does not run in double precision
            if FLOATX == "float32":
                raise
            print(name, str(error)[-200:])
            continue
        arrays.update({f"{name}/{key}": value for key, value in found.items()})
        print(name, {k: [round(v, 4) for v in vs] for k, vs in cases[name]["history"].items()}, flush=True)
    if FLOATX == "float64":
        return compare(file, cases, arrays)
    np.savez_compressed(FIXTURES / f"{file}.npz", **arrays)
    write_json(FIXTURES / f"{file}.json", header(), cases)


def compare(file, cases, arrays):
    """How far the committed float32 run is from the same run in double precision."""
    import json

    with open(FIXTURES / f"{file}.json") as file:
        committed = json.load(file)["cases"]
    with np.load(FIXTURES / f"{file}.npz") as old:
        for name, case in cases.items():
            figures = max(
                abs(a - b) for k, v in case["history"].items() for a, b in zip(v, committed[name]["history"][k])
            )
            weights = max(
                float(np.abs(arrays[f"{name}/final{i}"] - old[f"{name}/final{i}"]).max())
                for i in range(case["weights"])
            )
            print(f"{name}: history within {figures:.1e}, final weights within {weights:.1e}")


if __name__ == "__main__":
    sys.exit(main())
