//! Chatwoot: webhooks of an account. docs/sources/chatwoot.md has the table.

use afterword_schemas::json::JsonError;
use afterword_schemas::records::{
    ActorKind, Channel, Format, Origin, OwnedActor, OwnedPayload, Timestamp, Visibility,
};
use serde_json::Value;

use super::Mapped;
use super::payload::{
    Conversation, actor, id, member, optional_id, optional_text, optional_time, text, time, wrong,
};

/// A teammate's message that is no later than this after the conversation is what began it.
const OPENING_MS: i64 = 1_000;

/// The facts of one webhook.
///
/// # Errors
/// As [`super::SourceKind::facts`].
pub fn facts(workspace_id: &str, body: &Value) -> Result<Mapped, JsonError> {
    let begin = |path: &str| id(body, path).map(|id| Conversation::new(workspace_id, id));
    match text(body, "event")? {
        "conversation_created" => {
            let mut conversation = begin("id")?;
            created(&mut conversation, body)?;
            conversation.mapped()
        }
        "message_created" => {
            let mut conversation = begin("conversation.id")?;
            message(&mut conversation, body)?;
            conversation.mapped()
        }
        "conversation_status_changed" => {
            let mut conversation = begin("id")?;
            changed(&mut conversation, body)?;
            conversation.mapped()
        }
        "conversation_updated"
        | "message_updated"
        | "contact_created"
        | "contact_updated"
        | "webwidget_triggered"
        | "conversation_typing_on"
        | "conversation_typing_off" => Ok(Mapped::Facts(Vec::new())),
        _ => Ok(Mapped::UnknownTopic),
    }
}

fn created(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let at = time(body, "created_at")?;
    let channel = optional_text(body, "channel").unwrap_or_default();
    let (origin, initiator) = match opening(body, at) {
        Some(first) => {
            let is_campaign = !member(first, "additional_attributes.campaign_id").is_null();
            let origin = match is_campaign && channel == "Channel::WebWidget" {
                true => Origin::VisitorMessage,
                false => Origin::OutboundMessage,
            };
            (origin, sender(first))
        }
        None => (Origin::CustomerInitiated, customer(body, "meta.sender")?),
    };
    let payload = OwnedPayload::ConversationStarted {
        origin,
        initiator,
        channel: match channel {
            "Channel::Email" => Channel::Email,
            _ => Channel::Messenger,
        },
    };
    let event_id = format!("chatwoot:conversation:{}:created", conversation.id());
    conversation.add(event_id, at, payload);
    Ok(())
}

/// The message by which the company began the conversation, if it did. A bot's message is an answer, however quick; but for a
/// campaign's.
fn opening(body: &Value, created_at: Timestamp) -> Option<&Value> {
    let first = member(body, "messages.0");
    let is_outgoing = direction(first) == Some(Direction::Outgoing);
    let sent_at = optional_time(first, "created_at")?;
    let is_early = sent_at.since_ms(created_at) <= OPENING_MS;
    let is_campaign = !member(first, "additional_attributes.campaign_id").is_null();
    let is_by_teammate = sender(first).kind == ActorKind::Teammate;
    (is_outgoing && is_early && (is_campaign || is_by_teammate)).then_some(first)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Incoming,
    Outgoing,
    /// What Chatwoot notes in the thread.
    Activity,
    /// What Chatwoot sends by itself: greetings, its own survey.
    Template,
}

/// A name in webhooks, a number in the messages of a conversation.
fn direction(message: &Value) -> Option<Direction> {
    let name = match member(message, "message_type") {
        Value::String(name) => name.as_str(),
        Value::Number(number) => match number.as_u64()? {
            0 => "incoming",
            1 => "outgoing",
            2 => "activity",
            3 => "template",
            _ => return None,
        },
        _ => return None,
    };
    match name {
        "incoming" => Some(Direction::Incoming),
        "outgoing" => Some(Direction::Outgoing),
        "activity" => Some(Direction::Activity),
        "template" => Some(Direction::Template),
        _ => None,
    }
}

fn message(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let expected = "incoming, outgoing, activity or template";
    let direction = direction(body).ok_or_else(|| wrong(body, "message_type", expected))?;
    let author = match direction {
        Direction::Activity => return Ok(()),
        Direction::Incoming => customer(body, "sender")?,
        Direction::Outgoing => sender(body),
        Direction::Template => chatwoot(ActorKind::Bot),
    };
    // Of a note it is kept that it was written, not what.
    let (text, visibility) = match member(body, "private").as_bool() {
        Some(true) => ("", Visibility::Internal),
        _ => (
            optional_text(body, "content").unwrap_or_default(),
            Visibility::Public,
        ),
    };
    let payload = OwnedPayload::MessageAdded {
        author,
        text: text.to_owned(),
        format: Format::Plain,
        visibility,
    };
    let event_id = format!("chatwoot:message:{}", id(body, "id")?);
    conversation.add(event_id, time(body, "created_at")?, payload);
    Ok(())
}

fn changed(conversation: &mut Conversation<'_>, body: &Value) -> Result<(), JsonError> {
    let by = assignee(body);
    let status = text(body, "status")?;
    let payload = match status {
        "resolved" => OwnedPayload::ConversationClosed { by },
        "snoozed" => OwnedPayload::ConversationSnoozed {
            by,
            until: optional_time(body, "snoozed_until"),
        },
        "open" | "pending" if is_back(body) => OwnedPayload::ConversationReopened { by },
        "open" | "pending" => return Ok(()),
        _ => return Err(wrong(body, "status", "open, pending, snoozed or resolved")),
    };
    let at = match optional_time(body, "updated_at") {
        Some(at) => at,
        None => time(body, "timestamp")?,
    };
    let event_id = format!(
        "chatwoot:conversation:{}:{status}:{}",
        conversation.id(),
        at.0
    );
    conversation.add(event_id, at, payload);
    Ok(())
}

/// Whether it was resolved or snoozed before, or Chatwoot does not say.
fn is_back(body: &Value) -> bool {
    let changes = member(body, "changed_attributes").as_array();
    let before = changes.and_then(|changes| {
        let of = |change| optional_text(change, "status.previous_value");
        changes.iter().find_map(of)
    });
    before.is_none_or(|status| matches!(status, "resolved" | "snoozed"))
}

/// Chatwoot does not say who changed a status: the assignee, who answers for the conversation, is taken for them.
fn assignee(body: &Value) -> OwnedActor {
    let Some(id) = optional_id(body, "meta.assignee.id") else {
        return chatwoot(ActorKind::System);
    };
    let kind = optional_text(body, "meta.assignee_type");
    match kind.or_else(|| optional_text(body, "meta.assignee.type")) {
        Some("User" | "user") | None => actor(ActorKind::Teammate, id),
        Some(_) => actor(ActorKind::Bot, id),
    }
}

/// A contact whom the site has named is a user, any other a lead.
fn customer(value: &Value, path: &str) -> Result<OwnedActor, JsonError> {
    let kind = match optional_text(value, &format!("{path}.identifier")) {
        Some(_) => ActorKind::User,
        None => ActorKind::Lead,
    };
    Ok(actor(kind, id(value, &format!("{path}.id"))?))
}

/// Who sent an outgoing message: a teammate, a bot, or Chatwoot's own automations, which have no sender.
fn sender(message: &Value) -> OwnedActor {
    let id = optional_id(message, "sender.id").or_else(|| optional_id(message, "sender_id"));
    let kind = optional_text(message, "sender.type");
    let kind = kind.or_else(|| optional_text(message, "sender_type"));
    match (id, kind) {
        (Some(id), Some("user" | "User") | None) => actor(ActorKind::Teammate, id),
        (Some(id), Some(_)) => actor(ActorKind::Bot, id),
        (None, _) => chatwoot(ActorKind::Bot),
    }
}

fn chatwoot(kind: ActorKind) -> OwnedActor {
    actor(kind, "chatwoot")
}
