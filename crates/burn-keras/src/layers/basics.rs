//! What every layer's implementation of [`Layer`](super::Layer) begins with.

/// The methods of [`Layer`](super::Layer) that give the names and the options: the class in Keras, and the Rust type
/// where it is written differently.
macro_rules! layer_basics {
    ($class:literal) => {
        fn class_name(&self) -> &str {
            $class
        }

        fn options(&self) -> &$crate::layers::LayerOptions {
            &self.options
        }

        fn options_mut(&mut self) -> &mut $crate::layers::LayerOptions {
            &mut self.options
        }
    };
    ($class:literal, $type:literal) => {
        $crate::layers::basics::layer_basics!($class);

        fn type_name(&self) -> &str {
            $type
        }
    };
}
pub(crate) use layer_basics;
