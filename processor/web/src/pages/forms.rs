//! Forms that change something. That they come from one of these pages, carry the token of who sends them, and that these may, was
//! seen to by the layer of rights before they arrive here.

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::chosen::Query;
use super::desk::Desk;
use super::fault::Fault;
use crate::access::FORM_BYTES;

/// Reads a form.
///
/// # Errors
/// When it is none, or too large.
pub async fn read(parts: &Parts, body: Body) -> Result<Query, Fault> {
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Err(Fault::Form(
            "Expected a form as a browser sends it.".to_owned(),
        ));
    }
    let body = to_bytes(body, FORM_BYTES).await;
    let body = body.map_err(|_| Fault::Form(format!("Expected at most {FORM_BYTES} bytes.")))?;
    Ok(Query::parse(&String::from_utf8_lossy(&body)))
}

/// Back to a page of the same workspace, as the form says; the summary when it says something else.
pub fn back(desk: &Desk, form: &Query, fragment: &str) -> Response {
    let root = format!("{}/", desk.root);
    let is_own = |to: &&str| to.starts_with(&root) && !to.contains(['\\', '\r', '\n', '#']);
    let to = form
        .get("back")
        .filter(is_own)
        .map_or_else(|| desk.path("summary"), str::to_owned);
    see(&format!("{to}{fragment}"))
}

/// 303: what was sent is done, look there.
pub fn see(address: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(address) else {
        return Fault::Broken.into_response();
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
