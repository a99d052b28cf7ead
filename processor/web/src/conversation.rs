//! `GET /api/v1/workspaces/{workspace}/conversations/{conversation}`: a conversation's story.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::events::unavailable;
use crate::problem::Problem;
use crate::reports::Reports;
use crate::story::{self, Found};

/// The handler.
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
        Found::One(story) => Ok((
            [(header::CONTENT_TYPE, "application/json")],
            story.to_json(),
        )
            .into_response()),
        Found::Nothing | Found::Several(_) => {
            let detail =
                format!("workspace {workspace} has no conversation {conversation} in the log");
            Err(Problem::new(StatusCode::NOT_FOUND, detail))
        }
    }
}
