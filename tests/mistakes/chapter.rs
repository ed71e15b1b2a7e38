//! The chapter "Errors explained": the programs of `cases.rs` with the texts of `snapshots/`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use burn_keras_tests::TestResult;

/// The programs that are refused.
pub const CASES: &str = include_str!("cases.rs");

/// The programs that are read otherwise.
pub const ACCEPTED: &str = include_str!("accepted.rs");

const INTRODUCTION: &str = "\
# Errors explained

A message says, in this order, which layer refuses, what it needs axis by axis, what it got with the same names, and the
smallest change that mends it, with the numbers of your data. Each below is the whole text of what the program above it is
told. Programs and texts are those of `tests/mistakes`, where a test runs them: this chapter is written by that test.

`fn main() -> Result<()>` prints an error as it stands here. In a program it is the enum `Error`: its variants tell apart
what went wrong, and `Error::Shape` has the four parts as fields.

";

const ACCEPTED_INTRODUCTION: &str = "\
# Accepted, and said

Where Keras reads data in another shape and the meaning is plain, they are accepted here too. The model says so once,
through the `log` crate and in `model.warnings()`. So is a model that runs but cannot learn.

";

/// A program with what the book says of it.
pub struct Program {
    /// The heading.
    pub title: String,
    /// What stands below the heading; may be empty.
    pub words: String,
    /// The lines between the braces.
    pub body: String,
}

/// The names of the functions of a file, in its order.
pub fn names(source: &str) -> Vec<&str> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub fn "))
        .filter_map(|line| line.split('(').next())
        .collect()
}

/// The programs of a file by name.
pub fn programs(source: &str) -> TestResult<BTreeMap<String, Program>> {
    let mut programs = BTreeMap::new();
    let mut docs: Vec<&str> = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("///") {
            docs.push(text.trim());
        } else if let Some(rest) = line.strip_prefix("pub fn ") {
            let name = rest.split('(').next().unwrap_or_default();
            let body: Vec<&str> = lines
                .by_ref()
                .take_while(|line| *line != "}")
                .map(|line| line.strip_prefix("    ").unwrap_or(line))
                .collect();
            let (title, words) = docs.split_first().ok_or(format!("{name} has no heading"))?;
            let program = Program {
                title: title.trim_start_matches('#').trim().to_string(),
                words: words.join("\n").trim().to_string(),
                body: body.join("\n"),
            };
            programs.insert(name.to_string(), program);
            docs.clear();
        }
    }
    Ok(programs)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a snapshot, behind its header.
pub fn snapshot(name: &str) -> TestResult<String> {
    let path = root()
        .join("mistakes/snapshots")
        .join(format!("{name}.snap"));
    let all = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let text = all
        .splitn(3, "---\n")
        .nth(2)
        .ok_or("a snapshot without a header")?;
    Ok(text.trim_end().to_string())
}

fn section(chapter: &mut String, name: &str, program: &Program) -> TestResult {
    writeln!(chapter, "## {}\n", program.title)?;
    if !program.words.is_empty() {
        writeln!(chapter, "{}\n", program.words)?;
    }
    // What the program needs around it is hidden in the book, and compiled with it by the tests of the documentation.
    writeln!(
        chapter,
        "```rust,no_run\n# use burn_keras::ndarray::{{array, Array1, Array2, Array3}};"
    )?;
    writeln!(
        chapter,
        "# use burn_keras::prelude::*;\n# use burn_keras::preprocessing::to_categorical;"
    )?;
    writeln!(chapter, "# fn main() -> Result<()> {{")?;
    let body = program.body.trim_end();
    let body = match body.strip_suffix("Ok(())") {
        Some(body) => body.to_string(),
        None => body.replace(
            "Ok(model.warnings())",
            "println!(\"{}\", model.warnings().join(\"\\n\"));\n",
        ),
    };
    writeln!(chapter, "{}\n# Ok(())\n# }}\n```\n", body.trim_end())?;
    writeln!(chapter, "```text\n{}\n```\n", snapshot(name)?)?;
    Ok(())
}

fn chapter() -> TestResult<String> {
    let mut chapter = INTRODUCTION.to_string();
    let programs_of = programs(CASES)?;
    for name in names(CASES) {
        section(&mut chapter, name, &programs_of[name])?;
    }
    chapter += ACCEPTED_INTRODUCTION;
    let programs_of = programs(ACCEPTED)?;
    for name in names(ACCEPTED) {
        section(&mut chapter, name, &programs_of[name])?;
    }
    Ok(format!("{}\n", chapter.trim_end()))
}

/// Compares the chapter with the file in the book; with `INSTA_UPDATE=always` it writes the file.
pub fn check() -> TestResult {
    let path = root().join("../docs/src/errors.md");
    let wanted = chapter()?;
    if std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always") {
        std::fs::write(&path, &wanted)?;
    }
    let found = std::fs::read_to_string(&path)?;
    assert!(
        found == wanted,
        "docs/src/errors.md is not what the programs and texts make: run \
         `INSTA_UPDATE=always cargo test --workspace --release --test mistakes` (twice after a change of a text)"
    );
    Ok(())
}

/// The message of the question is quoted where the question is told.
pub fn check_quotes() -> TestResult {
    let message = snapshot("a_matrix_for_an_lstm")?;
    for document in ["README.md", "docs/src/shapes.md", "docs/es/src/formas.md"] {
        let text = std::fs::read_to_string(root().join("..").join(document))?;
        assert!(
            text.contains(&message),
            "{document} quotes another text than\n{message}"
        );
    }
    Ok(())
}
