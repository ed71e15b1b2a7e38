//! A recurrent layer with packed weights.

use super::state::PackedState;
use super::{Float, check_len};
use crate::error::{Error, Result};
use crate::kernel::forward::{Cut, Forward, Output, Plan, Weights};
use crate::kernel::{Kind, Problem, Shape, Shared, at_level};
use crate::simd::{SimdLevel, Vector};
use crate::team;

/// A recurrent layer's weights as they come.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a, E> {
    /// The cell.
    pub kind: Kind,
    /// Numbers a step takes.
    pub features: usize,
    /// Numbers a step gives.
    pub units: usize,
    /// `[features, gates * units]`
    pub kernel: &'a [E],
    /// `[units, gates * units]`
    pub recurrent_kernel: &'a [E],
    /// `[gates * units]`, for [`Kind::Gru`] `[2, gates * units]`.
    pub bias: Option<&'a [E]>,
}

/// A recurrent layer whose weights are packed, once and for all, for the machine it runs on.
#[derive(Debug)]
pub struct PackedLayer<E: Float> {
    kind: Kind,
    features: usize,
    units: usize,
    level: SimdLevel,
    weights: Weights<E>,
}

impl<E: Float> PackedLayer<E> {
    /// Packs a layer's weights.
    ///
    /// # Errors
    ///
    /// If a slice's length doesn't match the sizes, or a size is 0.
    pub fn new(layer: &Layer<'_, E>) -> Result<Self> {
        let (features, units, gates) = (layer.features, layer.units, layer.kind.gates());
        for (dimension, size) in [("features", features), ("units", units)] {
            if size == 0 {
                return Err(Error::Empty { dimension });
            }
        }
        let kernel = [features, gates * units];
        check_len(
            "kernel",
            layer.kernel.len(),
            &kernel,
            "features, gates * units",
        )?;
        let recurrent = [units, gates * units];
        let len = layer.recurrent_kernel.len();
        check_len("recurrent_kernel", len, &recurrent, "units, gates * units")?;
        if let Some(bias) = layer.bias {
            let rows = if layer.kind == Kind::Gru { 2 } else { 1 };
            check_len(
                "bias",
                bias.len(),
                &[rows, gates * units],
                "rows, gates * units",
            )?;
        }
        let level = SimdLevel::current();
        let shape = Shape::new(layer.kind, [1, 1, features], units);
        let lanes = at_level!(level, E, lanes());
        let weights = Weights::new(&shape, lanes);
        let this = Self {
            kind: layer.kind,
            features,
            units,
            level,
            weights,
        };
        // SAFETY: the level is supported, and the lengths were checked.
        unsafe { at_level!(level, E, pack(&this, layer)) };
        Ok(this)
    }

    /// Numbers a step takes.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Numbers a step gives.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The states of `batch` sequences, zeros, and memory for a step.
    pub fn state(&self, batch: usize) -> PackedState<E> {
        let lanes = at_level!(self.level, E, lanes());
        let shape = Shape::new(self.kind, [batch, 1, self.features], self.units);
        let padded = shape.panels(lanes) * lanes;
        let kind = self.kind;
        PackedState::new(
            [batch, self.units, padded],
            shape.slots,
            kind.has_cell_state(),
            kind.stages() == 2,
        )
    }

    /// One time step `x` `[batch, features]`; the output is the state's `h`. Runs on this thread and
    /// allocates nothing.
    ///
    /// # Errors
    ///
    /// If `x` or the state is of another size.
    pub fn step_into(&self, x: &[E], state: &mut PackedState<E>) -> Result<()> {
        self.check(x, state, 1)?;
        if state.batch > 0 {
            // SAFETY: the level is supported, and the lengths were checked.
            unsafe { at_level!(self.level, E, step(self, x, state)) };
        }
        Ok(())
    }

    /// Whole sequences `x` `[batch, timesteps, features]`, from the states and to them. `y`, if wanted,
    /// takes the output of every step `[batch, timesteps, units]`. Steps whose `mask`
    /// `[batch, timesteps]` is zero are skipped: states and output stay. `reverse` processes the last
    /// step first; `y` is in that order too.
    ///
    /// Large batches are shared among the threads of the current rayon pool, which allocates a little;
    /// small ones run on this thread and allocate nothing, once a sequence of this length has been.
    ///
    /// # Errors
    ///
    /// If a slice is of another size, or there is no time step.
    pub fn sequence_into(
        &self,
        x: &[E],
        mask: Option<&[E]>,
        state: &mut PackedState<E>,
        y: Option<&mut [E]>,
        reverse: bool,
    ) -> Result<()> {
        if x.is_empty() {
            return Err(Error::Empty {
                dimension: "timesteps",
            });
        }
        let steps = x.len() / (state.batch * self.features).max(1);
        self.check(x, state, steps)?;
        if let Some(mask) = mask {
            check_len(
                "mask",
                mask.len(),
                &[state.batch, steps],
                "batch, timesteps",
            )?;
        }
        if let Some(y) = &y {
            let shape = [state.batch, steps, self.units];
            check_len("y", y.len(), &shape, "batch, timesteps, units")?;
        }
        // SAFETY: the level is supported, and the lengths were checked.
        unsafe { at_level!(self.level, E, sequence(self, x, mask, state, y, reverse)) };
        Ok(())
    }

    fn check(&self, x: &[E], state: &PackedState<E>, steps: usize) -> Result<()> {
        let shape = [state.batch, steps, self.features];
        check_len("x", x.len(), &shape, "batch, timesteps, features")?;
        check_len("state", state.units, &[self.units], "units")
    }

    fn problem(&self, batch: usize, steps: usize) -> Problem<E> {
        Problem {
            kind: self.kind,
            shape: Shape::new(self.kind, [batch, steps, self.features], self.units),
            x: std::ptr::null(),
            x_batch: (steps * self.features) as isize,
            x_time: 0,
            x_gate: None,
            kernel: std::ptr::null(),
            recurrent_kernel: std::ptr::null(),
            bias: None,
            recurrent_bias: None,
            h: None,
            c: None,
            mask: None,
            reverse: false,
            zero_output: false,
            state_masks: None,
        }
    }
}

const ALONE: Plan = Plan {
    columns: false,
    chunks: 1,
    helpers: 0,
};

fn lanes<V: Vector>() -> usize {
    V::LANES
}

/// One step at a time, both products together.
const ONE_STEP: Cut = Cut {
    plan: ALONE,
    fuse: true,
    block: 1,
    z_steps: 1,
    states: 2,
    rh_steps: 1,
    save: false,
};

/// # Safety
///
/// The machine supports `V`, and `from` has the lengths its sizes say.
unsafe fn pack<V: Vector<E: Float>>(layer: &PackedLayer<V::E>, from: &Layer<'_, V::E>) {
    let mut p = layer.problem(1, 1);
    p.kernel = from.kernel.as_ptr();
    p.recurrent_kernel = from.recurrent_kernel.as_ptr();
    p.bias = from.bias.map(<[V::E]>::as_ptr);
    p.recurrent_bias = match (from.kind, from.bias) {
        (Kind::Gru, Some(bias)) => Some(bias[p.shape.gates * p.shape.units..].as_ptr()),
        _ => None,
    };
    let mut state = layer.state(1);
    let output = Output::default();
    let memory = state.memory(&layer.weights, 0);
    let work = Forward::<V>::new(&p, &output, ONE_STEP, memory, true);
    for panel in 0..p.shape.panels(V::LANES) {
        // SAFETY: the weights have room for all panels.
        unsafe { work.pack(panel) };
    }
}

/// # Safety
///
/// The machine supports `V`, and the lengths were checked.
unsafe fn step<V: Vector<E: Float>>(
    layer: &PackedLayer<V::E>,
    x: &[V::E],
    state: &mut PackedState<V::E>,
) {
    let mut p = layer.problem(state.batch, 1);
    p.x = x.as_ptr();
    let output = Output::default();
    let rows = 0..state.batch;
    let memory = state.memory(&layer.weights, 0);
    let work = Forward::<V>::new(&p, &output, ONE_STEP, memory, true);
    // SAFETY: the states and `x` are of the problem's size.
    unsafe { work.chunk(rows) };
    state.settle(1);
}

/// # Safety
///
/// The machine supports `V`, and the lengths were checked.
unsafe fn sequence<V: Vector<E: Float>>(
    layer: &PackedLayer<V::E>,
    x: &[V::E],
    mask: Option<&[V::E]>,
    state: &mut PackedState<V::E>,
    y: Option<&mut [V::E]>,
    reverse: bool,
) {
    let steps = x.len() / (state.batch * layer.features);
    let mut p = layer.problem(state.batch, steps);
    let features = layer.features;
    p.x = if reverse {
        x[(steps - 1) * features..].as_ptr()
    } else {
        x.as_ptr()
    };
    p.x_time = if reverse {
        -(features as isize)
    } else {
        features as isize
    };
    p.mask = mask.map(<[V::E]>::as_ptr);
    p.reverse = reverse;
    let units = layer.units as isize;
    let output = Output {
        y: y.map(|y| Shared(y.as_mut_ptr())),
        y_batch: units * steps as isize,
        y_time: units,
        ..Output::default()
    };
    let cut = Cut::new::<V>(&p, false);
    let memory = state.memory(&layer.weights, cut.z_len::<V>(&p.shape));
    let work = Forward::<V>::new(&p, &output, cut, memory, true);
    team::run(&work, cut.plan.helpers);
    state.settle(steps);
}
