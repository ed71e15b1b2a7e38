//! Pictures of models: what they show, whatever the names, and that they are the same every time.

use burn_keras::prelude::*;
use burn_keras_tests::TestResult;
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::Document;

fn stacked() -> TestResult<Sequential> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([31, 25]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

/// Branches, a shared layer, states between layers, a mask, several inputs and outputs.
fn branches() -> TestResult<Model> {
    let words = Input::new((None,)).name("words");
    let other = Input::new((None,)).name("other");
    let embedding = Embedding::new(25, 16).mask_zero(true);
    let (a, b) = (embedding.call(&words)?, embedding.call(&other)?);
    let [_, h, c] = Lstm::new(8)
        .return_state(true)
        .name("encoder")
        .call(&a)?
        .try_into()?;
    let decoder = Lstm::new(8).return_sequences(true).name("decoder");
    let sequence = decoder.call((&b, &h, &c))?;
    let pooled = GlobalAveragePooling1d::new().call(&sequence)?;
    let joined = Concatenate::new().call((&h, &pooled))?;
    let next = Dense::new(25).activation("softmax").call(&sequence)?;
    Ok(Model::new([&words, &other], (&next, &joined))?)
}

/// The texts of a picture.
fn texts(svg: &str) -> TestResult<Vec<String>> {
    let document = Document::parse(svg)?;
    let texts = document.descendants().filter(|n| n.has_tag_name("text"));
    Ok(texts.filter_map(|n| n.text().map(str::to_string)).collect())
}

fn has(texts: &[String], wanted: &str) -> bool {
    texts.iter().any(|t| t.replace('\u{a0}', " ") == wanted)
}

#[test]
fn the_graph_shows_every_layer_and_every_shape() -> TestResult {
    let model = branches()?;
    let texts = texts(&Plot::new().svg(&model)?)?;
    for layer in model.layers() {
        assert!(
            has(&texts, &layer.name()),
            "{} is missing in {texts:?}",
            layer.name()
        );
    }
    for wanted in [
        "words",
        "other",
        "[batch, timesteps]",
        "[batch, timesteps, 16] + mask",
        "h [batch, 8]",
        "c [batch, 8]",
        "[batch, 16]",
        "[batch, timesteps, 25] + mask",
        "call 2 of 2, the same weights",
        "output 1",
    ] {
        assert!(has(&texts, wanted), "{wanted} is missing in {texts:?}");
    }
    Ok(())
}

#[test]
fn a_model_inside_a_model_is_drawn_inside_its_box() -> TestResult {
    let mut inner = Sequential::new().named("inner");
    inner.add(Lstm::new(4).name("deep").input_shape([5, 3]))?;
    let mut model = Sequential::new();
    model.add(inner)?;
    model.add(Dense::new(2))?;
    let svg = Plot::new().svg(&model)?;
    let texts = texts(&svg)?;
    for wanted in ["inner", "deep", "[batch, 5, 3]", "[batch, 4]", "[batch, 2]"] {
        assert!(has(&texts, wanted), "{wanted} is missing in {texts:?}");
    }
    assert!(svg.contains("class=\"group\""));
    Ok(())
}

#[test]
fn the_unrolled_picture_shows_what_switches_do() -> TestResult {
    let plot = Plot::new().unrolled().samples(1_085_420).batch_size(64);
    let model = stacked()?;
    let shown = texts(&plot.svg(&model)?)?;
    for wanted in [
        "your array of 1,085,420 sequences: [1085420, 31, 25]",
        "16,960 batches of 64, the last one of 44",
        "one batch: [batch = 64, timesteps = 31, features = 25]",
        "gives [batch = 64, timesteps = 31, features = 32]: every step's output",
        "gives [batch = 64, features = 32]: only the last step's output",
        "Lstm::new(32).return_sequences(true)",
        "labels: [64, 10], one-hot",
        "categorical_crossentropy",
        "27 more",
    ] {
        assert!(has(&shown, wanted), "{wanted} is missing in {shown:?}");
    }
    let input = Input::new((None, 3));
    let x = Bidirectional::new(Gru::new(4).return_sequences(true)).call(&input)?;
    let [y, h, c] = Lstm::new(5)
        .return_state(true)
        .go_backwards(true)
        .call(&x)?
        .try_into()?;
    let model = Model::new(&input, [y, h, c])?;
    let shown = texts(&plot.svg(&model)?)?;
    for wanted in [
        "concat: forward, then backward",
        "reads the last step first",
        "return_state adds h and c, [64, 5] each",
        "h and c: [64, 5] each",
        "any number",
        "last",
    ] {
        assert!(has(&shown, wanted), "{wanted} is missing in {shown:?}");
    }
    // Layers that do not stand in a row have no such picture, and the message says what there is.
    let refused = plot.svg(&branches()?).unwrap_err().to_string();
    assert!(refused.contains("Plot::new().graph()"), "{refused}");
    Ok(())
}

#[test]
fn names_out_of_files_stay_text() -> TestResult {
    let hostile =
        "</text><script>alert(\"{{data}}\")</script>&\u{1}\u{202e}".to_string() + &"w".repeat(4000);
    let hostile = hostile.replace('/', "\\");
    let mut model = Sequential::new().named(hostile.clone());
    model.add(Lstm::new(4).name(hostile.clone()).input_shape([5, 3]))?;
    for svg in [
        Plot::new().svg(&model)?,
        Plot::new().unrolled().svg(&model)?,
    ] {
        let document = Document::parse(&svg)?;
        assert!(!document.descendants().any(|n| n.has_tag_name("script")));
        let names = document.descendants().filter(|n| n.has_tag_name("text"));
        let longest = names
            .filter_map(|n| n.text())
            .map(|t| t.chars().count())
            .max();
        assert!(longest < Some(120), "{longest:?}");
    }
    let page = Plot::new().html(&model)?;
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    Ok(())
}

#[test]
fn large_models_are_shortened_in_words() -> TestResult {
    let mut model = Sequential::new();
    model.add(Dense::new(2).input_shape([2]))?;
    for _ in 0..299 {
        model.add(Activation::new("relu"))?;
    }
    let texts = texts(&Plot::new().svg(&model)?)?;
    assert!(has(&texts, "… 220 layers …"), "{texts:?}");
    assert!(has(&texts, "activation_298"));
    let folder = tempfile::tempdir()?;
    model.plot(folder.path().join("large.png"))?;
    Ok(())
}

/// Each model calls the one before it many times over: drawn out they would be millions of boxes.
#[test]
fn models_inside_models_are_drawn_as_long_as_there_is_room() -> TestResult {
    let mut inner = Sequential::new().named("inner");
    inner.add(Dense::new(2).input_shape([2]))?;
    let mut model: Model = inner.into();
    for _ in 0..4 {
        let input = Input::new([2]);
        let mut node = model.call(&input)?;
        for _ in 1..50 {
            node = model.call(&node)?;
        }
        model = Model::new(&input, &node)?;
    }
    let svg = Plot::new().svg(&model)?;
    assert!(svg.len() < 2_000_000, "{} bytes", svg.len());
    let texts = texts(&svg)?;
    assert!(has(&texts, "what is inside is not drawn"));
    // As far as there is room what is inside is shown.
    assert!(has(&texts, "inner") && svg.contains("class=\"group\""));
    Ok(())
}

#[test]
fn a_box_that_many_edges_lead_into_says_how_many_are_left_out() -> TestResult {
    let inputs: Vec<Input> = (0..300)
        .map(|i| Input::new([2]).name(format!("x{i}")))
        .collect();
    let nodes: Vec<Node> = inputs.iter().map(Input::node).collect();
    let sum = Add::new().call(nodes.clone())?;
    let model = Model::new(nodes, &sum)?;
    let texts = texts(&Plot::new().svg(&model)?)?;
    for wanted in [
        "x0",
        "… 276 inputs …",
        "x299",
        "and 276 more edges into it, not drawn",
    ] {
        assert!(has(&texts, wanted), "{wanted} is missing in {texts:?}");
    }
    Ok(())
}

#[test]
fn the_ending_says_what_is_written() -> TestResult {
    let folder = tempfile::tempdir()?;
    let model = stacked()?;
    let path = folder.path().join("m.png");
    model.plot(&path)?;
    let picture = Pixmap::decode_png(&std::fs::read(&path)?)?;
    let dark = |p: &&resvg::tiny_skia::PremultipliedColorU8| p.red() < 90 && p.green() < 90;
    // Text was drawn: the font is there.
    assert!(picture.pixels().iter().filter(dark).count() > 1000);
    model.plot_with(folder.path().join("u.svg"), &Plot::new().unrolled())?;
    model.plot(folder.path().join("m.html"))?;
    let page = std::fs::read_to_string(folder.path().join("m.html"))?;
    for outside in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} reaches out of the page");
    }
    model.plot(folder.path().join("M.SVG"))?;
    let svg = std::fs::read_to_string(folder.path().join("M.SVG"))?;
    assert_eq!(svg, Plot::new().svg(&model)?);
    let refused = model
        .plot(folder.path().join("m.gif"))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("`.svg`, `.png` or `.html`"), "{refused}");
    Ok(())
}

#[test]
fn pictures_are_the_same_every_time() -> TestResult {
    for _ in 0..3 {
        assert_eq!(
            Plot::new().svg(&branches()?)?,
            Plot::new().svg(&branches()?)?
        );
    }
    let body = |svg: String| {
        svg.split("</style>\n")
            .nth(1)
            .unwrap_or_default()
            .to_string()
    };
    let mut small = Sequential::new();
    small.add(Gru::new(2).go_backwards(true).input_shape([2, 1]))?;
    insta::assert_snapshot!("graph", body(Plot::new().svg(&small)?));
    let plot = Plot::new().unrolled().columns(3);
    insta::assert_snapshot!("unrolled", body(plot.svg(&small)?));
    Ok(())
}
