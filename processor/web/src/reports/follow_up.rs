//! `ratings/{request}/follow-up`: a rating is marked as followed up, or the mark is taken back. The one thing that people say of a
//! rating; it lies in the report database alone.

use afterword_readmodel::figures::{MarkAs, MarkChange, Rating};
use afterword_schemas::limits;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Reports;
use super::answer::{ProblemDocument, ReadProblems, failed, json};
use super::parameters::check_id;
use serde_json::{Map, Value};

use crate::events::read_body;
use crate::problem::Problem;

/// Who asks, as far as the listener knows: put into the request by whoever checks accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub String);

/// Who marks, where nobody says.
const NOBODY: &str = "somebody";

/// Who marks.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpBody {
    /// A name; not looked at where the listener knows who asks. `somebody` when it is left out.
    #[schema(min_length = 1, max_length = 256)]
    by: Option<String>,
}

/// Marks a rating as followed up. Marking it again changes nothing.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/ratings/{request}/follow-up",
    operation_id = "mark_followed_up",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("request" = String, Path, description = "The rating's request_id."),
    ),
    request_body(content = Option<FollowUpBody>, content_type = "application/json"),
    responses(
        (status = 200, body = Rating),
        (status = 404, description = "No such rating.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "A body without measure.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn mark(
    State(reports): State<Reports>,
    Path((workspace, request)): Path<(String, String)>,
    caller: Option<Extension<Caller>>,
    body: Body,
) -> Result<Response, Problem> {
    let body = read_body(&reports, body).await?;
    let said = match body.iter().all(u8::is_ascii_whitespace) {
        true => FollowUpBody::default(),
        // By way of an object, since a list of values would do for a struct.
        false => serde_json::from_slice::<Option<Map<String, Value>>>(&body)
            .and_then(|said| serde_json::from_value(said.map_or(Value::Null, Value::Object)))
            .map_err(|error| {
                let detail = format!("expected {{\"by\": \"a name\"}} or nothing: {error}");
                Problem::new(StatusCode::BAD_REQUEST, detail)
            })
            .map(|said: Option<FollowUpBody>| said.unwrap_or_default())?,
    };
    let by = who(caller, said.by)?;
    change(&reports, &workspace, &request, MarkAs::FollowedUp, by).await
}

/// Takes the mark back. Doing so again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/ratings/{request}/follow-up",
    operation_id = "unmark_followed_up",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("request" = String, Path, description = "The rating's request_id."),
    ),
    responses(
        (status = 200, body = Rating),
        (status = 404, description = "No such rating.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn unmark(
    State(reports): State<Reports>,
    Path((workspace, request)): Path<(String, String)>,
    caller: Option<Extension<Caller>>,
) -> Result<Response, Problem> {
    let by = who(caller, None)?;
    change(&reports, &workspace, &request, MarkAs::Open, by).await
}

/// The account, or what the client says.
pub fn who(caller: Option<Extension<Caller>>, said: Option<String>) -> Result<String, Problem> {
    if let Some(Extension(Caller(name))) = caller {
        return Ok(name);
    }
    let said = said.unwrap_or_else(|| NOBODY.to_owned());
    match limits::check_id(&said) {
        Ok(()) => Ok(said),
        Err(error) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("by: {error}"),
        )),
    }
}

async fn change(
    reports: &Reports,
    workspace: &str,
    request: &str,
    mark: MarkAs,
    by: String,
) -> Result<Response, Problem> {
    check_id("workspace", workspace)?;
    check_id("request", request)?;
    let change = MarkChange {
        mark,
        by,
        at: crate::now_ms(),
    };
    let rating = reports.database()?.mark(workspace, request, &change).await;
    match rating.map_err(failed)? {
        Some(rating) => json(StatusCode::OK, &rating),
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("workspace {workspace} has no rating of request {request}"),
        )),
    }
}
