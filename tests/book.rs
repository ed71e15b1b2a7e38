//! The books' links: every chapter is listed, every file and heading that is linked to is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use burn_keras_tests::TestResult;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lines of a document that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        if fence {
            in_code = !in_code;
        }
        !in_code && !fence
    })
}

/// The targets of the links of a document, `code` between backticks left out.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let outside: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for part in outside.split("](").skip(1) {
            found.extend(part.split(')').next().map(str::to_string));
        }
    }
    found
}

/// The anchors that mdBook gives a document's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
            _ => None,
        });
        let slug: String = kept.collect();
        // A heading that comes again has a number.
        let mut anchor = slug.clone();
        let mut again = 0;
        while !anchors.insert(anchor.clone()) {
            again += 1;
            anchor = format!("{slug}-{again}");
        }
    }
    anchors
}

fn documents(folder: &Path) -> TestResult<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn every_link_of_the_books_and_the_readme_leads_somewhere() -> TestResult {
    let root = root();
    let mut documents_found = documents(&root.join("docs/src"))?;
    documents_found.extend(documents(&root.join("docs/es/src"))?);
    documents_found.extend(documents(&root)?);
    let mut broken = Vec::new();
    for document in &documents_found {
        let text = std::fs::read_to_string(document)?;
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap_or(&root).join(file)
            };
            // Pictures are drawn when the book is built.
            let drawn = target
                .extension()
                .is_some_and(|e| e == "svg" || e == "html");
            let leads = drawn
                || match std::fs::read_to_string(&target) {
                    Ok(text) => anchor.is_empty() || anchors(&text).contains(anchor),
                    Err(_) => target.exists(),
                };
            if !leads {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(documents_found.len() > 12, "the books were not found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

#[test]
fn every_chapter_is_in_its_summary() -> TestResult {
    for book in ["docs/src", "docs/es/src"] {
        let folder = root().join(book);
        let summary = std::fs::read_to_string(folder.join("SUMMARY.md"))?;
        let listed: BTreeSet<String> = links(&summary).into_iter().collect();
        let there: BTreeSet<String> = documents(&folder)?
            .iter()
            .filter_map(|path| path.file_name()?.to_str().map(str::to_string))
            .filter(|name| name != "SUMMARY.md")
            .collect();
        assert_eq!(listed, there, "{book}");
    }
    Ok(())
}
