//! Members of a webhook's JSON by their paths, and the facts that are made of them.

use afterword_schemas::json::{JsonError, parse_time};
use afterword_schemas::limits::{LimitError, check_id, check_text};
use afterword_schemas::records::{ActorKind, OwnedActor, OwnedEvent, OwnedPayload, Timestamp};
use serde_json::Value;

use super::Mapped;

/// What stands at a path such as `data.item.id`; null when nothing does. Numbers count in lists.
pub fn member<'v>(value: &'v Value, path: &str) -> &'v Value {
    static NULL: Value = Value::Null;
    path.split('.').fold(value, |value, name| match value {
        Value::Array(list) => {
            let index = name.parse::<usize>().ok();
            index.and_then(|index| list.get(index)).unwrap_or(&NULL)
        }
        other => other.get(name).unwrap_or(&NULL),
    })
}

/// The list at a path; empty when there is none.
pub fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    member(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// A text that is not empty.
pub fn optional_text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    member(value, path).as_str().filter(|text| !text.is_empty())
}

/// A text that is not empty.
///
/// # Errors
/// When there is none.
pub fn text<'v>(value: &'v Value, path: &str) -> Result<&'v str, JsonError> {
    let expected = || wrong(value, path, "a text that is not empty");
    optional_text(value, path).ok_or_else(expected)
}

/// An id: the desks write some as texts and some as numbers.
pub fn optional_id(value: &Value, path: &str) -> Option<String> {
    match member(value, path) {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// An id.
///
/// # Errors
/// When there is none.
pub fn id(value: &Value, path: &str) -> Result<String, JsonError> {
    let expected = || wrong(value, path, "an id (a text or a whole number)");
    optional_id(value, path).ok_or_else(expected)
}

/// A time: seconds since 1970, whole or not, or a text in RFC 3339.
pub fn optional_time(value: &Value, path: &str) -> Option<Timestamp> {
    match member(value, path) {
        Value::String(text) => parse_time(text),
        Value::Number(number) => match number.as_i64() {
            Some(seconds) => Some(Timestamp(seconds.saturating_mul(1_000))),
            // To the microsecond first: a binary fraction may lie a hair below the millisecond that it was written as.
            None => number.as_f64().map(|seconds| {
                let microseconds = (seconds * 1_000_000.0).round() as i64;
                Timestamp(microseconds.div_euclid(1_000))
            }),
        },
        _ => None,
    }
}

/// A time.
///
/// # Errors
/// When there is none.
pub fn time(value: &Value, path: &str) -> Result<Timestamp, JsonError> {
    let expected = || wrong(value, path, "seconds since 1970, or a time in RFC 3339");
    optional_time(value, path).ok_or_else(expected)
}

/// What is wrong with a member, without what it holds.
pub fn wrong(value: &Value, path: &str, expected: &str) -> JsonError {
    let found = match member(value, path) {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty text",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    JsonError {
        member: path.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Somebody.
pub fn actor(kind: ActorKind, id: impl Into<String>) -> OwnedActor {
    OwnedActor {
        kind,
        id: id.into(),
    }
}

/// The facts about one conversation that a webhook gives.
pub struct Conversation<'a> {
    workspace_id: &'a str,
    conversation_id: String,
    facts: Vec<OwnedEvent>,
}

impl<'a> Conversation<'a> {
    /// None yet.
    pub fn new(workspace_id: &'a str, conversation_id: String) -> Conversation<'a> {
        Conversation {
            workspace_id,
            conversation_id,
            facts: Vec::new(),
        }
    }

    /// As the desk calls it.
    pub fn id(&self) -> &str {
        &self.conversation_id
    }

    /// One more. Its id must be the same whenever the same comes again.
    pub fn add(&mut self, event_id: String, occurred_at: Timestamp, payload: OwnedPayload) {
        self.facts.push(OwnedEvent {
            event_id,
            workspace_id: self.workspace_id.to_owned(),
            conversation_id: self.conversation_id.clone(),
            occurred_at,
            payload,
        });
    }

    /// All of them.
    ///
    /// # Errors
    /// When an id or a text is over its limit.
    pub fn checked(self) -> Result<Vec<OwnedEvent>, JsonError> {
        self.facts.iter().try_for_each(check)?;
        Ok(self.facts)
    }

    /// The same as what a webhook says.
    ///
    /// # Errors
    /// As [`Conversation::checked`].
    pub fn mapped(self) -> Result<Mapped, JsonError> {
        self.checked().map(Mapped::Facts)
    }
}

fn check(event: &OwnedEvent) -> Result<(), JsonError> {
    let over = |member: &'static str| {
        move |error: LimitError| JsonError {
            member: member.to_owned(),
            expected: error.expected(),
            found: error.found(),
        }
    };
    check_id(&event.event_id).map_err(over("the id of what happened"))?;
    check_id(&event.conversation_id).map_err(over("the conversation's id"))?;
    if let Some(actor) = actor_of(&event.payload) {
        check_id(&actor.id).map_err(over("somebody's id"))?;
    }
    match &event.payload {
        OwnedPayload::MessageAdded { text, .. } => {
            check_text(text).map_err(over("the message's text"))
        }
        _ => Ok(()),
    }
}

fn actor_of(payload: &OwnedPayload) -> Option<&OwnedActor> {
    match payload {
        OwnedPayload::ConversationStarted { initiator, .. } => Some(initiator),
        OwnedPayload::MessageAdded { author, .. } => Some(author),
        OwnedPayload::ParticipantJoined { participant }
        | OwnedPayload::ParticipantLeft { participant } => Some(participant),
        OwnedPayload::ConversationClosed { by }
        | OwnedPayload::ConversationSnoozed { by, .. }
        | OwnedPayload::ConversationReopened { by }
        | OwnedPayload::ConversationDeleted { by } => Some(by),
        OwnedPayload::ReactionSelected { .. } | OwnedPayload::CommentLeft { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_found_by_their_paths() {
        let value = json!({"a": {"b": [{"c": 7}, {"c": "x"}]}, "d": ""});
        assert_eq!(member(&value, "a.b.0.c"), &json!(7));
        assert_eq!(optional_id(&value, "a.b.0.c").as_deref(), Some("7"));
        assert_eq!(text(&value, "a.b.1.c").ok(), Some("x"));
        assert_eq!(list(&value, "a.b").len(), 2);
        for path in ["", "z", "a.b.2.c", "a.b.x", "a.b.0.c.d", "d.e"] {
            assert_eq!(member(&value, path), &Value::Null, "{path}");
        }
        let error = text(&value, "d").expect_err("empty");
        assert_eq!(
            (error.member.as_str(), error.found.as_str()),
            ("d", "an empty text")
        );
    }

    #[test]
    fn times_come_in_three_forms() {
        let value = json!({"a": 1_539_897_198, "b": 1_539_897_198.250_4, "c": "2018-10-18T21:13:18.25Z", "d": "soon"});
        assert_eq!(
            optional_time(&value, "a"),
            Some(Timestamp(1_539_897_198_000))
        );
        assert_eq!(
            optional_time(&value, "b"),
            Some(Timestamp(1_539_897_198_250))
        );
        assert_eq!(
            optional_time(&value, "c"),
            Some(Timestamp(1_539_897_198_250))
        );
        assert_eq!(optional_time(&value, "d"), None);
        assert!(time(&value, "e").is_err());
        let far = json!({"a": u64::MAX, "b": i64::MAX, "c": 1e300});
        for path in ["a", "b", "c"] {
            let time = optional_time(&far, path);
            assert!(time > Some(Timestamp(i64::MAX / 2_000)), "{path}: {time:?}");
        }
    }

    #[test]
    fn what_is_over_a_limit_is_told_without_what_it_holds() {
        let closed = |id: &str| OwnedPayload::ConversationClosed {
            by: actor(ActorKind::Teammate, id),
        };
        for (event, conversation, by) in [("", "c", "b"), ("e", "a\nb", "b"), ("e", "c", "")] {
            let mut facts = Conversation::new("w", conversation.to_owned());
            facts.add(event.to_owned(), Timestamp(0), closed(by));
            assert!(facts.mapped().is_err(), "{event:?} {conversation:?} {by:?}");
        }
    }
}
