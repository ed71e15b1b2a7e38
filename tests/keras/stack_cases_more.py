"""More graphs for `make_stacks.py`: masks that go into models and out of them, masks told at the call, models inside
TimeDistributed, sequences of sequences, gates and windows of attention.

Each function returns (inputs, input specs, outputs).
"""

from reference import keras

from keras import layers as L
from keras import ops

from stack_cases import BATCH, Growing, any_rnn, floats, tokens


def documents(g):
    """Token ids [batch, sentences, words]; the sentences behind a document's length have no words."""
    sentences, words, vocabulary = g.some(2, 4), g.some(2, 4), g.some(5, 8)
    spec = {
        "kind": "tokens", "vocabulary": vocabulary, "shape": [BATCH, sentences, words],
        "lengths": [sentences, *(g.some(1, sentences) for _ in range(BATCH - 1))], "padding": "post",
    }  # fmt: skip
    return keras.Input((sentences, words), dtype="int32"), spec


def padded(g):
    timesteps, features = g.some(4, 6), g.some(2, 4)
    spec = {
        "kind": "floats", "shape": [BATCH, timesteps, features],
        "lengths": [timesteps, *(g.some(1, timesteps) for _ in range(BATCH - 1))], "padding": g.pick(["post", "pre"]),
    }  # fmt: skip
    x = keras.Input((timesteps, features))
    return x, L.Masking()(x), spec


def sentences_of_words(g):
    x, spec = documents(g)
    embedded = L.Embedding(spec["vocabulary"], g.some(2, 4), mask_zero=True)(x)
    reader = g.pick([lambda: any_rnn(g, 3), lambda: L.Bidirectional(any_rnn(g, 2))])()
    # Behind it Keras has a mask that fits nothing; Flatten drops it.
    return [x], [spec], L.Dense(2)(L.Flatten()(L.TimeDistributed(reader)(embedded)))


def encoder_of_words(g):
    x, spec = documents(g)
    words = keras.Input((spec["shape"][2],), dtype="int32")
    encoded = any_rnn(g, 3)(L.Embedding(spec["vocabulary"], 3, mask_zero=True)(words))
    encoder = keras.Model(words, encoded)
    return [x], [spec], L.Dense(2)(any_rnn(g, 3)(L.TimeDistributed(encoder)(x)))


def held_model(g):
    x, spec = floats(g)
    features = spec["shape"][2]
    if g.maybe():
        held = keras.Sequential([keras.Input((features,)), L.Dense(3, activation="tanh"), L.BatchNormalization()])
    else:
        one = keras.Input((features,))
        held = keras.Model(one, L.Add()([L.Dense(3, activation="elu")(one), L.Dense(3)(one)]))
    return [x], [spec], any_rnn(g, 3)(L.TimeDistributed(held)(x))


def masks_through_models(g):
    x, masked, spec = padded(g)
    inner_input = keras.Input(masked.shape[1:])
    hidden = any_rnn(g, 3, return_sequences=True)(inner_input)
    deeper = keras.Sequential([keras.Input(hidden.shape[1:]), L.Dense(3, activation="tanh"), L.Dropout(0.2)])
    inner = keras.Model(inner_input, g.pick([lambda: L.Add()([hidden, deeper(hidden)]), lambda: deeper(hidden)])())
    y = L.Dense(4)(inner(masked))
    return [x], [spec], L.Bidirectional(any_rnn(g, 2))(y)


def told_masks(g):
    ids, embedded, spec = tokens(g, mask_zero=False)
    mask = ops.not_equal(ids, 0)
    first = any_rnn(g, 3, return_sequences=True)(embedded, mask=mask)
    second = g.pick([lambda: L.Bidirectional(any_rnn(g, 2)), lambda: L.GlobalAveragePooling1D(), lambda: any_rnn(g, 3)])()
    return [ids], [spec], L.Dense(2)(second(first))


def told_by_data(g):
    x, spec = floats(g)
    timesteps = spec["shape"][1]
    counts = keras.Input((timesteps,), dtype="int32")
    lengths = [timesteps, *(g.some(1, timesteps) for _ in range(BATCH - 1))]
    told = {"kind": "tokens", "vocabulary": 2, "shape": [BATCH, timesteps], "lengths": lengths, "padding": "post"}
    y = any_rnn(g, 3, return_sequences=True)(x, mask=counts)
    return [x, counts], [spec, told], [y, L.Attention()([y, y], mask=[None, ops.not_equal(counts, 0)])]


def gated_attention(g):
    x, embedded, spec = tokens(g)
    y = L.Dense(4)(embedded)
    layer = L.MultiHeadAttention(2, 3, use_gate=g.maybe(), sliding_window=g.pick([None, 1, 2, 3]))
    y = L.Add()([y, layer(y, y, use_causal_mask=g.maybe())])
    return [x], [spec], any_rnn(g, 3)(L.LayerNormalization()(y))


def twins(g):
    x, spec = floats(g)
    other = keras.Input(tuple(spec["shape"][1:]))
    encoder = keras.Sequential(
        [keras.Input(tuple(spec["shape"][1:])), L.Conv1D(3, 2, activation="tanh"), any_rnn(g, 3), L.Dense(3)]
    )
    a, b = encoder(x), encoder(other)
    return [x, other], [spec, dict(spec)], [L.Dot(axes=1, normalize=g.maybe())([a, b]), L.Subtract()([a, b])]


def residual(g):
    x, masked, spec = padded(g)
    y = L.Dense(4)(masked)
    for _ in range(g.some(1, 3)):
        inner = g.pick([lambda: any_rnn(g, 4, return_sequences=True), lambda: L.Dense(4, activation="gelu")])()
        y = L.Add()([y, inner(L.LayerNormalization()(y))])
    return [x], [spec], L.Concatenate()([L.GlobalAveragePooling1D()(y), any_rnn(g, 2)(y)])


PATTERNS = [
    sentences_of_words, encoder_of_words, held_model, masks_through_models, told_masks, told_by_data, gated_attention,
    twins, residual,
]  # fmt: skip


def graph_more(rng):
    g = Growing(rng)
    inputs, specs, outputs = g.pick(PATTERNS)(g)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs), specs, False
