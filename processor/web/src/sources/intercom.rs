//! Intercom: notifications of its webhooks, as API version 2.0 and later writes them. docs/sources/intercom.md has the table.

use afterword_schemas::json::JsonError;
use afterword_schemas::records::{
    ActorKind, Channel, Format, Origin, OwnedActor, OwnedEvent, OwnedPayload, Timestamp, Visibility,
};
use serde_json::Value;

use super::Mapped;
use super::payload::{
    Conversation, actor, id, list, member, optional_id, optional_text, optional_time, text, time,
    wrong,
};

const PARTS: &str = "conversation_parts.conversation_parts";

/// What a topic tells us.
enum Topic {
    Started,
    /// Messages alone, if anything.
    Said,
    Closed,
    Opened,
    Snoozed,
    Attached,
    Detached,
    Deleted,
    Nothing,
}

fn topic(name: &str) -> Option<Topic> {
    Some(match name {
        "conversation.user.created" | "conversation.admin.single.created" => Topic::Started,
        "conversation.user.replied"
        | "conversation.admin.replied"
        | "conversation.operator.replied"
        | "conversation.admin.noted"
        | "conversation.admin.assigned"
        | "conversation.admin.open.assigned" => Topic::Said,
        "conversation.admin.closed" => Topic::Closed,
        "conversation.admin.opened" | "conversation.admin.unsnoozed" => Topic::Opened,
        "conversation.admin.snoozed" => Topic::Snoozed,
        "conversation.contact.attached" => Topic::Attached,
        "conversation.contact.detached" => Topic::Detached,
        "conversation.deleted" => Topic::Deleted,
        "ping"
        | "conversation.read"
        | "conversation.rating.added"
        | "conversation.priority.updated"
        | "conversation.company.updated"
        | "conversation_part.redacted"
        | "conversation_part.tag.created" => Topic::Nothing,
        _ => return None,
    })
}

/// The facts of one notification.
///
/// # Errors
/// As [`super::SourceKind::facts`].
pub fn facts(workspace_id: &str, body: &Value) -> Result<Mapped, JsonError> {
    let Some(topic) = topic(text(body, "topic")?) else {
        return Ok(Mapped::UnknownTopic);
    };
    let item = member(body, "data.item");
    let begin = |path: &str| id(body, path).map(|id| Conversation::new(workspace_id, id));
    match topic {
        Topic::Nothing => Ok(Mapped::Facts(Vec::new())),
        Topic::Attached | Topic::Detached => attached(workspace_id, &topic, body),
        Topic::Deleted => {
            let mut conversation = begin("data.item.id")?;
            let event_id = format!("intercom:conversation:{}:deleted", conversation.id());
            let by = actor(ActorKind::System, "intercom");
            let payload = OwnedPayload::ConversationDeleted { by };
            conversation.add(event_id, time(body, "created_at")?, payload);
            conversation.mapped()
        }
        Topic::Started => {
            let mut conversation = begin("data.item.id")?;
            started(&mut conversation, item)?;
            messages(&mut conversation, item)?;
            conversation.mapped()
        }
        Topic::Said | Topic::Closed | Topic::Opened | Topic::Snoozed => {
            let mut conversation = begin("data.item.id")?;
            messages(&mut conversation, item)?;
            changed(&mut conversation, &topic, item)?;
            conversation.mapped()
        }
    }
}

/// The start, and the message it began with.
fn started(conversation: &mut Conversation<'_>, item: &Value) -> Result<(), JsonError> {
    let at = time(item, "created_at")?;
    let author = author(item, "source.author")?;
    let channel = match optional_text(item, "source.type") {
        Some("email") => Channel::Email,
        _ => Channel::Messenger,
    };
    let payload = OwnedPayload::ConversationStarted {
        origin: origin(item, &author),
        initiator: author.clone(),
        channel,
    };
    let prefix = format!("intercom:conversation:{}", conversation.id());
    conversation.add(format!("{prefix}:started"), at, payload);
    let payload = OwnedPayload::MessageAdded {
        author,
        text: optional_text(item, "source.body")
            .unwrap_or_default()
            .to_owned(),
        format: Format::Html,
        visibility: Visibility::Public,
    };
    conversation.add(format!("{prefix}:source"), at, payload);
    Ok(())
}

fn origin(item: &Value, author: &OwnedActor) -> Origin {
    match optional_text(item, "source.delivered_as") {
        Some("customer_initiated") => Origin::CustomerInitiated,
        Some("operator_initiated") => Origin::CustomBot,
        Some("admin_initiated" | "automated" | "campaigns_initiated") => Origin::OutboundMessage,
        _ if author.kind.is_customer() => Origin::CustomerInitiated,
        _ => Origin::OutboundMessage,
    }
}

fn messages(conversation: &mut Conversation<'_>, item: &Value) -> Result<(), JsonError> {
    let mut parts = list(item, PARTS).iter();
    parts.try_for_each(|part| message(conversation, part))
}

/// What was written in a part, if anything. Of a note it is kept that it was written, not what.
fn message(conversation: &mut Conversation<'_>, part: &Value) -> Result<(), JsonError> {
    let kind = optional_text(part, "part_type").unwrap_or("comment");
    let body = optional_text(part, "body");
    let is_note = kind.starts_with("note");
    if body.is_none() && !is_note && !matches!(kind, "comment" | "quick_reply") {
        return Ok(());
    }
    let (text, visibility) = match is_note {
        true => ("", Visibility::Internal),
        false => (body.unwrap_or_default(), Visibility::Public),
    };
    let payload = OwnedPayload::MessageAdded {
        author: author(part, "author")?,
        text: text.to_owned(),
        format: Format::Html,
        visibility,
    };
    let event_id = format!("intercom:part:{}:message", id(part, "id")?);
    conversation.add(event_id, time(part, "created_at")?, payload);
    Ok(())
}

/// The change of state that a topic tells, by whom the last part says.
fn changed(
    conversation: &mut Conversation<'_>,
    topic: &Topic,
    item: &Value,
) -> Result<(), JsonError> {
    let change = match topic {
        Topic::Closed => Change::Closed,
        Topic::Opened => Change::Opened,
        Topic::Snoozed => Change::Snoozed(optional_time(item, "snoozed_until")),
        _ => return Ok(()),
    };
    let path = format!("data.item.{PARTS}");
    let part = list(item, PARTS).last();
    let part = part.ok_or_else(|| wrong(&Value::Null, &path, "the part that did it"))?;
    change.add(conversation, part)
}

/// A change of state.
enum Change {
    Closed,
    Opened,
    /// Until when, as far as it is known.
    Snoozed(Option<Timestamp>),
}

impl Change {
    /// As the type of a part says.
    fn of_part(part_type: &str) -> Option<Change> {
        match part_type {
            "close" => Some(Change::Closed),
            "open" | "unsnoozed" | "timer_unsnooze" => Some(Change::Opened),
            "snoozed" => Some(Change::Snoozed(None)),
            _ => None,
        }
    }

    /// By the author of a part.
    fn add(self, conversation: &mut Conversation<'_>, part: &Value) -> Result<(), JsonError> {
        let by = author(part, "author")?;
        let (what, payload) = match self {
            Change::Closed => ("closed", OwnedPayload::ConversationClosed { by }),
            Change::Opened => ("opened", OwnedPayload::ConversationReopened { by }),
            Change::Snoozed(until) => ("snoozed", OwnedPayload::ConversationSnoozed { by, until }),
        };
        let event_id = format!("intercom:part:{}:{what}", id(part, "id")?);
        conversation.add(event_id, time(part, "created_at")?, payload);
        Ok(())
    }
}

/// The facts of a whole conversation as the API gives it: those that its webhooks told or would have told, with the same ids.
///
/// # Errors
/// As [`super::SourceKind::facts`].
pub fn history(workspace_id: &str, conversation: &Value) -> Result<Vec<OwnedEvent>, JsonError> {
    let item = conversation;
    let mut conversation = Conversation::new(workspace_id, id(item, "id")?);
    started(&mut conversation, item)?;
    for part in list(item, PARTS) {
        message(&mut conversation, part)?;
        let change = optional_text(part, "part_type").and_then(Change::of_part);
        if let Some(change) = change {
            change.add(&mut conversation, part)?;
        }
    }
    conversation.checked()
}

/// Somebody came to a conversation or left it. These two topics have a shape of their own.
fn attached(workspace_id: &str, topic: &Topic, body: &Value) -> Result<Mapped, JsonError> {
    let of = |path| optional_id(body, path);
    let conversation_id = of("data.item.conversation.id")
        .or_else(|| of("data.item.conversation.model.id"))
        .ok_or_else(|| wrong(body, "data.item.conversation.id", "the conversation's id"))?;
    let kind = match optional_text(body, "data.item.contact.role") {
        Some("lead" | "visitor") => ActorKind::Lead,
        _ => ActorKind::User,
    };
    let participant = actor(kind, id(body, "data.item.contact.id")?);
    let payload = match topic {
        Topic::Detached => OwnedPayload::ParticipantLeft { participant },
        _ => OwnedPayload::ParticipantJoined { participant },
    };
    let event_id = format!("intercom:notification:{}", id(body, "id")?);
    let mut conversation = Conversation::new(workspace_id, conversation_id);
    conversation.add(event_id, time(body, "created_at")?, payload);
    conversation.mapped()
}

fn author(value: &Value, path: &str) -> Result<OwnedActor, JsonError> {
    let kind = match text(value, &format!("{path}.type"))? {
        "user" | "contact" => ActorKind::User,
        "lead" | "visitor" => ActorKind::Lead,
        "admin" => ActorKind::Teammate,
        "bot" | "fin" | "operator" => ActorKind::Bot,
        _ => ActorKind::System,
    };
    Ok(actor(kind, id(value, &format!("{path}.id"))?))
}
