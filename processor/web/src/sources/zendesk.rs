//! Zendesk: event webhooks of tickets and of messaging. docs/sources/zendesk.md has the table.

use afterword_schemas::json::JsonError;
use afterword_schemas::records::{
    ActorKind, Channel, Format, Origin, OwnedActor, OwnedPayload, Visibility,
};
use serde_json::Value;

use super::Mapped;
use super::payload::{
    Conversation, actor, id, member, optional_id, optional_text, text, time, wrong,
};

const PREFIX: &str = "zen:event-type:";
/// Zendesk itself, wherever it names who did something.
const SYSTEM_USER: &str = "-1";

/// The facts of one event.
///
/// # Errors
/// As [`super::SourceKind::facts`].
pub fn facts(workspace_id: &str, body: &Value) -> Result<Mapped, JsonError> {
    let kind = text(body, "type")?;
    let kind = kind.strip_prefix(PREFIX).unwrap_or(kind);
    let add: fn(&mut Conversation<'_>, &Value) -> Result<(), JsonError> = match kind {
        "ticket.created" => created,
        "ticket.comment_added" => comment,
        "ticket.status_changed" => changed,
        "ticket.soft_deleted" | "ticket.permanently_deleted" | "ticket.marked_as_spam" => deleted,
        "messaging_ticket.message_added" => message,
        other if other.starts_with("ticket.") => return Ok(Mapped::Facts(Vec::new())),
        _ => return Ok(Mapped::UnknownTopic),
    };
    let mut conversation = Conversation::new(workspace_id, id(body, "detail.id")?);
    add(&mut conversation, body)?;
    conversation.mapped()
}

/// The start alone: its first comment comes as an event of its own.
fn created(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let requester = id(body, "detail.requester_id")?;
    let submitter = optional_id(body, "detail.submitter_id");
    let submitter = submitter.unwrap_or_else(|| requester.clone());
    let is_public = member(body, "detail.is_public").as_bool() != Some(false);
    let (origin, initiator) = match submitter == requester {
        // Messaging has ids of its own for customers, and a ticket of it begins without a public comment: who it is will be
        // known by their first message.
        true if !is_public => (Origin::CustomerInitiated, zendesk()),
        true => (Origin::CustomerInitiated, actor(ActorKind::User, requester)),
        false => (Origin::OutboundMessage, staff(submitter)),
    };
    let via = optional_text(body, "detail.via.channel").unwrap_or_default();
    let payload = OwnedPayload::ConversationStarted {
        origin,
        initiator,
        channel: match via.contains("messaging") || via.contains("chat") {
            true => Channel::Messenger,
            false => Channel::Email,
        },
    };
    let event_id = format!("zendesk:ticket:{}:created", conversation.id());
    conversation.add(event_id, time(body, "time")?, payload);
    Ok(())
}

/// Of a note it is kept that it was written, not what.
fn comment(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let comment = member(body, "event.comment");
    let expected = "true or false";
    let author_id = match optional_id(comment, "author.id") {
        Some(author_id) => author_id,
        None => id(comment, "author_id")?,
    };
    let is_staff = member(comment, "author.is_staff").as_bool();
    let is_staff = is_staff.ok_or_else(|| wrong(comment, "author.is_staff", expected))?;
    let is_public = member(comment, "is_public").as_bool();
    let is_public = is_public.ok_or_else(|| wrong(comment, "is_public", expected))?;
    let text = optional_text(comment, "body").filter(|_| is_public);
    let payload = OwnedPayload::MessageAdded {
        author: match is_staff || author_id == SYSTEM_USER {
            true => staff(author_id),
            false => actor(ActorKind::User, author_id),
        },
        text: text.unwrap_or_default().to_owned(),
        format: Format::Plain,
        visibility: match is_public {
            true => Visibility::Public,
            false => Visibility::Internal,
        },
    };
    let event_id = format!("zendesk:comment:{}", id(comment, "id")?);
    conversation.add(event_id, time(body, "time")?, payload);
    Ok(())
}

fn message(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let message = member(body, "event.message");
    let kind = text(body, "event.actor.type")?;
    let author_id = id(body, "event.actor.id")?;
    let payload = OwnedPayload::MessageAdded {
        author: match kind {
            "end_user" => actor(ActorKind::User, author_id),
            "agent" => staff(author_id),
            _ => actor(ActorKind::Bot, author_id),
        },
        text: optional_text(message, "body")
            .unwrap_or_default()
            .to_owned(),
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    let event_id = format!("zendesk:message:{}", id(message, "id")?);
    conversation.add(event_id, time(body, "time")?, payload);
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// New, open, pending or on hold: somebody still works on it, or waits.
    Open,
    Solved,
    Closed,
    Deleted,
    /// Archived, scrubbed, or one that came later.
    Other,
}

fn status(name: &str) -> Status {
    match name.to_ascii_lowercase().as_str() {
        "new" | "open" | "pending" | "hold" => Status::Open,
        "solved" => Status::Solved,
        "closed" => Status::Closed,
        "deleted" => Status::Deleted,
        _ => Status::Other,
    }
}

fn changed(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let before = status(text(body, "event.previous")?);
    let now = status(text(body, "event.current")?);
    let payload = match (before, now) {
        (Status::Open, Status::Solved) => OwnedPayload::ConversationClosed { by: who(body) },
        // Only Zendesk closes what was not solved: by a merge or an automation.
        (Status::Open, Status::Closed) => OwnedPayload::ConversationClosed { by: zendesk() },
        (Status::Solved | Status::Closed, Status::Open) => {
            OwnedPayload::ConversationReopened { by: who(body) }
        }
        (_, Status::Deleted) => OwnedPayload::ConversationDeleted { by: who(body) },
        _ => return Ok(()),
    };
    conversation.add(event_id(body)?, time(body, "time")?, payload);
    Ok(())
}

fn deleted(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let payload = OwnedPayload::ConversationDeleted { by: who(body) };
    conversation.add(event_id(body)?, time(body, "time")?, payload);
    Ok(())
}

/// An event's own id is the same each time that it is sent.
fn event_id(body: &Value) -> Result<String, JsonError> {
    Ok(format!("zendesk:event:{}", id(body, "id")?))
}

/// Who did what an event tells: whoever is not the requester is staff.
fn who(body: &Value) -> OwnedActor {
    let requester = optional_id(body, "detail.requester_id");
    match optional_id(body, "detail.actor_id") {
        None => zendesk(),
        Some(id) if Some(&id) == requester.as_ref() => actor(ActorKind::User, id),
        Some(id) => staff(id),
    }
}

fn staff(id: String) -> OwnedActor {
    match id.as_str() {
        SYSTEM_USER => zendesk(),
        _ => actor(ActorKind::Teammate, id),
    }
}

fn zendesk() -> OwnedActor {
    actor(ActorKind::System, "zendesk")
}
