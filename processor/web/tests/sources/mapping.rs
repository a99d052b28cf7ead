//! From payloads to facts, without HTTP.

use afterword_schemas::json::write;
use afterword_schemas::records::{OwnedEvent, OwnedPayload};
use afterword_web::sources::{Mapped, SourceKind, intercom_history};
use serde_json::{Value, json};

use crate::{Webhook, folder, webhooks};

/// A line for each fact, after the name of the webhook that gave it.
fn told(kind: SourceKind, webhook: &Webhook) -> String {
    let name = &webhook.name;
    match kind.facts("w1", &webhook.value()) {
        Err(error) => format!("{name}: {error}\n"),
        Ok(Mapped::UnknownTopic) => format!("{name}: unknown topic\n"),
        Ok(Mapped::Facts(facts)) if facts.is_empty() => format!("{name}: nothing\n"),
        Ok(Mapped::Facts(facts)) => facts
            .iter()
            .map(|fact| {
                let mut line = Vec::new();
                write(&fact.as_event(), None, &mut line);
                format!("{name}: {}\n", String::from_utf8(line).unwrap())
            })
            .collect(),
    }
}

fn check(kind: SourceKind, webhooks: &[Webhook], file: &str) {
    let found: String = webhooks.iter().map(|one| told(kind, one)).collect();
    let path = folder(kind).join(file);
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what the payloads give, which is:\n{found}",
        path.display()
    );
}

#[test]
fn payloads_give_the_facts_that_lie_beside_them() {
    for kind in SourceKind::ALL {
        let folder = folder(kind);
        check(kind, &webhooks(&folder), "facts.txt");
        check(kind, &webhooks(&folder.join("others")), "others.txt");
    }
}

/// The payload without, or with another, member at this JSON pointer; the empty text removes it.
fn changed(mut value: Value, pointer: &str, to: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = to;
    value
}

fn payload(kind: SourceKind, name: &str) -> Value {
    let folder = folder(kind);
    let all = webhooks(&folder).into_iter();
    let mut all = all.chain(webhooks(&folder.join("others")));
    all.find(|one| one.name == name).unwrap().value()
}

#[test]
fn a_member_that_is_needed_is_named_and_not_told() {
    let check = |kind: SourceKind, name: &str, pointer: &str, member: &str| {
        for to in [Value::Null, json!(""), json!(["hush"]), json!({"hush": 1})] {
            let value = changed(payload(kind, name), pointer, to.clone());
            let error = kind.facts("w1", &value).err();
            let error = error.unwrap_or_else(|| panic!("{name} {pointer} {to}"));
            assert_eq!(error.member, member, "{name} {to}: {error}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    };
    let intercom = SourceKind::Intercom;
    check(intercom, "07-admin-closed", "/topic", "topic");
    check(intercom, "07-admin-closed", "/data/item/id", "data.item.id");
    check(
        intercom,
        "01-user-created",
        "/data/item/source/author/id",
        "source.author.id",
    );
    check(intercom, "deleted", "/created_at", "created_at");
    let part = "/data/item/conversation_parts/conversation_parts/0";
    for (member, path) in [
        ("id", "id"),
        ("created_at", "created_at"),
        ("author", "author.type"),
    ] {
        check(
            intercom,
            "07-admin-closed",
            &format!("{part}/{member}"),
            path,
        );
    }
    let chatwoot = SourceKind::Chatwoot;
    check(chatwoot, "02-message-incoming", "/event", "event");
    check(
        chatwoot,
        "02-message-incoming",
        "/conversation/id",
        "conversation.id",
    );
    check(chatwoot, "02-message-incoming", "/sender/id", "sender.id");
    check(chatwoot, "02-message-incoming", "/created_at", "created_at");
    check(
        chatwoot,
        "02-message-incoming",
        "/message_type",
        "message_type",
    );
    check(chatwoot, "07-status-resolved", "/status", "status");
    check(chatwoot, "07-status-resolved", "/id", "id");
    let zendesk = SourceKind::Zendesk;
    check(zendesk, "04-comment-added", "/type", "type");
    check(zendesk, "04-comment-added", "/detail/id", "detail.id");
    check(zendesk, "04-comment-added", "/time", "time");
    check(
        zendesk,
        "04-comment-added",
        "/event/comment/is_public",
        "is_public",
    );
    check(
        zendesk,
        "04-comment-added",
        "/event/comment/author/is_staff",
        "author.is_staff",
    );
    check(
        zendesk,
        "05-status-solved",
        "/event/current",
        "event.current",
    );
    check(zendesk, "05-status-solved", "/id", "id");
    check(
        zendesk,
        "message-of-agent",
        "/event/actor/type",
        "event.actor.type",
    );
}

#[test]
fn a_close_without_the_part_that_did_it_is_no_fact() {
    let pointer = "/data/item/conversation_parts/conversation_parts";
    let value = payload(SourceKind::Intercom, "07-admin-closed");
    let value = changed(value, pointer, json!([]));
    let error = SourceKind::Intercom.facts("w1", &value).expect_err("none");
    assert_eq!(error.expected, "the part that did it");
}

#[test]
fn what_is_no_object_of_theirs_is_refused_and_nothing_panics() {
    let values = [
        json!(null),
        json!([]),
        json!("x"),
        json!(7),
        json!({}),
        json!([{"topic": "ping"}]),
    ];
    for kind in SourceKind::ALL {
        for value in &values {
            assert!(kind.facts("w1", value).is_err(), "{kind:?} {value}");
        }
    }
    // Every member of every payload, one at a time, as something else.
    for kind in SourceKind::ALL {
        let folder = folder(kind);
        for webhook in webhooks(&folder)
            .iter()
            .chain(&webhooks(&folder.join("others")))
        {
            let value = webhook.value();
            let mut pointers = Vec::new();
            collect(&value, String::new(), &mut pointers);
            for pointer in pointers {
                for to in [
                    json!(null),
                    json!(-1),
                    json!(1e300),
                    json!([[]]),
                    json!({"id": {}}),
                    json!("\u{0}"),
                ] {
                    let _: Result<Mapped, _> =
                        kind.facts("w1", &changed(value.clone(), &pointer, to));
                }
            }
        }
    }
}

fn collect(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(members) => {
            for (index, member) in members.iter().enumerate() {
                collect(member, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(pointer);
}

/// What the text of a note is, stays at the desk.
#[test]
fn notes_are_told_without_their_text() {
    for (kind, name, text) in [
        (SourceKind::Intercom, "03-admin-noted", "carrier lost"),
        (SourceKind::Chatwoot, "04-message-private", "shelf 12"),
        (SourceKind::Zendesk, "03-comment-private", "Hamburg"),
    ] {
        let value = payload(kind, name);
        assert!(value.to_string().contains(text), "{name}");
        let mapped = kind.facts("w1", &value).unwrap();
        let Mapped::Facts(facts) = &mapped else {
            panic!("{mapped:?}");
        };
        assert_eq!(facts.len(), 1);
        assert!(!format!("{mapped:?}").contains(text), "{mapped:?}");
    }
}

/// The API's conversation has every part, a webhook the newest: both give the same facts, by the same ids.
#[test]
fn a_conversation_of_intercoms_api_gives_what_its_webhooks_gave() {
    let kind = SourceKind::Intercom;
    let pointer = "/data/item/conversation_parts/conversation_parts";
    let (mut parts, mut told) = (Vec::new(), Vec::new());
    for webhook in webhooks(&folder(kind)) {
        let value = webhook.value();
        parts.extend(value.pointer(pointer).unwrap().as_array().unwrap().clone());
        match kind.facts("w1", &value).unwrap() {
            Mapped::Facts(facts) => told.extend(facts),
            Mapped::UnknownTopic => panic!("{}", webhook.name),
        }
    }
    let mut item = payload(kind, "07-admin-closed")["data"]["item"].clone();
    item["conversation_parts"]["conversation_parts"] = json!(parts);
    // Until when it was snoozed is not in the parts.
    let without_until = |mut fact: OwnedEvent| {
        if let OwnedPayload::ConversationSnoozed { until, .. } = &mut fact.payload {
            *until = None;
        }
        fact
    };
    let told: Vec<_> = told.into_iter().map(without_until).collect();
    assert_eq!(intercom_history("w1", &item).unwrap(), told);
    assert!(intercom_history("w1", &json!({"id": "1"})).is_err());
}
