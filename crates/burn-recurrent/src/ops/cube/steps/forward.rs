//! The cells of one step forward, a thread for each unit of each row.

use super::super::cell::{
    activate, factor, final_at, gate_at, initial, input_sums, next_c, next_h, output_at,
    recurrent_slot, reset, skips, time_of,
};
use super::super::forward::save;
use super::super::plan::Plan;
use crate::kernel::Kind;
use burn_cubecl::cubecl::{self, prelude::*};

/// The states before the first step, as the first product reads them.
#[cube(launch_unchecked)]
pub(super) fn begin(
    extras: &[f32],
    state: &mut [f32],
    batch: u32,
    steps: u32,
    state_second: u32,
    fed_at: u32,
    #[comptime] plan: Plan,
) {
    let units = comptime!(plan.units);
    let batch = batch as usize;
    let at = ABSOLUTE_POS;
    if at >= batch * units {
        terminate!();
    }
    let h = initial(extras, batch, at, 0usize, plan);
    state[at] = h;
    if comptime!(plan.kind == Kind::Lstm) {
        state[state_second as usize + at] = initial(extras, batch, at, 1usize, plan);
    }
    feed(
        state,
        extras,
        h,
        batch,
        steps as usize,
        at / units,
        at % units,
        fed_at as usize,
        plan,
    );
}

/// The dropped states that the next step's products read.
#[cube]
fn feed(
    state: &mut [f32],
    extras: &[f32],
    h: f32,
    batch: usize,
    steps: usize,
    row: usize,
    unit: usize,
    fed_at: usize,
    #[comptime] plan: Plan,
) {
    if comptime!(plan.state_dropout) {
        #[unroll]
        for gate in 0..comptime!(plan.first_gates()) {
            state[fed_at + gate_at(row, batch, gate, unit, plan)] =
                h * factor(extras, batch, steps, row, unit, gate, plan);
        }
    }
}

/// `products`: of the states with the recurrent weights, of this stage's gates. `state`: what
/// [`StepParts`](super::StepParts) says. The rest is as in the persistent kernel. Stage 1 is the
/// candidate of `GruResetBefore`, stage 0 everything else.
#[cube(launch_unchecked)]
pub(super) fn step(
    sums: &[f32],
    products: &[f32],
    bias: &[f32],
    extras: &[f32],
    out: &mut [f32],
    saved: &mut [f32],
    state: &mut [f32],
    batch: u32,
    steps: u32,
    step: u32,
    hidden: u32,
    second: u32,
    state_second: u32,
    reset_at: u32,
    fed_at: u32,
    #[comptime] stage: usize,
    #[comptime] plan: Plan,
) {
    let units = comptime!(plan.units);
    let kind = comptime!(plan.kind);
    let batch = batch as usize;
    let steps = steps as usize;
    let step = step as usize;
    let second = second as usize;
    let state_second = state_second as usize;
    let at = ABSOLUTE_POS;
    if at >= batch * units {
        terminate!();
    }
    let row = at / units;
    let unit = at % units;
    let rows = batch * steps;
    let place = row * steps + time_of(step, steps, plan);
    let skipped = skips(extras, batch, place, plan);
    let saved_at = place * units + unit;
    let mut z = Array::<f32>::new(4usize);
    let mut h = state[at];
    let mut c = f32::new(0.0);
    if !skipped {
        input_sums(&mut z, sums, bias, place, rows, unit, plan);
    }
    if comptime!(stage == 0) {
        if !skipped {
            #[unroll]
            for gate in 0..comptime!(plan.first_gates()) {
                let slot = comptime!(recurrent_slot(kind, gate));
                z[slot] += products[gate_at(row, batch, gate, unit, plan)];
            }
        }
        if comptime!(plan.save) {
            saved[hidden as usize + saved_at] = h;
        }
    }
    if comptime!(kind == Kind::GruResetBefore && stage == 0) {
        let mut reset_state = f32::new(0.0);
        if !skipped {
            reset(&mut z);
            reset_state = z[1] * h * factor(extras, batch, steps, row, unit, 2usize, plan);
            state[state_second + at] = z[0];
            if comptime!(plan.save) {
                saved[gate_at(place, rows, 0usize, unit, plan)] = z[0];
                saved[gate_at(place, rows, 1usize, unit, plan)] = z[1];
            }
        }
        state[reset_at as usize + at] = reset_state;
        if comptime!(plan.save) {
            saved[second + saved_at] = reset_state;
        }
    } else {
        if comptime!(kind == Kind::Lstm) {
            c = state[state_second + at];
            if comptime!(plan.save) {
                saved[second + saved_at] = c;
            }
        }
        let mut output = h;
        if !skipped {
            if comptime!(kind == Kind::GruResetBefore) {
                z[0] = state[state_second + at];
                z[2] += products[at];
            }
            activate(&mut z, kind);
            c = next_c(&z, c, kind);
            h = next_h(&z, h, c, kind);
            output = h;
            if comptime!(plan.save) {
                if comptime!(kind == Kind::GruResetBefore) {
                    saved[gate_at(place, rows, 2usize, unit, plan)] = z[2];
                } else {
                    save(&z, saved, place, rows, unit, second, plan);
                }
            }
            state[at] = h;
            if comptime!(kind == Kind::Lstm) {
                state[state_second + at] = c;
            }
        } else if comptime!(plan.zero_output) {
            output = f32::new(0.0);
        }
        feed(
            state,
            extras,
            h,
            batch,
            steps,
            row,
            unit,
            fed_at as usize,
            plan,
        );
        let last = step == steps - 1;
        if comptime!(plan.sequence) {
            out[output_at(row, step, steps, unit, plan)] = output;
        } else if last {
            out[output_at(row, step, steps, unit, plan)] = output;
        }
        if comptime!(plan.states) {
            if last {
                out[final_at(batch, steps, 0usize, plan) + at] = h;
                if comptime!(kind == Kind::Lstm) {
                    out[final_at(batch, steps, 1usize, plan) + at] = c;
                }
            }
        }
    }
}
