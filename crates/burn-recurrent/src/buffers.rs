//! How large the buffers are that a call on a GPU allocates.

use crate::kernel::Kind;

/// Elements that a part of a shared buffer begins at a multiple of: 1 KiB, which all runtimes can bind.
pub(crate) const ALIGNMENT: usize = 256;

/// A length up to the next place where a part can begin.
pub(crate) fn aligned(len: usize) -> usize {
    match len % ALIGNMENT {
        0 => len,
        over => len.saturating_add(ALIGNMENT - over),
    }
}

/// Where the parts of what the forward pass saves begin; the activations are at 0.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "cube"), allow(dead_code))]
pub(crate) struct SavedParts {
    /// The states before each step, `[batch, timesteps, units]`.
    pub(crate) hidden: usize,
    /// The second value, if any, of the same shape.
    pub(crate) second: usize,
    pub(crate) len: usize,
}

impl SavedParts {
    pub(crate) fn new(kind: Kind, units: usize, rows: usize) -> Self {
        let state = rows.saturating_mul(units);
        let hidden = aligned(kind.gates().saturating_mul(state));
        let second = hidden.saturating_add(aligned(state));
        let has_second = kind != Kind::SimpleRnn;
        let last = if has_second { aligned(state) } else { 0 };
        Self {
            hidden,
            second,
            len: second.saturating_add(last),
        }
    }
}

/// Where the parts of the backward pass' result begin; the gradients of the input's sums are at 0.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "cube"), allow(dead_code))]
pub(crate) struct GradientParts {
    /// The gradients of the recurrent sums: at 0 as well, where they are the same.
    pub(crate) recurrent: usize,
    pub(crate) h: usize,
    pub(crate) c: usize,
    pub(crate) len: usize,
}

impl GradientParts {
    pub(crate) fn of(kind: Kind, units: usize, batch: usize, steps: usize) -> Self {
        let rows = batch.saturating_mul(steps);
        let sums = aligned(kind.gates().saturating_mul(rows).saturating_mul(units));
        let state = aligned(batch.saturating_mul(units));
        let recurrent = if recurrent_apart(kind) { sums } else { 0 };
        let h = recurrent.saturating_add(sums);
        let c = h.saturating_add(state);
        let len = match kind.has_cell_state() {
            true => c.saturating_add(state),
            false => c,
        };
        Self {
            recurrent,
            h,
            c,
            len,
        }
    }
}

/// The length of what goes from step to step where each has a launch: four states, and what the products read of
/// each gate.
pub(crate) fn step_len(kind: Kind, units: usize, batch: usize) -> usize {
    let state = batch.saturating_mul(units);
    let fed = aligned(kind.gates().saturating_mul(state));
    aligned(state).saturating_mul(4).saturating_add(fed)
}

/// Whether the recurrent products' gradients differ from the input products'.
pub(crate) fn recurrent_apart(kind: Kind) -> bool {
    kind == Kind::Gru
}

/// The elements of the largest buffer that a call on a GPU allocates, besides its arguments: for `x` `[batch,
/// timesteps, features]` and so many `units`, in `training` with what the way back needs.
///
/// `gate_masks` says whether dropout gives each gate masks of its own (`input_dropout` `[gates, batch,
/// features]`, or any `recurrent_dropout`). Nothing is asked of a device; numbers too large to be counted
/// come out as `usize::MAX`.
///
/// ```
/// use burn_recurrent::{Kind, largest_buffer};
///
/// // The gates of all steps, then for the way back the states and cell states beside them.
/// assert_eq!(largest_buffer(Kind::Lstm, [32, 100, 16], 64, false, false), 32 * 100 * 4 * 64);
/// assert_eq!(largest_buffer(Kind::Lstm, [32, 100, 16], 64, true, false), 32 * 100 * 6 * 64);
/// ```
pub fn largest_buffer(
    kind: Kind,
    [batch, timesteps, features]: [usize; 3],
    units: usize,
    training: bool,
    gate_masks: bool,
) -> usize {
    let rows = batch.saturating_mul(timesteps);
    let gates = kind.gates();
    let sums = gates.saturating_mul(rows).saturating_mul(units);
    // The result, a step's output each and the final states behind them.
    let states = 1 + usize::from(kind.has_cell_state());
    let result = timesteps
        .saturating_add(states)
        .saturating_mul(batch)
        .saturating_mul(units);
    // Where gates are apart, each has its dropped input, and its gradient of the input.
    let of_gates = match gate_masks || (training && kind == Kind::GruResetBefore) {
        true => gates,
        false => 1,
    };
    let inputs = of_gates.saturating_mul(rows).saturating_mul(features);
    // The initial states, the dropped states of each gate and the mask are joined in one.
    let state = batch.saturating_mul(units);
    let extras = (2 + gates).saturating_mul(state).saturating_add(rows);
    let between = step_len(kind, units, batch);
    let largest = sums.max(result).max(inputs).max(extras).max(between);
    if !training {
        return largest;
    }
    let saved = SavedParts::new(kind, units, rows).len;
    let gradients = GradientParts::of(kind, units, batch, timesteps).len;
    largest.max(saved).max(gradients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_training_keeps_counts_as_one_buffer() {
        // Steps times units is a multiple of the alignment; states of a batch are less than a step's.
        let at = |kind, training| largest_buffer(kind, [1, 1024, 1], 256, training, false) / 1024;
        for (kind, forward, training) in [
            (Kind::Lstm, 4, 6),
            (Kind::Gru, 3, 6),
            (Kind::GruResetBefore, 3, 5),
            (Kind::SimpleRnn, 1, 2),
        ] {
            assert_eq!(at(kind, false) / 256, forward, "{kind:?}");
            assert_eq!(at(kind, true) / 256, training, "{kind:?}");
        }
    }

    #[test]
    fn what_goes_from_step_to_step_counts_where_steps_are_few() {
        for (kind, values) in [
            (Kind::Lstm, 8),
            (Kind::Gru, 7),
            (Kind::GruResetBefore, 7),
            (Kind::SimpleRnn, 5),
        ] {
            let most = largest_buffer(kind, [256, 1, 1], 300, false, false);
            assert_eq!(most, values * 256 * 300, "{kind:?}");
        }
    }

    #[test]
    fn the_input_of_each_gate_counts_where_masks_differ() {
        let wide = [2, 10, 1000];
        assert_eq!(
            largest_buffer(Kind::Lstm, wide, 4, true, true),
            4 * 20 * 1000
        );
        assert_eq!(largest_buffer(Kind::Lstm, wide, 4, true, false), 20 * 1000);
        assert_eq!(
            largest_buffer(Kind::GruResetBefore, wide, 4, true, false),
            3 * 20 * 1000
        );
    }

    #[test]
    fn sizes_that_cannot_be_counted_do_not_wrap() {
        let all = [usize::MAX, 2, 1];
        assert_eq!(largest_buffer(Kind::Lstm, all, 1, true, true), usize::MAX);
    }
}
