"""Writes tests/fixtures/preprocessing.json: what Keras' utilities make of small data.

Windows come from tf.data, so this script needs TensorFlow as well:

    pip install keras==3.15.1 tensorflow-cpu && python tests/keras/make_preprocessing.py
"""

import os

os.environ["KERAS_REFERENCE_BACKEND"] = "tensorflow"

import json  # noqa: E402

from reference import FIXTURES, keras, np  # noqa: E402

rng = np.random.default_rng(5)


def padded():
    sequences = [rng.integers(1, 90, n).tolist() for n in [3, 0, 7, 1, 5]]
    for maxlen in [None, 4, 9]:
        for padding in ["pre", "post"]:
            for truncating in ["pre", "post"]:
                options = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 7}
                result = keras.utils.pad_sequences(sequences, **options)
                yield {"sequences": sequences, **options, "result": result.tolist()}


def categorical():
    for labels, classes in [([2, 0, 1], None), ([[1], [3]], None), ([[0, 2, 1], [1, 1, 0]], 4), ([1], 2)]:
        result = keras.utils.to_categorical(labels, classes)
        yield {"labels": labels, "classes": classes, "shape": list(result.shape), "result": result.ravel().tolist()}


def windows():
    series = rng.normal(size=(23, 2)).astype("float32")
    targets = rng.normal(size=23).astype("float32")
    for length, stride, rate, start, end, with_targets in [
        (4, 1, 1, None, None, False),
        (4, 3, 2, None, None, False),
        (5, 1, 1, 3, 17, False),
        (4, 1, 1, None, None, True),
        (4, 3, 2, None, None, True),
        (3, 2, 1, 4, 20, True),
        (23, 1, 1, None, None, True),
    ]:
        dataset = keras.utils.timeseries_dataset_from_array(
            series,
            targets if with_targets else None,
            sequence_length=length,
            sequence_stride=stride,
            sampling_rate=rate,
            batch_size=None,
            start_index=start,
            end_index=end,
        )
        rows = list(dataset.as_numpy_iterator())
        x, y = (zip(*rows, strict=True)) if with_targets else (rows, None)
        yield {
            "series": series.ravel().tolist(),
            "targets": targets.tolist() if with_targets else None,
            "length": length,
            "stride": stride,
            "rate": rate,
            "start": start,
            "end": end,
            "shape": list(np.array(x).shape),
            "x": np.array(x).ravel().tolist(),
            "y": None if y is None else np.array(y).ravel().tolist(),
        }


result = {
    "keras": keras.__version__,
    "pad_sequences": list(padded()),
    "to_categorical": list(categorical()),
    "windows": list(windows()),
}
(FIXTURES / "preprocessing.json").write_text(json.dumps(result) + "\n")
