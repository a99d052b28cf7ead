//! Facts as JSON become records of `conversation-events`: for the HTTP API and for `afterword import` alike.

use afterword_log::{Partition, Record, partition_for};
use afterword_schemas::json::{self, JsonError, ParsedFact};
use afterword_schemas::records::ConversationEvent;
use afterword_schemas::{Framing, PassedOver, encode};

/// What became of one JSON object.
#[derive(Debug)]
pub enum Taken {
    /// A fact, and the members of it that nobody reads.
    Fact {
        partition: Partition,
        record: Record,
        ignored: Vec<String>,
    },
    /// Of a type, or with a symbol, that this build does not know.
    PassedOver(PassedOver),
}

/// Reads one object.
///
/// # Errors
/// With the member, what was expected and what was found.
pub fn take(
    object: &[u8],
    partitions: u32,
    framing: Framing,
    now_ms: i64,
) -> Result<Taken, JsonError> {
    take_where(object, partitions, framing, now_ms, |_| true)
}

/// Reads one object, of a workspace of which `may` says that its facts may be written.
///
/// # Errors
/// As [`take`], and when they may not.
pub fn take_where(
    object: &[u8],
    partitions: u32,
    framing: Framing,
    now_ms: i64,
    may: impl FnOnce(&str) -> bool,
) -> Result<Taken, JsonError> {
    match json::parse_fact(object)? {
        ParsedFact::PassedOver(passed_over) => Ok(Taken::PassedOver(passed_over)),
        ParsedFact::Fact { fact, ignored } => {
            let event = fact.as_event();
            if !may(event.workspace_id) {
                return Err(JsonError {
                    member: "workspace_id".to_owned(),
                    expected: "a workspace that this API token may write facts of".to_owned(),
                    found: "another one".to_owned(),
                });
            }
            let (partition, record) = record_of(&event, partitions, framing, now_ms);
            Ok(Taken::Fact {
                partition,
                record,
                ignored,
            })
        }
    }
}

/// A fact's record and the partition it belongs to. Its time is that of appending: retention and lag go by it.
#[must_use]
pub fn record_of(
    event: &ConversationEvent<'_>,
    partitions: u32,
    framing: Framing,
    now_ms: i64,
) -> (Partition, Record) {
    let key = event.conversation_id.as_bytes();
    let mut value = Vec::with_capacity(256);
    encode(event, framing, &mut value);
    (
        partition_for(key, partitions),
        Record::new(key, value, now_ms),
    )
}
