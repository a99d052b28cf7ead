//! What an id and a text may be, in Avro and in JSON alike.

/// The longest id, in bytes of UTF-8. The shortest is one byte.
pub const MAX_ID_BYTES: usize = 256;

/// The longest text, in Unicode scalar values.
pub const MAX_TEXT_CHARS: usize = 262_144;

/// A scalar value takes at most this many bytes of UTF-8.
const MAX_CHAR_BYTES: usize = 4;

/// How an id or a text breaks a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}, found {}", self.expected(), self.found())]
pub enum LimitError {
    IdLength { bytes: usize },
    IdControl { character: char },
    TextLength { characters: usize },
}

impl LimitError {
    /// What was expected, for a sentence.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            LimitError::IdLength { .. } => format!("an id of 1 to {MAX_ID_BYTES} bytes"),
            LimitError::IdControl { .. } => "an id without control characters".to_owned(),
            LimitError::TextLength { .. } => {
                format!("a text of at most {MAX_TEXT_CHARS} characters")
            }
        }
    }

    /// What was found, for a sentence.
    #[must_use]
    pub fn found(&self) -> String {
        match self {
            LimitError::IdLength { bytes } => format!("{bytes} bytes"),
            LimitError::IdControl { character } => format!("U+{:04X}", u32::from(*character)),
            LimitError::TextLength { characters } => format!("{characters} characters"),
        }
    }
}

/// Checks an id: 1 to [`MAX_ID_BYTES`] bytes, no control character (Unicode Cc).
///
/// # Errors
/// Says which of these it breaks.
#[inline]
pub fn check_id(id: &str) -> Result<(), LimitError> {
    if (1..=MAX_ID_BYTES).contains(&id.len()) && is_printable_ascii(id.as_bytes()) {
        return Ok(());
    }
    check_unusual_id(id)
}

/// Whether all bytes are ASCII and no control characters; eight at a time, since every fact has four ids.
#[inline]
fn is_printable_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    };
    let (chunks, _in_last) = bytes.as_chunks();
    chunks
        .iter()
        .chain([last])
        .all(|chunk| are_printable_ascii(*chunk))
}

/// The same of eight bytes at once, by the highest bit of each: outside ASCII it is set, adding 1 sets it in DEL alone, and
/// adding 60 (hexadecimal) sets it from the space on.
#[inline]
fn are_printable_ascii(bytes: [u8; 8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let bytes = u64::from_le_bytes(bytes);
    let low_bits = bytes & (0x7f * EACH);
    let not_del = !(low_bits + EACH);
    let from_space_on = low_bits + 0x60 * EACH;
    !bytes & not_del & from_space_on & (0x80 * EACH) == 0x80 * EACH
}

#[cold]
fn check_unusual_id(id: &str) -> Result<(), LimitError> {
    let bytes = id.len();
    if !(1..=MAX_ID_BYTES).contains(&bytes) {
        return Err(LimitError::IdLength { bytes });
    }
    match id.chars().find(|character| character.is_control()) {
        Some(character) => Err(LimitError::IdControl { character }),
        None => Ok(()),
    }
}

/// Checks a text: at most [`MAX_TEXT_CHARS`] scalar values.
///
/// # Errors
/// Says how many there are.
#[inline]
pub fn check_text(text: &str) -> Result<(), LimitError> {
    if text.len() <= MAX_TEXT_CHARS {
        return Ok(());
    }
    match text.chars().count() {
        characters if characters > MAX_TEXT_CHARS => Err(LimitError::TextLength { characters }),
        _ => Ok(()),
    }
}

/// The most bytes that a text within its limit can have.
pub const MAX_TEXT_BYTES: usize = MAX_TEXT_CHARS * MAX_CHAR_BYTES;

/// Bytes as text when they are UTF-8, by the fastest safe check there is: SIMD from 64 bytes on, where the standard
/// library takes about a nanosecond a byte for anything but ASCII.
#[inline]
#[must_use]
pub fn utf8(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_at_their_limits() {
        let longest = "é".repeat(MAX_ID_BYTES / 2);
        for id in ["x", " ", "ü", "a b", "\u{a0}", longest.as_str()] {
            assert_eq!(check_id(id), Ok(()), "{id:?}");
        }
        assert_eq!(check_id(""), Err(LimitError::IdLength { bytes: 0 }));
        assert_eq!(
            check_id(&format!("{longest}x")),
            Err(LimitError::IdLength { bytes: 257 })
        );
    }

    #[test]
    fn every_control_character_is_refused_and_nothing_else() {
        for character in (0..=0x2ff).filter_map(char::from_u32) {
            for (before, after) in [
                ("a", "b"),
                ("12345678", "b"),
                ("a", "12345678"),
                ("", "1234567890123456"),
            ] {
                let refused = check_id(&format!("{before}{character}{after}")).is_err();
                assert_eq!(
                    refused,
                    character.is_control(),
                    "{before}{character:?}{after}"
                );
            }
        }
    }

    #[test]
    fn texts_are_counted_in_characters() {
        assert_eq!(check_text(&"😐".repeat(MAX_TEXT_CHARS)), Ok(()));
        assert_eq!(check_text(&"a".repeat(MAX_TEXT_CHARS)), Ok(()));
        let characters = MAX_TEXT_CHARS + 1;
        assert_eq!(
            check_text(&"😐".repeat(characters)),
            Err(LimitError::TextLength { characters })
        );
        assert_eq!(
            check_text(&"a".repeat(characters)),
            Err(LimitError::TextLength { characters })
        );
    }
}
