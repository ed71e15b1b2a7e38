//! Named numbers: what an epoch or a batch came to.

use std::fmt;

/// Names with values, in the order in which they were put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    /// Adds a value, or replaces the one of this name.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// All of `others` under their names with `prefix` in front.
    pub(crate) fn extend_prefixed(&mut self, prefix: &str, others: &Self) {
        for (name, value) in others.iter() {
            self.set(format!("{prefix}{name}"), value);
        }
    }

    /// Puts the names in alphabetical order, as Keras reports them.
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
        self
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(n, v)| (n.as_str(), *v))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `accuracy: 0.9124 - loss: 0.3011`, with Keras' number of digits.
impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" - ")?;
            }
            write!(f, "{name}: {}", number(value))?;
        }
        Ok(())
    }
}

/// Four decimals, or four significant ones in powers of ten for what is too small for that.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || value.abs() > 1e-3 || !value.is_finite() {
        format!("{value:.4}")
    } else {
        format!("{value:.4e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_written_in_powers_of_ten() {
        let mut logs = Logs::default();
        logs.set("loss", 0.25);
        logs.set("mse", 0.000_012_5);
        assert_eq!(logs.to_string(), "loss: 0.2500 - mse: 1.2500e-5");
    }
}
