//! The reports listener over a temporary log, with the three help desks, and the rules at work behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use afterword_engine::{Engine, EngineMetrics, TaskOptions};
use afterword_log::{
    Batch, EmbeddedLog, EmbeddedOptions, FreeSpace, Log, Offset, Partition, Topic,
};
use afterword_readmodel::ReportDatabase;
use afterword_schemas::{OwnedRecord, SchemaStore, Schemas};
use afterword_web::access::{Access, AccessMetrics, AccessOptions, Reach};
use afterword_web::sources::{Secret, Source, SourceKind, SourceMetrics, Sources};
use afterword_web::{Gate, HttpMetrics, Places, Reports, now_ms, reports_router};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use tower::ServiceExt;

pub const SECRET: &str = "what-the-desk-signs-with";
pub const FORMER: &str = "what-the-desk-signed-with";
const PATIENCE: Duration = Duration::from_secs(60);
const ONLY: Partition = Partition(0);

pub struct World {
    pub router: Router,
    pub log: Arc<EmbeddedLog>,
    pub registry: prometheus::Registry,
    is_full: Arc<AtomicBool>,
    engine: Option<Engine>,
    _directory: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

/// Each desk under its own name, in a workspace of this name.
fn sources() -> Vec<Source> {
    let sources = SourceKind::ALL.into_iter().map(|kind| Source {
        name: kind.name().to_owned(),
        kind,
        workspace_id: format!("of-{}", kind.name()),
        secrets: [SECRET, FORMER]
            .map(|text| Secret::new(text).unwrap())
            .into(),
    });
    sources.collect()
}

impl World {
    /// Where others than this machine reach the listener, and nobody has an account.
    pub async fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let is_full = Arc::new(AtomicBool::new(false));
        let full = Arc::clone(&is_full);
        let free_space: FreeSpace = Arc::new(move |_| {
            let is_full = full.load(Ordering::Relaxed);
            Ok(if is_full { 0 } else { u64::MAX })
        });
        let options = EmbeddedOptions {
            partitions: Some(1),
            free_space,
            ..EmbeddedOptions::default()
        };
        let log = EmbeddedLog::open(&directory.path().join("log"), options).unwrap();
        let (schemas, registry) = (Arc::<Schemas>::default(), prometheus::Registry::new());
        let engine = Engine::start(
            vec![log.task(ONLY)],
            TaskOptions::default(),
            Arc::clone(&schemas),
            EngineMetrics::new(&registry).unwrap(),
        );
        let accounts = directory.path().join("report.db");
        let accounts = ReportDatabase::open_file(&accounts).await.unwrap();
        let options = AccessOptions {
            reach: Reach::Network,
            ..AccessOptions::default()
        };
        let metrics = AccessMetrics::new(&registry).unwrap();
        let shared: Arc<dyn Log> = Arc::<EmbeddedLog>::clone(&log);
        let gate = Gate::new(4, Duration::from_secs(10));
        let sources = Sources::new(sources(), SourceMetrics::new(&registry).unwrap());
        let router = reports_router(Reports {
            log: shared,
            schemas,
            database: None,
            gate: gate.clone(),
            stories: gate,
            body_limit_bytes: 16 << 20,
            body_timeout: Duration::from_millis(300),
            metrics: HttpMetrics::new(&registry).unwrap(),
            stop: tokio::sync::watch::channel(false).1,
            places: Places::default(),
            access: Access::new(accounts, options, metrics).unwrap(),
            looks: Arc::default(),
            sources: Arc::new(sources),
            trace_parents: afterword_web::TraceParents::Ignored,
        });
        World {
            router,
            log,
            registry,
            is_full,
            engine: Some(engine.unwrap()),
            _directory: directory,
        }
    }

    pub fn fill_disk(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    pub async fn ask(&self, request: Builder, body: impl Into<Body>) -> Answer {
        let request: Request<Body> = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.into()).unwrap(),
        }
    }

    /// A webhook, signed now as the desk signs.
    pub async fn send(&self, kind: SourceKind, body: &[u8]) -> Answer {
        self.ask(signed(kind, SECRET, body, now_ms()), body.to_vec())
            .await
    }

    pub fn facts(&self) -> u64 {
        self.end(Topic::ConversationEvents)
    }

    fn end(&self, topic: Topic) -> u64 {
        self.log.bounds(topic, ONLY).unwrap().end.0
    }

    /// What a topic holds, once all facts are folded.
    pub async fn outputs<R: OwnedRecord>(&self, topic: Topic) -> Vec<R> {
        let until = Instant::now() + PATIENCE;
        let facts = Offset(self.facts());
        while self.log.committed(ONLY).unwrap().unwrap_or_default() != facts {
            assert!(Instant::now() < until, "the facts were never folded");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut batch = Batch::default();
        let read = self.log.read(topic, ONLY, Offset(0), 1 << 20, &mut batch);
        read.unwrap();
        let store = SchemaStore::default();
        let values = batch.iter().map(|record| record.value.unwrap_or_default());
        values.map(|value| store.decode(value).unwrap()).collect()
    }

    /// How many webhooks of a desk had this outcome.
    pub fn count(&self, kind: SourceKind, outcome: &str) -> u64 {
        let families = self.registry.gather();
        let name = "afterword_source_events_total";
        let family = families.iter().find(|family| family.name() == name);
        let metrics = family.unwrap().get_metric().iter();
        let mut wanted = metrics.filter(|metric| {
            let values = metric.get_label().iter().map(|pair| pair.value());
            values
                .filter(|value| [kind.name(), outcome].contains(value))
                .count()
                == 2
        });
        wanted.next().unwrap().get_counter().get_value() as u64
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.fill_disk(false);
        if let Some(engine) = self.engine.take() {
            engine.stop().unwrap();
        }
    }
}

pub fn path(kind: SourceKind) -> String {
    format!("/api/v1/sources/{}", kind.name())
}

/// A request that a desk signed at a time.
pub fn signed(kind: SourceKind, secret: &str, body: &[u8], at_ms: i64) -> Builder {
    let request = Request::post(path(kind)).header("content-type", "application/json");
    let seconds = at_ms.div_euclid(1_000);
    match kind {
        SourceKind::Intercom => {
            let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
            let signature = hex(&mac.chain_update(body).finalize().into_bytes());
            request.header("x-hub-signature", format!("sha1={signature}"))
        }
        SourceKind::Chatwoot => {
            let signature = hex(&sha256(secret, format!("{seconds}.").as_bytes(), body));
            request
                .header("x-chatwoot-timestamp", seconds.to_string())
                .header("x-chatwoot-signature", format!("sha256={signature}"))
        }
        SourceKind::Zendesk => {
            let at = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            let signature = STANDARD.encode(sha256(secret, at.as_bytes(), body));
            request
                .header("x-zendesk-webhook-signature", signature)
                .header("x-zendesk-webhook-signature-timestamp", at)
        }
    }
}

fn sha256(secret: &str, before: &[u8], body: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(before).chain_update(body);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
