//! `POST /api/v1/sources/{source}`: a webhook of a help desk, answered once its facts are durable.
//!
//! The signature is looked at before the body is: what is not signed is not even parsed. What we understand and need not is
//! answered with 200, so that the desk does not send it again; so is a topic that we do not know, which is counted.

use std::sync::Arc;
use std::time::Duration;

use afterword_log::{LogError, Topic};
use afterword_schemas::RecordKind;
use afterword_schemas::records::OwnedEvent;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::signature::{self, Refused};
use super::{Mapped, Outcome, Source};
use crate::events::{is_length, unavailable};
use crate::intake;
use crate::problem::Problem;
use crate::reports::{ProblemDocument, Reports};

/// Largest webhook: room for the longest message there may be, and what the desks put around it.
pub const BODY_BYTES: usize = 2 << 20;
/// How long a body may take to come; the desks send theirs at once.
const BODY_TIME: Duration = Duration::from_secs(5);

/// What a webhook gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Received {
    /// Facts that are durable now; 0 when it said nothing that the rules ask for.
    facts: usize,
}

type Answer = Result<(Outcome, usize), (Outcome, Problem)>;

/// A webhook of the help desk that the configuration names `source`, signed as that desk signs.
#[utoipa::path(
    post,
    path = "/api/v1/sources/{source}",
    operation_id = "receive_webhook",
    tag = "facts",
    params(("source" = String, Path, description = "The name of a table [sources.NAME] of the configuration.")),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses(
        (status = 200, description = "Its facts are durable, or it has none.", body = Received),
        (status = 400, description = "Not JSON.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "Not signed, wrongly, or too long ago.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No source has this name.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A member that is needed is missing or wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take its facts now.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn post(
    State(reports): State<Reports>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Received>, Problem> {
    let sources = Arc::clone(&reports.sources);
    let source = sources.get(&name).ok_or_else(unknown)?;
    let (outcome, answer) = match receive(&reports, source, &headers, body).await {
        Ok((outcome, facts)) => (outcome, Ok(Json(Received { facts }))),
        Err((outcome, problem)) => (outcome, Err(problem)),
    };
    sources.count(source, outcome);
    answer
}

/// Says that somebody is there: Intercom asks by HEAD before it takes an address.
#[utoipa::path(
    get,
    path = "/api/v1/sources/{source}",
    operation_id = "webhook_address",
    tag = "facts",
    params(("source" = String, Path, description = "The name of a table [sources.NAME] of the configuration.")),
    responses(
        (status = 200, description = "Webhooks are received here.", body = String, content_type = "text/plain"),
        (status = 404, description = "No source has this name.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The service is starting.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get(
    State(reports): State<Reports>,
    Path(name): Path<String>,
) -> Result<&'static str, Problem> {
    let source = reports.sources.get(&name).ok_or_else(unknown)?;
    Ok(match source.kind {
        super::SourceKind::Intercom => "Intercom's webhooks are received here, by POST.\n",
        super::SourceKind::Chatwoot => "Chatwoot's webhooks are received here, by POST.\n",
        super::SourceKind::Zendesk => "Zendesk's webhooks are received here, by POST.\n",
    })
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "expected the name of a table [sources.NAME] of the configuration, found another one",
    )
}

async fn receive(reports: &Reports, source: &Source, headers: &HeaderMap, body: Body) -> Answer {
    let body = read(reports, body).await?;
    signature::verify(source, headers, &body, crate::now_ms()).map_err(refused)?;
    let value: Value = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("expected JSON; {error}");
        let problem = Problem::new(StatusCode::BAD_REQUEST, detail);
        (Outcome::NotJson, problem)
    })?;
    let facts = match source.kind.facts(&source.workspace_id, &value) {
        Ok(Mapped::Facts(facts)) => facts,
        Ok(Mapped::UnknownTopic) => return Ok((Outcome::UnknownTopic, 0)),
        Err(error) => {
            let source = source.name.as_str();
            tracing::warn!(source, %error, "a webhook of a help desk cannot be understood");
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
            return Err((Outcome::Malformed, problem));
        }
    };
    match facts.len() {
        0 => Ok((Outcome::Nothing, 0)),
        count => {
            let appended = append(reports, facts).await;
            appended.map_err(|problem| (Outcome::Unavailable, problem))?;
            Ok((Outcome::Taken, count))
        }
    }
}

/// The whole body, bounded in size and in time.
async fn read(reports: &Reports, body: Body) -> Result<Vec<u8>, (Outcome, Problem)> {
    let limit = BODY_BYTES.min(reports.body_limit_bytes);
    let read = axum::body::to_bytes(body, limit);
    match tokio::time::timeout(BODY_TIME.min(reports.body_timeout), read).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if is_length(&error) => {
            let detail = format!("expected a body of at most {limit} bytes");
            let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
            Err((Outcome::TooLarge, problem))
        }
        Ok(Err(error)) => {
            let detail = format!("the body could not be read: {error}");
            let problem = Problem::new(StatusCode::BAD_REQUEST, detail);
            Err((Outcome::Incomplete, problem))
        }
        Err(_) => {
            let detail = "the body did not arrive in time; nothing of it was kept";
            let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, detail);
            Err((Outcome::Incomplete, problem))
        }
    }
}

fn refused(refused: Refused) -> (Outcome, Problem) {
    let (outcome, expected) = match refused {
        Refused::Unsigned(expected) => (Outcome::Unsigned, expected),
        Refused::Stale(expected) => (Outcome::Stale, expected),
    };
    (outcome, Problem::new(StatusCode::UNAUTHORIZED, expected))
}

/// All facts of one webhook at once, durable afterwards. They are of one conversation, and so of one partition.
async fn append(reports: &Reports, facts: Vec<OwnedEvent>) -> Result<(), Problem> {
    let (log, schemas) = (Arc::clone(&reports.log), Arc::clone(&reports.schemas));
    let appended = reports.sources.gate.run(move || {
        let framing = schemas
            .framing(RecordKind::ConversationEvent)
            .map_err(|error| LogError::Wait(error.to_string()))?;
        let partitions = log.partitions(Topic::ConversationEvents);
        let now_ms = crate::now_ms();
        let records = facts
            .iter()
            .map(|fact| intake::record_of(&fact.as_event(), partitions, framing, now_ms));
        log.append(Topic::ConversationEvents, records.collect())
            .map(drop)
    });
    appended.await?.map_err(|error| unavailable(&error))
}
