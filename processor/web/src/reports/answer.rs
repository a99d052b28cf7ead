//! Answers: JSON with a validator, lists, problems.

use std::fmt::Write as _;

use afterword_readmodel::ReadModelError;
use afterword_readmodel::figures::Page;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::problem::Problem;

/// After so many seconds it is worth while to ask again.
const RETRY_AFTER_S: u32 = 2;

/// An error (RFC 9457). Some problems have members more.
#[derive(Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Always `about:blank`: the status says what kind it is.
    r#type: String,
    title: String,
    status: u16,
    /// What was expected, what was found, what to do.
    detail: String,
}

/// How every read can fail.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "for the OpenAPI document")]
pub enum ReadProblems {
    /// A parameter is not as it must be.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] ProblemDocument),
    /// The report database cannot be read now, or this process has none.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] ProblemDocument),
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    pub entries: Vec<T>,
    /// For the parameter `cursor`; null at the end. A page may be short, even empty, and still go on.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> From<Page<T>> for List<T> {
    fn from(page: Page<T>) -> List<T> {
        List {
            entries: page.entries,
            next: page.next.map(|next| next.encode()),
        }
    }
}

/// What an answer depends on, for `ETag`.
pub struct Validator(String);

impl Validator {
    /// From the state of the database and whatever else the answer depends on besides its address.
    pub fn new(state: &str, others: &[&str]) -> Validator {
        let mut tag = format!("W/\"{}-{state}", env!("CARGO_PKG_VERSION"));
        for other in others {
            let _: Result<(), std::fmt::Error> = write!(tag, "-{other}");
        }
        tag.push('"');
        Validator(tag)
    }

    /// 304 when the client has this already.
    pub fn unchanged(&self, headers: &HeaderMap) -> Option<Response> {
        let known = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut known = known
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','));
        let matches = known.any(|tag| tag.trim() == self.0 || tag.trim() == "*");
        matches.then(|| self.put(StatusCode::NOT_MODIFIED.into_response()))
    }

    /// The answer as JSON.
    pub fn json<T: Serialize>(&self, answer: &T) -> Result<Response, Problem> {
        json(StatusCode::OK, answer).map(|response| self.put(response))
    }

    fn put(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&self.0) {
            headers.insert(header::ETAG, tag);
        }
        let private = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, private);
        response
    }
}

/// An answer as JSON, without a validator.
pub fn json<T: Serialize>(status: StatusCode, answer: &T) -> Result<Response, Problem> {
    let body = serde_json::to_vec(answer).map_err(|error| fault(&error.to_string()))?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, kind, body).into_response())
}

/// The report database's errors, by what the client can do.
pub fn failed(error: ReadModelError) -> Problem {
    match error {
        ReadModelError::Wait(why) | ReadModelError::GiveUp(why) => {
            tracing::warn!(%why, "the report database cannot answer");
            Problem::unavailable(
                "the report database cannot answer now; try again",
                RETRY_AFTER_S,
            )
        }
        ReadModelError::Stop(why) => fault(&why),
    }
}

fn fault(why: &str) -> Problem {
    tracing::error!(%why, "an answer could not be made");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(status, "a fault of this program; its log says more")
}
