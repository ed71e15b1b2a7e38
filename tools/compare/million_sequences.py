"""Sets examples/million_sequences.rs against Keras: the same file on disk, the same model, batches of the same size.

    cargo build --release --example million_sequences
    python tools/compare/million_sequences.py --output table.md        about a minute and a half

The example makes a .npy file of 1,085,420 sequences of 31 characters and trains `Embedding(25, 16)`, `LSTM(32)` and
`Dense(5)` on it, adam, shuffled, in batches of 256, with the metric accuracy. Keras trains the same model on the same
file through `np.load(mmap_mode="r")`, on every backend that is installed. They take turns, each time in a new process.
Building the model and a first fit of a few steps, in which Keras compiles, are left out for Keras; ours has none.

Memory is that of the whole process without those pages of the .npy files that are in memory, looked at ten times a
second.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from machine import example, git_commit, machine, rustc

SEQUENCES, TIMESTEPS, CHARACTERS, LANGUAGES, BATCH = 1_085_420, 31, 25, 5, 256
WARM_UP = 20
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}


def keras(folder, steps):
    """What a process of Keras does: prints versions and seconds."""
    import importlib

    import keras
    import numpy as np
    from keras import layers

    x, y = (np.load(Path(folder) / f"{name}.npy", mmap_mode="r") for name in "xy")
    assert x.shape == (SEQUENCES, TIMESTEPS)
    model = keras.Sequential(
        [
            keras.Input((TIMESTEPS,), dtype="int32"),
            layers.Embedding(CHARACTERS, 16),
            layers.LSTM(32),
            layers.Dense(LANGUAGES, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=BATCH, steps_per_epoch=WARM_UP, verbose=0)
    start = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, steps_per_epoch=steps, verbose=0)
    seconds = time.perf_counter() - start
    backend = importlib.import_module(keras.backend.backend())
    versions = [f"keras {keras.__version__}", f"{backend.__name__} {backend.__version__}"]
    print(json.dumps({"seconds": seconds, "versions": versions}))


def memory_without(pid, files):
    """Bytes of a process that are in memory, without the pages of these files; None once it has ended."""
    total, mapped = 0, 0
    try:
        with open(f"/proc/{pid}/smaps") as lines:
            own = False
            for line in lines:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    own = any(line.rstrip().endswith(str(file)) for file in files)
                elif line.startswith("Rss:"):
                    size = int(line.split()[1]) * 1024
                    total += size
                    mapped += size if own else 0
    except OSError:
        return None
    return total - mapped


def run(command, files, environment=()):
    """(what the command printed, the most memory it had)"""
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env=os.environ | dict(environment)
    )
    most = 0

    def watch():
        nonlocal most
        while process.poll() is None and (now := memory_without(process.pid, files)) is not None:
            most = max(most, now)
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed = process.communicate()[0]
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return printed, most


def ours(binary, folder, steps, files):
    printed, most = run([binary, "--data", folder, "--steps", steps], files)
    seconds = float(re.search(r"sequences in ([\d.]+) s", printed)[1])
    return seconds, most, []


def of_keras(backend, python, folder, steps, files):
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    printed, most = run([python, __file__, "--keras", folder, "--steps", steps], files, environment)
    found = json.loads(printed.splitlines()[-1])
    return found["seconds"], most, found["versions"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="write the table to this file, too")
    parser.add_argument("--steps", type=int, default=400, help="batches of a turn")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--backends", nargs="*", choices=BACKENDS, default=list(BACKENDS), help="of Keras")
    parser.add_argument("--python", default=sys.executable, help="the Python that Keras is installed for")
    parser.add_argument("--data", help="the folder of the files, which are made if they are not there")
    parser.add_argument("--keras", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.keras:
        return keras(options.keras, options.steps)

    binary = example("million_sequences")
    if not binary.exists():
        parser.error("build the program first: cargo build --release --example million_sequences")
    with tempfile.TemporaryDirectory() as own:
        folder = Path(options.data or own).resolve()
        files = [folder / "x.npy", folder / "y.npy"]
        if not all(file.exists() for file in files):
            subprocess.run([binary, "--data", folder, "--steps", "1"], check=True, stdout=subprocess.DEVNULL)
        peers = {"burn-keras": lambda: ours(binary, folder, options.steps, files)}
        for backend in options.backends:
            peers[f"Keras on {BACKENDS[backend]}"] = lambda backend=backend: of_keras(
                backend, options.python, folder, options.steps, files
            )
        found, versions, load = {}, [f"burn-keras {git_commit()}"], os.getloadavg()[0]
        for turn in range(options.turns):
            for name, measure in list(peers.items()):
                print(f"turn {turn + 1}: {name}", file=sys.stderr)
                try:
                    *figures, of_peer = measure()
                except RuntimeError as error:
                    print(f"{name} is left out: {error}", file=sys.stderr)
                    del peers[name]
                    continue
                found.setdefault(name, []).append(figures)
                versions += [v for v in of_peer if v not in versions]
        size = sum(file.stat().st_size for file in files)

    text = f"""\
{datetime.date.today()}; {machine()}.
{", ".join(versions)}; rustc {rustc()}. Load average {load:.1f} at the start.
{options.steps} batches of {BATCH}; the files are {size / 1e6:.0f} MB. Best of {options.turns} turns:

| | sequences/s | | memory without the files, MB |
|---|---|---|---|
"""
    best = {name: min(seconds for seconds, *_ in figures) for name, figures in found.items()}
    for name, figures in found.items():
        speed = options.steps * BATCH / best[name]
        ratio = "" if name == "burn-keras" else f"{best[name] / best['burn-keras']:.2f} times as long"
        memory = max(most for *_, most in figures) / 1e6
        text += f"| {name} | {speed:,.0f} | {ratio} | {memory:.0f} |\n"
    print(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
