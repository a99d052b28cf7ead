//! What a listener answers before the service has begun: that it lives, that it is not ready, and why.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::operations::{Check, Readiness};
use crate::problem::Problem;

/// After so many seconds it is worth while to ask again.
const RETRY_AFTER_S: u32 = 2;

/// What a service that is starting waits for.
#[derive(Clone, Debug)]
pub struct Starting(Arc<Mutex<String>>);

impl Default for Starting {
    fn default() -> Starting {
        Starting(Arc::new(Mutex::new("opening the log".to_owned())))
    }
}

impl Starting {
    /// It waits for this now.
    pub fn waits(&self, reason: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason.into();
    }

    fn reason(&self) -> String {
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reason.clone()
    }
}

/// The routes of a listener until the service has begun.
pub fn starting_router(starting: &Starting) -> Router {
    let (asked, refused) = (starting.clone(), starting.clone());
    let readyz = move || async move {
        let check = Check {
            name: "start".to_owned(),
            ok: false,
            detail: asked.reason(),
        };
        let readiness = Json(Readiness::of(vec![check]));
        (StatusCode::SERVICE_UNAVAILABLE, readiness).into_response()
    };
    let other = move || async move {
        let detail = format!("the service is starting: {}", refused.reason());
        Problem::unavailable(detail, RETRY_AFTER_S)
    };
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .fallback(other)
        .layer(map_response(close))
}

/// A connection that was opened now would be answered so for as long as it lasts.
async fn close(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
