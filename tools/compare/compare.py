"""Sets burn-keras against other libraries on the same machine, in turn, and prints a table.

    cargo build --release --example throughput
    python tools/compare/compare.py --output table.md

Every peer has a process of its own and waits while another one measures. Each has its turn several times for every
workload, so that a slow spell of the machine hits all of them. See README.md.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from machine import cores, example, git_commit, machine, rustc
from workloads import WORKLOADS

HERE = Path(__file__).resolve().parent
OURS = "burn-keras"


class Ours:
    """Our program, started anew at every turn: it builds and warms up in a fraction of a second."""

    def __init__(self, binary, options=(), environment=()):
        self.command = [binary]
        self.options = list(options)
        self.environment = dict(environment)

    def start(self):
        pass

    def measure(self, workload):
        command = self.command + [workload.name, f"epochs={workload.epochs}", f"batch={workload.batch}", "rounds=1"]
        ways = {"fit": []} if workload.trains else {"a session": [], "predict": ["session=no"]}
        return {way: self.ask(command + self.options + options) for way, options in ways.items()}

    def ask(self, command):
        answer = subprocess.run(
            command, env=os.environ | self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(answer.stdout)["rounds"]

    def stop(self):
        pass


class Peer:
    """A Python library, in one process for the whole run."""

    def __init__(self, kind, option, environment=()):
        self.python = sys.executable
        self.arguments = [kind, option]
        self.environment = dict(environment)
        self.versions = []

    def start(self):
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
        self.process = subprocess.Popen(
            [self.python, HERE / "peers.py", *self.arguments],
            env=os.environ | environment | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.arguments)} ended; what it said is above")
        return json.loads(line)

    def measure(self, workload):
        print(json.dumps({"workload": workload.name, "rounds": 1}), file=self.process.stdin, flush=True)
        return self.read()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def peers(binary, threads):
    several = f"{threads} threads"
    return {
        OURS: Ours(binary),
        "burn-keras, 1 thread": Ours(binary, environment={"RAYON_NUM_THREADS": "1"}),
        "burn's nn::Lstm": Ours(binary, ["implementation=burn"]),
        f"PyTorch nn.LSTM, {several}": Peer("torch", str(threads), {"OMP_NUM_THREADS": str(threads)}),
        "PyTorch nn.LSTM, 1 thread": Peer("torch", "1", {"OMP_NUM_THREADS": "1"}),
        f"ONNX Runtime, {several}": Peer("onnxruntime", str(threads)),
        "Keras on JAX": Peer("keras", "jax", {"KERAS_BACKEND": "jax"}),
        "Keras on TensorFlow": Peer("keras", "tensorflow", {"KERAS_BACKEND": "tensorflow"}),
        "Keras on PyTorch": Peer("keras", "torch", {"KERAS_BACKEND": "torch"}),
    }


def left_out(name, workload, everything):
    """What a peer cannot do, and what would take most of the run to show that it is far behind."""
    if "ONNX" in name:
        return workload.trains
    if everything:
        return False
    if name == "Keras on PyTorch":
        return True
    return workload.name == "train_large" and name not in (OURS, "burn-keras, 1 thread") and "PyTorch" not in name


def run(chosen, names, workloads, turns, everything):
    """{workload: {peer: {way: [seconds]}}}"""
    figures = {}
    for workload in workloads:
        taking_part = [n for n in names if not left_out(n, workload, everything)]
        found = figures[workload.name] = {n: {} for n in taking_part}
        for turn in range(turns or workload.turns):
            for name in taking_part:
                print(f"{workload.name} {turn + 1}: {name}", file=sys.stderr)
                for way, seconds in chosen[name].measure(workload).items():
                    found[name].setdefault(way, []).extend(seconds)
    return figures


def fastest(ways, measure):
    """(seconds, way) of the fastest idiom."""
    return min((measure(seconds), way) for way, seconds in ways.items())


def readable(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            break
    value = seconds * scale
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


def table(figures, names, measure):
    workloads = list(figures)
    lines = [
        "| | " + " | ".join(WORKLOADS[w].what for w in workloads) + " |",
        "|---|" + "---|" * len(workloads),
    ]
    for name in names:
        cells = []
        for workload in workloads:
            found = figures[workload]
            if not found.get(name):
                cells.append("–")
                continue
            seconds, _ = fastest(found[name], measure)
            ratio = ""
            if name != OURS and found.get(OURS):
                ratio = f" ({seconds / fastest(found[OURS], measure)[0]:.2f}×)"
            cells.append(readable(seconds) + ratio)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def goals(figures):
    lines = ["| work | fastest peer | it takes, against burn-keras | meant to be |", "|---|---|---|---|"]
    for workload, found in figures.items():
        others = {n: fastest(w, min) for n, w in found.items() if w and not n.startswith("burn")}
        if not others or not found.get(OURS):
            continue
        name = min(others, key=others.get)
        seconds, way = others[name]
        ratio = seconds / fastest(found[OURS], min)[0]
        lines.append(f"| {WORKLOADS[workload].what} | {name} ({way}) | {ratio:.2f}× | {WORKLOADS[workload].goal} |")
    return "\n".join(lines)


def ways_taken(figures):
    """The idioms of predict, where a library has several."""
    lines = []
    for workload, found in figures.items():
        several = [(n, w) for n, w in found.items() if len(w) > 1]
        if not several:
            continue
        parts = (f"{n}: " + ", ".join(f"{way} {readable(min(s))}" for way, s in w.items()) for n, w in several)
        lines.append(f"- {WORKLOADS[workload].what}: " + "; ".join(parts))
    return "\n".join(lines)


def report(figures, names, versions, loads):
    turns = ", ".join(
        f"{max(len(s) for w in found.values() for s in w.values())} for {name}" for name, found in figures.items()
    )
    load = " and ".join(f"{value:.1f}" for value in loads)
    return f"""\
{datetime.date.today()}; {machine()}.
{", ".join(versions)}; rustc {rustc()}.
Load average {load} before and after: a figure over 1 at the start means that others were at work on the machine.

Best of all turns; in brackets how many times as long as burn-keras:

{table(figures, names, min)}

Median of all turns:

{table(figures, names, statistics.median)}

Best turns, in short:

{goals(figures)}

Where a library has several idioms, the tables show the fastest:

{ways_taken(figures) or "- (none)"}

Turns: {turns}.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="write the tables to this file, too")
    parser.add_argument("--json", type=Path, help="write every single time to this file")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--peers", nargs="+", default=[""], help="only peers whose name contains one of these words")
    parser.add_argument("--turns", type=int, help="turns of every peer (by default it depends on the workload)")
    parser.add_argument("--threads", type=int, default=cores(), help="of PyTorch; the others take all cores")
    parser.add_argument(
        "--python",
        nargs="+",
        default=[],
        metavar="WORD=PATH",
        help="the Python of peers whose name contains the word, if they are installed apart, as tensorflow=venv/bin/python",
    )
    parser.add_argument("--all", action="store_true", help="also what takes long to show that it is far behind")
    options = parser.parse_args()

    binary = example("throughput")
    if not binary.exists():
        parser.error("build the program first: cargo build --release --example throughput")

    chosen, versions = {}, [f"burn-keras {git_commit()}"]
    loads = [os.getloadavg()[0]]
    for name, peer in peers(binary, options.threads).items():
        wanted = any(word.lower() in name.lower() for word in options.peers) or name == OURS
        if not wanted or (name == "Keras on PyTorch" and not options.all):
            continue
        for word, path in (p.split("=", 1) for p in options.python):
            if word.lower() in name.lower() and isinstance(peer, Peer):
                peer.python = path
        try:
            peer.start()
        except RuntimeError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        chosen[name] = peer
        versions += [v for v in getattr(peer, "versions", []) if v not in versions]

    workloads = [WORKLOADS[name] for name in options.workloads]
    figures = run(chosen, list(chosen), workloads, options.turns, options.all)
    loads.append(os.getloadavg()[0])
    for peer in chosen.values():
        peer.stop()
    text = report(figures, list(chosen), versions, loads)
    print(text)
    if options.output:
        options.output.write_text(text)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


main()
