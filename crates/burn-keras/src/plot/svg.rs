//! SVG as text: the few elements that the pictures are made of.
//!
//! `page/picture.js` has the same elements, written the same way: a test compares the two letter by letter.

use std::fmt::Write;

use super::STYLE;

/// The inside of a picture while it is drawn. Coordinates are whole points.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

impl Svg {
    /// The whole document.
    ///
    /// The picture counts as one image for screen readers, which read `title` and `description`; its text is real text
    /// for everybody else.
    pub fn document(self, width: i32, height: i32, title: &str, description: &str) -> String {
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n\
             <desc>{description}</desc>\n<style>\n{STYLE}</style>\n\
             <rect class=\"paper\" x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            self.body
        )
    }

    /// What was drawn so far.
    pub fn into_body(self) -> String {
        self.body
    }

    /// Another drawing, moved to this point.
    pub fn place(&mut self, x: i32, y: i32, body: &str) {
        let _ = write!(
            self.body,
            "<g transform=\"translate({x} {y})\">\n{body}</g>\n"
        );
    }

    /// Begins a group with a title of its own, which browsers show beside the pointer.
    pub fn open(&mut self, title: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escape(title));
    }

    /// Ends the group.
    pub fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    pub fn rect(&mut self, class: &str, x: i32, y: i32, width: i32, height: i32, radius: i32) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>"
        );
    }

    /// A line of text; the class says where it stands on its point, too (`middle`, `end`).
    pub fn text(&mut self, class: &str, x: i32, y: i32, text: &str) {
        let text = escape(text);
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>"
        );
    }

    pub fn path(&mut self, class: &str, path: &str) {
        let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// The point of an arrow at `(x, y)`; `dx` and `dy` say where it points, one of them 0, the other 1 or -1.
    pub fn head(&mut self, class: &str, x: i32, y: i32, dx: i32, dy: i32) {
        let (back_x, back_y) = (x - 7 * dx, y - 7 * dy);
        let (side_x, side_y) = (4 * dy.abs(), 4 * dx.abs());
        let path = format!(
            "M{x} {y}L{} {}L{} {}Z",
            back_x - side_x,
            back_y - side_y,
            back_x + side_x,
            back_y + side_y
        );
        self.path(class, &path);
    }

    /// An arrow up from `(x, from)` to `(x, to)`; `class` is what stands before `line` and `head`.
    pub fn up(&mut self, class: &str, x: i32, from: i32, to: i32) {
        self.path(&format!("{class}line"), &format!("M{x} {from}V{to}"));
        self.head(&format!("{class}head"), x, to, 0, -1);
    }
}

/// Text as it may stand in XML. Characters that XML does not have at all become `�`: names come from files.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            // Marks that change the direction of the text around them.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        let hostile = "</text><script>&\"'\u{0}\u{202e}\u{ffff}\n";
        assert_eq!(
            escape(hostile),
            "&lt;/text&gt;&lt;script&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}\u{fffd} "
        );
    }
}
