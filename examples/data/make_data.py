"""Writes the example data beside this file from Python packages that carry it.

    pip install scikit-learn==1.9.1 mnemonic==0.21
    pip download --no-deps aeon==1.6.0        # a wheel is a zip file; it is only read
    python examples/data/make_data.py aeon-1.6.0-py3-none-any.whl

README.md says what the files hold, where they come from and under which licence.
"""

import gzip
import importlib.resources
import pathlib
import sys
import unicodedata
import zipfile

import numpy as np

SEED = 0
HERE = pathlib.Path(__file__).resolve().parent
LANGUAGES = ["czech", "english", "french", "italian", "portuguese", "spanish", "turkish"]


def write(name, lines):
    (HERE / name).write_bytes(("\n".join(lines) + "\n").encode("ascii"))
    print(f"{name}: {len(lines)} lines")


def shuffled(lines):
    return [lines[i] for i in np.random.default_rng(SEED).permutation(len(lines))]


def digits():
    packed = importlib.resources.files("sklearn.datasets.data").joinpath("digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").split()
    assert len(lines) == 1797 and all(line.count(",") == 64 for line in lines)
    write("digits.csv", shuffled(lines))


def words():
    languages = {}  # word -> the languages it is a word of
    for language in LANGUAGES:
        file = importlib.resources.files("mnemonic").joinpath("wordlist", f"{language}.txt")
        for word in file.read_text("utf-8").split():
            languages.setdefault(fold(word), set()).add(language)
    lines = [f"{word},{next(iter(found))}" for word, found in sorted(languages.items()) if len(found) == 1]
    write("words.csv", shuffled(lines))


def fold(word):
    """`ábaco` as `abaco`: accents off, and Turkish `ı` as `i`, so that a to z is all there is."""
    letters = [c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)]
    folded = "".join(letters).replace("ı", "i")
    assert folded.isascii() and folded.isalpha() and folded.islower(), word
    return folded


def japanese_vowels(wheel):
    lines, utterance = [], 0
    with zipfile.ZipFile(wheel) as package:
        for part in ["train", "test"]:
            path = f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{part.upper()}.ts"
            text = package.read(path).decode("ascii")
            for line in text.split("@data")[1].split():
                *channels, speaker = line.split(":")
                utterance += 1
                for step in zip(*(channel.split(",") for channel in channels), strict=True):
                    assert len(step) == 12
                    lines.append(",".join([part, str(utterance), speaker, *step]))
    assert utterance == 270 + 370
    write("japanese_vowels.csv", lines)


if __name__ == "__main__":
    digits()
    words()
    japanese_vowels(sys.argv[1])
