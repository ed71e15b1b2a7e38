"""What Keras reaches on examples/data/words.csv when a word is fed in different ways.

    python tests/keras/baseline_words.py      writes tests/fixtures/baseline_words.json

A word becomes 31 integers: a = 1, ..., z = 26, and 0 where there is no letter, either before
the word ("pre", the default of keras.utils.pad_sequences) or after it ("post").
"""

import json
import time

from reference import DATA, FIXTURES, header, keras, np

from keras import layers

LENGTH, LETTERS, HELD_BACK, EPOCHS, BATCH = 31, 27, 2000, 10, 64


def load(padding):
    pairs = [line.split(",") for line in (DATA / "words.csv").read_text().split()]
    languages = sorted({language for _, language in pairs})
    x = np.zeros((len(pairs), LENGTH), "int32")
    for i, (word, _) in enumerate(pairs):
        codes = [ord(letter) - ord("a") + 1 for letter in word]
        x[i, (slice(0, len(codes)) if padding == "post" else slice(-len(codes), None))] = codes
    return x, np.array([languages.index(language) for _, language in pairs]), len(languages)


FEEDING = {
    "column": (lambda x: x[..., None] / np.float32(26), [keras.Input((LENGTH, 1))]),
    "one_hot": (lambda x: np.eye(LETTERS, dtype="float32")[x], [keras.Input((LENGTH, LETTERS))]),
    "embedding": (lambda x: x, [keras.Input((LENGTH,)), lambda: layers.Embedding(LETTERS, 8)]),
    "embedding_mask_zero": (
        lambda x: x,
        [keras.Input((LENGTH,)), lambda: layers.Embedding(LETTERS, 8, mask_zero=True)],
    ),
}


def run(feeding, padding, seed):
    keras.utils.set_random_seed(seed)
    x, y, classes = load(padding)
    prepare, first = FEEDING[feeding]
    x = prepare(x)
    model = keras.Sequential([layer() if callable(layer) else layer for layer in first])
    model.add(layers.LSTM(32))
    model.add(layers.Dense(classes, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    start = time.time()
    history = model.fit(
        x[:-HELD_BACK], y[:-HELD_BACK], validation_data=(x[-HELD_BACK:], y[-HELD_BACK:]),
        batch_size=BATCH, epochs=EPOCHS, verbose=0,
    ).history  # fmt: skip
    last = {key: values[-1] for key, values in history.items()}
    print(f"{feeding}, {padding}, seed {seed}: {last} in {time.time() - start:.0f} s", flush=True)
    return {"feeding": feeding, "padding": padding, "seed": seed, "epochs": EPOCHS, **last}


def main():
    runs, means = [], {}
    for padding in ["pre", "post"]:
        for feeding in FEEDING:
            found = [run(feeding, padding, seed) for seed in range(3)]
            runs += found
            means[f"{feeding}/{padding}"] = sum(r["val_accuracy"] for r in found) / len(found)
    print(means)
    result = {**header(), "mean_val_accuracy": means, "runs": runs}
    (FIXTURES / "baseline_words.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
