//! Every rule as a burn optimizer.

use burn::optim::{LearningRate, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

use super::{Rule, Step};

/// What a rule keeps about one parameter, in burn's form.
#[derive(Clone, Debug)]
pub struct SlotState {
    slots: Vec<Tensor<1>>,
    step: u64,
}

impl SlotState {
    pub(super) fn moved_to(mut self, device: &Device) -> Self {
        self.slots = self
            .slots
            .into_iter()
            .map(|s| s.to_device(device))
            .collect();
        self
    }
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

pub(super) fn step<const D: usize>(
    rule: &impl Rule,
    learning_rate: LearningRate,
    weight: Tensor<D>,
    gradient: Tensor<D>,
    state: Option<SlotState>,
) -> (Tensor<D>, Option<SlotState>) {
    let shape = weight.shape();
    let dims = shape.to_vec();
    let count = shape.num_elements();
    let mut flat = weight.reshape([count]);
    let mut state = state.unwrap_or_else(|| SlotState {
        slots: rule
            .slots(&dims, "")
            .iter()
            .map(|slot| Tensor::full([slot.count()], slot.initial, &flat.device()))
            .collect(),
        step: 0,
    });
    state.step += 1;
    let step = Step {
        learning_rate: learning_rate as f32,
        number: state.step,
        shape: &dims,
        path: "",
    };
    if let Some(decay) = rule.weight_decay(&step, None) {
        flat = flat.clone() - flat * (decay * step.learning_rate);
    }
    let updated = rule.update(flat, gradient.reshape([count]), &mut state.slots, &step);
    (updated.reshape(shape), Some(state))
}

macro_rules! burn_optimizers {
    ($($rule:ident),+) => {$(
        impl burn::optim::Optimizer for $rule {
            type State<const D: usize> = SlotState;

            fn step<const D: usize>(
                &self,
                lr: burn::optim::LearningRate,
                tensor: burn::tensor::Tensor<D>,
                grad: burn::tensor::Tensor<D>,
                state: Option<SlotState>,
            ) -> (burn::tensor::Tensor<D>, Option<SlotState>) {
                burn_optimizer::step(self, lr, tensor, grad, state)
            }

            fn to_device<const D: usize>(
                state: SlotState,
                device: &burn::tensor::Device,
            ) -> SlotState {
                state.moved_to(device)
            }
        }
    )+};
}
pub(super) use burn_optimizers;
