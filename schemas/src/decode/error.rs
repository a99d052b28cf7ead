//! Why a value is no record.

use std::fmt;

use super::cursor::Fault;
use super::framing::SchemaId;
use crate::limits::LimitError;

/// Why a value is no record: what was expected, what was found, and where. The caller dead-letters the record; only a
/// registry id that is not known yet ([`DecodeError::unknown_schema`]) is worth another try once its schema is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Reason>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Framing {
        header: Vec<u8>,
        bytes: usize,
    },
    UnknownSchema(SchemaId),
    Incompatible(String),
    Malformed {
        member: Box<str>,
        fault: Fault,
        at_byte: usize,
        bytes: usize,
    },
    Limit {
        member: Box<str>,
        error: LimitError,
    },
    UnknownSymbol(String),
    Invalid(String),
}

impl DecodeError {
    /// A few words of low cardinality, for a metric and a dead letter's header: `framing`, `unknown_schema`,
    /// `incompatible_schema`, `malformed`, `limit`, `unknown_symbol` (never for a fact) or `invalid` (settings).
    #[must_use]
    pub fn class(&self) -> &'static str {
        match *self.0 {
            Reason::Framing { .. } => "framing",
            Reason::UnknownSchema(_) => "unknown_schema",
            Reason::Incompatible(_) => "incompatible_schema",
            Reason::Malformed { .. } => "malformed",
            Reason::Limit { .. } => "limit",
            Reason::UnknownSymbol(_) => "unknown_symbol",
            Reason::Invalid(_) => "invalid",
        }
    }

    /// The schema to look up, when that it is unknown is the reason.
    #[must_use]
    pub fn unknown_schema(&self) -> Option<SchemaId> {
        match *self.0 {
            Reason::UnknownSchema(id) => Some(id),
            _ => None,
        }
    }

    #[cold]
    pub(crate) fn framing(value: &[u8]) -> Self {
        let header = value.iter().take(10).copied().collect();
        Self::new(Reason::Framing {
            header,
            bytes: value.len(),
        })
    }

    #[cold]
    pub(crate) fn not_known(schema: SchemaId) -> Self {
        Self::new(Reason::UnknownSchema(schema))
    }

    #[cold]
    pub(crate) fn incompatible(message: String) -> Self {
        Self::new(Reason::Incompatible(message))
    }

    #[cold]
    pub(crate) fn malformed(member: &str, fault: Fault, at_byte: usize, bytes: usize) -> Self {
        Self::new(Reason::Malformed {
            member: member.into(),
            fault,
            at_byte,
            bytes,
        })
    }

    #[cold]
    pub(crate) fn limit(member: &str, error: LimitError) -> Self {
        Self::new(Reason::Limit {
            member: member.into(),
            error,
        })
    }

    #[cold]
    pub(crate) fn unknown_symbol(message: String) -> Self {
        Self::new(Reason::UnknownSymbol(message))
    }

    #[cold]
    pub(crate) fn invalid(message: String) -> Self {
        Self::new(Reason::Invalid(message))
    }

    fn new(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Framing { header, bytes } => write!(
                f,
                "expected C3 01 and 8 bytes of fingerprint, or 00 and 4 bytes of schema id, \
                 found {header:02X?} at the start of {bytes} bytes"
            ),
            Reason::UnknownSchema(id) => {
                write!(f, "expected a schema that is registered, found {id}")
            }
            Reason::Malformed {
                member,
                fault,
                at_byte,
                bytes,
            } => {
                write!(
                    f,
                    "{member}: {fault}, at byte {at_byte} of a body of {bytes}"
                )
            }
            Reason::Limit { member, error } => write!(f, "{member}: {error}"),
            Reason::Incompatible(message)
            | Reason::UnknownSymbol(message)
            | Reason::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {}
