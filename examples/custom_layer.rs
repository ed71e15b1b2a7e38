//! A layer of one's own: a struct with `#[derive(Module)]` and one trait implementation.
//!
//!     cargo run --release --example custom_layer
//!
//! `Decay` forgets at a speed that it learns for every feature: `y[t] = a y[t - 1] + (1 - a) x[t]`, with `a` the sigmoid
//! of its weight. It is built, trained, counted by the summary and brought back from a configuration like any layer of
//! the library. The task: of two noisy series, tell whether the slow average of the first one ends above 0; the second
//! one is a distraction.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation};
use burn_keras::config::Config;
use burn_keras::dims::Dims;
use burn_keras::initializers::Initializer;
use burn_keras::layers::{Context, Layer, LayerOptions, MaskPolicy, Registry, WeightBuilder};
use burn_keras::ndarray::{Array2, Array3};
use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras::tensor::AnyTensor;
use serde_json::{Map, Value, json};

/// `[batch, timesteps, features]` to the last average, `[batch, features]`.
#[derive(Module, Debug)]
struct Decay {
    speed: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    start: f32,
}

impl Decay {
    /// A layer whose weights start at `start`.
    fn new(start: f32) -> Self {
        Self {
            speed: None,
            options: LayerOptions::default(),
            start,
        }
    }
}

impl Layer for Decay {
    fn class_name(&self) -> &str {
        "Decay"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = inputs[0].last().unwrap_or(1);
        let start = Initializer::Constant { value: self.start };
        self.speed = Some(weights.weight([features], &start)?);
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![Dims::new([inputs[0].axis(0), inputs[0].last()])])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x: Tensor<3> = inputs[0].float()?;
        let [batch, timesteps, features] = x.dims();
        let Some(speed) = &self.speed else {
            return Err(Error::NotBuilt {
                needed_for: "Decay".to_string(),
            });
        };
        let keep = activation::sigmoid(speed.val()).reshape([1, features]);
        let mut average = Tensor::zeros([batch, features], (&x.device(), x.dtype()));
        for t in 0..timesteps {
            let step = x.clone().narrow(1, t, 1).reshape([batch, features]);
            average = average * keep.clone() + step * (-keep.clone() + 1.0);
        }
        Ok(vec![average.into()])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("start".to_string(), json!(self.start))])
    }
}

/// Two random walks of 20 steps, and whether an average of the first with `a = 0.9` ends above 0.
fn data(samples: usize) -> (Array3<f32>, Array2<f32>) {
    let mut generator = Generator::new(7);
    let x = Array3::from_shape_fn((samples, 20, 2), |_| generator.normal());
    let y = Array2::from_shape_fn((samples, 1), |(sample, _)| {
        let average = (0..20).fold(0.0, |a, t| 0.9 * a + 0.1 * x[[sample, t, 0]]);
        f32::from(u8::from(average > 0.0))
    });
    (x, y)
}

fn main() -> Result<()> {
    set_random_seed(1);
    let (x, y) = data(2000);
    let mut model = Sequential::new();
    model.add(Decay::new(0.0).input_shape([20, 2]))?;
    model.add(Dense::new(1).activation("sigmoid"))?;
    model.compile(
        Adam::new().learning_rate(0.02),
        "binary_crossentropy",
        ["accuracy"],
    )?;
    println!("{}", model.summary());

    let history = model.fit(&x, &y, Fit::new().epochs(30).verbose(0))?;
    let accuracy = history.get("accuracy");
    println!(
        "accuracy {:.2}, then {:.2}",
        accuracy[0],
        accuracy[accuracy.len() - 1]
    );
    let speed = model.get_weights()?[0][[0]];
    println!(
        "the first series is averaged with a = {:.2}; 0.90 is right",
        1.0 / (1.0 + (-speed).exp())
    );

    // With its name in the registry the layer comes back from a configuration, and so from files.
    let mut registry = Registry::new();
    registry.register("Decay", |config: &Config| {
        Ok(Decay::new(config.f32_or("start", 0.0)?))
    });
    let object = json!({"class_name": "Sequential", "config": Layer::config(&*model)});
    let copy = Model::from_config(&object, &registry)?;
    copy.set_weights(&model.get_weights()?)?;
    println!(
        "the copy predicts the same: {}",
        copy.predict(&x)? == model.predict(&x)?
    );
    Ok(())
}
