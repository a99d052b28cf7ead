//! A made-up fact, with strings of its own.

use afterword_schemas::records::{
    Actor, ActorKind, Channel, ConversationEvent, Format, Origin, Payload, Reaction, Timestamp,
    Visibility,
};

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub kind: ActorKind,
    pub id: String,
}

/// One fact, and when the log gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub arrives_ms: i64,
    pub occurred_ms: i64,
    pub event_id: String,
    pub workspace_id: &'static str,
    pub conversation_id: String,
    pub deed: Deed,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Started {
        origin: Origin,
        by: Person,
        channel: Channel,
    },
    Wrote {
        by: Person,
        text: String,
        visibility: Visibility,
    },
    Joined(Person),
    Left(Person),
    Closed(Person),
    Snoozed {
        by: Person,
        until_ms: i64,
    },
    Reopened(Person),
    Reacted {
        request_id: String,
        customer_id: String,
        reaction: Reaction,
    },
    Commented {
        request_id: String,
        customer_id: String,
        text: String,
    },
}

impl Person {
    fn as_actor(&self) -> Actor<'_> {
        Actor {
            kind: self.kind,
            id: &self.id,
        }
    }
}

impl Made {
    /// As the log's producers write it.
    #[must_use]
    pub fn as_event(&self) -> ConversationEvent<'_> {
        ConversationEvent {
            event_id: &self.event_id,
            workspace_id: self.workspace_id,
            conversation_id: &self.conversation_id,
            occurred_at: Timestamp(self.occurred_ms),
            payload: self.deed.as_payload(),
        }
    }
}

impl Deed {
    fn as_payload(&self) -> Payload<'_> {
        match self {
            Deed::Started {
                origin,
                by,
                channel,
            } => Payload::ConversationStarted {
                origin: *origin,
                initiator: by.as_actor(),
                channel: *channel,
            },
            Deed::Wrote {
                by,
                text,
                visibility,
            } => Payload::MessageAdded {
                author: by.as_actor(),
                text,
                format: Format::Plain,
                visibility: *visibility,
            },
            Deed::Joined(person) => Payload::ParticipantJoined {
                participant: person.as_actor(),
            },
            Deed::Left(person) => Payload::ParticipantLeft {
                participant: person.as_actor(),
            },
            Deed::Closed(by) => Payload::ConversationClosed { by: by.as_actor() },
            Deed::Snoozed { by, until_ms } => Payload::ConversationSnoozed {
                by: by.as_actor(),
                until: Some(Timestamp(*until_ms)),
            },
            Deed::Reopened(by) => Payload::ConversationReopened { by: by.as_actor() },
            Deed::Reacted {
                request_id,
                customer_id,
                reaction,
            } => Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction: *reaction,
            },
            Deed::Commented {
                request_id,
                customer_id,
                text,
            } => Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            },
        }
    }
}
