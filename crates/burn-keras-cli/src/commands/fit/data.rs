//! What a training is given: samples, labels, and how much they count.

use burn_keras::models::Model;
use burn_keras::training::Fit;
use serde_json::{Map, Value};

use super::Args;
use crate::arrays::{self, Array};
use crate::error::Result;

/// Weights of classes as they are given: `{"0": 1.0, "1": 3.5}`.
#[derive(Clone)]
pub struct ClassWeights(pub Vec<(usize, f32)>);

/// Reads them.
pub fn class_weights(text: &str) -> Result<ClassWeights, String> {
    let object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| r#"it must be a JSON object as {"0": 1.0, "1": 3.5}"#.to_string())?;
    let read = |(class, weight): (String, Value)| match (class.parse(), weight.as_f64()) {
        (Ok(class), Some(weight)) => Ok((class, weight as f32)),
        (Err(_), _) => Err(format!("\"{class}\" is no number of a class")),
        (_, None) => Err(format!(
            "the weight of class {class} is {weight}, which is no number"
        )),
    };
    object
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map(ClassWeights)
}

/// The arrays of a training.
pub struct Data {
    pub x: Vec<Array>,
    pub y: Vec<Array>,
    validation: Option<(Vec<Array>, Vec<Array>)>,
    /// None, or one array.
    sample_weight: Vec<Array>,
}

impl Data {
    /// Those that the options name.
    pub fn read(args: &Args, model: &Model) -> Result<Self> {
        let validation = match (&args.validation_x, &args.validation_y) {
            (Some(x), Some(y)) => Some((arrays::inputs(x, model)?, arrays::targets(y, model)?)),
            _ => None,
        };
        let sample_weight = args.sample_weight.as_deref().map(arrays::single);
        Ok(Self {
            x: arrays::inputs(&args.x, model)?,
            y: arrays::targets(&args.y, model)?,
            validation,
            sample_weight: sample_weight.transpose()?.into_iter().collect(),
        })
    }

    /// The options with the arrays that belong to them.
    pub fn add_to<'a>(&'a self, mut options: Fit<'a>) -> Result<Fit<'a>> {
        if let Some((x, y)) = &self.validation {
            options = options.validation_data(arrays::values(x)?, arrays::values(y)?);
        }
        if !self.sample_weight.is_empty() {
            options = options.sample_weight(arrays::values(&self.sample_weight)?);
        }
        Ok(options)
    }
}
