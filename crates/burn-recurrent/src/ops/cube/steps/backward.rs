//! The cells of one step backward, a thread for each unit of each row.

use super::super::backward::{load, output_gradient, store};
use super::super::cell::{
    cell_gradient, factor, final_at, gate_at, passed_c, passed_h, recurrent_slot, skips,
    sum_gradients, time_of,
};
use super::super::plan::Plan;
use crate::kernel::Kind;
use burn_cubecl::cubecl::{self, prelude::*};

/// The gradient that came to a unit's state from the step after, by its products.
#[cube]
fn through_products(
    products: &[f32],
    extras: &[f32],
    batch: usize,
    steps: usize,
    row: usize,
    unit: usize,
    #[comptime] plan: Plan,
) -> f32 {
    let units = comptime!(plan.units);
    let mut sum = f32::new(0.0);
    if comptime!(plan.apart) {
        #[unroll]
        for gate in 0..comptime!(plan.first_gates()) {
            sum += products[gate_at(row, batch, gate, unit, plan)]
                * factor(extras, batch, steps, row, unit, gate, plan);
        }
    } else {
        sum = products[row * units + unit];
    }
    sum
}

/// `products`: of the gradients of the sums with the transposed recurrent weights, from the step after
/// (stage 0 and 2), or of the candidate of this step (stage 1). `state`: the gradients of the states, in
/// what [`StepParts`](super::StepParts) says. The rest is as in the persistent kernel. Stage 1 is the
/// reset gate of `GruResetBefore`; stage 2 writes the gradients of the initial states.
#[cube(launch_unchecked)]
pub(super) fn step(
    saved: &[f32],
    given: &[f32],
    extras: &[f32],
    products: &[f32],
    gradients: &mut [f32],
    state: &mut [f32],
    batch: u32,
    steps: u32,
    step: u32,
    hidden: u32,
    second: u32,
    recurrent_at: u32,
    h_at: u32,
    c_at: u32,
    state_second: u32,
    fed_at: u32,
    last_at: u32,
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
    let fed_at = fed_at as usize;
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
    let mut d = Array::<f32>::new(4usize);
    if comptime!(stage == 0) {
        let mut dh = f32::new(0.0);
        let mut dc = f32::new(0.0);
        if step == steps - 1 {
            if comptime!(plan.states) {
                dh = given[final_at(batch, steps, 0usize, plan) + at];
                if comptime!(kind == Kind::Lstm) {
                    dc = given[final_at(batch, steps, 1usize, plan) + at];
                }
            }
        } else {
            dh = state[at] + through_products(products, extras, batch, steps, row, unit, plan);
            if comptime!(kind == Kind::Lstm) {
                dc = state[state_second + at];
            }
        }
        dh += output_gradient(given, row, step, steps, unit, skipped, plan);
        if skipped {
            #[unroll]
            for i in 0..4usize {
                d[i] = f32::new(0.0);
            }
        } else {
            load(&mut z, saved, place, rows, unit, second, plan);
            let h = saved[hidden as usize + saved_at];
            let mut c = f32::new(0.0);
            if comptime!(kind == Kind::Lstm) {
                c = saved[second + saved_at];
            }
            dc = cell_gradient(&z, c, dh, dc, kind);
            sum_gradients(&z, &mut d, h, c, dh, dc, kind);
            dh = passed_h(&z, dh, kind);
            dc = passed_c(&z, dc, kind);
        }
        store(
            &d,
            gradients,
            place,
            rows,
            unit,
            recurrent_at as usize,
            plan,
        );
        #[unroll]
        for gate in 0..comptime!(plan.first_gates()) {
            let slot = comptime!(recurrent_slot(kind, gate));
            state[fed_at + gate_at(row, batch, gate, unit, plan)] = d[slot];
        }
        if comptime!(kind == Kind::GruResetBefore) {
            state[last_at as usize + at] = d[2];
        }
        state[at] = dh;
        if comptime!(kind == Kind::Lstm) {
            state[state_second + at] = dc;
        }
    } else if comptime!(stage == 1) {
        let mut through = f32::new(0.0);
        if !skipped {
            let r = saved[gate_at(place, rows, 1usize, unit, plan)];
            let h = saved[hidden as usize + saved_at];
            through = products[at] * factor(extras, batch, steps, row, unit, 2usize, plan);
            state[at] += through * r;
            through = through * h * r * (1.0 - r);
        }
        gradients[gate_at(place, rows, 1usize, unit, plan)] = through;
        state[fed_at + gate_at(row, batch, 1usize, unit, plan)] = through;
    } else {
        gradients[h_at as usize + at] =
            state[at] + through_products(products, extras, batch, steps, row, unit, plan);
        if comptime!(kind == Kind::Lstm) {
            gradients[c_at as usize + at] = state[state_second + at];
        }
    }
}
