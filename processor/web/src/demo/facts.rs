//! The toy chat's facts, appended like anybody else's.

use std::sync::Arc;

use afterword_log::{Log, LogError, Topic};
use afterword_schemas::records::{
    Actor, ActorKind, Channel, ConversationEvent, Format, Origin, Payload, Timestamp, Visibility,
};
use afterword_schemas::{RecordKind, Schemas};

use super::Demo;
use crate::events::unavailable;
use crate::intake::record_of;
use crate::problem::Problem;

/// Who writes to the toy chat.
pub const CUSTOMER: &str = "visitor";
/// Who answers there: nobody of the made-up traffic, so that the scorecard has nobody else's ratings.
pub const TEAMMATE: &str = "robin";

/// What happens in the chat.
pub enum Deed {
    Started,
    Wrote { by: &'static str, text: String },
    Closed,
}

/// Appends a fact of now; it is durable afterwards.
///
/// # Errors
/// When the log cannot take it.
pub async fn append(demo: &Demo, conversation: &str, deed: Deed) -> Result<(), Problem> {
    let (log, schemas) = (Arc::clone(&demo.parts.log), Arc::clone(&demo.parts.schemas));
    let (workspace, conversation) = (demo.parts.workspace, conversation.to_owned());
    let appended = demo
        .parts
        .gate
        .run(move || append_now(&*log, &schemas, workspace, &conversation, &deed));
    appended.await?.map_err(|error| unavailable(&error))
}

fn append_now(
    log: &dyn Log,
    schemas: &Schemas,
    workspace: &str,
    conversation: &str,
    deed: &Deed,
) -> Result<(), LogError> {
    let framing = schemas
        .framing(RecordKind::ConversationEvent)
        .map_err(|error| LogError::Wait(error.to_string()))?;
    let now_ms = crate::now_ms();
    let event = ConversationEvent {
        event_id: &uuid::Uuid::new_v4().to_string(),
        workspace_id: workspace,
        conversation_id: conversation,
        occurred_at: Timestamp(now_ms),
        payload: payload(deed),
    };
    let partitions = log.partitions(Topic::ConversationEvents);
    let record = record_of(&event, partitions, framing, now_ms);
    log.append(Topic::ConversationEvents, vec![record])
        .map(drop)
}

fn payload(deed: &Deed) -> Payload<'_> {
    match deed {
        Deed::Started => Payload::ConversationStarted {
            origin: Origin::CustomerInitiated,
            initiator: actor(CUSTOMER),
            channel: Channel::Messenger,
        },
        Deed::Wrote { by, text } => Payload::MessageAdded {
            author: actor(by),
            text,
            format: Format::Plain,
            visibility: Visibility::Public,
        },
        Deed::Closed => Payload::ConversationClosed {
            by: actor(TEAMMATE),
        },
    }
}

fn actor(id: &'static str) -> Actor<'static> {
    let kind = match id {
        TEAMMATE => ActorKind::Teammate,
        _ => ActorKind::User,
    };
    Actor { kind, id }
}
