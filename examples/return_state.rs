//! What `return_sequences` and `return_state` give: the three outputs of an LSTM with their shapes.
//!
//!     cargo run --release --example return_state
//!
//! With one unit every state is one number, so the outputs can be compared by eye: the last step of the sequence is the
//! final hidden state `h`; the cell state `c` is another number, which no step puts out.

use burn_keras::ndarray::array;
use burn_keras::prelude::*;

fn main() -> Result<()> {
    set_random_seed(1);
    let input = Input::new([2, 3]);
    let lstm = Lstm::new(1).return_sequences(true).return_state(true);
    let [sequence, h, c] = lstm.call(&input)?.try_into()?;
    println!(
        "sequence {}, h {}, c {}\n",
        sequence.dims(),
        h.dims(),
        c.dims()
    );

    // One sample of 2 timesteps with 3 features: [1, 2, 3].
    let data = array![[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]];
    let model = Model::new(&input, [sequence, h, c])?;
    println!("{}\n", model.predict_all(&data)?);

    // The outputs are counted: two names for three tensors is an error that says what there is.
    let two: Result<[Node; 2]> = lstm.call(&input)?.try_into();
    if let Err(error) = two {
        println!("{error}");
    }
    Ok(())
}
