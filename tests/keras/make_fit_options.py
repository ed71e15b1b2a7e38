"""Trains small models with every option of fit and records what Keras gets.

    python tests/keras/make_fit_options.py      writes tests/fixtures/fit_options.{json,npz}

In the JSON, `cases` maps a name to
    model       which of the models below; the Rust test builds the same one
    loss, metrics, weighted_metrics
    fit         the options, shuffle off; `sample_weight` and `validation_sample_weight` are the names of arrays
    history     key -> one number an epoch that has it
    epochs      History.epoch
    evaluate    the same model evaluated afterwards on x, y with `evaluate_options`: name -> number
    on_batch    the first 8 samples by test_on_batch, then train_on_batch, with `on_batch_options`
    weights     how many arrays w0, w1, ... there are
and the npz holds `<case>/x`, `y0` (and `y1`), `xv`, `yv0`, `sw0`, `svw0`, ..., the initial weights `<case>/w0`, ...
and those after fit and train_on_batch `<case>/final0`, ..., both in get_weights() order.
"""

import sys

from reference import FIXTURES, header, keras, np, random_weights, write_json

from keras import layers

FEATURES, TIMESTEPS, CLASSES = 4, 5, 3


def dense():
    return keras.Sequential(
        [
            keras.Input((FEATURES,)),
            layers.Dense(6, activation="tanh"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def binary():
    return keras.Sequential([keras.Input((FEATURES,)), layers.Dense(1, activation="sigmoid")])


def steps():
    return keras.Sequential(
        [
            keras.Input((TIMESTEPS, FEATURES)),
            layers.LSTM(5, return_sequences=True),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def masked():
    return keras.Sequential(
        [
            keras.Input((TIMESTEPS,), dtype="int32"),
            layers.Embedding(7, 3, mask_zero=True),
            layers.LSTM(5, return_sequences=True),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def two_outputs():
    x = keras.Input((FEATURES,))
    a = layers.Dense(CLASSES, activation="softmax", name="a")(x)
    b = layers.Dense(1, name="b")(x)
    return keras.Model(x, [a, b])


MODELS = {f.__name__: f for f in [dense, binary, steps, masked, two_outputs]}

SPARSE = "sparse_categorical_crossentropy"
CASES = {
    # name: (model, loss, metrics, weighted metrics, fit, evaluate, on batch)
    "sample_weight": (
        "dense", SPARSE, ["accuracy"], ["accuracy", SPARSE],
        {"epochs": 3, "batch_size": 8, "sample_weight": ["sw0"], "validation": True, "validation_sample_weight": ["svw0"]},
        {"batch_size": 7, "sample_weight": ["sw0"]}, {"sample_weight": ["sw0"]},
    ),
    "step_weight": (
        "steps", SPARSE, ["accuracy"], ["accuracy"],
        {"epochs": 2, "batch_size": 8, "sample_weight": ["sw0_steps"]},
        {"sample_weight": ["sw0_steps"]}, {"sample_weight": ["sw0_steps"]},
    ),
    "masked_step_weight": (
        "masked", SPARSE, ["accuracy"], ["accuracy"],
        {"epochs": 2, "batch_size": 8, "sample_weight": ["sw0_steps"]}, {"sample_weight": ["sw0_steps"]}, {},
    ),
    "class_weight": (
        "dense", SPARSE, ["accuracy"], ["accuracy"],
        {"epochs": 3, "batch_size": 8, "class_weight": {"0": 0.5, "2": 3.0}, "validation_split": 0.3},
        {}, {"class_weight": {"0": 0.5, "2": 3.0}},
    ),
    "class_weight_one_hot": (
        "dense", "categorical_crossentropy", ["accuracy"], ["accuracy"],
        {"epochs": 3, "batch_size": 8, "class_weight": {"1": 2.5}}, {}, {"class_weight": {"1": 2.5}},
    ),
    "class_weight_binary": (
        "binary", "binary_crossentropy", ["accuracy"], [],
        {"epochs": 3, "batch_size": 8, "class_weight": {"0": 1.0, "1": 4.0}}, {}, {},
    ),
    "split_takes_the_weights_along": (
        "dense", SPARSE, ["accuracy"], [],
        {"epochs": 2, "batch_size": 8, "sample_weight": ["sw0"], "validation_split": 0.1}, {}, {},
    ),
    "steps_go_on": (
        "dense", SPARSE, [], [], {"epochs": 5, "batch_size": 8, "steps_per_epoch": 2}, {"steps": 2, "batch_size": 8}, {},
    ),
    "steps_give_the_batch_size": ("dense", SPARSE, [], [], {"epochs": 3, "steps_per_epoch": 4}, {"steps": 3}, {}),
    "validation_options": (
        "dense", SPARSE, ["accuracy"], [],
        {
            "epochs": 5, "batch_size": 8, "validation": True, "validation_steps": 2, "validation_batch_size": 5,
            "validation_freq": 2,
        },
        {}, {},
    ),
    "validation_steps_give_the_batch_size": (
        "dense", SPARSE, ["accuracy"], [], {"epochs": 2, "validation": True, "validation_steps": 3}, {}, {},
    ),
    "validation_after_named_epochs": (
        "dense", SPARSE, ["accuracy"], [],
        {"epochs": 4, "batch_size": 8, "validation": True, "validation_freq": [1, 4]}, {}, {},
    ),
    "initial_epoch": ("dense", SPARSE, [], [], {"epochs": 5, "initial_epoch": 3, "batch_size": 8}, {}, {}),
    "two_outputs_one_weight": (
        "two_outputs", ["categorical_crossentropy", "mse"], ["mae"], ["mae"],
        {"epochs": 2, "batch_size": 8, "sample_weight": ["sw0"]}, {"sample_weight": ["sw0"]}, {"sample_weight": ["sw0"]},
    ),
    "two_outputs_two_weights": (
        "two_outputs", ["categorical_crossentropy", "mse"], ["mse"], ["mse"],
        {"epochs": 2, "batch_size": 8, "sample_weight": ["sw0", "sw1"]}, {"sample_weight": ["sw0", "sw1"]}, {},
    ),
    "metrics_of_each_output": (
        "two_outputs", ["categorical_crossentropy", "mse"], {"a": ["accuracy", "mse"], "b": ["mae"]}, {"b": ["mae", "mse"]},
        {"epochs": 2, "batch_size": 8, "sample_weight": ["sw0", "sw1"], "validation": True},
        {"sample_weight": ["sw0", "sw1"]}, {},
    ),
}  # fmt: skip


def make_data(model, loss, samples, rng):
    shape = {"steps": (samples, TIMESTEPS, FEATURES), "masked": (samples, TIMESTEPS)}.get(model, (samples, FEATURES))
    if model == "masked":
        lengths = rng.integers(1, TIMESTEPS + 1, (samples, 1))
        x = np.where(np.arange(TIMESTEPS) < lengths, rng.integers(1, 7, shape), 0).astype("int32")
    else:
        x = rng.normal(size=shape).astype("float32")
    labels = (samples, TIMESTEPS) if model in ("steps", "masked") else (samples,)
    classes = rng.integers(0, CLASSES, labels).astype("int32")
    if model == "binary":
        return x, [(classes > 0).astype("float32")]
    if loss == "categorical_crossentropy":
        return x, [np.eye(CLASSES, dtype="float32")[classes]]
    if model == "two_outputs":
        return x, [np.eye(CLASSES, dtype="float32")[classes], rng.normal(size=(samples, 1)).astype("float32")]
    return x, [classes]


def one(values):
    return values[0] if len(values) == 1 else values


def run(seed, name):
    kind, loss, metrics, weighted, fit, evaluate, on_batch = CASES[name]
    rng = np.random.default_rng(seed)
    model = MODELS[kind]()
    initial = random_weights(model, rng)
    x, y = make_data(kind, loss, 37, rng)
    xv, yv = make_data(kind, loss, 17, rng)
    arrays = {"x": x, "xv": xv, "sw0": rng.uniform(0, 2, 37).astype("float32")}
    arrays["sw1"] = rng.uniform(0, 2, 37).astype("float32")
    arrays["svw0"] = rng.uniform(0, 2, 17).astype("float32")
    arrays["sw0_steps"] = rng.uniform(0, 2, (37, TIMESTEPS)).astype("float32")
    for i, values in enumerate(y):
        arrays[f"y{i}"] = values
    for i, values in enumerate(yv):
        arrays[f"yv{i}"] = values
    # A list is for all outputs.
    per_output = lambda m: m if isinstance(m, dict) or len(y) == 1 else [list(m) for _ in y]  # noqa: E731
    model.compile(
        keras.optimizers.SGD(0.1), loss=loss, metrics=per_output(metrics), weighted_metrics=per_output(weighted) or None
    )  # fmt: skip

    options = dict(fit)
    if options.pop("validation", False):
        data = [xv, one(yv)]
        if "validation_sample_weight" in options:
            data.append(one([arrays[n] for n in options.pop("validation_sample_weight")]))
        options["validation_data"] = tuple(data)
    weights_of = lambda o, n: one([arrays[k][:n] for k in o["sample_weight"]])  # noqa: E731
    classes_of = lambda o: {int(k): v for k, v in o["class_weight"].items()}  # noqa: E731
    if "sample_weight" in options:
        options["sample_weight"] = weights_of(options, None)
    if "class_weight" in options:
        options["class_weight"] = classes_of(options)
    history = model.fit(x, one(y), shuffle=False, verbose=0, **options)

    asked = dict(evaluate)
    if "sample_weight" in asked:
        asked["sample_weight"] = weights_of(asked, None)
    scores = model.evaluate(x, one(y), verbose=0, return_dict=True, **asked)

    first = [x[:8], one([values[:8] for values in y])]
    test, train = {}, {}
    if "sample_weight" in on_batch:
        test["sample_weight"] = train["sample_weight"] = weights_of(on_batch, 8)
    if "class_weight" in on_batch:
        train["class_weight"] = classes_of(on_batch)
    tested = model.test_on_batch(*first, return_dict=True, **test)
    trained = model.train_on_batch(*first, return_dict=True, **train)

    arrays.update({f"w{i}": value for i, value in enumerate(initial)})
    arrays.update({f"final{i}": np.asarray(value) for i, value in enumerate(model.get_weights())})
    numbers = lambda d: {k: float(v) for k, v in d.items()}  # noqa: E731
    case = {
        "model": kind,
        "loss": loss if isinstance(loss, list) else [loss],
        "metrics": metrics,
        "weighted_metrics": weighted,
        "fit": fit,
        "history": {key: [float(v) for v in values] for key, values in history.history.items()},
        "epochs": history.epoch,
        "evaluate_options": evaluate,
        "evaluate": numbers(scores),
        "on_batch_options": on_batch,
        "test_on_batch": numbers(tested),
        "train_on_batch": numbers(trained),
        "outputs": len(y),
        "weights": len(initial),
    }
    print(name, case["history"], flush=True)
    return case, arrays


def main():
    cases, arrays = {}, {}
    for seed, name in enumerate(CASES):
        cases[name], found = run(seed, name)
        arrays.update({f"{name}/{key}": value for key, value in found.items()})
    np.savez_compressed(FIXTURES / "fit_options.npz", **arrays)
    write_json(FIXTURES / "fit_options.json", header(), cases)


if __name__ == "__main__":
    sys.exit(main())
