//! Measures of the unrolled picture: columns for steps, lines of text.

use super::{Lines, UNKNOWN};
use crate::plot::text::{fit, width};

/// From one line of text to the next.
pub(super) const LINE: i32 = 16;
/// Around text.
pub(super) const PAD: i32 = 12;
/// The arrows between two cards.
pub(super) const GAP: i32 = 26;
/// The height of a cell.
pub(super) const CELL: i32 = 44;

/// What has a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Step(i32),
    /// Steps that have none.
    Gap,
    /// The last one of a number that is not known.
    Last,
}

/// The steps that have a column: all of a few, else the first and last ones around a gap. A vector has one.
pub(super) fn columns(steps: i32, most: i32) -> Vec<Column> {
    if steps == UNKNOWN {
        let front = (0..most - 2).map(Column::Step);
        return front.chain([Column::Gap, Column::Last]).collect();
    }
    if steps <= most {
        return (0..steps.max(1)).map(Column::Step).collect();
    }
    let front = most / 2;
    let back = most - 1 - front;
    let last = (steps - back..steps).map(Column::Step);
    (0..front)
        .map(Column::Step)
        .chain([Column::Gap])
        .chain(last)
        .collect()
}

/// Where things stand for at most so many columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub most: i32,
    /// For the width of a phone.
    pub narrow: bool,
    pub pitch: i32,
    pub width: i32,
    pub middle: i32,
    chars: usize,
}

impl Geometry {
    pub fn new(most: i32) -> Self {
        let narrow = most < 5;
        let (pitch, side) = if narrow { (80, 56) } else { (112, 92) };
        let width = 2 * side + most * pitch;
        Self {
            most,
            narrow,
            pitch,
            width,
            middle: width / 2,
            chars: ((width - 2 * PAD - 16) * 10 / 63).unsigned_abs() as usize,
        }
    }

    /// The middles of the columns.
    pub fn places(&self, steps: i32) -> Vec<i32> {
        let count = columns(steps, self.most).len() as i32;
        let first = self.middle - (count - 1) * (self.pitch / 2);
        (0..count).map(|i| first + i * self.pitch).collect()
    }

    /// Those of steps, not of the gap.
    pub fn shown(&self, steps: i32) -> Vec<i32> {
        let columns = columns(steps, self.most);
        let places = self.places(steps).into_iter().zip(columns);
        places
            .filter(|(_, column)| *column != Column::Gap)
            .map(|(x, _)| x)
            .collect()
    }

    /// Lines broken to the width.
    pub fn lines(&self, lines: &Lines) -> Lines {
        let room = self.width - 16 - 2 * PAD;
        let broken = lines.iter().flat_map(|(class, text)| {
            let parts = wrap(text, self.chars).into_iter();
            // Lines of ordinary letters fit by their number; those of wide ones are shortened.
            parts.map(|part| match width(&part, 11.0) > room * 5 / 4 {
                true => (*class, fit(&part, 11.0, room)),
                false => (*class, part),
            })
        });
        broken.collect()
    }

    /// The height of a plate.
    pub fn plate(&self, lines: &Lines) -> i32 {
        14 + LINE * (lines.len() as i32 + 1)
    }
}

/// Breaks text between words into lines of at most `most` characters; a word longer than that before one of its dots.
fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').flat_map(|word| pieces(word, most)) {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= most => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A word in pieces of at most `most` characters.
fn pieces(word: &str, most: usize) -> Vec<String> {
    let mut rest: Vec<char> = word.chars().collect();
    let mut pieces = Vec::new();
    while rest.len() > most {
        let dot = rest[..=most].iter().rposition(|c| *c == '.');
        let cut = dot.filter(|at| *at > 0).unwrap_or(most);
        pieces.push(rest.drain(..cut).collect());
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_steps_leave_a_gap_in_the_middle() {
        use Column::{Gap, Last, Step};
        assert_eq!(columns(3, 5), [Step(0), Step(1), Step(2)]);
        assert_eq!(columns(31, 5), [Step(0), Step(1), Gap, Step(29), Step(30)]);
        assert_eq!(columns(31, 3), [Step(0), Gap, Step(30)]);
        assert_eq!(columns(UNKNOWN, 5), [Step(0), Step(1), Step(2), Gap, Last]);
    }

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a().bcd().e()", 7), ["a()", ".bcd()", ".e()"]);
        assert_eq!(wrap("abcdefghij", 7), ["abcdefg", "hij"]);
    }
}
