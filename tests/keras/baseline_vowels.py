"""What Keras reaches on examples/data/japanese_vowels.csv: masked sequences of 7 to 29 steps.

    python tests/keras/baseline_vowels.py      writes tests/fixtures/baseline_vowels.json
"""

import json
import time

from reference import DATA, FIXTURES, header, keras, np

from baseline_digits import spread
from keras import layers

TIMESTEPS, FEATURES, SPEAKERS = 29, 12, 9


def load(part):
    """x [utterances, 29, 12], zeros after the last step, and y [utterances, 9] one-hot."""
    utterances = {}
    for line in (DATA / "japanese_vowels.csv").read_text().split():
        which, utterance, speaker, *values = line.split(",")
        if which == part:
            utterances.setdefault((int(utterance), int(speaker)), []).append([float(v) for v in values])
    x = np.zeros((len(utterances), TIMESTEPS, FEATURES), "float32")
    y = np.zeros((len(utterances), SPEAKERS), "float32")
    for i, ((_, speaker), steps) in enumerate(utterances.items()):
        x[i, : len(steps)] = steps
        y[i, speaker - 1] = 1
    return x, y


def run(seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((TIMESTEPS, FEATURES)),
            layers.Masking(),
            layers.Bidirectional(layers.LSTM(32, return_sequences=True)),
            layers.LSTM(32),
            layers.Dense(SPEAKERS, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x, y = load("train")
    start = time.time()
    history = model.fit(x, y, batch_size=16, epochs=30, validation_data=load("test"), verbose=0).history
    last = {key: values[-1] for key, values in history.items()}
    print(f"seed {seed}: {last} in {time.time() - start:.0f} s", flush=True)
    return {"seed": seed, "epochs": 30, **last}


def main():
    runs = [run(seed) for seed in range(10)]
    result = {**header(), "after_30_epochs": spread(runs), "runs": runs}
    (FIXTURES / "baseline_vowels.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
