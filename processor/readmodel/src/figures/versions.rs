//! The versions of a workspace's settings, as they are told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::Page;
use crate::figures::cursor::Cursor;
use crate::request::flag;
use crate::story::{time, time_or_null};

/// A happiness target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetSettings {
    /// Positive ratings among all, 0 to 1.
    pub positive_share: f64,
    /// With fewer ratings nothing is said of the target.
    pub minimum_ratings: i32,
}

/// One version of a workspace's settings. A version never changes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SettingsVersion {
    pub version: i64,
    /// From when on it is in force, by the time of the facts.
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub effective_from: i64,
    pub live_for_users: bool,
    pub live_for_leads: bool,
    pub plan_includes_ratings: bool,
    /// An IANA name.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    #[schema(required)]
    pub target: Option<TargetSettings>,
    /// Those that differ from the workspace's, by teammate.
    pub teammate_targets: BTreeMap<String, TargetSettings>,
    /// When it was appended, by the clock of who did; null when its record does not say.
    #[serde(serialize_with = "time_or_null")]
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub appended_at: Option<i64>,
    /// Who appended it, as far as its record says.
    #[schema(required)]
    pub appended_by: Option<String>,
}

const SELECT: &str = "SELECT version, effective_from, live_for_users, live_for_leads, plan_includes_ratings, time_zone, \
     target_positive_share, target_minimum_ratings, teammate_targets, appended_at, appended_by FROM settings_versions ";
const IN_FORCE: &str = "WHERE workspace_id = $1 AND effective_from <= $2 ORDER BY effective_from DESC, version DESC LIMIT 1";
const LATEST: &str = "WHERE workspace_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3";

impl SettingsVersion {
    /// The target of a teammate, or of the workspace.
    #[must_use]
    pub fn target_of(&self, teammate_id: Option<&str>) -> Option<TargetSettings> {
        let own = teammate_id.and_then(|id| self.teammate_targets.get(id));
        own.copied().or(self.target)
    }

    fn from_row(row: &AnyRow) -> Result<SettingsVersion, ReadModelError> {
        let share: Option<f64> = row.try_get(6)?;
        let minimum: Option<i64> = row.try_get(7)?;
        let targets: String = row.try_get(8)?;
        let targets = serde_json::from_str(&targets).map_err(|error| {
            ReadModelError::Stop(format!("the report database's teammate_targets: {error}"))
        })?;
        Ok(SettingsVersion {
            version: row.try_get(0)?,
            effective_from: row.try_get(1)?,
            live_for_users: flag(row, 2)?,
            live_for_leads: flag(row, 3)?,
            plan_includes_ratings: flag(row, 4)?,
            time_zone: row.try_get(5)?,
            target: share
                .zip(minimum)
                .map(|(positive_share, minimum)| TargetSettings {
                    positive_share,
                    minimum_ratings: i32::try_from(minimum).unwrap_or(i32::MAX),
                }),
            teammate_targets: targets,
            appended_at: row.try_get(9)?,
            appended_by: row.try_get(10)?,
        })
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

impl ReportDatabase {
    /// The settings in force at an instant, by the version with the latest `effective_from` not after it (on a tie the higher
    /// version); None before the first, when the defaults hold.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn settings_at(
        &self,
        workspace_id: &str,
        at_ms: i64,
    ) -> Result<Option<SettingsVersion>, ReadModelError> {
        let sql = sqlx::AssertSqlSafe(format!("{SELECT}{IN_FORCE}"));
        let query = sqlx::query(sql).bind(workspace_id).bind(at_ms);
        let row = query.fetch_optional(self.readers()).await?;
        row.as_ref().map(SettingsVersion::from_row).transpose()
    }

    /// The versions of a workspace's settings, the highest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn settings_versions(
        &self,
        workspace_id: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<SettingsVersion>, ReadModelError> {
        let below = after.map_or(i64::MAX, |cursor| cursor.at);
        let sql = sqlx::AssertSqlSafe(format!("{SELECT}{LATEST}"));
        let query = sqlx::query(sql)
            .bind(workspace_id)
            .bind(below)
            .bind(limit as i64);
        let rows = query.fetch_all(self.readers()).await?;
        let versions = rows.iter().map(SettingsVersion::from_row);
        let entries: Vec<_> = versions.collect::<Result<_, _>>()?;
        let last = entries.last().filter(|_| entries.len() == limit);
        let next = last.map(|last| Cursor::new("", last.version, ""));
        Ok(Page { entries, next })
    }

    /// The workspace's date at an instant.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn date_at(&self, workspace_id: &str, at_ms: i64) -> Result<Date, ReadModelError> {
        let settings = self.settings_at(workspace_id, at_ms).await?;
        let zone = settings.map_or(TimeZone::UTC, |settings| settings.zone());
        let instant = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(instant.to_zoned(zone).date())
    }

    /// The settings whose targets count for a period: those in force at its end, or now if that is earlier.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn settings_of(
        &self,
        workspace_id: &str,
        last_day: Date,
        now_ms: i64,
    ) -> Result<Option<SettingsVersion>, ReadModelError> {
        let now = self.settings_at(workspace_id, now_ms).await?;
        let zone = now.as_ref().map_or(TimeZone::UTC, SettingsVersion::zone);
        let end = last_day.tomorrow().unwrap_or(last_day).to_zoned(zone);
        let end = end.map_or(now_ms, |end| end.timestamp().as_millisecond() - 1);
        if end >= now_ms {
            return Ok(now);
        }
        self.settings_at(workspace_id, end).await
    }
}
