//! The reports' router over a log and a report database in a temporary directory.

use std::sync::Arc;
use std::time::Duration;

use afterword_log::{EmbeddedLog, EmbeddedOptions, Log};
use afterword_readmodel::{Projector, ProjectorOptions, ReportDatabase};
use afterword_web::access::{Access, AccessMetrics, AccessOptions};
use afterword_web::{Gate, HttpMetrics, Places, Reports, reports_router};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use tower::ServiceExt;

use super::world::{World, append, append_settings, settings};

/// Either side of a clock change while there are outputs.
pub const ZONES: [(&str, &str); 2] = [("w1", "Europe/Berlin"), ("w/2%", "America/St_Johns")];

pub struct Server {
    router: Router,
    log: Arc<dyn Log>,
    projector: Mutex<Projector>,
    _stop: watch::Sender<bool>,
    _directory: tempfile::TempDir,
}

impl Server {
    /// With these outputs, projected.
    pub async fn new(world: &World) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions {
            partitions: Some(2),
            ..EmbeddedOptions::default()
        };
        let log: Arc<dyn Log> = EmbeddedLog::open(&directory.path().join("log"), options).unwrap();
        for (workspace, zone) in ZONES {
            append_settings(log.as_ref(), &settings(workspace, 1, 0, zone));
        }
        append(log.as_ref(), &world.made);
        let file = directory.path().join("report.db");
        let database = ReportDatabase::open_file(&file).await.unwrap();
        let options = ProjectorOptions::default();
        let projector = Projector::start(database.clone(), Arc::clone(&log), options);
        let mut projector = projector.await.unwrap();
        projector.drain().await.unwrap();
        let gate = Gate::new(4, Duration::from_secs(10));
        let (stop, stopped) = watch::channel(false);
        let access = AccessMetrics::new(&prometheus::Registry::new()).unwrap();
        let router = reports_router(Reports {
            log: Arc::clone(&log),
            schemas: Arc::default(),
            access: Access::new(database.clone(), AccessOptions::default(), access).unwrap(),
            database: Some(database),
            gate: gate.clone(),
            stories: gate,
            body_limit_bytes: 100_000,
            body_timeout: Duration::from_secs(5),
            metrics: HttpMetrics::new(&prometheus::Registry::new()).unwrap(),
            stop: stopped,
            places: Places::default(),
            looks: Arc::default(),
            sources: Arc::default(),
            trace_parents: afterword_web::TraceParents::Ignored,
        });
        Server {
            router,
            log,
            projector: Mutex::new(projector),
            _stop: stop,
            _directory: directory,
        }
    }

    /// Projects what the log holds.
    pub async fn project(&self) {
        self.projector.lock().await.drain().await.unwrap();
    }

    /// Appends outputs, and projects them.
    pub async fn append(&self, world: &World) {
        append(self.log.as_ref(), &world.made);
        self.project().await;
    }

    pub async fn ask(&self, request: Builder, body: &str) -> Response<Body> {
        let request: Request<Body> = request.body(Body::from(body.to_owned())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn status(&self, path: &str) -> StatusCode {
        self.ask(Request::get(path), "").await.status()
    }

    /// The answer, which must have this status and, for an error, be a problem document.
    pub async fn json(&self, request: Builder, sent: &str, status: StatusCode) -> Value {
        let response = self.ask(request, sent).await;
        let (found, kind) = (
            response.status(),
            response.headers()["content-type"].clone(),
        );
        let text = body(response).await;
        let text = String::from_utf8(text).unwrap();
        assert_eq!(found, status, "{text}");
        let expected = match status.is_success() {
            true => "application/json",
            false => "application/problem+json",
        };
        assert_eq!(kind, expected, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.json(Request::get(path), "", StatusCode::OK).await
    }

    /// All entries of a list, over its pages.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).await;
            entries.extend(page["entries"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return entries,
            }
        }
    }
}

pub async fn body(response: Response<Body>) -> Vec<u8> {
    let body = axum::body::to_bytes(response.into_body(), 16 << 20).await;
    body.unwrap().to_vec()
}
