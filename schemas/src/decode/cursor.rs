//! Avro's primitive values, read off a slice.

use crate::limits;

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("expected more bytes, found the end")]
    Truncated,
    #[error("expected the end, found {0} bytes more")]
    Trailing(usize),
    #[error("expected an integer of at most 10 bytes, found a longer one")]
    LongInteger,
    #[error("expected an int of 32 bits, found {0}")]
    IntRange(i64),
    #[error("expected a length of 0 or more, found {0}")]
    NegativeLength(i64),
    #[error("expected a count of items, found {0}")]
    BlockCount(i64),
    #[error("expected 00 or 01 for a boolean, found {0:02X}")]
    Boolean(u8),
    #[error("expected UTF-8, found other bytes")]
    Utf8,
    #[error("expected the number of one of {known} symbols, found {found}")]
    Symbol { known: usize, found: i64 },
    #[error("expected the number of one of {known} branches of a union, found {found}")]
    Branch { known: usize, found: i64 },
    #[error("expected values nested at most {0} deep, found deeper ones")]
    TooDeep(u32),
}

/// The longest zigzag integer, in bytes: 64 bits, seven a byte.
const MAX_INTEGER_BYTES: usize = 10;

/// What is left of a body.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// A `long`. Like other readers it takes a 10th byte's excess bits for nothing.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<i64, Fault> {
        match self.rest {
            [first @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Ok(unzigzag(u64::from(*first)))
            }
            _ => self.multibyte_long(),
        }
    }

    #[inline]
    fn multibyte_long(&mut self) -> Result<i64, Fault> {
        let mut bits = 0_u64;
        for (place, &byte) in self.rest.iter().take(MAX_INTEGER_BYTES).enumerate() {
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Ok(unzigzag(bits));
            }
        }
        if self.rest.len() < MAX_INTEGER_BYTES {
            Err(Fault::Truncated)
        } else {
            Err(Fault::LongInteger)
        }
    }

    /// An `int`, as a `long`.
    #[inline]
    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        let value = self.long()?;
        if i32::try_from(value).is_ok() {
            Ok(value)
        } else {
            Err(Fault::IntRange(value))
        }
    }

    /// The number of one of `known` symbols.
    #[inline]
    pub(crate) fn symbol(&mut self, known: usize) -> Result<usize, Fault> {
        let found = self.int()?;
        usize::try_from(found)
            .ok()
            .filter(|index| *index < known)
            .ok_or(Fault::Symbol { known, found })
    }

    /// The number of one of `known` branches.
    #[inline]
    pub(crate) fn branch(&mut self, known: usize) -> Result<usize, Fault> {
        let found = self.long()?;
        usize::try_from(found)
            .ok()
            .filter(|index| *index < known)
            .ok_or(Fault::Branch { known, found })
    }

    /// `count` bytes.
    #[inline]
    pub(crate) fn fixed(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// `bytes`: a length, and as many bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(count) => self.fixed(count),
            Err(_) if length < 0 => Err(Fault::NegativeLength(length)),
            Err(_) => Err(Fault::Truncated),
        }
    }

    /// A `string`, or `bytes` that must be one.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str, Fault> {
        limits::utf8(self.bytes()?).ok_or(Fault::Utf8)
    }

    /// A `boolean`, of which only the form matters.
    pub(crate) fn boolean(&mut self) -> Result<(), Fault> {
        match self.fixed(1)? {
            [0 | 1] => Ok(()),
            other => Err(Fault::Boolean(other[0])),
        }
    }

    /// The count of the next block of an array or a map; 0 ends it. A negative count comes with the block's size in
    /// bytes, which is not needed: the items say it themselves.
    pub(crate) fn block(&mut self) -> Result<u64, Fault> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        if count == i64::MIN {
            Err(Fault::BlockCount(count))
        } else {
            Ok(count.unsigned_abs())
        }
    }
}

#[inline]
fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_at_the_ends_of_their_range() {
        let cases: [(&[u8], i64); 7] = [
            (&[0x00], 0),
            (&[0x01], -1),
            (&[0x7f], -64),
            (&[0x80, 0x01], 64),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                i64::MIN,
            ),
            (
                &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                i64::MAX,
            ),
            (&[0x80, 0x80, 0x00], 0),
        ];
        for (bytes, expected) in cases {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.long(), Ok(expected), "{bytes:02x?}");
            assert_eq!(cursor.remaining(), 0);
        }
        assert_eq!(Cursor::new(&[0x80; 10]).long(), Err(Fault::LongInteger));
        assert_eq!(Cursor::new(&[0x80; 9]).long(), Err(Fault::Truncated));
        assert_eq!(Cursor::new(&[]).long(), Err(Fault::Truncated));
    }

    #[test]
    fn lengths_that_cannot_be() {
        assert_eq!(Cursor::new(&[0x01]).bytes(), Err(Fault::NegativeLength(-1)));
        assert_eq!(Cursor::new(&[0x04, b'a']).bytes(), Err(Fault::Truncated));
        assert_eq!(Cursor::new(&[0x02, 0xff]).text(), Err(Fault::Utf8));
        assert_eq!(Cursor::new(&[0x02]).boolean(), Err(Fault::Boolean(2)));
    }
}
