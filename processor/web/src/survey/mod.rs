//! The customers' pages: one request, one link, one page. A POST appends facts like everybody else and then looks what the
//! rules made of them; a GET writes nothing, whoever asks and whatever the address says.
//!
//! No cookies and no script: what a form must remember it carries sealed ([`stamps`]), and after an answer that was kept the
//! browser is sent on to a page that may be reloaded.

mod answer;
mod form;
mod html;
mod limits;
mod look;
mod marks;
mod metrics;
mod outcomes;
mod page;
mod post;
mod stamps;
mod texts;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use afterword_link::{LinkKeys, Subject};
use afterword_log::Log;
use afterword_readmodel::{ReadModelError, ReportDatabase, Standing};
use afterword_schemas::Schemas;
use afterword_schemas::records::Reaction;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ipnet::IpNet;

pub use limits::Peer;
pub use look::{Look, Looks};
pub use metrics::SurveyMetrics;
pub use texts::Language;

use crate::gate::Gate;
use crate::messenger::{self, Frames};
use crate::meter::{self, HttpMetrics, Meter};
use html::Plain;
use limits::Limits;
use marks::Recent;
use outcomes::Outcomes;

/// A form with the longest comment that may be told how long it is; more is refused unread.
const BODY_BYTES: usize = 256 * 1024;
/// For one look into the report database.
const DATABASE: Duration = Duration::from_secs(5);
/// After so many seconds it is worth while to send again.
const RETRY_AFTER_S: u32 = 5;
const LIMITED_RETRY_AFTER_S: u32 = 60;

/// What the survey is made of.
pub struct SurveyParts {
    pub log: Arc<dyn Log>,
    pub schemas: Arc<Schemas>,
    pub database: ReportDatabase,
    /// For calls of the log.
    pub gate: Gate,
    pub keys: LinkKeys,
    pub looks: Looks,
    /// How long a page waits for what became of an answer.
    pub outcome_timeout: Duration,
    /// How long a form may take to arrive.
    pub body_timeout: Duration,
    /// In a minute; at least one.
    pub link_posts: u32,
    /// In a minute; at least one.
    pub address_requests: u32,
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of the sites that may show the pages in a frame.
    pub frame_ancestors: Vec<String>,
    /// Routes beside the survey's own: the demo's.
    pub beside: Router,
    pub metrics: Arc<SurveyMetrics>,
    pub http: Arc<HttpMetrics>,
}

/// What the handlers share.
#[derive(Clone)]
struct Survey(Arc<Shared>);

struct Shared {
    log: Arc<dyn Log>,
    schemas: Arc<Schemas>,
    database: ReportDatabase,
    gate: Gate,
    keys: LinkKeys,
    looks: Looks,
    outcome_timeout: Duration,
    body_timeout: Duration,
    limits: Limits,
    frames: Frames,
    recent: Recent,
    outcomes: Outcomes,
    metrics: Arc<SurveyMetrics>,
}

impl std::ops::Deref for Survey {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Every route of the customers' listener. Needs a runtime: a task that looks for outcomes starts with it.
pub fn survey_router(parts: SurveyParts) -> Router {
    let meter = Meter {
        metrics: Arc::clone(&parts.http),
        listener: "survey",
    };
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let limits = Limits::new(
        at_least_one(parts.link_posts),
        at_least_one(parts.address_requests),
        parts.trusted_proxies,
    );
    let outcomes = Outcomes::start(
        Arc::clone(&parts.log),
        parts.gate.clone(),
        parts.database.clone(),
    );
    let survey = Survey(Arc::new(Shared {
        log: parts.log,
        schemas: parts.schemas,
        database: parts.database,
        gate: parts.gate,
        keys: parts.keys,
        looks: parts.looks,
        outcome_timeout: parts.outcome_timeout,
        body_timeout: parts.body_timeout,
        limits,
        frames: Frames::new(&parts.frame_ancestors),
        recent: Recent::default(),
        outcomes,
        metrics: parts.metrics,
    }));
    Router::new()
        .route(
            "/r/{token}",
            get(page::get).post(post::post).fallback(page::method),
        )
        .route(
            "/robots.txt",
            get(|| async { "User-agent: *\nDisallow: /\n" }),
        )
        .merge(messenger::router())
        .merge(parts.beside.with_state(()))
        .fallback(page::not_found)
        .with_state(survey.clone())
        .layer(from_fn_with_state(survey, guard))
        .layer(from_fn_with_state(meter, meter::count))
}

/// Counts the address, and adds the headers that every answer has.
async fn guard(State(survey): State<Survey>, request: Request, next: Next) -> Response {
    let loopback = Peer(std::net::Ipv4Addr::LOCALHOST.into());
    let peer = request.extensions().get::<Peer>().copied();
    let client = survey
        .limits
        .client(peer.unwrap_or(loopback).0, request.headers());
    let mut response = match survey.limits.allows_address(client) {
        true => next.run(request).await,
        false => {
            survey.metrics.limited("address");
            let language = language(request.headers(), "en");
            let page = Plain::new(language, StatusCode::TOO_MANY_REQUESTS, "busy");
            retry_after(page.into_response(), LIMITED_RETRY_AFTER_S)
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
    survey.frames.add_to(headers);
    response
}

/// Nothing is kept, found or passed on. The page's own policy says more (its style).
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::VARY, "accept-language"),
];

/// The reaction of this symbol.
fn reaction(symbol: &str) -> Option<Reaction> {
    Reaction::from_symbol(symbol)
}

fn language(headers: &HeaderMap, workspaces: &str) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    Language::choose(accepted.and_then(|value| value.to_str().ok()), workspaces)
}

fn retry_after(mut response: Response, seconds: u32) -> Response {
    let value = HeaderValue::from(seconds);
    response.headers_mut().insert(header::RETRY_AFTER, value);
    response
}

impl Shared {
    /// How the workspace looks.
    fn look(&self, workspace_id: &str) -> Look {
        self.looks
            .get(workspace_id)
            .cloned()
            .unwrap_or_else(|| Look {
                name: workspace_id.to_owned(),
                colour: "#0f766e".to_owned(),
                locale: "en".to_owned(),
            })
    }

    /// How the request stands, if it is known.
    async fn standing(&self, subject: &Subject) -> Result<Option<Standing>, ReadModelError> {
        let ids = [&*subject.request_id];
        let looked = tokio::time::timeout(DATABASE, self.database.standings(&ids)).await;
        let found = looked.unwrap_or_else(|_| {
            let seconds = DATABASE.as_secs();
            Err(ReadModelError::Wait(format!(
                "the report database did not answer within {seconds} s"
            )))
        })?;
        let is_its = |standing: &Standing| standing.workspace_id == subject.workspace_id;
        Ok(found.into_iter().find(is_its))
    }
}
