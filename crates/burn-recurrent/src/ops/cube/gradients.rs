//! The gradients of a call's arguments, by products over all steps.

use super::super::Arguments;
use super::Problem;
use super::plan::{GradientParts, SavedParts, Sizes};
use super::tensors::{gates_first, gates_last, part, product, reshaped, sum, transposed};
use crate::kernel::Kind;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{Shape, Slice};
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

impl Problem {
    /// Those of the six that are wanted, from what the forward pass saved and the backward pass found.
    pub(super) fn gradients(
        &self,
        arguments: &Arguments<CubeBackend>,
        saved: &CubeTensor,
        found: &CubeTensor,
        wanted: [bool; 6],
    ) -> [Option<CubeTensor>; 6] {
        let parts = GradientParts::new(&self.plan, self.sizes);
        let (gates, units, rows) = (self.plan.gates(), self.plan.units, self.sizes.rows());
        let sums = |at: usize| match self.plan.apart {
            true => part(found, at, [gates, rows, units]),
            false => part(found, at, [rows, gates * units]),
        };
        let (input, recurrent) = (sums(0), sums(parts.recurrent));
        let state = |at: usize| part(found, at, [self.sizes.batch, units]);
        let given = &arguments.differentiable;
        [
            wanted[0].then(|| self.x_gradient(input.clone())),
            wanted[1].then(|| self.kernel_gradient(input.clone())),
            wanted[2].then(|| self.recurrent_gradient(saved, recurrent.clone())),
            (wanted[3] && self.plan.bias)
                .then(|| self.bias_gradient(input, recurrent, given[3].meta.shape().clone())),
            (wanted[4] && self.plan.h).then(|| state(parts.h)),
            (wanted[5] && self.plan.c && self.plan.kind.has_cell_state()).then(|| state(parts.c)),
        ]
    }

    fn x_gradient(&self, sums: CubeTensor) -> CubeTensor {
        let Sizes {
            batch,
            steps,
            features,
        } = self.sizes;
        let (gates, rows) = (self.plan.gates(), self.sizes.rows());
        let whole = [batch, steps, features];
        if !self.plan.apart {
            let x = product(sums, transposed(self.kernel.clone()), [rows, features]);
            let x = reshaped(x, whole);
            if !self.plan.input_dropout {
                return x;
            }
            let factors = reshaped(self.input_dropout.clone(), [batch, 1, features]);
            return CubeBackend::float_mul(x, factors);
        }
        let weights = transposed(gates_first(self.kernel.clone(), gates));
        let mut x = product(sums, weights, [gates, rows, features]);
        if self.plan.input_dropout {
            let copies = self.input_dropout.meta.shape()[0];
            let factors = reshaped(self.input_dropout.clone(), [copies, batch, 1, features]);
            x = CubeBackend::float_mul(reshaped(x, [gates, batch, steps, features]), factors);
        }
        reshaped(sum(x, 0), whole)
    }

    fn kernel_gradient(&self, sums: CubeTensor) -> CubeTensor {
        let (gates, units, features) = (self.plan.gates(), self.plan.units, self.sizes.features);
        let x = transposed(self.x.clone());
        match self.plan.apart {
            true => gates_last(product(x, sums, [gates, features, units])),
            false => product(x, sums, [features, gates * units]),
        }
    }

    fn recurrent_gradient(&self, saved: &CubeTensor, sums: CubeTensor) -> CubeTensor {
        let (gates, units, rows) = (self.plan.gates(), self.plan.units, self.sizes.rows());
        let Sizes { batch, steps, .. } = self.sizes;
        let parts = SavedParts::new(self.plan.kind, units, rows);
        if !self.plan.apart {
            let h = part(saved, parts.hidden, [rows, units]);
            return product(transposed(h), sums, [units, gates * units]);
        }
        let mut h = part(saved, parts.hidden, [1, rows, units]);
        if self.plan.state_dropout {
            let factors = reshaped(self.state_dropout.clone(), [gates, batch, 1, units]);
            h = CubeBackend::float_mul(reshaped(h, [1, batch, steps, units]), factors);
            h = reshaped(h, [gates, rows, units]);
        }
        if self.plan.kind != Kind::GruResetBefore {
            return gates_last(product(transposed(h), sums, [gates, units, units]));
        }
        // The candidate's product is with the reset state, in which dropout is already.
        let of_gates = |tensor: CubeTensor, from: usize, to: usize| {
            CubeBackend::float_slice(tensor, &[Slice::from(from..to)])
        };
        let first = if self.plan.state_dropout {
            of_gates(h, 0, 2)
        } else {
            h
        };
        let first = product(
            transposed(first),
            of_gates(sums.clone(), 0, 2),
            [2, units, units],
        );
        let reset = part(saved, parts.second, [1, rows, units]);
        let last = product(transposed(reset), of_gates(sums, 2, 3), [1, units, units]);
        gates_last(CubeBackend::float_cat(vec![first, last], 0))
    }

    fn bias_gradient(&self, input: CubeTensor, recurrent: CubeTensor, shape: Shape) -> CubeTensor {
        let width = self.plan.gates() * self.plan.units;
        let rows = |sums: CubeTensor| match self.plan.apart {
            true => reshaped(sum(sums, 1), [1, width]),
            false => reshaped(sum(sums, 0), [1, width]),
        };
        let bias = match self.plan.recurrent_apart() {
            true => CubeBackend::float_cat(vec![rows(input), rows(recurrent)], 0),
            false => rows(input),
        };
        CubeBackend::float_reshape(bias, shape)
    }
}
