//! The stylesheet and the script of the pages, as they lie in `assets/`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What every page of this program has in common, and what these add.
const STYLESHEET: &str = concat!(
    include_str!("../../assets/base.css"),
    include_str!("../../assets/pages.css")
);
const SCRIPT: &str = include_str!("../../assets/pages.js");

/// `/pages.css`.
pub async fn stylesheet(headers: HeaderMap) -> Response {
    asset(STYLESHEET, "text/css; charset=utf-8", &headers)
}

/// `/pages.js`.
pub async fn script(headers: HeaderMap) -> Response {
    asset(SCRIPT, "text/javascript; charset=utf-8", &headers)
}

fn asset(text: &'static str, kind: &'static str, headers: &HeaderMap) -> Response {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let is_same = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    match is_same {
        true => (StatusCode::NOT_MODIFIED, caching).into_response(),
        false => (caching, [(header::CONTENT_TYPE, kind)], text).into_response(),
    }
}
