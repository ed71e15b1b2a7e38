//! How much samples count: weights of classes made weights of samples, and checks of those that are given.

use std::collections::BTreeMap;

use ndarray::{Axis, CowArray};

use super::data::Values;
use crate::dims::Dims;
use crate::error::plural;
use crate::losses::Labels;
use crate::{Error, Result};

/// A weight for each of some classes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassWeights(BTreeMap<usize, f32>);

impl ClassWeights {
    pub fn new(weights: impl IntoIterator<Item = (usize, f32)>) -> Self {
        Self(weights.into_iter().collect())
    }

    /// Refuses what cannot be meant: a weight that is no number, a class that the output does not have.
    pub fn check(&self, output: &Dims) -> Result<()> {
        if let Some((class, weight)) = self.0.iter().find(|(_, w)| !w.is_finite()) {
            return Err(Error::argument(
                "fit",
                "class_weight",
                format!("gives class {class} the weight {weight}; it must be a number"),
            ));
        }
        // One output value tells two classes apart.
        let classes = output.last().map(|n| n.max(2));
        let unknown =
            classes.and_then(|n| self.0.keys().find(|class| **class >= n).map(|c| (c, n)));
        match unknown {
            None => Ok(()),
            Some((class, classes)) => Err(Error::argument(
                "fit",
                "class_weight",
                format!(
                    "names the class {class}, but the output has {classes} classes, 0 to {}",
                    classes - 1
                ),
            )),
        }
    }

    /// The weights of samples (of steps, where each step has a label) with these labels.
    ///
    /// The class of a label with several values is the position of the largest, as in Keras
    /// (`keras/src/trainers/data_adapters/data_adapter_utils.py`). Keras takes class numbers `[samples, timesteps]`
    /// for such values; here every step has the weight of its own class.
    ///
    /// # Errors
    ///
    /// Those of reading labels from a file.
    pub fn of_samples<'a>(&self, labels: &Values<'_>, form: Labels) -> Result<Values<'a>> {
        let labels = labels.to_f32()?;
        let weight = |class: f32| {
            let known = (class >= 0.0).then_some(class.round() as usize);
            known.and_then(|c| self.0.get(&c)).copied().unwrap_or(1.0)
        };
        let last = Axis(labels.ndim().saturating_sub(1));
        let weights = match labels.shape() {
            [_, .., 1] => labels.index_axis(last, 0).mapv(weight),
            [_, .., _] if form != Labels::ClassNumber => labels.map_axis(last, |values| {
                let largest =
                    values
                        .iter()
                        .enumerate()
                        .fold((0, f32::NEG_INFINITY), |best, (i, v)| {
                            if *v > best.1 { (i, *v) } else { best }
                        });
                weight(largest.0 as f32)
            }),
            _ => labels.mapv(weight),
        };
        Ok(Values::Float(CowArray::from(weights)))
    }
}

/// Checks given weights against the outputs they are for, and brings them to real numbers of shape `[samples]` or
/// `[samples, timesteps]`.
///
/// # Errors
///
/// [`Error::Data`] for another number of arrays or samples, or a value that is no number; [`Error::Shape`] for a shape
/// that fits neither samples nor steps.
pub(crate) fn check_sample_weights<'a>(
    name: &str,
    weights: Vec<Values<'a>>,
    outputs: &[Dims],
    x_name: &str,
    samples: usize,
) -> Result<Vec<Values<'a>>> {
    if weights.len() > 1 && weights.len() != outputs.len() {
        return Err(Error::data(
            name,
            format!(
                "has {} arrays, but the model has {} {}; give one array for all, or one for each",
                weights.len(),
                outputs.len(),
                plural(outputs.len(), "output")
            ),
        ));
    }
    let for_all = weights.len() == 1 && outputs.len() > 1;
    let check = |(i, values): (usize, Values<'a>)| {
        if values.samples() != samples {
            return Err(Error::data(
                name,
                format!(
                    "has {} values, but {x_name} has {samples} samples; each sample needs its weight",
                    values.samples()
                ),
            ));
        }
        values.check_finite(name)?;
        let steps = outputs
            .get(i)
            .filter(|_| !for_all)
            .and_then(|output| output.axes().split_last())
            .map(|(_, front)| Dims::new(front.iter().skip(1).copied().collect::<Vec<_>>()));
        let shape = values.shape().to_vec();
        let values = match shape.as_slice() {
            [_] => values,
            [_, sample @ ..]
                if steps.is_some_and(|steps| steps.rank() > 0 && steps.admits(sample)) =>
            {
                values
            }
            [_, 1] => values.reshaped(&[samples])?,
            _ => {
                return Err(Error::shape(
                    "fit",
                    "a weight for each sample, or for each step where the output has timesteps",
                    format!("{name} of shape {}", Dims::known(&shape)),
                    format!(
                        "Bring {name} to [{samples}], or to the output's shape without its last axis."
                    ),
                ));
            }
        };
        Ok(match values {
            Values::Float(_) => values,
            other => Values::Float(CowArray::from(other.to_f32()?.into_owned())),
        })
    };
    weights.into_iter().enumerate().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::data::IntoValues;
    use ndarray::{Array, IxDyn, array};

    fn weights_of(labels: Values<'_>, form: Labels) -> Result<Array<f32, IxDyn>> {
        let weights = ClassWeights::new([(1, 3.0), (2, 0.5)]);
        Ok(weights.of_samples(&labels, form)?.to_f32()?.into_owned())
    }

    #[test]
    fn class_weights_follow_the_class_in_every_form_of_label() -> Result<()> {
        let wanted = array![1.0, 3.0, 0.5].into_dyn();
        let numbers = array![0i32, 1, 2];
        assert_eq!(
            weights_of((&numbers).into_values()?, Labels::ClassNumber)?,
            wanted
        );
        let column = array![[0.0f32], [1.0], [2.0]];
        assert_eq!(
            weights_of((&column).into_values()?, Labels::ClassNumber)?,
            wanted
        );
        let one_hot = array![[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        assert_eq!(
            weights_of((&one_hot).into_values()?, Labels::OneHot)?,
            wanted
        );
        Ok(())
    }

    #[test]
    fn each_step_has_the_weight_of_its_own_class() -> Result<()> {
        let steps = array![[0i32, 1], [2, 1]];
        let wanted = array![[1.0, 3.0], [0.5, 3.0]].into_dyn();
        assert_eq!(
            weights_of((&steps).into_values()?, Labels::ClassNumber)?,
            wanted
        );
        Ok(())
    }

    #[test]
    fn a_class_the_output_does_not_have_is_refused() {
        let text = ClassWeights::new([(3, 1.0)])
            .check(&Dims::known(&[8, 3]))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("names the class 3, but the output has 3 classes, 0 to 2"),
            "{text}"
        );
    }
}
