//! Predictors give what `predict` gives, step by step too, and allocate nothing once warm.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use burn_keras::ndarray::{Array2, Array3, ArrayD, Axis, s};
use burn_keras::prelude::*;
use burn_keras::random::Generator;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts this thread's allocations.
struct Counting;

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn sequences(shape: [usize; 3]) -> Array3<f32> {
    let mut random = Generator::new(3);
    Array3::from_shape_simple_fn(shape, || random.between(-1.0, 1.0))
}

fn stack() -> Result<Sequential> {
    set_random_seed(1);
    let mut model = Sequential::new();
    model.add(
        Lstm::new(9)
            .return_sequences(true)
            .input_shape((None, 5))
            .bias_initializer("uniform"),
    )?;
    model.add(Dropout::new(0.3))?;
    model.add(Dense::new(7).activation("relu").bias_initializer("uniform"))?;
    model.add(Lstm::new(6))?;
    model.add(Dense::new(4))?;
    model.add(Activation::new("softmax"))?;
    Ok(model)
}

#[test]
fn a_stack_gives_what_predict_gives_for_any_batch_and_length() -> Result<()> {
    let model = stack()?;
    let predictor = model.predictor()?;
    assert!(predictor.is_packed());
    let mut session = predictor.session();
    for (batch, timesteps) in [(1, 8), (3, 8), (3, 1), (70, 11), (1, 8)] {
        let x = sequences([batch, timesteps, 5]);
        let mut y = Array2::<f32>::zeros((batch, 4));
        session.predict_into(&x, &mut y)?;
        let expected = model.predict(&x)?;
        for (a, b) in y.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-6, "{a} {b} for {batch} x {timesteps}");
        }
    }
    Ok(())
}

#[test]
fn steps_give_what_whole_sequences_give_and_reset_begins_anew() -> Result<()> {
    let model = stack()?;
    let mut session = model.predictor()?.session();
    let x = sequences([3, 6, 5]);
    let mut y = Array2::<f32>::zeros((3, 4));
    for _ in 0..2 {
        for t in 0..6 {
            let x_t = x.index_axis(Axis(1), t).to_owned();
            session.step(&x_t, &mut y)?;
            // A whole sequence in between does not disturb the stream.
            let mut whole = Array2::<f32>::zeros((3, 4));
            let until_now = x.slice(s![.., ..=t, ..]).to_owned();
            session.predict_into(&until_now, &mut whole)?;
            for (a, b) in y.iter().zip(&whole) {
                assert!((a - b).abs() <= 1e-6, "step {t}: {a} {b}");
            }
        }
        session.reset();
    }
    Ok(())
}

#[test]
fn a_sequence_comes_out_where_the_model_returns_one() -> Result<()> {
    let mut model = Sequential::new();
    model.add(
        Lstm::new(5)
            .return_sequences(true)
            .go_backwards(true)
            .input_shape((None, 2)),
    )?;
    model.add(Dense::new(3).activation("tanh"))?;
    let mut session = model.predictor()?.session();
    let x = sequences([2, 4, 2]);
    let mut y = Array3::<f32>::zeros((2, 4, 3));
    session.predict_into(&x, &mut y)?;
    for (a, b) in y.iter().zip(&model.predict(&x)?) {
        assert!((a - b).abs() <= 1e-6, "{a} {b}");
    }
    let refused = session.step(&Array2::<f32>::zeros((1, 2)), &mut Array2::zeros((1, 3)));
    let text = refused.map_err(|e| e.to_string());
    assert_eq!(
        text,
        Err(
            "Sequential \"sequential\" cannot be run step by step: Lstm \"lstm\" reads the sequence from its end"
                .to_string()
        )
    );
    Ok(())
}

#[test]
fn other_models_run_as_predict_runs_them() -> Result<()> {
    let input = Input::new([4, 3]);
    let [sequence, h, _] = Lstm::new(5)
        .return_sequences(true)
        .return_state(true)
        .call(&input)?
        .try_into()?;
    let last = Lstm::new(5).call((&sequence, &h, &h))?;
    let model = Model::new(&input, &last)?;
    let predictor = model.predictor()?;
    assert!(!predictor.is_packed());
    let x = sequences([3, 4, 3]);
    let mut y = Array2::<f32>::zeros((3, 5));
    let mut session = predictor.session();
    session.predict_into(&x, &mut y)?;
    assert_eq!(y.into_dyn(), model.predict(&x)?);
    assert!(
        session
            .step(&Array2::<f32>::zeros((1, 3)), &mut Array2::zeros((1, 5)))
            .is_err()
    );
    Ok(())
}

#[test]
fn a_stateful_model_is_predicted_from_zeros_and_stepped_along_its_states() -> Result<()> {
    let mut model = Sequential::new();
    let lstm = Lstm::new(3).return_sequences(true).stateful(true);
    model.add(lstm.batch_input_shape([2, 4, 2]))?;
    let x = sequences([2, 4, 2]);
    let expected = model.predict(&x)?;
    let mut session = model.predictor()?.session();
    let mut y = Array3::<f32>::zeros((2, 4, 3));
    let mut y_t = Array2::<f32>::zeros((2, 3));
    for _ in 0..2 {
        session.predict_into(&x, &mut y)?;
        for (a, b) in y.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-6, "{a} {b}");
        }
    }
    for t in 0..4 {
        session.step(&x.index_axis(Axis(1), t).to_owned(), &mut y_t)?;
        for (a, b) in y_t.iter().zip(y.index_axis(Axis(1), t)) {
            assert!((a - b).abs() <= 1e-6, "{a} {b}");
        }
    }
    Ok(())
}

#[test]
fn an_implementation_that_was_asked_for_is_kept() -> Result<()> {
    let mut model = Sequential::new();
    let lstm = Lstm::new(3).implementation(Implementation::Burn);
    model.add(lstm.input_shape([4, 2]))?;
    assert!(!model.predictor()?.is_packed());
    Ok(())
}

#[test]
fn a_predictor_keeps_the_weights_it_was_made_with() -> Result<()> {
    let model = stack()?;
    let predictor = model.predictor()?;
    let x = sequences([2, 3, 5]);
    let before = model.predict(&x)?;
    let zeros: Vec<_> = model.get_weights()?.iter().map(|w| w * 0.0).collect();
    model.set_weights(&zeros)?;
    assert_ne!(before, model.predict(&x)?);
    let mut y = Array2::<f32>::zeros((2, 4));
    // Sessions of one predictor work on several threads at once.
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut y = Array2::<f32>::zeros((2, 4));
            predictor.session().predict_into(&x, &mut y).map(|()| y)
        });
        predictor.session().predict_into(&x, &mut y)?;
        assert_eq!(Ok(&y), other.join().expect("no panic").as_ref());
        Ok::<(), Error>(())
    })?;
    for (a, b) in y.iter().zip(&before) {
        assert!((a - b).abs() <= 1e-6, "{a} {b}");
    }
    Ok(())
}

#[test]
fn no_call_allocates_once_warm() -> Result<()> {
    let mut session = stack()?.predictor()?.session();
    let x = sequences([1, 8, 5]);
    let x_t = x.index_axis(Axis(1), 0).to_owned();
    let mut y = Array2::<f32>::zeros((1, 4));
    session.predict_into(&x, &mut y)?;
    session.step(&x_t, &mut y)?;
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        session.predict_into(&x, &mut y)?;
        session.step(&x_t, &mut y)?;
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    // The counter does count.
    drop(std::hint::black_box(vec![0u8; 10]));
    assert_eq!(ALLOCATIONS.get() - before, 1);
    Ok(())
}

#[test]
fn arrays_of_the_wrong_shape_are_errors_that_name_the_axes() -> Result<()> {
    let mut session = stack()?.predictor()?.session();
    let text = |result: Result<()>| result.map_err(|e| e.to_string()).expect_err("a mistake");
    let mut y = Array2::<f32>::zeros((1, 4));
    let flat = text(session.predict_into(&Array2::<f32>::zeros((8, 5)), &mut y));
    assert!(
        flat.contains("[batch, timesteps, features = 5]") && flat.contains("[8, 5]"),
        "{flat}"
    );
    let rows = text(session.predict_into(&sequences([2, 3, 5]), &mut y));
    assert!(rows.contains("as many rows as `x` has: 2"), "{rows}");
    session.step(&Array2::<f32>::zeros((1, 5)), &mut y)?;
    let batch = text(session.step(&Array2::<f32>::zeros((2, 5)), &mut Array2::zeros((2, 4))));
    assert!(batch.contains("call `reset()`"), "{batch}");
    let transposed = sequences([1, 5, 8]).permuted_axes([0, 2, 1]);
    let order = text(session.predict_into(&transposed, &mut y));
    assert!(order.contains("as_standard_layout"), "{order}");
    Ok(())
}

/// What a model predicts comes out of a session too, into an array of that shape.
fn agrees(model: &Model, x: &ArrayD<f32>, packed: bool) -> Result<()> {
    let predictor = model.predictor()?;
    assert_eq!(predictor.is_packed(), packed);
    let wanted = model.predict(x)?;
    let mut y = ArrayD::<f32>::zeros(wanted.raw_dim());
    predictor.session().predict_into(x, &mut y)?;
    for (a, b) in y.iter().zip(&wanted) {
        assert!((a - b).abs() <= 1e-6, "{a} {b}");
    }
    Ok(())
}

fn counted(shape: &[usize]) -> ArrayD<f32> {
    let mut n = 0.0f32;
    ArrayD::from_shape_simple_fn(shape, || {
        n += 1.0;
        n.sin()
    })
}

#[test]
fn the_output_may_have_another_length_than_the_input() -> Result<()> {
    let mut repeated = Sequential::new();
    repeated.add(Lstm::new(3).input_shape((None, 2)))?;
    repeated.add(RepeatVector::new(5))?;
    repeated.add(Lstm::new(2).return_sequences(true))?;
    agrees(&repeated, &counted(&[3, 7, 2]), false)?;
    let mut convolved = Sequential::new();
    convolved.add(Conv1d::new(4, 3).input_shape((None, 2)))?;
    convolved.add(Dense::new(2))?;
    agrees(&convolved, &counted(&[3, 7, 2]), false)?;
    let mut y = Array3::<f32>::zeros((3, 7, 2));
    let wrong = convolved
        .predictor()?
        .session()
        .predict_into(&counted(&[3, 7, 2]), &mut y);
    let text = wrong.map_err(|e| e.to_string()).expect_err("a mistake");
    assert!(text.contains("[3, 5, 2]"), "{text}");
    Ok(())
}

#[test]
fn samples_may_have_any_number_of_axes() -> Result<()> {
    for shape in [&[6][..], &[3, 6], &[2, 3, 6], &[2, 2, 3, 6]] {
        let mut model = Sequential::new();
        model.add(Dense::new(4).activation("softmax").input_shape(shape))?;
        model.add(Dense::new(3))?;
        model.add(Activation::new("softmax"))?;
        let x = [&[2][..], shape].concat();
        agrees(&model, &counted(&x), true)?;
    }
    let mut model = Sequential::new();
    model.add(Dense::new(4).input_shape((None, None, 6)))?;
    agrees(&model, &counted(&[2, 3, 4, 6]), true)?;
    let mut y = ArrayD::<f32>::zeros(vec![2, 4, 3, 4]);
    let mut session = model.predictor()?.session();
    assert!(
        session
            .predict_into(&counted(&[2, 3, 4, 6]), &mut y)
            .is_err()
    );
    Ok(())
}

#[test]
fn sessions_check_data_as_predict_does() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Embedding::new(4, 2).input_shape([3]))?;
    model.add(Lstm::new(2))?;
    let mut session = model.predictor()?.session();
    let mut y = Array2::<f32>::zeros((1, 2));
    let x = Array2::<f32>::from_elem((1, 3), 9.0);
    let text = session.predict_into(&x, &mut y).map_err(|e| e.to_string());
    let predicted = model.predict(&x).map_err(|e| e.to_string());
    assert_eq!(
        text.expect_err("a mistake"),
        predicted.expect_err("a mistake")
    );
    Ok(())
}
