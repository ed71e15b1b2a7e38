//! Numbers and templates as Python writes them, so that files have the names and texts that Keras gives them.

use super::python_format::formatted;
use crate::Result;

/// A float as Python's `repr` shows it.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_string();
    }
    let power = if value == 0.0 {
        0
    } else {
        // The exponent that the shortest text has, which a logarithm could miss by rounding.
        let text = format!("{value:e}");
        text.split_once('e')
            .and_then(|(_, power)| power.parse().ok())
            .unwrap_or(0)
    };
    if (-4..16).contains(&power) {
        return format!("{value:?}");
    }
    python_exponent(&format!("{value:e}"))
}

/// Rust's `1e-7` as Python's `1e-07`.
pub(super) fn python_exponent(text: &str) -> String {
    let Some((digits, power)) = text.split_once('e') else {
        return text.to_string();
    };
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{digits}e{sign}{power:0>2}")
}

/// A value that a template can name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(usize),
    Float(f64),
}

/// Fills a template such as `{epoch:02d}-{val_loss:.2f}.keras`, as Python's `str.format` does.
///
/// `{{` and `}}` stand for braces.
///
/// # Errors
///
/// What `fail` makes of a name that `lookup` does not know, or a format that is not one of these.
pub(super) fn fill(
    template: &str,
    lookup: impl Fn(&str) -> Option<Number>,
    fail: impl Fn(String) -> crate::Error,
) -> Result<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, braces) = rest.split_at(at);
        filled.push_str(text);
        if let Some(after) = braces.strip_prefix("{{") {
            filled.push('{');
            rest = after;
        } else if let Some(after) = braces.strip_prefix("}}") {
            filled.push('}');
            rest = after;
        } else {
            let (field, after) = braces
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'))
                .ok_or_else(|| fail(format!("\"{template}\" has a brace without its partner")))?;
            let (name, format) = field.split_once(':').unwrap_or((field, ""));
            let value = lookup(name).ok_or_else(|| {
                fail(format!("\"{template}\" names `{name}`, which is not known"))
            })?;
            let text = formatted(value, format).ok_or_else(|| {
                fail(format!(
                    "\"{template}\": `{format}` does not fit `{name}`; formats are like `02d` for whole numbers and \
                     `.2f` or `.2e` for others"
                ))
            })?;
            filled.push_str(&text);
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_in_python() {
        // `repr` of CPython 3.11.
        for (value, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.37837839126586914, "0.37837839126586914"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (123456789.0, "123456789.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-2.5e-10, "-2.5e-10"),
            (1e300, "1e+300"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn templates_are_filled_as_in_python() {
        let lookup = |name: &str| match name {
            "epoch" => Some(Number::Int(7)),
            "val_loss" => Some(Number::Float(0.123456)),
            "lr" => Some(Number::Float(-1.5)),
            _ => None,
        };
        let fill = |template| fill(template, lookup, crate::Error::Training);
        for (template, text) in [
            ("{epoch:02d}-{val_loss:.2f}.keras", "07-0.12.keras"),
            ("{epoch}/{val_loss}", "7/0.123456"),
            ("{{{epoch:3d}}}", "{  7}"),
            ("{val_loss:.3e}", "1.235e-01"),
            ("{val_loss:08.2f}", "00000.12"),
            ("{lr:06.2f}", "-01.50"),
            ("{epoch:.1f}", "7.0"),
        ] {
            assert_eq!(fill(template).unwrap(), text);
        }
        for wrong in ["{acc}", "{val_loss:d}", "{epoch", "}", "{epoch:999d}"] {
            assert!(fill(wrong).is_err(), "{wrong}");
        }
    }
}
