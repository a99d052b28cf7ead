//! The form of settings: what it says becomes another version in the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use afterword_readmodel::figures::{SettingsVersion, TargetSettings};
use afterword_schemas::records::{Target, Timestamp, WorkspaceSettings};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::chosen::Query;
use super::desk::Desk;
use super::fault::Fault;
use super::settings::VERSIONS;
use super::{Pages, forms};
use crate::{now_ms, settings_log};

/// How long a new version is waited for until it can be seen.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);

/// Appends a version, and waits until it can be seen.
pub async fn post(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
    body: Body,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let form = forms::read(&parts, body).await?;
    let known = pages
        .database
        .settings_versions(&workspace, None, 1)
        .await?;
    let latest = known.entries.first().map_or(0, |version| version.version);
    if form.get("latest") != Some(latest.to_string().as_str()) {
        let text = "Somebody has saved other settings since this page was loaded. Load it again, and make your change once more.";
        return Err(Fault::Form(text.to_owned()));
    }
    let settings = read(&desk, &form, latest + 1)?;
    append(&pages, &settings, &desk.visitor.name).await?;
    wait(&pages, &settings).await?;
    Ok(forms::see(&format!(
        "{}?saved={}",
        desk.path("settings"),
        settings.version
    )))
}

fn read(desk: &Desk, form: &Query, version: i64) -> Result<WorkspaceSettings, Fault> {
    let zone_name = form.get("time_zone").unwrap_or_default();
    let Ok(zone) = TimeZone::get(zone_name) else {
        return Err(Fault::Form(format!(
            "Time zone: expected a name such as Europe/Dublin, found “{zone_name}”."
        )));
    };
    let mut teammate_targets = BTreeMap::new();
    for (id, share) in form.prefixed("share:") {
        let minimum = form.get(&format!("minimum:{id}"));
        if let Some(target) = target(Some(share), minimum, &format!("Target of {id}"))? {
            teammate_targets.insert(id.to_owned(), target);
        }
    }
    if let Some(id) = form.get("other") {
        let own = target(
            form.get("other_share"),
            form.get("other_minimum"),
            &format!("Target of {id}"),
        )?;
        teammate_targets.extend(own.map(|own| (id.to_owned(), own)));
    }
    let settings = WorkspaceSettings {
        workspace_id: desk.workspace_id.clone(),
        version,
        effective_from: Timestamp(effective_from(form, &zone)?),
        live_for_users: form.get("live_for_users").is_some(),
        live_for_leads: form.get("live_for_leads").is_some(),
        plan_includes_ratings: form.get("plan").is_some(),
        time_zone: zone_name.to_owned(),
        target: target(form.get("share"), form.get("minimum"), "Target")?,
        teammate_targets,
    };
    settings
        .validate()
        .map_err(|error| Fault::Form(error.to_string()))?;
    Ok(settings)
}

/// No share, no target.
fn target(share: Option<&str>, minimum: Option<&str>, name: &str) -> Result<Option<Target>, Fault> {
    let Some(text) = share else {
        return Ok(None);
    };
    let wrong = |expected: &str, found: &str| {
        Fault::Form(format!("{name}: expected {expected}, found “{found}”."))
    };
    let share = text
        .trim_end_matches('%')
        .trim()
        .replace(',', ".")
        .parse::<f64>();
    let share = share.ok().filter(|share| (0.0..=100.0).contains(share));
    let share = share.ok_or_else(|| wrong("a share from 0 to 100", text))?;
    let minimum = minimum.unwrap_or("20");
    let minimum_ratings = minimum.parse::<i32>().ok().filter(|number| *number >= 0);
    Ok(Some(Target {
        positive_share: share / 100.0,
        minimum_ratings: minimum_ratings.ok_or_else(|| wrong("a number of ratings", minimum))?,
    }))
}

/// Now, or the time of the form in the workspace's new zone.
fn effective_from(form: &Query, zone: &TimeZone) -> Result<i64, Fault> {
    let Some(text) = form.get("from") else {
        return Ok(now_ms());
    };
    let wrong = || {
        Fault::Form(format!(
            "From when on: expected a time such as 2026-03-31T09:00, found “{text}”."
        ))
    };
    let time: DateTime = text.parse().map_err(|_| wrong())?;
    let zoned = time.to_zoned(zone.clone()).map_err(|_| wrong())?;
    Ok(zoned.timestamp().as_millisecond())
}

async fn append(pages: &Pages, settings: &WorkspaceSettings, by: &str) -> Result<(), Fault> {
    let unavailable = |reason: &str| {
        Fault::Unavailable(format!(
            "The settings could not be saved: {reason}. Go back and send them again."
        ))
    };
    let (log, schemas) = (Arc::clone(&pages.log), Arc::clone(&pages.schemas));
    let (one, by) = (vec![settings.clone()], by.to_owned());
    // One at a time, so that of two with one number the second is told.
    let _turn = pages.turns.lock().await;
    let add = move || settings_log::add(&*log, &schemas, &one, Some(&by));
    let added = pages
        .gate
        .run(add)
        .await
        .map_err(|_| unavailable("the log did not answer in time"))?;
    added.map_err(|error| unavailable(&error.to_string()))
}

/// Until the version is in the database, or its place was taken by another.
async fn wait(pages: &Pages, settings: &WorkspaceSettings) -> Result<(), Fault> {
    let until = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < until {
        let found = pages
            .database
            .settings_versions(&settings.workspace_id, None, VERSIONS)
            .await?;
        if let Some(there) = found
            .entries
            .iter()
            .find(|there| there.version == settings.version)
        {
            return match is_same(there, settings) {
                true => Ok(()),
                false => Err(Fault::Form("Somebody else saved other settings at the same moment; theirs stand. Load the page again.".to_owned())),
            };
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

fn is_same(there: &SettingsVersion, settings: &WorkspaceSettings) -> bool {
    let share = |target: &TargetSettings| target.positive_share;
    there.effective_from == settings.effective_from.0
        && there.time_zone == settings.time_zone
        && there.live_for_users == settings.live_for_users
        && there.live_for_leads == settings.live_for_leads
        && there.target.as_ref().map(share) == settings.target.map(|target| target.positive_share)
        && there.teammate_targets.len() == settings.teammate_targets.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_people_write_it() {
        let read = |share, minimum| target(Some(share), Some(minimum), "Target");
        assert_eq!(
            read("92,5 %", "30").unwrap(),
            Some(Target {
                positive_share: 0.925,
                minimum_ratings: 30
            })
        );
        assert_eq!(target(None, Some("30"), "Target").unwrap(), None);
        for (share, minimum) in [
            ("120", "3"),
            ("x", "3"),
            ("-1", "3"),
            ("NaN", "3"),
            ("80", "-3"),
            ("80", "many"),
        ] {
            assert!(read(share, minimum).is_err(), "{share} {minimum}");
        }
    }

    #[test]
    fn a_time_is_of_the_new_zone() {
        let dublin = TimeZone::get("Europe/Dublin").unwrap();
        let at = |text: &str| effective_from(&Query::parse(&format!("from={text}")), &dublin);
        assert_eq!(at("2026-07-01T01:00").unwrap(), 1_782_864_000_000);
        assert!(at("tomorrow").is_err());
    }
}
