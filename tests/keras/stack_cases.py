"""The models of `make_stacks.py`, drawn at random.

Each function returns (model, input specs, whether a mask goes through a go_backwards layer).
"""

from reference import keras

from keras import layers as L

BATCH = 3
SMOOTH = ["tanh", "sigmoid", "softplus", "elu", "selu", "gelu", "silu", "softsign", "mish", "linear"]
KINKED = ["relu", "hard_sigmoid", "leaky_relu", "hard_silu", "relu6"]


class Growing:
    """What is known about the end of the stack so far."""

    def __init__(self, rng):
        self.rng = rng
        self.shape = None  # without the batch axis
        self.masked = False
        # Equal or zero values may occur: no maximum and no kink then, whose gradient there is arbitrary.
        self.ties = False
        self.mask_goes_backwards = False

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def some(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def maybe(self, probability=0.5):
        return bool(self.rng.random() < probability)

    def activation(self):
        return self.pick(SMOOTH if self.ties else SMOOTH + KINKED)


def start(g):
    """The input and the layers right behind it."""
    timesteps = g.some(4, 7)
    kind = g.pick(["floats", "floats", "padded", "tokens", "tokens"])
    if kind == "floats":
        features = g.some(2, 5)
        g.shape = (timesteps, features)
        return {"kind": "floats", "shape": [BATCH, timesteps, features]}, []
    lengths = [timesteps, *(g.some(1, timesteps) for _ in range(BATCH - 1))]
    padding = {"lengths": lengths, "padding": g.pick(["post", "pre"])}
    if kind == "padded":
        features = g.some(2, 5)
        g.shape, g.masked, g.ties = (timesteps, features), True, True
        return {"kind": "floats", "shape": [BATCH, timesteps, features], **padding}, [L.Masking()]
    vocabulary, width, mask_zero = g.some(5, 9), g.some(2, 5), g.maybe(0.7)
    g.shape, g.masked, g.ties = (timesteps, width), mask_zero, True
    spec = {"kind": "tokens", "vocabulary": vocabulary, "shape": [BATCH, timesteps], **padding}
    return spec, [L.Embedding(vocabulary, width, mask_zero=mask_zero)]


def recurrent(g):
    units, sequences = g.some(1, 5), g.maybe(0.65)
    wrapped, backwards = g.pick([(True, False), (False, True), (False, False), (False, False)])
    options = dict(return_sequences=sequences, go_backwards=backwards)
    if g.maybe(0.2):
        options["zero_output_for_mask"] = True
    inner = dict(use_bias=g.maybe(0.8))
    if g.maybe(0.3):
        inner["activation"] = g.pick(["tanh", "sigmoid", "softsign", "elu", "relu", "linear"])
    kind = g.pick(["LSTM", "LSTM", "GRU", "SimpleRNN", "RNN"])
    if kind != "SimpleRNN" and g.maybe(0.25):
        inner["recurrent_activation"] = g.pick(["hard_sigmoid", "tanh"])
    if kind == "GRU":
        inner["reset_after"] = g.maybe()
    if kind == "LSTM":
        inner["unit_forget_bias"] = g.maybe()
    if kind == "RNN":
        cells = [g.pick([L.LSTMCell, L.GRUCell, L.SimpleRNNCell])(g.some(1, 4)) for _ in range(g.some(1, 3))]
        units = cells[-1].units
        layer = L.RNN(cells if len(cells) > 1 else cells[0], **options)
    else:
        layer = getattr(L, kind)(units, **options, **inner)
    if wrapped:
        merge = g.pick(["concat", "sum", "mul", "ave"])
        layer = L.Bidirectional(layer, merge_mode=merge)
        units = 2 * units if merge == "concat" else units
    if sequences:
        if g.masked and backwards:
            g.mask_goes_backwards = True
        g.shape = (g.shape[0], units)
        g.ties = g.masked
    else:
        g.shape, g.masked, g.ties = (units,), False, False
    return layer


def windowed(g):
    """Convolution, pooling, padding: what changes the number of timesteps and loses the mask."""
    timesteps, features = g.shape
    kinds = ["conv", "conv", "average", "padding", "sampling"]
    if not g.ties:
        kinds.append("max")
    if timesteps > 3:
        kinds.append("cropping")
    kind = g.pick(kinds)
    g.masked = False
    if kind == "conv":
        kernel, filters = g.some(1, min(3, timesteps)), g.some(1, 4)
        padding = g.pick(["valid", "same", "causal"])
        options = g.pick([{}, {}, {"strides": 2}, {"dilation_rate": 2}])
        if padding == "valid" and 2 * (kernel - 1) >= timesteps:
            options = {}
        layer = L.Conv1D(filters, kernel, padding=padding, activation=g.pick(SMOOTH), **options)
    elif kind in ("average", "max"):
        cls = L.AveragePooling1D if kind == "average" else L.MaxPooling1D
        layer = cls(g.some(1, min(3, timesteps)), strides=g.pick([None, 1, 2]), padding=g.pick(["valid", "same"]))
    elif kind == "padding":
        layer, g.ties = L.ZeroPadding1D((g.some(0, 2), g.some(0, 2))), True
    elif kind == "sampling":
        layer, g.ties = L.UpSampling1D(g.some(1, 2)), True
    else:
        layer = L.Cropping1D((g.some(0, 1), g.some(0, 1)))
    g.shape = layer.compute_output_shape((BATCH, *g.shape))[1:]
    return layer


def pointwise(g):
    """What keeps the axes and the mask."""
    kind = g.pick(
        ["Dense", "Dense", "TimeDistributed", "BatchNormalization", "LayerNormalization", "Activation", "Dropout",
         "SpatialDropout1D", "GaussianNoise", "Rescaling", "Softmax", "kinked"]
    )  # fmt: skip
    flat = len(g.shape) == 1
    if kind == "Softmax" and g.masked:  # Keras refuses that
        kind = "Rescaling"
    if kind in ("TimeDistributed", "SpatialDropout1D") and flat:
        kind = "Dense"
    if kind in ("Dense", "TimeDistributed"):
        layer = L.Dense(g.some(1, 5), activation=g.activation(), use_bias=g.maybe(0.8))
        g.shape = (*g.shape[:-1], layer.units)
        return layer if kind == "Dense" else L.TimeDistributed(layer)
    if kind == "kinked":
        if g.ties:
            return L.ELU(alpha=g.pick([0.5, 1.0]))
        return g.pick([L.ReLU, L.LeakyReLU, L.PReLU])()
    if kind in ("Dropout", "SpatialDropout1D", "GaussianNoise"):
        return getattr(L, kind)(0.3)
    if kind == "Activation":
        return L.Activation(g.activation())
    if kind == "Rescaling":
        return L.Rescaling(g.pick([0.5, 2.0]), offset=g.pick([0.0, 0.25]))
    return getattr(L, kind)()


def reshaping(g):
    if len(g.shape) == 1:
        repeat = g.maybe()
        if repeat:
            layer, g.ties = L.RepeatVector(g.some(2, 4)), True
        else:
            layer = L.Reshape((g.shape[0], 1) if g.maybe() else (-1, g.shape[0]))
    else:
        g.masked = False
        layer = g.pick([L.Flatten(), L.Permute((2, 1)), L.Reshape((-1,)), L.GlobalAveragePooling1D()]
                       + ([] if g.ties else [L.GlobalMaxPooling1D()]))  # fmt: skip
    g.shape = layer.compute_output_shape((BATCH, *g.shape))[1:]
    return layer


def grow(g, count):
    stack = []
    for _ in range(count):
        if len(g.shape) == 2:
            part = g.pick([recurrent] * 5 + [pointwise] * 4 + [windowed] * 2 + [reshaping])
        else:
            part = g.pick([pointwise, pointwise, reshaping])
        stack.append(part(g))
    return stack


def sequential(rng):
    g = Growing(rng)
    spec, first = start(g)
    stack = first + grow(g, g.some(2, 5))
    dtype = "int32" if spec["kind"] == "tokens" else None
    model = keras.Sequential([keras.Input(tuple(spec["shape"][1:]), dtype=dtype), *stack])
    return model, [spec], g.mask_goes_backwards


# Graphs: a few patterns that people build, with drawn sizes and layers.


def floats(g, timesteps=None):
    shape = [BATCH, timesteps or g.some(4, 6), g.some(2, 5)]
    return keras.Input(tuple(shape[1:])), {"kind": "floats", "shape": shape}


def tokens(g, mask_zero=True):
    timesteps, vocabulary = g.some(4, 6), g.some(5, 9)
    spec = {
        "kind": "tokens", "vocabulary": vocabulary, "shape": [BATCH, timesteps],
        "lengths": [timesteps, *(g.some(1, timesteps) for _ in range(BATCH - 1))], "padding": "post",
    }  # fmt: skip
    x = keras.Input((timesteps,), dtype="int32")
    return x, L.Embedding(vocabulary, g.some(2, 5), mask_zero=mask_zero)(x), spec


def any_rnn(g, units, **options):
    return g.pick([L.LSTM, L.GRU, L.SimpleRNN])(units, **options)


def branches(g):
    x, spec = floats(g)
    units = g.some(2, 4)
    a, b = (any_rnn(g, units, return_sequences=True)(x) for _ in range(2))
    merge = g.pick([L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate])()
    y = any_rnn(g, g.some(2, 4))(merge([a, b]))
    return [x], [spec], L.Dense(3, activation="softmax")(y)


def two_inputs(g):
    x, spec = floats(g)
    extra = keras.Input((4,))
    y = L.Concatenate()([any_rnn(g, 3)(x), L.Dense(2, activation="relu")(extra)])
    return [x, extra], [spec, {"kind": "floats", "shape": [BATCH, 4]}], L.Dense(2)(y)


def encoder_decoder(g):
    units = g.some(2, 4)
    source, embedded, source_spec = tokens(g)
    target, target_embedded, target_spec = tokens(g, mask_zero=g.maybe())
    if g.maybe():
        _, *states = L.LSTM(units, return_state=True)(embedded)
        decoder = L.LSTM(units, return_sequences=True)
    else:
        _, *states = L.GRU(units, return_state=True)(embedded)
        decoder = L.GRU(units, return_sequences=True)
    y = decoder(target_embedded, initial_state=states)
    return [source, target], [source_spec, target_spec], L.Dense(4, activation="softmax")(y)


def shared_layer(g):
    x, spec = floats(g)
    timesteps, features = spec["shape"][1:]
    other = keras.Input((timesteps, features))
    shared = any_rnn(g, 3)
    a, b = shared(x), shared(other)
    merged = g.pick([lambda: L.Subtract()([a, b]), lambda: L.Dot(axes=1, normalize=True)([a, b])])()
    return [x, other], [spec, dict(spec)], L.Dense(2)(merged)


def nested(g):
    x, spec = floats(g)
    inner_input = keras.Input(tuple(spec["shape"][1:]))
    inner_output = L.Dense(3, activation="tanh")(any_rnn(g, 4, return_sequences=True)(inner_input))
    if g.maybe():
        inner = keras.Model(inner_input, inner_output)
    else:
        inner = keras.Sequential(
            [keras.Input(tuple(spec["shape"][1:])), any_rnn(g, 3, return_sequences=True), L.Dense(3)]
        )
    y = any_rnn(g, 2)(inner(x))
    return [x], [spec], L.Dense(2)(y)


def several_outputs(g):
    x, spec = floats(g)
    rnn = g.pick([L.LSTM, L.GRU])(g.some(1, 3), return_sequences=True, return_state=True, go_backwards=g.maybe())
    outputs = list(rnn(x))
    if g.maybe():
        outputs.append(L.Dense(2)(outputs[1]))
    return [x], [spec], outputs


def attention(g):
    query, q, query_spec = tokens(g)
    value, v, value_spec = tokens(g)
    units = 4
    q = any_rnn(g, units, return_sequences=True)(q)
    v = any_rnn(g, units, return_sequences=True)(v)
    layer = g.pick([L.Attention(), L.Attention(use_scale=True), L.AdditiveAttention(), None])
    found = L.MultiHeadAttention(2, 3)(q, v) if layer is None else layer([q, v])
    y = L.GlobalAveragePooling1D()(L.Concatenate()([q, found]))
    return [query, value], [query_spec, value_spec], L.Dense(2)(y)


def transformer(g):
    x, spec = floats(g)
    y = L.Dense(4)(x)
    attended = L.MultiHeadAttention(g.some(1, 3), g.some(2, 3))(y, y, use_causal_mask=g.maybe())
    y = L.LayerNormalization()(L.Add()([y, attended]))
    return [x], [spec], any_rnn(g, 3)(y)


def bidirectional_states(g):
    x, spec = floats(g)
    units = g.some(1, 3)
    outputs = L.Bidirectional(L.LSTM(units, return_state=True, return_sequences=True))(x)
    y, states = outputs[0], outputs[1:]
    h, c = L.Concatenate()([states[0], states[2]]), L.Concatenate()([states[1], states[3]])
    return [x], [spec], L.Dense(2)(L.LSTM(2 * units)(y, initial_state=[h, c]))


def masked_sequence(g):
    x, embedded, spec = tokens(g)
    y = any_rnn(g, g.some(2, 4), return_sequences=True)(embedded)
    y = L.Bidirectional(any_rnn(g, 2, return_sequences=True))(y)
    return [x], [spec], L.TimeDistributed(L.Dense(3, activation="softmax"))(y)


PATTERNS = [
    branches, two_inputs, encoder_decoder, shared_layer, nested, several_outputs, attention, transformer,
    bidirectional_states, masked_sequence,
]  # fmt: skip


def graph(rng):
    g = Growing(rng)
    inputs, specs, outputs = g.pick(PATTERNS)(g)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs), specs, False
