"""Three epochs from fixed weights with each optimizer, each schedule, each loss and each metric.

    python tests/keras/make_training_all.py      writes tests/fixtures/training_all.{json,npz}

The same format as `make_training.py`; losses and metrics are the objects that Keras writes. The models are small: the
arithmetic of a step is what counts.
"""

import functools
import zlib

from reference import keras, np, plain, random_weights

from keras import losses, metrics, optimizers
from keras import layers as L
from keras.optimizers import schedules
from make_training import record

TRAIN, VALIDATION, TIMESTEPS, FEATURES, CLASSES = 24, 10, 4, 3, 4
O, S = optimizers, schedules


def recurrent():
    return [keras.Input((TIMESTEPS, FEATURES)), L.LSTM(4), L.Dense(CLASSES, activation="softmax")]


def dense(units=CLASSES, activation=None):
    return [keras.Input((FEATURES,)), L.Dense(5, activation="tanh"), L.Dense(units, activation=activation)]


def embedded():
    return [keras.Input((TIMESTEPS,), dtype="int32"), L.Embedding(7, 3), L.LSTM(4), L.Dense(CLASSES, activation="softmax")]


def labels(kind, rng, n):
    classes = rng.integers(0, CLASSES, n)
    return {
        "one_hot": lambda: np.eye(CLASSES)[classes],
        "classes": lambda: classes,
        "ignored": lambda: np.where(np.arange(n) % 4 == 1, -1, classes),
        "binary": lambda: rng.integers(0, 2, (n, CLASSES)),
        "binary_column": lambda: rng.integers(0, 2, (n, 1)),
        "signs": lambda: rng.integers(0, 2, (n, CLASSES)) * 2 - 1,
        "reals": lambda: rng.normal(size=(n, CLASSES)),
        "positive": lambda: rng.uniform(0.1, 3, (n, CLASSES)),
        "chances": lambda: rng.uniform(0, 1, (n, CLASSES)),
        "spoken": lambda: rng.integers(1, CLASSES, (n, 2)),
    }[kind]().astype("int32" if kind in {"classes", "ignored", "spoken"} else "float32")


OPTIMIZERS = {
    "sgd": O.SGD(0.1), "rmsprop": O.RMSprop(0.01), "adam": O.Adam(0.01), "adamw": O.AdamW(0.01, weight_decay=0.1),
    "nadam": O.Nadam(0.01), "adamax": O.Adamax(0.01), "adagrad": O.Adagrad(0.1), "adadelta": O.Adadelta(1.0),
    "ftrl": O.Ftrl(0.1), "lion": O.Lion(0.01), "lamb": O.Lamb(0.01), "adafactor": O.Adafactor(0.05),
    "muon": O.Muon(0.01),
    "ema": O.Adam(0.02, use_ema=True, ema_momentum=0.8), "ema_overwrite": O.SGD(0.2, use_ema=True, ema_overwrite_frequency=2),
    "accumulation": O.RMSprop(0.01, gradient_accumulation_steps=2, clipnorm=0.3),
    "loss_scale": O.Adam(0.01, loss_scale_factor=16.0),
}  # fmt: skip

SCHEDULES = {
    "exponential": S.ExponentialDecay(0.1, 3, 0.5), "piecewise": S.PiecewiseConstantDecay([2, 5], [0.2, 0.1, 0.02]),
    "polynomial": S.PolynomialDecay(0.2, 5, power=2.0), "inverse_time": S.InverseTimeDecay(0.2, 2, 0.5),
    "cosine": S.CosineDecay(0.0, 6, warmup_target=0.2, warmup_steps=2),
    "cosine_restarts": S.CosineDecayRestarts(0.2, 2, m_mul=0.7),
}  # fmt: skip

SIGMOID, SOFTMAX = functools.partial(dense, CLASSES, "sigmoid"), functools.partial(dense, CLASSES, "softmax")
LOSSES = {
    "mean_squared_error": (losses.MeanSquaredError(reduction="sum"), dense, "reals"),
    "mean_absolute_error": (losses.MeanAbsoluteError(), dense, "reals"),
    "mean_absolute_percentage_error": (losses.MeanAbsolutePercentageError(), dense, "positive"),
    "mean_squared_logarithmic_error": (losses.MeanSquaredLogarithmicError(), SIGMOID, "positive"),
    "cosine_similarity": (losses.CosineSimilarity(), dense, "reals"),
    "huber": (losses.Huber(), dense, "reals"), "log_cosh": (losses.LogCosh(), dense, "reals"),
    "hinge": (losses.Hinge(), dense, "signs"), "squared_hinge": (losses.SquaredHinge(), dense, "binary"),
    "categorical_hinge": (losses.CategoricalHinge(), dense, "one_hot"),
    "kl_divergence": (losses.KLDivergence(), SOFTMAX, "chances"), "poisson": (losses.Poisson(), SIGMOID, "positive"),
    "binary_crossentropy": (losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), dense, "binary"),
    "binary_focal": (losses.BinaryFocalCrossentropy(apply_class_balancing=True), SIGMOID, "binary"),
    "categorical_crossentropy": (losses.CategoricalCrossentropy(label_smoothing=0.2), SOFTMAX, "one_hot"),
    "categorical_focal": (losses.CategoricalFocalCrossentropy(), SOFTMAX, "one_hot"),
    "sparse_categorical": (losses.SparseCategoricalCrossentropy(from_logits=True), dense, "classes"),
    "sparse_ignored": (losses.SparseCategoricalCrossentropy(ignore_class=-1), SOFTMAX, "ignored"),
    "generalized": (losses.CategoricalGeneralizedCrossEntropy(q=0.7), SOFTMAX, "classes"),
    "dice": (losses.Dice(), SIGMOID, "binary"), "tversky": (losses.Tversky(alpha=0.3, beta=0.7), SIGMOID, "binary"),
    "circle": (
        losses.Circle(gamma=8.0),
        lambda: [keras.Input((FEATURES,)), L.Dense(3, activation="tanh")],
        "classes",
    ),
    "ctc": (
        losses.CTC(),
        lambda: [keras.Input((TIMESTEPS + 2, FEATURES)), L.LSTM(4, return_sequences=True), L.Dense(CLASSES)],
        "spoken",
    ),
}  # fmt: skip

M = metrics
METRICS = {
    "of_classes": (SOFTMAX, "one_hot", "categorical_crossentropy", lambda: [
        "accuracy", "categorical_accuracy", "mse", "AUC", M.Precision(thresholds=0.3, name="p"), M.Recall(top_k=2),
        M.TopKCategoricalAccuracy(k=2), M.F1Score(average="macro"), M.FBetaScore(average="weighted", beta=2.0),
        M.OneHotIoU(CLASSES, [0, 2]), M.OneHotMeanIoU(CLASSES), M.CategoricalCrossentropy(label_smoothing=0.1),
        M.CategoricalHinge(), M.KLDivergence()]),
    "of_class_numbers": (SOFTMAX, "classes", "sparse_categorical_crossentropy", lambda: [
        "acc", "sparse_categorical_accuracy", M.SparseTopKCategoricalAccuracy(k=2), M.SparseCategoricalCrossentropy(),
        M.MeanIoU(CLASSES, sparse_y_pred=False), M.IoU(CLASSES, [1, 3], sparse_y_pred=False)]),
    "of_a_chance": (functools.partial(dense, 1, "sigmoid"), "binary_column", "binary_crossentropy", lambda: [
        "accuracy", "auc", M.AUC(curve="PR", name="pr"), M.Precision(), M.Recall(), M.TruePositives(), M.FalsePositives(),
        M.TrueNegatives(), M.FalseNegatives(thresholds=0.4), M.SensitivityAtSpecificity(0.5),
        M.SpecificityAtSensitivity(0.5), M.PrecisionAtRecall(0.5), M.RecallAtPrecision(0.5), M.BinaryIoU(),
        M.BinaryCrossentropy(), M.BinaryAccuracy(threshold=0.4), M.Hinge(), M.SquaredHinge()]),
    "of_reals": (dense, "positive", "mse", lambda: [
        "mse", "MeanAbsoluteError", "mape", "msle", "root_mean_squared_error", "cosine_similarity", M.LogCoshError(),
        M.R2Score(), M.PearsonCorrelation(), M.ConcordanceCorrelation(), M.Accuracy()]),
}  # fmt: skip


def run(name, layers, kind, optimizer, loss, own_metrics):
    keras.utils.clear_session()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    model = keras.Sequential(layers())
    initial = random_weights(model, rng)
    shape = model.input_shape[1:]
    data = {}
    for suffix, n in [("", TRAIN), ("v", VALIDATION)]:
        if model.inputs[0].dtype == "int32":
            data[f"x{suffix}"] = rng.integers(0, 7, (n, *shape)).astype("int32")
        else:
            data[f"x{suffix}"] = rng.normal(size=(n, *shape)).astype("float32")
        data[f"y{suffix}"] = labels(kind, rng, n)
    own = own_metrics()
    model.compile(optimizer, loss=loss, metrics=own)
    written = {
        "optimizer": plain(keras.saving.serialize_keras_object(model.optimizer)),
        "loss": loss if isinstance(loss, str) else plain(keras.saving.serialize_keras_object(loss)),
        "metrics": [m if isinstance(m, str) else plain(keras.saving.serialize_keras_object(m)) for m in own],
    }
    history = model.fit(
        data["x"], data["y"], validation_data=(data["xv"], data["yv"]), epochs=3, batch_size=8, shuffle=False, verbose=0
    )
    arrays = dict(data)
    arrays.update({f"w{i}": value for i, value in enumerate(initial)})
    arrays.update({f"final{i}": np.asarray(value) for i, value in enumerate(model.get_weights())})
    case = {
        **written, "epochs": 3, "batch_size": 8, "weights": len(initial),
        "history": {key: [float(v) for v in values] for key, values in history.history.items()},
        "layers": plain(model.get_config()),
    }  # fmt: skip
    return case, arrays


def main():
    runs = {}

    def add(name, *spec):
        runs[name] = functools.partial(run, name, *spec)

    for name, optimizer in OPTIMIZERS.items():
        layers = embedded if name in {"muon", "adafactor"} else recurrent
        add(f"optimizer_{name}", layers, "one_hot", optimizer, "categorical_crossentropy", lambda: ["accuracy"])
    for name, schedule in SCHEDULES.items():
        add(f"schedule_{name}", recurrent, "one_hot", O.SGD(schedule), "categorical_crossentropy", lambda: ["accuracy"])
    for name, (loss, layers, kind) in LOSSES.items():
        add(f"loss_{name}", layers, kind, O.Adam(0.01), loss, lambda: [])
    for name, (layers, kind, loss, own_metrics) in METRICS.items():
        add(f"metrics_{name}", layers, kind, O.Adam(0.01), loss, own_metrics)
    record("training_all", runs)


if __name__ == "__main__":
    main()
