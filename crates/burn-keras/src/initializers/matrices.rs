//! Initial values that are a matrix as a whole.

use crate::random::Generator;
use crate::{Error, Result};

/// `gain` on the diagonal.
pub(super) fn identity(shape: &[usize], gain: f32) -> Result<Vec<f32>> {
    let [rows, columns] = *shape else {
        return Err(Error::argument(
            "Initializer Identity",
            "shape",
            format!("has {} axes; an identity matrix has 2", shape.len()),
        ));
    };
    let mut values = vec![0.0; rows * columns];
    for i in 0..rows.min(columns) {
        values[i * columns + i] = gain;
    }
    Ok(values)
}

/// The Q of a QR decomposition of a normal random matrix, its columns' signs those of R's diagonal.
pub(super) fn orthogonal(shape: &[usize], gain: f32, random: &mut Generator) -> Result<Vec<f32>> {
    let [ref front @ .., columns] = *shape else {
        return Err(Error::argument(
            "Initializer Orthogonal",
            "shape",
            "has no axes",
        ));
    };
    if front.is_empty() {
        return Err(Error::argument(
            "Initializer Orthogonal",
            "shape",
            "has 1 axis; an orthogonal matrix needs at least 2",
        ));
    }
    let rows: usize = front.iter().product();
    let (long, short) = (rows.max(columns), rows.min(columns));
    // Column after column, in f64: `short` vectors of length `long`, made orthonormal by Gram and Schmidt's modified
    // method, whose error is that of f64 times the matrix' condition. With R's diagonal taken positive the result is
    // unique, so it is Keras' for the same random matrix.
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(short);
    while basis.len() < short {
        let mut column: Vec<f64> = (0..long).map(|_| f64::from(random.normal())).collect();
        for done in &basis {
            let dot = dot(done, &column);
            column.iter_mut().zip(done).for_each(|(c, d)| *c -= dot * d);
        }
        let norm = dot(&column, &column).sqrt();
        // A column inside the span of the others has probability 0; it is drawn again all the same.
        if norm > 1e-8 {
            column.iter_mut().for_each(|c| *c /= norm);
            basis.push(column);
        }
    }
    let mut values = vec![0.0; rows * columns];
    for row in 0..rows {
        for column in 0..columns {
            let q = if rows >= columns {
                basis[column][row]
            } else {
                basis[row][column]
            };
            values[row * columns + column] = gain * q as f32;
        }
    }
    Ok(values)
}

/// The sum of the products, in 8 sums side by side, which the compiler makes vectors of.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_blocks
        .remainder()
        .iter()
        .zip(b_blocks.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orthogonal_recurrent_kernel_has_orthonormal_rows_across_all_gates() -> Result<()> {
        let (rows, columns) = (8, 32);
        let q = orthogonal(&[rows, columns], 1.0, &mut Generator::new(2))?;
        for a in 0..rows {
            for b in 0..rows {
                let dot: f32 = (0..columns)
                    .map(|c| q[a * columns + c] * q[b * columns + c])
                    .sum();
                let wanted = if a == b { 1.0 } else { 0.0 };
                assert!((dot - wanted).abs() < 1e-5, "rows {a} and {b}: {dot}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_dot_product_takes_every_element() {
        for length in 0..30 {
            let a: Vec<f64> = (0..length).map(f64::from).collect();
            let wanted: f64 = a.iter().map(|v| v * v).sum();
            assert_eq!(dot(&a, &a), wanted);
        }
    }
}
