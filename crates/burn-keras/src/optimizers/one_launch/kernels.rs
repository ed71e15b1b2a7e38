//! The kernels of [`one_launch`](super): instructions followed for each value of a weight.

use burn_cubecl::cubecl::{self, prelude::*};

/// What an instruction does with one or two values, or with a value and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Larger,
    Root,
    Size,
    Sign,
    Scale,
    Plus,
    Power,
    Within,
}

/// An operation, the place of its value, and that of its second value or number.
pub(super) type Instruction = (Operation, usize, usize);

/// Adds to the values what one instruction gives.
#[cube]
fn follow(
    values: &mut Sequence<f32>,
    numbers: &Sequence<f32>,
    #[comptime] operation: Operation,
    #[comptime] first: usize,
    #[comptime] second: usize,
) {
    let a = values[first];
    let result = match comptime![operation] {
        Operation::Add => a + values[second],
        Operation::Subtract => a - values[second],
        Operation::Multiply => a * values[second],
        Operation::Divide => a / values[second],
        Operation::Larger => select(values[second] > a, values[second], a),
        Operation::Root => a.sqrt(),
        Operation::Size => a.abs(),
        Operation::Sign => select(a > 0.0, 1.0f32, select(a < 0.0, -1.0f32, 0.0f32)),
        Operation::Scale => a * numbers[second],
        Operation::Plus => a + numbers[second],
        Operation::Power => a.powf(numbers[second]),
        Operation::Within => {
            let limit = numbers[second];
            select(a > limit, limit, select(a < -limit, -limit, a))
        }
    };
    values.push(result);
}

/// Follows all instructions.
#[cube]
#[allow(unused_variables)]
fn follow_all(
    values: &mut Sequence<f32>,
    numbers: &Sequence<f32>,
    #[comptime] instructions: Vec<Instruction>,
) {
    intrinsic!(|scope| {
        for (operation, first, second) in instructions {
            follow::expand(scope, values, numbers, operation, first, second);
        }
    })
}

/// A kernel for rules with so many slots, which it changes in place; `results` are the places of the new weight and of
/// the new slots.
macro_rules! kernel {
    ($name:ident: $($slot:ident $place:literal),*) => {
        #[cube(launch)]
        pub(super) fn $name(
            weight: &Tensor<f32>,
            gradient: &Tensor<f32>,
            $($slot: &mut Tensor<f32>,)*
            updated: &mut Tensor<f32>,
            numbers: &Sequence<f32>,
            #[comptime] instructions: Vec<Instruction>,
            #[comptime] results: Vec<usize>,
        ) {
            let i = ABSOLUTE_POS;
            if i < updated.len() {
                let mut values = Sequence::<f32>::new();
                values.push(weight[i]);
                values.push(gradient[i]);
                $(values.push($slot[i]);)*
                follow_all(&mut values, numbers, instructions);
                updated[i] = values[comptime!(results[0])];
                $($slot[i] = values[comptime!(results[$place])];)*
            }
        }
    };
}

kernel!(rule_without_slots:);
kernel!(rule_with_1_slot: first 1);
kernel!(rule_with_2_slots: first 1, second 2);
kernel!(rule_with_3_slots: first 1, second 2, third 3);
