//! `POST /api/v1/events`: facts as a JSON array or as NDJSON, answered once they are durable.
//!
//! Good facts are kept whatever stands beside them, as `afterword import` does: 200 when all were good, 422 when some were
//! refused, with the same counts and each refusal. A producer may send everything again: an event id counts once.

use std::borrow::Cow;
use std::sync::Arc;

use afterword_log::{Log, LogError, Topic};
use afterword_schemas::json::JsonError;
use afterword_schemas::{RecordKind, Schemas};
use afterword_trace::{Parent, TRACEPARENT, parent};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::access::{Scope, Viewer};
use crate::intake::{self, Taken};
use crate::problem::Problem;
use crate::reports::{ProblemDocument, Reports, TraceParents};

/// Refusals told one by one; the rest are counted.
const REFUSALS_TOLD: usize = 1_000;
/// Facts appended at once; each such batch is durable as a whole.
const BATCH: usize = 5_000;

/// What became of the facts of one request.
#[derive(Debug, Default)]
struct Counts {
    accepted: u64,
    passed_over: u64,
    ignored_members: u64,
    refused: u64,
}

/// What is said when none was refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AllTaken {
    accepted: u64,
    passed_over: u64,
    ignored_members: u64,
    /// None.
    #[schema(max_items = 0)]
    refused: Vec<Refusal>,
}

/// One fact that was refused, and where it stood.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Refusal {
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    member: String,
    expected: String,
    found: String,
}

#[derive(Clone, Copy)]
enum Shape {
    Array,
    Lines,
}

/// Facts in, answered once they are durable. Good facts are kept whatever stands beside them; sending all of them again is harmless.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    operation_id = "append_events",
    tag = "facts",
    params(
        ("traceparent" = Option<String>, Header, nullable = false,
            description = "The trace that all facts of this request belong to (W3C Trace Context), where traces are on. When it says that the trace is not \
                           sampled, they have none. One that is malformed, or there twice, is ignored: then each fact is sampled by itself, as without one.",
            example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ),
    request_body(content(
        (Vec<serde_json::Value> = "application/json"),
        (String = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "All were taken.", body = AllTaken),
        (status = 400, description = "Not JSON.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "Neither of the two types.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some were refused; the others are kept.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take them now.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn post(
    State(reports): State<Reports>,
    viewer: Viewer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let shape = shape_of(&headers)?;
    check_length(&headers, reports.body_limit_bytes)?;
    let trace = trace_of(&reports, &headers);
    let body = read_body(&reports, body).await?;
    let (log, schemas) = (Arc::clone(&reports.log), Arc::clone(&reports.schemas));
    let answer = reports
        .gate
        .run(move || take_all(&*log, &schemas, &viewer, (&body, shape), trace))
        .await??;
    Ok(answer)
}

/// Only a type that a form or a script of another site cannot send without asking.
fn shape_of(headers: &HeaderMap) -> Result<Option<Shape>, Problem> {
    let found = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("none");
    let kind = found
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(None),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines" => Ok(Some(Shape::Lines)),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "expected the content type application/json (an array) or application/x-ndjson (one event a line), found {found}"
            ),
        )),
    }
}

/// What the sender says of the trace that its facts belong to, where traces are recorded. Two such headers contradict each other.
fn trace_of(reports: &Reports, headers: &HeaderMap) -> Option<Vec<u8>> {
    let given = headers.get(TRACEPARENT)?.as_bytes();
    let is_one = headers.get_all(TRACEPARENT).iter().count() == 1;
    let is_taken = reports.trace_parents == TraceParents::Taken && is_one;
    (is_taken && parent(given) != Parent::Malformed).then(|| given.to_vec())
}

fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

fn too_large(limit: usize) -> Problem {
    let detail =
        format!("expected a body of at most {limit} bytes; send the events in several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// The whole body, bounded in size and in time.
pub async fn read_body(reports: &Reports, body: Body) -> Result<Vec<u8>, Problem> {
    let limit = reports.body_limit_bytes;
    let read = axum::body::to_bytes(body, limit);
    match tokio::time::timeout(reports.body_timeout, read).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if is_length(&error) => Err(too_large(limit)),
        Ok(Err(error)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the body could not be read: {error}"),
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time; nothing of it was kept",
        )),
    }
}

pub(crate) fn is_length(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn take_all(
    log: &dyn Log,
    schemas: &Schemas,
    viewer: &Viewer,
    (body, shape): (&[u8], Option<Shape>),
    trace: Option<Vec<u8>>,
) -> Result<Response, Problem> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let shape = match (shape, first) {
        (None, Some(b'[')) => Shape::Array,
        (shape, _) => shape.unwrap_or(Shape::Lines),
    };
    let objects = objects_of(body, shape)?;
    let framing = schemas
        .framing(RecordKind::ConversationEvent)
        .map_err(|error| unavailable(&LogError::Wait(error.to_string())))?;
    let mut batch = Vec::with_capacity(BATCH.min(objects.len()));
    let (mut counts, mut refusals) = (Counts::default(), Vec::new());
    let partitions = log.partitions(Topic::ConversationEvents);
    let now_ms = crate::now_ms();
    for (place, object) in objects {
        let may = |workspace: &str| viewer.may(Scope::EventsWrite, workspace);
        match intake::take_where(&object, partitions, framing, now_ms, may) {
            Ok(Taken::Fact {
                partition,
                record,
                ignored,
            }) => {
                counts.ignored_members += ignored.len() as u64;
                let record = match &trace {
                    Some(trace) => record.with_header(TRACEPARENT, trace.as_slice()),
                    None => record,
                };
                batch.push((partition, record));
            }
            Ok(Taken::PassedOver(_)) => counts.passed_over += 1,
            Err(error) => {
                counts.refused += 1;
                if refusals.len() < REFUSALS_TOLD {
                    refusals.push(refusal(shape, place, error));
                }
            }
        }
        if batch.len() == BATCH {
            append(log, std::mem::take(&mut batch), &mut counts)?;
        }
    }
    append(log, batch, &mut counts)?;
    Ok(answer(&counts, &refusals))
}

type Placed<'a> = (usize, Cow<'a, [u8]>);

/// The objects with their places: lines from 1, members of an array from 0.
fn objects_of(body: &[u8], shape: Shape) -> Result<Vec<Placed<'_>>, Problem> {
    match shape {
        Shape::Lines => {
            let lines = body.split(|byte| *byte == b'\n').enumerate();
            let full =
                lines.filter(|(_, line)| line.iter().any(|byte| !byte.is_ascii_whitespace()));
            Ok(full
                .map(|(index, line)| (index + 1, Cow::Borrowed(line)))
                .collect())
        }
        Shape::Array => {
            let array: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    format!("expected a JSON array of events; {error}; nothing of it was kept"),
                )
            })?;
            let members = array.into_iter().enumerate();
            Ok(members
                .map(|(index, value)| (index, Cow::Borrowed(value.get().as_bytes())))
                .collect())
        }
    }
}

fn refusal(shape: Shape, place: usize, error: JsonError) -> Refusal {
    let (line, index) = match shape {
        Shape::Lines => (Some(place), None),
        Shape::Array => (None, Some(place)),
    };
    let JsonError {
        member,
        expected,
        found,
    } = error;
    Refusal {
        line,
        index,
        member,
        expected,
        found,
    }
}

fn append(
    log: &dyn Log,
    batch: Vec<(afterword_log::Partition, afterword_log::Record)>,
    counts: &mut Counts,
) -> Result<(), Problem> {
    if batch.is_empty() {
        return Ok(());
    }
    let appended = batch.len() as u64;
    match log.append(Topic::ConversationEvents, batch) {
        Ok(_) => {
            counts.accepted += appended;
            Ok(())
        }
        Err(error) => Err(unavailable(&error).with("accepted", counts.accepted)),
    }
}

/// Why the log takes nothing now, as a problem document.
pub fn unavailable(error: &LogError) -> Problem {
    match error {
        LogError::Stop(reason) => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the log stopped: {reason}"),
        ),
        LogError::Wait(reason) => Problem::unavailable(
            format!(
                "the log cannot take events now: {reason}; nothing more was kept, send them again"
            ),
            5,
        ),
        LogError::GiveUp(reason) | LogError::StartOver(reason) => Problem::unavailable(
            format!(
                "the log may have taken the last events or not: {reason}; sending them again is harmless"
            ),
            2,
        ),
    }
}

fn answer(counts: &Counts, refusals: &[Refusal]) -> Response {
    if counts.refused == 0 {
        return Json(AllTaken {
            accepted: counts.accepted,
            passed_over: counts.passed_over,
            ignored_members: counts.ignored_members,
            refused: Vec::new(),
        })
        .into_response();
    }
    let told = serde_json::to_value(refusals).unwrap_or_default();
    let detail = format!(
        "{} of the events were refused; the {} others are durable and need not be sent again",
        counts.refused, counts.accepted
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        .with("accepted", counts.accepted)
        .with("passed_over", counts.passed_over)
        .with("ignored_members", counts.ignored_members)
        .with("refused_total", counts.refused)
        .with("refused", told)
        .into_response()
}
