"""Runs Keras' callbacks over scripted figures and records what they did.

    python tests/keras/make_callbacks.py      writes tests/fixtures/callbacks.json

The model has one weight and one bias that training does not change (all data are 0); a first callback replaces the
figures of each epoch by those of the script and sets the weight to the epoch's number, so that the weight at the end
tells which epoch's weights were restored. In the JSON, `cases` maps a name to
    curve       the figure's value in each epoch (null: the epoch does not have it); there are 2 batches in each
    figure      its name
    callbacks   class and arguments
    fits        how often `fit` is called with the same callbacks
    ran         the epochs that ran
    rates       the learning rate after each of them
    history     what History holds
    files       the files that are there at the end; of each model file the weight it holds
    csv         the text of log.csv, where there is one
    weight      the weight at the end
"""

import os
import pathlib
import warnings
import sys
import tempfile

from reference import FIXTURES, header, keras, np, write_json

UP_AND_DOWN = [0.9, 0.7, 0.5, 0.6, 0.55, 0.52, 0.4, 0.45, 0.41, 0.42, 0.3, 0.35]
PLATEAU = [1.0, 0.5, 0.5, 0.5, 0.49999, 0.4999, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
ACCURACY = [0.1, 0.5, 0.4, 0.6, 0.6, 0.55, 0.7, 0.65, 0.66, 0.67, 0.68]

CASES = {
    "stop_at_the_first_worse_epoch": (UP_AND_DOWN, "val_loss", [("EarlyStopping", {})]),
    "patience": (UP_AND_DOWN, "val_loss", [("EarlyStopping", {"patience": 3})]),
    "min_delta": (UP_AND_DOWN, "val_loss", [("EarlyStopping", {"patience": 2, "min_delta": 0.15})]),
    "more_is_better": (ACCURACY, "val_accuracy", [("EarlyStopping", {"monitor": "val_accuracy", "patience": 2})]),
    "mode_max": (UP_AND_DOWN, "val_loss", [("EarlyStopping", {"mode": "max", "patience": 2})]),
    "baseline": (UP_AND_DOWN, "val_loss", [("EarlyStopping", {"baseline": 0.35, "patience": 4})]),
    "start_from_epoch": (UP_AND_DOWN, "val_loss", [("EarlyStopping", {"start_from_epoch": 4})]),
    "restore_best_weights": (
        UP_AND_DOWN, "val_loss", [("EarlyStopping", {"patience": 2, "restore_best_weights": True})],
    ),
    "restore_best_weights_without_a_stop": (
        UP_AND_DOWN[:10], "val_loss", [("EarlyStopping", {"patience": 9, "restore_best_weights": True})],
    ),
    "reduce": (PLATEAU, "val_loss", [("ReduceLROnPlateau", {"patience": 2, "factor": 0.5})]),
    "reduce_with_cooldown": (
        PLATEAU, "val_loss", [("ReduceLROnPlateau", {"patience": 1, "factor": 0.5, "cooldown": 2})],
    ),
    "reduce_to_a_least_rate": (
        PLATEAU, "val_loss", [("ReduceLROnPlateau", {"patience": 1, "factor": 0.1, "min_lr": 0.005})],
    ),
    "reduce_by_accuracy": (
        ACCURACY, "val_accuracy",
        [("ReduceLROnPlateau", {"monitor": "val_accuracy", "patience": 1, "factor": 0.5, "min_delta": 0.02})],
    ),
    "schedule": (UP_AND_DOWN[:5], "val_loss", [("LearningRateScheduler", {})]),
    "every_epoch_a_file": (
        UP_AND_DOWN[:4], "val_loss", [("ModelCheckpoint", {"filepath": "{epoch:02d}-{val_loss:.2f}.keras"})],
    ),
    "best_files": (
        UP_AND_DOWN, "val_loss",
        [(
            "ModelCheckpoint",
            {"filepath": "w{epoch}.weights.h5", "save_best_only": True, "save_weights_only": True},
        )],
    ),
    "one_best_file": (
        ACCURACY, "val_accuracy",
        [("ModelCheckpoint", {"filepath": "sub/best.keras", "save_best_only": True, "monitor": "val_accuracy"})],
    ),
    "better_than_a_threshold": (
        UP_AND_DOWN, "val_loss",
        [(
            "ModelCheckpoint",
            {"filepath": "{epoch}.keras", "save_best_only": True, "initial_value_threshold": 0.45},
        )],
    ),
    "files_by_batches": (
        UP_AND_DOWN[:5], "val_loss",
        [(
            "ModelCheckpoint",
            {"filepath": "{epoch}_{batch}.weights.h5", "save_freq": 3, "save_weights_only": True},
        )],
    ),
    "csv": (UP_AND_DOWN[:4], "val_loss", [("CSVLogger", {"filename": "log.csv"})]),
    "csv_without_validation": (UP_AND_DOWN[:4], "loss", [("CSVLogger", {"filename": "log.csv", "separator": ";"})]),
    "csv_with_a_rate": (
        [0.5, 0.5, 0.5, 0.5], "val_loss",
        [
            ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5}),
            ("CSVLogger", {"filename": "log.csv"}),
        ],
    ),
    "csv_before_the_rate": (
        [0.5, 0.5, 0.5, 0.5], "val_loss",
        [("CSVLogger", {"filename": "log.csv"}), ("LearningRateScheduler", {})],
    ),
    "together": (
        UP_AND_DOWN, "val_loss",
        [
            ("ReduceLROnPlateau", {"patience": 1, "factor": 0.3}),
            ("EarlyStopping", {"patience": 4, "restore_best_weights": True}),
            ("ModelCheckpoint", {"filepath": "best.keras", "save_best_only": True}),
        ],
    ),
}  # fmt: skip


RANDOM = 40
TEMPLATES = [
    "{epoch}.keras", "{epoch:02d}.keras", "e{epoch:04}.keras", "{epoch:>3}.keras", "{epoch:+d}.keras", "{epoch:<3d}!.keras",
    "sub/{epoch}/model.keras", "last.keras", "{{x}}{epoch}.keras", "{loss}.keras", "{loss:.1e}_{epoch}.keras",
]  # fmt: skip
OF_THE_FIGURE = ["{FIGURE:.2f}", "{epoch:03d}_{FIGURE:.3e}", "{FIGURE}", "{FIGURE:g}", "{FIGURE:8.3f}", "{FIGURE:08.2f}", "{FIGURE:.1%}", "{FIGURE:+.2f}"]


def random_curve(rng, epochs, upward, sparse):
    """Up and down, with plateaus, and values that some epochs lack."""
    values = np.round(np.cumsum(rng.normal(-0.03, 0.1, epochs)) + 1, 2)
    if upward:
        values = -values + 2
    if rng.random() < 0.4:
        values = np.repeat(values[::3], 3)[:epochs]
    absent = rng.random(epochs) < (0.2 if sparse and rng.random() < 0.3 else 0)
    absent[0] = False  # a CSV file has the columns of the first epoch
    return [None if gone else float(value) for value, gone in zip(values, absent)]


def random_case(seed):
    rng = np.random.default_rng([7, seed])
    one = lambda *of: of[rng.integers(len(of))]  # noqa: E731
    figure = one("val_loss", "val_loss", "val_accuracy", "loss")
    curve = random_curve(rng, int(rng.integers(4, 16)), "acc" in figure, figure != "loss")
    watched = {} if figure == "val_loss" and rng.random() < 0.7 else {"monitor": figure}
    if rng.random() < 0.2:
        watched["mode"] = one("min", "max", "auto")
    found = []
    if rng.random() < 0.6:
        arguments = {"patience": int(rng.integers(0, 5)), **watched}
        if rng.random() < 0.4:
            arguments["min_delta"] = one(0.01, 0.05, -0.05, 0.2)
        if rng.random() < 0.3:
            arguments["baseline"] = one(0.7, 0.9, 1.05)
        if rng.random() < 0.3:
            arguments["start_from_epoch"] = int(rng.integers(1, 6))
        if rng.random() < 0.6:
            arguments["restore_best_weights"] = True
        found.append(("EarlyStopping", arguments))
    if rng.random() < 0.5:
        arguments = {"patience": int(rng.integers(0, 4)), "factor": one(0.1, 0.5, 0.9), **watched}
        if rng.random() < 0.5:
            arguments["cooldown"] = int(rng.integers(1, 4))
        if rng.random() < 0.4:
            arguments["min_lr"] = one(0.01, 0.2, 0.25)
        if rng.random() < 0.4:
            arguments["min_delta"] = one(0.0, 0.02, 0.1)
        found.append(("ReduceLROnPlateau", arguments))
    if rng.random() < 0.2:
        found.append(("LearningRateScheduler", {}))
    if rng.random() < 0.6:
        template = one(*TEMPLATES)
        if None not in curve and rng.random() < 0.5:
            template = one(*OF_THE_FIGURE).replace("FIGURE", figure) + ".keras"
        arguments = {"filepath": template, **watched}
        if rng.random() < 0.4:
            arguments["save_best_only"] = True
            if rng.random() < 0.4:
                arguments["initial_value_threshold"] = one(0.8, 0.95, 1.1)
        elif "epoch" in template and "loss" not in template and rng.random() < 0.3:
            arguments["save_freq"] = int(rng.integers(1, 6))
            arguments["filepath"] = template.replace("{epoch", "{batch}_{epoch")
        if rng.random() < 0.5:
            arguments["save_weights_only"] = True
            arguments["filepath"] = arguments["filepath"].replace(".keras", ".weights.h5")
        found.append(("ModelCheckpoint", arguments))
    if rng.random() < 0.6 or not found:
        found.append(("CSVLogger", {"filename": "log.csv", "separator": one(",", ";", "\t"), "append": bool(rng.random() < 0.5)}))
    rng.shuffle(found)
    found = [(str(kind), arguments) for kind, arguments in found]
    return curve, figure, found, 2 if rng.random() < 0.3 else 1


class Script(keras.callbacks.Callback):
    def __init__(self, curve, figure):
        super().__init__()
        self.curve, self.figure = curve, figure

    def on_epoch_begin(self, epoch, logs=None):
        weights = self.model.get_weights()
        weights[0][:] = epoch
        self.model.set_weights(weights)

    def on_epoch_end(self, epoch, logs=None):
        # Everything else out, so that the CSV holds what both sides know.
        for name in list(logs):
            if name not in ("loss", self.figure):
                del logs[name]
        logs["loss"] = 0.25
        logs.pop(self.figure, None)
        if self.curve[epoch] is not None:
            logs[self.figure] = self.curve[epoch]


class Rates(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ran, self.rates = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.ran.append(epoch)
        self.rates.append(float(np.asarray(self.model.optimizer.learning_rate)))


def weight_in(path):
    model = new_model()
    model.load_weights(path)
    return float(model.get_weights()[0][0, 0])


def new_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse", metrics=["accuracy"])
    return model


def run(name, curve, figure, specs, fits=1):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        callbacks = []
        for cls, arguments in specs:
            if cls == "LearningRateScheduler":
                callbacks.append(keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7 + 0.01 * epoch))
            else:
                callbacks.append(getattr(keras.callbacks, cls)(**arguments))
        rates = Rates()
        model = new_model()
        zeros = np.zeros((4, 1), "float32")
        for _ in range(fits):
            history = model.fit(
                zeros, zeros, batch_size=2, epochs=len(curve), validation_data=(zeros, zeros), verbose=0,
                callbacks=[Script(curve, figure), *callbacks, rates],
            )  # fmt: skip
        files = {}
        csv = None
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_dir():
                continue
            if path.suffix == ".csv":
                csv = path.read_bytes().decode()
            else:
                files[str(path.relative_to(folder))] = weight_in(path)
        os.chdir("/")
        case = {
            "curve": curve,
            "figure": figure,
            "callbacks": [[cls, arguments] for cls, arguments in specs],
            "fits": fits,
            "ran": rates.ran,
            "rates": rates.rates,
            "history": {k: [float(v) for v in vs] for k, vs in history.history.items()},
            "files": files,
            "csv": csv,
            "weight": float(model.get_weights()[0][0, 0]),
        }
    print(name, case["ran"][-1], case["files"], flush=True)
    return case


def main(first=0, last=RANDOM):
    warnings.filterwarnings("ignore")  # of figures that an epoch lacks
    cases = {name: run(name, *case) for name, case in CASES.items()}
    for seed in range(first, last):
        name = f"random_{seed}"
        cases[name] = run(name, *random_case(seed))
    write_json(FIXTURES / "callbacks.json", header(), cases)


if __name__ == "__main__":
    sys.exit(main())
