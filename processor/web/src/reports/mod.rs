//! The reports listener: the JSON API, and beside it the pages. docs/api.md tells what each resource says.

mod answer;
mod exports;
mod figures;
mod follow_up;
mod lists;
mod openapi;
mod parameters;
mod settings;
mod stream;
mod table;

use std::sync::Arc;
use std::time::Duration;

use afterword_log::Log;
use afterword_readmodel::ReportDatabase;
use afterword_schemas::Schemas;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::{Mutex, Semaphore, watch};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Access};
use crate::gate::Gate;
use crate::meter::{self, HttpMetrics, Meter};
use crate::pages::{Pages, WorkspaceLooks, pages_router};
use crate::problem::{self, Problem};
use crate::sources::{Sources, receive};
use crate::{contacts, conversation, events};

pub use answer::ProblemDocument;
pub(crate) use answer::{ReadProblems, failed};
pub use follow_up::Caller;

/// Streams of the heart at a time.
const STREAMS: usize = 64;
/// Exports at a time: each reads through the database.
const EXPORTS: usize = 2;

/// What the handlers of the reports listener share.
#[derive(Clone)]
pub struct Reports {
    pub log: Arc<dyn Log>,
    pub schemas: Arc<Schemas>,
    /// None where this process has none: then figures are answered with 503.
    pub database: Option<ReportDatabase>,
    /// For appends.
    pub gate: Gate,
    /// For stories: each reads through a partition.
    pub stories: Gate,
    pub body_limit_bytes: usize,
    pub body_timeout: Duration,
    pub metrics: Arc<HttpMetrics>,
    /// Becomes true when the service stops: streams end then.
    pub stop: watch::Receiver<bool>,
    pub places: Places,
    /// Who may see what.
    pub access: Access,
    /// What workspaces are called, and where their help desks are.
    pub looks: Arc<WorkspaceLooks>,
    /// Help desks whose webhooks are received.
    pub sources: Arc<Sources>,
    /// What becomes of a `traceparent` that comes with facts.
    pub trace_parents: TraceParents,
}

/// What becomes of the header `traceparent` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceParents {
    /// Traces are not recorded here.
    Ignored,
    /// Its facts bear it into the log, when it is well-formed and sampled.
    Taken,
}

/// How many may do at once what takes long.
#[derive(Clone)]
pub struct Places {
    streams: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    /// Held from reading the versions of settings until a new one is there.
    pub(crate) settings: Arc<Mutex<()>>,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            streams: Arc::new(Semaphore::new(STREAMS)),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            settings: Arc::default(),
        }
    }
}

const WELCOME: &str = "\
Afterword

POST /api/v1/events                     facts in: a JSON array or NDJSON
POST /api/v1/sources/{source}           webhooks of help desks in
GET  /api/v1/workspaces/{workspace}/…   summary, teammates, ratings, heart, funnel, conversations, contacts, settings, exports
GET  /api/v1/openapi.json               all of them, with their parameters

Metrics, /livez and /readyz are on the operations listener.
";

/// The routes of the API, and the document that says what they are: made from the same list, so neither has one that the other
/// has not.
fn api() -> OpenApiRouter<Reports> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(events::post))
        .routes(routes!(receive::get, receive::post))
        .routes(routes!(figures::summary))
        .routes(routes!(figures::teammates))
        .routes(routes!(figures::funnel))
        .routes(routes!(lists::ratings))
        .routes(routes!(lists::heart))
        .routes(routes!(lists::closes))
        .routes(routes!(stream::heart_stream))
        .routes(routes!(follow_up::mark, follow_up::unmark))
        .routes(routes!(conversation::get))
        .routes(routes!(contacts::get, contacts::put, contacts::delete))
        .routes(routes!(settings::list, settings::append))
        .routes(routes!(exports::export))
        .routes(routes!(openapi::document))
}

/// Every route of the reports listener, each behind the right that the table of [`crate::access`] names.
pub fn reports_router(reports: Reports) -> Router {
    let meter = Meter {
        metrics: Arc::clone(&reports.metrics),
        listener: "reports",
    };
    let (api, _) = api().split_for_parts();
    let access = reports.access.clone();
    let pages = Pages::of(&reports);
    let api = api.with_state(reports);
    let all = match pages {
        Some(pages) => api.merge(pages_router(pages)),
        None => api.route("/", get(welcome)),
    };
    all.fallback(problem::not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .merge(access::router(access.clone()))
        .layer(from_fn_with_state(access, access::guard))
        .layer(from_fn_with_state(meter, meter::count))
}

/// The header `Allow` is put beside it.
async fn method_not_allowed() -> Problem {
    let detail = "expected one of the methods in the header Allow";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn welcome() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        WELCOME,
    )
}
