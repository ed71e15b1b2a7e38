"""Trains small models with whatever can be combined, drawn at random, and records what Keras gets.

    python tests/keras/make_training_random.py              writes tests/fixtures/training_random.{json,npz}
    python tests/keras/make_training_random.py FROM TO      the same with other draws, to look for differences

A case draws a model, its outputs' labels and losses with their options and reductions, metrics for each output, an
optimizer with clipping, decay, averages, accumulation and schedule, the options of `fit` and callbacks. In the JSON a
case has
    model       Keras' class and configuration
    optimizer, losses, loss_weights, metrics, weighted_metrics     objects or names, lists for each output
    fit         the options as in `make_fit_options.py`, shuffle off
    callbacks   class and arguments, as in `make_callbacks.py`
    mask        whether an output has a mask: figures of training steps are not comparable then
    epochs, history, evaluate_options, evaluate     a metric with several values is `name_0`, `name_1`, ...
    outputs, weights    how many arrays y0, ..., and w0, ... there are
and the npz the arrays, as in `make_fit_options.py`.
"""

import os
import sys
import warnings

# Hundreds of tiny programs: compiling them is what takes the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

from reference import FIXTURES, header, keras, np, plain, random_weights, write_json  # noqa: E402

from keras import losses, metrics, optimizers
from keras import layers as L
from keras.optimizers import schedules

CASES = 48
TRAIN, VALIDATION, TIMESTEPS, FEATURES, TOKENS = 22, 9, 4, 3, 7
warnings.filterwarnings("ignore")


class Draw:
    """Random choices."""

    def __init__(self, seed):
        self.rng = np.random.default_rng([2026, seed])

    def one(self, *of):
        return of[self.rng.integers(len(of))]

    def some(self, of, least, most):
        count = min(len(of), self.rng.integers(least, most + 1))
        return [of[i] for i in sorted(self.rng.permutation(len(of))[:count])]

    def chance(self, share):
        return self.rng.random() < share

    def number(self, low, high):
        return round(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))), 4)


# --- Optimizers


def rate(draw, high):
    start = draw.number(high / 5, high)
    if draw.chance(0.75):
        return start
    S = schedules
    return draw.one(
        lambda: S.ExponentialDecay(start, draw.one(2, 5), 0.7, staircase=draw.chance(0.5)),
        lambda: S.PiecewiseConstantDecay([2, 4], [start, start / 2, start / 4]),
        lambda: S.PolynomialDecay(start, 5, end_learning_rate=start / 10, power=draw.one(1.0, 2.0), cycle=draw.chance(0.5)),
        lambda: S.InverseTimeDecay(start, 2, 0.5, staircase=draw.chance(0.5)),
        lambda: S.CosineDecay(start / 4, 6, alpha=0.1, warmup_target=start, warmup_steps=2),
        lambda: S.CosineDecay(start, 6, alpha=draw.one(0.0, 0.2)),
        lambda: S.CosineDecayRestarts(start, 2, t_mul=draw.one(1.0, 2.0), m_mul=0.8, alpha=0.1),
    )()


def optimizer(draw):
    O, chance = optimizers, draw.chance
    kind, high, own = draw.one(
        (O.SGD, 0.3, lambda: {}),
        (O.SGD, 0.1, lambda: {"momentum": draw.number(0.3, 0.9), "nesterov": chance(0.5)}),
        (O.RMSprop, 0.02, lambda: {"rho": draw.number(0.6, 0.95), "momentum": draw.one(0.0, 0.5), "centered": chance(0.5),
                                   "epsilon": draw.one(1e-7, 1e-3)}),
        (O.Adam, 0.05, lambda: {"beta_1": draw.number(0.5, 0.9), "beta_2": draw.number(0.7, 0.999), "amsgrad": chance(0.5)}),
        (O.AdamW, 0.05, lambda: {"weight_decay": draw.number(0.01, 0.3)}),
        (O.Nadam, 0.05, lambda: {"beta_1": draw.number(0.5, 0.9)}),
        (O.Adamax, 0.05, lambda: {"beta_2": draw.number(0.7, 0.999)}),
        (O.Adagrad, 0.2, lambda: {"initial_accumulator_value": draw.number(0.01, 0.3)}),
        (O.Adadelta, 1.0, lambda: {"rho": draw.number(0.6, 0.95), "epsilon": draw.one(1e-7, 1e-3)}),
        (O.Ftrl, 0.2, lambda: {"l1_regularization_strength": draw.one(0.0, 0.01), "beta": draw.one(0.0, 0.1),
                               "l2_regularization_strength": draw.one(0.0, 0.02),
                               "l2_shrinkage_regularization_strength": draw.one(0.0, 0.01)}),
        (O.Lion, 0.02, lambda: {"beta_1": draw.number(0.5, 0.9)}),
        (O.Lamb, 0.05, lambda: {}),
        (O.Adafactor, 0.2, lambda: {"beta_2_decay": -0.8, "clip_threshold": draw.number(0.5, 1.0)}),
        (O.Muon, 0.05, lambda: {"ns_steps": draw.one(1, 3), "nesterov": chance(0.5), "momentum": draw.number(0.5, 0.95)}),
    )  # fmt: skip
    options = {"learning_rate": rate(draw, high), **own()}
    if chance(0.5):
        options.update(draw.one(
            {"clipnorm": draw.number(0.02, 0.5)}, {"clipvalue": draw.number(0.005, 0.1)},
            {"global_clipnorm": draw.number(0.05, 0.5)},
        ))  # fmt: skip
    if chance(0.3) and kind not in (O.AdamW, O.Muon):
        options["weight_decay"] = draw.number(0.01, 0.5)
    if chance(0.3):
        options.update(use_ema=True, ema_momentum=draw.number(0.3, 0.95), ema_overwrite_frequency=draw.one(None, 2, 3))
    if chance(0.25):
        options["gradient_accumulation_steps"] = draw.one(2, 3)
    if chance(0.1):
        options["loss_scale_factor"] = 8.0
    return kind(**options)


# --- Outputs: activation, labels, losses and metrics that go together

ACCURACIES = ["accuracy", "acc"]


def head(draw, steps):
    """(activation, units, labels, loss, metrics that fit)"""
    A, M, chance = losses, metrics, draw.chance
    reduction = draw.one("sum_over_batch_size", "sum_over_batch_size", "sum_over_batch_size", "mean", "sum", "mean_with_sample_weight")
    kind = draw.one("classes", "one_hot", "binary", "column", "reals", "logits")
    units = draw.one(2, 3, 5)
    k = draw.one(1, 2)
    thresholds = draw.one(None, 0.4, [0.3, 0.6])
    average = draw.one(None, "micro", "macro", "weighted")
    of_reals = ["mse", "mae", "MAPE", "mean_squared_logarithmic_error", M.RootMeanSquaredError(), M.CosineSimilarity(), "kl_divergence",
                M.LogCoshError(), M.R2Score(class_aggregation=draw.one("uniform_average", "variance_weighted_average")), "poisson"]  # fmt: skip
    of_chances = [
        M.AUC(curve=draw.one("ROC", "PR"), num_thresholds=draw.one(20, 200), summation_method=draw.one("interpolation", "minoring", "majoring")),
        M.Precision(thresholds=thresholds), M.Recall(thresholds=thresholds), M.TruePositives(), M.FalseNegatives(thresholds=thresholds),
        M.SensitivityAtSpecificity(draw.one(0.3, 0.6)), M.PrecisionAtRecall(draw.one(0.3, 0.6)), M.BinaryCrossentropy(label_smoothing=draw.one(0, 0.1)),
    ]  # fmt: skip
    if kind in ("classes", "one_hot", "logits") and units == 5 and chance(0.5):
        units = 3
    if kind == "classes" or (kind == "logits" and chance(0.5)):
        logits = kind == "logits"
        loss = draw.one(
            lambda: "sparse_categorical_crossentropy" if not logits else A.SparseCategoricalCrossentropy(from_logits=True),
            lambda: A.SparseCategoricalCrossentropy(from_logits=logits, reduction=reduction),
            lambda: A.SparseCategoricalCrossentropy(from_logits=logits, ignore_class=draw.one(-1, 1), reduction=reduction),
        )()
        labels = "ignored" if getattr(loss, "ignore_class", None) == -1 else draw.one("classes", "class_column")
        own = [draw.one(*ACCURACIES), "sparse_categorical_accuracy", M.SparseTopKCategoricalAccuracy(k=k)]
        if not logits and labels != "ignored":
            own += [M.SparseCategoricalCrossentropy(), M.MeanIoU(units, sparse_y_pred=False)]
        if labels == "ignored":
            own = own[:1]
        return (None if logits else "softmax"), units, labels, loss, own
    if kind == "one_hot" or kind == "logits":
        logits = kind == "logits"
        smoothing = draw.one(0.0, 0.1)
        loss = draw.one(
            lambda: "categorical_crossentropy" if not logits else A.CategoricalCrossentropy(from_logits=True),
            lambda: A.CategoricalCrossentropy(from_logits=logits, label_smoothing=smoothing, reduction=reduction),
            lambda: A.CategoricalFocalCrossentropy(from_logits=logits, gamma=draw.one(1.5, 2.0), label_smoothing=smoothing, reduction=reduction),
            lambda: A.CategoricalHinge(reduction=reduction), lambda: A.MeanSquaredError(reduction=reduction),
            lambda: "kl_divergence" if not logits else A.CosineSimilarity(reduction=reduction),
        )()  # fmt: skip
        own = [draw.one(*ACCURACIES), "categorical_accuracy", M.TopKCategoricalAccuracy(k=k), M.CategoricalHinge(), "mse"]
        if not logits:
            own += [*of_chances, M.CategoricalCrossentropy(label_smoothing=draw.one(0, 0.2)), M.KLDivergence(), "top_k_categorical_accuracy",
                    M.Precision(top_k=k, name="top_precision"), M.Recall(class_id=1, name="class_recall")]  # fmt: skip
        if not steps:
            own += [M.F1Score(average=average), M.FBetaScore(average=average, beta=draw.one(0.5, 2.0)), M.OneHotMeanIoU(units)]
        return (None if logits else "softmax"), units, "one_hot", loss, own
    if kind in ("binary", "column"):
        units = 1 if kind == "column" else units
        logits = chance(0.3)
        smoothing = draw.one(0.0, 0.1)
        loss = draw.one(
            lambda: "binary_crossentropy" if not logits else A.BinaryCrossentropy(from_logits=True),
            lambda: A.BinaryCrossentropy(from_logits=logits, label_smoothing=smoothing, reduction=reduction),
            lambda: A.BinaryFocalCrossentropy(from_logits=logits, apply_class_balancing=chance(0.5), gamma=draw.one(1.5, 2.0), reduction=reduction),
            lambda: A.Hinge(reduction=reduction), lambda: A.SquaredHinge(reduction=reduction), lambda: "mse",
            lambda: A.Dice(axis=[-1], reduction=reduction) if not logits and units > 1 else A.MeanAbsoluteError(reduction=reduction),
            lambda: A.Tversky(alpha=0.3, beta=0.6, axis=[-1], reduction=reduction) if not logits and units > 1 else "mae",
        )()  # fmt: skip
        own = ["accuracy", "binary_accuracy", M.BinaryAccuracy(threshold=0.4, name="low"), "mae", M.Hinge(), M.SquaredHinge()]
        if not logits:
            own += of_chances
            if units > 1 and not steps:
                own += [M.F1Score(average=average, threshold=0.4), M.AUC(multi_label=True, num_labels=units, name="auc_of_labels")]
            if units == 1:
                own += [M.BinaryIoU(threshold=0.45)]
        labels = "binary" if units > 1 else draw.one("binary", "flat_binary")
        return (None if logits else "sigmoid"), units, labels, loss, own
    units = draw.one(1, 3)
    loss = draw.one(
        lambda: A.MeanSquaredError(reduction=reduction), lambda: A.MeanAbsoluteError(reduction=reduction),
        lambda: A.MeanAbsolutePercentageError(reduction=reduction), lambda: A.Huber(reduction=reduction), lambda: A.LogCosh(reduction=reduction),
        lambda: "cosine_similarity" if units > 1 else "mse", lambda: A.MeanSquaredLogarithmicError(reduction=reduction),
        lambda: "huber", lambda: "log_cosh",
    )()  # fmt: skip
    own = of_reals if units > 1 else [m for m in of_reals if not isinstance(m, M.CosineSimilarity)]
    return draw.one("softplus", None) if "Log" not in type(loss).__name__ else "softplus", units, draw.one("positive", "flat_positive") if units == 1 else "positive", loss, own


# What heeds the mask of an output.
MEANS = (metrics.MeanMetricWrapper, str)
# What holds each of flat labels against all outputs.
BROADCASTING = (metrics.Hinge, metrics.SquaredHinge, metrics.CategoricalHinge, metrics.KLDivergence, metrics.Poisson)


def make_labels(draw, kind, units, n, steps):
    front = (n, TIMESTEPS) if steps else (n,)
    classes = draw.rng.integers(0, units, front)
    return {
        "one_hot": lambda: np.eye(units)[classes],
        "classes": lambda: classes,
        "class_column": lambda: classes[..., None],
        "ignored": lambda: np.where(draw.rng.random(front) < 0.3, -1, classes),
        "binary": lambda: draw.rng.integers(0, 2, (*front, units)),
        "flat_binary": lambda: draw.rng.integers(0, 2, front),
        "positive": lambda: draw.rng.uniform(0.2, 2, (*front, units)),
        "flat_positive": lambda: draw.rng.uniform(0.2, 2, front),
    }[kind]().astype("int32" if kind in ("classes", "class_column", "ignored") else "float32")


# --- Models


def dense(draw, units, activation, name=None):
    options = {}
    if draw.chance(0.3):
        options["kernel_regularizer"] = draw.one("l2", keras.regularizers.L1L2(0.01, 0.02))
    if draw.chance(0.15):
        options["bias_regularizer"] = "l1"
    if draw.chance(0.15):
        options["activity_regularizer"] = keras.regularizers.L2(0.05)
    if draw.chance(0.2):
        options["kernel_constraint"] = draw.one(keras.constraints.MaxNorm(0.8), keras.constraints.UnitNorm(), "non_neg")
    return L.Dense(units, activation=activation, name=name, **options)


def body(draw, kind):
    """(input, layers)"""
    if kind == "rows":
        found = [dense(draw, 4, "tanh")]
        if draw.chance(0.3):
            found.append(L.BatchNormalization(momentum=0.7))
        if draw.chance(0.3):
            found.append(dense(draw, 4, draw.one("sigmoid", "tanh")))
        if len(found) > 1 and draw.chance(0.3):
            found[0].trainable = False
        return keras.Input((FEATURES,), name="x"), found
    if kind in ("sequence", "steps"):
        found = [draw.one(L.LSTM, L.GRU, L.SimpleRNN)(3, return_sequences=kind == "steps")]
        return keras.Input((TIMESTEPS, FEATURES), name="x"), found
    found = [L.Embedding(TOKENS, 3, mask_zero=True), L.LSTM(3, return_sequences=kind == "masked_steps")]
    return keras.Input((TIMESTEPS,), dtype="int32", name="x"), found


def make_inputs(draw, kind, n):
    if kind.startswith("masked"):
        lengths = draw.rng.integers(1, TIMESTEPS + 1, (n, 1))
        return np.where(np.arange(TIMESTEPS) < lengths, draw.rng.integers(1, TOKENS, (n, TIMESTEPS)), 0).astype("int32")
    shape = (n, FEATURES) if kind == "rows" else (n, TIMESTEPS, FEATURES)
    return draw.rng.normal(size=shape).astype("float32")


def serialized(thing):
    return thing if isinstance(thing, str) else plain(keras.saving.serialize_keras_object(thing))


def numbers(logs):
    """Floats by name; the values of an array under numbered names."""
    found = {}
    for name, values in logs.items():
        rows = np.asarray(values, dtype="float64")
        if rows.ndim > 1 or (rows.ndim == 1 and not isinstance(values, list)):
            for i, column in enumerate(np.moveaxis(np.atleast_1d(rows), -1, 0)):
                found[f"{name}_{i}"] = column.tolist()
        else:
            found[name] = rows.tolist()
    return found


def callbacks(draw, scheduled, averages):
    found = []
    if averages and draw.chance(0.5):
        found.append(("SwapEMAWeights", {"swap_on_epoch": draw.chance(0.5)}))
    if not scheduled and draw.chance(0.2):
        found.append(("ReduceLROnPlateau", {"monitor": "loss", "patience": 1, "factor": 0.5, "min_delta": 0.05}))
    if not scheduled and draw.chance(0.15):
        found.append(("LearningRateScheduler", {}))
    if draw.chance(0.25):
        found.append(("EarlyStopping", {"monitor": "loss", "mode": draw.one("auto", "max"), "patience": 1, "restore_best_weights": True}))
    return found


def make_callback(name, arguments):
    if name == "LearningRateScheduler":
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7 + 0.01 * epoch)
    return getattr(keras.callbacks, name)(**arguments)


def fit_options(draw, heads, steps):
    options = {"epochs": draw.one(2, 3, 4)}
    if draw.chance(0.85):
        options["batch_size"] = draw.one(3, 5, 8, 22)
    if draw.chance(0.15):
        options["initial_epoch"] = 1
    if draw.chance(0.2):
        options["steps_per_epoch"] = draw.one(1, 2, 4)
    weights = [f"sw{i}_steps" if steps else f"sw{i}" for i in range(len(heads))]
    weighing = draw.rng.random()
    if weighing < 0.35:
        options["sample_weight"] = weights
    elif weighing < 0.5 and len(heads) == 1 and (not steps or heads[0][2] == "one_hot") and heads[0][2] in ("one_hot", "classes", "class_column"):
        classes = range(heads[0][1])
        options["class_weight"] = {str(c): draw.number(0.2, 4) for c in classes if draw.chance(0.7)} or {"0": 2.0}
    validation = draw.rng.random()
    if validation < 0.5:
        options["validation"] = True
        if draw.chance(0.3):
            options["validation_sample_weight"] = [w.replace("sw", "svw") for w in weights]
    elif validation < 0.75:
        options["validation_split"] = draw.one(0.1, 0.25, 0.4)
    if validation < 0.75:
        if draw.chance(0.25):
            options["validation_freq"] = draw.one(2, [1, 2], [2])
        if draw.chance(0.2):
            options["validation_steps"] = draw.one(1, 2)
        if draw.chance(0.25):
            options["validation_batch_size"] = draw.one(2, 4)
    return options


def stands_at_zero(case):
    """Whether weights with an L1 penalty get to 0 exactly: the slope of |x| there is 1 on JAX, elsewhere it is 0."""
    def find(thing, names):
        if isinstance(thing, dict):
            return thing.get("class_name") in names or any(find(v, names) for v in thing.values())
        return isinstance(thing, list) and any(find(v, names) for v in thing)

    pulled = case["optimizer"]["config"].get("l1_regularization_strength", 0) > 0
    return find(case["model"], ("L1", "L1L2")) and (pulled or find(case["model"], ("NonNeg",)))


def run(number):
    draw = Draw(number)
    keras.utils.clear_session()
    kind = draw.one("rows", "rows", "sequence", "steps", "masked", "masked_steps")
    steps = kind.endswith("steps")
    masked = kind == "masked_steps"
    count = 1 if draw.chance(0.7) else draw.one(2, 3)
    heads = [head(draw, steps) for _ in range(count)]
    start, found = body(draw, kind)
    names = ["score", "price", "kind"] if draw.chance(0.5) else ["a", "b", "c"]
    ends = [dense(draw, units, activation, names[i] if count > 1 else None) for i, (activation, units, *_) in enumerate(heads)]
    if count == 1 and draw.chance(0.7):
        model = keras.Sequential([start, *found, *ends])
    else:
        x = start
        for layer in found:
            x = layer(x)
        model = keras.Model(start, [end(x) for end in ends] if count > 1 else ends[0](x))
    initial = random_weights(model, draw.rng)
    arrays = {"x": make_inputs(draw, kind, TRAIN), "xv": make_inputs(draw, kind, VALIDATION)}
    for i, (_, units, label, *_) in enumerate(heads):
        arrays[f"y{i}"] = make_labels(draw, label, units, TRAIN, steps)
        arrays[f"yv{i}"] = make_labels(draw, label, units, VALIDATION, steps)
    options = fit_options(draw, heads, steps)
    evaluate = {}
    if draw.chance(0.5):
        evaluate["batch_size"] = draw.one(4, 22)
    if draw.chance(0.2):
        evaluate["steps"] = 2
    if "sample_weight" in options and draw.chance(0.5):
        evaluate["sample_weight"] = options["sample_weight"]
    for names_of in (v for o in (options, evaluate) for k, v in o.items() if k.endswith("sample_weight")):
        for name in names_of:
            n = VALIDATION if name.startswith("svw") else TRAIN
            arrays.setdefault(name, draw.rng.uniform(0, 2, (n, TIMESTEPS) if steps else n).astype("float32"))

    def own_metrics(labels, of, least, most):
        fitting = [m for m in of if not masked or isinstance(m, MEANS)]
        if labels.startswith("flat"):
            fitting = [m for m in fitting if not isinstance(m, BROADCASTING) and m not in ("kl_divergence", "poisson")]
        return draw.some(fitting, least, most)

    plainly = [own_metrics(labels, of, 0, 4) for *_, labels, _, of in heads]
    weighted = [[] for _ in heads]
    if draw.chance(0.5):
        # Metric objects are not shared between the two lists.
        weighted = [[m if isinstance(m, str) else type(m).from_config(m.get_config()) for m in own_metrics(labels, of, 0, 3)] for *_, labels, _, of in heads]
    own = optimizer(draw)
    loss_weights = None
    if count > 1 and draw.chance(0.6):
        loss_weights = [draw.number(0.3, 3) for _ in heads]
    scheduled = not isinstance(own._learning_rate, keras.Variable)
    watching = callbacks(draw, scheduled, own.use_ema)
    case = {
        "model": {"class_name": type(model).__name__, "config": plain(model.get_config())},
        "optimizer": serialized(own), "losses": [serialized(h[3]) for h in heads], "loss_weights": loss_weights,
        "metrics": [[serialized(m) for m in of] for of in plainly],
        "weighted_metrics": [[serialized(m) for m in of] for of in weighted],
        "fit": options, "callbacks": watching, "mask": masked, "evaluate_options": evaluate,
        "outputs": count, "weights": len(initial),
    }  # fmt: skip

    def all_or_one(values):
        return list(values) if count > 1 else values[0]

    model.compile(
        own, loss=all_or_one([h[3] for h in heads]), loss_weights=loss_weights, metrics=all_or_one(plainly),
        weighted_metrics=all_or_one(weighted),
    )  # fmt: skip
    given = {key: value for key, value in options.items() if not key.startswith("validation") or key.endswith(("split", "freq", "steps", "size"))}
    if "sample_weight" in options:
        given["sample_weight"] = all_or_one([arrays[n] for n in options["sample_weight"]])
    if "class_weight" in options:
        given["class_weight"] = {int(k): v for k, v in options["class_weight"].items()}
    if "validation" in options:
        data = [arrays["xv"], all_or_one([arrays[f"yv{i}"] for i in range(count)])]
        if "validation_sample_weight" in options:
            data.append(all_or_one([arrays[n] for n in options["validation_sample_weight"]]))
        given["validation_data"] = tuple(data)
    y = all_or_one([arrays[f"y{i}"] for i in range(count)])
    history = model.fit(
        arrays["x"], y, shuffle=False, verbose=0, callbacks=[make_callback(*c) for c in watching], **given
    )  # fmt: skip
    asked = dict(evaluate)
    if "sample_weight" in asked:
        asked["sample_weight"] = all_or_one([arrays[n] for n in asked["sample_weight"]])
    scores = model.evaluate(arrays["x"], y, verbose=0, return_dict=True, **asked)
    arrays.update({f"w{i}": value for i, value in enumerate(initial)})
    arrays.update({f"final{i}": np.asarray(value) for i, value in enumerate(model.get_weights())})
    case.update(epochs=history.epoch, history=numbers(history.history), evaluate=numbers(scores))
    return case, arrays


def main():
    first, last = (int(n) for n in sys.argv[1:3]) if len(sys.argv) > 2 else (0, CASES)
    cases, arrays = {}, {}
    for number in range(first, last):
        name = f"random_{number}"
        try:
            cases[name], found = run(number)
        except Exception as error:  # what Keras cannot do is no case
            print(name, "KERAS FAILED", type(error).__name__, str(error)[:300].replace("\n", " "), flush=True)
            continue
        if stands_at_zero(cases[name]):
            print(name, "has penalties of weights at 0", flush=True)
            del cases[name]
            continue
        finite = all(np.isfinite(v).all() for v in found.values())
        if not finite or not np.isfinite([v for vs in cases[name]["history"].values() for v in vs]).all():
            print(name, "is not finite in Keras", flush=True)
            del cases[name]
            continue
        arrays.update({f"{name}/{key}": value for key, value in found.items()})
        print(name, cases[name]["epochs"], sorted(cases[name]["history"]), flush=True)
    np.savez_compressed(FIXTURES / "training_random.npz", **arrays)
    write_json(FIXTURES / "training_random.json", header(), cases)
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
