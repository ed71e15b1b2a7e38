//! Which metrics belong to which output.

use crate::metrics::MetricSpec;
use crate::{Error, Result};

/// The metrics of a model: those of every output, and those of some outputs only.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputMetrics {
    pub of_all: Vec<MetricSpec>,
    /// With the outputs' names.
    pub of_some: Vec<(String, Vec<MetricSpec>)>,
}

impl OutputMetrics {
    /// The metrics of this output.
    pub fn of<'m>(&'m self, output: &'m str) -> impl Iterator<Item = &'m MetricSpec> {
        let own = self.of_some.iter().filter(move |(name, _)| name == output);
        self.of_all.iter().chain(own.flat_map(|(_, specs)| specs))
    }

    /// All there are.
    pub fn iter(&self) -> impl Iterator<Item = &MetricSpec> {
        let of_some = self.of_some.iter().flat_map(|(_, specs)| specs);
        self.of_all.iter().chain(of_some)
    }

    /// Refuses metrics of an output that a model with outputs of these names does not have.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn check_outputs(&self, outputs: &[String]) -> Result<()> {
        let unknown = self
            .of_some
            .iter()
            .find(|(name, _)| !outputs.contains(name));
        match unknown {
            None => Ok(()),
            Some((name, _)) => {
                let known = outputs.iter().map(String::as_str);
                Err(Error::unknown("output", name, known).at("compile, metrics"))
            }
        }
    }
}
