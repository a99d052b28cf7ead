//! Conversations that are asked about, and answers.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

/// Now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

/// The facts of a conversation that ends with a request to this customer, closed at that time.
pub fn asked(
    workspace: &str,
    conversation: &str,
    customer: &str,
    channel: &str,
    at_ms: i64,
) -> String {
    let fact = |id: &str, before_ms: i64, kind: &str, more: serde_json::Value| {
        let mut fact = json!({
            "event_id": format!("{conversation}-{id}"), "workspace_id": workspace, "conversation_id": conversation,
            "occurred_at": at_ms - before_ms, "type": kind,
        });
        let members = more.as_object().unwrap().clone();
        fact.as_object_mut().unwrap().extend(members);
        format!("{fact}\n")
    };
    let customer = json!({ "kind": "user", "id": customer });
    let teammate = json!({ "kind": "teammate", "id": "ben" });
    [
        fact(
            "1",
            3_000,
            "conversation_started",
            json!({ "origin": "customer_initiated", "initiator": customer, "channel": channel }),
        ),
        fact(
            "2",
            2_000,
            "message_added",
            json!({ "author": customer, "text": "x".repeat(200) }),
        ),
        fact(
            "3",
            1_000,
            "message_added",
            json!({ "author": teammate, "text": "y".repeat(200) }),
        ),
        fact("4", 0, "conversation_closed", json!({ "by": teammate })),
    ]
    .concat()
}

/// The id of a conversation's request, as the contract says.
pub fn request_id(workspace: &str, conversation: &str) -> String {
    let name = format!("afterword\0{workspace}\0{conversation}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_string()
}

/// A reaction to a request.
pub fn reaction(
    workspace: &str,
    conversation: &str,
    customer: &str,
    reaction: &str,
    at_ms: i64,
) -> String {
    let fact = json!({
        "event_id": format!("{conversation}-r-{reaction}"), "workspace_id": workspace, "conversation_id": conversation,
        "occurred_at": at_ms, "type": "reaction_selected", "request_id": request_id(workspace, conversation),
        "customer_id": customer, "reaction": reaction,
    });
    format!("{fact}\n")
}
