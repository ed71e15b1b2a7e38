"""Records the arithmetic that training is made of: optimizers, schedules, losses, metrics, each by itself.

    python tests/keras/make_training_arithmetic.py      writes tests/fixtures/arithmetic.{json,npz}

In the JSON a case is called `<kind>/<name>` and has the `config` that Keras writes. Beside it
    optimizer   `exclude` (names given to exclude_from_weight_decay), `slots` (how many arrays follow the learning rate)
    schedule    `steps` and the rate at each
    loss        the names of the arrays `y_true`, `y_pred`, `weights`, `mask` (null: none), and the `value`
    metric      the same for each of three batches, `results` after each without weights and `weighted` with them
The npz holds `optimizer/w0`, ... (the weights before the first step, of the `names` in the header), `optimizer/g<step>_0`,
... (the gradients), `<case>/y<step>_0`, ... (the weights after each step), `<case>/s0`, ... (iteration left out, what the
optimizer has learned after the last one), `<case>/final0`, ... (after finalize_variable_values); the data of losses and
metrics under `data/`; `<case>/rows` (the loss of each row) and `<case>/gradient` (with respect to y_pred).
"""

import jax
from reference import FIXTURES, header, keras, np, plain, write_json

from keras import losses, metrics, optimizers
from keras.optimizers import schedules

STEPS = 6
NAMES = {"kernel": (4, 3), "bias": (3,), "embeddings": (5, 2), "filters": (2, 3, 2), "tall": (5, 3)}


def rng(seed):
    return np.random.default_rng(seed)


# --- Optimizers

O = optimizers
OPTIMIZERS = {
    "sgd": (O.SGD, {}), "sgd_momentum": (O.SGD, {"momentum": 0.9}),
    "sgd_nesterov": (O.SGD, {"momentum": 0.8, "nesterov": True, "learning_rate": 0.05}),
    "rmsprop": (O.RMSprop, {}), "rmsprop_momentum": (O.RMSprop, {"momentum": 0.9}),
    "rmsprop_centered": (O.RMSprop, {"centered": True, "momentum": 0.5, "rho": 0.8, "epsilon": 1e-3}),
    "adam": (O.Adam, {}), "adam_amsgrad": (O.Adam, {"amsgrad": True, "learning_rate": 0.1, "beta_1": 0.7, "beta_2": 0.8}),
    "adamw": (O.AdamW, {}), "adamw_options": (O.AdamW, {"weight_decay": 0.3, "learning_rate": 0.1, "amsgrad": True}),
    "nadam": (O.Nadam, {}), "nadam_options": (O.Nadam, {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9}),
    "adamax": (O.Adamax, {}), "adamax_options": (O.Adamax, {"learning_rate": 0.1, "beta_2": 0.7}),
    "adagrad": (O.Adagrad, {}), "adagrad_options": (O.Adagrad, {"learning_rate": 0.5, "initial_accumulator_value": 0.3}),
    "adadelta": (O.Adadelta, {}), "adadelta_options": (O.Adadelta, {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3}),
    "ftrl": (O.Ftrl, {}),
    "ftrl_options": (O.Ftrl, {"learning_rate": 0.1, "learning_rate_power": -0.4, "l1_regularization_strength": 0.05,
                              "l2_regularization_strength": 0.02, "l2_shrinkage_regularization_strength": 0.01,
                              "beta": 0.1}),
    "lion": (O.Lion, {}), "lion_options": (O.Lion, {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.8}),
    "lamb": (O.Lamb, {}), "lamb_options": (O.Lamb, {"learning_rate": 0.1, "weight_decay": 0.1}),
    "adafactor": (O.Adafactor, {}),
    "adafactor_options": (O.Adafactor, {"learning_rate": 0.2, "beta_2_decay": -0.5, "clip_threshold": 0.7,
                                        "relative_step": False, "epsilon_2": 0.5}),
    "muon": (O.Muon, {}),
    "muon_options": (O.Muon, {"learning_rate": 0.05, "nesterov": False, "rms_rate": None, "ns_steps": 3, "momentum": 0.8,
                              "weight_decay": None, "adam_weight_decay": 0.1, "adam_lr_ratio": 0.5,
                              "exclude_embeddings": False, "exclude_layers": ["tall"]}),
    "clipnorm": (O.Adam, {"clipnorm": 0.5}), "clipvalue": (O.SGD, {"clipvalue": 0.3, "momentum": 0.9}),
    "global_clipnorm": (O.SGD, {"global_clipnorm": 0.8, "learning_rate": 0.5}),
    "weight_decay": (O.SGD, {"weight_decay": 0.2, "learning_rate": 0.5}),
    "weight_decay_excluded": (O.Adam, {"weight_decay": 0.2, "learning_rate": 0.5}, ["bias", "embed"]),
    "ema": (O.SGD, {"use_ema": True, "ema_momentum": 0.7, "learning_rate": 0.3}),
    "ema_overwrite": (O.Adam, {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2, "learning_rate": 0.3}),
    "accumulation": (O.Adam, {"gradient_accumulation_steps": 2, "learning_rate": 0.1}),
    "accumulation_unfinished": (O.Nadam, {"gradient_accumulation_steps": 4, "learning_rate": 0.1, "clipnorm": 0.4}),
    "accumulation_ema": (O.RMSprop, {"gradient_accumulation_steps": 3, "use_ema": True, "ema_momentum": 0.5,
                                     "ema_overwrite_frequency": 2, "learning_rate": 0.1}),
    "loss_scale": (O.SGD, {"loss_scale_factor": 8.0, "learning_rate": 0.5}),
    "schedule": (O.Adam, {"learning_rate": schedules.ExponentialDecay(0.1, 2, 0.5), "weight_decay": 0.1}),
    "schedule_accumulation": (O.SGD, {"learning_rate": schedules.InverseTimeDecay(0.5, 1, 0.5),
                                      "gradient_accumulation_steps": 2}),
    "schedule_adafactor": (O.Adafactor, {"learning_rate": schedules.CosineDecay(0.5, 8)}),
}  # fmt: skip


def optimizer_cases(cases, arrays):
    random = rng(1)
    initial = [random.normal(size=shape).astype("float32") for shape in NAMES.values()]
    gradients = [[random.normal(size=w.shape).astype("float32") for w in initial] for _ in range(STEPS)]
    gradients[2][0][:] = 0  # a weight that a batch says nothing about
    for i, w in enumerate(initial):
        arrays[f"optimizer/w{i}"] = w
    for step, of_step in enumerate(gradients):
        for i, g in enumerate(of_step):
            arrays[f"optimizer/g{step}_{i}"] = g
    for name, (kind, options, *exclude) in OPTIMIZERS.items():
        case = f"optimizer/{name}"
        weights = [keras.Variable(w, name=n) for n, w in zip(NAMES, initial)]
        optimizer = kind(**options)
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=exclude[0])
        optimizer.build(weights)
        for step in range(STEPS):
            optimizer.apply([jax.numpy.asarray(g) for g in gradients[step]], weights)
            for i, w in enumerate(weights):
                arrays[f"{case}/y{step}_{i}"] = np.asarray(w)
        scheduled = not isinstance(options.get("learning_rate", 0.0), float)
        slots = optimizer.variables[1 if scheduled else 2 :]
        for i, slot in enumerate(slots):
            arrays[f"{case}/s{i}"] = np.asarray(slot, dtype="float32")
        optimizer.finalize_variable_values(weights)
        for i, w in enumerate(weights):
            arrays[f"{case}/final{i}"] = np.asarray(w)
        cases[case] = {
            "config": plain(keras.saving.serialize_keras_object(optimizer)),
            "exclude": exclude[0] if exclude else [],
            "slots": len(slots),
        }


# --- Schedules

S = schedules
SCHEDULES = [
    S.ExponentialDecay(0.3, 20, 0.7), S.ExponentialDecay(0.3, 20, 0.7, staircase=True),
    S.PiecewiseConstantDecay([5, 20, 50], [0.5, 0.2, 0.1, 0.01]), S.PiecewiseConstantDecay([20], [0.5, 0.2]),
    S.PolynomialDecay(0.4, 20), S.PolynomialDecay(0.4, 20, end_learning_rate=0.05, power=2.5),
    S.PolynomialDecay(0.4, 20, end_learning_rate=0.05, power=0.5, cycle=True),
    S.InverseTimeDecay(0.3, 20, 0.7), S.InverseTimeDecay(0.3, 20, 0.7, staircase=True),
    S.CosineDecay(0.3, 100), S.CosineDecay(0.3, 100, alpha=0.2),
    S.CosineDecay(0.01, 100, alpha=0.1, warmup_target=0.4, warmup_steps=20),
    S.CosineDecayRestarts(0.3, 20), S.CosineDecayRestarts(0.3, 20, t_mul=1.5, m_mul=0.8, alpha=0.1),
    S.CosineDecayRestarts(0.3, 20, t_mul=1.0, m_mul=0.5),
]  # fmt: skip


def schedule_cases(cases):
    steps = [0, 1, 2, 4, 5, 6, 10, 19, 20, 21, 37, 50, 51, 99, 100, 101, 119, 120, 250, 1000]
    for i, schedule in enumerate(SCHEDULES):
        rates = [float(schedule(keras.ops.convert_to_tensor(step))) for step in steps]
        config = plain(keras.saving.serialize_keras_object(schedule))
        cases[f"schedule/{i}_{type(schedule).__name__}"] = {"config": config, "steps": steps, "rates": rates}


# --- Data of losses and metrics: three batches

ROWS, CLASSES, TIMESTEPS = 6, 5, 4


def data():
    found = {}
    for batch in range(3):
        random = rng(10 + batch)

        def softmax(x):
            e = np.exp(x - x.max(-1, keepdims=True))
            return e / e.sum(-1, keepdims=True)

        shape, steps = (ROWS, CLASSES), (ROWS, TIMESTEPS, CLASSES)
        classes, step_classes = random.integers(0, CLASSES, ROWS), random.integers(0, CLASSES, (ROWS, TIMESTEPS))
        arrays = {
            "reals": random.normal(size=shape) * 2, "more_reals": random.normal(size=shape) * 2,
            "column": random.normal(size=(ROWS, 1)), "more_column": random.normal(size=(ROWS, 1)),
            "positive": random.uniform(0.1, 5, shape), "more_positive": random.uniform(0.1, 5, shape),
            "step_reals": random.normal(size=steps), "more_step_reals": random.normal(size=steps),
            "logits": random.normal(size=shape) * 3, "step_logits": random.normal(size=steps) * 3,
            "unsummed": random.uniform(0.05, 1, shape),
            "binary": random.integers(0, 2, shape), "binary_column": random.integers(0, 2, (ROWS, 1)),
            "signs": random.integers(0, 2, shape) * 2 - 1,
            "chances": random.uniform(0, 1, shape), "chance_column": random.uniform(0, 1, (ROWS, 1)),
            "one_hot": np.eye(CLASSES)[classes], "classes": classes, "class_column": classes[:, None],
            "step_one_hot": np.eye(CLASSES)[step_classes], "step_classes": step_classes,
            "ignored_classes": np.where(np.arange(ROWS) % 3 == 1, -1, classes),
            "step_ignored": np.where(random.random((ROWS, TIMESTEPS)) < 0.3, -1, step_classes),
            "guesses": random.integers(0, CLASSES, (ROWS, 1)), "sorted_guesses": random.permuted(np.tile(np.arange(CLASSES), (ROWS, 1)), axis=1),
            "spoken": np.array([[1, 2, 2], [3, 0, 0], [4, 1, 0], [2, 2, 2], [1, 3, 1], [4, 4, 0]]),
            "spoken_logits": random.normal(size=(ROWS, 8, CLASSES)) * 2,
            "pair_classes": random.integers(0, 3, ROWS),
            "weights": random.uniform(0, 3, ROWS), "whole_weights": random.integers(0, 4, ROWS),
            "step_weights": random.uniform(0, 3, (ROWS, TIMESTEPS)),
            "mask": random.random(ROWS) < 0.6, "step_mask": random.random((ROWS, TIMESTEPS)) < 0.6,
        }  # fmt: skip
        arrays["softmax"] = softmax(arrays["logits"])
        arrays["step_softmax"] = softmax(arrays["step_logits"])
        embeddings = random.normal(size=(ROWS, 3))
        arrays["embeddings"] = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        found.update({f"{name}{batch}": np.asarray(value, dtype="float32") for name, value in arrays.items()})
    return found


# --- Losses

L = losses
PROBABILITIES, LOGITS = ("one_hot", "softmax"), ("one_hot", "logits")
LOSSES = [
    # (loss class, options, (y_true, y_pred)), and all of it with weights, with a mask, and with both
    (L.MeanSquaredError, {}, ("reals", "more_reals")), (L.MeanSquaredError, {}, ("step_reals", "more_step_reals")),
    (L.MeanSquaredError, {"reduction": "sum"}, ("reals", "more_reals")),
    (L.MeanSquaredError, {"reduction": "mean"}, ("reals", "more_reals")),
    (L.MeanSquaredError, {"reduction": "mean_with_sample_weight"}, ("reals", "more_reals")),
    (L.MeanSquaredError, {"reduction": "none"}, ("reals", "more_reals")),
    (L.MeanAbsoluteError, {}, ("reals", "more_reals")),
    (L.MeanAbsolutePercentageError, {}, ("reals", "more_reals")),
    (L.MeanSquaredLogarithmicError, {}, ("positive", "more_reals")),
    (L.CosineSimilarity, {}, ("reals", "more_reals")), (L.CosineSimilarity, {}, ("step_reals", "more_step_reals")),
    (L.Huber, {}, ("reals", "more_reals")), (L.LogCosh, {}, ("reals", "more_reals")),
    (L.Hinge, {}, ("signs", "more_reals")), (L.Hinge, {}, ("binary", "more_reals")), (L.Hinge, {}, ("reals", "more_reals")),
    (L.SquaredHinge, {}, ("signs", "more_reals")), (L.SquaredHinge, {}, ("binary", "more_reals")),
    (L.CategoricalHinge, {}, ("one_hot", "more_reals")),
    (L.KLDivergence, {}, ("chances", "softmax")), (L.Poisson, {}, ("positive", "more_positive")),
    (L.BinaryCrossentropy, {}, ("binary", "chances")), (L.BinaryCrossentropy, {}, ("binary_column", "chance_column")),
    (L.BinaryCrossentropy, {"from_logits": True}, ("binary", "logits")),
    (L.BinaryCrossentropy, {"label_smoothing": 0.2}, ("binary", "chances")),
    (L.BinaryFocalCrossentropy, {}, ("binary", "chances")),
    (L.BinaryFocalCrossentropy, {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1},
     ("binary", "chances")),
    (L.BinaryFocalCrossentropy, {"from_logits": True, "gamma": 3.0}, ("binary", "logits")),
    (L.CategoricalCrossentropy, {}, PROBABILITIES), (L.CategoricalCrossentropy, {}, ("one_hot", "unsummed")),
    (L.CategoricalCrossentropy, {}, ("step_one_hot", "step_softmax")),
    (L.CategoricalCrossentropy, {"from_logits": True}, LOGITS),
    (L.CategoricalCrossentropy, {"label_smoothing": 0.2}, PROBABILITIES),
    (L.CategoricalFocalCrossentropy, {}, PROBABILITIES),
    (L.CategoricalFocalCrossentropy, {"alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1}, PROBABILITIES),
    (L.CategoricalFocalCrossentropy, {"from_logits": True}, LOGITS),
    (L.SparseCategoricalCrossentropy, {}, ("classes", "softmax")),
    (L.SparseCategoricalCrossentropy, {}, ("class_column", "unsummed")),
    (L.SparseCategoricalCrossentropy, {"from_logits": True}, ("classes", "logits")),
    (L.SparseCategoricalCrossentropy, {}, ("step_classes", "step_softmax")),
    (L.SparseCategoricalCrossentropy, {"ignore_class": -1}, ("ignored_classes", "softmax")),
    (L.SparseCategoricalCrossentropy, {"ignore_class": -1, "from_logits": True}, ("step_ignored", "step_logits")),
    (L.SparseCategoricalCrossentropy, {"ignore_class": 2}, ("classes", "softmax")),
    (L.Dice, {}, ("binary", "chances")), (L.Dice, {"axis": [1]}, ("binary", "chances")),
    (L.Tversky, {}, ("binary", "chances")),
    (L.Tversky, {"alpha": 0.3, "beta": 0.8, "axis": [-1]}, ("binary", "chances")),
    (L.Circle, {}, ("pair_classes", "embeddings")),
    (L.Circle, {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False}, ("pair_classes", "embeddings")),
    (L.CTC, {}, ("spoken", "spoken_logits")),
    (L.CategoricalGeneralizedCrossEntropy, {}, ("classes", "softmax")),
    (L.CategoricalGeneralizedCrossEntropy, {"q": 0.8}, ("classes", "softmax")),
]  # fmt: skip


def loss_cases(cases, arrays, inputs):
    for number, (kind, options, (t, p)) in enumerate(LOSSES):
        loss = kind(**options)
        whole = {"dice", "tversky"} & {loss.name} and "axis" not in options
        ways = {"plain": (None, None), "weighted": ("weights", None), "masked": (None, "mask"), "both": ("weights", "mask")}
        for way, (weights, mask) in ways.items():
            if t.startswith("step"):
                weights, mask = weights and f"step_{weights}", mask and f"step_{mask}"
            if mask and (whole or kind is L.CTC):
                continue  # a mask of rows that are not there
            case = f"loss/{number}_{kind.__name__}_{way}"
            y_true, y_pred = inputs[f"{t}0"], inputs[f"{p}0"]
            sample_weight = None if weights is None else inputs[f"{weights}0"]

            def value(y):
                if mask:
                    keras.src.backend.set_keras_mask(y, jax.numpy.asarray(inputs[f"{mask}0"] > 0))
                return loss(y_true, y, sample_weight=sample_weight)

            got = value(jax.numpy.asarray(y_pred))
            gradient = jax.grad(lambda y: value(y).sum())(jax.numpy.asarray(y_pred))
            if not np.isfinite(np.asarray(gradient)).all():
                # Keras differentiates the logsumexp of nothing; the loss itself is right.
                gradient = None
            config = plain(keras.saving.serialize_keras_object(loss))
            config["config"].update({k: v for k, v in options.items()})  # Huber forgets its own
            cases[case] = {
                "config": config, "y_true": f"{t}0", "y_pred": f"{p}0",
                "weights": weights and f"{weights}0", "mask": mask and f"{mask}0", "gradient": gradient is not None,
            }  # fmt: skip
            arrays[f"{case}/value"] = np.atleast_1d(np.asarray(got))
            if gradient is not None:
                arrays[f"{case}/gradient"] = np.asarray(gradient)
            if way == "plain":
                rows = kind(**{**options, "reduction": "none"})(y_true, y_pred)
                arrays[f"{case}/rows"] = np.asarray(rows).reshape(-1)


# --- Metrics

M = metrics
REALS, BINARY, ONE_COLUMN = ("reals", "more_reals"), ("binary", "chances"), ("binary_column", "chance_column")
METRICS = [
    (M.Accuracy, {}, ("classes", "guesses")), (M.BinaryAccuracy, {}, BINARY), (M.BinaryAccuracy, {"threshold": 0.3}, ONE_COLUMN),
    (M.CategoricalAccuracy, {}, PROBABILITIES), (M.CategoricalAccuracy, {}, ("step_one_hot", "step_softmax")),
    (M.SparseCategoricalAccuracy, {}, ("classes", "softmax")),
    (M.SparseCategoricalAccuracy, {}, ("step_classes", "step_softmax")),
    (M.TopKCategoricalAccuracy, {"k": 2}, PROBABILITIES), (M.TopKCategoricalAccuracy, {}, PROBABILITIES),
    (M.SparseTopKCategoricalAccuracy, {"k": 3}, ("classes", "softmax")),
    (M.SparseTopKCategoricalAccuracy, {"k": 2, "from_sorted_ids": True}, ("classes", "sorted_guesses")),
    (M.MeanSquaredError, {}, REALS), (M.RootMeanSquaredError, {}, REALS), (M.RootMeanSquaredError, {}, ("column", "more_column")),
    (M.MeanAbsoluteError, {}, REALS), (M.MeanAbsolutePercentageError, {}, REALS),
    (M.MeanSquaredLogarithmicError, {}, ("positive", "more_positive")),
    (M.CosineSimilarity, {}, REALS), (M.LogCoshError, {}, REALS),
    (M.R2Score, {}, REALS), (M.R2Score, {"class_aggregation": None}, REALS), (M.R2Score, {}, ("column", "more_column")),
    (M.R2Score, {"class_aggregation": "variance_weighted_average", "num_regressors": 3}, REALS),
    (M.PearsonCorrelation, {}, REALS), (M.ConcordanceCorrelation, {}, REALS),
    (M.Hinge, {}, ("signs", "more_reals")), (M.SquaredHinge, {}, ("signs", "more_reals")),
    (M.CategoricalHinge, {}, ("one_hot", "more_reals")),
    (M.KLDivergence, {}, ("chances", "softmax")), (M.Poisson, {}, ("positive", "more_positive")),
    (M.BinaryCrossentropy, {}, BINARY), (M.BinaryCrossentropy, {"from_logits": True, "label_smoothing": 0.1}, ("binary", "logits")),
    (M.CategoricalCrossentropy, {}, PROBABILITIES), (M.CategoricalCrossentropy, {"from_logits": True}, LOGITS),
    (M.SparseCategoricalCrossentropy, {}, ("classes", "softmax")),
    *[(kind, options, pair) for kind in [M.TruePositives, M.FalsePositives, M.TrueNegatives, M.FalseNegatives]
      for options, pair in [({}, BINARY), ({"thresholds": [0.2, 0.7]}, ONE_COLUMN)]],
    *[(kind, options, pair) for kind in [M.Precision, M.Recall]
      for options, pair in [({}, BINARY), ({}, ONE_COLUMN), ({"thresholds": [0.2, 0.5, 0.9]}, BINARY),
                            ({"thresholds": [0.0, 0.5, 1.0]}, BINARY), ({"top_k": 2}, BINARY), ({"class_id": 3}, BINARY),
                            ({"top_k": 3, "class_id": 1, "thresholds": 0.3}, BINARY)]],
    *[(kind, options, pair) for kind in [M.SensitivityAtSpecificity, M.SpecificityAtSensitivity, M.PrecisionAtRecall,
                                         M.RecallAtPrecision]
      for options, pair in [((0.5,), BINARY), ((0.7, 20), ONE_COLUMN), ((0.4, 1), BINARY), ((0.6, 30, 2), BINARY)]],
    (M.AUC, {}, ONE_COLUMN), (M.AUC, {}, BINARY), (M.AUC, {"curve": "PR"}, BINARY), (M.AUC, {"curve": "PRGAIN"}, BINARY),
    (M.AUC, {"summation_method": "majoring", "num_thresholds": 7}, BINARY),
    (M.AUC, {"curve": "PR", "summation_method": "minoring", "num_thresholds": 11}, BINARY),
    (M.AUC, {"thresholds": [0.2, 0.33, 0.8]}, BINARY), (M.AUC, {"thresholds": [0.5, 0.25, 0.75]}, BINARY),
    (M.AUC, {"multi_label": True, "num_labels": CLASSES}, BINARY),
    (M.AUC, {"multi_label": True, "label_weights": [0.1, 0.5, 2.0, 1.0, 0.7], "curve": "PR"}, BINARY),
    (M.AUC, {"label_weights": [0.1, 0.5, 2.0, 1.0, 0.7]}, BINARY), (M.AUC, {"from_logits": True}, ("binary", "logits")),
    *[(M.F1Score, {"average": average}, PROBABILITIES) for average in [None, "micro", "macro", "weighted"]],
    (M.F1Score, {"average": "macro", "threshold": 0.4}, BINARY),
    (M.FBetaScore, {"average": "macro", "beta": 2.0}, PROBABILITIES), (M.FBetaScore, {"beta": 0.5, "threshold": 0.6}, BINARY),
    (M.IoU, {"num_classes": CLASSES, "target_class_ids": [0, 3]}, ("classes", "guesses")),
    (M.IoU, {"num_classes": CLASSES, "target_class_ids": [0, 3], "sparse_y_pred": False}, ("classes", "softmax")),
    (M.BinaryIoU, {}, ONE_COLUMN), (M.BinaryIoU, {"target_class_ids": [1], "threshold": 0.3}, ONE_COLUMN),
    (M.MeanIoU, {"num_classes": CLASSES}, ("classes", "guesses")),
    (M.MeanIoU, {"num_classes": CLASSES, "ignore_class": 2}, ("classes", "guesses")),
    (M.OneHotIoU, {"num_classes": CLASSES, "target_class_ids": [1, 4]}, PROBABILITIES),
    (M.OneHotMeanIoU, {"num_classes": CLASSES}, PROBABILITIES),
]  # fmt: skip


def metric_cases(cases, inputs):
    for number, (kind, options, (t, p)) in enumerate(METRICS):
        if isinstance(options, tuple):
            make = lambda: kind(*options)  # noqa: E731
        else:
            make = lambda: kind(**options)  # noqa: E731
        weights = "step_weights" if t.startswith("step") else "whole_weights" if "IoU" in kind.__name__ else "weights"
        results = {}
        for way in ["results", "weighted"]:
            metric = make()
            results[way] = []
            for batch in range(3):
                sample_weight = inputs[f"{weights}{batch}"] if way == "weighted" else None
                if sample_weight is not None and "IoU" in kind.__name__:
                    sample_weight = sample_weight.astype("int32")
                metric.update_state(inputs[f"{t}{batch}"], inputs[f"{p}{batch}"], sample_weight=sample_weight)
                results[way].append(np.asarray(metric.result()).reshape(-1).tolist())
        config = plain(keras.saving.serialize_keras_object(make()))
        cases[f"metric/{number}_{kind.__name__}"] = {
            "config": config, "y_true": t, "y_pred": p, "weights": weights, **results,
        }  # fmt: skip


if __name__ == "__main__":
    cases, arrays = {}, {}
    optimizer_cases(cases, arrays)
    schedule_cases(cases)
    inputs = data()
    arrays.update({f"data/{name}": value for name, value in inputs.items()})
    loss_cases(cases, arrays, inputs)
    metric_cases(cases, inputs)
    np.savez_compressed(FIXTURES / "arithmetic.npz", **arrays)
    write_json(FIXTURES / "arithmetic.json", {**header(), "names": list(NAMES), "steps": STEPS}, cases)
    print(f"{len(cases)} cases")
