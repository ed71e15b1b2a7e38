"""Still more graphs for `make_stacks.py`: states from elsewhere, inputs of four axes, axes that are stretched, masks that
are joined, attention by hand, models called twice.

Each function returns (inputs, input specs, outputs).
"""

from reference import keras

from keras import layers as L
from keras import tree

from stack_cases import BATCH, Growing, any_rnn, floats, tokens
from stack_cases_more import documents, padded

CELLS = [L.LSTMCell, L.GRUCell, L.SimpleRNNCell]


def vector(width):
    return keras.Input((width,)), {"kind": "floats", "shape": [BATCH, width]}


def grid(g):
    shape = [BATCH, g.some(2, 3), g.some(3, 4), g.some(2, 3)]
    return keras.Input(tuple(shape[1:])), {"kind": "floats", "shape": shape}


def states_given(g):
    x, spec = floats(g)
    kind, units = g.pick(["LSTM", "GRU", "SimpleRNN", "stack", "both ways"]), g.some(1, 4)
    options = dict(return_sequences=g.maybe(), return_state=g.maybe())
    if kind == "stack":
        cells = [g.pick(CELLS)(g.some(1, 3)) for _ in range(2)]
        layer, sizes = L.RNN(cells, **options), [list(tree.flatten(cell.state_size)) for cell in cells]
    elif kind == "both ways":
        layer, sizes = L.Bidirectional(L.LSTM(units, **options), merge_mode=g.pick(["concat", "ave"])), [units] * 4
    else:
        layer, sizes = getattr(L, kind)(units, go_backwards=g.maybe(0.3), **options), [units] * (1 + (kind == "LSTM"))
    made = [vector(size) for size in tree.flatten(sizes)]
    states = tree.pack_sequence_as(sizes, [state for state, _ in made])
    outputs = tree.flatten(layer(x, initial_state=states))
    return [x, *(state for state, _ in made)], [spec, *(s for _, s in made)], outputs


def states_changed(g):
    x, embedded, spec = tokens(g)
    other, masked, other_spec = padded(g)
    units = g.some(2, 4)
    kind = g.pick(["LSTM", "GRU", "SimpleRNN"])
    _, *states = getattr(L, kind)(units, return_state=True)(embedded)
    states = [L.Dense(units, activation=g.pick(["tanh", "linear"]))(state) for state in states][:: g.pick([1, -1])]
    outputs = getattr(L, kind)(units, return_sequences=True, return_state=True)(
        other if g.maybe() else masked, initial_state=states
    )
    y = g.pick([any_rnn(g, 3), L.GlobalAveragePooling1D(), L.Bidirectional(any_rnn(g, 2))])(outputs[0])
    return [x, other], [spec, other_spec], [y, outputs[-1]]


def attention_over_grids(g):
    x, spec = grid(g)
    axes = g.pick([None, 1, 2, (1, 2), (2, 1), -2])
    layer = L.MultiHeadAttention(g.some(1, 2), g.some(2, 3), attention_axes=axes, use_gate=g.maybe(0.3))
    outputs = layer(x, x, return_attention_scores=g.maybe(0.3))
    y, *scores = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    y = L.Add()([x, y])
    return [x], [spec], [any_rnn(g, 3)(L.TimeDistributed(any_rnn(g, 3))(y)), *scores]


def words_of_sentences(g):
    x, spec = documents(g)
    y = L.Embedding(spec["vocabulary"], 3, mask_zero=True)(x)
    for _ in range(g.some(1, 2)):
        y = L.MultiHeadAttention(2, 2, attention_axes=2, output_shape=g.pick([None, 4]))(y, y)
    y = g.pick([L.LayerNormalization(), L.Dense(3, activation="tanh"), L.BatchNormalization()])(y)
    return [x], [spec], L.Flatten()(L.TimeDistributed(any_rnn(g, 3))(y))


def stretched(g):
    x, spec = floats(g)
    width = spec["shape"][2]
    v, v_spec = vector(width)
    merge = g.pick([L.Add, L.Multiply, L.Maximum, L.Minimum, L.Average])
    first = merge()([x, v] if g.maybe() else [v, x])
    second = g.pick([L.Add, L.Subtract, L.Multiply])()([first, L.Reshape((1, width))(L.Dense(width)(v))])
    return [x, v], [spec, v_spec], [any_rnn(g, 3)(second), L.Dot(axes=(2, 1))([first, v])]


def masks_joined(g):
    x, masked, spec = padded(g)
    plain = L.Dense(masked.shape[2], activation="tanh")(x)
    other = any_rnn(g, masked.shape[2], return_sequences=True)(masked)
    kind = g.pick(["along time", "features", "sum", "product"])
    if kind == "along time":
        y = L.Concatenate(axis=1)([masked, g.pick([plain, other])])
    elif kind == "features":
        y = L.Concatenate()([masked, plain, other][: g.some(2, 3)])
    else:
        y = (L.Add() if kind == "sum" else L.Multiply())([masked, g.pick([plain, other])])
    outputs = [any_rnn(g, 3)(y), L.GlobalAveragePooling1D(keepdims=g.maybe())(y)]
    return [x], [spec], outputs


def attention_by_hand(g):
    x, spec = floats(g)
    y = any_rnn(g, 3, return_sequences=True)(x)
    if g.maybe():
        scores = L.Softmax(axis=1)(L.Dense(1)(y))
        found = L.Dot(axes=1)([scores, y])
    else:
        scores = L.Softmax(axis=g.pick([(1, 2), (2, 1), 2, -2]))(L.Dot(axes=2, normalize=g.maybe())([y, y]))
        found = L.Dot(axes=(2, 1))([scores, y])
    return [x], [spec], [scores, L.Dense(2)(L.Flatten()(found))]


def called_twice(g):
    x, spec = floats(g)
    other = keras.Input(tuple(spec["shape"][1:]))
    inside = keras.Input(tuple(spec["shape"][1:]))
    sequence, *states = g.pick([L.LSTM, L.GRU])(3, return_sequences=True, return_state=True)(inside)
    inner = keras.Model(inside, [sequence, L.Dense(3)(states[0])])
    (a, b), (c, d) = inner(x), inner(other)
    joined = L.Attention(use_scale=g.maybe(), score_mode=g.pick(["dot", "concat"]))([a, c])
    return [x, other], [spec, dict(spec)], [any_rnn(g, 2)(joined), L.Subtract()([b, d])]


PATTERNS = [
    states_given, states_changed, attention_over_grids, words_of_sentences, stretched, masks_joined, attention_by_hand,
    called_twice,
]  # fmt: skip


def graph_wide(rng):
    g = Growing(rng)
    inputs, specs, outputs = g.pick(PATTERNS)(g)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs), specs, False
