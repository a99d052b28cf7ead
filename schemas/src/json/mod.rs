//! The records as flat JSON objects: `type` names the record (or a fact's kind of payload), its fields stand beside it.
//!
//! Reading ([`parse_fact`], [`parse_settings`]) takes members in any order, ignores those it does not know and says which,
//! and refuses a member that is given twice, since readers along the way could disagree about which counts. `source`, which
//! [`write`](fn@write) may add, is known and means nothing.

mod fact;
mod members;
mod settings;
mod time;
pub(crate) mod write;

pub use crate::settings::InvalidMember as JsonError;
pub use fact::{JsonFact, ParsedFact, parse_fact};
pub use settings::{ParsedSettings, parse_settings};
pub use time::{parse_time, write_time};
pub use write::{Source, write};

/// The longest object that is looked at, in bytes: room for the longest text with every character escaped.
pub const MAX_BYTES: usize = 4 << 20;
