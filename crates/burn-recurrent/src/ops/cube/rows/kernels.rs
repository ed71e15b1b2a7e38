//! Softmax and cross-entropy over rows: a cube a row, a thread for every so many classes.

use burn_cubecl::cubecl::{self, prelude::*};

/// The largest of the threads' values, or their sum, for all of them.
#[cube]
fn all_threads(
    shared: &mut Shared<[f32]>,
    value: f32,
    #[comptime] threads: usize,
    #[comptime] largest: bool,
) -> f32 {
    let unit = UNIT_POS as usize;
    shared[unit] = value;
    sync_cube();
    let mut half = (threads / 2).runtime();
    while half > 0 {
        if unit < half {
            let (a, b) = (shared[unit], shared[unit + half]);
            if comptime!(largest) {
                if b > a {
                    shared[unit] = b;
                }
            } else {
                shared[unit] = a + b;
            }
        }
        sync_cube();
        half /= 2;
    }
    let all = shared[0];
    sync_cube();
    all
}

#[cube(launch_unchecked)]
pub(super) fn softmax(
    x: &[f32],
    y: &mut [f32],
    rows: u32,
    classes: u32,
    #[comptime] threads: usize,
) {
    let row = CUBE_POS as usize;
    let classes = classes as usize;
    if row >= rows as usize {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let start = row * classes;
    let mut largest = x[start];
    let mut i = UNIT_POS as usize;
    while i < classes {
        if x[start + i] > largest {
            largest = x[start + i];
        }
        i += threads;
    }
    let largest = all_threads(&mut shared, largest, threads, true);
    let mut sum = f32::new(0.0);
    i = UNIT_POS as usize;
    while i < classes {
        // A NaN comes into the sum, and so to all classes. Some drivers' exponential makes it infinite.
        let difference = x[start + i] - largest;
        let mut e = difference.exp();
        if difference.is_nan() {
            e = difference;
        }
        y[start + i] = e;
        sum += e;
        i += threads;
    }
    let sum = all_threads(&mut shared, sum, threads, false);
    i = UNIT_POS as usize;
    while i < classes {
        y[start + i] /= sum;
        i += threads;
    }
}

#[cube(launch_unchecked)]
pub(super) fn softmax_gradient(
    y: &[f32],
    gradient: &[f32],
    dx: &mut [f32],
    rows: u32,
    classes: u32,
    #[comptime] threads: usize,
) {
    let row = CUBE_POS as usize;
    let classes = classes as usize;
    if row >= rows as usize {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let start = row * classes;
    let mut sum = f32::new(0.0);
    let mut i = UNIT_POS as usize;
    while i < classes {
        sum += y[start + i] * gradient[start + i];
        i += threads;
    }
    let sum = all_threads(&mut shared, sum, threads, false);
    i = UNIT_POS as usize;
    while i < classes {
        dx[start + i] = y[start + i] * (gradient[start + i] - sum);
        i += threads;
    }
}

/// How much of a class a row is. `number` is the row's class where `shares` is false.
#[cube]
fn share(
    labels: &[f32],
    row: usize,
    class: usize,
    classes: usize,
    #[comptime] shares: bool,
) -> f32 {
    let mut share = f32::new(0.0);
    if comptime!(shares) {
        share = labels[row * classes + class];
    } else {
        // A fraction is cut off, towards 0.
        let number = labels[row];
        let first = f32::cast_from(class as u32);
        let mut reached = number >= first;
        if class == 0 {
            reached = number > f32::new(-1.0);
        }
        if reached && number < first + 1.0 {
            share = f32::new(1.0);
        }
    }
    share
}

/// The sum of a row.
#[cube]
fn row_sum(
    shared: &mut Shared<[f32]>,
    p: &[f32],
    start: usize,
    classes: usize,
    #[comptime] threads: usize,
) -> f32 {
    let mut sum = f32::new(0.0);
    let mut i = UNIT_POS as usize;
    while i < classes {
        sum += p[start + i];
        i += threads;
    }
    all_threads(shared, sum, threads, false)
}

#[cube(launch_unchecked)]
pub(super) fn cross_entropy(
    p: &[f32],
    labels: &[f32],
    losses: &mut [f32],
    rows: u32,
    classes: u32,
    low: f32,
    high: f32,
    #[comptime] shares: bool,
    #[comptime] threads: usize,
) {
    let row = CUBE_POS as usize;
    let classes = classes as usize;
    if row >= rows as usize {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let start = row * classes;
    let sum = row_sum(&mut shared, p, start, classes, threads);
    let mut loss = f32::new(0.0);
    let mut i = UNIT_POS as usize;
    while i < classes {
        let share = share(labels, row, i, classes, shares);
        if share != 0.0 {
            let mut q = p[start + i] / sum;
            if q < low {
                q = low;
            } else if q > high {
                q = high;
            }
            loss -= share * q.ln();
        }
        i += threads;
    }
    let loss = all_threads(&mut shared, loss, threads, false);
    if UNIT_POS == 0 {
        let mut written = loss;
        if sum.is_nan() {
            written = sum;
        }
        losses[row] = written;
    }
}

#[cube(launch_unchecked)]
pub(super) fn cross_entropy_gradient(
    p: &[f32],
    labels: &[f32],
    gradient: &[f32],
    dp: &mut [f32],
    rows: u32,
    classes: u32,
    low: f32,
    high: f32,
    #[comptime] shares: bool,
    #[comptime] threads: usize,
) {
    let row = CUBE_POS as usize;
    let classes = classes as usize;
    if row >= rows as usize {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(threads);
    let start = row * classes;
    let sum = row_sum(&mut shared, p, start, classes, threads);
    let scale = gradient[row] / sum;
    let mut inside = f32::new(0.0);
    let mut i = UNIT_POS as usize;
    while i < classes {
        let q = p[start + i] / sum;
        if q >= low && q <= high {
            inside += share(labels, row, i, classes, shares);
        }
        i += threads;
    }
    let inside = all_threads(&mut shared, inside, threads, false);
    i = UNIT_POS as usize;
    while i < classes {
        let q = p[start + i] / sum;
        let mut of_class = inside;
        if q >= low && q <= high {
            of_class -= share(labels, row, i, classes, shares) / q;
        }
        dp[start + i] = of_class * scale;
        i += threads;
    }
}
