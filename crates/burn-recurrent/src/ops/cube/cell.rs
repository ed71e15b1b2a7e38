//! What all kernels compute with: the cells, and where their operands lie.

use super::plan::Plan;
use crate::kernel::Kind;
use burn_cubecl::cubecl::{self, prelude::*};

/// `1 / (1 + exp(-x))`. Where the exponential would overflow, which WGSL leaves open, the value is 0. NaN
/// stays NaN, of which some drivers' exponential makes infinity.
#[cube]
fn sigmoid(x: f32) -> f32 {
    let mut y = x;
    if !x.is_nan() {
        y = if x < f32::new(-80.0) {
            f32::new(0.0)
        } else {
            1.0 / (1.0 + (-x).exp())
        };
    }
    y
}

/// The hyperbolic tangent. Some drivers compute it as a quotient of exponentials that overflow; beyond
/// 10 it is 1 in `f32`. NaN stays NaN.
#[cube]
pub(super) fn tanh(x: f32) -> f32 {
    let mut y = f32::new(1.0);
    if x < f32::new(-10.0) {
        y = f32::new(-1.0);
    } else if x <= 10.0 {
        y = x.tanh();
    } else if x.is_nan() {
        y = x;
    }
    y
}

/// From the sums of a unit's gates to their activations, in place: `i, f, g, o`, or `z, r, n` and the
/// candidate's recurrent part, or the state. [`reset`] has done part of it for `GruResetBefore`.
#[cube]
pub(super) fn activate(z: &mut Array<f32>, #[comptime] kind: Kind) {
    if comptime!(kind == Kind::Lstm) {
        z[0] = sigmoid(z[0]);
        z[1] = sigmoid(z[1]);
        z[2] = tanh(z[2]);
        z[3] = sigmoid(z[3]);
    } else if comptime!(kind == Kind::Gru) {
        z[0] = sigmoid(z[0]);
        z[1] = sigmoid(z[1]);
        z[2] = tanh(z[2] + z[1] * z[3]);
    } else if comptime!(kind == Kind::GruResetBefore) {
        z[2] = tanh(z[2]);
    } else {
        z[0] = tanh(z[0]);
    }
}

/// The gates `z` and `r` of `GruResetBefore`, in place.
#[cube]
pub(super) fn reset(z: &mut Array<f32>) {
    z[0] = sigmoid(z[0]);
    z[1] = sigmoid(z[1]);
}

/// The new cell state `f·c + i·g`; `c` for cells without one.
#[cube]
pub(super) fn next_c(z: &Array<f32>, c: f32, #[comptime] kind: Kind) -> f32 {
    if comptime!(kind == Kind::Lstm) {
        z[1] * c + z[0] * z[2]
    } else {
        c
    }
}

/// The new state, from the activations, the state before and the new cell state.
#[cube]
pub(super) fn next_h(z: &Array<f32>, h: f32, c: f32, #[comptime] kind: Kind) -> f32 {
    if comptime!(kind == Kind::Lstm) {
        z[3] * tanh(c)
    } else if comptime!(kind == Kind::SimpleRnn) {
        z[0]
    } else {
        z[0] * (h - z[2]) + z[2]
    }
}

/// The gradients of the sums, from the activations `z`, the states before the step, and the gradients of
/// those after it. A fourth value of `Gru` is that of the candidate's recurrent part; the reset gate's of
/// `GruResetBefore` comes later.
#[cube]
pub(super) fn sum_gradients(
    z: &Array<f32>,
    d: &mut Array<f32>,
    h: f32,
    c: f32,
    dh: f32,
    dc: f32,
    #[comptime] kind: Kind,
) {
    if comptime!(kind == Kind::Lstm) {
        d[0] = dc * z[2] * z[0] * (1.0 - z[0]);
        d[1] = dc * c * z[1] * (1.0 - z[1]);
        d[2] = dc * z[0] * (1.0 - z[2] * z[2]);
        d[3] = dh * tanh(next_c(z, c, kind)) * z[3] * (1.0 - z[3]);
    } else if comptime!(kind == Kind::SimpleRnn) {
        d[0] = dh * (1.0 - z[0] * z[0]);
    } else {
        d[0] = dh * (h - z[2]) * z[0] * (1.0 - z[0]);
        d[2] = dh * (1.0 - z[0]) * (1.0 - z[2] * z[2]);
        if comptime!(kind == Kind::Gru) {
            d[1] = d[2] * z[3] * z[1] * (1.0 - z[1]);
            d[3] = d[2] * z[1];
        }
    }
}

/// The whole gradient of the cell state after a step, from what came for it and for the state.
#[cube]
pub(super) fn cell_gradient(
    z: &Array<f32>,
    c: f32,
    dh: f32,
    dc: f32,
    #[comptime] kind: Kind,
) -> f32 {
    if comptime!(kind == Kind::Lstm) {
        let t = tanh(next_c(z, c, kind));
        dc + dh * z[3] * (1.0 - t * t)
    } else {
        dc
    }
}

/// The part of the gradient of the state before a step that comes past the products.
#[cube]
pub(super) fn passed_h(z: &Array<f32>, dh: f32, #[comptime] kind: Kind) -> f32 {
    if comptime!(kind == Kind::Gru || kind == Kind::GruResetBefore) {
        dh * z[0]
    } else {
        f32::new(0.0)
    }
}

/// The gradient of the cell state before a step.
#[cube]
pub(super) fn passed_c(z: &Array<f32>, dc: f32, #[comptime] kind: Kind) -> f32 {
    if comptime!(kind == Kind::Lstm) {
        dc * z[1]
    } else {
        dc
    }
}

/// Where a unit's gate is in a buffer of sums.
#[cube]
pub(super) fn gate_at(
    row: usize,
    rows: usize,
    #[comptime] gate: usize,
    unit: usize,
    #[comptime] plan: Plan,
) -> usize {
    let units = comptime!(plan.units);
    let gates = comptime!(plan.gates());
    if comptime!(plan.apart) {
        (gate * rows + row) * units + unit
    } else {
        (row * gates + gate) * units + unit
    }
}

/// Where the mask begins in the extras: after the initial states.
#[cube]
fn mask_at(batch: usize, #[comptime] plan: Plan) -> usize {
    let states = comptime!(usize::from(plan.h) + usize::from(plan.c));
    batch * comptime!(states * plan.units)
}

/// Whether the mask skips a row's step.
#[cube]
pub(super) fn skips(extras: &[f32], batch: usize, place: usize, #[comptime] plan: Plan) -> bool {
    let mut skipped = false;
    if comptime!(plan.mask) {
        skipped = extras[mask_at(batch, plan) + place] == 0.0;
    }
    skipped
}

/// Where the factors of a gate begin in the extras, for a row.
#[cube]
pub(super) fn factors_at(
    batch: usize,
    steps: usize,
    row: usize,
    #[comptime] gate: usize,
    #[comptime] plan: Plan,
) -> usize {
    let mut at = mask_at(batch, plan);
    if comptime!(plan.mask) {
        at += batch * steps;
    }
    at + (gate * batch + row) * comptime!(plan.units)
}

/// The factor for a unit's state in a gate's product.
#[cube]
pub(super) fn factor(
    extras: &[f32],
    batch: usize,
    steps: usize,
    row: usize,
    unit: usize,
    #[comptime] gate: usize,
    #[comptime] plan: Plan,
) -> f32 {
    if comptime!(plan.state_dropout) {
        extras[factors_at(batch, steps, row, gate, plan) + unit]
    } else {
        f32::new(1.0)
    }
}

/// The initial state `h` (`which` 0) or `c` (1).
#[cube]
pub(super) fn initial(
    extras: &[f32],
    batch: usize,
    at: usize,
    #[comptime] which: usize,
    #[comptime] plan: Plan,
) -> f32 {
    if comptime!(which == 0 && plan.h) {
        extras[at]
    } else if comptime!(which == 1 && plan.c) {
        extras[batch * comptime!(usize::from(plan.h) * plan.units) + at]
    } else {
        f32::new(0.0)
    }
}

/// The input's part of a unit's sums, with the biases; the recurrent bias of `Gru`'s candidate is in the
/// fourth.
#[cube]
pub(super) fn input_sums(
    z: &mut Array<f32>,
    sums: &[f32],
    bias: &[f32],
    place: usize,
    rows: usize,
    unit: usize,
    #[comptime] plan: Plan,
) {
    let units = comptime!(plan.units);
    let gates = comptime!(plan.gates());
    #[unroll]
    for gate in 0..gates {
        z[gate] = sums[gate_at(place, rows, gate, unit, plan)];
        if comptime!(plan.bias) {
            z[gate] += bias[gate * units + unit];
        }
    }
    if comptime!(plan.kind == Kind::Gru) {
        z[3] = f32::new(0.0);
        if comptime!(plan.bias) {
            let second = comptime!(gates * units);
            z[0] += bias[second + unit];
            z[1] += bias[second + units + unit];
            z[3] += bias[second + 2 * units + unit];
        }
    }
}

/// Which of a unit's values a gate's recurrent product belongs to.
pub(super) fn recurrent_slot(kind: Kind, gate: usize) -> usize {
    match (kind, gate) {
        (Kind::Gru, 2) => 3,
        (_, gate) => gate,
    }
}

/// Where a step is in the input's time.
#[cube]
pub(super) fn time_of(step: usize, steps: usize, #[comptime] plan: Plan) -> usize {
    if comptime!(plan.reverse) {
        steps - 1 - step
    } else {
        step
    }
}

/// Where a step's output is in the result, or its gradient in the result's, for a row and unit.
#[cube]
pub(super) fn output_at(
    row: usize,
    step: usize,
    steps: usize,
    unit: usize,
    #[comptime] plan: Plan,
) -> usize {
    let units = comptime!(plan.units);
    if comptime!(plan.sequence) {
        let time = if comptime!(plan.reverse && plan.restore_order) {
            steps - 1 - step
        } else {
            step
        };
        (row * steps + time) * units + unit
    } else {
        row * units + unit
    }
}

/// Where the final state `h` (`which` 0) or `c` (1) begins in the result.
#[cube]
pub(super) fn final_at(
    batch: usize,
    steps: usize,
    #[comptime] which: usize,
    #[comptime] plan: Plan,
) -> usize {
    let state = batch * comptime!(plan.units);
    let outputs = if comptime!(plan.sequence) {
        state * steps
    } else {
        state
    };
    outputs + state * which
}
