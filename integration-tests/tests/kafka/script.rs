//! Conversations of which it is known what comes out.

use afterword_integration_tests::model::request_id;
use serde_json::{Value, json};

pub const WORKSPACE: &str = "acme";
/// 2026-03-02T09:00:00Z.
const BEGIN_MS: i64 = 1_772_442_000_000;

fn line(conversation: &str, second: i64, kind: &str, members: Value) -> String {
    let mut fact = json!({
        "event_id": format!("{conversation}-{second}"),
        "workspace_id": WORKSPACE,
        "conversation_id": conversation,
        "occurred_at": BEGIN_MS + 1_000 * second,
        "type": kind,
    });
    let all = fact.as_object_mut().unwrap();
    all.extend(members.as_object().unwrap().clone());
    format!("{fact}\n")
}

/// A customer asks at length, a teammate answers.
pub fn asked_and_answered(conversation: &str) -> Vec<String> {
    let customer = json!({"kind": "user", "id": "u1"});
    let long = "How can it be that nothing of this has arrived yet? ".repeat(6);
    vec![
        line(
            conversation,
            0,
            "conversation_started",
            json!({"origin": "customer_initiated", "initiator": customer, "channel": "messenger"}),
        ),
        line(
            conversation,
            1,
            "message_added",
            json!({"author": customer, "text": long}),
        ),
        line(
            conversation,
            2,
            "message_added",
            json!({"author": {"kind": "teammate", "id": "t1"}, "text": "It is on its way."}),
        ),
    ]
}

/// A teammate closes: a decision, and a request if all before it was folded.
pub fn closed(conversation: &str) -> String {
    line(
        conversation,
        3,
        "conversation_closed",
        json!({"by": {"kind": "teammate", "id": "t1"}}),
    )
}

/// All of it: a decision and a request come out.
pub fn conversation(conversation: &str) -> Vec<String> {
    let mut lines = asked_and_answered(conversation);
    lines.push(closed(conversation));
    lines
}

/// The customer answers the request: a rating, or a refusal when no request is known.
pub fn rated(conversation: &str) -> Vec<String> {
    let request = request_id(WORKSPACE, conversation);
    let reaction = json!({"request_id": request, "customer_id": "u1", "reaction": "great"});
    vec![line(conversation, 4, "reaction_selected", reaction)]
}

/// Opened and closed once more: a decision that says `already_requested`.
pub fn closed_again(conversation: &str) -> Vec<String> {
    let teammate = json!({"by": {"kind": "teammate", "id": "t1"}});
    vec![
        line(conversation, 5, "conversation_reopened", teammate.clone()),
        line(conversation, 6, "conversation_closed", teammate),
    ]
}
