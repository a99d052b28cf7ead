//! What several tests need: made-up records.
#![allow(dead_code, reason = "not every test needs all of it")]

pub mod oracle;
pub mod outputs;
pub mod types;
pub mod writers;

use afterword_schemas::records::*;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// So many cases, and no files left behind: a failure prints its input.
pub fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

/// A fact that owns what it says.
#[derive(Clone, Debug)]
pub struct Fact {
    pub kind: usize,
    pub event_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub occurred_at: i64,
    pub actor: OwnedActor,
    pub request_id: String,
    pub customer_id: String,
    pub text: String,
    pub origin: Origin,
    pub channel: Channel,
    pub format: Format,
    pub visibility: Visibility,
    pub until: Option<i64>,
    pub reaction: Reaction,
}

impl Fact {
    pub fn as_event(&self) -> ConversationEvent<'_> {
        let actor = Actor {
            kind: self.actor.kind,
            id: &self.actor.id,
        };
        let (request_id, customer_id) = (self.request_id.as_str(), self.customer_id.as_str());
        let text = self.text.as_str();
        let (origin, channel, reaction) = (self.origin, self.channel, self.reaction);
        let (format, visibility) = (self.format, self.visibility);
        let payload = match self.kind {
            0 => Payload::ConversationStarted {
                origin,
                initiator: actor,
                channel,
            },
            1 => Payload::MessageAdded {
                author: actor,
                text,
                format,
                visibility,
            },
            2 => Payload::ParticipantJoined { participant: actor },
            3 => Payload::ParticipantLeft { participant: actor },
            4 => Payload::ConversationClosed { by: actor },
            5 => Payload::ConversationSnoozed {
                by: actor,
                until: self.until.map(Timestamp),
            },
            6 => Payload::ConversationReopened { by: actor },
            7 => Payload::ConversationDeleted { by: actor },
            8 => Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            },
            _ => Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            },
        };
        ConversationEvent {
            event_id: &self.event_id,
            workspace_id: &self.workspace_id,
            conversation_id: &self.conversation_id,
            occurred_at: Timestamp(self.occurred_at),
            payload,
        }
    }
}

pub fn id() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9-]{1,36}", r"[^\p{Cc}]{1,64}"]
}

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,200}",
        r#"[\u{0}-\u{10ffff}]{0,80}"#,
        r#"["\\\n\t/\u{7f}\u{2028}]{0,9}"#
    ]
}

/// Any, and those at which something changes.
pub fn milliseconds() -> impl Strategy<Value = i64> {
    let edges = vec![
        0,
        -1,
        i64::MIN,
        i64::MAX,
        253_402_300_799_999,
        253_402_300_800_000,
        -62_167_219_200_000,
    ];
    prop_oneof![0..4_000_000_000_000_i64, any::<i64>(), select(edges)]
}

pub fn time() -> impl Strategy<Value = Timestamp> {
    milliseconds().prop_map(Timestamp)
}

pub fn actor_kind() -> impl Strategy<Value = ActorKind> {
    select(ActorKind::ALL)
}

pub fn actor() -> impl Strategy<Value = OwnedActor> {
    (actor_kind(), id()).prop_map(|(kind, id)| OwnedActor { kind, id })
}

pub fn fact() -> impl Strategy<Value = Fact> {
    let ids = (id(), id(), id(), id(), id());
    let enums = (
        select(Origin::ALL),
        select(Channel::ALL),
        select(Format::ALL),
        select(Visibility::ALL),
        select(Reaction::ALL),
    );
    (
        0..10_usize,
        ids,
        milliseconds(),
        actor(),
        text(),
        enums,
        option::of(milliseconds()),
    )
        .prop_map(|(kind, ids, occurred_at, actor, text, enums, until)| {
            let (event_id, workspace_id, conversation_id, request_id, customer_id) = ids;
            let (origin, channel, format, visibility, reaction) = enums;
            Fact {
                kind,
                event_id,
                workspace_id,
                conversation_id,
                occurred_at,
                actor,
                request_id,
                customer_id,
                text,
                origin,
                channel,
                format,
                visibility,
                until,
                reaction,
            }
        })
}
