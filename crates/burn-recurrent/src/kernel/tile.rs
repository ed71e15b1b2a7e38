//! The matrix product everything rests on: a tile of the result stays in registers while `k` runs.
//!
//! `B` is packed: for each `k` the tile's columns lie next to each other. `A` is read where it lies,
//! one broadcast a row, so activations and gradients are never copied for a product. Each element of
//! the result is one chain of multiply-adds in the order of `k`, whatever the tile's size, so a row's
//! result does not depend on which rows are computed with it.

use crate::simd::Vector;

/// One product `A · B` to add to a tile; a tile takes several in turn.
#[derive(Clone, Copy)]
pub(crate) struct Product<E> {
    /// `A` at row 0, `k` 0.
    pub(crate) a: *const E,
    /// From a row of `A` to the next.
    pub(crate) row: isize,
    /// From a `k` to the next within a block.
    pub(crate) k: isize,
    /// `k`s in a block.
    pub(crate) len: usize,
    /// From a block of `k`s to the next.
    pub(crate) block: isize,
    /// Number of blocks.
    pub(crate) blocks: usize,
    /// `B` at `k` 0.
    pub(crate) b: *const E,
    /// From a `k` of `B` to the next, over blocks as well.
    pub(crate) b_step: usize,
}

/// What a tile holds before the products are added.
#[derive(Clone, Copy)]
pub(crate) enum Start<E> {
    Zero,
    /// What lies in the result.
    Result,
    /// This row, for all rows.
    Row(*const E),
}

/// Where a tile's result goes.
#[derive(Clone, Copy)]
pub(crate) struct Target<E> {
    pub(crate) c: *mut E,
    /// From a row to the next.
    pub(crate) row: isize,
    /// Columns that exist; those beyond are neither read nor written.
    pub(crate) columns: usize,
}

/// No column of the tile is left out.
pub(crate) const ALL: usize = usize::MAX;

/// No register of the tile is left out.
pub(crate) const NONE: usize = 9;

/// Adds `products` to `rows` rows of `registers` registers, leaving out register `skip` of each row.
///
/// # Safety
///
/// As for [`tiles`].
pub(crate) unsafe fn product<V: Vector>(
    (registers, skip): (usize, usize),
    rows: usize,
    products: &[Product<V::E>],
    start: Start<V::E>,
    target: Target<V::E>,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        match (registers, skip) {
            (4, 3) => tiles::<V, 4, 3>(rows, products, start, target),
            (4, 2) => tiles::<V, 4, 2>(rows, products, start, target),
            (4, _) => tiles::<V, 4, NONE>(rows, products, start, target),
            (3, _) => tiles::<V, 3, NONE>(rows, products, start, target),
            (2, _) => tiles::<V, 2, NONE>(rows, products, start, target),
            _ => tiles::<V, 1, NONE>(rows, products, start, target),
        }
    }
}

/// Adds `products` to `rows` rows of `NV` registers, leaving out register `SKIP` of each row.
///
/// # Safety
///
/// The machine supports `V`, and all pointers are valid for what the strides and sizes reach.
unsafe fn tiles<V: Vector, const NV: usize, const SKIP: usize>(
    rows: usize,
    products: &[Product<V::E>],
    start: Start<V::E>,
    target: Target<V::E>,
) {
    let most = (V::ROWS * 4 / NV).min(12);
    // SAFETY: passed on to the caller.
    unsafe {
        V::vectorize(
            #[inline(always)]
            || {
                let mut r = 0;
                while r < rows {
                    // Blocks of about equal height where any height will do.
                    let left = rows - r;
                    let height = match NV {
                        4 => left.div_ceil(left.div_ceil(most)),
                        _ => left.min(most),
                    };
                    macro_rules! tile {
                        ($height:literal) => {{
                            tile::<V, $height, NV, SKIP>(r, products, start, target);
                            r += $height;
                        }};
                    }
                    match height {
                        12.. if NV <= 2 => tile!(12),
                        8.. if NV <= 3 => tile!(8),
                        6.. => tile!(6),
                        5 => tile!(5),
                        4 => tile!(4),
                        3 => tile!(3),
                        2 => tile!(2),
                        _ => tile!(1),
                    }
                }
            },
        )
    }
}

#[inline(always)]
unsafe fn tile<V: Vector, const MR: usize, const NV: usize, const SKIP: usize>(
    r: usize,
    products: &[Product<V::E>],
    start: Start<V::E>,
    target: Target<V::E>,
) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        let c = target.c.offset(r as isize * target.row);
        for m in MR..2 * MR {
            for v in 0..NV {
                let next = c.wrapping_offset(m as isize * target.row);
                V::prefetch(next.wrapping_add(v * V::LANES));
            }
        }
        let mut acc = [[V::splat(V::E::default()); NV]; MR];
        match start {
            Start::Zero => {}
            Start::Row(row) => {
                for v in 0..NV {
                    let value = V::load(row.add(v * V::LANES));
                    for m in 0..MR {
                        acc[m][v] = value;
                    }
                }
            }
            Start::Result => {
                for m in 0..MR {
                    for v in 0..NV {
                        let p = c.offset(m as isize * target.row).add(v * V::LANES);
                        let n = target.columns.saturating_sub(v * V::LANES);
                        acc[m][v] = if n >= V::LANES {
                            V::load(p)
                        } else {
                            V::load_first(p, n)
                        };
                    }
                }
            }
        }
        for product in products {
            add::<V, MR, NV, SKIP>(&mut acc, r, product);
        }
        for m in 0..MR {
            for v in 0..NV {
                let p = c.offset(m as isize * target.row).add(v * V::LANES);
                let n = target.columns.saturating_sub(v * V::LANES);
                if n >= V::LANES {
                    acc[m][v].store(p);
                } else {
                    acc[m][v].store_first(p, n);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn add<V: Vector, const MR: usize, const NV: usize, const SKIP: usize>(
    acc: &mut [[V; NV]; MR],
    r: usize,
    product: &Product<V::E>,
) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        // A local copy, which the compiler keeps in registers.
        let mut sums = *acc;
        let columns_of_a = product.k != 1;
        // The first tiles of a panel fetch the panel that comes next.
        let k = product.len * product.blocks;
        let mut next_b = if r < 4 * MR {
            product
                .b
                .wrapping_add(k * product.b_step + r / MR * k * (64 / size_of::<V::E>()))
        } else {
            product.b
        };
        let mut b = product.b;
        let mut block = product.a.offset(r as isize * product.row);
        for _ in 0..product.blocks {
            let mut a = block;
            for _ in 0..product.len {
                if columns_of_a {
                    // The next tile reads the next columns of the same rows, each on a line of its own,
                    // which no hardware prefetcher sees coming.
                    V::prefetch(a.wrapping_add(64 / size_of::<V::E>()));
                } else {
                    V::prefetch(next_b);
                    next_b = next_b.wrapping_add(64 / size_of::<V::E>());
                }
                // The smaller side of the tile waits in registers for the other one: 3 rows of 4 registers are 16
                // of AVX2's with it, and one more would be spilled in every round.
                if MR < NV {
                    let mut x = [V::splat(V::E::default()); MR];
                    for m in 0..MR {
                        x[m] = V::splat(*a.offset(m as isize * product.row));
                    }
                    for v in 0..NV {
                        if v != SKIP {
                            let column = V::load(b.add(v * V::LANES));
                            for m in 0..MR {
                                sums[m][v] = x[m].fma(column, sums[m][v]);
                            }
                        }
                    }
                } else {
                    let mut columns = [V::splat(V::E::default()); NV];
                    for v in 0..NV {
                        if v != SKIP {
                            columns[v] = V::load(b.add(v * V::LANES));
                        }
                    }
                    for m in 0..MR {
                        let x = V::splat(*a.offset(m as isize * product.row));
                        for v in 0..NV {
                            if v != SKIP {
                                sums[m][v] = x.fma(columns[v], sums[m][v]);
                            }
                        }
                    }
                }
                a = a.offset(product.k);
                b = b.add(product.b_step);
            }
            block = block.offset(product.block);
        }
        *acc = sums;
    }
}
