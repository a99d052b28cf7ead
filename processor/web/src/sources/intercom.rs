//! Intercom: notifications of its webhooks, as API version 2.0 and later writes them. docs/sources/intercom.md has the table.

use afterword_schemas::json::JsonError;
use afterword_schemas::records::{
    ActorKind, Channel, Format, Origin, OwnedActor, OwnedPayload, Visibility,
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
    let begin = |path: &str| Ok(Conversation::new(workspace_id, id(body, path)?));
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
        text: optional_text(item, "source.body").unwrap_or_default().to_owned(),
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

/// What was written in the parts that the notification is about. Of a note it is kept that it was written, not what.
fn messages(conversation: &mut Conversation<'_>, item: &Value) -> Result<(), JsonError> {
    for part in list(item, PARTS) {
        let kind = optional_text(part, "part_type").unwrap_or("comment");
        let body = optional_text(part, "body");
        let is_note = kind.starts_with("note");
        if body.is_none() && !is_note && !matches!(kind, "comment" | "quick_reply") {
            continue;
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
    }
    Ok(())
}

/// The change of state, by whom the last part says.
fn changed(
    conversation: &mut Conversation<'_>,
    topic: &Topic,
    item: &Value,
) -> Result<(), JsonError> {
    if matches!(topic, Topic::Said) {
        return Ok(());
    }
    let path = format!("data.item.{PARTS}");
    let part = list(item, PARTS).last();
    let part = part.ok_or_else(|| wrong(&Value::Null, &path, "the part that did it"))?;
    let by = author(part, "author")?;
    let (what, payload) = match topic {
        Topic::Closed => ("closed", OwnedPayload::ConversationClosed { by }),
        Topic::Snoozed => {
            let until = optional_time(item, "snoozed_until");
            ("snoozed", OwnedPayload::ConversationSnoozed { by, until })
        }
        _ => ("opened", OwnedPayload::ConversationReopened { by }),
    };
    let event_id = format!("intercom:part:{}:{what}", id(part, "id")?);
    conversation.add(event_id, time(part, "created_at")?, payload);
    Ok(())
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
