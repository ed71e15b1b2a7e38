//! How wide text is, in the font of the pictures.

use std::sync::OnceLock;

use ttf_parser::Face;

use super::FONT;

/// The font, to be asked for the widths of its glyphs; the fonts that browsers choose are narrower.
fn face() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(FONT, 0).ok()).as_ref()
}

/// The width of `text` at this size in points, rounded up.
pub(super) fn width(text: &str, size: f32) -> i32 {
    text.chars().map(|c| advance(c) * size).sum::<f32>().ceil() as i32
}

/// A character's width as a part of the font's size; 1 for one that the font does not have.
fn advance(c: char) -> f32 {
    face()
        .and_then(|face| {
            let glyph = face.glyph_index(c)?;
            let advance = face.glyph_hor_advance(glyph)?;
            Some(f32::from(advance) / f32::from(face.units_per_em()))
        })
        .unwrap_or(1.0)
}

/// `text`, or its beginning and end around `…` where it is wider than `most`.
pub(super) fn fit(text: &str, size: f32, most: i32) -> String {
    if width(text, size) <= most {
        return text.to_string();
    }
    let chars: Vec<char> = text.chars().collect();
    let mut room = most as f32 - advance('…') * size;
    // Two characters from the front for one from the end: names differ at both ends, more often in front.
    let (mut front, mut back) = (0, chars.len());
    while front < back {
        let from_back = front >= 2 * (chars.len() - back + 1);
        let next = if from_back {
            chars[back - 1]
        } else {
            chars[front]
        };
        room -= advance(next) * size;
        if room < 0.0 {
            break;
        }
        if from_back { back -= 1 } else { front += 1 }
    }
    let (front, back): (String, String) = (
        chars[..front].iter().collect(),
        chars[back..].iter().collect(),
    );
    format!("{front}…{back}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_keeps_both_ends() {
        assert_eq!(fit("lstm_1", 13.0, 200), "lstm_1");
        let long = "a".repeat(50) + &"b".repeat(50);
        let fitted = fit(&long, 13.0, 200);
        assert!(
            width(&fitted, 13.0) <= 200 && width(&fitted, 13.0) > 180,
            "{fitted}"
        );
        assert!(fitted.starts_with('a') && fitted.ends_with('b'));
        // Not in the font: as wide as high.
        assert_eq!(width("語", 10.0), 10);
    }
}
