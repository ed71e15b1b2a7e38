//! The check that a message alone mends its program: what is new in a mended program stands in the message.

use burn_keras_tests::TestResult;

use crate::chapter::{Program, snapshot};

pub const MENDED: &str = include_str!("mended.rs");

/// Sizes that only make a program slow.
const SMALLER: [(&str, &str); 2] = [("1_085_420", "64"), ("100_000", "1_000")];

/// The statements of a program, without their white space.
fn statements(body: &str) -> Vec<String> {
    let mut body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    for (large, small) in SMALLER {
        body = body.replace(large, small);
    }
    // The last comma of a list that rustfmt broke.
    body = body.replace(",)", ")");
    body.split(';').map(str::to_string).collect()
}

/// What stands between backticks.
fn code(words: &str) -> Vec<String> {
    let parts = words.split('`').skip(1).step_by(2);
    parts
        .map(|part| part.chars().filter(|c| !c.is_whitespace()).collect())
        .collect()
}

/// Compares a mended program with its mistake, whose message has to hold the words that the program takes over.
///
/// Behind "without" stands what the message takes away: the name of an option is enough there.
pub fn check(name: &str, mended: &Program, mistake: &Program) -> TestResult {
    let text = snapshot(&mended.title)?;
    let message: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (added, removed) = match mended.words.split_once("without") {
        Some((added, removed)) => (code(added), code(removed)),
        None => (code(&mended.words), Vec::new()),
    };
    assert!(!added.is_empty() || !removed.is_empty(), "{name}: no words");
    let (old, new) = (statements(&mistake.body), statements(&mended.body));
    for words in &added {
        assert!(
            message.contains(words),
            "{name}: {words} is not in:\n{text}"
        );
        let taken = new.iter().any(|statement| statement.contains(words));
        assert!(taken, "{name}: {words} is not taken over");
    }
    for words in &removed {
        let option = words.trim_start_matches('.').split('(').next();
        assert!(
            message.contains(option.unwrap_or_default()),
            "{name}: nothing is said of {words} in:\n{text}"
        );
    }
    for statement in &new {
        let was_there = old.iter().any(|other| {
            let less = removed.iter().fold(other.clone(), |s, r| s.replace(r, ""));
            other == statement || less == *statement
        });
        let is_said = added.iter().any(|words| statement.contains(words));
        let is_only_used = statement.starts_with("let_=");
        assert!(
            was_there || is_said || is_only_used,
            "{name}: the message does not say\n{statement}\nbut:\n{text}"
        );
    }
    Ok(())
}
