//! When there is no page to show: what was expected, what was found, what to do, as a page.

use afterword_readmodel::ReadModelError;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The address has a parameter that is none.
    Address(String),
    /// What a form said cannot be.
    Form(String),
    NotFound(String),
    /// Later it may work.
    Unavailable(String),
    /// A fault of this program; its log says more.
    Broken,
}

#[derive(Template)]
#[template(path = "pages/fault.html")]
struct FaultPage<'a> {
    title: &'a str,
    text: &'a str,
}

impl Fault {
    fn parts(&self) -> (StatusCode, &'static str, &str) {
        match self {
            Fault::Address(text) => (
                StatusCode::BAD_REQUEST,
                "This address cannot be shown",
                text,
            ),
            Fault::Form(text) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "This cannot be saved",
                text,
            ),
            Fault::NotFound(text) => (StatusCode::NOT_FOUND, "Nothing is here", text),
            Fault::Unavailable(text) => (StatusCode::SERVICE_UNAVAILABLE, "Not just now", text),
            Fault::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "A fault of this program",
                "The program's own log says more.",
            ),
        }
    }
}

impl From<ReadModelError> for Fault {
    fn from(error: ReadModelError) -> Fault {
        match error {
            ReadModelError::Stop(_) => {
                tracing::error!(%error, "a page could not be made");
                Fault::Broken
            }
            waiting => {
                tracing::warn!(error = %waiting, "the report database cannot be read");
                let text = "The report database cannot be read at the moment. The page tries again if you load it again.";
                Fault::Unavailable(text.to_owned())
            }
        }
    }
}

impl From<askama::Error> for Fault {
    fn from(error: askama::Error) -> Fault {
        tracing::error!(%error, "a page could not be written");
        Fault::Broken
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, title, text) = self.parts();
        let page = FaultPage { title, text }.render();
        let mut response =
            (status, Html(page.unwrap_or_else(|_| title.to_owned()))).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(2));
        }
        response
    }
}
