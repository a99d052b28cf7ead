//! The versions of workspaces' settings: stored once each, and looked up for the time zone in force at an instant.

use std::collections::{BTreeMap, HashMap, HashSet};

use afterword_schemas::records::{Target, WorkspaceSettings};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tracing::warn;

use crate::database::Dialect;
use crate::error::ReadModelError;
use crate::output::SettingsRecord;
use crate::sql::{Row, Table, Values, select_in};

/// Workspaces whose time zones are kept in memory; the others are read again when they come up.
const KEPT_WORKSPACES: usize = 10_000;

const TABLE: Table = Table {
    name: "settings_versions",
    columns: &[
        "workspace_id",
        "version",
        "effective_from",
        "live_for_users",
        "live_for_leads",
        "plan_includes_ratings",
        "time_zone",
        "target_positive_share",
        "target_minimum_ratings",
        "teammate_targets",
        "appended_at",
        "appended_by",
    ],
    conflict: "ON CONFLICT (workspace_id, version) DO NOTHING",
};

const SELECT_ZONES: &str = "SELECT workspace_id, version, effective_from, time_zone FROM settings_versions \
     WHERE workspace_id";

const SELECT_SAME: &str = "SELECT effective_from, live_for_users, live_for_leads, plan_includes_ratings, time_zone, \
     target_positive_share, target_minimum_ratings, teammate_targets FROM settings_versions \
     WHERE workspace_id = $1 AND version = $2";

/// One version as its row.
#[derive(Clone, Debug, PartialEq)]
struct SettingsRow {
    workspace_id: String,
    version: i64,
    effective_from: i64,
    live_for_users: bool,
    live_for_leads: bool,
    plan_includes_ratings: bool,
    time_zone: String,
    target_positive_share: Option<f64>,
    target_minimum_ratings: Option<i64>,
    teammate_targets: String,
}

/// A target as JSON, in `teammate_targets`.
#[derive(Serialize, Deserialize)]
struct TargetJson {
    positive_share: f64,
    minimum_ratings: i32,
}

/// From when on which zone, by version.
#[derive(Clone, Debug)]
struct ZoneVersion {
    effective_from: i64,
    version: i64,
    zone: TimeZone,
}

/// The time zones of workspaces, as far as they are projected.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    workspaces: HashMap<String, Vec<ZoneVersion>>,
    by_name: HashMap<String, TimeZone>,
}

impl SettingsRow {
    fn of(settings: &WorkspaceSettings) -> Result<SettingsRow, ReadModelError> {
        let json = |target: &Target| TargetJson {
            positive_share: target.positive_share,
            minimum_ratings: target.minimum_ratings,
        };
        let targets = settings.teammate_targets.iter();
        let targets: BTreeMap<_, _> = targets.map(|(id, target)| (id, json(target))).collect();
        let targets = serde_json::to_string(&targets);
        let targets = targets.map_err(|error| ReadModelError::Stop(error.to_string()))?;
        let target = settings.target;
        Ok(SettingsRow {
            workspace_id: settings.workspace_id.clone(),
            version: settings.version,
            effective_from: settings.effective_from.0,
            live_for_users: settings.live_for_users,
            live_for_leads: settings.live_for_leads,
            plan_includes_ratings: settings.plan_includes_ratings,
            time_zone: settings.time_zone.clone(),
            target_positive_share: target.map(|target| target.positive_share),
            target_minimum_ratings: target.map(|target| target.minimum_ratings.into()),
            teammate_targets: targets,
        })
    }

    async fn load(
        connection: &mut AnyConnection,
        workspace_id: &str,
        version: i64,
    ) -> Result<Option<SettingsRow>, ReadModelError> {
        let query = sqlx::query(SELECT_SAME).bind(workspace_id).bind(version);
        let Some(row) = query.fetch_optional(connection).await? else {
            return Ok(None);
        };
        let flag = |index: usize| row.try_get::<i16, _>(index).map(|flag| flag != 0);
        Ok(Some(SettingsRow {
            workspace_id: workspace_id.to_owned(),
            version,
            effective_from: row.try_get(0)?,
            live_for_users: flag(1)?,
            live_for_leads: flag(2)?,
            plan_includes_ratings: flag(3)?,
            time_zone: row.try_get(4)?,
            target_positive_share: row.try_get(5)?,
            target_minimum_ratings: row.try_get(6)?,
            teammate_targets: row.try_get(7)?,
        }))
    }
}

impl Row for (&SettingsRow, &SettingsRecord) {
    fn values(&self, values: &mut Values) {
        let (row, record) = self;
        values.text(&row.workspace_id);
        values.integer(row.version);
        values.integer(row.effective_from);
        values.flag(row.live_for_users);
        values.flag(row.live_for_leads);
        values.flag(row.plan_includes_ratings);
        values.text(&row.time_zone);
        values.real_or_null(row.target_positive_share);
        values.integer_or_null(row.target_minimum_ratings);
        values.text(&row.teammate_targets);
        values.integer(record.appended_at);
        values.text_or_null(record.appended_by.as_deref());
    }
}

/// Stores versions that are new, and returns how many were refused: a version never changes, so a repetition that says
/// something else is not believed. Every projector stores all of them, and it makes no difference who is first.
pub(crate) async fn store(
    connection: &mut AnyConnection,
    dialect: Dialect,
    versions: &[SettingsRecord],
    zones: &mut Zones,
) -> Result<u64, ReadModelError> {
    let mut refused = 0;
    // In the order of their keys, in which all projectors lock the rows; of one version in the order of the log.
    let mut versions: Vec<_> = versions.iter().collect();
    versions.sort_by_key(|version| {
        let settings = &version.settings;
        (&settings.workspace_id, settings.version, version.at)
    });
    for version in versions {
        let (at, row) = (version.at, SettingsRow::of(&version.settings)?);
        // Another projector may have stored it: since then it is in force, and not in this one's memory yet.
        zones.workspaces.remove(&row.workspace_id);
        if TABLE.write(connection, dialect, &[(&row, version)]).await? == 1 {
            continue;
        }
        let stored = SettingsRow::load(connection, &row.workspace_id, row.version).await?;
        if stored.as_ref() != Some(&row) {
            refused += 1;
            let (workspace_id, version) = (&row.workspace_id, row.version);
            warn!(offset = at.0, %workspace_id, version, "a differing repetition of a settings version was refused");
        }
    }
    Ok(refused)
}

impl Zones {
    /// Makes sure that the zones of these workspaces are known.
    pub async fn load(
        &mut self,
        connection: &mut AnyConnection,
        dialect: Dialect,
        workspace_ids: &HashSet<&str>,
    ) -> Result<(), ReadModelError> {
        if self.workspaces.len() > KEPT_WORKSPACES {
            self.forget();
        }
        let is_missing = |id: &&str| !self.workspaces.contains_key(*id);
        let missing: Vec<_> = workspace_ids.iter().copied().filter(is_missing).collect();
        for id in &missing {
            self.workspaces.insert((*id).to_owned(), Vec::new());
        }
        let rows = select_in(connection, dialect, SELECT_ZONES, &missing).await?;
        for row in rows {
            self.add(&row)?;
        }
        Ok(())
    }

    /// Forgets everything: after a transaction that may not have been committed.
    pub fn forget(&mut self) {
        self.workspaces.clear();
        self.by_name.clear();
    }

    fn add(&mut self, row: &AnyRow) -> Result<(), ReadModelError> {
        let workspace_id: String = row.try_get(0)?;
        let name: String = row.try_get(3)?;
        let version = ZoneVersion {
            version: row.try_get(1)?,
            effective_from: row.try_get(2)?,
            zone: self.zone(&name),
        };
        self.workspaces
            .entry(workspace_id)
            .or_default()
            .push(version);
        Ok(())
    }

    fn zone(&mut self, name: &str) -> TimeZone {
        if let Some(zone) = self.by_name.get(name) {
            return zone.clone();
        }
        let zone = TimeZone::get(name).unwrap_or_else(|error| {
            // Settings are validated when they are decoded, so this machine's zone database must be older than theirs.
            warn!(%error, "an unknown time zone is taken as UTC");
            TimeZone::UTC
        });
        self.by_name.insert(name.to_owned(), zone.clone());
        zone
    }

    /// The ISO date of an instant in the workspace's zone, by the version with the latest `effective_from` not after it (on
    /// a tie the higher version); UTC before the first. Instants outside years -9999 to 9999 count as the nearest inside.
    pub fn day(&self, workspace_id: &str, at_ms: i64) -> String {
        let versions = self.workspaces.get(workspace_id).map(Vec::as_slice);
        let versions = versions.unwrap_or_default().iter();
        let in_force = versions
            .filter(|version| version.effective_from <= at_ms)
            .max_by_key(|version| (version.effective_from, version.version));
        let instant = Timestamp::from_millisecond(at_ms);
        let instant = instant.unwrap_or(if at_ms < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        let zone = in_force.map_or(TimeZone::UTC, |version| version.zone.clone());
        instant.to_zoned(zone).date().to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn zones(versions: &[(i64, i64, &str)]) -> Zones {
        let mut zones = Zones::default();
        for (version, effective_from, name) in versions {
            let zone = zones.zone(name);
            let version = ZoneVersion {
                effective_from: *effective_from,
                version: *version,
                zone,
            };
            zones
                .workspaces
                .entry("w".to_owned())
                .or_default()
                .push(version);
        }
        zones
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn days_are_the_zones_days_when_clocks_change() {
        let berlin = zones(&[(1, i64::MIN, "Europe/Berlin")]);
        let cases = [
            ("2026-03-28T22:59:59.999Z", "2026-03-28"),
            ("2026-03-28T23:00:00.000Z", "2026-03-29"), // the day of 23 hours
            ("2026-03-29T21:59:59.999Z", "2026-03-29"),
            ("2026-03-29T22:00:00.000Z", "2026-03-30"),
            ("2026-10-24T22:00:00.000Z", "2026-10-25"), // the day of 25 hours
            ("2026-10-25T22:59:59.999Z", "2026-10-25"),
            ("2026-10-25T23:00:00.000Z", "2026-10-26"),
        ];
        for (instant, day) in cases {
            assert_eq!(berlin.day("w", at(instant)), day, "{instant}");
        }
        assert_eq!(
            berlin.day("other", at("2026-03-28T23:00:00Z")),
            "2026-03-28"
        );
    }

    #[test]
    fn the_version_in_force_is_the_latest_from_then_on_and_the_higher_of_two() {
        let noon = at("2026-06-01T12:00:00Z");
        let zones = zones(&[
            (3, noon, "Pacific/Auckland"),
            (2, noon, "UTC"),
            (9, noon - 86_400_000, "America/Los_Angeles"),
        ]);
        assert_eq!(zones.day("w", noon), "2026-06-02");
        assert_eq!(zones.day("w", noon - 1), "2026-06-01");
        assert_eq!(zones.day("w", noon - 86_400_000), "2026-05-31");
        assert_eq!(zones.day("w", noon - 86_400_001), "2026-05-31");
        assert_eq!(
            zones.day("w", noon - 12 * 3_600_000),
            "2026-05-31",
            "5 in the evening"
        );
    }

    #[test]
    fn instants_beyond_the_calendar_have_a_day() {
        assert_eq!(zones(&[]).day("w", i64::MAX), "9999-12-30");
        assert_eq!(zones(&[]).day("w", i64::MIN), "-009999-01-02");
    }
}
