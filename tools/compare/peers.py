"""One peer in a process of its own: started by compare.py, asked over stdin, answers over stdout, a line of JSON each.

A question is `{"workload": name, "rounds": n}`, the answer `{way: [seconds of each round]}`, where a way is one idiom of
the library. The first question about a workload builds the model and runs a round that is not measured.
"""

import importlib.metadata
import json
import os
import sys
import time

import numpy as np

from workloads import CLASSES, WORKLOADS


def data(workload):
    random = np.random.default_rng(1)
    x = random.random((workload.samples, workload.timesteps, workload.features), dtype="float32")
    y = np.eye(CLASSES, dtype="float32")[np.arange(workload.samples) % CLASSES]
    return x, y


def repeat(call):
    """A way that calls `call` so often."""

    def run(times):
        for _ in range(times):
            call()

    return run


class Torch:
    """torch.nn.LSTM(num_layers=3): all three layers in one call. The loss takes the logits, as PyTorch's does."""

    def __init__(self, threads):
        import torch

        torch.set_num_threads(int(threads))
        self.torch = torch

    versions = ["torch"]

    def network(self, workload):
        torch = self.torch

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm = torch.nn.LSTM(workload.features, workload.units, num_layers=3, batch_first=True)
                self.dense = torch.nn.Linear(workload.units, CLASSES)

            def forward(self, x):
                logits = self.dense(self.lstm(x)[0][:, -1])
                return logits if self.training else logits.softmax(-1)

        torch.manual_seed(1)
        return Network()

    def ways(self, workload):
        torch = self.torch
        x, y = (torch.from_numpy(a) for a in data(workload))
        network = self.network(workload)
        if not workload.trains:
            return self.predictions(network.eval(), x)
        loss = torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.RMSprop(network.parameters(), lr=0.001, alpha=0.9, eps=1e-7)

        def fit(epochs):
            for _ in range(epochs):
                total = torch.zeros(())
                for rows in torch.randperm(len(x)).split(workload.batch):
                    optimizer.zero_grad()
                    value = loss(network(x[rows]), y[rows])
                    value.backward()
                    optimizer.step()
                    total += value.detach() * len(rows)
                (total / len(x)).item()

        return {"a training loop": fit}

    def predictions(self, network, x):
        torch = self.torch

        def eager():
            with torch.inference_mode():
                return network(x).numpy()

        ways = {"inference_mode": repeat(eager)}
        try:
            with torch.no_grad():
                traced = torch.jit.freeze(torch.jit.trace(network, x))
        except Exception as error:  # torch.jit may go one day
            print(f"torch.jit.trace: {error}", file=sys.stderr)
            return ways

        def run_traced():
            with torch.inference_mode():
                return traced(x).numpy()

        run_traced()
        ways["torch.jit.trace"] = repeat(run_traced)
        return ways


class Keras:
    """Keras with the backend that KERAS_BACKEND names."""

    def __init__(self, backend):
        import keras

        assert keras.backend.backend() == backend
        self.keras = keras
        self.backend = backend
        library = {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow"}[backend]
        self.versions = ["keras", library]

    def ways(self, workload):
        keras, layers = self.keras, self.keras.layers
        keras.utils.set_random_seed(1)
        x, y = data(workload)
        model = keras.Sequential(
            [
                keras.Input((workload.timesteps, workload.features)),
                layers.LSTM(workload.units, return_sequences=True),
                layers.LSTM(workload.units, return_sequences=True),
                layers.LSTM(workload.units),
                layers.Dense(CLASSES, activation="softmax"),
            ]
        )
        model.compile(optimizer="rmsprop", loss="categorical_crossentropy")
        if workload.trains:
            return {"fit": lambda epochs: model.fit(x, y, batch_size=workload.batch, epochs=epochs, verbose=0)}
        ways = {"predict_on_batch": repeat(lambda: model.predict_on_batch(x))}
        compiled = self.compiled(model)
        if compiled:
            ways[compiled[0]] = repeat(lambda: np.asarray(compiled[1](x)))
        return ways

    def compiled(self, model):
        """What people who deploy write around the model."""
        if self.backend == "tensorflow":
            import tensorflow as tf

            return "tf.function, XLA", tf.function(lambda x: model(x, training=False), jit_compile=True)
        if self.backend == "jax":
            import jax

            # Copies: predict_on_batch donates the arrays themselves.
            trainable = [jax.numpy.copy(v.value) for v in model.trainable_variables]
            others = [jax.numpy.copy(v.value) for v in model.non_trainable_variables]
            forward = jax.jit(lambda t, n, x: model.stateless_call(t, n, x, training=False)[0])
            return "jax.jit of stateless_call", lambda x: forward(trainable, others, x)
        return None


class OnnxRuntime:
    """onnxruntime on three LSTM nodes and a Gemm, with random weights; it only predicts."""

    versions = ["onnxruntime"]

    def __init__(self, threads):
        import onnxruntime

        self.runtime = onnxruntime
        self.threads = int(threads)

    def graph(self, workload):
        from onnx import TensorProto, helper, numpy_helper

        random = np.random.default_rng(1)
        weights, nodes = [], [helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2])]

        def weight(name, *shape):
            values = (random.random(shape, dtype="float32") - 0.5) / 4
            weights.append(numpy_helper.from_array(values, name))
            return name

        def squeezed(name, axis):
            weights.append(numpy_helper.from_array(np.array([axis], "int64"), f"{name}_axis"))
            nodes.append(helper.make_node("Squeeze", [name, f"{name}_axis"], [f"{name}_flat"]))
            return f"{name}_flat"

        units, features, value = workload.units, workload.features, "steps"
        for i in range(3):
            given = [
                value,
                weight(f"w{i}", 1, 4 * units, features),
                weight(f"r{i}", 1, 4 * units, units),
                weight(f"b{i}", 1, 8 * units),
            ]
            nodes.append(helper.make_node("LSTM", given, [f"y{i}", f"h{i}"], hidden_size=units))
            # A sequence comes out as [timesteps, directions, batch, units], the last state without timesteps.
            value = squeezed(f"y{i}", 1) if i < 2 else squeezed(f"h{i}", 0)
            features = units
        nodes.append(helper.make_node("Gemm", [value, weight("k", units, CLASSES), weight("c", CLASSES)], ["logits"]))
        nodes.append(helper.make_node("Softmax", ["logits"], ["y"], axis=-1))
        float32 = TensorProto.FLOAT
        shape = [workload.samples, workload.timesteps, workload.features]
        x = helper.make_tensor_value_info("x", float32, shape)
        y = helper.make_tensor_value_info("y", float32, [workload.samples, CLASSES])
        graph = helper.make_graph(nodes, "stack", [x], [y], weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def ways(self, workload):
        if workload.trains:
            return {}
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        graph = self.graph(workload).SerializeToString()
        session = self.runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        x, _ = data(workload)
        return {"run": repeat(lambda: session.run(None, {"x": x}))}


def version(package):
    for name in [package, f"{package}-cpu"]:
        try:
            return f"{package} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            pass
    return f"{package} ?"


def measure(ways, workload, rounds):
    seconds = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.perf_counter()
            run(workload.epochs)
            seconds[way].append((time.perf_counter() - start) / workload.epochs)
    return seconds


def main():
    # What a library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    kind, option = sys.argv[1:]
    peer = {"torch": Torch, "keras": Keras, "onnxruntime": OnnxRuntime}[kind](option)
    answer([version(package) for package in peer.versions])
    built = {}
    for line in sys.stdin:
        question = json.loads(line)
        workload = WORKLOADS[question["workload"]]
        if workload.name not in built:
            built = {workload.name: peer.ways(workload)}
            measure(built[workload.name], workload, 1)
        answer(measure(built[workload.name], workload, question["rounds"]))


main()
