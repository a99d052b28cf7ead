//! The bytes before an Avro body: which schema wrote it.

use std::fmt;

use super::error::DecodeError;

/// Starts a value in Avro single-object encoding; the little-endian fingerprint follows.
const SINGLE_OBJECT_MARKER: [u8; 2] = [0xC3, 0x01];

/// Starts a value in Confluent's wire format; the big-endian schema id follows.
const CONFLUENT_MARKER: u8 = 0;

/// How a value says which schema wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Avro single-object encoding, with the fingerprint of the record's own schema: 10 bytes. For a log without a
    /// schema registry.
    SingleObject,
    /// Confluent's wire format, with the id that the registry gave the record's schema: 5 bytes.
    Confluent(u32),
}

impl Framing {
    /// Appends the header of a body written by the schema with this fingerprint.
    pub(crate) fn write_header(self, fingerprint: u64, out: &mut Vec<u8>) {
        match self {
            Framing::SingleObject => {
                out.extend_from_slice(&SINGLE_OBJECT_MARKER);
                out.extend_from_slice(&fingerprint.to_le_bytes());
            }
            Framing::Confluent(id) => {
                out.push(CONFLUENT_MARKER);
                out.extend_from_slice(&id.to_be_bytes());
            }
        }
    }
}

/// What a framed value names as its writer's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaId {
    /// CRC-64-AVRO of the schema's canonical form.
    Fingerprint(u64),
    /// A schema registry's number.
    Registry(u32),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaId::Fingerprint(fingerprint) => write!(f, "fingerprint {fingerprint:016x}"),
            SchemaId::Registry(id) => write!(f, "registry id {id}"),
        }
    }
}

/// The schema that a framed value names. Looks at the header alone.
///
/// # Errors
/// Class `framing` when the value has neither header, or is shorter than the one it begins with.
pub fn schema_id(value: &[u8]) -> Result<SchemaId, DecodeError> {
    split(value).map(|(id, _body)| id)
}

/// A framed value as the schema it names and its body.
#[inline]
pub(crate) fn split(value: &[u8]) -> Result<(SchemaId, &[u8]), DecodeError> {
    if let Some(rest) = value.strip_prefix(&SINGLE_OBJECT_MARKER) {
        let (fingerprint, body) = rest
            .split_first_chunk()
            .ok_or_else(|| DecodeError::framing(value))?;
        return Ok((
            SchemaId::Fingerprint(u64::from_le_bytes(*fingerprint)),
            body,
        ));
    }
    let rest = value
        .strip_prefix(&[CONFLUENT_MARKER])
        .ok_or_else(|| DecodeError::framing(value))?;
    let (id, body) = rest
        .split_first_chunk()
        .ok_or_else(|| DecodeError::framing(value))?;
    Ok((SchemaId::Registry(u32::from_be_bytes(*id)), body))
}
