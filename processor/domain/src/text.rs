//! What counts as a character. Rules, "Characters": Unicode scalar values of the visible text; spaces count, a line break
//! counts one (CR LF together one), and nothing is trimmed or collapsed in plain text.

use afterword_schemas::records::Format;

use crate::html;

/// The characters of a message's text, counted no further than `at_most`.
#[must_use]
pub fn characters(text: &str, format: Format, at_most: u32) -> u32 {
    match format {
        Format::Plain => plain(text, at_most),
        Format::Html => html::characters(text, at_most),
    }
}

/// The characters of plain text, counted no further than `at_most`.
///
/// A scalar value is at most 4 bytes long, and CR LF is 2 for one, so a text of more than 4 × `at_most` bytes need not be
/// looked at; a shorter one is counted whole, with the standard library's vectorised loop.
#[must_use]
pub fn plain(text: &str, at_most: u32) -> u32 {
    let enough = usize::try_from(at_most).unwrap_or(usize::MAX);
    if text.len() / 4 >= enough {
        return at_most;
    }
    let count = text.chars().count() - cr_lf_pairs(text.as_bytes());
    u32::try_from(count).unwrap_or(u32::MAX).min(at_most)
}

fn cr_lf_pairs(text: &[u8]) -> usize {
    if !text.contains(&b'\r') {
        return 0;
    }
    let pairs = text.iter().zip(text.iter().skip(1));
    pairs.filter(|&(&a, &b)| a == b'\r' && b == b'\n').count()
}

/// A comment as it is kept, compared and counted: without the white space (Unicode `White_Space`) at its ends. Empty when
/// it is of white space alone.
#[must_use]
pub fn comment(text: &str) -> &str {
    text.trim()
}
