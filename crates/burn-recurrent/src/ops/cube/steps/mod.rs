//! The sequence a step at a time, where units are too many for the persistent kernels: a product over all
//! rows of the batch, then one launch that does the cells. `GruResetBefore` needs both twice.

mod backward;
mod forward;

use super::Problem;
use super::plan::{GradientParts, Plan, SavedParts, Sizes, aligned};
use super::tensors::{argument, empty_like, gates_first, part, product_into, transposed};
use crate::buffers::step_len;
use crate::kernel::Kind;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Slice;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::{CubeDim, calculate_cube_count_elemwise};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

/// Where the parts of the buffer begin that goes from step to step. States, or their gradients, `[batch,
/// units]` each: `h` at 0, `second` (the cell state, or for `GruResetBefore` the update gate), and `reset`,
/// the reset state. `fed`: what the next product reads, if it isn't the state itself: the dropped states
/// of each gate, or the gradients of the sums. `last`: those of the candidate of `GruResetBefore`.
#[derive(Clone, Copy, Debug)]
struct StepParts {
    second: usize,
    reset: usize,
    fed: usize,
    last: usize,
    len: usize,
}

impl StepParts {
    fn new(plan: &Plan, batch: usize) -> Self {
        let state = aligned(batch * plan.units);
        let fed = aligned(plan.gates() * batch * plan.units);
        Self {
            second: state,
            reset: 2 * state,
            fed: 3 * state,
            last: 3 * state + fed,
            len: step_len(plan.kind, plan.units, batch),
        }
    }
}

impl Problem {
    /// A thread for each unit of each row.
    fn cells(&self) -> (CubeCount, CubeDim) {
        let client = &self.x.client;
        let threads = self.sizes.batch * self.plan.units;
        let dim = CubeDim::new(client, threads);
        (calculate_cube_count_elemwise(client, threads, dim), dim)
    }

    /// The recurrent weights for the products of the gates from `first` to before `end`.
    fn step_weights(&self, first: usize, end: usize) -> CubeTensor {
        if !self.plan.apart {
            return self.recurrent.clone();
        }
        let gates = self.plan.gates();
        let weights = into_contiguous(gates_first(self.recurrent.clone(), gates));
        match end - first == gates {
            true => weights,
            false => into_contiguous(CubeBackend::float_slice(
                weights,
                &[Slice::from(first..end)],
            )),
        }
    }

    /// As [`forward`](Problem::forward), a step at a time.
    pub(super) fn forward_by_steps(&self, sums: &CubeTensor, out: &CubeTensor, saved: &CubeTensor) {
        let Sizes { batch, steps, .. } = self.sizes;
        let (plan, units, gates) = (self.plan, self.plan.units, self.plan.gates());
        let client = &self.x.client;
        let kept = SavedParts::new(plan.kind, units, self.sizes.rows());
        let parts = StepParts::new(&plan, batch);
        let state = empty_like(&self.x, [parts.len]);
        let (count, dim) = self.cells();
        // SAFETY: the kernels stay within the lengths that the parts and the checked shapes give; so below.
        unsafe {
            forward::begin::launch_unchecked(
                client,
                count.clone(),
                dim,
                argument(&self.extras),
                argument(&state),
                batch as u32,
                steps as u32,
                parts.second as u32,
                parts.fed as u32,
                plan,
            );
        }
        let first_gates = plan.first_gates();
        let weights = self.step_weights(0, first_gates);
        let products = match plan.apart {
            true => empty_like(&self.x, [first_gates, batch, units]),
            false => empty_like(&self.x, [batch, gates * units]),
        };
        let fed = match (plan.apart, plan.state_dropout) {
            (true, true) => part(&state, parts.fed, [first_gates, batch, units]),
            (true, false) => part(&state, 0, [1, batch, units]),
            (false, _) => part(&state, 0, [batch, units]),
        };
        let last = (plan.kind == Kind::GruResetBefore).then(|| {
            let reset = part(&state, parts.reset, [1, batch, units]);
            let product = empty_like(&self.x, [1, batch, units]);
            (reset, self.step_weights(2, 3), product)
        });
        let launch = |products: &CubeTensor, step: usize, stage: usize| unsafe {
            forward::step::launch_unchecked(
                client,
                count.clone(),
                dim,
                argument(sums),
                argument(products),
                argument(&self.bias),
                argument(&self.extras),
                argument(out),
                argument(saved),
                argument(&state),
                batch as u32,
                steps as u32,
                step as u32,
                kept.hidden as u32,
                kept.second as u32,
                parts.second as u32,
                parts.reset as u32,
                parts.fed as u32,
                stage,
                plan,
            );
        };
        for step in 0..steps {
            product_into(fed.clone(), weights.clone(), products.clone());
            launch(&products, step, 0);
            if let Some((reset, weights, product)) = &last {
                product_into(reset.clone(), weights.clone(), product.clone());
                launch(product, step, 1);
            }
        }
    }

    /// As [`backward`](Problem::backward), a step at a time.
    pub(super) fn backward_by_steps(
        &self,
        saved: &CubeTensor,
        given: &CubeTensor,
        found: &CubeTensor,
    ) {
        let Sizes { batch, steps, .. } = self.sizes;
        let (plan, units, gates) = (self.plan, self.plan.units, self.plan.gates());
        let client = &self.x.client;
        let kept = SavedParts::new(plan.kind, units, self.sizes.rows());
        let results = GradientParts::new(&plan, self.sizes);
        let parts = StepParts::new(&plan, batch);
        let state = empty_like(&self.x, [parts.len]);
        let (count, dim) = self.cells();
        let first_gates = plan.first_gates();
        let weights = into_contiguous(transposed(self.step_weights(0, first_gates)));
        let (fed, products) = match plan.apart {
            true => (
                part(&state, parts.fed, [first_gates, batch, units]),
                empty_like(&self.x, [first_gates, batch, units]),
            ),
            false => (
                part(&state, parts.fed, [batch, gates * units]),
                empty_like(&self.x, [batch, units]),
            ),
        };
        let last = (plan.kind == Kind::GruResetBefore).then(|| {
            let fed = part(&state, parts.last, [1, batch, units]);
            let weights = into_contiguous(transposed(self.step_weights(2, 3)));
            (fed, weights, empty_like(&self.x, [1, batch, units]))
        });
        let launch = |products: &CubeTensor, step: usize, stage: usize| {
            // SAFETY: as in `forward_by_steps`.
            unsafe {
                backward::step::launch_unchecked(
                    client,
                    count.clone(),
                    dim,
                    argument(saved),
                    argument(given),
                    argument(&self.extras),
                    argument(products),
                    argument(found),
                    argument(&state),
                    batch as u32,
                    steps as u32,
                    step as u32,
                    kept.hidden as u32,
                    kept.second as u32,
                    results.recurrent as u32,
                    results.h as u32,
                    results.c as u32,
                    parts.second as u32,
                    parts.fed as u32,
                    parts.last as u32,
                    stage,
                    plan,
                );
            }
        };
        for step in (0..steps).rev() {
            launch(&products, step, 0);
            if let Some((fed, weights, product)) = &last {
                product_into(fed.clone(), weights.clone(), product.clone());
                launch(product, step, 1);
            }
            product_into(fed.clone(), weights.clone(), products.clone());
        }
        launch(&products, 0, 2);
    }
}
