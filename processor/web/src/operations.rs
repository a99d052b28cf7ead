//! The operations listener: `/metrics`, `/livez`, `/readyz`, and the log for this program's own commands.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus::{Registry, TextEncoder};
use serde::Serialize;

use crate::gate::Gate;
use crate::internal::{self, Internal};
use crate::meter::{self, HttpMetrics, Meter};
use crate::problem::{self, Problem};

/// Whether one part of the service does its work.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

/// What `/readyz` says.
#[derive(Clone, Debug, Serialize)]
pub struct Readiness {
    pub ready: bool,
    pub checks: Vec<Check>,
}

impl Readiness {
    /// Ready when every part is.
    #[must_use]
    pub fn of(checks: Vec<Check>) -> Readiness {
        let ready = checks.iter().all(|check| check.ok);
        Readiness { ready, checks }
    }
}

/// What the handlers of the operations listener share.
#[derive(Clone)]
pub struct Operations {
    pub registry: Registry,
    /// Brings gauges up to date before they are printed; may block.
    pub refresh: Arc<dyn Fn() + Send + Sync>,
    /// May block.
    pub readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
    pub gate: Gate,
    pub metrics: Arc<HttpMetrics>,
}

/// Every route of the operations listener.
pub fn operations_router(operations: Operations, internal: Internal) -> Router {
    let meter = Meter {
        metrics: Arc::clone(&operations.metrics),
        listener: "operations",
    };
    let method = || async { Problem::method("GET, HEAD") };
    Router::new()
        .route("/", get(welcome).fallback(method))
        .route("/metrics", get(metrics).fallback(method))
        .route("/livez", get(|| async { "alive\n" }).fallback(method))
        .route("/readyz", get(readyz).fallback(method))
        .with_state(operations)
        .merge(internal::router(internal))
        .fallback(problem::not_found)
        .layer(from_fn_with_state(meter, meter::count))
}

async fn welcome() -> impl IntoResponse {
    let text = "Afterword's operations\n\n/metrics  for Prometheus\n/livez    the process answers\n/readyz   every part works (503: one does not)\n";
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

async fn metrics(State(operations): State<Operations>) -> Result<Response, Problem> {
    let Operations {
        registry,
        refresh,
        gate,
        ..
    } = operations;
    let text = gate
        .run(move || {
            refresh();
            TextEncoder::new().encode_to_string(&registry.gather())
        })
        .await?;
    let text =
        text.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

async fn readyz(State(operations): State<Operations>) -> Result<Response, Problem> {
    let readiness = operations.readiness;
    let readiness = operations.gate.run(move || readiness()).await?;
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((status, Json(readiness)).into_response())
}
