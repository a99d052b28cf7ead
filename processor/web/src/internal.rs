//! The log over HTTP, for this program's own commands in other processes while a service has the embedded log open. Not a
//! public API: its shape may change with any version. Every request names the token of the data directory's service file.
//!
//! Records travel as the log's own stored form: a number (offset or partition), then the record.

use std::sync::Arc;
use std::time::Duration;

use afterword_log::{
    Batch, CodingError, Log, LogError, Offset, Partition, Reader, Record, RecordRef, Topic,
    put_varint,
};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::gate::Gate;
use crate::problem::Problem;

/// Largest answer to one read, about.
pub const READ_BYTES: usize = 8 << 20;
/// Largest append.
pub const APPEND_BYTES: usize = 64 << 20;
/// Longest wait of one read.
pub const WAIT: Duration = Duration::from_secs(10);
/// The name under which a problem document carries [`LogError`]'s kind.
pub const KIND: &str = "log_error";

/// Makes a copy of the log, as it is now, at its place in the data directory.
pub type Checkpoint = Arc<dyn Fn() -> Result<(), LogError> + Send + Sync>;

/// What the handlers share.
#[derive(Clone)]
pub struct Internal {
    pub log: Arc<dyn Log>,
    /// Of a log that is a directory of this machine.
    pub checkpoint: Option<Checkpoint>,
    /// For appends and looks.
    pub gate: Gate,
    /// For reads that wait: another bound, so that followers leave room for the rest.
    pub readers: Gate,
    pub token: Arc<str>,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Held {
    pub start: u64,
    pub end: u64,
}

/// What the log is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    pub partitions: u32,
    pub impediment: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    from: u64,
    max_bytes: Option<usize>,
    wait_ms: Option<u64>,
}

/// The routes, behind the token.
pub fn router(internal: Internal) -> Router {
    Router::new()
        .route("/internal/v1/log", get(about))
        .route("/internal/v1/topics/{topic}", post(append))
        .route("/internal/v1/topics/{topic}/{partition}", get(read))
        .route(
            "/internal/v1/topics/{topic}/{partition}/bounds",
            get(bounds),
        )
        .route(
            "/internal/v1/partitions/{partition}/committed",
            get(committed),
        )
        .route("/internal/v1/checkpoint", post(checkpoint))
        .route_layer(from_fn_with_state(internal.clone(), guard))
        .with_state(internal)
}

async fn guard(State(internal): State<Internal>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
    match given.is_some_and(|given| same(given, internal.token.as_bytes())) {
        true => next.run(request).await,
        false => Problem::new(
            StatusCode::UNAUTHORIZED,
            "expected the token of the data directory's service file",
        )
        .into_response(),
    }
}

/// Compares without telling by its time where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |differing, (x, y)| {
        std::hint::black_box(differing | (x ^ y))
    });
    a.len() == b.len() && differing == 0
}

async fn about(State(internal): State<Internal>) -> Result<Json<About>, Problem> {
    let log = internal.log;
    let about = move || About {
        partitions: log.partitions(Topic::ConversationEvents),
        impediment: log.impediment(),
    };
    Ok(Json(internal.gate.run(about).await?))
}

async fn bounds(
    State(internal): State<Internal>,
    Path((topic, partition)): Path<(String, u32)>,
) -> Result<Json<Held>, Problem> {
    let (topic, partition) = place(&*internal.log, &topic, partition)?;
    let log = internal.log;
    let bounds = internal
        .gate
        .run(move || log.bounds(topic, partition))
        .await?;
    let bounds = bounds.map_err(|error| refused(&error))?;
    Ok(Json(Held {
        start: bounds.start.0,
        end: bounds.end.0,
    }))
}

async fn committed(
    State(internal): State<Internal>,
    Path(partition): Path<u32>,
) -> Result<Json<Option<u64>>, Problem> {
    let facts = Topic::ConversationEvents.name();
    let (_, partition) = place(&*internal.log, facts, partition)?;
    let log = internal.log;
    let committed = internal.gate.run(move || log.committed(partition)).await?;
    let committed = committed.map_err(|error| refused(&error))?;
    Ok(Json(committed.map(|next| next.0)))
}

async fn checkpoint(State(internal): State<Internal>) -> Result<StatusCode, Problem> {
    let Some(make) = internal.checkpoint else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "this log is no directory of this machine",
        ));
    };
    let made = internal.gate.run(move || make()).await?;
    made.map_err(|error| refused(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(
    State(internal): State<Internal>,
    Path((topic, partition)): Path<(String, u32)>,
    Query(asked): Query<Asked>,
) -> Result<Vec<u8>, Problem> {
    let (topic, partition) = place(&*internal.log, &topic, partition)?;
    let log = internal.log;
    let from = Offset(asked.from);
    let max_bytes = asked.max_bytes.unwrap_or(READ_BYTES).min(READ_BYTES);
    let wait = Duration::from_millis(asked.wait_ms.unwrap_or(0)).min(WAIT);
    let read = move || {
        let mut batch = Batch::default();
        if wait.is_zero() || log.wait_for(topic, partition, from, wait) {
            log.read(topic, partition, from, max_bytes, &mut batch)?;
        }
        Ok(encode_batch(&batch))
    };
    internal
        .readers
        .run(read)
        .await?
        .map_err(|error: LogError| refused(&error))
}

async fn append(
    State(internal): State<Internal>,
    Path(topic): Path<String>,
    body: Body,
) -> Result<Json<Vec<(u32, u64)>>, Problem> {
    let (topic, _) = place(&*internal.log, &topic, 0)?;
    let body = tokio::time::timeout(
        Duration::from_secs(60),
        axum::body::to_bytes(body, APPEND_BYTES),
    )
    .await;
    let body: Bytes = match body {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                error.to_string(),
            ));
        }
        Err(_) => {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "the records did not arrive in time",
            ));
        }
    };
    let records = decode_append(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let partitions = internal.log.partitions(topic);
    if records
        .iter()
        .any(|(partition, _)| partition.0 >= partitions)
    {
        let detail = format!("expected partitions below {partitions} of {topic}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let log = internal.log;
    let appended = internal
        .gate
        .run(move || log.append(topic, records))
        .await?;
    let appended = appended.map_err(|error| refused(&error))?;
    Ok(Json(
        appended
            .into_iter()
            .map(|(partition, offset)| (partition.0, offset.0))
            .collect(),
    ))
}

fn place(log: &dyn Log, topic: &str, partition: u32) -> Result<(Topic, Partition), Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            format!("there is no partition {partition} of a topic {topic}"),
        )
    };
    let topic = Topic::from_name(topic).ok_or_else(unknown)?;
    match partition < log.partitions(topic) {
        true => Ok((topic, Partition(partition))),
        false => Err(unknown()),
    }
}

fn refused(error: &LogError) -> Problem {
    let (kind, reason) = match error {
        LogError::GiveUp(reason) => ("give_up", reason),
        LogError::StartOver(reason) => ("start_over", reason),
        LogError::Wait(reason) => ("wait", reason),
        LogError::Stop(reason) => ("stop", reason),
    };
    Problem::unavailable(reason.clone(), 5).with(KIND, kind)
}

/// The error of a problem document of this module.
#[must_use]
pub fn error_of(kind: &str, reason: String) -> LogError {
    match kind {
        "give_up" => LogError::GiveUp(reason),
        "wait" => LogError::Wait(reason),
        "stop" => LogError::Stop(reason),
        _ => LogError::StartOver(reason),
    }
}

fn encode_batch(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.bytes() + 4 * batch.len());
    for record in batch.iter() {
        put_varint(&mut out, record.offset.0);
        record.to_record().encode(&mut out);
    }
    out
}

/// Adds the records of an answer to a read.
///
/// # Errors
/// When the bytes are no such answer.
pub fn decode_batch(bytes: &[u8], batch: &mut Batch) -> Result<(), CodingError> {
    let mut reader = Reader::new(bytes);
    while !reader.is_at_end() {
        let offset = Offset(reader.varint()?);
        batch.push_encoded(offset, &mut reader, bytes)?;
    }
    Ok(())
}

/// The body of an append.
#[must_use]
pub fn encode_append(records: &[(Partition, Record)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (partition, record) in records {
        put_varint(&mut out, partition.0.into());
        record.encode(&mut out);
    }
    out
}

fn decode_append(bytes: &[u8]) -> Result<Vec<(Partition, Record)>, CodingError> {
    let mut reader = Reader::new(bytes);
    let mut records = Vec::new();
    while !reader.is_at_end() {
        let partition = u32::try_from(reader.varint()?).unwrap_or(u32::MAX);
        let record = RecordRef::decode(Offset(0), &mut reader)?.to_record();
        records.push((Partition(partition), record));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abd", b"abc"));
        assert!(!same(b"ab", b"abc"));
        assert!(!same(b"", b"abc"));
    }

    #[test]
    fn records_travel_as_they_are() {
        let record = Record::new("c1", vec![1, 2], 7).with_header("a", "b");
        let sent = vec![
            (Partition(3), record.clone()),
            (Partition(0), Record::default()),
        ];
        assert_eq!(decode_append(&encode_append(&sent)), Ok(sent));
        let (mut batch, mut back) = (Batch::default(), Batch::default());
        batch.push(Offset(9), &record);
        assert_eq!(decode_batch(&encode_batch(&batch), &mut back), Ok(()));
        assert_eq!(
            back.iter()
                .next()
                .map(|read| (read.offset, read.to_record())),
            Some((Offset(9), record))
        );
    }
}
