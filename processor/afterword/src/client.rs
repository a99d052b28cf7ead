//! The log of a running service, seen from another process.

use std::time::Duration;

use afterword_log::{Batch, Bounds, Log, LogError, Offset, Partition, Record, Topic};
use afterword_web::internal::{self, About, Held};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::service::file::ServiceFile;

/// Longest wait for an answer, but for what a read waits for records.
const ANSWER: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(2);

/// A log that is another process's, over HTTP.
#[derive(Debug)]
pub struct ServiceLog {
    agent: Agent,
    base: String,
    bearer: String,
    partitions: u32,
}

impl ServiceLog {
    /// Asks the service of this file what its log is; `None` when nobody answers there.
    #[must_use]
    pub fn connect(file: &ServiceFile) -> Option<ServiceLog> {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ANSWER))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut log = ServiceLog {
            agent: Agent::new_with_config(config),
            base: format!("http://{}/internal/v1", file.operations),
            bearer: format!("Bearer {}", file.token),
            partitions: 0,
        };
        let about: About = log
            .get("/log", CONNECT)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())?;
        log.partitions = about.partitions;
        Some(log)
    }

    /// Has the service copy its log, as it is now, to [`crate::checkpoint::place`].
    ///
    /// # Errors
    /// When it cannot, or does not answer.
    pub fn checkpoint(&self) -> Result<(), LogError> {
        self.post("/checkpoint", &[]).map(drop)
    }

    fn get(&self, path: &str, wait: Duration) -> Result<Vec<u8>, LogError> {
        let request = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("authorization", &self.bearer);
        let request = request.config().timeout_global(Some(ANSWER + wait)).build();
        body_of(request.call())
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, LogError> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("authorization", &self.bearer);
        body_of(request.content_type("application/octet-stream").send(body))
    }

    fn get_records(&self, path: &str, wait: Duration, batch: &mut Batch) -> Result<(), LogError> {
        let bytes = self.get(path, wait)?;
        internal::decode_batch(&bytes, batch).map_err(|error| LogError::Stop(error.to_string()))
    }
}

fn body_of(answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<Vec<u8>, LogError> {
    let away =
        |error: ureq::Error| LogError::StartOver(format!("the service did not answer: {error}"));
    let mut answer = answer.map_err(away)?;
    let status = answer.status();
    let limit = (2 * internal::APPEND_BYTES) as u64;
    let body = answer
        .body_mut()
        .with_config()
        .limit(limit)
        .read_to_vec()
        .map_err(away)?;
    if status.is_success() {
        return Ok(body);
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"]
        .as_str()
        .map_or_else(|| format!("the service answered {status}"), str::to_owned);
    let kind = match (problem[internal::KIND].as_str(), status.is_server_error()) {
        (Some(kind), _) => kind,
        (None, true) => "start_over",
        (None, false) => "stop",
    };
    Err(internal::error_of(kind, detail))
}

impl Log for ServiceLog {
    fn partitions(&self, topic: Topic) -> u32 {
        topic.partitions(self.partitions)
    }

    fn append(
        &self,
        topic: Topic,
        records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        let answer = self.post(
            &format!("/topics/{topic}"),
            &internal::encode_append(&records),
        )?;
        let placed: Vec<(u32, u64)> = serde_json::from_slice(&answer)
            .map_err(|error| LogError::StartOver(error.to_string()))?;
        Ok(placed
            .into_iter()
            .map(|(partition, offset)| (Partition(partition), Offset(offset)))
            .collect())
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        batch.clear();
        let path = format!("/topics/{topic}/{partition}?from={from}&max_bytes={max_bytes}");
        self.get_records(&path, Duration::ZERO, batch)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError> {
        let answer = self.get(
            &format!("/topics/{topic}/{partition}/bounds"),
            Duration::ZERO,
        )?;
        let held: Held =
            serde_json::from_slice(&answer).map_err(|error| LogError::Stop(error.to_string()))?;
        Ok(Bounds {
            start: Offset(held.start),
            end: Offset(held.end),
        })
    }

    fn committed(&self, partition: Partition) -> Result<Option<Offset>, LogError> {
        let answer = self.get(
            &format!("/partitions/{partition}/committed"),
            Duration::ZERO,
        )?;
        let committed: Option<u64> =
            serde_json::from_slice(&answer).map_err(|error| LogError::Stop(error.to_string()))?;
        Ok(committed.map(Offset))
    }

    fn wait_for(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        at_most: Duration,
    ) -> bool {
        let wait_ms = at_most.min(internal::WAIT).as_millis();
        let path = format!("/topics/{topic}/{partition}?from={from}&max_bytes=1&wait_ms={wait_ms}");
        let mut batch = Batch::default();
        self.get_records(&path, at_most, &mut batch).is_ok() && !batch.is_empty()
    }

    fn impediment(&self) -> Option<String> {
        match self.get("/log", Duration::ZERO) {
            Ok(answer) => serde_json::from_slice::<About>(&answer)
                .ok()
                .and_then(|about| about.impediment),
            Err(error) => Some(error.to_string()),
        }
    }
}
