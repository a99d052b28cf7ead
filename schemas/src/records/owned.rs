//! Facts that own what they say, for those who must keep them.

use super::{
    Actor, Channel, ConversationEvent, Format, Origin, OwnedActor, Payload, Reaction, Timestamp,
    Visibility,
};

/// A [`ConversationEvent`] that borrows from nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEvent {
    pub event_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub occurred_at: Timestamp,
    pub payload: OwnedPayload,
}

/// A [`Payload`] that borrows from nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedPayload {
    ConversationStarted {
        origin: Origin,
        initiator: OwnedActor,
        channel: Channel,
    },
    MessageAdded {
        author: OwnedActor,
        text: String,
        format: Format,
        visibility: Visibility,
    },
    ParticipantJoined {
        participant: OwnedActor,
    },
    ParticipantLeft {
        participant: OwnedActor,
    },
    ConversationClosed {
        by: OwnedActor,
    },
    ConversationSnoozed {
        by: OwnedActor,
        until: Option<Timestamp>,
    },
    ConversationReopened {
        by: OwnedActor,
    },
    ConversationDeleted {
        by: OwnedActor,
    },
    ReactionSelected {
        request_id: String,
        customer_id: String,
        reaction: Reaction,
    },
    CommentLeft {
        request_id: String,
        customer_id: String,
        text: String,
    },
}

fn owned(actor: Actor<'_>) -> OwnedActor {
    OwnedActor {
        kind: actor.kind,
        id: actor.id.to_owned(),
    }
}

fn borrowed(actor: &OwnedActor) -> Actor<'_> {
    Actor {
        kind: actor.kind,
        id: &actor.id,
    }
}

impl OwnedEvent {
    /// The same fact in the form in which the product passes facts around.
    #[must_use]
    pub fn as_event(&self) -> ConversationEvent<'_> {
        ConversationEvent {
            event_id: &self.event_id,
            workspace_id: &self.workspace_id,
            conversation_id: &self.conversation_id,
            occurred_at: self.occurred_at,
            payload: self.payload.as_payload(),
        }
    }
}

impl OwnedPayload {
    /// The same payload, borrowed.
    #[must_use]
    pub fn as_payload(&self) -> Payload<'_> {
        match self {
            Self::ConversationStarted {
                origin,
                initiator,
                channel,
            } => Payload::ConversationStarted {
                origin: *origin,
                initiator: borrowed(initiator),
                channel: *channel,
            },
            Self::MessageAdded {
                author,
                text,
                format,
                visibility,
            } => Payload::MessageAdded {
                author: borrowed(author),
                text,
                format: *format,
                visibility: *visibility,
            },
            Self::ParticipantJoined { participant } => Payload::ParticipantJoined {
                participant: borrowed(participant),
            },
            Self::ParticipantLeft { participant } => Payload::ParticipantLeft {
                participant: borrowed(participant),
            },
            Self::ConversationClosed { by } => Payload::ConversationClosed { by: borrowed(by) },
            Self::ConversationSnoozed { by, until } => Payload::ConversationSnoozed {
                by: borrowed(by),
                until: *until,
            },
            Self::ConversationReopened { by } => Payload::ConversationReopened { by: borrowed(by) },
            Self::ConversationDeleted { by } => Payload::ConversationDeleted { by: borrowed(by) },
            Self::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            } => Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction: *reaction,
            },
            Self::CommentLeft {
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

impl From<ConversationEvent<'_>> for OwnedEvent {
    fn from(event: ConversationEvent<'_>) -> Self {
        OwnedEvent {
            event_id: event.event_id.to_owned(),
            workspace_id: event.workspace_id.to_owned(),
            conversation_id: event.conversation_id.to_owned(),
            occurred_at: event.occurred_at,
            payload: event.payload.into(),
        }
    }
}

impl From<Payload<'_>> for OwnedPayload {
    fn from(payload: Payload<'_>) -> Self {
        match payload {
            Payload::ConversationStarted {
                origin,
                initiator,
                channel,
            } => Self::ConversationStarted {
                origin,
                initiator: owned(initiator),
                channel,
            },
            Payload::MessageAdded {
                author,
                text,
                format,
                visibility,
            } => Self::MessageAdded {
                author: owned(author),
                text: text.to_owned(),
                format,
                visibility,
            },
            Payload::ParticipantJoined { participant } => Self::ParticipantJoined {
                participant: owned(participant),
            },
            Payload::ParticipantLeft { participant } => Self::ParticipantLeft {
                participant: owned(participant),
            },
            Payload::ConversationClosed { by } => Self::ConversationClosed { by: owned(by) },
            Payload::ConversationSnoozed { by, until } => Self::ConversationSnoozed {
                by: owned(by),
                until,
            },
            Payload::ConversationReopened { by } => Self::ConversationReopened { by: owned(by) },
            Payload::ConversationDeleted { by } => Self::ConversationDeleted { by: owned(by) },
            Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            } => Self::ReactionSelected {
                request_id: request_id.to_owned(),
                customer_id: customer_id.to_owned(),
                reaction,
            },
            Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            } => Self::CommentLeft {
                request_id: request_id.to_owned(),
                customer_id: customer_id.to_owned(),
                text: text.to_owned(),
            },
        }
    }
}
