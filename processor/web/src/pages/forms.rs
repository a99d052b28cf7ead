//! Forms that change something: bounded, from one of these pages, with the token of who sends them.

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::chosen::Query;
use super::desk::Desk;
use super::fault::Fault;
use super::visitor::{Visitor, same_site};

/// A form of settings with some thousands of targets is smaller.
const MAX_BYTES: usize = 1 << 20;

/// Reads a form.
///
/// # Errors
/// When it was not sent by one of these pages, its token is not the one of who sends it, or it is too large.
pub async fn read(parts: &Parts, visitor: &Visitor, body: Body) -> Result<Query, Fault> {
    same_site(&parts.headers)?;
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Err(Fault::Form(
            "Expected a form as a browser sends it.".to_owned(),
        ));
    }
    let body = to_bytes(body, MAX_BYTES).await;
    let body = body.map_err(|_| Fault::Form(format!("Expected at most {MAX_BYTES} bytes.")))?;
    let form = Query::parse(&String::from_utf8_lossy(&body));
    if !visitor.csrf.is_empty() && form.get("csrf") != Some(&visitor.csrf) {
        return Err(Fault::Forbidden(
            "The form is too old. Go back, load the page again, and send it once more.".to_owned(),
        ));
    }
    Ok(form)
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
