"""Trains models with stateful layers in Keras on TensorFlow: states go on from batch to batch.

    tf/bin/python tests/keras/make_stateful_fit.py     writes tests/fixtures/stateful_fit.{json,npz}

On JAX Keras throws the states of stateful layers away in fit, evaluate and predict; on TensorFlow
it carries them on through all three, epochs included, until they are reset. README.md says what
the files hold.
"""

import os

os.environ["KERAS_REFERENCE_BACKEND"] = "tensorflow"

from reference import FIXTURES, header, keras, np, plain, random_weights, write_json

from keras import layers as L

BATCH, BATCHES, T, F = 4, 5, 6, 3
CASES = {
    "lstm": ([lambda: L.LSTM(5, stateful=True), lambda: L.Dense(2)], "rmsprop", False),
    "gru_sequences": (
        [lambda: L.GRU(4, stateful=True, return_sequences=True), lambda: L.GRU(3, stateful=True), lambda: L.Dense(2)],
        "sgd", True,
    ),
    "simple_rnn": ([lambda: L.SimpleRNN(5, stateful=True), lambda: L.Dense(2)], "sgd", True),
    "bidirectional": ([lambda: L.Bidirectional(L.LSTM(3, stateful=True)), lambda: L.Dense(2)], "adam", False),
    "cells": ([lambda: L.RNN(L.GRUCell(4), stateful=True), lambda: L.Dense(2)], "rmsprop", False),
}  # fmt: skip


def reset(model):
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def run(name, make, optimizer, validation):
    keras.utils.clear_session()
    rng = np.random.default_rng(sum(name.encode()))
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, T, F))] + [m() for m in make])
    arrays = {f"w{i}": w for i, w in enumerate(random_weights(model, rng, scale=0.6))}
    for x, y, batches in [("x", "y", BATCHES), ("vx", "vy", 2)][: 2 if validation else 1]:
        arrays[x] = rng.normal(size=(BATCH * batches, T, F)).astype("float32")
        arrays[y] = rng.normal(size=(BATCH * batches, 2)).astype("float32")
    x, y = arrays["x"], arrays["y"]
    model.compile(optimizer, "mse", jit_compile=False)
    history = model.fit(
        x, y, batch_size=BATCH, epochs=3, shuffle=False, verbose=0,
        validation_data=(arrays["vx"], arrays["vy"]) if validation else None,
    )  # fmt: skip
    evaluated = model.evaluate(x, y, batch_size=BATCH, verbose=0)
    arrays["after"] = model.predict(x, batch_size=BATCH, verbose=0)
    arrays["again"] = model.predict(x, batch_size=BATCH, verbose=0)
    reset(model)
    arrays["fresh"] = model.predict(x, batch_size=BATCH, verbose=0)
    assert np.abs(arrays["after"] - arrays["fresh"]).max() > 1e-3, f"{name}: states make no difference"
    arrays.update({f"v{i}": w for i, w in enumerate(model.get_weights())})
    info = {
        "config": plain(model.get_config()),
        "optimizer": optimizer,
        "loss": "mse",
        "epochs": 3,
        "validation": validation,
        "history": plain(history.history),
        "evaluate": float(evaluated),
    }
    return info, {f"{name}/{key}": np.asarray(value, "float32") for key, value in arrays.items()}


def main():
    cases, arrays = {}, {}
    for name, case in CASES.items():
        cases[name], found = run(name, *case)
        arrays.update(found)
        print(name, cases[name]["history"], flush=True)
    np.savez_compressed(FIXTURES / "stateful_fit.npz", **arrays)
    write_json(FIXTURES / "stateful_fit.json", header(), cases)


if __name__ == "__main__":
    main()
