//! Reads a Keras file and writes what was read, the way tests/crosscheck.py hands it to Keras.
//!
//! `rewrite IN OUT`: a `.keras` becomes a `.keras`, a `.weights.h5` a `.weights.h5`; of a legacy
//! `.h5` the config in Keras 3's form is written as JSON.

use std::io::Write;

use keras_format::{
    Weights, atomic_write, read_model, read_weights, sort_layers, write_model, write_weights,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(from), Some(to)) = (args.next(), args.next()) else {
        return Err("usage: rewrite IN OUT".into());
    };
    if to.ends_with(".weights.h5") {
        match read_weights(&from)? {
            Weights::Tree(tree) => write_weights(&to, &tree)?,
            Weights::Legacy(_) => return Err("legacy weights have no paths".into()),
        }
        return Ok(());
    }
    let mut model = read_model(&from)?;
    let old = model.from_keras2();
    match model.weights {
        Weights::Tree(mut tree) => {
            if old {
                sort_layers(&mut model.config, &mut tree)?;
            }
            write_model(&to, &model.config, &tree)?;
        }
        Weights::Legacy(_) => atomic_write(&to, |file| {
            file.write_all(model.config.to_string().as_bytes())
        })?,
    }
    Ok(())
}
