//! What the documentation says of the library's names: the list of Keras' names, and an example for everything in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use burn_keras::layers::Registry;
use burn_keras::{losses, metrics};
use burn_keras_tests::TestResult;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The tables of the list of Keras' names that name types.
const TABLES: [&str; 6] = [
    "Layers",
    "Losses",
    "Metrics",
    "Optimizers",
    "Learning-rate schedules",
    "Callbacks",
];

/// The rows of the table below a heading of the list of Keras' names: what stands in the first two columns.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<(&'a str, &'a str)> {
    text.lines()
        .skip_while(|line| line.strip_prefix("## ") != Some(heading))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`'), cells.next()?))
        })
        .collect()
}

/// The sources of the library.
fn sources(folder: &Path) -> TestResult<String> {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all += &sources(&path)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            all += &std::fs::read_to_string(&path)?;
        }
    }
    Ok(all)
}

/// The names that the prelude takes from a module.
fn in_prelude(library: &str, module: &str) -> TestResult<Vec<String>> {
    let start = format!("pub use crate::{module}::{{");
    let (_, rest) = library.split_once(&start).ok_or(start.clone())?;
    let (names, _) = rest.split_once('}').ok_or("no end")?;
    let names = names.split(',').map(|name| name.trim().to_string());
    Ok(names.filter(|name| !name.is_empty()).collect())
}

#[test]
fn the_list_of_keras_names_has_every_class_of_the_library_and_no_other() -> TestResult {
    let text = std::fs::read_to_string(root().join("docs/src/keras-names.md"))?;
    let source = root().join("crates/burn-keras/src");
    let library = std::fs::read_to_string(source.join("lib.rs"))?;
    let sources = sources(&source)?;
    let registry = Registry::new();
    let losses = losses::NAMES.iter().map(|names| names[0]);
    let kinds = [
        ("Layers", registry.class_names()),
        (
            "Losses",
            losses.filter(|name| *name != "crossentropy").collect(),
        ),
        (
            "Metrics",
            metrics::NAMES.iter().map(|(name, _)| *name).collect(),
        ),
    ];
    for (heading, classes) in kinds {
        let listed: BTreeSet<&str> = rows(&text, heading).iter().map(|row| row.0).collect();
        assert!(listed.len() > 10, "{heading}: the table was not found");
        for class in classes {
            assert!(listed.contains(class), "{heading}: {class} is not listed");
        }
    }
    // What is no class of Keras.
    const HELPERS: [&str; 5] = [
        "CellExt",
        "Implementation",
        "LayerExt",
        "LayerHandle",
        "RuleExt",
    ];
    for (module, heading) in [
        ("layers", "Layers"),
        ("optimizers", "Optimizers"),
        ("callbacks", "Callbacks"),
    ] {
        let names = in_prelude(&library, module)?;
        for name in names.iter().filter(|n| !HELPERS.contains(&n.as_str())) {
            let listed = rows(&text, heading)
                .iter()
                .any(|row| row.1.contains(&format!("`{name}`")));
            assert!(listed, "{heading}: {name} is not listed");
        }
    }
    // What the table calls ours is there.
    let headings = TABLES.iter().chain(&["Utilities"]);
    for (keras, here) in headings.flat_map(|heading| rows(&text, heading)) {
        if let Some(name) = here
            .split('"')
            .nth(1)
            .filter(|_| here.starts_with("by its name"))
        {
            assert!(
                metrics::by_name(name).is_ok(),
                "{keras}: there is no {name}"
            );
            continue;
        }
        for code in here.split('`').skip(1).step_by(2) {
            let path = code.split('(').next().unwrap_or(code);
            let name = path.rsplit(['.', ':']).next().unwrap_or(path);
            assert!(
                sources.lines().any(|line| declares(line, name)),
                "{keras}: there is no {code}"
            );
        }
    }
    Ok(())
}

/// Whether a line declares this name, or makes it by a macro, whose lines begin with their names.
fn declares(line: &str, name: &str) -> bool {
    const KINDS: [&str; 6] = [
        "pub struct ",
        "pub enum ",
        "pub trait ",
        "pub type ",
        "pub fn ",
        "fn ",
    ];
    let line = line.trim_start();
    let declared = KINDS.iter().find_map(|kind| line.strip_prefix(kind));
    let behind = declared.unwrap_or(line).strip_prefix(name);
    let next = behind.map(|rest| rest.chars().next());
    match (declared, next) {
        (Some(_), Some(next)) => next.is_none_or(|c| !c.is_alphanumeric() && c != '_'),
        (None, Some(next)) => matches!(next, Some('(' | ',')),
        _ => false,
    }
}

/// Whether the documentation above a declaration of this name has a program.
fn has_example(sources: &str, name: &str) -> bool {
    let lines: Vec<&str> = sources.lines().collect();
    (0..lines.len())
        .filter(|i| declares(lines[*i], name))
        .any(|at| {
            let above = lines[..at].iter().rev().map(|line| line.trim_start());
            above
                .skip_while(|line| line.starts_with("#["))
                .take_while(|line| line.starts_with("///"))
                .any(|line| line == "/// ```")
        })
}

#[test]
fn everything_that_a_program_names_has_an_example() -> TestResult {
    let text = std::fs::read_to_string(root().join("docs/src/keras-names.md"))?;
    let source = root().join("crates/burn-keras/src");
    let library = std::fs::read_to_string(source.join("lib.rs"))?;
    let sources = sources(&source)?;
    let (_, prelude) = library
        .split_once("pub mod prelude {")
        .ok_or("no prelude")?;
    let mut names: BTreeSet<&str> = prelude
        .split([';', '{', '}', ',', ' ', '\n'])
        .map(|path| path.rsplit("::").next().unwrap_or(path))
        .filter(|name| name.starts_with(char::is_uppercase) || name.starts_with("load_"))
        .filter(|name| !["Error", "Result"].contains(name))
        .collect();
    for (_, here) in TABLES.iter().flat_map(|heading| rows(&text, heading)) {
        names.extend(
            here.split('`')
                .skip(1)
                .step_by(2)
                .filter(|code| code.chars().all(char::is_alphanumeric))
                .filter(|code| code.starts_with(char::is_uppercase)),
        );
    }
    assert!(names.len() > 150, "{} names", names.len());
    let mut bare = Vec::new();
    for name in names {
        if !has_example(&sources, name) {
            bare.push(name);
        }
    }
    assert!(bare.is_empty(), "without an example: {}", bare.join(", "));
    Ok(())
}
