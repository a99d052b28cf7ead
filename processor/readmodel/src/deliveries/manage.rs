//! What a person does with the queue: look, have something sent again, replay events.

use serde::Serialize;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Arguments, AssertSqlSafe, Row as _};

use super::claim::AGAIN;
use super::{DeliveryState, EventKind, Lane};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::story::{time, time_or_null};

/// Which deliveries; what is empty or none allows all.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub ids: Vec<String>,
    pub states: Vec<DeliveryState>,
    pub lane: Option<Lane>,
    pub workspace_id: Option<String>,
}

/// A delivery as a person sees it. Never with an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryRow {
    pub delivery_id: String,
    /// `mail`, `events` (not shared out yet), or `webhook:` and the endpoint's name.
    pub lane: String,
    pub workspace_id: String,
    pub request_id: String,
    /// Of the submission; 0: the request.
    pub revision: i64,
    pub state: String,
    pub attempts: i64,
    /// When the customer was asked or answered; of what was sent again on demand, when that was asked for.
    #[serde(serialize_with = "time")]
    pub counted_from: i64,
    /// When it is tried next; null when it is final.
    #[serde(serialize_with = "time_or_null")]
    pub due_at: Option<i64>,
    #[serde(serialize_with = "time_or_null")]
    pub finished_at: Option<i64>,
    pub detail: String,
}

/// Which events are told again. Times are milliseconds since 1970: from the first, until before the second.
#[derive(Clone, Debug)]
pub struct Replay {
    pub from_ms: i64,
    pub until_ms: i64,
    pub event: EventKind,
    pub workspace_id: Option<String>,
    /// None: everybody who is told of such events.
    pub endpoint: Option<String>,
}

const ROWS: &str = "SELECT delivery_id, lane, workspace_id, request_id, revision, state, attempts, counted_from, due_at, \
     finished_at, detail FROM deliveries WHERE TRUE";

const RETRY: &str = "UPDATE deliveries SET state = 'waiting', due_at = 0, claim = NULL, attempts = 0, finished_at = NULL, \
     detail = '', counted_from = $1 WHERE (claim IS NULL OR due_at < $1)";

const REQUESTS: &str = "SELECT 'requested_' || request_id || $1, $2, workspace_id, customer_id, request_id, \
     CAST(0 AS BIGINT), CAST($3 AS BIGINT), 'waiting', CAST(0 AS BIGINT), CAST(0 AS BIGINT), '' FROM requests \
     WHERE requested_at >= $4 AND requested_at < $5";

const SUBMISSIONS: &str = "SELECT 'submitted_' || s.request_id || '_' || CAST(s.revision AS TEXT) || $1, $2, \
     r.workspace_id, r.customer_id, s.request_id, s.revision, CAST($3 AS BIGINT), 'waiting', CAST(0 AS BIGINT), \
     CAST(0 AS BIGINT), '' FROM submissions s JOIN requests r ON r.request_id = s.request_id \
     WHERE s.submitted_at >= $4 AND s.submitted_at < $5";

const INTO: &str = "INSERT INTO deliveries (delivery_id, lane, workspace_id, customer_id, request_id, revision, \
     counted_from, state, due_at, attempts, detail)";

impl DeliveryFilter {
    /// Adds its conditions to a statement that ends with one.
    fn conditions(
        &self,
        sql: &mut String,
        arguments: &mut AnyArguments,
    ) -> Result<(), ReadModelError> {
        let mut among = |column: &str, values: Vec<String>| {
            if values.is_empty() {
                return Ok(());
            }
            let mut places = Vec::new();
            for value in values {
                arguments.add(value).map_err(sqlx::Error::Encode)?;
                places.push(format!("${}", arguments.len()));
            }
            sql.push_str(&format!(" AND {column} IN ({})", places.join(", ")));
            Ok::<_, ReadModelError>(())
        };
        let states = self.states.iter().map(|state| state.symbol().to_owned());
        among("delivery_id", self.ids.clone())?;
        among("state", states.collect())?;
        among("lane", self.lane.iter().map(Lane::name).collect())?;
        among("workspace_id", self.workspace_id.iter().cloned().collect())
    }
}

impl DeliveryRow {
    fn from_row(row: &AnyRow) -> Result<DeliveryRow, ReadModelError> {
        let finished_at: Option<i64> = row.try_get(9)?;
        let due_at: i64 = row.try_get(8)?;
        let state: String = row.try_get(5)?;
        let is_waiting = state == DeliveryState::Waiting.symbol();
        Ok(DeliveryRow {
            delivery_id: row.try_get(0)?,
            lane: row.try_get(1)?,
            workspace_id: row.try_get(2)?,
            request_id: row.try_get(3)?,
            revision: row.try_get(4)?,
            state,
            attempts: row.try_get(6)?,
            counted_from: row.try_get(7)?,
            due_at: is_waiting.then_some(due_at),
            finished_at,
            detail: row.try_get(10)?,
        })
    }
}

impl ReportDatabase {
    /// The deliveries of a filter, the youngest first, at most so many.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        most: u32,
    ) -> Result<Vec<DeliveryRow>, ReadModelError> {
        let (mut sql, mut arguments) = (ROWS.to_owned(), AnyArguments::default());
        filter.conditions(&mut sql, &mut arguments)?;
        sql.push_str(&format!(
            " ORDER BY counted_from DESC, delivery_id LIMIT {most}"
        ));
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(DeliveryRow::from_row).collect()
    }

    /// Has the deliveries of a filter tried again, at once and with their age counted from now; returns how many. One that is
    /// being tried at this moment is left alone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn retry_deliveries(
        &self,
        filter: &DeliveryFilter,
        now_ms: i64,
    ) -> Result<u64, ReadModelError> {
        let (mut sql, mut arguments) = (RETRY.to_owned(), AnyArguments::default());
        arguments.add(now_ms).map_err(sqlx::Error::Encode)?;
        filter.conditions(&mut sql, &mut arguments)?;
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
        let mut connection = self.writer().await?;
        Ok(query.execute(&mut *connection).await?.rows_affected())
    }

    /// Queues events once more, under the ids that they had; what still waits is not doubled. Returns how many were queued.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was queued.
    pub async fn replay_events(&self, replay: &Replay, now_ms: i64) -> Result<u64, ReadModelError> {
        let (suffix, lane) = match &replay.endpoint {
            Some(endpoint) => (format!("@{endpoint}"), Lane::Webhook(endpoint.clone())),
            None => (String::new(), Lane::Events),
        };
        let (select, workspace) = match replay.event {
            EventKind::RatingRequested => (REQUESTS, "workspace_id"),
            EventKind::RatingSubmitted => (SUBMISSIONS, "r.workspace_id"),
        };
        let of_workspace = match replay.workspace_id {
            Some(_) => format!(" AND {workspace} = $6"),
            None => String::new(),
        };
        let sql = format!("{INTO} {select}{of_workspace} {AGAIN}");
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(suffix)
            .bind(lane.name())
            .bind(now_ms)
            .bind(replay.from_ms)
            .bind(replay.until_ms);
        let query = match &replay.workspace_id {
            Some(workspace_id) => query.bind(workspace_id),
            None => query,
        };
        let mut connection = self.writer().await?;
        let done = query.persistent(false).execute(&mut *connection).await?;
        Ok(done.rows_affected())
    }
}
