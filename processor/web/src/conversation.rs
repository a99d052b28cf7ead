//! `GET /api/v1/workspaces/{workspace}/conversations/{conversation}`: a conversation's story.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::events::unavailable;
use crate::problem::Problem;
use crate::reports::{ProblemDocument, ReadProblems, Reports, failed};
use crate::story::{self, Found};

/// A conversation's story from the log: its facts as folded, every decision, its request, its rating's history, what was refused;
/// and whether the rating was followed up.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/conversations/{conversation}",
    operation_id = "conversation",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("conversation" = String, Path, description = "The conversation's id."),
    ),
    responses(
        (status = 200, description = "The story; each record as its topic prints it.", body = serde_json::Value),
        (status = 404, description = "The log has nothing of it.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn get(
    State(reports): State<Reports>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let Path((workspace, conversation)) =
        path.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let (log, schemas) = (Arc::clone(&reports.log), Arc::clone(&reports.schemas));
    let asked = (workspace.clone(), conversation.clone());
    let found = reports
        .stories
        .run(move || story::find(&*log, &schemas, Some(&asked.0), &asked.1))
        .await?;
    match found.map_err(|error| unavailable(&error))? {
        Found::One(story) => {
            let follow_up = follow_up(&reports, &workspace, &conversation).await?;
            let kind = [(header::CONTENT_TYPE, "application/json")];
            Ok((kind, with_member(story.to_json(), "follow_up", &follow_up)).into_response())
        }
        Found::Nothing | Found::Several(_) => {
            let detail =
                format!("workspace {workspace} has no conversation {conversation} in the log");
            Err(Problem::new(StatusCode::NOT_FOUND, detail))
        }
    }
}

/// Whether the rating was followed up: null when not, when there is none, or when this process has no report database.
async fn follow_up(
    reports: &Reports,
    workspace: &str,
    conversation: &str,
) -> Result<serde_json::Value, Problem> {
    let Some(database) = &reports.database else {
        return Ok(serde_json::Value::Null);
    };
    let rating = database.rating_of(workspace, conversation).await;
    let mark = rating.map_err(failed)?.and_then(|rating| rating.follow_up);
    Ok(serde_json::to_value(mark).unwrap_or_default())
}

/// A JSON object with one member more at its end.
fn with_member(mut object: Vec<u8>, name: &str, value: &serde_json::Value) -> Vec<u8> {
    object.pop();
    object.extend_from_slice(format!(",\"{name}\":{value}}}").as_bytes());
    object
}
