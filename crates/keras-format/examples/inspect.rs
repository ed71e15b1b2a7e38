//! Shows what a Keras file holds: `cargo run -p keras-format --example inspect -- model.keras`.

use keras_format::{Weights, places, read_model};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: inspect MODEL")?;
    let model = read_model(&path)?;
    println!(
        "{:?}, Keras {}",
        model.format,
        model.keras_version.as_deref().unwrap_or("unknown")
    );
    println!("{}", model.config);
    for place in places(&model.config)? {
        println!("{} {} {:?}", place.path, place.class, place.name);
    }
    match model.weights {
        Weights::Tree(tree) => {
            for (path, variables) in tree.iter() {
                let shapes: Vec<_> = variables.arrays.iter().map(|a| a.shape()).collect();
                println!("{path:?} {:?} {shapes:?}", variables.name);
            }
        }
        Weights::Legacy(weights) => {
            for layer in &weights.layers {
                for weight in &layer.weights {
                    println!("{} {} {:?}", layer.name, weight.name, weight.array.shape());
                }
            }
            for weight in weights.optimizer.iter().flatten() {
                println!("optimizer {} {:?}", weight.name, weight.array.shape());
            }
        }
    }
    Ok(())
}
