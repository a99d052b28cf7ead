//! Claiming what is due, saying what became of it, and sharing events out among endpoints.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection, Row as _};

use super::queued::COLUMNS;
use super::{DeliveryState, EventKind, Lane, Queued};
use crate::database::{Dialect, ReportDatabase};
use crate::error::ReadModelError;
use crate::sql::{Table, execute_in};

/// Longest detail that is stored, in characters.
const DETAIL_CHARS: usize = 300;

/// Events that are shared out in one transaction.
const SHARED_AT_ONCE: i64 = 200;

/// A delivery that is ours to try, until the claim ends.
#[derive(Clone, Debug)]
pub struct Claim {
    pub delivery_id: String,
    pub workspace_id: String,
    pub customer_id: String,
    pub request_id: String,
    /// Of the submission; 0: the request.
    pub revision: i64,
    /// Milliseconds since 1970 from which its age counts.
    pub counted_from: i64,
    /// Attempts, with the one that this claim is for.
    pub attempts: i64,
    token: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Final, and why, if there is something to say.
    Final(DeliveryState, String),
    /// Final without having been tried again: what the last attempt said stays.
    End(DeliveryState),
    /// No address is known yet.
    NoAddress,
    /// To be tried again then (milliseconds since 1970), and why.
    Retry { at_ms: i64, detail: String },
    /// Not tried after all, since the other side could not be reached: the attempt does not count.
    Release { at_ms: i64 },
}

const CLAIMED: &str = "SELECT delivery_id, workspace_id, customer_id, request_id, revision, counted_from, attempts FROM deliveries \
     WHERE state = 'waiting' AND lane = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3";

const IS_DUE: &str =
    "SELECT 1 FROM deliveries WHERE state = 'waiting' AND lane = $1 AND due_at <= $2 LIMIT 1";

const FINISH: &str = "UPDATE deliveries SET state = $1, due_at = $2, attempts = attempts - $3, finished_at = $4, \
     detail = COALESCE($5, detail), claim = NULL WHERE delivery_id = $6 AND claim = $7";

/// An address may have come between looking for it and saying that there is none.
const FIND_ADDRESS: &str = "UPDATE deliveries SET state = 'waiting' WHERE delivery_id = $1 AND state = 'no_address' \
     AND EXISTS (SELECT 1 FROM contacts WHERE contacts.workspace_id = deliveries.workspace_id \
     AND contacts.customer_id = deliveries.customer_id AND (email IS NOT NULL OR wants_mail = 0))";

/// To endpoints. What was sent before is sent again only when somebody asks for it, which makes an event of it anew.
const SHARED: Table = Table {
    name: "deliveries",
    columns: COLUMNS,
    conflict: AGAIN,
};

pub(crate) const AGAIN: &str = "ON CONFLICT (delivery_id) DO UPDATE SET state = 'waiting', due_at = 0, claim = NULL, attempts = 0, \
     finished_at = NULL, detail = '', counted_from = excluded.counted_from WHERE deliveries.finished_at IS NOT NULL";

impl Claim {
    fn from_row(row: &AnyRow, token: &str) -> Result<Claim, ReadModelError> {
        Ok(Claim {
            delivery_id: row.try_get(0)?,
            workspace_id: row.try_get(1)?,
            customer_id: row.try_get(2)?,
            request_id: row.try_get(3)?,
            revision: row.try_get(4)?,
            counted_from: row.try_get(5)?,
            attempts: row.try_get::<i64, _>(6)? + 1,
            token: token.to_owned(),
        })
    }

    /// What it tells of.
    #[must_use]
    pub fn event(&self) -> EventKind {
        EventKind::of_revision(self.revision)
    }

    /// The id of the webhook's message.
    #[must_use]
    pub fn message_id(&self) -> String {
        self.event().message_id(&self.request_id, self.revision)
    }
}

impl Dialect {
    /// After a `SELECT` of rows to be claimed: those that another claims right now are passed over. SQLite has one writer.
    pub(crate) fn passing_over_locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }
}

impl ReportDatabase {
    /// Claims what is due in a lane, at most so many, those that are longest due first. `token` names the claim, and is never
    /// used twice. Times are milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn claim_deliveries(
        &self,
        lane: &Lane,
        token: &str,
        now_ms: i64,
        until_ms: i64,
        most: u32,
    ) -> Result<Vec<Claim>, ReadModelError> {
        let (lane, dialect) = (lane.name(), self.dialect());
        // Looking costs no lock of the writers, and mostly there is nothing.
        if !self.is_due(&lane, now_ms).await? {
            return Ok(Vec::new());
        }
        let mut connection = self.writer().await?;
        let claimed = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            let select = sqlx::AssertSqlSafe(format!("{CLAIMED}{}", dialect.passing_over_locked()));
            let query = sqlx::query(select)
                .bind(&lane)
                .bind(now_ms)
                .bind(i64::from(most));
            let rows = query.fetch_all(&mut *transaction).await?;
            let claims: Vec<_> = rows
                .iter()
                .map(|row| Claim::from_row(row, token))
                .collect::<Result<_, _>>()?;
            let ids: Vec<_> = claims
                .iter()
                .map(|claim| claim.delivery_id.as_str())
                .collect();
            let update = format!(
                "UPDATE deliveries SET claim = '{}', due_at = {until_ms}, attempts = attempts + 1 WHERE delivery_id",
                plain(token)
            );
            execute_in(&mut transaction, dialect, &update, &ids).await?;
            transaction.commit().await?;
            Ok(claims)
        };
        let claimed = dialect.limited(claimed).await;
        if claimed.is_err() {
            connection.close_on_drop();
        }
        claimed
    }

    async fn is_due(&self, lane: &str, now_ms: i64) -> Result<bool, ReadModelError> {
        let query = sqlx::query(IS_DUE).bind(lane).bind(now_ms);
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    /// Says what became of a claim. False when it was not ours any more: its time was over, and another has it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn finish_delivery(
        &self,
        claim: &Claim,
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<bool, ReadModelError> {
        let (state, due_at, uncounted, detail) = match outcome {
            Outcome::Final(state, detail) => (*state, now_ms, 0, Some(detail)),
            Outcome::End(state) => (*state, now_ms, 1, None),
            Outcome::NoAddress => (DeliveryState::NoAddress, now_ms, 1, None),
            Outcome::Retry { at_ms, detail } => (DeliveryState::Waiting, *at_ms, 0, Some(detail)),
            Outcome::Release { at_ms } => (DeliveryState::Waiting, *at_ms, 1, None),
        };
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let detail = detail.map(|detail| {
            let chars = detail.chars().map(clean).take(DETAIL_CHARS);
            chars.collect::<String>()
        });
        let query = sqlx::query(FINISH)
            .bind(state.symbol())
            .bind(due_at)
            .bind(uncounted)
            .bind(state.is_final().then_some(now_ms))
            .bind(detail)
            .bind(&claim.delivery_id)
            .bind(&claim.token);
        let mut connection = self.writer().await?;
        let done = query.execute(&mut *connection).await?;
        if state == DeliveryState::NoAddress {
            let query = sqlx::query(FIND_ADDRESS).bind(&claim.delivery_id);
            query.execute(&mut *connection).await?;
        }
        Ok(done.rows_affected() > 0)
    }

    /// Makes of events that wait the deliveries to endpoints: `told` names those that are told of such an event in such a
    /// workspace. Returns how many events were shared out; fewer than there may be, when there are many.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was shared out.
    pub async fn share_events_out(
        &self,
        now_ms: i64,
        told: impl Fn(EventKind, &str) -> Vec<String>,
    ) -> Result<usize, ReadModelError> {
        let (lane, dialect) = (Lane::Events.name(), self.dialect());
        if !self.is_due(&lane, now_ms).await? {
            return Ok(0);
        }
        let mut connection = self.writer().await?;
        let shared = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            let select = sqlx::AssertSqlSafe(format!("{CLAIMED}{}", dialect.passing_over_locked()));
            let query = sqlx::query(select)
                .bind(&lane)
                .bind(now_ms)
                .bind(SHARED_AT_ONCE);
            let rows = query.fetch_all(&mut *transaction).await?;
            let events: Vec<_> = rows
                .iter()
                .map(|row| Claim::from_row(row, ""))
                .collect::<Result<_, _>>()?;
            share_out(&mut transaction, dialect, &events, told).await?;
            transaction.commit().await?;
            Ok(events.len())
        };
        let shared = dialect.limited(shared).await;
        if shared.is_err() {
            connection.close_on_drop();
        }
        shared
    }
}

async fn share_out(
    connection: &mut AnyConnection,
    dialect: Dialect,
    events: &[Claim],
    told: impl Fn(EventKind, &str) -> Vec<String>,
) -> Result<(), ReadModelError> {
    let mut queued = Vec::new();
    for event in events {
        for endpoint in told(event.event(), &event.workspace_id) {
            queued.push(Queued {
                delivery_id: format!("{}@{endpoint}", event.message_id()),
                lane: Lane::Webhook(endpoint),
                workspace_id: event.workspace_id.clone(),
                customer_id: event.customer_id.clone(),
                request_id: event.request_id.clone(),
                revision: event.revision,
                counted_from: event.counted_from,
            });
        }
    }
    SHARED.write(connection, dialect, &queued).await?;
    let ids: Vec<_> = events
        .iter()
        .map(|event| event.delivery_id.as_str())
        .collect();
    execute_in(
        connection,
        dialect,
        "DELETE FROM deliveries WHERE delivery_id",
        &ids,
    )
    .await?;
    Ok(())
}

/// A token as it may stand in a statement.
fn plain(token: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    token.chars().filter(is_plain).collect()
}
