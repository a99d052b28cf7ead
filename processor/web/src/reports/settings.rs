//! `settings`: the versions of a workspace's settings, and a new one. Nothing is changed in place: a version is appended to the log
//! like any other fact, and is in force from its `effective_from` on.

use std::collections::BTreeMap;
use std::sync::Arc;

use afterword_log::{Log, LogError};
use afterword_readmodel::figures::{SettingsVersion, TargetSettings};
use afterword_schemas::Schemas;
use afterword_schemas::json::{self as records, ParsedSettings};
use afterword_schemas::records::WorkspaceSettings;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Reports;
use super::answer::{List, ProblemDocument, ReadProblems, Validator, failed};
use super::follow_up::{Caller, who};
use super::parameters::{PageParameters, Query, check_id};
use crate::events::{read_body, unavailable};
use crate::problem::Problem;
use crate::settings_log;

/// Versions of a page, when no limit is named.
const VERSIONS: usize = 50;

/// A new version.
#[derive(ToSchema)]
#[allow(dead_code, reason = "for the OpenAPI document")]
pub struct NewSettings {
    /// Its number; the one after the highest when it is left out.
    #[schema(minimum = 1, nullable = false)]
    version: Option<i64>,
    /// From when on it is in force, by the time of the facts; from now on when it is left out. What is decided already stays.
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    effective_from: Option<String>,
    live_for_users: bool,
    live_for_leads: bool,
    plan_includes_ratings: bool,
    /// An IANA name.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    target: Option<TargetSettings>,
    /// Those that differ from the workspace's, by teammate.
    teammate_targets: Option<BTreeMap<String, TargetSettings>>,
    /// Who appends it; not looked at where the listener knows who asks.
    by: Option<String>,
}

/// The versions of the workspace's settings, the highest first. Before the first, the defaults hold: live for both, plan included,
/// UTC, no target.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/settings",
    operation_id = "settings",
    tag = "settings",
    params(("workspace" = String, Path, description = "The workspace's id."), PageParameters),
    responses((status = 200, body = List<SettingsVersion>), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn list(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    let query = Query::parse(raw.as_deref(), &["cursor", "limit"])?;
    let (after, limit) = (query.cursor()?, query.limit(VERSIONS)?);
    let database = reports.database()?;
    let state = database.state(&workspace).await.map_err(failed)?;
    let validator = Validator::new(&state, &[]);
    if let Some(unchanged) = validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let page = database
        .settings_versions(&workspace, after.as_ref(), limit)
        .await;
    validator.json(&List::from(page.map_err(failed)?))
}

/// Appends a version. Answered once it is durable and known to be the one that counts; `GET` shows it when it is projected.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/settings",
    operation_id = "append_settings",
    tag = "settings",
    params(("workspace" = String, Path, description = "The workspace's id.")),
    request_body(content = NewSettings, content_type = "application/json"),
    responses(
        (status = 200, description = "The same version is there already.", body = Value),
        (status = 201, description = "The version as it was appended.", body = Value),
        (status = 409, description = "Another version has this number.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "A body without measure.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn append(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    check_kind(&headers)?;
    let body = read_body(&reports, body).await?;
    let mut given: Given = serde_json::from_slice(&body)
        .map_err(|error| refused(&format!("expected a JSON object: {error}")))?;
    let said = given.remove("by");
    let said: Option<String> = said
        .map_or(Ok(None), |said| serde_json::from_str(said.get()))
        .map_err(|_| refused("by: expected a name"))?;
    let by = who(caller, said)?;
    let new = New {
        log: Arc::clone(&reports.log),
        schemas: Arc::clone(&reports.schemas),
        workspace,
        given,
        by,
    };
    // One at a time, so that two who leave the number out get two.
    let _turn = reports.places.settings.lock().await;
    reports.gate.run(move || new.append()).await?
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// Only a type that a form or a script of another site cannot send without asking.
fn check_kind(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("none");
    let found = kind.split(';').next().unwrap_or_default().trim();
    match found.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("expected the content type application/json, found {kind}"),
        )),
    }
}

/// Members as they were written: their numbers are read once, by who knows what they are.
type Given = BTreeMap<String, Box<RawValue>>;

/// A version to be appended.
struct New {
    log: Arc<dyn Log>,
    schemas: Arc<Schemas>,
    workspace: String,
    given: Given,
    by: String,
}

impl New {
    fn append(self) -> Result<Response, Problem> {
        let known = self.known()?;
        let settings = self.settings(&known)?;
        let key = (settings.workspace_id.clone(), settings.version);
        let status = match known.get(&key) {
            Some(there) if *there == settings => StatusCode::OK,
            Some(_) => return Err(taken(settings.version)),
            None => {
                let one = std::slice::from_ref(&settings);
                let added = settings_log::add(&*self.log, &self.schemas, one, Some(&self.by));
                added.map_err(|error| unavailable(&error))?;
                // Another process may have appended the same number a moment before.
                if self.known()?.get(&key) != Some(&settings) {
                    return Err(taken(settings.version));
                }
                StatusCode::CREATED
            }
        };
        let mut body = Vec::new();
        records::write(&settings, None, &mut body);
        let kind = [(header::CONTENT_TYPE, "application/json")];
        Ok((status, kind, body).into_response())
    }

    fn known(&self) -> Result<settings_log::Known, Problem> {
        let known: Result<_, LogError> = settings_log::known(&*self.log, &self.schemas);
        known.map_err(|error| unavailable(&error))
    }

    fn settings(&self, known: &settings_log::Known) -> Result<WorkspaceSettings, Problem> {
        let versions = known
            .keys()
            .filter(|(workspace, _)| *workspace == self.workspace);
        let highest = versions.map(|(_, version)| *version).max().unwrap_or(0);
        let mut given = self.given.clone();
        let mut put = |name: &str, value: Value| {
            let raw = to_raw_value(&value).map_err(|error| refused(&error.to_string()))?;
            Ok::<_, Problem>(given.insert(name.to_owned(), raw))
        };
        let said = put("workspace_id", json!(self.workspace))?;
        let said = said.map(|said| serde_json::from_str::<String>(said.get()));
        if said.is_some_and(|said| said.ok().as_ref() != Some(&self.workspace)) {
            return Err(refused(
                "workspace_id: expected the one of the address, or none",
            ));
        }
        let is_absent = |name: &str| {
            self.given
                .get(name)
                .is_none_or(|value| value.get() == "null")
        };
        if is_absent("version") {
            put("version", json!(highest.saturating_add(1)))?;
        }
        if is_absent("effective_from") {
            put("effective_from", json!(crate::now_ms()))?;
        }
        let text = serde_json::to_string(&given).map_err(|error| refused(&error.to_string()))?;
        match records::parse_settings(text.as_bytes()) {
            Ok(ParsedSettings { settings, ignored }) if ignored.is_empty() => Ok(settings),
            Ok(ParsedSettings { ignored, .. }) => Err(refused(&format!(
                "expected members of settings alone, found {}",
                ignored.join(", ")
            ))),
            Err(error) => Err(refused(&error.to_string())),
        }
    }
}

fn taken(version: i64) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        format!(
            "expected a new version, found version {version}, which is known and differs; a version never changes: use a higher one"
        ),
    )
}
