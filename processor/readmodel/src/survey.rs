//! What the survey asks of the report database: how a request stands, what became of an answer, and a mark on an answer.

use std::collections::HashMap;

use afterword_log::{Offset, Partition, Topic};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::sql::select_in;

/// A request as its customer sees it, and the latest that became of its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub request_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub customer_id: String,
    /// A symbol of the wire contract; none before the first answer.
    pub reaction: Option<String>,
    pub locked: bool,
    /// 0 when it is not rated.
    pub revision: i64,
    /// Whether an answer was refused because the conversation is deleted; before one was, nothing tells.
    pub deleted: bool,
    /// The facts that made its latest submissions, at most [`LATEST`] of them: partition and offset.
    pub accepted: Vec<(Partition, Offset)>,
    /// That which made the first of all its submissions, when it is among them.
    pub first: Option<(Partition, Offset)>,
}

/// Submissions of a request that [`Standing::accepted`] tells.
pub const LATEST: i64 = 20;

/// An answer that came as no person sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerMark {
    pub partition: Partition,
    pub offset: Offset,
    /// `unread` or `rapid`.
    pub mark: &'static str,
    pub workspace_id: String,
    pub request_id: String,
    pub event_id: String,
    /// Milliseconds since 1970.
    pub marked_at: i64,
}

const STANDING: &str = "SELECT request_id, workspace_id, conversation_id, customer_id, reaction, locked, revision, \
     CAST((SELECT COUNT(*) FROM (SELECT 1 FROM refusals WHERE refusals.request_id = requests.request_id \
     AND refusals.reason = 'deleted' LIMIT 1) AS refused) AS BIGINT) FROM requests WHERE request_id";

// A request's first submissions may be many; a waiting answer is among the last.
const ACCEPTED: &str = "SELECT submissions.request_id, submissions.source_partition, submissions.source_offset, \
     submissions.revision FROM requests JOIN submissions ON submissions.request_id = requests.request_id \
     AND submissions.revision > requests.revision - 20 WHERE requests.request_id";

const REFUSED: &str = "SELECT event_id, request_id, reason FROM refusals WHERE event_id";

const PROJECTED: &str =
    "SELECT next_offset FROM projector_positions WHERE topic = $1 AND partition_number = $2";

const MARK: &str = "INSERT INTO answer_marks (source_partition, source_offset, mark, workspace_id, request_id, event_id, \
     marked_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source_partition, source_offset, mark) DO NOTHING";

const MARKS: &str = "SELECT mark FROM answer_marks WHERE request_id = $1 ORDER BY source_partition, source_offset, mark LIMIT 1000";

const UNANSWERED: &str = "SELECT request_id FROM requests WHERE workspace_id = $1 AND revision = 0 \
     ORDER BY requested_at DESC LIMIT 1";

impl ReportDatabase {
    /// How these requests stand, those that are known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn standings(&self, request_ids: &[&str]) -> Result<Vec<Standing>, ReadModelError> {
        let mut connection = self.readers().acquire().await?;
        // Submissions first: what is accepted is then in the standing too.
        let mut accepted: HashMap<String, Vec<_>> = HashMap::new();
        let mut firsts = HashMap::new();
        for row in select_in(&mut connection, self.dialect(), ACCEPTED, request_ids).await? {
            let place = (
                Partition(u32::try_from(row.try_get::<i64, _>(1)?).unwrap_or(u32::MAX)),
                Offset(row.try_get::<i64, _>(2)?.unsigned_abs()),
            );
            let request_id: String = row.try_get(0)?;
            if row.try_get::<i64, _>(3)? == 1 {
                firsts.insert(request_id.clone(), place);
            }
            accepted.entry(request_id).or_default().push(place);
        }
        let rows = select_in(&mut connection, self.dialect(), STANDING, request_ids).await?;
        let mut found = rows.iter().map(standing).collect::<Result<Vec<_>, _>>()?;
        for standing in &mut found {
            standing.first = firsts.remove(&standing.request_id);
            standing.accepted = accepted.remove(&standing.request_id).unwrap_or_default();
        }
        Ok(found)
    }

    /// Why the answers with these event ids were refused, those that were: by event id and request id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn refusals(
        &self,
        event_ids: &[&str],
    ) -> Result<HashMap<(String, String), String>, ReadModelError> {
        let mut connection = self.readers().acquire().await?;
        let rows = select_in(&mut connection, self.dialect(), REFUSED, event_ids).await?;
        let refusal = |row: &AnyRow| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?));
        rows.iter().map(refusal).collect()
    }

    /// Everything of this topic partition before this offset is projected.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn projected(
        &self,
        topic: Topic,
        partition: Partition,
    ) -> Result<Offset, ReadModelError> {
        let query = sqlx::query(PROJECTED)
            .bind(topic.name())
            .bind(i64::from(partition.0));
        let row = query.fetch_optional(self.readers()).await?;
        let next = row.map(|row| row.try_get::<i64, _>(0)).transpose()?;
        Ok(Offset(next.unwrap_or_default().unsigned_abs()))
    }

    /// Marks an answer. The second time it changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark_answer(&self, mark: &AnswerMark) -> Result<(), ReadModelError> {
        let offset = i64::try_from(mark.offset.0).unwrap_or(i64::MAX);
        let query = sqlx::query(MARK)
            .bind(i64::from(mark.partition.0))
            .bind(offset)
            .bind(mark.mark)
            .bind(mark.workspace_id.as_str())
            .bind(mark.request_id.as_str())
            .bind(mark.event_id.as_str())
            .bind(mark.marked_at);
        let mut writer = self.writer().await?;
        query.execute(&mut *writer).await?;
        Ok(())
    }

    /// The marks on a request's answers, in the order of the answers.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn marks(&self, request_id: &str) -> Result<Vec<String>, ReadModelError> {
        let rows = sqlx::query(MARKS).bind(request_id);
        let rows = rows.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The latest request of a workspace that nobody has answered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unanswered(&self, workspace_id: &str) -> Result<Option<String>, ReadModelError> {
        let row = sqlx::query(UNANSWERED).bind(workspace_id);
        let row = row.fetch_optional(self.readers()).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

fn standing(row: &AnyRow) -> Result<Standing, ReadModelError> {
    Ok(Standing {
        request_id: row.try_get(0)?,
        workspace_id: row.try_get(1)?,
        conversation_id: row.try_get(2)?,
        customer_id: row.try_get(3)?,
        reaction: row.try_get(4)?,
        locked: row
            .try_get::<Option<i16>, _>(5)
            .is_ok_and(|flag| flag == Some(1)),
        revision: row.try_get(6)?,
        deleted: row.try_get::<i64, _>(7)? > 0,
        accepted: Vec::new(),
        first: None,
    })
}
