//! The few primitives of stored bytes: LEB128 numbers and length-prefixed bytes. Shared by every stored form of this
//! crate, so that there is one place that bounds what is read.

use thiserror::Error;

/// Stored bytes that are not what was written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("stored bytes are damaged: expected {expected} at byte {at}")]
pub struct CodingError {
    pub expected: &'static str,
    pub at: usize,
}

/// Appends a number, seven bits a byte, low bits first: 1 to 10 bytes.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, zigzag coded.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a length and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends 0 for nothing, or the length plus one and the bytes.
pub fn put_optional_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            put_varint(out, bytes.len() as u64 + 1);
            out.extend_from_slice(bytes);
        }
    }
}

/// Reads what the functions above wrote, and never past its end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether everything has been read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn damaged(&self, expected: &'static str) -> CodingError {
        CodingError {
            expected,
            at: self.at,
        }
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, CodingError> {
        let byte = self.bytes.get(self.at).copied();
        let byte = byte.ok_or_else(|| self.damaged("a byte"))?;
        self.at += 1;
        Ok(byte)
    }

    /// A number of [`put_varint`].
    pub fn varint(&mut self) -> Result<u64, CodingError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number of at most 64 bits"))
    }

    /// A number of [`put_signed`].
    pub fn signed(&mut self) -> Result<i64, CodingError> {
        let value = self.varint()?;
        Ok(((value >> 1) as i64) ^ -((value & 1) as i64))
    }

    /// Exactly this many bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], CodingError> {
        let end = self.at.checked_add(length);
        let bytes = end.and_then(|end| self.bytes.get(self.at..end));
        let bytes = bytes.ok_or_else(|| self.damaged("as many bytes as the length says"))?;
        self.at += length;
        Ok(bytes)
    }

    fn take_u64(&mut self, length: u64) -> Result<&'a [u8], CodingError> {
        let length = usize::try_from(length).map_err(|_| self.damaged("a length"))?;
        self.take(length)
    }

    /// Bytes of [`put_bytes`].
    pub fn bytes(&mut self) -> Result<&'a [u8], CodingError> {
        let length = self.varint()?;
        self.take_u64(length)
    }

    /// Bytes of [`put_optional_bytes`].
    pub fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, CodingError> {
        match self.varint()? {
            0 => Ok(None),
            length => self.take_u64(length - 1).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_bytes_come_back(
            number in any::<u64>(), signed in any::<i64>(), bytes in any::<Vec<u8>>(), optional in any::<Option<Vec<u8>>>(),
        ) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_signed(&mut out, signed);
            put_bytes(&mut out, &bytes);
            put_optional_bytes(&mut out, optional.as_deref());
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.varint(), Ok(number));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.bytes(), Ok(&bytes[..]));
            prop_assert_eq!(reader.optional_bytes(), Ok(optional.as_deref()));
            prop_assert!(reader.is_at_end());
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            let mut reader = Reader::new(&bytes);
            while reader.varint().is_ok() && reader.signed().is_ok() && reader.bytes().is_ok() {}
            prop_assert!(reader.position() <= bytes.len());
        }
    }
}
