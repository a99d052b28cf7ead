//! Pages that know of no request.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::page::Html;
use super::texts::Language;
use super::{RETRY_AFTER_S, language, retry_after};

/// A page that knows of no request: always the same for everybody.
pub struct Plain {
    language: Language,
    status: StatusCode,
    name: &'static str,
}

impl Plain {
    /// The page with the texts `NAME-title` and `NAME-text`.
    #[must_use]
    pub fn new(language: Language, status: StatusCode, name: &'static str) -> Plain {
        Plain {
            language,
            status,
            name,
        }
    }
}

impl IntoResponse for Plain {
    fn into_response(self) -> Response {
        let say = |part: &str| self.language.say(&format!("{}-{part}", self.name));
        let mut html = Html::of(self.language, "#0f766e");
        html.title = say("title");
        html.heading = say("title");
        html.paragraphs.push(say("text"));
        html.respond(self.status)
    }
}

/// For addresses that are none, and for tokens that are none: nobody learns which.
pub async fn not_found(headers: HeaderMap) -> Response {
    nowhere(&headers)
}

/// The same.
pub fn nowhere(headers: &HeaderMap) -> Response {
    Plain::new(language(headers, "en"), StatusCode::NOT_FOUND, "not-found").into_response()
}

/// For other methods.
pub async fn method(headers: HeaderMap) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let page = Plain::new(language(&headers, "en"), status, "wrong-form");
    let allow = [(header::ALLOW, "GET, HEAD, POST")];
    (allow, page).into_response()
}

/// The report database does not answer.
pub fn busy(language: Language) -> Response {
    let page = Plain::new(language, StatusCode::SERVICE_UNAVAILABLE, "busy");
    retry_after(page.into_response(), RETRY_AFTER_S)
}
