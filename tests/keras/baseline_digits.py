"""What Keras reaches on examples/data/digits.csv with the stacked LSTMs: the mark to match.

    python tests/keras/baseline_digits.py      writes tests/fixtures/baseline_digits.json
"""

import json
import time

from reference import DATA, FIXTURES, header, keras, np

from keras import layers

HELD_BACK = 360


def load():
    rows = np.loadtxt(DATA / "digits.csv", delimiter=",", dtype="float32")
    x = rows[:, :64].reshape(-1, 8, 8) / 16
    y = np.eye(10, dtype="float32")[rows[:, 64].astype(int)]
    return (x[:-HELD_BACK], y[:-HELD_BACK]), (x[-HELD_BACK:], y[-HELD_BACK:])


def run(seed, epochs):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.LSTM(32, return_sequences=True),
            layers.LSTM(32, return_sequences=True),
            layers.LSTM(32),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    (x, y), validation = load()
    start = time.time()
    history = model.fit(x, y, batch_size=64, epochs=epochs, validation_data=validation, verbose=0).history
    last = {key: values[-1] for key, values in history.items()}
    print(f"seed {seed}, {epochs} epochs: {last} in {time.time() - start:.0f} s", flush=True)
    return {"seed": seed, "epochs": epochs, **last}


def spread(runs):
    values = [r["val_accuracy"] for r in runs]
    figures = {
        "seeds": len(values),
        "mean": float(np.mean(values)),
        "standard_deviation": float(np.std(values, ddof=1)),
        "least": min(values),
        "most": max(values),
        "mean_of_the_first_3": float(np.mean(values[:3])),
    }
    print("val_accuracy:", figures)
    return figures


def main():
    short = [run(seed, 30) for seed in range(10)]
    long = [run(seed, 150) for seed in range(3)]
    result = {**header(), "after_30_epochs": spread(short), "after_150_epochs": spread(long), "runs": short + long}
    (FIXTURES / "baseline_digits.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
