//! The library's own random numbers: seeded, the same on every backend and for any number of threads.
//!
//! burn's generators are one per process and backend, so two models trained side by side would disturb each other.
//! Everything random here (initial weights, shuffling, dropout masks) is drawn on the host from ChaCha8 generators
//! whose seeds come from [`set_random_seed`] or from the operating system.

use std::cell::RefCell;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Error, Result};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Generator {
    random: ChaCha8Rng,
    /// How many zeros may still stand in for initial weights; `None` where weights are drawn.
    placeholders: Option<usize>,
}

/// Where a [`Generator`] stands in its stream: enough to go on from there in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratorState {
    seed: [u8; 32],
    /// How many 32-bit words were drawn.
    position: u128,
}

thread_local! {
    static SEEDS: RefCell<Option<ChaCha8Rng>> = const { RefCell::new(None) };
}

/// The seed in hexadecimal digits and the position: `"00ff…:128"`.
impl std::fmt::Display for GeneratorState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.seed {
            write!(f, "{byte:02x}")?;
        }
        write!(f, ":{}", self.position)
    }
}

/// Reads what `Display` writes.
impl std::str::FromStr for GeneratorState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || -> Option<Self> {
            let (digits, position) = text.split_once(':')?;
            let mut seed = [0; 32];
            if digits.len() != 2 * seed.len() || !digits.is_ascii() {
                return None;
            }
            for (i, byte) in seed.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok()?;
            }
            Some(Self {
                seed,
                position: position.parse().ok()?,
            })
        };
        read().ok_or_else(|| {
            Error::config("a random generator", format!("{text:?} is no state of one"))
        })
    }
}

/// Makes everything random that this thread starts from here on repeatable, as `keras.utils.set_random_seed`.
///
/// Keras' own numbers for the same seed are different ones: its generators are not ours.
pub fn set_random_seed(seed: u64) {
    SEEDS.with(|seeds| *seeds.borrow_mut() = Some(ChaCha8Rng::seed_from_u64(seed)));
}

/// A seed for something that was given none: from [`set_random_seed`] if it was called on this thread, else from the
/// operating system.
pub fn next_seed() -> u64 {
    SEEDS.with(|seeds| {
        seeds
            .borrow_mut()
            .get_or_insert_with(rand::make_rng)
            .next_u64()
    })
}

impl Generator {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            placeholders: None,
        }
    }

    /// A generator with a seed drawn by [`next_seed`].
    pub fn unseeded() -> Self {
        Self::new(next_seed())
    }

    /// A generator that lets initializers put zeros where weights are about to be replaced, `values` of them at most: a
    /// file can't make a model larger than what it brings along.
    pub(crate) fn placeholder(values: usize) -> Self {
        Self {
            placeholders: Some(values),
            ..Self::new(0)
        }
    }

    /// Zeros for an initializer that is not to draw, if this is such a generator.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] when there would be more of them than it was made for.
    pub(crate) fn take_placeholders(&mut self, count: usize) -> Result<Option<Vec<f32>>> {
        let Some(left) = &mut self.placeholders else {
            return Ok(None);
        };
        *left = left.checked_sub(count).ok_or_else(|| {
            Error::weights(
                "the model",
                "its configuration asks for more weights than the file holds",
            )
        })?;
        Ok(Some(vec![0.0; count]))
    }

    /// Where the generator stands.
    pub fn state(&self) -> GeneratorState {
        GeneratorState {
            seed: self.random.get_seed(),
            position: self.random.get_word_pos(),
        }
    }

    /// A generator that goes on where another stood.
    pub fn from_state(state: &GeneratorState) -> Self {
        let mut random = ChaCha8Rng::from_seed(state.seed);
        random.set_word_pos(state.position);
        Self {
            random,
            placeholders: None,
        }
    }

    /// The next 64 random bits, for seeding something else.
    pub fn next_u64(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// A number in `[0, 1)`.
    pub fn uniform(&mut self) -> f32 {
        self.random.random::<f32>()
    }

    /// A number in `[low, high)`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// A number from the standard normal distribution (Box and Muller's method).
    pub fn normal(&mut self) -> f32 {
        // `1 - u` lies in (0, 1], so the logarithm is finite.
        let u = 1.0 - f64::from(self.uniform());
        let v = f64::from(self.uniform());
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    }

    /// A number from the standard normal distribution, drawn again while it is further than 2 from 0.
    pub fn truncated_normal(&mut self) -> f32 {
        loop {
            let value = self.normal();
            if value.abs() <= 2.0 {
                return value;
            }
        }
    }

    /// The numbers `0..count` in random order (Fisher and Yates' method).
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// Puts `items` in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.random.random_range(0..=i);
            items.swap(i, j);
        }
    }

    /// An inverted-dropout mask of `count` values: 0 with probability `rate`, else `1 / (1 - rate)`.
    pub fn dropout_mask(&mut self, count: usize, rate: f32) -> Vec<f32> {
        let keep = 1.0 - rate;
        let scale = if keep > 0.0 { 1.0 / keep } else { 0.0 };
        (0..count)
            .map(|_| if self.uniform() < keep { scale } else { 0.0 })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        set_random_seed(7);
        let first: Vec<u64> = (0..4).map(|_| next_seed()).collect();
        set_random_seed(7);
        let second: Vec<u64> = (0..4).map(|_| next_seed()).collect();
        assert_eq!(first, second);
        assert_ne!(first[0], first[1]);
    }

    #[test]
    fn a_generator_goes_on_from_its_written_state() -> Result<()> {
        let mut generator = Generator::new(11);
        generator.permutation(7);
        let state: GeneratorState = generator.state().to_string().parse()?;
        let mut again = Generator::from_state(&state);
        for _ in 0..100 {
            assert_eq!(again.next_u64(), generator.next_u64());
        }
        assert!("00:1".parse::<GeneratorState>().is_err());
        Ok(())
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let mut generator = Generator::new(1);
        let values: Vec<f64> = (0..100_000)
            .map(|_| f64::from(generator.normal()))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn a_dropout_mask_keeps_the_mean() {
        let mask = Generator::new(3).dropout_mask(100_000, 0.3);
        let mean = mask.iter().sum::<f32>() / mask.len() as f32;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!(
            mask.iter()
                .all(|m| *m == 0.0 || (*m - 1.0 / 0.7).abs() < 1e-6)
        );
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Generator::new(5).permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
