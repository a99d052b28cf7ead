//! The pages of access: to sign in, to accept an invitation, and one's own account.

mod account;
mod invitation;
mod login;

use afterword_readmodel::{ReadModelError, Session};
use askama::Template;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::Access;
use super::cookies::Cookie;
use super::secret::{hash, random};
use crate::problem::Problem;

const CSS: &str = include_str!("../../../templates/access/access.css");
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Longest name of a browser that is kept, in characters.
const CLIENT_CHARS: usize = 200;

/// The routes of the pages of access. Each is in the table of rights.
pub fn router(access: Access) -> Router {
    Router::new()
        .route("/access.css", get(css))
        .route("/login", get(login::get).post(login::post))
        .route("/invitation", get(invitation::get).post(invitation::post))
        .route("/logout", post(account::sign_out))
        .route("/account", get(account::get))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions", post(account::end_sessions))
        .with_state(access)
}

async fn css() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, CSS).into_response()
}

#[derive(Template)]
#[template(path = "access/said.html")]
struct Said<'a> {
    heading: &'a str,
    text: &'a str,
}

/// A page that says one thing.
pub fn said(status: StatusCode, heading: &str, text: &str) -> Response {
    page(status, &Said { heading, text })
}

/// A page of this template, that nobody keeps.
fn page(status: StatusCode, template: &impl Template) -> Response {
    let mut response = match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, "the page could not be made").into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The minute of a time in milliseconds since 1970, in UTC, such as `2026-03-01 09:30`.
#[must_use]
pub fn minute(at_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(at_ms);
    time.map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// What can only be answered later.
fn later(error: &ReadModelError) -> Response {
    tracing::warn!(%error, "the accounts cannot be read or written");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let text = "The report database, which has the accounts, does not answer. Please try again.";
    let mut response = said(status, "Not now", text);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// What is said of too many attempts.
fn too_many(seconds: u32) -> String {
    let minutes = seconds.div_ceil(60);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!("Too many attempts. Please wait {minutes} {unit} and try again.")
}

/// Adds the time to wait.
fn with_retry_after(mut response: Response, seconds: u32) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// What a browser calls itself, bounded and without control characters.
fn client_of(headers: &axum::http::HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT);
    let text = text.and_then(|value| value.to_str().ok());
    let text = text.unwrap_or("a browser without a name");
    text.chars()
        .filter(|c| !c.is_control())
        .take(CLIENT_CHARS)
        .collect()
}

impl Access {
    /// Begins a session. The cookies to set: the session's, and the form's taken away. `None`: the account was disabled.
    async fn begin(
        &self,
        account_id: &str,
        client: String,
    ) -> Result<Option<[HeaderValue; 2]>, ReadModelError> {
        let cookie = random().map_err(ReadModelError::Wait)?;
        let now_ms = crate::now_ms();
        let most = self.0.options.session_most;
        let session = Session {
            session_id: hash(&cookie),
            account_id: account_id.to_owned(),
            client,
            created_at: now_ms,
            seen_at: now_ms,
            expires_at: now_ms.saturating_add(super::milliseconds(most)),
        };
        let has_begun = self
            .0
            .database
            .begin_session(&session, self.idle_ms())
            .await?;
        let transport = self.transport();
        Ok(has_begun.then(|| {
            [
                Cookie::Session.set(transport, &cookie, most.as_secs()),
                Cookie::Form.clear(transport),
            ]
        }))
    }
}

/// Goes on elsewhere, with cookies.
fn go_on(target: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = axum::response::Redirect::to(target).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
