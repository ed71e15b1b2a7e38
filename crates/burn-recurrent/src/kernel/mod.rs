//! The arithmetic, on plain memory: a whole sequence forward, and its gradients.
//!
//! Everything inside is time-major: row `t * batch + b`. The gates of a step lie in panels
//! `[panel][row][slot][lane]`, one register's worth of units each, where the forward pass leaves what
//! the backward pass needs and the backward pass the gradients of the pre-activations, in the order in
//! which the products over all timesteps read them.

pub(crate) mod backward;
pub(crate) mod cell;
pub(crate) mod forward;
pub(crate) mod grad_cell;
pub(crate) mod pack;
pub(crate) mod problem;
pub(crate) mod tile;
pub(crate) mod weights;

pub use problem::Kind;
pub(crate) use problem::{Problem, Shape};

/// A pointer that tasks on several threads share, each writing to a part of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<E>(pub(crate) *mut E);

// SAFETY: the tasks of a phase write to disjoint parts, and phases are separated by a barrier.
unsafe impl<E> Send for Shared<E> {}
// SAFETY: as above.
unsafe impl<E> Sync for Shared<E> {}

/// Calls a function generic over [`Vector`](crate::simd::Vector) with the register type of a level.
macro_rules! at_level {
    ($level:expr, $E:ty, $function:ident($($argument:expr),* $(,)?)) => {
        match $level {
            #[cfg(target_arch = "x86_64")]
            $crate::simd::SimdLevel::Avx512 => {
                $function::<<$E as $crate::simd::Real>::Avx512>($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            $crate::simd::SimdLevel::Avx2 => {
                $function::<<$E as $crate::simd::Real>::Avx2>($($argument),*)
            }
            _ => $function::<<$E as $crate::simd::Real>::Portable>($($argument),*),
        }
    };
}
pub(crate) use at_level;
