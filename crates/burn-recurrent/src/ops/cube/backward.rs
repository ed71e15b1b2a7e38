//! The backward pass over a whole sequence in one launch: a cube a row of the batch, a thread a unit.

use super::cell::{
    cell_gradient, factor, final_at, gate_at, output_at, passed_c, passed_h, recurrent_slot, skips,
    sum_gradients, time_of,
};
use super::plan::Plan;
use crate::kernel::Kind;
use burn_cubecl::cubecl::{self, prelude::*};

/// The gradient that comes to a unit's state through the recurrent products of the gates from `first` to
/// before `end`: from the gradients of a row's sums, `[gates, units]` in `d`, and the transposed weights.
#[cube]
fn through_products(
    d: &Shared<[f32]>,
    transposed: &[f32],
    extras: &[f32],
    batch: usize,
    steps: usize,
    row: usize,
    unit: usize,
    #[comptime] first: usize,
    #[comptime] end: usize,
    #[comptime] plan: Plan,
) -> f32 {
    let units = comptime!(plan.units);
    let mut sum = f32::new(0.0);
    #[unroll]
    for gate in first..end {
        let from = comptime!(gate * units);
        let mut part = f32::new(0.0);
        for k in 0..units {
            part += d[from + k] * transposed[(from + k) * units + unit];
        }
        sum += part * factor(extras, batch, steps, row, unit, gate, plan);
    }
    sum
}

/// * `saved`: what the forward pass kept, with `hidden` and `second`
/// * `transposed`: the recurrent weights `[gates * units, units]`
/// * `extras`: as in the forward pass
/// * `given`: the result's gradient
/// * `gradients`: what [`GradientParts`](super::plan::GradientParts) says, with `recurrent_at`, `h_at`, `c_at`
#[cube(launch_unchecked)]
pub(super) fn backward(
    saved: &[f32],
    transposed: &[f32],
    extras: &[f32],
    given: &[f32],
    gradients: &mut [f32],
    batch: u32,
    steps: u32,
    hidden: u32,
    second: u32,
    recurrent_at: u32,
    h_at: u32,
    c_at: u32,
    #[comptime] plan: Plan,
) {
    let units = comptime!(plan.units);
    let kind = comptime!(plan.kind);
    let reset_before = comptime!(kind == Kind::GruResetBefore);
    let batch = batch as usize;
    let steps = steps as usize;
    let hidden = hidden as usize;
    let second = second as usize;
    let rows = batch * steps;
    let row = CUBE_POS as usize;
    let unit = UNIT_POS as usize;
    if row >= batch {
        terminate!();
    }
    let active = unit < units;
    let mut shared = Shared::<[f32]>::new_slice(comptime!(plan.gates() * units));
    let mut z = Array::<f32>::new(4usize);
    let mut d = Array::<f32>::new(4usize);
    let mut dh = f32::new(0.0);
    let mut dc = f32::new(0.0);
    if comptime!(plan.states) {
        if active {
            dh = given[final_at(batch, steps, 0usize, plan) + row * units + unit];
            if comptime!(kind == Kind::Lstm) {
                dc = given[final_at(batch, steps, 1usize, plan) + row * units + unit];
            }
        }
    }
    for back in 0..steps {
        let step = steps - 1 - back;
        let place = row * steps + time_of(step, steps, plan);
        let skipped = skips(extras, batch, place, plan);
        let at = place * units + unit;
        if active {
            dh += output_gradient(given, row, step, steps, unit, skipped, plan);
            if skipped {
                #[unroll]
                for i in 0..4usize {
                    d[i] = f32::new(0.0);
                }
            } else {
                load(&mut z, saved, place, rows, unit, second, plan);
                let h = saved[hidden + at];
                let mut c = f32::new(0.0);
                if comptime!(kind == Kind::Lstm) {
                    c = saved[second + at];
                }
                dc = cell_gradient(&z, c, dh, dc, kind);
                sum_gradients(&z, &mut d, h, c, dh, dc, kind);
                dh = passed_h(&z, dh, kind);
                dc = passed_c(&z, dc, kind);
            }
            #[unroll]
            for gate in 0..comptime!(plan.gates()) {
                let slot = comptime!(recurrent_slot(kind, gate));
                shared[gate * units + unit] = d[slot];
            }
        }
        sync_cube();
        if reset_before {
            if active && !skipped {
                let through = through_products(
                    &shared, transposed, extras, batch, steps, row, unit, 2usize, 3usize, plan,
                );
                let h = saved[hidden + at];
                d[1] = through * h * z[1] * (1.0 - z[1]);
                dh += through * z[1];
                shared[units + unit] = d[1];
            }
            sync_cube();
        }
        if active {
            store(
                &d,
                gradients,
                place,
                rows,
                unit,
                recurrent_at as usize,
                plan,
            );
            if !skipped {
                dh += through_products(
                    &shared,
                    transposed,
                    extras,
                    batch,
                    steps,
                    row,
                    unit,
                    0usize,
                    comptime!(plan.first_gates()),
                    plan,
                );
            }
        }
        sync_cube();
    }
    if active {
        gradients[h_at as usize + row * units + unit] = dh;
        if comptime!(kind == Kind::Lstm) {
            gradients[c_at as usize + row * units + unit] = dc;
        }
    }
}

/// The gradient of a step's output, as far as it is the state's.
#[cube]
pub(super) fn output_gradient(
    given: &[f32],
    row: usize,
    step: usize,
    steps: usize,
    unit: usize,
    skipped: bool,
    #[comptime] plan: Plan,
) -> f32 {
    let mut dy = f32::new(0.0);
    let mut counts = true;
    if comptime!(!plan.sequence) {
        counts = step == steps - 1;
    }
    if comptime!(plan.zero_output) {
        counts = counts && !skipped;
    }
    if counts {
        dy = given[output_at(row, step, steps, unit, plan)];
    }
    dy
}

/// Reads a unit's activations back.
#[cube]
pub(super) fn load(
    z: &mut Array<f32>,
    saved: &[f32],
    place: usize,
    rows: usize,
    unit: usize,
    second: usize,
    #[comptime] plan: Plan,
) {
    #[unroll]
    for gate in 0..comptime!(plan.gates()) {
        z[gate] = saved[gate_at(place, rows, gate, unit, plan)];
    }
    if comptime!(plan.kind == Kind::Gru) {
        z[3] = saved[second + place * comptime!(plan.units) + unit];
    }
}

/// Writes the gradients of a unit's sums, for the products over all steps.
#[cube]
pub(super) fn store(
    d: &Array<f32>,
    gradients: &mut [f32],
    place: usize,
    rows: usize,
    unit: usize,
    recurrent_at: usize,
    #[comptime] plan: Plan,
) {
    #[unroll]
    for gate in 0..comptime!(plan.gates()) {
        let at = gate_at(place, rows, gate, unit, plan);
        gradients[at] = d[gate];
        if comptime!(plan.recurrent_apart()) {
            let slot = comptime!(recurrent_slot(plan.kind, gate));
            gradients[recurrent_at + at] = d[slot];
        }
    }
}
