//! What a model is trained with: an optimizer, losses and metrics, given as names or as values.

use burn::tensor::Device;

use super::output_metrics::OutputMetrics;
use crate::losses::{self, Loss, Reduction};
use crate::metrics::{self, Metric, MetricSpec};
use crate::models::Model;
use crate::optimizers::{self, Optimizer, OptimizerState, RuleExt};
use crate::{Error, Result};

/// What [`Model::compile`] accepts as an optimizer: a name (`"rmsprop"`) or a rule (`RmsProp::new().learning_rate(1e-4)`).
pub trait IntoOptimizer {
    /// The optimizer.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_optimizer(self) -> Result<Optimizer>;
}

impl IntoOptimizer for &str {
    fn into_optimizer(self) -> Result<Optimizer> {
        Ok(optimizers::by_name(self)?.into())
    }
}

impl<R: RuleExt> IntoOptimizer for R {
    fn into_optimizer(self) -> Result<Optimizer> {
        Ok(self.into_plain())
    }
}

/// What [`Model::compile`] accepts as losses: one for all outputs or one each; a name, a loss, or arrays of them.
pub trait IntoLoss {
    /// The losses.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_losses(self) -> Result<Vec<Box<dyn Loss>>>;
}

impl IntoLoss for &str {
    fn into_losses(self) -> Result<Vec<Box<dyn Loss>>> {
        Ok(vec![losses::by_name(self)?])
    }
}

impl<L: Loss + 'static> IntoLoss for L {
    fn into_losses(self) -> Result<Vec<Box<dyn Loss>>> {
        Ok(vec![Box::new(self)])
    }
}

impl IntoLoss for Vec<Box<dyn Loss>> {
    fn into_losses(self) -> Result<Vec<Box<dyn Loss>>> {
        Ok(self)
    }
}

impl<const N: usize> IntoLoss for [&str; N] {
    fn into_losses(self) -> Result<Vec<Box<dyn Loss>>> {
        self.into_iter().map(losses::by_name).collect()
    }
}

/// What [`Model::compile`] accepts as metrics: `()` for none, one name or several, metrics, or tuples of both.
pub trait IntoMetrics {
    /// The metrics.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_metrics(self) -> Result<Vec<MetricSpec>>;
}

impl IntoMetrics for () {
    fn into_metrics(self) -> Result<Vec<MetricSpec>> {
        Ok(Vec::new())
    }
}

impl IntoMetrics for &str {
    fn into_metrics(self) -> Result<Vec<MetricSpec>> {
        metrics::check_name(self)?;
        Ok(vec![MetricSpec::Named(self.to_string())])
    }
}

impl<M: Metric + 'static> IntoMetrics for M {
    fn into_metrics(self) -> Result<Vec<MetricSpec>> {
        Ok(vec![MetricSpec::Given(Box::new(self))])
    }
}

impl IntoMetrics for Vec<MetricSpec> {
    fn into_metrics(self) -> Result<Vec<MetricSpec>> {
        Ok(self)
    }
}

impl IntoMetrics for Vec<&str> {
    fn into_metrics(self) -> Result<Vec<MetricSpec>> {
        joined(self)
    }
}

impl<T: IntoMetrics, const N: usize> IntoMetrics for [T; N] {
    fn into_metrics(self) -> Result<Vec<MetricSpec>> {
        joined(self)
    }
}

fn joined<T: IntoMetrics>(items: impl IntoIterator<Item = T>) -> Result<Vec<MetricSpec>> {
    let mut all = Vec::new();
    for item in items {
        all.extend(item.into_metrics()?);
    }
    Ok(all)
}

macro_rules! tuple_metrics {
    ($($name:ident),+) => {
        impl<$($name: IntoMetrics),+> IntoMetrics for ($($name,)+) {
            fn into_metrics(self) -> Result<Vec<MetricSpec>> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                let mut all = Vec::new();
                $(all.extend($name.into_metrics()?);)+
                Ok(all)
            }
        }
    };
}

tuple_metrics!(A);
tuple_metrics!(A, B);
tuple_metrics!(A, B, C);
tuple_metrics!(A, B, C, D);

/// How a model is to be trained, for what [`Model::compile`]'s three arguments cannot say.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile_with(Compile::new("adam", "mse")?.metrics(["mae"])?.loss_weights([2.0]))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Compile {
    optimizer: Optimizer,
    losses: Vec<Box<dyn Loss>>,
    metrics: OutputMetrics,
    weighted_metrics: OutputMetrics,
    loss_weights: Vec<f32>,
}

impl Compile {
    /// An optimizer, and a loss for all outputs or one for each.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn new(optimizer: impl IntoOptimizer, loss: impl IntoLoss) -> Result<Self> {
        Ok(Self {
            optimizer: optimizer.into_optimizer()?,
            losses: loss.into_losses()?,
            metrics: OutputMetrics::default(),
            weighted_metrics: OutputMetrics::default(),
            loss_weights: Vec::new(),
        })
    }

    /// What is reported beside the loss, for every output.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn metrics(mut self, metrics: impl IntoMetrics) -> Result<Self> {
        self.metrics.of_all = metrics.into_metrics()?;
        Ok(self)
    }

    /// What is reported for the output of this name only, beside [`Compile::metrics`]: an entry of the dict that Keras'
    /// `metrics` may be for a model with several outputs.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let x = Input::new([4]);
    /// let kind = Dense::new(3).activation("softmax").name("kind").call(&x)?;
    /// let price = Dense::new(1).name("price").call(&x)?;
    /// let mut model = Model::new(&x, (&kind, &price))?;
    /// let compile = Compile::new("adam", ["sparse_categorical_crossentropy", "mse"])?;
    /// model.compile_with(compile.metrics_of("kind", ["accuracy"])?.metrics_of("price", ["mae"])?)?;
    /// // `fit` reports kind_accuracy and price_mae.
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names, of an output by [`Model::compile_with`].
    pub fn metrics_of(
        mut self,
        output: impl Into<String>,
        metrics: impl IntoMetrics,
    ) -> Result<Self> {
        let metrics = metrics.into_metrics()?;
        self.metrics.of_some.push((output.into(), metrics));
        Ok(self)
    }

    /// [`Compile::weighted_metrics`] of the output of this name only.
    ///
    /// # Errors
    ///
    /// As [`Compile::metrics_of`].
    pub fn weighted_metrics_of(
        mut self,
        output: impl Into<String>,
        metrics: impl IntoMetrics,
    ) -> Result<Self> {
        let metrics = metrics.into_metrics()?;
        self.weighted_metrics.of_some.push((output.into(), metrics));
        Ok(self)
    }

    /// The same with samples counting by their `sample_weight` or `class_weight`: a mean is divided by the sum of the
    /// weights. One that has the name of one of [`Compile::metrics`] is reported with `weighted_` in front.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn weighted_metrics(mut self, metrics: impl IntoMetrics) -> Result<Self> {
        self.weighted_metrics.of_all = metrics.into_metrics()?;
        Ok(self)
    }

    /// How much each output's loss counts in the sum (1 unless told otherwise).
    pub fn loss_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.loss_weights = weights.into();
        self
    }
}

/// The part of a model that trains it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub optimizer: OptimizerState,
    pub losses: Vec<Box<dyn Loss>>,
    pub metrics: OutputMetrics,
    pub weighted_metrics: OutputMetrics,
    pub loss_weights: Vec<f32>,
}

impl Clone for Compiled {
    fn clone(&self) -> Self {
        Self {
            optimizer: self.optimizer.clone(),
            losses: self.losses.iter().map(|l| l.boxed_clone()).collect(),
            metrics: self.metrics.clone(),
            weighted_metrics: self.weighted_metrics.clone(),
            loss_weights: self.loss_weights.clone(),
        }
    }
}

impl Compiled {
    /// The part of a model that moves to this device: what the optimizer has learned goes with the weights.
    pub fn moved_to(self, device: &Device) -> Self {
        Self {
            optimizer: self.optimizer.moved_to(device),
            ..self
        }
    }

    /// The loss of output number `index` of `count`, and how much it counts.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] when there are neither one loss nor as many as outputs.
    pub fn loss(&self, index: usize, count: usize) -> Result<(&dyn Loss, f32)> {
        let loss = match self.losses.as_slice() {
            [one] => Some(one),
            many if many.len() == count => many.get(index),
            _ => None,
        };
        let loss = loss.ok_or_else(|| {
            Error::Model(format!(
                "the model has {count} {}, but it was compiled with {} losses: give one for all, or one for each",
                crate::error::plural(count, "output"),
                self.losses.len()
            ))
        })?;
        let weight = match self.loss_weights.as_slice() {
            [] => 1.0,
            weights if weights.len() == count => weights[index],
            weights => {
                return Err(Error::Model(format!(
                    "the model has {count} {}, but it was compiled with {} loss weights: give one for each output",
                    crate::error::plural(count, "output"),
                    weights.len()
                )));
            }
        };
        Ok((&**loss, weight))
    }
}

impl Model {
    /// Says how the model is to be trained: optimizer, loss and metrics, as Keras names them or as values.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Dense::new(10).activation("softmax").input_shape([64]))?;
    /// model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    /// model.compile(Adam::new().learning_rate(1e-4), "sparse_categorical_crossentropy", ())?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn compile(
        &mut self,
        optimizer: impl IntoOptimizer,
        loss: impl IntoLoss,
        metrics: impl IntoMetrics,
    ) -> Result<()> {
        self.compile_with(Compile::new(optimizer, loss)?.metrics(metrics)?)
    }

    /// Says how the model is to be trained, with everything [`Compile`] can say.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] when a built model has another number of outputs than losses or loss weights were given for;
    /// [`Error::UnknownName`] for metrics of an output that it does not have.
    pub fn compile_with(&mut self, compile: Compile) -> Result<()> {
        compile.optimizer.check()?;
        for loss in &compile.losses {
            loss.check()?;
            if loss.reduction() == Reduction::None {
                let problem =
                    "is none; training needs one value: use Reduction::Sum or leave it out";
                return Err(Error::argument(loss.name(), "reduction", problem));
            }
        }
        for metric in compile
            .metrics
            .iter()
            .chain(compile.weighted_metrics.iter())
        {
            metric.check()?;
        }
        let compiled = Compiled {
            optimizer: OptimizerState::new(compile.optimizer),
            losses: compile.losses,
            metrics: compile.metrics,
            weighted_metrics: compile.weighted_metrics,
            loss_weights: compile.loss_weights,
        };
        if self.is_built() {
            let outputs = self.output_shapes()?.len();
            (0..outputs).try_for_each(|i| compiled.loss(i, outputs).map(|_| ()))?;
            let names = self.output_names()?;
            compiled.metrics.check_outputs(&names)?;
            compiled.weighted_metrics.check_outputs(&names)?;
        }
        self.compiled = Some(compiled);
        Ok(())
    }

    /// The learning rate of the next step.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`].
    pub fn learning_rate(&self) -> Result<f32> {
        Ok(self
            .compiled_for("learning_rate")?
            .optimizer
            .learning_rate())
    }

    /// Changes the learning rate; what the optimizer has learned about the weights is kept.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`]; [`Error::Argument`] where a schedule sets the rate.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<()> {
        self.compiled_for_mut("set_learning_rate")?
            .optimizer
            .set_learning_rate(learning_rate)
    }

    pub(crate) fn compiled_for(&self, needed_for: &str) -> Result<&Compiled> {
        self.compiled.as_ref().ok_or_else(|| Error::NotCompiled {
            needed_for: needed_for.to_string(),
        })
    }

    pub(crate) fn compiled_for_mut(&mut self, needed_for: &str) -> Result<&mut Compiled> {
        self.compiled.as_mut().ok_or_else(|| Error::NotCompiled {
            needed_for: needed_for.to_string(),
        })
    }
}
