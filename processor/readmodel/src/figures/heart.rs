//! The heart: the latest happy comments, by when they were left.

use afterword_schemas::records::Channel;
use sqlx::AssertSqlSafe;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::Page;
use crate::figures::cursor::Cursor;
use crate::figures::ratings::{COLUMNS, FROM, Rating};

/// Whose comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartFilter {
    pub workspace_id: String,
    pub teammate_id: Option<String>,
    pub channel: Option<Channel>,
}

impl ReportDatabase {
    /// A page of comments of great and amazing ratings, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn hearts(
        &self,
        filter: &HeartFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rating>, ReadModelError> {
        let channel = match filter.channel {
            Some(channel) => format!(" AND r.channel = '{}'", channel.symbol()),
            None => String::new(),
        };
        let teammate = filter.teammate_id.as_deref();
        let of_teammate = teammate.map_or("", |_| " AND r.teammate_id = $5");
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE r.workspace_id = $1 AND r.comment IS NOT NULL \
             AND r.reaction IN ('great', 'amazing') AND (r.submitted_at, r.request_id) < ($2, $3){channel}{of_teammate} \
             ORDER BY r.submitted_at DESC, r.request_id DESC LIMIT $4"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&filter.workspace_id)
            .bind(after.map_or(i64::MAX, |cursor| cursor.at))
            .bind(after.map_or("", |cursor| cursor.id.as_str()))
            .bind(limit as i64);
        if let Some(teammate) = teammate {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.readers()).await?;
        let entries: Vec<_> = rows
            .iter()
            .map(Rating::from_row)
            .collect::<Result<_, _>>()?;
        let last = entries.last().filter(|_| entries.len() == limit);
        let next = last.map(|last| Cursor::new("", last.submitted_at, &last.request_id));
        Ok(Page { entries, next })
    }
}

impl Rating {
    /// Where its comment stands in the heart.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor::new("", self.submitted_at, &self.request_id)
    }

    /// Whether its comment comes after that place.
    #[must_use]
    pub fn is_later_than(&self, place: &Cursor) -> bool {
        (self.submitted_at, &self.request_id) > (place.at, &place.id)
    }
}
