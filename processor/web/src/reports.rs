//! The reports listener.

use std::sync::Arc;
use std::time::Duration;

use afterword_log::Log;
use afterword_readmodel::ReportDatabase;
use afterword_schemas::Schemas;
use axum::Router;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::gate::Gate;
use crate::meter::{self, HttpMetrics, Meter};
use crate::problem::{self, Problem};
use crate::{contacts, conversation, events};

/// What the handlers of the reports listener share.
#[derive(Clone)]
pub struct Reports {
    pub log: Arc<dyn Log>,
    pub schemas: Arc<Schemas>,
    /// Where it is open in this process.
    pub database: Option<ReportDatabase>,
    /// For appends.
    pub gate: Gate,
    /// For stories: each reads through a partition.
    pub stories: Gate,
    pub body_limit_bytes: usize,
    pub body_timeout: Duration,
    pub metrics: Arc<HttpMetrics>,
}

const WELCOME: &str = "\
Afterword

POST /api/v1/events                                               facts in: a JSON array or NDJSON
GET  /api/v1/workspaces/{workspace}/conversations/{conversation}  a conversation's story
GET, PUT, DELETE  /api/v1/workspaces/{workspace}/contacts/{customer}  where a customer is reached

Metrics, /livez and /readyz are on the operations listener.
";

/// Every route of the reports listener.
pub fn reports_router(reports: Reports) -> Router {
    let meter = Meter {
        metrics: Arc::clone(&reports.metrics),
        listener: "reports",
    };
    Router::new()
        .route(
            "/",
            get(welcome).fallback(|| async { Problem::method("GET, HEAD") }),
        )
        .route(
            "/api/v1/events",
            post(events::post).fallback(|| async { Problem::method("POST") }),
        )
        .route(
            "/api/v1/workspaces/{workspace}/conversations/{conversation}",
            get(conversation::get).fallback(|| async { Problem::method("GET, HEAD") }),
        )
        .route(
            "/api/v1/workspaces/{workspace}/contacts/{customer}",
            get(contacts::get)
                .put(contacts::put)
                .delete(contacts::delete)
                .fallback(|| async { Problem::method("GET, HEAD, PUT, DELETE") }),
        )
        .fallback(problem::not_found)
        .with_state(reports)
        .layer(from_fn_with_state(meter, meter::count))
}

async fn welcome() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        WELCOME,
    )
}
