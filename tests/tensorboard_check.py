"""Reads with TensorBoard's own reader every tag that the example `callbacks` wrote.

    cargo run --release --example callbacks -- FOLDER
    python tests/tensorboard_check.py FOLDER

Needs the package `tensorboard` (tests/keras/requirements.txt). Fails when a tag is missing or unexpected, a value
differs from history.json, or a histogram does not hold as many values as its weight.
"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

# The example's model; paths as Keras names them.
WEIGHTS = {
    "sequential/lstm/lstm_cell/kernel": 1 * 32,
    "sequential/lstm/lstm_cell/recurrent_kernel": 8 * 32,
    "sequential/lstm/lstm_cell/bias": 32,
    "sequential/dense/kernel": 8 * 2,
    "sequential/dense/bias": 2,
}


def read(folder):
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    return {
        tag: (
            events.SummaryMetadata(tag).plugin_data.plugin_name,
            [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)],
        )
        for tag in tags
    }


def expect(condition, what):
    if not condition:
        raise SystemExit(f"TensorBoard: {what}")


def main():
    folder = pathlib.Path(sys.argv[1])
    history = json.loads((folder / "history.json").read_text())
    epochs = len(history["loss"])
    train, validation = read(folder / "logs" / "train"), read(folder / "logs" / "validation")

    figures = {"loss", "accuracy", "learning_rate"}
    wanted = {"keras"} | {f"epoch_{f}" for f in figures} | {"batch_loss", "batch_accuracy"}
    wanted |= {f"{path}/histogram" for path in WEIGHTS}
    expect(set(train) == wanted, f"tags of train differ: {set(train) ^ wanted}")
    wanted = {"epoch_loss", "epoch_accuracy"}
    wanted |= {"evaluation_loss_vs_iterations", "evaluation_accuracy_vs_iterations"}
    expect(set(validation) == wanted, f"tags of validation differ: {set(validation) ^ wanted}")

    for part, prefix in [(train, ""), (validation, "val_")]:
        for tag, (plugin, events) in part.items():
            if not tag.startswith("epoch_"):
                continue
            expect(plugin == "scalars", f"{tag} is of the plugin {plugin}")
            values = history[prefix + tag.removeprefix("epoch_")]
            expect([step for step, _ in events] == list(range(epochs)), f"{tag} has the steps {events}")
            for (_, got), value in zip(events, values):
                expect(abs(float(got) - value) <= 1e-6 * abs(value), f"{tag} is {got}, the history has {value}")
    # 300 samples in batches of 32: 10 an epoch; every fifth is written.
    steps = [step for step, _ in train["batch_loss"][1]]
    expect(steps == list(range(5, 10 * epochs + 1, 5)), f"batch_loss has the steps {steps}")
    for path, count in WEIGHTS.items():
        plugin, events = train[f"{path}/histogram"]
        expect(plugin == "histograms", f"{path} is of the plugin {plugin}")
        expect([step for step, _ in events] == list(range(0, epochs, 2)), f"{path} has the steps {events}")
        for _, bars in events:
            expect(bars[:, 2].sum() == count, f"{path}: {bars[:, 2].sum()} values of {count}")
    plugin, events = train["keras"]
    expect(plugin == "graph_keras_model", f"the model is of the plugin {plugin}")
    expect(json.loads(events[0][1].item())["class_name"] == "Sequential", "the model's JSON cannot be read")
    print(f"TensorBoard reads {len(train)} tags of train and {len(validation)} of validation, {epochs} epochs")


if __name__ == "__main__":
    sys.exit(main())
