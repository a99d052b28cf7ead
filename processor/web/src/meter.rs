//! Counts of HTTP requests: by listener, route (the pattern, never the path: paths hold ids) and status.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// The metrics of all listeners.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

/// One listener's share of them.
#[derive(Clone, Debug)]
pub struct Meter {
    pub metrics: Arc<HttpMetrics>,
    pub listener: &'static str,
}

impl HttpMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry) -> Result<Arc<HttpMetrics>, prometheus::Error> {
        let requests = Opts::new(
            "afterword_http_requests_total",
            "Requests answered, by listener, route and status.",
        );
        let seconds = HistogramOpts::new(
            "afterword_http_request_seconds",
            "Time to answer a request.",
        )
        .buckets(vec![
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
        ]);
        let metrics = HttpMetrics {
            requests: IntCounterVec::new(requests, &["listener", "route", "method", "status"])?,
            seconds: HistogramVec::new(seconds, &["listener", "route"])?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        Ok(Arc::new(metrics))
    }
}

/// The middleware that counts.
pub async fn count(State(meter): State<Meter>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let response = next.run(request).await;
    let status = response.status();
    let Meter { metrics, listener } = meter;
    metrics
        .requests
        .with_label_values(&[listener, &route, &method, status.as_str()])
        .inc();
    let seconds = started.elapsed().as_secs_f64();
    metrics
        .seconds
        .with_label_values(&[listener, &route])
        .observe(seconds);
    response
}
