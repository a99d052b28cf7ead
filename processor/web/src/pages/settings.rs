//! `/{workspace}/settings`: what is in force, its versions, and the form that appends another. A version never changes.

use afterword_readmodel::figures::{Filter, Period, SettingsVersion, TargetSettings};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::desk::Desk;
use super::fault::Fault;
use super::{Pages, page, words};

/// Versions shown.
pub const VERSIONS: usize = 50;

/// Whoever had a rating in so many days is in the list of targets.
const RECENT_DAYS: i32 = 92;
/// A teammate's target in the form.
struct TargetRow {
    id: String,
    share: String,
    minimum: String,
}

/// A version in the list.
struct VersionRow {
    version: i64,
    from: String,
    by: String,
    at: String,
    live: String,
    zone: String,
    target: String,
    teammates: Vec<String>,
    in_force: bool,
    is_to_come: bool,
}

#[derive(Template)]
#[template(path = "pages/settings.html")]
struct SettingsPage {
    desk: Desk,
    here: &'static str,
    /// The highest version that is known: the form's is the next.
    latest: i64,
    in_force: i64,
    live_for_users: bool,
    live_for_leads: bool,
    plan: bool,
    zone: String,
    zones: Vec<String>,
    share: String,
    minimum: String,
    targets: Vec<TargetRow>,
    versions: Vec<VersionRow>,
    saved: Option<String>,
}

/// The page.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let versions = pages
        .database
        .settings_versions(&workspace, None, VERSIONS)
        .await?
        .entries;
    let latest = versions.first().map_or(0, |version| version.version);
    // What is changed is what was said last, also when it is not in force yet.
    let shown = versions.first().cloned();
    let in_force = desk
        .settings
        .as_ref()
        .map_or(0, |settings| settings.version);
    let (share, minimum) = texts(shown.as_ref().and_then(|shown| shown.target).as_ref());
    let mut zones: Vec<_> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    zones.sort_unstable();
    let body = SettingsPage {
        here: "settings",
        latest,
        in_force,
        live_for_users: shown.as_ref().is_none_or(|shown| shown.live_for_users),
        live_for_leads: shown.as_ref().is_none_or(|shown| shown.live_for_leads),
        plan: shown
            .as_ref()
            .is_none_or(|shown| shown.plan_includes_ratings),
        zone: shown
            .as_ref()
            .map_or("UTC", |shown| shown.time_zone.as_str())
            .to_owned(),
        zones,
        share,
        minimum,
        targets: targets(&pages, &desk, shown.as_ref()).await?,
        versions: versions
            .iter()
            .map(|version| row(&desk, version, in_force))
            .collect(),
        saved: desk.query.get("saved").map(str::to_owned),
        desk,
    };
    page(&body)
}

/// A target as the form has it: per cent, and a number.
fn texts(target: Option<&TargetSettings>) -> (String, String) {
    let share = |share: f64| {
        let rounded = (share * 10_000.0).round() / 100.0;
        rounded.to_string()
    };
    target.map_or_else(Default::default, |target| {
        (
            share(target.positive_share),
            target.minimum_ratings.to_string(),
        )
    })
}

async fn targets(
    pages: &Pages,
    desk: &Desk,
    shown: Option<&SettingsVersion>,
) -> Result<Vec<TargetRow>, Fault> {
    let recent = Filter {
        workspace_id: desk.workspace_id.clone(),
        period: Period::ending(desk.today, RECENT_DAYS),
        teammate_id: None,
        channel: None,
    };
    let known = shown
        .map(|shown| shown.teammate_targets.clone())
        .unwrap_or_default();
    let mut ids = pages.teammate_ids(&recent).await?;
    ids.extend(
        known
            .keys()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect::<Vec<_>>(),
    );
    ids.sort_unstable();
    let row = |id: String| {
        let (share, minimum) = texts(known.get(&id));
        TargetRow { id, share, minimum }
    };
    Ok(ids.into_iter().map(row).collect())
}

fn row(desk: &Desk, version: &SettingsVersion, in_force: i64) -> VersionRow {
    let target = |target: &TargetSettings| {
        let least = words::counted(target.minimum_ratings.into(), "rating", "ratings");
        format!(
            "{} from {least} on",
            words::percent_short(target.positive_share)
        )
    };
    let live = match (
        version.plan_includes_ratings,
        version.live_for_users,
        version.live_for_leads,
    ) {
        (false, ..) => "not in the plan",
        (_, true, true) => "users and leads",
        (_, true, false) => "users",
        (_, false, true) => "leads",
        (_, false, false) => "nobody",
    };
    VersionRow {
        version: version.version,
        from: match version.effective_from {
            0 => "the beginning".to_owned(),
            from => desk.moment(from),
        },
        by: version
            .appended_by
            .clone()
            .unwrap_or_else(|| "not told".to_owned()),
        at: version
            .appended_at
            .map_or_else(|| "not told".to_owned(), |at| desk.moment(at)),
        live: live.to_owned(),
        zone: version.time_zone.clone(),
        target: version
            .target
            .as_ref()
            .map_or_else(|| "none".to_owned(), target),
        teammates: version
            .teammate_targets
            .iter()
            .map(|(id, own)| format!("{id}: {}", target(own)))
            .collect(),
        in_force: version.version == in_force,
        is_to_come: version.effective_from > desk.now_ms,
    }
}
