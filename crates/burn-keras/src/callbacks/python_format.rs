//! Numbers by Python's format specifications, `[[fill]align][sign][0][width][grouping][.digits][kind]`.

use super::python_text::{Number, float, python_exponent};

/// A parsed specification.
struct Format {
    fill: char,
    /// `<`, `>`, `^`, or `=`: between the sign and the digits.
    align: char,
    /// What stands before a number that is not negative.
    plus: &'static str,
    width: usize,
    grouping: Option<char>,
    digits: Option<usize>,
    kind: char,
}

/// No file name is longer.
const LONGEST: usize = 255;

impl Format {
    fn parse(text: &str) -> Option<Self> {
        const ALIGNS: [char; 4] = ['<', '>', '=', '^'];
        let chars: Vec<char> = text.chars().collect();
        let mut rest = chars.as_slice();
        let (mut fill, mut align) = (' ', None);
        match rest {
            [own, at, after @ ..] if ALIGNS.contains(at) => {
                (fill, align, rest) = (*own, Some(*at), after);
            }
            [at, after @ ..] if ALIGNS.contains(at) => (align, rest) = (Some(*at), after),
            _ => {}
        }
        let plus = match rest.first() {
            Some('+') => "+",
            Some(' ') => " ",
            _ => "",
        };
        if let ['+' | '-' | ' ', after @ ..] = rest {
            rest = after;
        }
        if let ['0', after @ ..] = rest {
            if align.is_none() {
                (fill, align) = ('0', Some('='));
            }
            rest = after;
        }
        let width = whole(&mut rest)?.unwrap_or(0);
        let grouping = match rest {
            [sign @ (',' | '_'), after @ ..] => {
                rest = after;
                Some(*sign)
            }
            _ => None,
        };
        let digits = match rest {
            ['.', after @ ..] => {
                rest = after;
                Some(whole(&mut rest)??)
            }
            _ => None,
        };
        let kind = match rest {
            [] => ' ',
            [kind] => *kind,
            _ => return None,
        };
        // Zeros would have to be grouped too.
        let grouped_zeros = grouping.is_some() && fill == '0' && align == Some('=');
        (width <= LONGEST && digits.is_none_or(|d| d <= LONGEST) && !grouped_zeros).then_some(
            Self {
                fill,
                align: align.unwrap_or('>'),
                plus,
                width,
                grouping,
                digits,
                kind,
            },
        )
    }

    /// The digits of a number without its sign; `None` for a kind that does not fit.
    fn size(&self, value: Number) -> Option<String> {
        let text = match (self.kind, value) {
            (' ' | 'd', Number::Int(n)) if self.digits.is_none() => n.to_string(),
            (kind @ ('b' | 'o' | 'x' | 'X'), Number::Int(n)) if self.digits.is_none() => {
                if self.grouping.is_some() {
                    return None;
                }
                match kind {
                    'b' => format!("{n:b}"),
                    'o' => format!("{n:o}"),
                    'x' => format!("{n:x}"),
                    _ => format!("{n:X}"),
                }
            }
            (_, Number::Int(n)) => self.real(n as f64)?,
            (_, Number::Float(v)) => self.real(v.abs())?,
        };
        Some(match self.grouping {
            Some(sign) => grouped(&text, sign),
            None => text,
        })
    }

    /// The same of a number that is not negative.
    fn real(&self, value: f64) -> Option<String> {
        let digits = self.digits.unwrap_or(6);
        let text = match self.kind {
            ' ' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' if !value.is_finite() => {
                let percent = if self.kind == '%' { "%" } else { "" };
                format!("{}{percent}", float(value))
            }
            ' ' if self.digits.is_none() => float(value),
            // The sign of a fraction stays: 1.0 and not 1.
            ' ' => general(value, digits.max(1), 1),
            'e' | 'E' => python_exponent(&format!("{value:.digits$e}")),
            'f' | 'F' => format!("{value:.digits$}"),
            'g' | 'G' => general(value, digits.max(1), 0),
            '%' => format!("{:.digits$}%", value * 100.0),
            _ => return None,
        };
        Some(if self.kind.is_ascii_uppercase() {
            text.to_uppercase()
        } else {
            text
        })
    }
}

/// A whole number at the front of `rest`, which is left without it; `Some(None)` where there is none.
fn whole(rest: &mut &[char]) -> Option<Option<usize>> {
    let count = rest.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    if digits.is_empty() {
        return Some(None);
    }
    digits.iter().collect::<String>().parse().ok().map(Some)
}

/// So many significant digits, with an exponent where it is shorter; at least `fraction` digits after the point.
fn general(value: f64, digits: usize, fraction: usize) -> String {
    let short = format!("{value:.*e}", digits - 1);
    let power: i64 = short
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    if (-4..digits as i64 - fraction as i64).contains(&power) {
        let decimals = (digits as i64 - 1 - power).max(0) as usize;
        let text = trimmed(&format!("{value:.decimals$}"));
        return match fraction {
            1.. if !text.contains('.') => format!("{text}.0"),
            _ => text,
        };
    }
    let (mantissa, _) = short.split_once('e').unwrap_or((&short, ""));
    python_exponent(&format!("{}e{power}", trimmed(mantissa)))
}

/// Thousands apart.
fn grouped(text: &str, sign: char) -> String {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (whole, rest) = text.split_at(end);
    let mut apart = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            apart.push(sign);
        }
        apart.push(digit);
    }
    apart + rest
}

/// `value` by a specification such as `02d`, `8.3f` or `+.2e`; `None` for one that does not fit.
pub(super) fn formatted(value: Number, specification: &str) -> Option<String> {
    let format = Format::parse(specification)?;
    let size = format.size(value)?;
    let sign = match value {
        Number::Float(v) if v.is_sign_negative() && !v.is_nan() => "-",
        _ => format.plus,
    };
    let room = format
        .width
        .saturating_sub(sign.chars().count() + size.chars().count());
    let fill = |count: usize| -> String { std::iter::repeat_n(format.fill, count).collect() };
    Some(match format.align {
        '<' => format!("{sign}{size}{}", fill(room)),
        '^' => format!("{}{sign}{size}{}", fill(room / 2), fill(room - room / 2)),
        '=' => format!("{sign}{}{size}", fill(room)),
        _ => format!("{}{sign}{size}", fill(room)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_as_in_python() {
        // `format` of CPython 3.11.
        let seven = Number::Int(7);
        let many = Number::Int(1234567);
        let third = Number::Float(1.0 / 3.0);
        let big = Number::Float(-1234.5678);
        for (value, specification, text) in [
            (seven, "", "7"),
            (seven, "03d", "007"),
            (seven, "3", "  7"),
            (seven, "<3d", "7  "),
            (seven, "*^4", "*7**"),
            (seven, "+d", "+7"),
            (seven, " d", " 7"),
            (seven, "+04d", "+007"),
            (seven, ".1f", "7.0"),
            (seven, "b", "111"),
            (many, ",", "1,234,567"),
            (many, "_d", "1_234_567"),
            (many, "x", "12d687"),
            (many, "g", "1.23457e+06"),
            (third, "", "0.3333333333333333"),
            (third, ".2f", "0.33"),
            (third, "8.3f", "   0.333"),
            (third, "08.3f", "0000.333"),
            (third, ".1%", "33.3%"),
            (third, ".0e", "3e-01"),
            (third, "E", "3.333333E-01"),
            (third, "g", "0.333333"),
            (third, ".2", "0.33"),
            (Number::Float(1.0), ".3", "1.0"),
            (Number::Float(10.0), ".2", "1e+01"),
            (Number::Float(10.0), ".2g", "10"),
            (Number::Float(1e-5), "g", "1e-05"),
            (Number::Float(0.00012), "g", "0.00012"),
            (big, ",.1f", "-1,234.6"),
            (big, "012.2f", "-00001234.57"),
            (big, "=10.1f", "-   1234.6"),
            (big, "<10.1f", "-1234.6   "),
            (big, "+.3e", "-1.235e+03"),
            (Number::Float(f64::INFINITY), "+F", "+INF"),
            (Number::Float(f64::NAN), "6.2f", "   nan"),
        ] {
            let got = formatted(value, specification);
            assert_eq!(got.as_deref(), Some(text), "{value:?} by {specification:?}");
        }
        for wrong in [
            "s",
            "d!",
            ".f",
            "99999999999999999999d",
            "300d",
            ".300f",
            "<+<",
        ] {
            assert_eq!(formatted(seven, wrong), None, "{wrong}");
        }
        assert_eq!(formatted(third, "d"), None);
        assert_eq!(formatted(seven, ".2d"), None);
    }
}
