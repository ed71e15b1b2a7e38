"""LSTM, GRU and SimpleRNN with every option. Adds to `layer_cases.CASES`."""

from layer_cases import ACTIVATIONS, EMPTY_ROW, MASK, SEQUENCE, B, F, T, U, case, gru, gru_before, keras, lstm, onoff, simple


def recurrent(prefix, make, states, every=True):
    """What a recurrent layer can return and be given: all combinations, or the states always returned."""
    for label, on in onoff("sequences", "backwards", "init", *(["state"] if every else [])):
        options = dict(
            return_sequences=on["sequences"], return_state=on.get("state", True), go_backwards=on["backwards"]
        )
        init = [(B, U)] * states if on["init"] else []
        case(f"{prefix}{label}", lambda o=options: make(**o), [SEQUENCE], states=init)
        for zero in (False, True):
            case(
                f"{prefix}{label}_mask{'_zero' * zero}",
                lambda o=options, z=zero: make(**o, zero_output_for_mask=z),
                [SEQUENCE], masks=[MASK], states=init,
            )  # fmt: skip


def with_options(prefix, make, states, activation_pairs):
    """What changes inside the cell, and the rest of the constructor."""
    seq = dict(return_sequences=True)
    case(f"{prefix}_no_bias", lambda: make(**seq, use_bias=False), [SEQUENCE])
    case(f"{prefix}_no_bias_mask", lambda: make(**seq, use_bias=False), [SEQUENCE], masks=[MASK])
    case(f"{prefix}_one_timestep", lambda: make(**seq, return_state=True), [(B, 1, F)])
    case(f"{prefix}_one_feature", lambda: make(), [(B, T, 1)])
    case(f"{prefix}_one_unit", lambda: make(units=1, **seq), [SEQUENCE])
    case(f"{prefix}_wide", lambda: make(units=17, **seq), [(3, 4, 9)])
    for on in activation_pairs:
        label = "_".join(f"{k}_{v}" for k, v in on.items())
        case(f"{prefix}_{label}", lambda on=on: make(**seq, **on), [SEQUENCE], masks=[MASK])
    for label, on in onoff("sequences", "zero"):
        case(
            f"{prefix}_empty_row{label}",
            lambda on=on: make(return_sequences=on["sequences"], return_state=True, zero_output_for_mask=on["zero"]),
            [SEQUENCE], masks=[EMPTY_ROW],
        )  # fmt: skip
        case(
            f"{prefix}_empty_row_init{label}",
            lambda on=on: make(return_sequences=on["sequences"], return_state=True, zero_output_for_mask=on["zero"]),
            [SEQUENCE], masks=[EMPTY_ROW], states=[(B, U)] * states,
        )  # fmt: skip
    case(f"{prefix}_unroll", lambda: make(**seq, unroll=True), [SEQUENCE])
    case(f"{prefix}_unroll_mask", lambda: make(**seq, unroll=True, return_state=True), [SEQUENCE], masks=[MASK])
    case(f"{prefix}_unroll_backwards", lambda: make(unroll=True, go_backwards=True), [SEQUENCE], masks=[MASK])
    for dropout, recurrent_dropout in [(0.4, 0.0), (0.0, 0.4), (0.3, 0.5)]:
        rates = dict(dropout=dropout, recurrent_dropout=recurrent_dropout)
        label = f"{prefix}_dropout{'_input' * (dropout > 0)}{'_recurrent' * (recurrent_dropout > 0)}"
        case(label, lambda r=rates: make(**seq, **r), [SEQUENCE], training=True)
        case(
            f"{label}_mask_backwards_init", lambda r=rates: make(return_state=True, go_backwards=True, **r),
            [SEQUENCE], masks=[MASK], states=[(B, U)] * states, training=True,
        )  # fmt: skip
        case(f"{label}_inference", lambda r=rates: make(**seq, **r), [SEQUENCE])
    case(f"{prefix}_dropout_no_bias", lambda: make(dropout=0.3, use_bias=False), [SEQUENCE], training=True)
    case(
        f"{prefix}_dropout_recurrent_no_bias",
        lambda: make(recurrent_dropout=0.3, use_bias=False), [SEQUENCE], training=True,
    )  # fmt: skip
    case(
        f"{prefix}_regularized",
        lambda: make(
            **seq, return_state=True, kernel_regularizer=keras.regularizers.L2(0.03),
            recurrent_regularizer=keras.regularizers.L1(0.02), bias_regularizer=keras.regularizers.L1L2(0.01, 0.04),
            activity_regularizer=keras.regularizers.L2(0.05), kernel_constraint=keras.constraints.MaxNorm(1.0),
            recurrent_constraint=keras.constraints.UnitNorm(), bias_constraint=keras.constraints.NonNeg(),
        ),
        [SEQUENCE],
    )  # fmt: skip
    case(f"{prefix}_not_trainable", lambda: make(**seq, trainable=False), [SEQUENCE])
    for label, on in onoff("sequences", "backwards", "masked"):
        case(
            f"{prefix}_stateful{label}",
            lambda on=on: make(return_sequences=on["sequences"], go_backwards=on["backwards"], stateful=True,
                               return_state=True),
            [SEQUENCE], masks=[MASK] if on["masked"] else [], second=SEQUENCE,
        )  # fmt: skip
    case(
        f"{prefix}_stateful_init", lambda: make(**seq, stateful=True),
        [SEQUENCE], states=[(B, U)] * states, second=SEQUENCE,
    )  # fmt: skip


GATES = ["hard_sigmoid", "relu", "tanh", "linear", "softsign", "softmax", "silu", "sparse_sigmoid"]


def activation_pairs(gated):
    outputs = [{"activation": a} for a in ACTIVATIONS if a not in ("tanh", "glu")]
    if not gated:
        return outputs
    return outputs + [{"recurrent_activation": g} for g in GATES] + [
        {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
        {"activation": None, "recurrent_activation": "sigmoid"},
    ]  # fmt: skip


recurrent("lstm", lstm, 2)
with_options("lstm", lstm, 2, activation_pairs(True))
case("lstm_no_unit_forget_bias", lambda: lstm(unit_forget_bias=False, return_sequences=True), [SEQUENCE])
case("lstm_rates_of_one", lambda: lstm(dropout=1.0, recurrent_dropout=1.0), [SEQUENCE], training=True)
case("lstm_implementation_1", lambda: lstm(implementation=1, return_sequences=True), [SEQUENCE], masks=[MASK])
recurrent("gru", gru, 1, every=False)
with_options("gru", gru, 1, activation_pairs(True)[::4])
recurrent("gru_reset_before", gru_before, 1, every=False)
with_options("gru_reset_before", gru_before, 1, activation_pairs(True)[2::6])
recurrent("simple_rnn", simple, 1, every=False)
with_options("simple_rnn", simple, 1, activation_pairs(False)[1::3])
