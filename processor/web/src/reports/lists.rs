//! `ratings`, `heart`, and the closes behind a figure of the funnel.

use afterword_readmodel::figures::{
    ConversationClose, ConversationFilter, HeartFilter, Outcome, Rating, RatingFilter,
};
use afterword_schemas::records::Criterion;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Reports;
use super::answer::{List, ReadProblems, Validator, failed};
use super::figures::no_channel;
use super::parameters::{FilterParameters, PageParameters, PeriodParameters, Query, check_id};
use crate::problem::Problem;

/// Entries of a page, when no limit is named.
const ENTRIES: usize = 50;

async fn validator(
    reports: &Reports,
    workspace: &str,
    others: &[&str],
) -> Result<Validator, Problem> {
    let state = reports.database()?.state(workspace).await;
    Ok(Validator::new(&state.map_err(failed)?, others))
}

/// Ratings first given in the period, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/ratings",
    operation_id = "ratings",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        PeriodParameters,
        FilterParameters,
        ("reaction" = Option<String>, Query, nullable = false, pattern = "^(terrible|bad|ok|great|amazing)(,(terrible|bad|ok|great|amazing))*$",
         description = "Only these reactions, separated by commas."),
        ("commented" = Option<String>, Query, nullable = false, pattern = "^(yes|no)$", description = "`yes`: only with a comment; `no`: only without."),
        ("followed_up" = Option<String>, Query, nullable = false, pattern = "^(yes|no)$", description = "`yes`: only those marked; `no`: only the others."),
        PageParameters,
    ),
    responses((status = 200, body = List<Rating>), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn ratings(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    let names = [
        "from",
        "to",
        "teammate",
        "channel",
        "reaction",
        "commented",
        "followed_up",
        "cursor",
        "limit",
    ];
    let query = Query::parse(raw.as_deref(), &names)?;
    let database = reports.database()?;
    let wanted = RatingFilter {
        filter: query.filter(database, &workspace).await?,
        reactions: query.reactions()?,
        commented: query.flag("commented")?,
        followed_up: query.flag("followed_up")?,
    };
    let (after, limit) = (query.cursor()?, query.limit(ENTRIES)?);
    let to = wanted.filter.period.to.to_string();
    let validator = validator(&reports, &workspace, &[&to]).await?;
    if let Some(unchanged) = validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let page = database.ratings(&wanted, after.as_ref(), limit).await;
    validator.json(&List::from(page.map_err(failed)?))
}

/// The latest comments of great and amazing ratings, by when they were left.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/heart",
    operation_id = "heart",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        FilterParameters,
        PageParameters,
    ),
    responses((status = 200, body = List<Rating>), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn heart(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    let names = ["teammate", "channel", "cursor", "limit"];
    let query = Query::parse(raw.as_deref(), &names)?;
    let wanted = HeartFilter {
        workspace_id: workspace.clone(),
        teammate_id: query.teammate()?,
        channel: query.channel()?,
    };
    let (after, limit) = (query.cursor()?, query.limit(ENTRIES)?);
    let validator = validator(&reports, &workspace, &[]).await?;
    if let Some(unchanged) = validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let page = reports
        .database()?
        .hearts(&wanted, after.as_ref(), limit)
        .await;
    validator.json(&List::from(page.map_err(failed)?))
}

/// The closes behind a figure of the funnel, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/funnel/conversations",
    operation_id = "funnel_conversations",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        PeriodParameters,
        ("teammate" = Option<String>, Query, nullable = false, min_length = 1, max_length = 256, description = "The last teammate of the conversation at the close."),
        ("asked" = Option<String>, Query, nullable = false, pattern = "^(yes|no)$", description = "`yes`: only closes followed by a request; `no`: only the others."),
        ("criterion" = Option<String>, Query, nullable = false, description = "Only closes at which this criterion failed, by its code. Not together with `asked`."),
        ("alone" = Option<String>, Query, nullable = false, pattern = "^(yes|no)$", description = "With `criterion`; `yes`: only where nothing else failed."),
        PageParameters,
    ),
    responses((status = 200, body = List<ConversationClose>), (status = 304, description = "As the client has it."), ReadProblems)
)]
pub async fn closes(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    no_channel(raw.as_deref())?;
    let names = [
        "from",
        "to",
        "teammate",
        "asked",
        "criterion",
        "alone",
        "cursor",
        "limit",
    ];
    let query = Query::parse(raw.as_deref(), &names)?;
    let outcome = outcome(&query)?;
    let database = reports.database()?;
    let filter = query.filter(database, &workspace).await?;
    let (after, limit) = (query.cursor()?, query.limit(ENTRIES)?);
    let to = filter.period.to.to_string();
    let validator = validator(&reports, &workspace, &[&to]).await?;
    if let Some(unchanged) = validator.unchanged(&headers) {
        return Ok(unchanged);
    }
    let wanted = ConversationFilter { filter, outcome };
    let page = database.closes(&wanted, after.as_ref(), limit).await;
    validator.json(&List::from(page.map_err(failed)?))
}

fn outcome(query: &Query) -> Result<Outcome, Problem> {
    let criterion = query.read("criterion", "a criterion's code", Criterion::from_symbol)?;
    let (asked, alone) = (query.flag("asked")?, query.flag("alone")?);
    let refused = |detail: &str| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    match (criterion, asked, alone) {
        (Some(_), Some(_), _) => refused("expected asked or criterion, found both"),
        (None, _, Some(_)) => refused("expected criterion with alone, found alone by itself"),
        (Some(criterion), None, Some(true)) => Ok(Outcome::HeldBackByAlone(criterion)),
        (Some(criterion), None, _) => Ok(Outcome::HeldBackBy(criterion)),
        (None, Some(true), None) => Ok(Outcome::Asked),
        (None, Some(false), None) => Ok(Outcome::NotAsked),
        (None, None, None) => Ok(Outcome::All),
    }
}
