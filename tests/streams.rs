//! Batches that come from outside: what they may be, and that they train as the arrays they are cut from.

use burn::tensor::{Int, Tensor, TensorData};
use burn_keras::backend::Backend;
use burn_keras::prelude::*;
use burn_keras::training::{Batch, Items, Stream};
use burn_keras_tests::TestResult;
use ndarray::{Array1, Array2, Array3, Axis};

fn model() -> TestResult<Sequential> {
    set_random_seed(2);
    let mut model = Sequential::new();
    model.add(Dense::new(4).activation("tanh").input_shape([3]))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

type Item = ([f32; 3], i32);

/// What burn's `Dataset` offers: items by number, or an error.
struct Dataset(Vec<Item>);

impl Dataset {
    fn get(&self, index: usize) -> std::result::Result<Item, String> {
        self.0
            .get(index)
            .copied()
            .ok_or_else(|| format!("item {index} cannot be read"))
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

fn dataset() -> Dataset {
    let item = |i: usize| {
        let x = std::array::from_fn(|j| ((i * 3 + j * 5) as f32 * 0.7).sin());
        (x, (i % 3 % 2) as i32)
    };
    Dataset((0..22).map(item).collect())
}

fn arrays(items: &[Item]) -> (Array2<f32>, Array1<i32>) {
    let x = Array2::from_shape_fn((items.len(), 3), |(i, j)| items[i].0[j]);
    (x, items.iter().map(|item| item.1).collect())
}

fn batch(items: Vec<Item>) -> Result<Batch> {
    let (x, y) = arrays(&items);
    Batch::new(x, y)
}

#[test]
fn a_dataset_trains_evaluates_and_predicts_as_its_arrays_do() -> TestResult {
    let dataset = dataset();
    let (x, y) = arrays(&dataset.0);
    let stream = || Stream::of_dataset(Items::new(dataset.len(), 5), |i| dataset.get(i), batch);
    let (mut of_arrays, mut of_items) = (model()?, model()?);
    let options = || Fit::new().epochs(3).verbose(0);
    let options_of_arrays = options()
        .batch_size(5)
        .shuffle(false)
        .validation_data(&x, &y);
    let history = of_arrays.fit(&x, &y, options_of_arrays)?;
    let same = of_items.fit_stream(stream(), options().validation_stream(stream()))?;
    assert_eq!(same.names(), history.names());
    for name in ["loss", "accuracy"] {
        assert_eq!(same.get(name), history.get(name), "{name}");
    }
    assert_eq!(of_items.get_weights()?, of_arrays.get_weights()?);

    let scores = of_arrays.evaluate_with(&x, &y, Evaluate::new().batch_size(5))?;
    let same = of_items.evaluate_stream(stream(), Evaluate::new())?;
    assert_eq!(
        (same.loss(), same.get("accuracy")),
        (scores.loss(), scores.get("accuracy"))
    );
    let predictions = of_items
        .predict_stream(stream(), Predict::new())?
        .into_arrays();
    let wanted = of_arrays.predict_with(&x, Predict::new().batch_size(5))?;
    assert_eq!(predictions, [wanted]);
    Ok(())
}

#[test]
fn a_shuffled_dataset_has_an_order_for_each_pass_and_all_items_in_it() -> TestResult {
    let seen = std::sync::Mutex::new(Vec::new());
    let dataset = dataset();
    let stream = || {
        let get = |i| {
            seen.lock().map(|mut seen| seen.push(i)).ok();
            dataset.get(i)
        };
        Stream::of_dataset(Items::new(dataset.len(), 5).shuffle(3), get, batch)
    };
    let mut passes = Vec::new();
    for _ in 0..2 {
        model()?.fit_stream(stream(), Fit::new().epochs(2).verbose(0))?;
        let order = std::mem::take(&mut *seen.lock().map_err(|e| e.to_string())?);
        assert_eq!(order.len(), 44);
        passes.push((order[..22].to_vec(), order[22..].to_vec()));
    }
    assert_eq!(passes[0], passes[1], "a seed repeats the order");
    let (first, second) = &passes[0];
    assert_ne!(first, second);
    for pass in [first, second] {
        let mut sorted = pass.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..22).collect::<Vec<_>>());
    }
    Ok(())
}

/// What burn's `DataLoader` offers: batches of tensors, or an error.
#[test]
fn a_loader_of_tensors_trains_as_its_arrays_do() -> TestResult {
    let device = Backend::Flex.open()?;
    let dataset = dataset();
    let (x, y) = arrays(&dataset.0);
    let load = |items: &[Item]| -> std::result::Result<(Tensor<2>, Tensor<1, Int>), String> {
        let (x, y) = arrays(items);
        let rows = items.len();
        let x = TensorData::new(x.into_raw_vec_and_offset().0, [rows, 3]);
        let y = TensorData::new(y.to_vec(), [rows]);
        Ok((Tensor::from_data(x, &device), Tensor::from_data(y, &device)))
    };
    let stream = Stream::of_loader(
        || dataset.0.chunks(5).map(load),
        |(x, y)| Batch::new(&x, &y),
    );
    let (mut of_arrays, mut of_loader) = (model()?, model()?);
    let options = || Fit::new().epochs(2).verbose(0);
    let history = of_arrays.fit(&x, &y, options().batch_size(5).shuffle(false))?;
    assert_eq!(of_loader.fit_stream(stream, options())?, history);
    Ok(())
}

#[test]
fn an_item_that_cannot_be_read_ends_the_training_with_its_error() -> TestResult {
    let dataset = dataset();
    let stream = Stream::of_dataset(Items::new(30, 5), |i| dataset.get(i), batch);
    let failed = model()?.fit_stream(stream, Fit::new().verbose(0));
    let text = failed.err().ok_or("nothing was refused")?.to_string();
    assert!(text.contains("item 22 cannot be read"), "{text}");
    let none = Stream::of_dataset(Items::new(30, 0), |i| dataset.get(i), batch);
    assert!(model()?.fit_stream(none, Fit::new().verbose(0)).is_err());
    Ok(())
}

#[test]
fn predictions_of_unequal_lengths_are_not_mixed() -> TestResult {
    let mut model = Sequential::new();
    model.add(Lstm::new(2).return_sequences(true).input_shape((None, 1)))?;
    // With as many values as 6 samples of the last length would have.
    let lengths = [2, 4, 3];
    let x = |steps: usize| Array3::from_shape_fn((2, steps, 1), |(i, j, _)| (i + j) as f32 * 0.1);
    let stream = |lengths: Vec<usize>| {
        Stream::new(move |_| {
            lengths
                .clone()
                .into_iter()
                .map(move |n| Batch::of_inputs(x(n)))
        })
    };
    let refused = model.predict_stream(stream(lengths.to_vec()), Predict::new());
    let text = refused.err().ok_or("the rows were mixed")?.to_string();
    assert!(text.contains("make all batches of one length"), "{text}");
    let even = model
        .predict_stream(stream(vec![3, 3]), Predict::new())?
        .into_arrays();
    assert_eq!(even[0].len_of(Axis(0)), 4);
    Ok(())
}
