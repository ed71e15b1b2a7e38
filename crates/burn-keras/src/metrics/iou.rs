//! How far two regions are the same: their intersection over their union.

use burn::tensor::{Int, Tensor};

use super::kept::kept_tensors;
use super::{Metric, metric_basics, metric_struct};
use crate::losses::{EPSILON, Labels, last_axis};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// How often each class (rows) was taken for each class (columns), `[classes, classes]`.
#[derive(Clone, Debug, Default)]
pub(super) struct ClassMatrix(Option<[Tensor<2>; 1]>);

kept_tensors!(ClassMatrix { 0 });

/// How a metric reads labels and output.
struct Reading {
    place: &'static str,
    classes: usize,
    ignore_class: Option<i64>,
    sparse_y_true: bool,
    sparse_y_pred: bool,
    /// The output's values above or at this are class 1, the others class 0.
    threshold: Option<f32>,
    /// Whether the fraction of a weight is cut off.
    in_whole_numbers: bool,
}

/// Whether a metric of this type counts in whole numbers.
///
/// # Errors
///
/// [`Error::Argument`] for a type that is neither whole nor real.
fn is_whole(place: &str, dtype: &str) -> Result<bool> {
    match dtype {
        "int" | "int32" | "int64" => Ok(true),
        "float32" => Ok(false),
        other => {
            let problem = format!("is \"{other}\"; it must be \"int32\" or \"float32\"");
            Err(Error::argument(place, "dtype", problem))
        }
    }
}

fn classes_of(tensor: &AnyTensor, sparse: bool) -> Result<Tensor<1, Int>> {
    if sparse {
        return tensor.int_as([tensor.shape().iter().product()]);
    }
    let rows = tensor.float_rows()?;
    let count = rows.dims()[0];
    AnyTensor::from(rows.argmax(1)).int_as([count])
}

impl ClassMatrix {
    fn update(
        &mut self,
        reading: &Reading,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        let t = classes_of(y_true, reading.sparse_y_true)?.float();
        let p = match reading.threshold {
            Some(threshold) => y_pred.float_flat()?.greater_equal_elem(threshold).float(),
            None => classes_of(y_pred, reading.sparse_y_pred)?.float(),
        };
        let count = p.dims()[0];
        if t.dims()[0] != count {
            let problem = format!(
                "got {} labels for {count} values of the output",
                t.dims()[0]
            );
            return Err(Error::tensor(reading.place, problem));
        }
        let device = p.device();
        let mut w: Tensor<1> = match weights {
            Some(weights) => {
                let rows = weights.dims()[0].max(1);
                let mut weights = weights.clone().reshape([rows, 1]);
                if reading.in_whole_numbers {
                    weights = weights.int().float();
                }
                weights.expand([rows, count / rows]).reshape([count])
            }
            None => Tensor::ones([count], &device),
        };
        if let Some(ignored) = reading.ignore_class {
            w = w * t.clone().not_equal_elem(ignored as f32).float();
        }
        // A class that does not exist is equal to none of these, and so counts nowhere.
        let numbers = Tensor::<1, Int>::arange(0..reading.classes as i64, &device).float();
        let one_hot = |values: Tensor<1>| -> Tensor<2> {
            let shape = [count, reading.classes];
            let values = values.reshape([count, 1]).expand(shape);
            let numbers = numbers.clone().reshape([1, reading.classes]).expand(shape);
            values.equal(numbers).float()
        };
        let t = one_hot(t) * w.reshape([count, 1]);
        let new = t.transpose().matmul(one_hot(p));
        self.0 = Some(match self.0.take() {
            Some([sum]) => [sum + new],
            None => [new],
        });
        Ok(())
    }

    /// The mean over `targets` of intersection over union, classes that never came left out.
    fn result(&self, classes: usize, targets: &[usize]) -> Result<f64> {
        let Some([matrix]) = &self.0 else {
            return Ok(0.0);
        };
        let values = AnyTensor::from(matrix.clone()).to_vec()?;
        let at = |row: usize, column: usize| f64::from(values[row * classes + column]);
        let (mut sum, mut found) = (0.0, 0.0);
        for class in targets {
            let line = |other: usize| at(*class, other) + at(other, *class);
            let union = (0..classes).map(line).sum::<f64>() - at(*class, *class);
            if union > 1e-9 {
                sum += at(*class, *class) / (union + f64::from(EPSILON));
                found += 1.0;
            }
        }
        Ok(sum / (found + f64::from(EPSILON)))
    }
}

fn check_targets(place: &str, classes: usize, targets: &[usize]) -> Result<()> {
    match targets.iter().max() {
        Some(largest) if *largest >= classes => {
            let problem =
                format!("names class {largest}, but there are {classes}, numbered from 0");
            Err(Error::argument(place, "target_class_ids", problem))
        }
        Some(_) => Ok(()),
        None => Err(Error::argument(
            place,
            "target_class_ids",
            "is empty; name at least one class",
        )),
    }
}

macro_rules! ious {
    ($(
        $(#[$meta:meta])*
        $metric:ident($($required:ident: $type:ty),*), $class:literal, $name:literal, $targets:expr,
        $sparse_true:expr, { $($options:tt)* };
    )+) => {$(
        metric_struct! {
            $(#[$meta])*
            pub struct $metric(ClassMatrix)($($required: $type),*) {
                /// A class of the labels that does not count.
                ignore_class: Option<i64> = None,
                $($options)*
                /// `"int32"`: weights count in whole numbers, their fraction is cut off; `"float32"`: as they are.
                dtype: String = "int32".to_string(),
                /// The axis of the classes where they are not numbers; only the last one, -1, is supported.
                axis: i64 = -1,
            }
        }

        impl Metric for $metric {
            metric_basics!($class, $name);

            fn labels(&self) -> Labels {
                Labels::Any
            }

            fn update(
                &mut self,
                y_true: &AnyTensor,
                y_pred: &AnyTensor,
                weights: Option<&Tensor<1>>,
            ) -> Result<()> {
                last_axis($name, self.axis, y_pred)?;
                let sparse_true: fn(&Self) -> bool = $sparse_true;
                let reading = Reading {
                    place: $name,
                    classes: self.num_classes,
                    ignore_class: self.ignore_class,
                    sparse_y_true: sparse_true(self),
                    sparse_y_pred: self.sparse_y_pred,
                    threshold: None,
                    in_whole_numbers: is_whole($name, &self.dtype)?,
                };
                self.state.update(&reading, y_true, y_pred, weights)
            }

            fn result(&self) -> Result<f64> {
                let targets: fn(&Self) -> Vec<usize> = $targets;
                self.state.result(self.num_classes, &targets(self))
            }

            fn check(&self) -> Result<()> {
                is_whole($name, &self.dtype)?;
                let targets: fn(&Self) -> Vec<usize> = $targets;
                check_targets($name, self.num_classes, &targets(self))
            }
        }
    )+};
}

ious! {
    /// Intersection over union of some classes, for labels and outputs that are class numbers.
    ///
    /// ```
    /// use burn_keras::metrics::IoU;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", IoU::new(3, vec![0, 1, 2]))?;
    /// let (y_pred, y_true) = (array![[0.0], [1.0], [2.0], [1.0]], array![[0.0], [1.0], [2.0], [2.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("io_u").unwrap_or(f64::NAN);
    /// assert!((value - 0.6667).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    IoU(num_classes: usize, target_class_ids: Vec<usize>), "IoU", "io_u",
        |metric| metric.target_class_ids.clone(), |metric| metric.sparse_y_true, {
        /// Whether labels are class numbers, else one-hot.
        sparse_y_true: bool = true,
        /// Whether the output is class numbers, else one value for each class.
        sparse_y_pred: bool = true,
    };
    /// The mean intersection over union of all classes, for labels and outputs that are class numbers.
    ///
    /// ```
    /// use burn_keras::metrics::MeanIoU;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", MeanIoU::new(3))?;
    /// let (y_pred, y_true) = (array![[0.0], [1.0], [2.0], [1.0]], array![[0.0], [1.0], [2.0], [2.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("mean_io_u").unwrap_or(f64::NAN);
    /// assert!((value - 0.6667).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    MeanIoU(num_classes: usize), "MeanIoU", "mean_io_u",
        |metric| (0..metric.num_classes).collect(), |metric| metric.sparse_y_true, {
        /// Whether labels are class numbers, else one-hot.
        sparse_y_true: bool = true,
        /// Whether the output is class numbers, else one value for each class.
        sparse_y_pred: bool = true,
    };
    /// Intersection over union of some classes, for one-hot labels and one value for each class.
    ///
    /// ```
    /// use burn_keras::metrics::OneHotIoU;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", OneHotIoU::new(3, vec![0, 1]))?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("one_hot_io_u").unwrap_or(f64::NAN);
    /// assert!((value - 0.5).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    OneHotIoU(num_classes: usize, target_class_ids: Vec<usize>), "OneHotIoU", "one_hot_io_u",
        |metric| metric.target_class_ids.clone(), |_| false, {
        /// Whether the output is class numbers, else one value for each class.
        sparse_y_pred: bool = false,
    };
    /// The mean intersection over union of all classes, for one-hot labels and one value for each class.
    ///
    /// ```
    /// use burn_keras::metrics::OneHotMeanIoU;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", OneHotMeanIoU::new(3))?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("one_hot_mean_io_u").unwrap_or(f64::NAN);
    /// assert!((value - 0.6667).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    OneHotMeanIoU(num_classes: usize), "OneHotMeanIoU", "one_hot_mean_io_u",
        |metric| (0..metric.num_classes).collect(), |_| false, {
        /// Whether the output is class numbers, else one value for each class.
        sparse_y_pred: bool = false,
    };
}

metric_struct! {
    /// The mean intersection over union of 0 and 1.
    ///
    /// ```
    /// use burn_keras::metrics::BinaryIoU;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", BinaryIoU::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("binary_io_u").unwrap_or(f64::NAN);
    /// assert!((value - 0.5833).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct BinaryIoU(ClassMatrix)() {
        /// Which of 0 and 1 count.
        target_class_ids: Vec<usize> = vec![0, 1],
        /// An output at or above this is a 1.
        threshold: f32 = 0.5,
        /// `"int32"`: weights count in whole numbers, their fraction is cut off; `"float32"`: as they are.
        dtype: String = "int32".to_string(),
    }
}

impl Metric for BinaryIoU {
    metric_basics!("BinaryIoU", "binary_io_u");

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        let reading = Reading {
            place: "binary_io_u",
            classes: 2,
            ignore_class: None,
            sparse_y_true: true,
            sparse_y_pred: true,
            threshold: Some(self.threshold),
            in_whole_numbers: is_whole("binary_io_u", &self.dtype)?,
        };
        self.state.update(&reading, y_true, y_pred, weights)
    }

    fn result(&self) -> Result<f64> {
        self.state.result(2, &self.target_class_ids)
    }

    fn check(&self) -> Result<()> {
        is_whole("binary_io_u", &self.dtype)?;
        check_targets("binary_io_u", 2, &self.target_class_ids)
    }
}
