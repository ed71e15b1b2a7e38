//! Cells on top of each other, at each step.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use serde_json::{Map, Value};

use super::{AnyCell, Cell, DropoutMasks, IntoCell, refuse_activity_regularizer};
use crate::config::Config;
use crate::layers::{
    Context, DynLayer, LayerOptions, Registry, WeightBuilder, WeightRule, frozen_in, layer_object,
};
use crate::{Error, Result};

/// Several cells as one: at each step the first one's output is the second one's input, and so on; the last one's comes
/// out. Its states are those of all cells, the first one's first.
///
/// `Rnn::new([..])` makes one; it is seldom named.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Rnn::new([LstmCell::new(8), LstmCell::new(4)]).input_shape([5, 3]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 4)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "StackedRNNCells")]
#[derive(Module, Debug)]
pub struct StackedRnnCells {
    cells: Vec<AnyCell>,
    #[module(skip)]
    options: LayerOptions,
}

impl StackedRnnCells {
    /// The stack of these cells, the first one lowest; an empty one is reported by `add` or `call`.
    pub fn new<C: IntoCell>(cells: impl IntoIterator<Item = C>) -> Self {
        let mut stack = Self {
            cells: cells.into_iter().map(IntoCell::into_cell).collect(),
            options: LayerOptions::default(),
        };
        if stack.cells.is_empty() {
            let empty = Error::argument("", "", "is empty; a stack needs at least one cell");
            stack.options.accept::<()>("cells", Err(empty));
        }
        for cell in &stack.cells {
            stack.options.adopt_problem(Cell::options(cell));
            refuse_activity_regularizer(&mut stack.options, cell);
        }
        stack
    }

    /// Reads the cells from Keras' configuration, by the classes of a registry.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] without a list of cells; those of [`Registry::layer_from_json`].
    pub fn from_config(config: &Config, registry: &Registry) -> Result<Self> {
        let cells = config
            .get("cells")
            .and_then(Value::as_array)
            .ok_or_else(|| Error::config(config.place(), "`cells` is no list of cells"))?;
        let cells = cells
            .iter()
            .map(|cell| AnyCell::from_layer(registry.layer_from_json(cell)?));
        Ok(Self::new(cells.collect::<Result<Vec<_>>>()?))
    }
}

impl Cell for StackedRnnCells {
    fn class_name(&self) -> &str {
        "StackedRNNCells"
    }

    fn type_name(&self) -> &str {
        "StackedRnnCells"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn state_sizes(&self) -> Vec<usize> {
        self.cells.iter().flat_map(Cell::state_sizes).collect()
    }

    fn state_names(&self) -> Vec<&'static str> {
        self.cells.iter().flat_map(Cell::state_names).collect()
    }

    fn output_size(&self) -> usize {
        self.cells.last().map_or(0, Cell::output_size)
    }

    fn output_state(&self) -> usize {
        let below = self.cells.len().saturating_sub(1);
        let states: usize = self.cells[..below]
            .iter()
            .map(|c| c.state_sizes().len())
            .sum();
        states + self.cells.last().map_or(0, Cell::output_state)
    }

    fn features(&self) -> Option<usize> {
        self.cells.first().and_then(Cell::features)
    }

    fn build(&mut self, features: usize, weights: &mut WeightBuilder<'_>) -> Result<()> {
        let mut features = features;
        for cell in &mut self.cells {
            Cell::build(cell, features, weights)?;
            features = cell.output_size();
        }
        Ok(())
    }

    fn draw_masks(
        &self,
        [batch, features]: [usize; 2],
        place: (&Device, DType),
        context: &mut Context,
    ) -> Result<DropoutMasks> {
        let mut features = features;
        let mut masks = DropoutMasks::default();
        for cell in &self.cells {
            masks
                .cells
                .push(cell.draw_masks([batch, features], place, context)?);
            features = cell.output_size();
        }
        Ok(masks)
    }

    fn step(
        &self,
        x: Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>)> {
        let none = DropoutMasks::default();
        let mut output = x;
        let mut next = Vec::with_capacity(states.len());
        let mut rest = states;
        for (i, cell) in self.cells.iter().enumerate() {
            let (own, others) = rest.split_at(cell.state_sizes().len().min(rest.len()));
            rest = others;
            let (y, new) = cell.step(output, own, masks.cells.get(i).unwrap_or(&none))?;
            output = y;
            next.extend(new);
        }
        Ok((output, next))
    }

    fn config(&self) -> Map<String, Value> {
        let cells = self.cells.iter().map(|cell| layer_object(cell.layer()));
        Map::from_iter([("cells".to_string(), cells.collect())])
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let rules = self.cells.iter().enumerate().flat_map(|(i, cell)| {
            let rules = Cell::weight_rules(cell).into_iter();
            rules.map(move |rule| rule.within(&format!("cells.{i}")))
        });
        rules.collect()
    }

    fn frozen_inside(&self) -> Vec<String> {
        let cells = self.cells.iter().enumerate();
        let frozen = cells.flat_map(|(i, cell)| frozen_in(&format!("cells.{i}"), cell));
        frozen.collect()
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        let cells = self.cells.iter_mut();
        cells.map(|cell| cell as &mut dyn DynLayer).collect()
    }
}
