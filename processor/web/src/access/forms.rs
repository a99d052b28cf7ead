//! Whether what changes something comes from a page of ours: its origin, and a token that only our pages know.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;

use super::Access;
use super::origin::{Sender, sender};
use super::refusal::Refusal;
use super::secret::same;
use super::viewer::Viewer;

/// Largest form.
pub const FORM_BYTES: usize = 256 * 1024;
const FORM_TIME: Duration = Duration::from_secs(15);
const FORM: &str = "application/x-www-form-urlencoded";
/// For what a script sends.
const HEADER: &str = "x-afterword-csrf";
/// The form's field.
pub const FIELD: &str = "csrf";

const ELSEWHERE: &str = "it comes from a page of another site";
const TOO_OLD: &str = "the form is too old, or its cookie is gone; go back, load the page again and send it once more";

impl Access {
    /// Checks a request that changes something. Tokens are no browser's, and need no more.
    pub(super) async fn check_form(
        &self,
        viewer: &Viewer,
        request: Request,
    ) -> Result<Request, Refusal> {
        if viewer.is_token() {
            return Ok(request);
        }
        let public_origin = self.0.options.public_origin.as_deref();
        if sender(request.headers(), public_origin) == Sender::OtherPage {
            return Err(Refusal::Form(ELSEWHERE));
        }
        if viewer.is_trying() {
            return Ok(request);
        }
        let expected = viewer.form_token().as_bytes();
        if expected.is_empty() {
            return Err(Refusal::Form(TOO_OLD));
        }
        if let Some(given) = request.headers().get(HEADER) {
            return match same(given.as_bytes(), expected) {
                true => Ok(request),
                false => Err(Refusal::Form(TOO_OLD)),
            };
        }
        let (request, body) = whole_form(request).await?;
        let mut fields = form_urlencoded::parse(&body);
        let given = fields.find(|(name, _)| name == FIELD);
        match given.is_some_and(|(_, value)| same(value.as_bytes(), expected)) {
            true => Ok(request),
            false => Err(Refusal::Form(TOO_OLD)),
        }
    }
}

/// The request with its body read, and the body.
async fn whole_form(request: Request) -> Result<(Request, Bytes), Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(FORM) {
        return Err(Refusal::Form(
            "expected a form with the field csrf, or the header X-Afterword-Csrf; programs use an API token",
        ));
    }
    let (parts, body) = request.into_parts();
    let read = axum::body::to_bytes(body, FORM_BYTES);
    let body = match tokio::time::timeout(FORM_TIME, read).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return Err(Refusal::Body(
                "the form is larger than 256 KiB, or broke off",
            ));
        }
        Err(_) => return Err(Refusal::Body("the form did not arrive in time")),
    };
    let request = Request::from_parts(parts, Body::from(body.clone()));
    Ok((request, body))
}
