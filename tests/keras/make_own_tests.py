"""Runs Keras' own tests of optimizers, schedules, losses and metrics and records every value that they expect.

    python tests/keras/make_own_tests.py      writes tests/fixtures/own_tests.json

The tests come with the package (`keras/src/optimizers/*_test.py` and the like). They run as they are; what they hand to
Keras is written down, and where they compare a result with a value, both become a case, named after the test:
    kind        loss, metric, schedule or optimizer
    config      the object as Keras writes it
    expected    the value in the test, with the `absolute` and `relative` tolerance that the test has
and
    loss        `y_true`, `y_pred`, `weights`, `mask`
    metric      `updates`: [y_true, y_pred, weights] of each; values that stand in a vector there are rows of one value
    schedule    `step`
    optimizer   `names` and `initial` values of the weights, `gradients` of each step, `exclude` (names spared from decay),
                `weight`: the number of the one that is compared, `finalized`: whether averages took the weights' place
"""

import importlib
import io
import os
import pathlib
import sys
import types
import unittest
import warnings

# Hundreds of tiny programs: compiling them is what takes the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

from reference import FIXTURES, header, keras, np, plain, write_json  # noqa: E402

LARGEST = 3000
SOURCE = pathlib.Path(keras.__file__).parent / "src"
FOLDERS = ["losses", "metrics", "optimizers", "optimizers/schedules"]
# What burn-keras has another way for, or not at all.
LEFT_OUT = ["loss_scale_optimizer_test", "multi_optimizer_test", "schedule_free_adamw_test", "optimizer_sparse_test", "metric_test"]


class Marks:
    """`pytest.mark`: every test runs; one that does not fit the backend fails and leaves no case."""

    def __getattr__(self, _):
        return lambda *a, **k: a[0] if len(a) == 1 and callable(a[0]) and not k else (lambda test: test)


sys.modules["pytest"] = types.SimpleNamespace(mark=Marks(), skip=lambda *a, **k: None)

from keras.src import losses, metrics, testing  # noqa: E402
from keras.src.optimizers.base_optimizer import BaseOptimizer  # noqa: E402
from keras.src.optimizers.schedules import learning_rate_schedule  # noqa: E402

RESULTS = {}  # id of a result -> (the result, what it is the result of)
OPTIMIZERS = {}  # id of an optimizer -> (the optimizer, what was done with it)
KEPT = []  # results must not make way for others with the same id
CASES, COUNTS, LEFT = {}, {}, []


def array(value):
    return None if value is None else np.array(value, copy=True)


def written(array):
    """An array as JSON: shape and values."""
    if array is None:
        return None
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.astype("float64").reshape(-1).tolist()}


def config(thing):
    return plain(keras.saving.serialize_keras_object(thing))


def remember(result, of):
    KEPT.append(result)
    RESULTS[id(result)] = (result, of)
    return result


# --- What the tests hand over


def watch_losses():
    call = losses.loss.Loss.__call__

    def watched(self, y_true, y_pred, sample_weight=None):
        mask = keras.src.backend.get_keras_mask(y_pred)
        result = call(self, y_true, y_pred, sample_weight=sample_weight)
        try:
            own = config(self)
            if type(self).__name__ == "Huber":
                own["config"]["delta"] = self._fn_kwargs["delta"]  # which it forgets
            of = {
                "kind": "loss", "config": own, "y_true": written(array(y_true)), "y_pred": written(array(y_pred)),
                "weights": written(array(sample_weight)), "mask": written(array(mask)),
            }  # fmt: skip
        except Exception:  # a loss that the test made up
            return result
        return remember(result, of)

    losses.loss.Loss.__call__ = watched


def subclasses(cls):
    for sub in cls.__subclasses__():
        yield sub
        yield from subclasses(sub)


def watch_metrics():
    updates, depth = {}, [0]

    def outermost(function, note):
        def watched(self, *args, **kwargs):
            depth[0] += 1
            try:
                result = function(self, *args, **kwargs)
            finally:
                depth[0] -= 1
            return note(self, result, *args, **kwargs) if depth[0] == 0 else result

        return watched

    def updated(self, result, y_true, y_pred=None, sample_weight=None):
        KEPT.append(self)
        if y_pred is not None:
            update = [written(array(a)) for a in (y_true, y_pred, sample_weight)]
            updates.setdefault(id(self), []).append(update)
        return result

    def reset(self, result):
        updates.pop(id(self), None)
        return result

    def told(self, result):
        if not isinstance(result, dict) and id(self) in updates:
            try:
                remember(result, {"kind": "metric", "config": config(self), "updates": list(updates[id(self)])})
            except Exception:  # made up by the test
                pass
        return result

    for cls in {metrics.metric.Metric, *subclasses(metrics.metric.Metric)}:
        for name, note in [("update_state", updated), ("result", told), ("reset_state", reset)]:
            if name in vars(cls):
                setattr(cls, name, outermost(vars(cls)[name], note))


def watch_schedules():
    for cls in subclasses(learning_rate_schedule.LearningRateSchedule):
        call = cls.__call__

        def watched(self, step, call=call):
            result = call(self, step)
            return remember(result, {"kind": "schedule", "config": config(self), "step": float(np.asarray(step))})

        cls.__call__ = watched


def watch_optimizers():
    apply, exclude, finalize = BaseOptimizer.apply, BaseOptimizer.exclude_from_weight_decay, BaseOptimizer.finalize_variable_values
    clip = BaseOptimizer._clip_gradients
    excluded = {}

    def watched_apply(self, grads, trainable_variables=None):
        variables = list(trainable_variables or self._trainable_variables)
        gradients = [None if g is None else array(g) for g in grads]
        if id(self) not in OPTIMIZERS:
            of = {
                "kind": "optimizer", "config": config(self), "names": [v.path or v.name for v in variables],
                "initial": [written(array(v)) for v in variables], "gradients": [], "exclude": excluded.get(id(self), []),
                "finalized": False,
            }  # fmt: skip
            OPTIMIZERS[id(self)] = (self, variables, of)
        OPTIMIZERS[id(self)][2]["gradients"].append([written(g) for g in gradients])
        return apply(self, grads, trainable_variables)

    def watched_exclude(self, var_list=None, var_names=None):
        KEPT.append(self)
        excluded[id(self)] = [*(v.name for v in var_list or []), *(var_names or [])]
        return exclude(self, var_list=var_list, var_names=var_names)

    def watched_finalize(self, var_list):
        result = finalize(self, var_list)
        if id(self) in OPTIMIZERS:
            OPTIMIZERS[id(self)][2]["finalized"] = True
        return result

    def watched_clip(self, grads):
        result = clip(self, grads)
        for i, clipped in enumerate(result if len(result) == 1 else []):
            limits = {k: getattr(self, k) for k in ("clipnorm", "clipvalue", "global_clipnorm")}
            of = {
                "kind": "optimizer", "config": config(keras.optimizers.SGD(1.0, **limits)), "names": ["x"],
                "initial": [written(np.zeros(np.shape(grads[i])))], "gradients": [[written(array(grads[i]))]], "exclude": [],
                "finalized": False, "weight": i, "sign": -1,
            }  # fmt: skip
            remember(clipped, of)
        return result

    BaseOptimizer.apply, BaseOptimizer.exclude_from_weight_decay = watched_apply, watched_exclude
    BaseOptimizer.finalize_variable_values, BaseOptimizer._clip_gradients = watched_finalize, watched_clip


# --- What they expect


def is_public(of):
    """Whether it is something that Keras has, and not something that the test made up."""
    kind, own = of["kind"], of["config"]
    if kind == "optimizer":
        rate = own["config"]["learning_rate"]
        return isinstance(rate, float) or hasattr(keras.optimizers.schedules, rate["class_name"])
    if kind == "schedule":
        return hasattr(keras.optimizers.schedules, own["class_name"])
    return own["class_name"] != "MeanMetricWrapper" and hasattr(getattr(keras, {"loss": "losses", "metric": "metrics"}[kind]), own["class_name"])


def fits_a_model(of):
    """Whether weights are those of samples or of rows: single values of a row have no weights in a model."""
    ends = of["updates"] if of["kind"] == "metric" else [(of["y_true"], of["y_pred"], of["weights"])] if of["kind"] == "loss" else []
    for _, y_pred, weights in ends:
        front = y_pred["shape"][:-1]
        shape = weights["shape"] if weights else []
        if shape and shape[-1] == 1 and len(shape) > 1:
            shape = shape[:-1]
        if shape not in ([], front, front[:1]):
            return False
    return True


def in_rows(update, whole):
    """A vector of values as rows of one value, or as one row."""
    def brought(array):
        if array is None or len(array["shape"]) != 1:
            return array
        return {**array, "shape": [1, *array["shape"]] if whole else [*array["shape"], 1]}

    y_true, y_pred, weights = update
    if len(y_pred["shape"]) != 1:
        return update
    return [brought(y_true), brought(y_pred), weights]


def case_of(actual):
    """What a value is the result of, as it is now."""
    if id(actual) in RESULTS:
        return RESULTS[id(actual)][1]
    for _, variables, of in OPTIMIZERS.values():
        for i, variable in enumerate(variables):
            if variable is actual:
                return {**of, "gradients": list(of["gradients"]), "weight": i}
    return None


def expect(test, actual, desired, absolute, relative):
    of = case_of(actual)
    if of is None or case_of(desired) is not None or not is_public(of) or "overwrite_with_gradient" in test.id():
        return
    expected = np.asarray(desired, dtype="float64") * of.get("sign", 1)
    if np.size(actual) == 1:  # compared with several of the same
        expected = expected.reshape(-1)[:1]
    case = {key: value for key, value in of.items() if key != "sign"}
    mean = getattr(metrics, case["config"]["class_name"], None)
    if case["kind"] == "metric" and not (isinstance(mean, type) and issubclass(mean, metrics.MeanMetricWrapper)):
        whole = case["config"]["config"].get("top_k") is not None
        case["updates"] = [in_rows(update, whole) for update in case["updates"]]
    if not fits_a_model(case):
        LEFT.append(test.id())
        return
    case.update(expected=written(expected), absolute=absolute, relative=relative)
    sizes = [a.size for a in map(np.asarray, [expected])] + [len(str(case)) // 20]
    if not np.isfinite(expected).all() or max(sizes) > LARGEST:
        return
    name = test.id().removeprefix("keras.src.")
    COUNTS[name] = COUNTS.get(name, 0) + 1
    CASES[f"{name} {COUNTS[name]}"] = case


def watch_assertions():
    close, almost = testing.TestCase.assertAllClose, testing.TestCase.assertAlmostEqual

    def watched_close(self, actual, desired, atol=1e-6, rtol=1e-6, **rest):
        close(self, actual, desired, atol=atol, rtol=rtol, **rest)
        expect(self, actual, desired, atol, rtol)

    def watched_almost(self, actual, desired, decimal=3, **rest):
        almost(self, actual, desired, decimal=decimal, **rest)
        expect(self, actual, desired, 1.5 * 10.0**-decimal, 0.0)

    testing.TestCase.assertAllClose, testing.TestCase.assertAlmostEqual = watched_close, watched_almost


def main():
    warnings.filterwarnings("ignore")
    modules = []
    for folder in FOLDERS:
        for path in sorted((SOURCE / folder).glob("*_test.py")):
            if path.stem not in LEFT_OUT:
                modules.append(importlib.import_module(f"keras.src.{folder.replace('/', '.')}.{path.stem}"))
    watch_losses()
    watch_metrics()
    watch_schedules()
    watch_optimizers()
    watch_assertions()
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromModule(m) for m in modules)
    out = io.StringIO()
    result = unittest.TextTestRunner(stream=out, verbosity=0).run(suite)
    failed = sorted({test.id().removeprefix("keras.src.") for test, _ in [*result.failures, *result.errors] if hasattr(test, "id")})
    for name in failed:
        for case in [case for case in CASES if case.rsplit(" ", 1)[0] == name]:
            del CASES[case]
    print(f"{result.testsRun} tests, not counted since they fail here: {failed}")
    print(f"{len(LEFT)} values left out, since they weigh single values: {sorted(set(LEFT))}")
    kinds = [case["kind"] for case in CASES.values()]
    print({kind: kinds.count(kind) for kind in sorted(set(kinds))}, "cases of", len({c.rsplit(' ', 1)[0] for c in CASES}), "tests")
    write_json(FIXTURES / "own_tests.json", header(), CASES)


if __name__ == "__main__":
    main()
