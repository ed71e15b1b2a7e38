//! The states and working memory of one user of a packed layer.

use super::{Float, check_len};
use crate::error::Result;
use crate::kernel::Shared;
use crate::kernel::forward::{Memory, Weights};
use crate::workspace::Buffer;

/// The states of some sequences that go on from call to call, and the memory to compute the next ones.
/// Made by [`PackedLayer::state`](super::PackedLayer::state); begins with zeros.
#[derive(Debug)]
pub struct PackedState<E: Float> {
    pub(super) batch: usize,
    pub(super) units: usize,
    pub(super) padded: usize,
    /// Two slots of `[batch, padded]`; between calls the states are in the first.
    h: Buffer<E>,
    c: Option<Buffer<E>>,
    rh: Option<Buffer<E>>,
    z: Buffer<E>,
}

impl<E: Float> PackedState<E> {
    pub(super) fn new(
        [batch, units, padded]: [usize; 3],
        wide: usize,
        has_cell_state: bool,
        has_reset_state: bool,
    ) -> Self {
        let rows = batch * padded;
        Self {
            batch,
            units,
            padded,
            h: Buffer::zeroed(2 * rows),
            c: has_cell_state.then(|| Buffer::zeroed(2 * rows)),
            rh: has_reset_state.then(|| Buffer::zeroed(rows)),
            z: Buffer::zeroed(padded * batch * wide),
        }
    }

    /// The number of sequences.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Begins anew with zeros.
    pub fn reset(&mut self) {
        self.h.fill(E::default());
        if let Some(c) = &mut self.c {
            c.fill(E::default());
        }
    }

    /// Copies the hidden states, which are the last outputs too, to `h` `[batch, units]`.
    pub fn h_into(&self, h: &mut [E]) -> Result<()> {
        check_len("h", h.len(), &[self.batch, self.units], "batch, units")?;
        self.copy(&self.h, h);
        Ok(())
    }

    /// Copies the cell states to `c` `[batch, units]`; zeros for a layer that has none.
    pub fn c_into(&self, c: &mut [E]) -> Result<()> {
        check_len("c", c.len(), &[self.batch, self.units], "batch, units")?;
        match &self.c {
            Some(from) => self.copy(from, c),
            None => c.fill(E::default()),
        }
        Ok(())
    }

    /// Sets the states, each `[batch, units]`; `c` is ignored by layers that have none.
    pub fn set(&mut self, h: &[E], c: Option<&[E]>) -> Result<()> {
        let shape = [self.batch, self.units];
        check_len("h", h.len(), &shape, "batch, units")?;
        if let Some(c) = c {
            check_len("c", c.len(), &shape, "batch, units")?;
        }
        self.reset();
        for (from, to) in [(Some(h), Some(&mut self.h)), (c, self.c.as_mut())] {
            let (Some(from), Some(to)) = (from, to) else {
                continue;
            };
            for (from, to) in from
                .chunks_exact(self.units)
                .zip(to.chunks_exact_mut(self.padded))
            {
                to[..self.units].copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn copy(&self, from: &Buffer<E>, to: &mut [E]) {
        for (from, to) in from
            .chunks_exact(self.padded)
            .zip(to.chunks_exact_mut(self.units))
        {
            to.copy_from_slice(&from[..self.units]);
        }
    }

    /// After `steps` steps, moves the states to where the next call looks for them.
    pub(super) fn settle(&mut self, steps: usize) {
        let rows = self.batch * self.padded;
        if steps % 2 == 1 {
            self.h.copy_within(rows..2 * rows, 0);
            if let Some(c) = &mut self.c {
                c.copy_within(rows..2 * rows, 0);
            }
        }
    }

    /// The memory of a forward pass over these states, with room for `z_len` floats in `z`: kept from
    /// call to call, so that only a longer sequence than ever before allocates.
    pub(super) fn memory<'a>(&'a mut self, weights: &'a Weights<E>, z_len: usize) -> Memory<'a, E> {
        if self.z.len() < z_len {
            self.z = Buffer::new(z_len);
        }
        let share = |b: &Option<Buffer<E>>| b.as_ref().map(|b| Shared(b.ptr()));
        Memory {
            weights,
            z: Shared(self.z.ptr()),
            h: Shared(self.h.ptr()),
            c: share(&self.c),
            rh: share(&self.rh),
            dropped: None,
        }
    }
}
