//! A dense layer with packed weights.

use super::{Float, check_len};
use crate::error::{Error, Result};
use crate::kernel::at_level;
use crate::kernel::pack;
use crate::kernel::tile::{NONE, Product, Start, Target, product};
use crate::simd::{SimdLevel, Vector};
use crate::workspace::Buffer;

/// Registers of outputs that are computed together.
const REGISTERS: usize = 4;

/// `y = x·W + b`, the weights packed once and for all; the activation is the caller's.
#[derive(Debug)]
pub struct PackedDense<E: Float> {
    features: usize,
    units: usize,
    level: SimdLevel,
    /// `[group][feature][lanes of the group]`
    kernel: Buffer<E>,
    /// Padded with zeros.
    bias: Buffer<E>,
}

impl<E: Float> PackedDense<E> {
    /// Packs `kernel` `[features, units]` and `bias` `[units]`.
    ///
    /// # Errors
    ///
    /// If a slice's length doesn't match the sizes, or a size is 0.
    pub fn new(features: usize, units: usize, kernel: &[E], bias: Option<&[E]>) -> Result<Self> {
        for (dimension, size) in [("features", features), ("units", units)] {
            if size == 0 {
                return Err(Error::Empty { dimension });
            }
        }
        check_len(
            "kernel",
            kernel.len(),
            &[features, units],
            "features, units",
        )?;
        let level = SimdLevel::current();
        let wide = at_level!(level, E, padded(units));
        let mut packed_bias = Buffer::zeroed(wide);
        if let Some(bias) = bias {
            check_len("bias", bias.len(), &[units], "units")?;
            packed_bias[..units].copy_from_slice(bias);
        }
        let mut packed = Buffer::zeroed(wide * features);
        let width = at_level!(level, E, padded(1)) * REGISTERS;
        pack::columns(kernel, units, (wide, width), &mut packed);
        Ok(Self {
            features,
            units,
            level,
            kernel: packed,
            bias: packed_bias,
        })
    }

    /// Numbers a row takes.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Numbers a row gives.
    pub fn units(&self) -> usize {
        self.units
    }

    /// `y` `[rows, units]` from `x` `[rows, features]`, on this thread, without allocating.
    ///
    /// # Errors
    ///
    /// If a slice is of another size.
    pub fn apply_into(&self, x: &[E], y: &mut [E]) -> Result<()> {
        let rows = x.len() / self.features;
        check_len("x", x.len(), &[rows, self.features], "rows, features")?;
        check_len("y", y.len(), &[rows, self.units], "rows, units")?;
        // SAFETY: the level is supported, and the lengths were checked.
        unsafe { at_level!(self.level, E, apply(self, x, y)) };
        Ok(())
    }
}

fn padded<V: Vector>(units: usize) -> usize {
    units.next_multiple_of(V::LANES)
}

/// # Safety
///
/// The machine supports `V`, and the lengths were checked.
unsafe fn apply<V: Vector<E: Float>>(layer: &PackedDense<V::E>, x: &[V::E], y: &mut [V::E]) {
    let rows = x.len() / layer.features;
    for first in (0..layer.units).step_by(REGISTERS * V::LANES) {
        let registers = (layer.units - first).div_ceil(V::LANES).min(REGISTERS);
        // SAFETY: within the weights, `x` and `y`.
        unsafe {
            let through = Product {
                a: x.as_ptr(),
                row: layer.features as isize,
                k: 1,
                len: layer.features,
                block: 0,
                blocks: 1,
                b: layer.kernel.ptr().add(first * layer.features),
                b_step: registers * V::LANES,
            };
            let target = Target {
                c: y.as_mut_ptr().add(first),
                row: layer.units as isize,
                columns: layer.units - first,
            };
            let bias = Start::Row(layer.bias.ptr().add(first).cast_const());
            product::<V>((registers, NONE), rows, &[through], bias, target);
        }
    }
}
