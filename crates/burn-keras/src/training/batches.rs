//! The order in which samples come, cut into batches.

use super::data::Rows;
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

    /// The samples in random order.
    pub fn shuffled(samples: usize, batch_size: usize, generator: &mut Generator) -> Self {
        Self {
            samples,
            batch_size,
            order: Some(generator.permutation(samples)),
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

    #[test]
    fn the_last_short_batch_is_kept_and_every_sample_comes_once() {
        let batches = Batches::shuffled(10, 4, &mut Generator::new(1));
        assert_eq!(batches.count(), 3);
        let sizes: Vec<usize> = (0..3).map(|i| batches.rows(i).len()).collect();
        assert_eq!(sizes, [4, 4, 2]);
        let mut seen: Vec<usize> = (0..3)
            .flat_map(|i| match batches.rows(i) {
                Rows::Listed(rows) => rows.to_vec(),
                Rows::Range(start, end) => (start..end).collect(),
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }
}
