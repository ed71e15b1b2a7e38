//! What is drawn of a model.

/// What [`Model::plot_with`](crate::models::Model::plot_with) draws.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).return_sequences(true).input_shape([31, 25]))?;
/// model.add(Lstm::new(32))?;
/// let picture = Plot::new().unrolled().samples(1_085_420).batch_size(64);
/// assert!(picture.svg(&model)?.contains("16,960 batches of 64"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    pub(super) unrolled: bool,
    pub(super) batch_size: Option<usize>,
    pub(super) samples: Option<usize>,
    pub(super) series: Option<usize>,
    pub(super) columns: i32,
}

impl Default for Plot {
    fn default() -> Self {
        Self {
            unrolled: false,
            batch_size: None,
            samples: None,
            series: None,
            columns: 5,
        }
    }
}

impl Plot {
    /// The graph of the layers with the shapes on its edges; a page shows all there is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws the graph: boxes for the layers, edges with shapes, states and masks as edges of their own.
    pub fn graph(mut self) -> Self {
        self.unrolled = false;
        self
    }

    /// Draws the layers unrolled over the steps of a sequence, from the array to output and labels. It needs layers in a
    /// row with a recurrent one among them.
    pub fn unrolled(mut self) -> Self {
        self.unrolled = true;
        self
    }

    /// The size of a batch in the unrolled picture: that of the model where it is fixed, else this, else 32.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size.max(1));
        self
    }

    /// How many sequences the array has from which the batches are cut in the unrolled picture.
    pub fn samples(mut self, samples: usize) -> Self {
        self.samples = Some(samples);
        self
    }

    /// The array is one long series of so many steps, cut into windows that begin one step apart.
    pub fn series(mut self, steps: usize) -> Self {
        self.series = Some(steps);
        self
    }

    /// The most columns that the unrolled picture has for its steps (5): the steps in the middle are left out of longer
    /// sequences. Between 3 and 20; with 3 or 4 the picture has the width of a phone.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.clamp(3, 20) as i32;
        self
    }
}
