//! From records to Avro bytes, field by field in the order of the schemas.

use crate::decode::framing::Framing;
use crate::json::write::JsonMembers;
use crate::kind::RecordKind;
use crate::records::{
    Actor, AnswerRefused, ConversationEvent, EligibilityDecided, Measured, Origin, Output,
    OwnedActor, Payload, RatingRequested, RatingSubmitted, Target, TeammateScorecard, Timestamp,
    WorkspaceSettings,
};

/// A record that can be written, as Avro ([`encode`]) and as JSON ([`crate::json::write`]): the records of the contract,
/// [`Output`], and nothing else.
pub trait Record: AvroBody + JsonMembers {
    /// Which record it is.
    fn record_kind(&self) -> RecordKind;

    /// The `type` in JSON.
    fn json_type(&self) -> &'static str {
        self.record_kind().json_type().unwrap_or_default()
    }
}

/// A record's Avro body. Nobody outside can name, and so implement, this.
pub trait AvroBody {
    /// Appends every field.
    fn write_body(&self, out: &mut Vec<u8>);
}

/// Appends `record` to `out`: a header that names its schema, and its Avro body. Allocates only when `out` has to grow,
/// and validates nothing.
pub fn encode(record: &impl Record, framing: Framing, out: &mut Vec<u8>) {
    framing.write_header(record.record_kind().fingerprint(), out);
    record.write_body(out);
}

impl Record for ConversationEvent<'_> {
    fn record_kind(&self) -> RecordKind {
        RecordKind::ConversationEvent
    }

    fn json_type(&self) -> &'static str {
        self.payload.kind()
    }
}

impl AvroBody for ConversationEvent<'_> {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(self.event_id, out);
        string(self.workspace_id, out);
        string(self.conversation_id, out);
        time(self.occurred_at, out);
        index(self.payload.kind_index(), out);
        match &self.payload {
            Payload::ConversationStarted {
                origin,
                initiator,
                channel,
            } => {
                index(*origin as usize, out);
                actor(*initiator, out);
                index(*channel as usize, out);
            }
            Payload::MessageAdded {
                author,
                text,
                format,
                visibility,
            } => {
                actor(*author, out);
                string(text, out);
                index(*format as usize, out);
                index(*visibility as usize, out);
            }
            Payload::ParticipantJoined { participant: by }
            | Payload::ParticipantLeft { participant: by }
            | Payload::ConversationClosed { by }
            | Payload::ConversationReopened { by }
            | Payload::ConversationDeleted { by } => actor(*by, out),
            Payload::ConversationSnoozed { by, until } => {
                actor(*by, out);
                nullable(*until, out, time);
            }
            Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            } => {
                string(request_id, out);
                string(customer_id, out);
                index(*reaction as usize, out);
            }
            Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            } => {
                string(request_id, out);
                string(customer_id, out);
                string(text, out);
            }
        }
    }
}

impl AvroBody for RatingRequested {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(&self.request_id, out);
        string(&self.workspace_id, out);
        string(&self.conversation_id, out);
        owned_actor(&self.customer, out);
        string(&self.teammate_id, out);
        index(self.channel as usize, out);
        time(self.requested_at, out);
        long(self.settings_version, out);
    }
}

impl AvroBody for RatingSubmitted {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(&self.request_id, out);
        string(&self.workspace_id, out);
        string(&self.conversation_id, out);
        owned_actor(&self.customer, out);
        string(&self.teammate_id, out);
        index(self.channel as usize, out);
        time(self.requested_at, out);
        time(self.first_rated_at, out);
        time(self.submitted_at, out);
        long(self.revision.into(), out);
        nullable(self.previous_reaction, out, |reaction, out| {
            index(reaction as usize, out)
        });
        index(self.reaction as usize, out);
        nullable(self.comment.as_deref(), out, string);
        boolean(self.locked, out);
        boolean(self.after_reopen, out);
    }
}

impl AvroBody for EligibilityDecided {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(&self.workspace_id, out);
        string(&self.conversation_id, out);
        time(self.decided_at, out);
        boolean(self.requested, out);
        block(self.failed.len(), out);
        self.failed
            .iter()
            .for_each(|criterion| index(*criterion as usize, out));
        end_of_blocks(self.failed.len(), out);
        measured(&self.measured, out);
        long(self.thresholds.characters.into(), out);
        long(self.thresholds.milliseconds, out);
        long(self.rules_version.into(), out);
        long(self.settings_version, out);
        nullable(self.teammate_id.as_deref(), out, string);
        nullable(self.request_id.as_deref(), out, string);
    }
}

fn measured(measured: &Measured, out: &mut Vec<u8>) {
    // The schema's symbols are those of `Origin`, and `unknown` after them.
    let unknown_origin = Origin::ALL.len();
    index(measured.closed_by as usize, out);
    boolean(measured.plan, out);
    boolean(measured.live, out);
    nullable(measured.audience, out, |kind, out| {
        index(kind as usize, out)
    });
    long(measured.customers.into(), out);
    boolean(measured.teammate_replied, out);
    long(measured.characters.into(), out);
    nullable(measured.milliseconds_since_last_reply, out, long);
    index(
        measured
            .origin
            .map_or(unknown_origin, |origin| origin as usize),
        out,
    );
    boolean(measured.already_requested, out);
}

impl AvroBody for AnswerRefused {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(&self.request_id, out);
        string(&self.conversation_id, out);
        string(&self.workspace_id, out);
        string(&self.event_id, out);
        index(self.reason as usize, out);
        time(self.refused_at, out);
    }
}

impl AvroBody for WorkspaceSettings {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(&self.workspace_id, out);
        long(self.version, out);
        time(self.effective_from, out);
        boolean(self.live_for_users, out);
        boolean(self.live_for_leads, out);
        boolean(self.plan_includes_ratings, out);
        string(&self.time_zone, out);
        nullable(self.target, out, target);
        block(self.teammate_targets.len(), out);
        for (teammate, own) in &self.teammate_targets {
            string(teammate, out);
            target(*own, out);
        }
        end_of_blocks(self.teammate_targets.len(), out);
    }
}

fn target(target: Target, out: &mut Vec<u8>) {
    out.extend_from_slice(&target.positive_share.to_le_bytes());
    long(target.minimum_ratings.into(), out);
}

impl AvroBody for TeammateScorecard {
    fn write_body(&self, out: &mut Vec<u8>) {
        string(&self.workspace_id, out);
        string(&self.teammate_id, out);
        string(&self.day, out);
        long(self.requests, out);
        long(self.requests_answered, out);
        long(self.terrible, out);
        long(self.bad, out);
        long(self.ok, out);
        long(self.great, out);
        long(self.amazing, out);
        long(self.comments, out);
        long(self.revision, out);
    }
}

impl Record for Output {
    fn record_kind(&self) -> RecordKind {
        match self {
            Output::EligibilityDecided(_) => RecordKind::EligibilityDecided,
            Output::RatingRequested(_) => RecordKind::RatingRequested,
            Output::RatingSubmitted(_) => RecordKind::RatingSubmitted,
            Output::AnswerRefused(_) => RecordKind::AnswerRefused,
        }
    }
}

impl AvroBody for Output {
    fn write_body(&self, out: &mut Vec<u8>) {
        match self {
            Output::EligibilityDecided(record) => record.write_body(out),
            Output::RatingRequested(record) => record.write_body(out),
            Output::RatingSubmitted(record) => record.write_body(out),
            Output::AnswerRefused(record) => record.write_body(out),
        }
    }
}

/// A zigzag integer; `int` and `long` are written alike.
#[inline]
fn long(value: i64, out: &mut Vec<u8>) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        out.push((bits & 0x7f) as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

fn time(time: Timestamp, out: &mut Vec<u8>) {
    long(time.0, out);
}

/// The number of a symbol or a branch, or a length: within 63 bits.
#[inline]
fn index(index: usize, out: &mut Vec<u8>) {
    long((index as u64).cast_signed(), out);
}

fn boolean(value: bool, out: &mut Vec<u8>) {
    out.push(u8::from(value));
}

#[inline]
fn string(text: &str, out: &mut Vec<u8>) {
    index(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn actor(actor: Actor<'_>, out: &mut Vec<u8>) {
    index(actor.kind as usize, out);
    string(actor.id, out);
}

fn owned_actor(owned: &OwnedActor, out: &mut Vec<u8>) {
    actor(
        Actor {
            kind: owned.kind,
            id: &owned.id,
        },
        out,
    );
}

/// A union of null and another type.
fn nullable<T>(value: Option<T>, out: &mut Vec<u8>, write: impl FnOnce(T, &mut Vec<u8>)) {
    index(usize::from(value.is_some()), out);
    if let Some(value) = value {
        write(value, out);
    }
}

/// Begins the one block of an array or a map.
fn block(items: usize, out: &mut Vec<u8>) {
    index(items, out);
}

/// Ends an array or a map; a block of no items has ended it already.
fn end_of_blocks(items: usize, out: &mut Vec<u8>) {
    if items > 0 {
        index(0, out);
    }
}
