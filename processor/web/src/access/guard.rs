//! The layer: every request to the reports listener passes here, and goes no further without the right that its route needs.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;

use super::Access;
use super::refusal::{Asked, Refusal};
use super::scope::Scope;
use super::table::{self, Found, Needed};
use super::viewer::{Sees, Viewer};
use crate::reports::Caller;

/// Longest stream of events.
const STREAM_MOST: Duration = Duration::from_secs(5 * 60);

/// What every answer says, unless its handler says otherwise.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not no-referrer: with it, browsers hide the origin of forms too.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "private, no-cache"),
    (header::VARY, "cookie, authorization"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// The layer.
pub async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    let asked = Asked {
        is_api,
        is_page: !is_api && accept.is_some_and(|accept| accept.contains("text/html")),
        is_get: [Method::GET, Method::HEAD].contains(request.method()),
        target: request
            .uri()
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
    };
    let mut response = match access.admit(request).await {
        Ok((request, cookie)) => {
            let mut response = bounded(next.run(request).await);
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(refusal) => {
            if let Some(reason) = refusal.reason() {
                access.0.metrics.refused(reason);
            }
            refusal.answer(&asked)
        }
    };
    complete(response.headers_mut());
    response
}

/// A stream of events ends after a while, and browsers open it again: so a right that is taken away ends it too.
fn bounded(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "text/event-stream") {
        return response;
    }
    response.map(|body| {
        let events = body.into_data_stream();
        Body::from_stream(events.take_until(tokio::time::sleep(STREAM_MOST)))
    })
}

fn complete(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

impl Access {
    /// The request as its handler gets it, and a cookie to set.
    async fn admit(&self, mut request: Request) -> Result<(Request, Option<HeaderValue>), Refusal> {
        let needed = needed(&request)?;
        if needed == Needed::Signed {
            // No browser can sign, so there is no form to check; and the database that knows accounts need not answer.
            let nobody = Viewer::nobody(String::new());
            request.extensions_mut().insert(nobody);
            return Ok((request, None));
        }
        let (mut parts, body) = request.into_parts();
        let (viewer, cookie) = self.identify(&parts.headers, needed).await?;
        check(&viewer, needed, &mut parts).await?;
        let is_safe = [Method::GET, Method::HEAD].contains(&parts.method);
        let mut request = Request::from_parts(parts, body);
        if !is_safe {
            request = self.check_form(&viewer, request).await?;
        }
        if viewer.signed_in().is_some() || viewer.is_token() {
            let caller = Caller(viewer.name().to_owned());
            request.extensions_mut().insert(caller);
        }
        request.extensions_mut().insert(viewer);
        Ok((request, cookie))
    }
}

fn needed(request: &Request) -> Result<Needed, Refusal> {
    let pattern = request.extensions().get::<MatchedPath>();
    let Some(pattern) = pattern else {
        return Err(Refusal::NotFound);
    };
    match table::find(request.method(), pattern.as_str()) {
        Found::Needed(needed) => Ok(needed),
        Found::OtherMethods(allow) => Err(Refusal::Method(allow)),
        Found::Nothing => {
            let route = pattern.as_str();
            tracing::error!(
                route,
                "a route without an entry in the table of rights is refused"
            );
            Err(Refusal::NotFound)
        }
    }
}

const UNKNOWN: &str =
    "expected somebody who is signed in, or Authorization: Bearer with an API token";

async fn check(viewer: &Viewer, needed: Needed, parts: &mut Parts) -> Result<(), Refusal> {
    if matches!(needed, Needed::Nothing | Needed::Form | Needed::Signed) {
        return Ok(());
    }
    if !viewer.is_somebody() {
        return Err(Refusal::SignIn(UNKNOWN));
    }
    match needed {
        Needed::Nothing | Needed::Form | Needed::Signed | Needed::Somebody => Ok(()),
        Needed::Account if viewer.is_token() => Err(Refusal::Forbidden(
            "this is for people who are signed in, not for API tokens".to_owned(),
        )),
        Needed::Account => Ok(()),
        Needed::Some(scope) if viewer.may_somewhere(scope) => Ok(()),
        Needed::Some(scope) => Err(missing(scope)),
        Needed::In(scope) | Needed::Own(scope) => {
            let named = Named::of(parts).await?;
            check_workspace(viewer, scope, needed, &named)
        }
    }
}

fn missing(scope: Scope) -> Refusal {
    Refusal::Forbidden(format!(
        "it needs the right {}, which this account or API token does not have here",
        scope.symbol()
    ))
}

/// To whoever has nothing to do with a workspace it is as if it were not there.
fn check_workspace(
    viewer: &Viewer,
    scope: Scope,
    needed: Needed,
    named: &Named,
) -> Result<(), Refusal> {
    if viewer.may(scope, &named.workspace) {
        return Ok(());
    }
    match (viewer.sees(&named.workspace), needed) {
        (Sees::Nothing, _) => Err(Refusal::NotFound),
        (Sees::Own(own), Needed::Own(_)) if named.are_all(&own) => Ok(()),
        _ => Err(missing(scope)),
    }
}

/// What a request names in its path and query.
struct Named {
    workspace: String,
    teammates: Vec<String>,
}

impl Named {
    async fn of(parts: &mut Parts) -> Result<Named, Refusal> {
        let params = RawPathParams::from_request_parts(parts, &()).await;
        let params = params.map_err(|_| Refusal::NotFound)?;
        let value = |wanted: &str| {
            let found = params.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.to_owned())
        };
        let query = parts.uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes());
        let asked = asked.filter(|(name, _)| name == "teammate");
        Ok(Named {
            workspace: value("workspace").ok_or(Refusal::NotFound)?,
            teammates: value("teammate")
                .into_iter()
                .chain(asked.map(|(_, value)| value.into_owned()))
                .collect(),
        })
    }

    /// Whether a teammate is named, and no other than this.
    fn are_all(&self, own: &str) -> bool {
        !self.teammates.is_empty() && self.teammates.iter().all(|named| named == own)
    }
}
