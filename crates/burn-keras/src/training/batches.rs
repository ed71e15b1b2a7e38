//! The order in which samples come, cut into batches.

use super::data::Rows;
use super::fit_options::Shuffle;
use crate::random::Generator;

/// One pass over the samples.
#[derive(Debug)]
pub(crate) struct Batches {
    samples: usize,
    batch_size: usize,
    order: Option<Vec<usize>>,
}

impl Batches {
    /// The samples as they come; the last batch may be shorter.
    pub fn in_order(samples: usize, batch_size: usize) -> Self {
        Self {
            samples,
            batch_size,
            order: None,
        }
    }

    /// The samples in an order drawn from `generator`.
    pub fn shuffled(
        samples: usize,
        batch_size: usize,
        shuffle: Shuffle,
        generator: &mut Generator,
    ) -> Self {
        let order = match shuffle {
            Shuffle::Never => None,
            Shuffle::Samples => Some(generator.permutation(samples)),
            Shuffle::Batch => {
                let mut order: Vec<usize> = (0..samples).collect();
                order
                    .chunks_mut(batch_size)
                    .for_each(|batch| generator.shuffle(batch));
                Some(order)
            }
        };
        Self {
            order,
            ..Self::in_order(samples, batch_size)
        }
    }

    /// The number of batches.
    pub fn count(&self) -> usize {
        self.samples.div_ceil(self.batch_size)
    }

    /// The rows of batch number `index`.
    pub fn rows(&self, index: usize) -> Rows<'_> {
        let start = index * self.batch_size;
        let end = (start + self.batch_size).min(self.samples);
        match &self.order {
            None => Rows::Range(start, end),
            Some(order) => Rows::Listed(&order[start..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(batches: &Batches) -> Vec<Vec<usize>> {
        (0..batches.count())
            .map(|i| match batches.rows(i) {
                Rows::Listed(rows) => rows.to_vec(),
                Rows::Range(start, end) => (start..end).collect(),
            })
            .collect()
    }

    #[test]
    fn the_last_short_batch_is_kept_and_every_sample_comes_once() {
        let batches = Batches::shuffled(10, 4, Shuffle::Samples, &mut Generator::new(1));
        let rows = rows(&batches);
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        let mut seen = rows.concat();
        assert_ne!(seen, (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn shuffled_by_batch_every_batch_keeps_its_samples() {
        let batches = Batches::shuffled(40, 16, Shuffle::Batch, &mut Generator::new(1));
        let mut rows = rows(&batches);
        assert_ne!(rows[0], (0..16).collect::<Vec<_>>());
        for (i, batch) in rows.iter_mut().enumerate() {
            batch.sort_unstable();
            assert_eq!(*batch, (i * 16..(i * 16 + 16).min(40)).collect::<Vec<_>>());
        }
    }
}
