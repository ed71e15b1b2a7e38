//! The forward pass over a whole sequence in one launch: a cube a row of the batch, a thread a unit.

use super::cell::{
    activate, factor, final_at, gate_at, initial, input_sums, next_c, next_h, output_at,
    recurrent_slot, reset, skips, time_of,
};
use super::plan::Plan;
use crate::kernel::Kind;
use burn_cubecl::cubecl::{self, prelude::*};

/// Adds the products of a row's states, `[units]` from `at` in `states`, with the weights of the gates
/// from `first` to before `end`, for a unit.
#[cube]
fn add_products(
    z: &mut Array<f32>,
    states: &Shared<[f32]>,
    at: usize,
    recurrent: &[f32],
    extras: &[f32],
    batch: usize,
    steps: usize,
    row: usize,
    unit: usize,
    #[comptime] first: usize,
    #[comptime] end: usize,
    #[comptime] dropped: bool,
    #[comptime] plan: Plan,
) {
    let units = comptime!(plan.units);
    let width = comptime!(plan.units * plan.gates());
    for k in 0..units {
        let h = states[at + k];
        #[unroll]
        for gate in first..end {
            let slot = comptime!(recurrent_slot(plan.kind, gate));
            let weight = recurrent[k * width + gate * units + unit];
            if comptime!(plan.state_dropout && dropped) {
                z[slot] += h * factor(extras, batch, steps, row, k, gate, plan) * weight;
            } else {
                z[slot] += h * weight;
            }
        }
    }
}

/// * `sums`: the products of the input, without bias
/// * `recurrent` `[units, gates * units]`, `bias` `[rows, gates * units]`
/// * `extras`: the initial states, the mask and the factors for the states, as many as there are
/// * `out`: the result
/// * `saved`: what [`SavedParts`](super::plan::SavedParts) says, with `hidden` and `second`
#[cube(launch_unchecked)]
pub(super) fn forward(
    sums: &[f32],
    recurrent: &[f32],
    bias: &[f32],
    extras: &[f32],
    out: &mut [f32],
    saved: &mut [f32],
    batch: u32,
    steps: u32,
    hidden: u32,
    second: u32,
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
    // The states before a step in one half, those after it in the other.
    let mut states = Shared::<[f32]>::new_slice(comptime!(2 * units));
    let mut reset_states =
        Shared::<[f32]>::new_slice(comptime!(if reset_before { units } else { 1 }));
    let mut z = Array::<f32>::new(4usize);
    let mut h = f32::new(0.0);
    let mut c = f32::new(0.0);
    if active {
        h = initial(extras, batch, row * units + unit, 0usize, plan);
        c = initial(extras, batch, row * units + unit, 1usize, plan);
        states[unit] = h;
    }
    sync_cube();
    for step in 0..steps {
        let now = (step % 2) * units;
        let next = units - now;
        let place = row * steps + time_of(step, steps, plan);
        let skipped = skips(extras, batch, place, plan);
        let at = place * units + unit;
        if active {
            if comptime!(plan.save) {
                saved[hidden + at] = h;
                if comptime!(kind == Kind::Lstm) {
                    saved[second + at] = c;
                }
            }
            if !skipped {
                input_sums(&mut z, sums, bias, place, rows, unit, plan);
                add_products(
                    &mut z,
                    &states,
                    now,
                    recurrent,
                    extras,
                    batch,
                    steps,
                    row,
                    unit,
                    0usize,
                    comptime!(plan.first_gates()),
                    true,
                    plan,
                );
            }
        }
        if reset_before {
            if active {
                let mut state = f32::new(0.0);
                if !skipped {
                    reset(&mut z);
                    state = z[1] * h * factor(extras, batch, steps, row, unit, 2usize, plan);
                }
                reset_states[unit] = state;
                if comptime!(plan.save) {
                    saved[second + at] = state;
                }
            }
            sync_cube();
            if active && !skipped {
                add_products(
                    &mut z,
                    &reset_states,
                    0usize,
                    recurrent,
                    extras,
                    batch,
                    steps,
                    row,
                    unit,
                    2usize,
                    3usize,
                    false,
                    plan,
                );
            }
        }
        if active {
            let mut output = h;
            if !skipped {
                activate(&mut z, kind);
                c = next_c(&z, c, kind);
                h = next_h(&z, h, c, kind);
                output = h;
                if comptime!(plan.save) {
                    save(&z, saved, place, rows, unit, second, plan);
                }
            } else if comptime!(plan.zero_output) {
                output = f32::new(0.0);
            }
            states[next + unit] = h;
            if comptime!(plan.sequence) {
                out[output_at(row, step, steps, unit, plan)] = output;
            } else if step == steps - 1 {
                out[output_at(row, step, steps, unit, plan)] = output;
            }
        }
        sync_cube();
    }
    if comptime!(plan.states) {
        if active {
            out[final_at(batch, steps, 0usize, plan) + row * units + unit] = h;
            if comptime!(kind == Kind::Lstm) {
                out[final_at(batch, steps, 1usize, plan) + row * units + unit] = c;
            }
        }
    }
}

/// Keeps a unit's activations.
#[cube]
pub(super) fn save(
    z: &Array<f32>,
    saved: &mut [f32],
    place: usize,
    rows: usize,
    unit: usize,
    second: usize,
    #[comptime] plan: Plan,
) {
    #[unroll]
    for gate in 0..comptime!(plan.gates()) {
        saved[gate_at(place, rows, gate, unit, plan)] = z[gate];
    }
    if comptime!(plan.kind == Kind::Gru) {
        saved[second + place * comptime!(plan.units) + unit] = z[3];
    }
}
