//! A rule's step on a GPU as one kernel launch for each weight.
//!
//! A rule is written once, over [`Elementwise`]. Here its arithmetic is recorded: what is done with which values, and
//! with which numbers. The record becomes the kernel, so that a rule (with its options) is compiled once; the numbers,
//! such as the learning rate, are handed over at each launch.

use std::any::Any;
use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Sub};
use std::rc::Rc;

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Float, Tensor};
use burn_cubecl::cubecl::calculate_cube_count_elemwise;
use burn_cubecl::cubecl::prelude::{CubeDim, SequenceArg};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::elementwise::Elementwise;

mod kernels;

use kernels::{
    Instruction, Operation, rule_with_1_slot, rule_with_2_slots, rule_with_3_slots,
    rule_without_slots,
};

/// What a rule does. Values are the weight, the gradient, the slots, then what each instruction gives.
#[derive(Debug, Default)]
struct Record {
    instructions: Vec<Instruction>,
    numbers: Vec<f32>,
    values: usize,
}

/// A value of which only its place in a [`Record`] is known.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    record: Rc<RefCell<Record>>,
    place: usize,
}

impl Recorded {
    fn then(&self, operation: Operation, second: usize) -> Self {
        let mut record = self.record.borrow_mut();
        record.instructions.push((operation, self.place, second));
        record.values += 1;
        Self {
            record: Rc::clone(&self.record),
            place: record.values - 1,
        }
    }

    fn with_number(&self, operation: Operation, number: f32) -> Self {
        let place = {
            let mut record = self.record.borrow_mut();
            record.numbers.push(number);
            record.numbers.len() - 1
        };
        self.then(operation, place)
    }
}

macro_rules! recorded_operators {
    ($($operator:ident $function:ident $operation:ident),+) => {$(
        impl $operator for Recorded {
            type Output = Self;

            fn $function(self, other: Self) -> Self {
                self.then(Operation::$operation, other.place)
            }
        }
    )+};
}

recorded_operators!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide);

impl Elementwise for Recorded {
    fn scale(self, factor: f32) -> Self {
        self.with_number(Operation::Scale, factor)
    }

    fn plus(self, number: f32) -> Self {
        self.with_number(Operation::Plus, number)
    }

    fn root(self) -> Self {
        self.then(Operation::Root, 0)
    }

    fn power(self, exponent: f32) -> Self {
        self.with_number(Operation::Power, exponent)
    }

    fn larger(self, other: Self) -> Self {
        self.then(Operation::Larger, other.place)
    }

    fn size(self) -> Self {
        self.then(Operation::Size, 0)
    }

    fn sign_of(self) -> Self {
        self.then(Operation::Sign, 0)
    }

    fn within(self, limit: f32) -> Self {
        self.with_number(Operation::Within, limit)
    }
}

/// A step of a rule in one launch: the new weight; the slots are changed. `None`, and nothing changed, where there is no
/// such kernel: on other devices, with burn's fusion (which makes one of the tensor operations), for other numbers than
/// `f32` or more than 3 slots.
pub(super) fn step(
    weight: &Tensor<1>,
    gradient: &Tensor<1>,
    slots: &mut [Tensor<1>],
    apply: impl FnOnce(Recorded, Recorded, &mut [Recorded]) -> Recorded,
) -> Option<Tensor<1>> {
    let (w, g) = (
        kernel_tensor(weight.clone())?,
        kernel_tensor(gradient.clone())?,
    );
    let fit = |slot: &Tensor<1>| {
        let beside = |slot: CubeTensor| slot.device == w.device && slot.dtype == DType::F32;
        slot.dims() == weight.dims() && primitive(slot.clone()).is_some_and(beside)
    };
    if slots.len() > 3 || w.dtype != DType::F32 || g.dtype != DType::F32 || !slots.iter().all(fit) {
        return None;
    }
    let (instructions, numbers, results) = record(slots.len(), apply);
    // All of them fit, so none is left out below. Taken out, so that a slot nobody else holds is known to be ours to overwrite.
    let mut memory = Vec::with_capacity(slots.len());
    for slot in slots.iter_mut() {
        let own = kernel_tensor(std::mem::replace(slot, weight.clone()))?;
        memory.push(if own.can_mut() { own } else { own.copy() });
    }
    let count = weight.dims()[0];
    let updated = empty_device_contiguous_dtype(
        w.client.clone(),
        w.device.clone(),
        [count].into(),
        DType::F32,
    );
    let client = w.client.clone();
    let cube_dim = CubeDim::new(&client, count);
    let cubes = calculate_cube_count_elemwise(&client, count, cube_dim);
    let mut scalars = SequenceArg::new();
    numbers.into_iter().for_each(|n| scalars.push(n));
    macro_rules! launch {
        ($kernel:ident: $($slot:expr),*) => {
            $kernel::launch(
                &client,
                cubes,
                cube_dim,
                w.into_tensor_arg(),
                g.into_tensor_arg(),
                $($slot.clone().into_tensor_arg(),)*
                updated.clone().into_tensor_arg(),
                scalars,
                instructions,
                results,
            )
        };
    }
    match memory.as_slice() {
        [] => launch!(rule_without_slots:),
        [a] => launch!(rule_with_1_slot: a),
        [a, b] => launch!(rule_with_2_slots: a, b),
        [a, b, c, ..] => launch!(rule_with_3_slots: a, b, c),
    }
    for (slot, changed) in slots.iter_mut().zip(memory) {
        *slot = burn_tensor(changed)?;
    }
    burn_tensor(updated)
}

/// What a rule does, and the places of the new weight and the new slots among the values.
fn record(
    slots: usize,
    apply: impl FnOnce(Recorded, Recorded, &mut [Recorded]) -> Recorded,
) -> (Vec<Instruction>, Vec<f32>, Vec<usize>) {
    let record = Rc::new(RefCell::new(Record {
        values: 2 + slots,
        ..Record::default()
    }));
    let value = |place| Recorded {
        record: Rc::clone(&record),
        place,
    };
    let mut kept: Vec<Recorded> = (2..2 + slots).map(value).collect();
    let updated = apply(value(0), value(1), &mut kept);
    let results = std::iter::once(&updated).chain(&kept).map(|v| v.place);
    let results = results.collect();
    let record = std::mem::take(&mut *record.borrow_mut());
    (record.instructions, record.numbers, results)
}

/// What kernels work on.
fn kernel_tensor(tensor: Tensor<1>) -> Option<CubeTensor> {
    primitive(tensor).map(into_contiguous)
}

/// A tensor as it lies on the device; `None` on other devices and with fusion.
fn primitive(tensor: Tensor<1>) -> Option<CubeTensor> {
    let primitive: Box<dyn Any> = Box::new(tensor.try_into_primitive::<Cube>().ok()?);
    let tensor = primitive.downcast::<CubeTensor>().ok()?;
    Some(*tensor)
}

/// The way back.
fn burn_tensor(tensor: CubeTensor) -> Option<Tensor<1>> {
    let tensor: Box<dyn Any> = Box::new(tensor);
    let primitive = tensor.downcast::<FloatTensor<Cube>>().ok()?;
    Some(Tensor::<1, Float>::from_primitive::<Cube>(*primitive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_does_is_recorded_in_order() {
        // slot = slot * 0.5 + gradient;  weight - slot
        let (instructions, numbers, results) = record(1, |weight, gradient, slots| {
            slots[0] = slots[0].clone().scale(0.5) + gradient;
            weight - slots[0].clone()
        });
        assert_eq!(
            instructions,
            [
                (Operation::Scale, 2, 0),
                (Operation::Add, 3, 1),
                (Operation::Subtract, 0, 4)
            ]
        );
        assert_eq!(numbers, [0.5]);
        assert_eq!(results, [5, 4]);
    }
}
