//! The toy chat of `afterword demo`, at `/demo` on the customer listener: a site's chat with both its sides on one page, and the
//! little backend that such a chat has. It does what a real one does: it appends facts, receives signed webhooks, and hands the
//! link of a survey to its page.

mod chats;
mod facts;
mod receiver;
mod score;

use std::sync::Arc;

use afterword_log::Log;
use afterword_readmodel::ReportDatabase;
use afterword_schemas::Schemas;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::problem::Problem;
use chats::Chats;
use facts::{CUSTOMER, Deed, TEAMMATE};

/// Longest body of a request to the toy chat.
const BODY_BYTES: usize = 64 * 1024;
/// Longest message, in bytes.
const TEXT_BYTES: usize = 16 * 1024;

/// As strict as a site may be, so that the demo shows what the survey's script needs: only its own address.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = concat!(
    include_str!("../../assets/base.css"),
    include_str!("demo.css")
);

/// Whether a webhook with this id, this time (seconds since 1970), these signatures and this body was signed for the toy chat.
pub type Verify = Arc<dyn Fn(&str, i64, &str, &str) -> bool + Send + Sync>;

/// What the toy chat's backend knows.
#[derive(Clone)]
pub struct Demo {
    log: Arc<dyn Log>,
    schemas: Arc<Schemas>,
    database: ReportDatabase,
    gate: Gate,
    verify: Verify,
    /// The workspace that the chat belongs to.
    workspace: &'static str,
    chats: Arc<Chats>,
}

impl Demo {
    /// A toy chat without conversations.
    #[must_use]
    pub fn new(
        log: Arc<dyn Log>,
        schemas: Arc<Schemas>,
        database: ReportDatabase,
        gate: Gate,
        verify: Verify,
        workspace: &'static str,
    ) -> Demo {
        let chats = Arc::default();
        Demo {
            log,
            schemas,
            database,
            gate,
            verify,
            workspace,
            chats,
        }
    }
}

/// Where the toy chat's backend takes webhooks, below the address of the customer listener.
pub const WEBHOOK_PATH: &str = "/demo/webhook";

/// Every route of the toy chat.
pub fn router<S: Clone + Send + Sync + 'static>(demo: Demo) -> Router<S> {
    Router::new()
        .route("/demo", get(page))
        .route("/demo/demo.css", get(style))
        .route("/demo/demo.js", get(script))
        .route("/demo/scorecard", get(scorecard))
        .route("/demo/chats", post(begin))
        .route("/demo/chats/{conversation}", get(state))
        .route("/demo/chats/{conversation}/messages", post(write))
        .route("/demo/chats/{conversation}/close", post(close))
        .route(WEBHOOK_PATH, post(receiver::receive))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(map_response(guard))
        .with_state(demo)
}

/// No page of another address may frame it, read it, or keep it.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    response
}

async fn page() -> impl IntoResponse {
    Html(include_str!("page.html"))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

async fn script() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("demo.js"))
}

async fn scorecard(State(demo): State<Demo>) -> Result<Json<Value>, Problem> {
    let scorecard = score::of(&demo.database, demo.workspace, TEAMMATE).await?;
    Ok(Json(json!({ "scorecard": scorecard })))
}

/// The customer opens the chat. Taken as JSON only, which no form of another site can send.
async fn begin(
    State(demo): State<Demo>,
    _: Json<Value>,
) -> Result<Response, Problem> {
    let conversation = demo.chats.begin();
    facts::append(&demo, &conversation, Deed::Started).await?;
    let told = json!({ "conversation": conversation });
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

async fn state(
    State(demo): State<Demo>,
    Path(conversation): Path<String>,
) -> Result<Json<Value>, Problem> {
    let chat = demo.chats.get(&conversation).ok_or_else(unknown)?;
    let scorecard = score::of(&demo.database, demo.workspace, TEAMMATE).await?;
    Ok(Json(json!({
        "link": chat.link,
        "rating": chat.rating,
        "scorecard": scorecard,
    })))
}

#[derive(Deserialize)]
struct Written {
    by: Side,
    text: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Customer,
    Teammate,
}

async fn write(
    State(demo): State<Demo>,
    Path(conversation): Path<String>,
    Json(Written { by, text }): Json<Written>,
) -> Result<Json<Value>, Problem> {
    if text.len() > TEXT_BYTES {
        let detail = format!("expected a text of at most {TEXT_BYTES} bytes");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    demo.chats.get(&conversation).ok_or_else(unknown)?;
    let by = match by {
        Side::Customer => CUSTOMER,
        Side::Teammate => TEAMMATE,
    };
    facts::append(&demo, &conversation, Deed::Wrote { by, text }).await?;
    Ok(Json(json!({})))
}

async fn close(
    State(demo): State<Demo>,
    Path(conversation): Path<String>,
    _: Json<Value>,
) -> Result<Json<Value>, Problem> {
    demo.chats.get(&conversation).ok_or_else(unknown)?;
    facts::append(&demo, &conversation, Deed::Closed).await?;
    Ok(Json(json!({})))
}

fn unknown() -> Problem {
    let detail = "the toy chat knows no such conversation (any more); begin another";
    Problem::new(StatusCode::NOT_FOUND, detail)
}
