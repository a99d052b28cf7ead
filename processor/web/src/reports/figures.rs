//! `summary`, `teammates`, `funnel`: figures of a period.

use afterword_readmodel::figures::{
    Filter, Funnel, SettingsVersion, Step, Summary, TeammateFigures,
};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Reports;
use super::answer::{List, ReadProblems, Validator, failed};
use super::parameters::{FilterParameters, PageParameters, PeriodParameters, Query, check_id};
use crate::problem::Problem;

/// Teammates of a page, when no limit is named.
const TEAMMATES: usize = 100;

/// A figure as it was asked for: its filter, the settings whose targets count, and what its answer depends on.
struct Asked {
    query: Query,
    filter: Filter,
    settings: Option<SettingsVersion>,
    validator: Validator,
}

impl Asked {
    async fn new(
        reports: &Reports,
        workspace: &str,
        raw: Option<&str>,
        names: &[&str],
    ) -> Result<Asked, Problem> {
        check_id("workspace", workspace)?;
        let query = Query::parse(raw, names)?;
        let database = reports.database()?;
        let state = database.state(workspace).await.map_err(failed)?;
        let filter = query.filter(database, workspace).await?;
        let (period, now) = (filter.period, crate::now_ms());
        let settings = database.settings_of(workspace, period.to, now).await;
        let settings = settings.map_err(failed)?;
        let version = settings.as_ref().map_or(0, |settings| settings.version);
        let (from, to) = (period.from.to_string(), period.to.to_string());
        let validator = Validator::new(&state, &[&from, &to, &version.to_string()]);
        Ok(Asked {
            query,
            filter,
            settings,
            validator,
        })
    }
}

/// How happy the people were that the team talked to: counts and shares, the period before, and over time.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/summary",
    operation_id = "summary",
    tag = "figures",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        PeriodParameters,
        FilterParameters,
        ("by" = Option<String>, Query, nullable = false, pattern = "^(day|week|month)$", description = "`day`, `week` (from Monday) or `month`; \
         without it by day up to 31 days, by week up to 182, else by month."),
    ),
    responses((status = 200, body = Summary), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn summary(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let names = ["from", "to", "teammate", "channel", "by"];
    let asked = Asked::new(&reports, &workspace, raw.as_deref(), &names).await?;
    let by = asked
        .query
        .read("by", "day, week or month", Step::from_symbol)?;
    let by = by.unwrap_or_else(|| Step::fitting(&asked.filter.period));
    if let Some(unchanged) = asked.validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let database = reports.database()?;
    let summary = database
        .summary(&asked.filter, by, asked.settings.as_ref())
        .await;
    asked.validator.json(&summary.map_err(failed)?)
}

/// A row for each teammate with a request or a rating in the period, by id.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/teammates",
    operation_id = "teammates",
    tag = "figures",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        PeriodParameters,
        FilterParameters,
        PageParameters,
    ),
    responses((status = 200, body = List<TeammateFigures>), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn teammates(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let names = ["from", "to", "teammate", "channel", "cursor", "limit"];
    let asked = Asked::new(&reports, &workspace, raw.as_deref(), &names).await?;
    let (after, limit) = (asked.query.cursor()?, asked.query.limit(TEAMMATES)?);
    if let Some(unchanged) = asked.validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let settings = asked.settings.as_ref();
    let page = reports
        .database()?
        .teammates(&asked.filter, settings, after.as_ref(), limit);
    let page = page.await.map_err(failed)?;
    asked.validator.json(&List::from(page))
}

/// From closes to answers, what each criterion held back, and what would change at other thresholds.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/funnel",
    operation_id = "funnel",
    tag = "figures",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        PeriodParameters,
        ("teammate" = Option<String>, Query, nullable = false, min_length = 1, max_length = 256, description = "The last teammate of the conversation at the close."),
    ),
    responses((status = 200, body = Funnel), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn funnel(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    no_channel(raw.as_deref())?;
    let names = ["from", "to", "teammate"];
    let asked = Asked::new(&reports, &workspace, raw.as_deref(), &names).await?;
    if let Some(unchanged) = asked.validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let funnel = reports.database()?.funnel(&asked.filter).await;
    asked.validator.json(&funnel.map_err(failed)?)
}

/// A decision does not say where the conversation lived, and a filter that applied to requests alone would make a wrong rate.
pub fn no_channel(raw: Option<&str>) -> Result<(), Problem> {
    let mut names = form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
    match names.any(|(name, _)| name == "channel") {
        true => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "expected no parameter channel here: a close that was not asked about has none",
        )),
        false => Ok(()),
    }
}
