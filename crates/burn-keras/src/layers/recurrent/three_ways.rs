//! The question that people ask most: data `[batch, n]` where `[batch, timesteps, features]` is needed.

/// Data that lack the features axis, as far as they are known.
pub(crate) struct ThreeWays<'a> {
    /// What the program calls the data: `x`.
    pub name: &'a str,
    /// How many samples there are, or `batch`.
    pub samples: &'a str,
    /// How many steps a sample has.
    pub steps: usize,
    /// How the input is declared for samples of a shape, as `` `.input_shape([31, 1])` ``.
    pub declared: &'a dyn Fn(&str) -> String,
}

impl ThreeWays<'_> {
    /// Numbers: each step is one of its own.
    pub fn numbers(&self) -> String {
        let Self {
            name,
            samples,
            steps: n,
            declared,
        } = self;
        format!(
            "- each step is one number: `expand_dims(&{name}, -1)?` makes {name} [{samples}, {n}, 1]; {};",
            declared(&format!("[{n}, 1]"))
        )
    }

    /// All three: numbers, one-hot categories, and categories that are looked up by the layer `embedding`.
    ///
    /// `categories` is their number, or a letter for it; `said` tells where it is known from, `memory` what the one-hot
    /// data take, and `taken` how the input is declared for them.
    pub fn all(
        &self,
        categories: &str,
        said: &str,
        memory: &str,
        taken: &str,
        embedding: &str,
    ) -> String {
        let Self {
            name,
            samples,
            steps: n,
            ..
        } = self;
        format!(
            "There are three ways to add it:\n{}\n\
             - each step is one of {categories} categories{said}, one-hot: `to_categorical(&{name}, {categories})?` makes \
             {name} [{samples}, {n}, {categories}]{memory}; {taken};\n\
             - the same, learned: {embedding}; {name} stays as it is.\n\
             (`expand_dims` and `to_categorical` are in `burn_keras::preprocessing`.)",
            self.numbers()
        )
    }
}
