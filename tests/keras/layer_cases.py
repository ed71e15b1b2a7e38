"""What a case of `make_layers.py` is. The cases are in the files layer_cases_*.py.

Shapes: batch 2, 5 timesteps, 4 features, 3 units, all different so that no swapped axis goes
unseen.
"""

import dataclasses
import zlib

from reference import keras, np

from keras import layers as L

B, T, F, U = 2, 5, 4, 3
SEQUENCE = (B, T, F)
# A hole and a padded end; a padded beginning.
MASK = [[1, 0, 1, 1, 0], [0, 0, 1, 1, 1]]
EMPTY_ROW = [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0]]


@dataclasses.dataclass
class Case:
    name: str
    make: object  # () -> layer
    inputs: list  # a shape, filled at random from the case's name, or an array
    masks: list = dataclasses.field(default_factory=list)  # one for each input, or None
    states: list = dataclasses.field(default_factory=list)  # shapes, nested as the layer takes them
    training: bool = False
    kwargs: dict = dataclasses.field(default_factory=dict)  # further arguments of the call
    style: str = "single"  # single, list (merging), args (query, value, key), cell
    second: object = None  # stateful layers: the input of the call that follows
    adapt: object = None

    def __post_init__(self):
        rng = np.random.default_rng(zlib.crc32(f"inputs of {self.name}".encode()))

        def fill(spec):
            return rng.normal(size=spec).astype("float32") if isinstance(spec, tuple) else spec

        self.inputs = [fill(spec) for spec in self.inputs]
        self.masks = self.masks or [None] * len(self.inputs)
        self.states = nested(fill, self.states)
        if self.second is not None:
            self.second = fill(self.second)
        if self.adapt is not None:
            self.adapt = fill(self.adapt)


def nested(fill, states):
    return [nested(fill, s) if isinstance(s, list) else fill(s) for s in states]


CASES = []


def case(name, make, inputs, **options):
    assert all(name != other.name for other in CASES), name
    CASES.append(Case(name, make, inputs, **options))


def onoff(*names):
    """Every combination of switches, as (name, {switch: bool})."""
    combinations = [("", {})]
    for name in names:
        combinations = [
            (label + (f"_{name}" if on else ""), {**kept, name: on}) for label, kept in combinations for on in (0, 1)
        ]
    return [(label, {k: bool(v) for k, v in on.items()}) for label, on in combinations]


ACTIVATIONS = [
    "relu", "leaky_relu", "relu6", "softmax", "celu", "elu", "selu", "softplus", "softsign", "squareplus",
    "soft_shrink", "sparse_plus", "silu", "gelu", "glu", "tanh", "tanh_shrink", "sigmoid", "sparse_sigmoid",
    "exponential", "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink", "linear", "mish", "log_softmax",
    "log_sigmoid", "sparsemax",
]  # fmt: skip


def lstm(units=U, **options):
    return L.LSTM(units, **options)


def gru(units=U, **options):
    return L.GRU(units, **options)


def gru_before(units=U, **options):
    return L.GRU(units, reset_after=False, **options)


def simple(units=U, **options):
    return L.SimpleRNN(units, **options)
