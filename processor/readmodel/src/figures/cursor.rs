//! Where a list goes on: opaque to whoever holds it, and harmless whatever they make of it.

use std::fmt::Write as _;

use thiserror::Error;

/// The place after which a page begins: a day, a time (or a number), an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) day: String,
    pub(crate) at: i64,
    pub(crate) id: String,
}

/// It is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a cursor as a page gives it")]
pub struct CursorError;

/// As an id may be 256 bytes, and a place may name two.
const MAX_BYTES: usize = 1_024;

impl Cursor {
    pub(crate) fn new(day: impl ToString, at: i64, id: &str) -> Cursor {
        Cursor {
            day: day.to_string(),
            at,
            id: id.to_owned(),
        }
    }

    /// The place after so many entries of a list that is sorted anew for each page.
    #[must_use]
    pub fn numbered(entries: usize) -> Cursor {
        Cursor::new("", i64::try_from(entries).unwrap_or(i64::MAX), "")
    }

    /// After how many entries such a place is; none for one of another list.
    #[must_use]
    pub fn number(&self) -> usize {
        usize::try_from(self.at).unwrap_or(0)
    }

    /// As text of hexadecimal digits.
    #[must_use]
    pub fn encode(&self) -> String {
        let plain = format!("{}~{}~{}", self.day, self.at, self.id);
        let mut text = String::with_capacity(plain.len() * 2);
        for byte in plain.bytes() {
            let _: Result<(), std::fmt::Error> = write!(text, "{byte:02x}");
        }
        text
    }

    /// From its text.
    ///
    /// # Errors
    /// When it is not one that [`Cursor::encode`] made.
    pub fn decode(text: &str) -> Result<Cursor, CursorError> {
        if text.len() > MAX_BYTES * 2 || !text.len().is_multiple_of(2) || !text.is_ascii() {
            return Err(CursorError);
        }
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| CursorError);
        let bytes: Result<Vec<u8>, _> = (0..text.len()).step_by(2).map(byte).collect();
        let plain = String::from_utf8(bytes?).map_err(|_| CursorError)?;
        let mut parts = plain.splitn(3, '~');
        let mut part = || parts.next().ok_or(CursorError);
        let (day, at, id) = (part()?, part()?, part()?);
        let is_day = day.is_empty() || day.parse::<jiff::civil::Date>().is_ok();
        match at.parse() {
            Ok(at) if is_day && !id.contains('\0') => Ok(Cursor::new(day, at, id)),
            _ => Err(CursorError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_read() {
        for cursor in [
            Cursor::new("2026-03-01", -5, "a~b ç"),
            Cursor::new("", i64::MIN, ""),
        ] {
            assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }
        let long = "00".repeat(MAX_BYTES + 1);
        for none in [
            "",
            "7",
            "zz",
            "+1+1",
            "7e",
            "ff7e307e",
            "7e307e00",
            "317e307e",
            long.as_str(),
        ] {
            assert_eq!(Cursor::decode(none), Err(CursorError), "{none}");
        }
    }
}
