//! Numbers, times, ids and hashes as the stored form writes them (see `stored`). Reading checks every length against the bytes
//! that are there, before anything is allocated.

use afterword_schemas::records::Timestamp;

use crate::stored::StateError;

pub(crate) struct Writer<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    last_time: i64,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Writer { out, last_time: 0 }
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number & 0x7F) as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn time(&mut self, time: Timestamp) {
        let difference = time.0.wrapping_sub(self.last_time);
        self.last_time = time.0;
        self.number(((difference << 1) ^ (difference >> 63)) as u64);
    }

    pub(crate) fn string(&mut self, string: &str) {
        self.count(string.len());
        self.out.extend_from_slice(string.as_bytes());
    }

    pub(crate) fn hashes(&mut self, hashes: &[u64]) {
        self.count(hashes.len());
        for hash in hashes {
            self.out.extend_from_slice(&hash.to_le_bytes());
        }
    }
}

pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
    last_time: i64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader {
            rest: bytes,
            last_time: 0,
        }
    }

    pub(crate) fn take(
        &mut self,
        len: usize,
        expected: &'static str,
    ) -> Result<&'a [u8], StateError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(StateError::Damaged { expected })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        expected: &'static str,
    ) -> Result<[u8; N], StateError> {
        let taken = self.take(N, expected)?;
        taken
            .try_into()
            .map_err(|_| StateError::Damaged { expected })
    }

    pub(crate) fn byte(&mut self, expected: &'static str) -> Result<u8, StateError> {
        self.array(expected).map(|[byte]: [u8; 1]| byte)
    }

    pub(crate) fn number(&mut self, expected: &'static str) -> Result<u64, StateError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(expected)?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(StateError::Damaged { expected })
    }

    pub(crate) fn number_u32(&mut self, expected: &'static str) -> Result<u32, StateError> {
        u32::try_from(self.number(expected)?).map_err(|_| StateError::Damaged { expected })
    }

    pub(crate) fn count(&mut self, expected: &'static str) -> Result<usize, StateError> {
        usize::try_from(self.number(expected)?).map_err(|_| StateError::Damaged { expected })
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StateError> {
        let zigzag = self.number("a time")?;
        let difference = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        self.last_time = self.last_time.wrapping_add(difference);
        Ok(Timestamp(self.last_time))
    }

    pub(crate) fn text(&mut self, len: usize) -> Result<&'a str, StateError> {
        let expected = "an id";
        std::str::from_utf8(self.take(len, expected)?).map_err(|_| StateError::Damaged { expected })
    }

    pub(crate) fn string(&mut self) -> Result<&'a str, StateError> {
        let len = self.count("an id's length")?;
        self.text(len)
    }

    pub(crate) fn hashes(&mut self, at_most: usize) -> Result<Vec<u64>, StateError> {
        let expected = "remembered ids";
        let count = self.count(expected)?;
        if count > at_most {
            return Err(StateError::Damaged { expected });
        }
        let bytes = self.take(count.saturating_mul(8), expected)?;
        let hashes = bytes
            .as_chunks()
            .0
            .iter()
            .map(|hash| u64::from_le_bytes(*hash));
        Ok(hashes.collect())
    }

    pub(crate) fn end(&self) -> Result<(), StateError> {
        match self.rest {
            [] => Ok(()),
            _ => Err(StateError::Damaged {
                expected: "the end",
            }),
        }
    }
}
