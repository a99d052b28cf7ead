//! The managers' pages of the reports listener: made on the server, with real addresses, and useful without a script.
//!
//! Each page reads its address (`chosen`), opens its desk (`desk`: the workspace, who looks, what stands around every page), asks
//! the report database, and fills a template of `templates/pages/`. The stylesheet and the script lie in `assets/`.

mod address;
mod assets;
mod cards;
mod chart;
mod chosen;
mod desk;
mod facts;
mod fault;
mod filters;
mod forms;
mod heart;
mod live;
mod look;
mod ratings;
mod settings;
mod settings_form;
mod story;
mod summary;
mod teammates;
mod timeline;
mod visitor;
mod why;
mod words;
mod workspaces;

use std::sync::Arc;

use afterword_log::Log;
use afterword_readmodel::ReportDatabase;
use afterword_readmodel::figures::Filter;
use afterword_schemas::Schemas;
use askama::Template;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::gate::Gate;
use crate::reports::Reports;
use fault::Fault;

pub use look::{WorkspaceLook, WorkspaceLooks};

/// What the pages share.
#[derive(Clone)]
pub(crate) struct Pages {
    database: ReportDatabase,
    log: Arc<dyn Log>,
    schemas: Arc<Schemas>,
    /// For appends of settings.
    gate: Gate,
    /// Held while a version of settings is appended.
    turns: Arc<Mutex<()>>,
    /// For the facts of stories: each reads through a partition.
    stories: Gate,
    looks: Arc<WorkspaceLooks>,
    /// Becomes true when the service stops: then streams end.
    stop: watch::Receiver<bool>,
    /// How many pages may listen for changes at a time.
    streams: Arc<Semaphore>,
}

/// Streams at a time, of all workspaces.
const STREAMS: usize = 256;

/// Most teammates to choose from in a list.
const TEAMMATES: usize = 500;

/// What a page may do: load this program's own stylesheet and script, ask this program, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Every page.
pub(crate) fn pages_router(pages: Pages) -> Router {
    Router::new()
        .route("/", get(workspaces::get))
        .route("/pages.css", get(assets::stylesheet))
        .route("/pages.js", get(assets::script))
        .route("/{workspace}", get(workspaces::enter))
        .route("/{workspace}/summary", get(summary::get))
        .route("/{workspace}/teammates", get(teammates::get))
        .route("/{workspace}/teammates/{teammate}", get(summary::teammate))
        .route(
            "/{workspace}/ratings",
            get(ratings::get).post(ratings::post),
        )
        .route("/{workspace}/heart", get(heart::get))
        .route("/{workspace}/why-not", get(why::get))
        .route("/{workspace}/conversations/{conversation}", get(story::get))
        .route(
            "/{workspace}/settings",
            get(settings::get).post(settings_form::post),
        )
        .route("/{workspace}/changes", get(live::get))
        .layer(from_fn(careful))
        .with_state(pages)
}

/// A template as a page.
fn page(template: &impl Template) -> Result<Response, Fault> {
    Ok(Html(template.render()?).into_response())
}

/// Headers that every page has.
async fn careful(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "private, no-cache");
    set(HeaderName::from_static("x-robots-tag"), "noindex");
    response
}

impl Pages {
    /// Of what the listener has; none where there is no report database.
    pub(crate) fn of(reports: &Reports) -> Option<Pages> {
        Some(Pages {
            database: reports.database.clone()?,
            log: Arc::clone(&reports.log),
            schemas: Arc::clone(&reports.schemas),
            gate: reports.gate.clone(),
            turns: Arc::clone(&reports.places.settings),
            stories: reports.stories.clone(),
            looks: Arc::clone(&reports.looks),
            stop: reports.stop.clone(),
            streams: Arc::new(Semaphore::new(STREAMS)),
        })
    }

    /// The teammates that have anything in the period, for a list to choose from.
    async fn teammate_ids(&self, filter: &Filter) -> Result<Vec<String>, Fault> {
        let all = Filter {
            teammate_id: None,
            ..filter.clone()
        };
        Ok(self.database.teammate_names(&all, TEAMMATES).await?)
    }
}
