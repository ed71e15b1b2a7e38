"""Training through what changes a loss or a step besides the optimizer: masks, penalties, constraints.

    python tests/keras/make_training_more.py      writes tests/fixtures/training_more.{json,npz}

The same format as `make_training.py`. Models with batch normalization have weights that `fit`
moves without a gradient.
"""

import functools
import zlib

from reference import keras, np, random_weights

from make_training import record, train
from keras import constraints, regularizers
from keras import layers as L

TRAIN, VALIDATION, TIMESTEPS, FEATURES, CLASSES, VOCABULARY = 60, 20, 6, 5, 4, 9


def padded(rng, n):
    """Numbers, zero after each sample's own length."""
    x = rng.normal(size=(n, TIMESTEPS, FEATURES)).astype("float32")
    for row, length in zip(x, rng.integers(1, TIMESTEPS + 1, n)):
        row[length:] = 0
    return x


def tokens(rng, n):
    x = rng.integers(1, VOCABULARY, (n, TIMESTEPS)).astype("int32")
    for row, length in zip(x, rng.integers(1, TIMESTEPS + 1, n)):
        row[length:] = 0
    return x


def floats(rng, n):
    return rng.normal(size=(n, TIMESTEPS, FEATURES)).astype("float32")


def one_hot(rng, n):
    return np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, n)]


def a_class_each_step(rng, n):
    return rng.integers(0, CLASSES, (n, TIMESTEPS)).astype("int32")


def numbers_each_step(rng, n):
    return rng.normal(size=(n, TIMESTEPS, 1)).astype("float32")


SEQUENCE = [keras.Input((TIMESTEPS, FEATURES))]
TOKENS = [keras.Input((TIMESTEPS,), dtype="int32")]


def softmax():
    return L.Dense(CLASSES, activation="softmax")


CASES = {
    # name: (input, layers, x, y, optimizer, loss, metrics)
    "masked": (
        SEQUENCE,
        lambda: [L.Masking(), L.Bidirectional(L.LSTM(4, return_sequences=True)), L.LSTM(4), softmax()],
        padded, one_hot, "adam", "categorical_crossentropy", ["accuracy"],
    ),
    "masked_loss": (
        TOKENS,
        lambda: [L.Embedding(VOCABULARY, 4, mask_zero=True), L.LSTM(5, return_sequences=True), softmax()],
        tokens, a_class_each_step, "rmsprop", "sparse_categorical_crossentropy", ["accuracy"],
    ),
    "masked_loss_numbers": (
        SEQUENCE,
        lambda: [L.Masking(), L.GRU(4, return_sequences=True), L.TimeDistributed(L.Dense(1))],
        padded, numbers_each_step, "sgd", "mse", ["mae"],
    ),
    "sequence_loss": (
        SEQUENCE,
        lambda: [L.SimpleRNN(4, return_sequences=True), softmax()],
        floats, a_class_each_step, "adam", "sparse_categorical_crossentropy", ["accuracy"],
    ),
    "embedding": (
        TOKENS,
        lambda: [L.Embedding(VOCABULARY, 4), L.GRU(4), softmax()],
        tokens, one_hot, "adam", "categorical_crossentropy", ["accuracy"],
    ),
    "regularized": (
        SEQUENCE,
        lambda: [
            L.LSTM(4, kernel_regularizer=regularizers.L2(0.03), recurrent_regularizer=regularizers.L1(0.02),
                   bias_regularizer=regularizers.L1L2(0.01, 0.01), activity_regularizer=regularizers.L2(0.05)),
            L.Dense(CLASSES, activation="softmax", kernel_regularizer="l2", activity_regularizer="l1"),
        ],
        floats, one_hot, "rmsprop", "categorical_crossentropy", ["accuracy"],
    ),
    "constrained": (
        SEQUENCE,
        lambda: [
            L.LSTM(4, kernel_constraint=constraints.MaxNorm(0.5), recurrent_constraint=constraints.UnitNorm(axis=1),
                   bias_constraint=constraints.NonNeg()),
            L.Dense(CLASSES, activation="softmax", kernel_constraint=constraints.MinMaxNorm(0.3, 0.6, rate=0.7)),
        ],
        floats, one_hot, "sgd", "categorical_crossentropy", ["accuracy"],
    ),
    "batch_normalization": (
        SEQUENCE,
        lambda: [L.LSTM(4, return_sequences=True), L.BatchNormalization(momentum=0.9), L.GRU(4),
                 L.BatchNormalization(), softmax()],
        floats, one_hot, "sgd", "categorical_crossentropy", ["accuracy"],
    ),
    "frozen": (
        SEQUENCE,
        lambda: [L.LSTM(4, return_sequences=True, trainable=False), L.BatchNormalization(trainable=False), L.LSTM(3),
                 softmax()],
        floats, one_hot, "adam", "categorical_crossentropy", ["accuracy"],
    ),
    "convolution": (
        SEQUENCE,
        lambda: [L.Conv1D(4, 3, padding="causal", activation="relu"), L.MaxPooling1D(2), L.LSTM(4),
                 L.LayerNormalization(), softmax()],
        floats, one_hot, "sgd", "categorical_crossentropy", ["accuracy"],
    ),
}  # fmt: skip


def run(name, first, layers, x, y, optimizer, loss, metrics):
    keras.utils.clear_session()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    model = keras.Sequential([*first, *layers()], name=name)
    initial = random_weights(model, rng)
    data = {"x": x(rng, TRAIN), "y": y(rng, TRAIN), "xv": x(rng, VALIDATION), "yv": y(rng, VALIDATION)}
    return train(model, initial, data, optimizer, loss, metrics, epochs=3, batch_size=16)


if __name__ == "__main__":
    record("training_more", {name: functools.partial(run, name, *spec) for name, spec in CASES.items()})
