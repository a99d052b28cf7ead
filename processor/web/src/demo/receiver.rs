//! Where the toy chat's backend takes webhooks, as <https://www.standardwebhooks.com> describes them: first the signature over the
//! bytes as they came, then the time, then what is said.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Demo;
use super::chats::Rated;
use crate::problem::Problem;

/// An older or younger message may be one that somebody recorded, and is refused.
const TOLERANCE_S: i64 = 300;

#[derive(Deserialize)]
struct Message {
    r#type: String,
    data: Data,
}

/// Of each kind of message what is of use here.
#[derive(Deserialize)]
struct Data {
    conversation_id: String,
    link: Option<String>,
    reaction: Option<String>,
    comment: Option<String>,
    revision: Option<i64>,
}

/// The handler. Answers quickly and does nothing a second time: a webhook may come twice.
pub async fn receive(
    State(demo): State<Demo>,
    headers: HeaderMap,
    body: String,
) -> Result<StatusCode, Problem> {
    if !is_signed(&demo, &headers, &body) {
        let detail = "expected a webhook that was signed for this receiver in the last minutes";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, detail));
    }
    let Message { r#type, data } = serde_json::from_str(&body).map_err(|error| {
        let detail = format!("expected a message of Afterword: {error}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })?;
    match (r#type.as_str(), data) {
        (
            "rating.requested",
            Data {
                conversation_id,
                link: Some(link),
                ..
            },
        ) => demo.chats.asked(&conversation_id, &link),
        (
            "rating.submitted",
            Data {
                conversation_id,
                reaction: Some(reaction),
                comment,
                revision: Some(revision),
                ..
            },
        ) => {
            let rated = Rated {
                reaction,
                comment,
                revision,
            };
            demo.chats.rated(&conversation_id, rated);
        }
        // Of a kind that this chat does not know yet: taken, and nothing is done.
        _ => {}
    }
    Ok(StatusCode::NO_CONTENT)
}

fn is_signed(demo: &Demo, headers: &HeaderMap, body: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(time), Some(signatures)) = (
        text("webhook-id"),
        text("webhook-timestamp"),
        text("webhook-signature"),
    ) else {
        return false;
    };
    let Ok(timestamp_s) = time.parse::<i64>() else {
        return false;
    };
    let age_s = crate::now_ms() / 1_000 - timestamp_s;
    age_s.abs() <= TOLERANCE_S && (demo.parts.verify)(id, timestamp_s, signatures, body)
}
