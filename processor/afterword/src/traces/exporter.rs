//! The thread that sends spans: OTLP over HTTP, in batches. It may fall behind and lose spans; nothing else notices.

use std::io::Read as _;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use afterword_trace::Span;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use prost::Message as _;
use ureq::{Agent, Timeout};

use super::messages::ExportTraceServiceResponse;
use super::otlp::Resource;
use super::{Dropped, SpanMetrics};
use crate::config::TelemetryConfig;
use crate::registry::tls;

/// Spans of one request, at most.
const BATCH: usize = 512;
/// A span waits so long for others to go with.
const GATHER: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(3);
/// For a whole request.
const ANSWER: Duration = Duration::from_secs(10);
/// The same once the process is stopping, and how long it waits for the thread then.
const LAST_ANSWER: Duration = Duration::from_secs(2);
const FLUSH: Duration = Duration::from_secs(4);
const JOIN_POLL: Duration = Duration::from_millis(5);
/// How often a batch is sent, and the waits in between, unless the receiver names one.
const ATTEMPTS: usize = 3;
const WAITS: [Duration; ATTEMPTS - 1] = [Duration::from_secs(1), Duration::from_secs(2)];
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// So much of an answer is read.
const ANSWER_BYTES: u64 = 16 << 10;

/// The thread, and how it is told to end.
pub struct Exporter {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Exporter {
    /// Starts it.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(
        config: &TelemetryConfig,
        resource: Resource,
        spans: Receiver<Span>,
        metrics: SpanMetrics,
    ) -> std::io::Result<Exporter> {
        let (stop, stopped) = bounded(1);
        let mut sending = Sending {
            agent: agent(),
            url: config.traces_url(),
            headers: config.headers.clone(),
            resource,
            spans,
            stopped,
            is_stopping: false,
            is_failing: false,
            metrics,
        };
        let thread = std::thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || sending.run())?;
        Ok(Exporter { stop, thread })
    }

    /// Tells it to send what is queued and end, and waits for that, but not long: then it is left to itself.
    pub fn stop(self) {
        let _ = self.stop.try_send(());
        let until = Instant::now() + FLUSH;
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(JOIN_POLL);
        }
        if !self.thread.is_finished() {
            tracing::warn!("the last spans could not be exported in time");
        }
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(ANSWER))
        .http_status_as_error(false)
        // A header with a key is not for another address to have.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(ANSWER_BYTES as usize)
        .user_agent(concat!("Afterword/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls())
        // A collector is as near as the brokers, which are reached without one.
        .proxy(None)
        .build();
    Agent::new_with_config(config)
}

/// What came of one request.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    /// Taken, but for so many.
    Taken { refused: u64 },
    /// It may go better later; the receiver may have said when. Why, without an address or a header.
    Later(String, Option<Duration>),
    /// It will never be taken.
    Never(String),
}

struct Sending {
    agent: Agent,
    url: String,
    headers: Vec<(String, String)>,
    resource: Resource,
    spans: Receiver<Span>,
    stopped: Receiver<()>,
    is_stopping: bool,
    /// So that a receiver that is away is told of once and not with every batch.
    is_failing: bool,
    metrics: SpanMetrics,
}

impl Sending {
    /// Until it is told to stop and the queue is empty, or whoever records is gone.
    fn run(&mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let goes_on = self.gather(&mut batch);
            if !batch.is_empty() {
                self.send(&batch);
                batch.clear();
            }
            if !goes_on || self.is_stopping && self.spans.is_empty() {
                return;
            }
        }
    }

    /// Waits for a first span and a while for more; false when none can come.
    fn gather(&mut self, batch: &mut Vec<Span>) -> bool {
        if !self.is_stopping {
            select! {
                recv(self.spans) -> span => match span {
                    Ok(span) => batch.push(span),
                    Err(_) => return false,
                },
                recv(self.stopped) -> _ => self.is_stopping = true,
            }
        }
        let until = Instant::now() + GATHER;
        while batch.len() < BATCH {
            if self.is_stopping {
                match self.spans.try_recv() {
                    Ok(span) => batch.push(span),
                    Err(_) => break,
                }
                continue;
            }
            select! {
                recv(self.spans) -> span => match span {
                    Ok(span) => batch.push(span),
                    Err(_) => return false,
                },
                recv(self.stopped) -> _ => self.is_stopping = true,
                default(until.saturating_duration_since(Instant::now())) => break,
            }
        }
        true
    }

    /// Sends a batch, several times if it must be, and counts what became of it.
    fn send(&mut self, batch: &[Span]) {
        let body = self.resource.request(batch).encode_to_vec();
        let count = batch.len() as u64;
        for attempt in 0.. {
            match self.post(&body) {
                Sent::Taken { refused } => {
                    let refused = refused.min(count);
                    self.metrics.exported.inc_by(count - refused);
                    self.metrics.drop(Dropped::Refused, refused);
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!("spans are exported again");
                    }
                    return;
                }
                Sent::Never(why) => {
                    self.tell(&why);
                    return self.metrics.drop(Dropped::Refused, count);
                }
                Sent::Later(why, after) => {
                    self.tell(&why);
                    let wait = WAITS.get(attempt).map(|wait| after.unwrap_or(*wait));
                    if !wait.is_some_and(|wait| self.pause(wait.min(LONGEST_WAIT))) {
                        return self.metrics.drop(Dropped::Unreachable, count);
                    }
                }
            }
        }
    }

    fn tell(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(
                why,
                "spans cannot be exported now (key telemetry.otlp_endpoint); nothing else is impeded, and it is tried again"
            );
        }
    }

    /// Waits; false when the process is stopping, which leaves no time for it.
    fn pause(&mut self, wait: Duration) -> bool {
        if !self.is_stopping {
            self.is_stopping = self.stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
        }
        !self.is_stopping
    }

    fn post(&self, body: &[u8]) -> Sent {
        let limit = if self.is_stopping {
            LAST_ANSWER
        } else {
            ANSWER
        };
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/x-protobuf");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.config().timeout_global(Some(limit)).build();
        let mut answer = match request.send(body) {
            Ok(answer) => answer,
            Err(error) => return Sent::Later(unanswered(&error), None),
        };
        let status = answer.status().as_u16();
        let header = answer.headers().get("retry-after");
        let after = header
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let mut text = Vec::new();
        let reader = answer.body_mut().as_reader();
        let _: std::io::Result<usize> = reader.take(ANSWER_BYTES).read_to_end(&mut text);
        judge(status, after, &text)
    }
}

/// By the protocol: what may be tried again is named, all else is final.
fn judge(status: u16, after: Option<Duration>, body: &[u8]) -> Sent {
    match status {
        200..=299 => {
            let answer = ExportTraceServiceResponse::decode(body).unwrap_or_default();
            let refused = answer
                .partial_success
                .map_or(0, |partial| partial.rejected_spans);
            Sent::Taken {
                refused: u64::try_from(refused).unwrap_or(0),
            }
        }
        429 | 502 | 503 | 504 => Sent::Later(format!("the receiver answered {status}"), after),
        300..=399 => Sent::Never(format!(
            "{status}: redirects are not followed; configure the address that it leads to"
        )),
        401 | 403 => Sent::Never(format!(
            "the receiver answered {status}; check telemetry.otlp_headers"
        )),
        _ => Sent::Never(format!("the receiver answered {status}")),
    }
}

/// What happened, without what was sent: errors of the client may hold the address or a header.
fn unanswered(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            "it cannot be connected to in time".to_owned()
        }
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "its name is not known".to_owned(),
        ureq::Error::ConnectionFailed => "it cannot be connected to".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::NativeTls(_) => "TLS with it failed".to_owned(),
        _ => "the request failed".to_owned(),
    }
}

#[test]
fn what_may_be_tried_again_is_named_by_the_protocol() {
    for status in [301, 400, 401, 403, 404, 413, 500] {
        assert!(
            matches!(judge(status, None, b""), Sent::Never(_)),
            "{status}"
        );
    }
    for status in [429, 502, 503, 504] {
        let after = Some(Duration::from_secs(7));
        assert!(
            matches!(judge(status, after, b""), Sent::Later(_, found) if found == after),
            "{status}"
        );
    }
    assert_eq!(judge(200, None, b""), Sent::Taken { refused: 0 });
    assert_eq!(judge(200, None, b"<html>"), Sent::Taken { refused: 0 });
    let partial = ExportTraceServiceResponse {
        partial_success: Some(super::messages::ExportTracePartialSuccess { rejected_spans: 3 }),
    };
    let body = partial.encode_to_vec();
    assert_eq!(judge(200, None, &body), Sent::Taken { refused: 3 });
}
