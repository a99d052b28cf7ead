//! What is said to somebody who may not: a problem document on the API, a page elsewhere.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::pages;
use crate::problem::Problem;

/// Why a request goes no further.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// Nothing is there; or something that they have nothing to do with, which is the same to them.
    NotFound,
    /// With the methods that are allowed.
    Method(&'static str),
    /// It must be known who asks. With what is wrong with what was brought along.
    SignIn(&'static str),
    /// It is known who asks, and they may not.
    Forbidden(String),
    /// It comes from another site's page, or a form that is too old.
    Form(&'static str),
    /// The body is no form, or too large.
    Body(&'static str),
    /// It cannot be known now.
    Unavailable(String),
}

/// Where the refused request went.
#[derive(Clone, Debug)]
pub struct Asked {
    pub is_api: bool,
    /// A person reads the answer.
    pub is_page: bool,
    pub is_get: bool,
    /// Path and query.
    pub target: String,
}

impl Refusal {
    /// For the metric.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Refusal::SignIn(_) => Some("unknown"),
            Refusal::Forbidden(_) => Some("forbidden"),
            Refusal::Form(_) => Some("form"),
            Refusal::NotFound | Refusal::Method(_) | Refusal::Body(_) => None,
            Refusal::Unavailable(_) => Some("unavailable"),
        }
    }

    /// The answer.
    #[must_use]
    pub fn answer(self, asked: &Asked) -> Response {
        match (&self, asked.is_page) {
            (Refusal::SignIn(_), _) if asked.is_get && !asked.is_api => {
                Redirect::to(&login(&asked.target)).into_response()
            }
            (Refusal::Method(_), _) | (_, false) => self.problem(),
            (_, true) => self.page(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::SignIn(_) => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden(_) | Refusal::Form(_) => StatusCode::FORBIDDEN,
            Refusal::Body(_) => StatusCode::BAD_REQUEST,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn detail(self) -> String {
        match self {
            Refusal::NotFound => "nothing is here for you; GET / says what is".to_owned(),
            Refusal::SignIn(detail) | Refusal::Form(detail) | Refusal::Body(detail) => {
                detail.to_owned()
            }
            Refusal::Forbidden(detail) | Refusal::Unavailable(detail) => detail,
            Refusal::Method(allow) => format!("expected one of the methods {allow}"),
        }
    }

    fn problem(self) -> Response {
        let is_sign_in = matches!(self, Refusal::SignIn(_));
        let status = self.status();
        let problem = match self {
            Refusal::Method(allow) => Problem::method(allow),
            Refusal::Unavailable(detail) => Problem::unavailable(detail, 2),
            other => Problem::new(status, other.detail()),
        };
        let mut response = problem.into_response();
        if is_sign_in {
            let challenge = HeaderValue::from_static("Bearer realm=\"afterword\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    fn page(self) -> Response {
        let (status, heading) = (self.status(), self.heading());
        let mut response = pages::said(status, heading, &sentence(&self.detail()));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }

    fn heading(&self) -> &'static str {
        match self {
            Refusal::NotFound => "Nothing is here",
            Refusal::SignIn(_) => "Please sign in",
            Refusal::Forbidden(_) => "This is not for you",
            Refusal::Form(_) | Refusal::Body(_) | Refusal::Method(_) => "That was not taken",
            Refusal::Unavailable(_) => "Not now",
        }
    }
}

/// The page to sign in at, to go on from there to where somebody wanted to.
fn login(target: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    match target {
        "" | "/" => "/login".to_owned(),
        target => {
            query.append_pair("next", target);
            format!("/login?{}", query.finish())
        }
    }
}

/// With a capital at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    let text: String = first.into_iter().flatten().chain(chars).collect();
    match text.ends_with('.') {
        true => text,
        false => format!("{text}."),
    }
}
