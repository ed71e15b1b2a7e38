//! The kernels for GPUs, in CubeCL.
//!
//! | | |
//! |---|---|
//! | input | one product for all steps |
//! | sequence | one launch while a unit can have a thread ([`forward`], [`backward`]), else a product and a launch a step ([`steps`]) |
//! | gradients of weights and input | products over all steps ([`gradients`]) |
//!
//! WebGPU guarantees eight buffers a kernel, of which CubeCL takes one: what a kernel reads or writes is
//! joined in few buffers, whose parts [`plan`] knows.

mod backward;
mod cell;
mod forward;
mod gradients;
mod plan;
mod rows;
mod steps;
mod tensors;

use super::fusion::Wrapped;
use super::{Arguments, Call, RecurrentKernels};
use crate::kernel::Kind;
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use burn_cubecl::cubecl::CubeDim;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::server::CubeCountSelection;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use plan::{GradientParts, Plan, SavedParts, Sizes, most_threads};
use tensors::{argument, empty_like, gates_first, joined, product, reshaped, transposed};

impl Wrapped for CubeBackend {
    fn saved_len(kind: Kind, units: usize, rows: usize) -> usize {
        SavedParts::new(kind, units, rows).len
    }
}

impl RecurrentKernels for CubeBackend {
    type Saved = FloatTensor<Self>;

    fn run(
        arguments: &Arguments<Self>,
        call: Call,
        save: bool,
    ) -> (FloatTensor<Self>, Option<Self::Saved>) {
        let problem = Problem::new(arguments, call, save);
        let (out, saved) = problem.forward();
        (out, save.then_some(saved))
    }

    fn gradients(
        arguments: &Arguments<Self>,
        call: Call,
        saved: Self::Saved,
        gradient: FloatTensor<Self>,
        wanted: [bool; 6],
    ) -> [Option<FloatTensor<Self>>; 6] {
        let problem = Problem::new(arguments, call, false);
        let found = problem.backward(&saved, into_contiguous(gradient));
        problem.gradients(arguments, &saved, &found, wanted)
    }
}

/// A call's tensors as the kernels take them.
struct Problem {
    plan: Plan,
    sizes: Sizes,
    /// `[batch * timesteps, features]`, where gates are apart `[1 or gates, batch * timesteps, features]`;
    /// with dropout.
    x: CubeTensor,
    kernel: CubeTensor,
    recurrent: CubeTensor,
    bias: CubeTensor,
    extras: CubeTensor,
    input_dropout: CubeTensor,
    state_dropout: CubeTensor,
    returns: Vec<usize>,
}

impl Problem {
    fn new(arguments: &Arguments<CubeBackend>, call: Call, save: bool) -> Self {
        let [x, kernel, recurrent, bias, h, c] =
            arguments.differentiable.clone().map(into_contiguous);
        let [mask, input_dropout, state_dropout] = arguments.constant.clone().map(into_contiguous);
        let plan = Plan::new(arguments, call, save);
        let sizes = Sizes::of(arguments);
        let absent = || empty_like(&x, [1]);
        let extras = [(plan.h, h), (plan.c, c), (plan.mask, mask)]
            .into_iter()
            .chain([(plan.state_dropout, state_dropout.clone())]);
        let extras = extras.filter_map(|(given, tensor)| given.then_some(tensor));
        let extras = joined(extras.collect()).unwrap_or_else(absent);
        let bias = if plan.bias { bias } else { absent() };
        let returns = call
            .returns
            .shape(call.kind, [sizes.batch, sizes.steps, plan.units]);
        let mut problem = Self {
            plan,
            sizes,
            x,
            kernel,
            recurrent,
            bias,
            extras,
            input_dropout,
            state_dropout,
            returns,
        };
        problem.x = problem.dropped_input();
        problem
    }

    /// The input in the shape its product needs, with dropout.
    fn dropped_input(&self) -> CubeTensor {
        let Sizes {
            batch,
            steps,
            features,
        } = self.sizes;
        let rows = self.sizes.rows();
        let mut x = self.x.clone();
        let mut copies = 1;
        if self.plan.input_dropout {
            copies = self.input_dropout.shape()[0];
            let factors = reshaped(self.input_dropout.clone(), [copies, batch, 1, features]);
            x = CubeBackend::float_mul(reshaped(x, [1, batch, steps, features]), factors);
        }
        match self.plan.apart {
            true => reshaped(x, [copies, rows, features]),
            false => reshaped(x, [rows, features]),
        }
    }

    /// The product of the input of all steps with its weights.
    fn input_sums(&self) -> CubeTensor {
        let (gates, units, rows) = (self.plan.gates(), self.plan.units, self.sizes.rows());
        match self.plan.apart {
            true => {
                let kernel = gates_first(self.kernel.clone(), gates);
                product(self.x.clone(), kernel, [gates, rows, units])
            }
            false => product(self.x.clone(), self.kernel.clone(), [rows, gates * units]),
        }
    }

    /// One cube for each row of the batch.
    fn cubes(&self) -> (CubeCount, CubeDim) {
        let client = &self.x.client;
        let threads = self.plan.units.next_multiple_of(32);
        let threads = threads.min(most_threads(client)) as u32;
        let count = CubeCountSelection::new(client, self.sizes.batch as u32).cube_count();
        (count, CubeDim::new_1d(threads))
    }

    /// The result, and what is saved if the plan says so.
    fn forward(&self) -> (CubeTensor, CubeTensor) {
        let Sizes { batch, steps, .. } = self.sizes;
        let parts = SavedParts::new(self.plan.kind, self.plan.units, self.sizes.rows());
        let sums = self.input_sums();
        let out = empty_like(&self.x, Shape::from(self.returns.clone()));
        let saved = empty_like(&self.x, [if self.plan.save { parts.len } else { 1 }]);
        if !self.plan.persistent(&self.x.client) {
            self.forward_by_steps(&sums, &out, &saved);
            return (out, saved);
        }
        let (count, dim) = self.cubes();
        // SAFETY: the kernel stays within the lengths that the plan's parts and the checked shapes give.
        unsafe {
            forward::forward::launch_unchecked(
                &self.x.client,
                count,
                dim,
                argument(&sums),
                argument(&self.recurrent),
                argument(&self.bias),
                argument(&self.extras),
                argument(&out),
                argument(&saved),
                batch as u32,
                steps as u32,
                parts.hidden as u32,
                parts.second as u32,
                self.plan,
            );
        }
        (out, saved)
    }

    /// The gradients of the sums and the initial states, as [`GradientParts`] says.
    fn backward(&self, saved: &CubeTensor, given: CubeTensor) -> CubeTensor {
        let Sizes { batch, steps, .. } = self.sizes;
        let parts = SavedParts::new(self.plan.kind, self.plan.units, self.sizes.rows());
        let results = GradientParts::new(&self.plan, self.sizes);
        let found = empty_like(&self.x, [results.len]);
        if !self.plan.persistent(&self.x.client) {
            self.backward_by_steps(saved, &given, &found);
            return found;
        }
        let weights = into_contiguous(transposed(self.recurrent.clone()));
        let (count, dim) = self.cubes();
        // SAFETY: as in `forward`.
        unsafe {
            backward::backward::launch_unchecked(
                &self.x.client,
                count,
                dim,
                argument(saved),
                argument(&weights),
                argument(&self.extras),
                argument(&given),
                argument(&found),
                batch as u32,
                steps as u32,
                parts.hidden as u32,
                parts.second as u32,
                results.recurrent as u32,
                results.h as u32,
                results.c as u32,
                self.plan,
            );
        }
        found
    }
}
