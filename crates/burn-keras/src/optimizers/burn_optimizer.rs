//! Every rule as a burn optimizer.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

use super::{Adam, RmsProp, Rule, Sgd};

/// What a rule keeps about one parameter, in burn's form.
#[derive(Clone, Debug)]
pub struct SlotState {
    slots: Vec<Tensor<1>>,
    step: u64,
}

/// Written by hand, since burn's derive works inside burn's own crates only.
impl RecordState for SlotState {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        for (i, slot) in self.slots.iter().enumerate() {
            out.push_tensor(prefix, &format!("slots.{i}"), slot.to_data());
        }
        out.push_scalar(prefix, "step", self.step.into());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let step = src.take_scalar(prefix, "step")?.try_into().ok()?;
        let slots = (0..)
            .map_while(|i| src.take_tensor(prefix, &format!("slots.{i}")))
            .map(|data| Tensor::from_data(data, device))
            .collect();
        Some(Self { slots, step })
    }
}

fn step<const D: usize>(
    rule: &impl Rule,
    learning_rate: LearningRate,
    weight: Tensor<D>,
    gradient: Tensor<D>,
    state: Option<SlotState>,
) -> (Tensor<D>, Option<SlotState>) {
    let shape = weight.shape();
    let count = shape.num_elements();
    let flat = weight.reshape([count]);
    let mut state = state.unwrap_or_else(|| SlotState {
        slots: vec![flat.zeros_like(); rule.slots().len()],
        step: 0,
    });
    state.step += 1;
    let updated = rule.update(
        flat,
        gradient.reshape([count]),
        &mut state.slots,
        learning_rate as f32,
        state.step,
    );
    (updated.reshape(shape), Some(state))
}

macro_rules! burn_optimizers {
    ($($rule:ty),+) => {$(
        impl Optimizer for $rule {
            type State<const D: usize> = SlotState;

            fn step<const D: usize>(
                &self,
                lr: LearningRate,
                tensor: Tensor<D>,
                grad: Tensor<D>,
                state: Option<SlotState>,
            ) -> (Tensor<D>, Option<SlotState>) {
                step(self, lr, tensor, grad, state)
            }

            fn to_device<const D: usize>(mut state: SlotState, device: &Device) -> SlotState {
                state.slots = state.slots.into_iter().map(|s| s.to_device(device)).collect();
                state
            }
        }
    )+};
}

burn_optimizers!(Adam, RmsProp, Sgd);
