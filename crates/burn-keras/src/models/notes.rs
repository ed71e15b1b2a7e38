//! What a model has to say about the data it was given, each thing once.

use std::sync::{Mutex, PoisonError};

/// Remarks in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Vec<(String, String)>>);

impl Notes {
    /// Says `text` through the `log` crate and keeps it, unless something was said about `topic` before.
    pub fn say_once(&self, topic: &str, text: impl FnOnce() -> String) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.iter().all(|(about, _)| about != topic) {
            let text = text();
            log::warn!("{text}");
            said.push((topic.to_string(), text));
        }
    }

    /// All that was said.
    pub fn all(&self) -> Vec<String> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().map(|(_, text)| text.clone()).collect()
    }
}

/// The clone of a model meets data of its own.
impl Clone for Notes {
    fn clone(&self) -> Self {
        Self::default()
    }
}
