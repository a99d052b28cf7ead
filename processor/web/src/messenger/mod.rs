//! `GET /messenger.js`: the script that shows a survey inside a site's own chat.
//!
//! It puts the survey's page into a frame. So there is one survey with one behaviour, the site's script never sees an answer, and
//! the survey needs no permission for scripts of other sites to call it.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::problem::Problem;

const SCRIPT: &str = include_str!("messenger.js");

/// Who may show a page in a frame, as the header says it that every page has.
#[derive(Clone, Debug)]
pub struct Frames {
    directive: String,
    is_allowed: bool,
}

impl Frames {
    /// These origins may; nobody when there are none.
    #[must_use]
    pub fn new(origins: &[String]) -> Frames {
        let allowed = match origins {
            [] => "'none'".to_owned(),
            origins => origins.join(" "),
        };
        Frames {
            directive: format!("frame-ancestors {allowed}"),
            is_allowed: !origins.is_empty(),
        }
    }

    /// Adds it to the policy of an answer, which names no ancestors itself.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        let policy = headers.get(header::CONTENT_SECURITY_POLICY);
        let policy = policy.and_then(|value| value.to_str().ok());
        if policy.is_some_and(|policy| policy.contains("frame-ancestors")) {
            return;
        }
        let whole = match policy {
            Some(policy) => format!("{policy}; {}", self.directive),
            None => self.directive.clone(),
        };
        // Of letters that a header may have: the configuration is checked.
        if let Ok(value) = HeaderValue::from_str(&whole) {
            headers.insert(header::CONTENT_SECURITY_POLICY, value);
        }
        if !self.is_allowed {
            // The same, for browsers that know no policy.
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
    }
}

/// The route of the script, for the customer listener.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let method = || async { Problem::method("GET, HEAD") };
    Router::new().route("/messenger.js", get(script).fallback(method))
}

/// Any site may load it, also one that asks for such permission (COEP) or checks its digest (`integrity`).
async fn script() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, SCRIPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the script may weigh, in bytes.
    const BYTES_MOST: usize = 6 * 1024;

    #[test]
    fn the_script_is_small_and_keeps_nothing() {
        assert!(SCRIPT.len() <= BYTES_MOST, "{} bytes", SCRIPT.len());
        for word in [
            "document.cookie",
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "innerHTML",
            "eval(",
        ] {
            assert!(!SCRIPT.contains(word), "{word}");
        }
    }
}
