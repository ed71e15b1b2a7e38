"""Cells, RNN over cells, Bidirectional and TimeDistributed. Adds to `layer_cases.CASES`."""

from layer_cases import MASK, SEQUENCE, B, F, L, T, U, case, gru, gru_before, keras, lstm, onoff, simple

# Cells alone: one step, states in and out.
for name, make, states in [
    ("lstm_cell", lambda: L.LSTMCell(U), 2),
    ("lstm_cell_no_bias", lambda: L.LSTMCell(U, use_bias=False, activation="relu"), 2),
    ("gru_cell", lambda: L.GRUCell(U), 1),
    ("gru_cell_reset_before", lambda: L.GRUCell(U, reset_after=False), 1),
    ("simple_rnn_cell", lambda: L.SimpleRNNCell(U), 1),
]:
    case(name, make, [(B, F)], states=[(B, U)] * states, style="cell")
case(
    "stacked_rnn_cells",
    lambda: L.StackedRNNCells([L.LSTMCell(U), L.GRUCell(2), L.SimpleRNNCell(4)]),
    [(B, F)], states=[[(B, U), (B, U)], (B, 2), (B, 4)], style="cell",
)  # fmt: skip

# RNN over one cell and over a list.
CELLS = {
    "lstm": (lambda: L.LSTMCell(U), [(B, U)] * 2),
    "gru": (lambda: L.GRUCell(U), [(B, U)]),
    "gru_reset_before": (lambda: L.GRUCell(U, reset_after=False), [(B, U)]),
    "simple": (lambda: L.SimpleRNNCell(U), [(B, U)]),
    "two_lstm": (lambda: [L.LSTMCell(U), L.LSTMCell(2)], [[(B, U)] * 2, [(B, 2)] * 2]),
    "two_gru": (lambda: [L.GRUCell(U), L.GRUCell(2)], [(B, U), (B, 2)]),
    "lstm_gru_simple": (
        lambda: [L.LSTMCell(U), L.GRUCell(2), L.SimpleRNNCell(4)],
        [[(B, U)] * 2, (B, 2), (B, 4)],
    ),
}
# Given states that are not all lists, Keras on JAX repeats a wrong state at a masked step (or fails):
# the first cell's, or the first sample's. Unrolled it is right.
WRONG_WHEN_MASKED = {"two_gru", "lstm_gru_simple"}
for name, (make, states) in CELLS.items():
    for label, on in onoff("sequences", "init_mask"):
        unroll = on["init_mask"] and name in WRONG_WHEN_MASKED
        case(
            f"rnn_{name}{label}{'_unroll' * unroll}",
            lambda m=make, on=on, u=unroll: L.RNN(
                m(), return_sequences=on["sequences"], return_state=True, unroll=u
            ),
            [SEQUENCE], states=states if on["init_mask"] else [], masks=[MASK] if on["init_mask"] else [],
        )  # fmt: skip
    case(
        f"rnn_{name}_backwards_zero",
        lambda m=make: L.RNN(m(), return_sequences=True, go_backwards=True, zero_output_for_mask=True),
        [SEQUENCE], masks=[MASK],
    )  # fmt: skip
    if name in WRONG_WHEN_MASKED:
        case(f"rnn_{name}_mask", lambda m=make: L.RNN(m(), return_sequences=True), [SEQUENCE], masks=[MASK])
    case(f"rnn_{name}_unroll", lambda m=make: L.RNN(m(), unroll=True), [SEQUENCE], masks=[MASK])
for name in ["lstm", "gru", "simple", "two_gru"]:
    case(
        f"rnn_{name}_stateful",
        lambda m=CELLS[name][0]: L.RNN(m(), stateful=True, return_sequences=True), [SEQUENCE], second=SEQUENCE,
    )  # fmt: skip
for name, cells in {
    "lstm": lambda: L.LSTMCell(U, dropout=0.3, recurrent_dropout=0.4),
    "gru": lambda: L.GRUCell(U, dropout=0.3, recurrent_dropout=0.4),
    "simple": lambda: L.SimpleRNNCell(U, dropout=0.3, recurrent_dropout=0.4),
    "two_lstm": lambda: [L.LSTMCell(U, dropout=0.3), L.LSTMCell(2, dropout=0.2, recurrent_dropout=0.4)],
    "two_gru": lambda: [L.GRUCell(U, recurrent_dropout=0.3), L.GRUCell(2, dropout=0.4)],
}.items():
    case(f"rnn_{name}_dropout", lambda c=cells: L.RNN(c(), return_sequences=True), [SEQUENCE], training=True)

# Bidirectional.
MERGES = ["concat", "sum", "mul", "ave", None]
INNER = {"lstm": (lstm, 2), "gru": (gru, 1), "gru_reset_before": (gru_before, 1), "simple_rnn": (simple, 1)}
for name, (make, states) in INNER.items():
    for merge in MERGES if name == "lstm" else ["concat", "sum", None] if name == "gru" else ["concat"]:
        for label, on in onoff("sequences", "masked"):
            state = merge in ("concat", None)
            case(
                f"bidirectional_{name}_{str(merge).lower()}{'_state' * state}{label}",
                lambda make=make, on=on, merge=merge, state=state: L.Bidirectional(
                    make(return_sequences=on["sequences"], return_state=state), merge_mode=merge
                ),
                [SEQUENCE], masks=[MASK] if on["masked"] else [],
            )  # fmt: skip
    for label, on in onoff("sequences", "masked"):
        case(
            f"bidirectional_{name}_init{label}",
            lambda make=make, on=on: L.Bidirectional(make(return_sequences=on["sequences"], return_state=True)),
            [SEQUENCE], masks=[MASK] if on["masked"] else [], states=[(B, U)] * (2 * states),
        )  # fmt: skip
    case(
        f"bidirectional_{name}_sequences", lambda make=make: L.Bidirectional(make(return_sequences=True)), [SEQUENCE]
    )
    for label, on in onoff("sequences", "masked") if name == "lstm" else onoff("sequences")[1:]:
        masks = [MASK] if on.get("masked") else []
        case(
            f"bidirectional_{name}_stateful{label}",
            lambda make=make, on=on: L.Bidirectional(make(return_sequences=on["sequences"], stateful=True)),
            [SEQUENCE], masks=masks, second=SEQUENCE,
        )  # fmt: skip
    for label, on in onoff("recurrent"):
        rates = dict(dropout=0.3, recurrent_dropout=0.4 * on["recurrent"])
        case(
            f"bidirectional_{name}_dropout{label}",
            lambda make=make, r=rates: L.Bidirectional(make(return_sequences=True, **r)),
            [SEQUENCE], masks=[MASK], training=True,
        )  # fmt: skip
case(
    "bidirectional_custom_backward",
    lambda: L.Bidirectional(
        lstm(return_sequences=True), backward_layer=L.GRU(2, return_sequences=True, go_backwards=True)
    ),
    [SEQUENCE], masks=[MASK],
)  # fmt: skip
case(
    "bidirectional_custom_backward_sum",
    lambda: L.Bidirectional(
        lstm(), merge_mode="sum", backward_layer=lstm(go_backwards=True, activation="relu", use_bias=False)
    ),
    [SEQUENCE],
)  # fmt: skip
case(
    "bidirectional_rnn",
    lambda: L.Bidirectional(L.RNN([L.LSTMCell(U), L.GRUCell(2)], return_sequences=True)), [SEQUENCE], masks=[MASK],
)  # fmt: skip
case(
    "bidirectional_regularized",
    lambda: L.Bidirectional(lstm(return_sequences=True, kernel_regularizer=keras.regularizers.L2(0.03))), [SEQUENCE],
)  # fmt: skip

# TimeDistributed: its layer sees one step at a time.
for name, make, shape in [
    ("dense", lambda: L.Dense(U, activation="relu"), SEQUENCE),
    ("flatten", lambda: L.Flatten(), (B, T, 2, 3)),
    ("lstm", lambda: lstm(), (B, T, 4, 2)),
    ("lstm_sequences", lambda: lstm(return_sequences=True), (B, T, 4, 2)),
    ("conv1d", lambda: L.Conv1D(2, 3, padding="same"), (B, T, 6, 2)),
    ("layer_normalization", lambda: L.LayerNormalization(), SEQUENCE),
    ("global_average_pooling1d", lambda: L.GlobalAveragePooling1D(), (B, T, 3, 2)),
]:
    case(f"time_distributed_{name}", lambda m=make: L.TimeDistributed(m()), [shape])
case("time_distributed_dense_mask", lambda: L.TimeDistributed(L.Dense(U)), [SEQUENCE], masks=[MASK])
case("time_distributed_dropout", lambda: L.TimeDistributed(L.Dropout(0.4)), [SEQUENCE], training=True)
for label, training in [("", False), ("_training", True)]:
    case(
        f"time_distributed_batch_normalization_mask{label}",
        lambda: L.TimeDistributed(L.BatchNormalization(momentum=0.8)),
        [(4, T, F)], masks=[[*MASK, [1, 1, 1, 1, 0], [1, 0, 1, 1, 1]]], training=training,
    )  # fmt: skip
case(
    "time_distributed_batch_normalization",
    lambda: L.TimeDistributed(L.BatchNormalization(momentum=0.8)), [(3, T, F)], training=True,
)  # fmt: skip
