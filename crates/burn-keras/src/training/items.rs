//! burn's `Dataset` and `DataLoader` as streams of batches.

use std::fmt::Display;

use super::stream::{Batch, Stream};
use crate::random::Generator;
use crate::{Error, Result};

/// How items with numbers, those of a burn `Dataset`, are put into batches.
///
/// ```
/// use burn_keras::training::Items;
///
/// let items = Items::new(1000, 32).shuffle(7);
/// ```
#[derive(Clone, Debug)]
pub struct Items {
    count: usize,
    batch_size: usize,
    seed: Option<u64>,
}

impl Items {
    /// This many items, so many in a batch; the last batch may be smaller. In order.
    pub fn new(count: usize, batch_size: usize) -> Self {
        Self {
            count,
            batch_size,
            seed: None,
        }
    }

    /// In a new random order each pass, that of pass number 0, 1, … the same in each program with this seed: a training
    /// that was killed goes on with the same order.
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The numbers of the items of each batch of a pass.
    fn batches(&self, pass: usize) -> impl Iterator<Item = Vec<usize>> + use<> {
        let order = match self.seed {
            Some(seed) => Generator::new(seed.wrapping_add(pass as u64)).permutation(self.count),
            None => (0..self.count).collect(),
        };
        let (batch_size, mut start) = (self.batch_size, 0_usize);
        std::iter::from_fn(move || {
            let end = start.saturating_add(batch_size).min(order.len());
            let batch = (start < end).then(|| order[start..end].to_vec());
            start = end;
            batch
        })
    }
}

/// The error of a data set as ours.
fn failed(error: impl Display) -> Error {
    Error::data("a data set", error.to_string())
}

impl<'a> Stream<'a> {
    /// Items that are fetched by their numbers, a burn `Dataset`: `get` is its method, and `make` turns the items of a
    /// batch into arrays.
    ///
    /// ```
    /// use burn_keras::ndarray::{Array1, Array2};
    /// use burn_keras::prelude::*;
    /// use burn_keras::training::{Batch, Items, Stream};
    ///
    /// # struct Words(Vec<([f32; 3], i32)>);
    /// # impl Words {
    /// #     fn get(&self, i: usize) -> std::result::Result<([f32; 3], i32), String> { Ok(self.0[i]) }
    /// #     fn len(&self) -> usize { self.0.len() }
    /// # }
    /// # let dataset = Words((0..10).map(|i| ([i as f32; 3], i % 2)).collect());
    /// // `dataset` is a burn `Dataset` whose items are three numbers and a class.
    /// let stream = Stream::of_dataset(
    ///     Items::new(dataset.len(), 4).shuffle(1),
    ///     |i| dataset.get(i),
    ///     |items| {
    ///         let x = Array2::from_shape_fn((items.len(), 3), |(i, j)| items[i].0[j]);
    ///         let y: Array1<i32> = items.iter().map(|item| item.1).collect();
    ///         Batch::new(x, y)
    ///     },
    /// );
    /// let mut model = Sequential::new();
    /// model.add(Dense::new(2).activation("softmax").input_shape([3]))?;
    /// model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    /// model.fit_stream(stream, Fit::new().epochs(2).verbose(0))?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn of_dataset<T, E: Display>(
        items: Items,
        mut get: impl FnMut(usize) -> Result<T, E> + Send + 'a,
        mut make: impl FnMut(Vec<T>) -> Result<Batch> + Send + 'a,
    ) -> Self {
        // A batch size of 0 gives no batch, which `fit` refuses.
        let batches = items
            .count
            .checked_div(items.batch_size)
            .map(|whole| whole + usize::from(!items.count.is_multiple_of(items.batch_size)));
        let stream = Self::from_run(move |pass, push| {
            items.batches(pass).all(|numbers| {
                let batch: Result<Vec<T>, E> = numbers.into_iter().map(&mut get).collect();
                push(batch.map_err(failed).and_then(&mut make))
            });
        });
        match batches {
            Some(batches) => stream.batches(batches),
            None => stream,
        }
    }

    /// Batches that come as results of another error type, those of a burn `DataLoader`: `open` is its method `iter`, and
    /// `make` turns what its batcher made into arrays. Tensors are taken as `&tensor`.
    ///
    /// ```
    /// use burn_keras::ndarray::{Array1, Array2};
    /// use burn_keras::training::{Batch, Stream};
    ///
    /// # struct Loader;
    /// # impl Loader {
    /// #     fn iter(&self) -> Box<dyn Iterator<Item = std::result::Result<(Array2<f32>, Array1<i32>), String>> + '_> {
    /// #         Box::new(std::iter::empty())
    /// #     }
    /// # }
    /// # let loader = Loader;
    /// // `loader` is a burn `DataLoader`, here one whose batcher makes two arrays.
    /// let stream = Stream::of_loader(|| loader.iter(), |(x, y)| Batch::new(x, y));
    /// ```
    pub fn of_loader<I, T, E: Display>(
        mut open: impl FnMut() -> I + Send + 'a,
        mut make: impl FnMut(T) -> Result<Batch> + Send + 'a,
    ) -> Self
    where
        I: IntoIterator<Item = Result<T, E>>,
    {
        Self::from_run(move |_, push| {
            let mut batches = open().into_iter();
            batches.all(|batch| push(batch.map_err(failed).and_then(&mut make)));
        })
    }
}
