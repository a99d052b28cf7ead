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
use axum::middleware::map_response_with_state;
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

const STYLE: &str = concat!(
    include_str!("../../assets/base.css"),
    include_str!("demo.css")
);

/// Whether a webhook with this id, this time (seconds since 1970), these signatures and this body was signed for the toy chat.
pub type Verify = Arc<dyn Fn(&str, i64, &str, &str) -> bool + Send + Sync>;

/// What the toy chat is made of.
pub struct DemoParts {
    pub log: Arc<dyn Log>,
    pub schemas: Arc<Schemas>,
    pub database: ReportDatabase,
    /// For calls of the log.
    pub gate: Gate,
    pub verify: Verify,
    /// The workspace that the chat belongs to.
    pub workspace: &'static str,
    /// Where customers reach the survey's pages, without a slash at its end.
    pub public_url: String,
}

/// What the handlers share.
#[derive(Clone)]
struct Demo(Arc<Shared>);

struct Shared {
    parts: DemoParts,
    page: String,
    policy: HeaderValue,
    chats: Chats,
}

impl std::ops::Deref for Demo {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Demo {
    fn new(parts: DemoParts) -> Demo {
        let page = include_str!("page.html").replace("{survey}", &parts.public_url);
        let policy = HeaderValue::from_str(&policy(&parts.public_url));
        Demo(Arc::new(Shared {
            page,
            policy: policy.unwrap_or(HeaderValue::from_static("default-src 'none'")),
            chats: Chats::default(),
            parts,
        }))
    }
}

/// As strict as a site may be, so that the demo shows what the survey needs: its own address, for a script and a frame.
fn policy(public_url: &str) -> String {
    // Scheme and host: with a path, a source would be that one file.
    let origin: Vec<&str> = public_url.splitn(4, '/').take(3).collect();
    let survey = origin.join("/");
    format!(
        "default-src 'none'; script-src 'self' {survey}; frame-src {survey}; style-src 'self'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Where the toy chat's backend takes webhooks, below the address of the customer listener.
pub const WEBHOOK_PATH: &str = "/demo/webhook";

/// Every route of the toy chat.
pub fn router(parts: DemoParts) -> Router {
    let demo = Demo::new(parts);
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
        .layer(map_response_with_state(demo.clone(), guard))
        .with_state(demo)
}

/// No page of another address may frame it, read it, or keep it.
async fn guard(State(demo): State<Demo>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, demo.policy.clone());
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    response
}

async fn page(State(demo): State<Demo>) -> impl IntoResponse {
    Html(demo.page.clone())
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

async fn script() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("demo.js"))
}

async fn scorecard(State(demo): State<Demo>) -> Result<Json<Value>, Problem> {
    let scorecard = score::of(&demo.parts, TEAMMATE).await?;
    Ok(Json(json!({ "scorecard": scorecard })))
}

/// The customer opens the chat. Taken as JSON only, which no form of another site can send.
async fn begin(State(demo): State<Demo>, _: Json<Value>) -> Result<Response, Problem> {
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
    let scorecard = score::of(&demo.parts, TEAMMATE).await?;
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

#[test]
fn the_policy_names_the_surveys_origin_alone() {
    for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/a/b"] {
        let policy = policy(url);
        assert!(
            policy.contains("frame-src http://127.0.0.1:8080; "),
            "{policy}"
        );
    }
}
