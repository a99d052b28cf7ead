//! From bytes to facts.
//!
//! [`framing`] finds the writer's schema, [`compile`] has resolved it against what is needed ([`crate::fact`]) to a
//! [`program`], and that runs over the body ([`cursor`], [`skip`]).

pub(crate) mod compile;
pub(crate) mod cursor;
pub(crate) mod error;
pub(crate) mod framing;
pub(crate) mod program;
mod skip;

use std::fmt;

use error::DecodeError;
use framing::SchemaId;
use program::Program;

use crate::records::ConversationEvent;
use crate::store::SchemaStore;

/// What a well-formed value on `conversation-events` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    Fact(ConversationEvent<'a>),
    /// No fact that this build knows; to be counted, never a dead letter.
    PassedOver(PassedOver),
}

/// Why a fact was passed over: its writer knows more than this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// A kind of payload that is not known here: the record's name in Avro, the `type` in JSON.
    PayloadKind(Box<str>),
    /// A symbol that is not known here, and the member that has it, such as `author.kind`.
    EnumSymbol { member: Box<str>, symbol: Box<str> },
}

/// How much of a name that somebody else chose is kept, in characters.
const MAX_NAME_CHARS: usize = 64;

impl PassedOver {
    /// For a counter: `payload_kind` or `enum_symbol`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            PassedOver::PayloadKind(_) => "payload_kind",
            PassedOver::EnumSymbol { .. } => "enum_symbol",
        }
    }

    pub(crate) fn kind(name: &str) -> Self {
        PassedOver::PayloadKind(shortened(name))
    }

    pub(crate) fn symbol(member: &str, symbol: &str) -> Self {
        PassedOver::EnumSymbol {
            member: member.into(),
            symbol: shortened(symbol),
        }
    }
}

fn shortened(name: &str) -> Box<str> {
    let end = name
        .char_indices()
        .nth(MAX_NAME_CHARS)
        .map_or(name.len(), |(end, _)| end);
    name[..end].into()
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PassedOver::PayloadKind(name) => write!(f, "unknown kind of payload {name:?}"),
            PassedOver::EnumSymbol { member, symbol } => {
                write!(f, "{member}: unknown symbol {symbol:?}")
            }
        }
    }
}

impl SchemaStore {
    /// Decodes a value of `conversation-events`. A fact borrows from `value`, and nothing is allocated for it. When
    /// several things are to be said about a value, malformed bytes go first, then an unknown kind of payload, a broken
    /// limit or an incompatible schema, an unknown symbol.
    ///
    /// # Errors
    /// The classes `framing`, `unknown_schema`, `incompatible_schema`, `malformed` and `limit`.
    #[inline]
    pub fn decode_fact<'a>(&self, value: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        let (id, body) = framing::split(value)?;
        self.program(id)?.decode(body)
    }

    fn program(&self, id: SchemaId) -> Result<&Program, DecodeError> {
        self.writer(id).map(|writer| &writer.program)
    }
}
