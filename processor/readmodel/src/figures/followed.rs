//! Marks of people on ratings: followed up, by whom and when.

use serde::Serialize;
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::ratings::{COLUMNS, FROM, Rating};
use crate::sql::{Row, Table, Values};
use crate::story::time;

/// Who followed a rating up, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FollowUp {
    pub by: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub at: i64,
}

/// What becomes of a rating's mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkAs {
    FollowedUp,
    Open,
}

/// A change of a rating's mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkChange {
    pub mark: MarkAs,
    pub by: String,
    /// In milliseconds since 1970.
    pub at: i64,
}

struct Mark<'a> {
    workspace_id: &'a str,
    request_id: &'a str,
    followed_up: bool,
    by: &'a str,
    at: i64,
}

const TABLE: Table = Table {
    name: "follow_ups",
    columns: &[
        "workspace_id",
        "request_id",
        "followed_up",
        "changed_by",
        "changed_at",
    ],
    // Whoever marked it first did; marking it again changes nothing.
    conflict: "ON CONFLICT (workspace_id, request_id) DO UPDATE SET followed_up = excluded.followed_up, \
         changed_by = excluded.changed_by, changed_at = excluded.changed_at \
         WHERE follow_ups.followed_up <> excluded.followed_up",
};

impl Row for Mark<'_> {
    fn values(&self, values: &mut Values) {
        values.text(self.workspace_id);
        values.text(self.request_id);
        values.flag(self.followed_up);
        values.text(self.by);
        values.integer(self.at);
    }
}

impl ReportDatabase {
    /// One rating; None when the workspace has no rated request of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rating(
        &self,
        workspace_id: &str,
        request_id: &str,
    ) -> Result<Option<Rating>, ReadModelError> {
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE r.request_id = $1 AND r.workspace_id = $2 AND r.revision > 0"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(request_id)
            .bind(workspace_id);
        let row = query.fetch_optional(self.readers()).await?;
        row.as_ref().map(Rating::from_row).transpose()
    }

    /// The rating of a conversation, if it has one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rating_of(
        &self,
        workspace_id: &str,
        conversation_id: &str,
    ) -> Result<Option<Rating>, ReadModelError> {
        let sql =
            "SELECT request_id FROM requests WHERE workspace_id = $1 AND conversation_id = $2";
        let query = sqlx::query(sql).bind(workspace_id).bind(conversation_id);
        match query.fetch_optional(self.readers()).await? {
            Some(row) => {
                self.rating(workspace_id, &row.try_get::<String, _>(0)?)
                    .await
            }
            None => Ok(None),
        }
    }

    /// Changes the mark of a rating. Saying again what is so changes nothing. Returns the rating as it is then; None when the
    /// workspace has no rated request of this id.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark(
        &self,
        workspace_id: &str,
        request_id: &str,
        change: &MarkChange,
    ) -> Result<Option<Rating>, ReadModelError> {
        if self.rating(workspace_id, request_id).await?.is_none() {
            return Ok(None);
        }
        let mark = Mark {
            workspace_id,
            request_id,
            followed_up: change.mark == MarkAs::FollowedUp,
            by: &change.by,
            at: change.at,
        };
        let mut connection = self.writer().await?;
        let written = TABLE.write(&mut connection, self.dialect(), &[mark]).await;
        drop(connection);
        written?;
        self.rating(workspace_id, request_id).await
    }
}
