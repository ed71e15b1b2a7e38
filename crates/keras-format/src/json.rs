//! JSON from a stranger: bounded in size and depth.

use serde_json::Value;

use crate::error::{Error, Result};

/// Parses `text`. The parser stops at a nesting of 128, and `max_bytes` bounds what the tree takes.
pub(crate) fn parse(text: &str, what: &str, max_bytes: u64) -> Result<Value> {
    if text.len() as u64 > max_bytes {
        return Err(Error::TooLarge {
            what: what.to_string(),
            size: text.len() as u64,
            limit: max_bytes,
        });
    }
    serde_json::from_str(text).map_err(|e| {
        let mut detail = e.to_string();
        let line = text
            .lines()
            .nth(e.line().saturating_sub(1))
            .unwrap_or_default();
        let place = line.get(e.column().saturating_sub(1)..).unwrap_or_default();
        let before = line.get(..e.column().saturating_sub(1)).unwrap_or_default();
        if ["NaN", "Infinity"]
            .iter()
            .any(|word| place.starts_with(word))
            || before.ends_with('-')
        {
            detail
                .push_str("; Python writes NaN and infinities there, which no layer here can use");
        }
        Error::Json {
            what: what.to_string(),
            detail,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_long_too_deep_and_pythons_nan_are_errors() {
        assert!(parse("[1]", "x", 100).is_ok());
        assert!(matches!(
            parse("[1111]", "x", 3),
            Err(Error::TooLarge { .. })
        ));
        let deep = "[".repeat(100_000);
        assert!(matches!(
            parse(&deep, "x", 1 << 20),
            Err(Error::Json { .. })
        ));
        let nan = parse(r#"{"mask_value": NaN}"#, "x", 100)
            .unwrap_err()
            .to_string();
        assert!(nan.contains("Python writes NaN"), "{nan}");
    }
}
