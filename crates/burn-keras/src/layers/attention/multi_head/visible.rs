//! Where the steps of a query may see those of a value.

use burn::tensor::{Bool, Tensor};

use super::MultiHeadAttention;
use super::axes::AttendedAxes;
use crate::layers::attention::{causal_mask, window_mask};
use crate::layers::describe;
use crate::tensor::{AnyTensor, Mask};
use crate::{Error, Result};

impl MultiHeadAttention {
    /// Where a query step may see a value step, `[rows, 1 or heads, queries, values]`; `None` if everywhere.
    pub(super) fn visible(
        &self,
        inputs: &[AnyTensor],
        attention_mask: Option<&AnyTensor>,
        axes: &AttendedAxes,
        scores: &Tensor<4>,
    ) -> Result<Option<Tensor<4, Bool>>> {
        let [rows, heads, queries, values] = scores.dims();
        let shape = [rows, 1, queries, values];
        let mut masks = Vec::new();
        for (i, input) in inputs.iter().enumerate() {
            let Some(mask) = input.any_mask() else {
                continue;
            };
            let mask = axes
                .fold_mask(mask, rows)
                .ok_or_else(|| self.mask_elsewhere(mask, axes))?;
            let steps = mask.dims()[1];
            let place = if i == 0 {
                [rows, 1, steps, 1]
            } else {
                [rows, 1, 1, steps]
            };
            masks.push(mask.reshape(place).expand(shape));
        }
        let device = scores.device();
        let ordered = [
            (self.attention.call.use_causal_mask, "use_causal_mask"),
            (self.settings.sliding_window.is_some(), "sliding_window"),
        ];
        if let Some((_, name)) = ordered.into_iter().find(|(on, _)| *on)
            && axes.attended().len() > 1
        {
            let problem = format!(
                "has `{name}`, which needs steps in an order, and `attention_axes` {:?}; name one axis",
                axes.attended()
            );
            return Err(Error::tensor(describe(self), problem));
        }
        if self.attention.call.use_causal_mask {
            let mask = causal_mask(queries, values, &device);
            masks.push(mask.unsqueeze::<4>().expand(shape));
        }
        if let Some(steps) = self.settings.sliding_window {
            let mask = window_mask(queries, values, steps, &device);
            masks.push(mask.unsqueeze::<4>().expand(shape));
        }
        let visible = masks.into_iter().reduce(Tensor::bool_and);
        let Some(mask) = attention_mask else {
            return Ok(visible);
        };
        let [query, value] = [inputs[0].dims(), inputs[1].dims()];
        let wanted = axes.scores(&query, heads, &value);
        let wanted = wanted.to_known().unwrap_or_default();
        let folded = axes.fold_score_mask(mask, &wanted)?.ok_or_else(|| {
            let problem = format!("got an attention mask {:?} for {wanted:?}", mask.shape());
            Error::tensor(describe(self), problem)
        })?;
        Ok(Some(match visible {
            Some(visible) => folded.bool_and(visible.expand([rows, heads, queries, values])),
            None => folded,
        }))
    }

    /// The error about a mask that hides no places of the compared axes; Keras fails there in a broadcast.
    fn mask_elsewhere(&self, mask: &Mask, axes: &AttendedAxes) -> Error {
        let (what, axis) = match mask {
            Mask::Steps(_) => ("[batch, timesteps]", 1),
            Mask::Nested(_) => ("[batch, timesteps, inner steps]", 2),
        };
        Error::tensor(
            describe(self),
            format!(
                "got a mask {what}, which applies with `attention_axes` [{axis}] only; they are {:?}",
                axes.attended()
            ),
        )
    }
}
