//! What a delivery tells of: a request or a submission, as the report database has it.

use afterword_schemas::records::{RatingRequested, RatingSubmitted, Reaction, Timestamp};
use sqlx::Row as _;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::request::{self, Request, flag};
use crate::story::Source;

/// The kinds of webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// A customer is asked.
    RatingRequested,
    /// A customer answered, or changed an answer.
    RatingSubmitted,
}

/// A request, and how far its rating has come.
#[derive(Clone, Debug)]
pub struct Asked {
    pub requested: RatingRequested,
    /// The fact that caused it; unknown while only a submission of it was projected.
    pub source: Option<Source>,
    pub is_answered: bool,
}

const SUBMISSION: &str = "SELECT revision, submitted_at, previous_reaction, reaction, comment, locked, after_reopen, \
     source_partition, source_offset, source_index FROM submissions WHERE request_id = $1 AND revision = $2";

impl EventKind {
    /// Both.
    pub const ALL: [EventKind; 2] = [EventKind::RatingRequested, EventKind::RatingSubmitted];

    /// As in a webhook's `type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::RatingRequested => "rating.requested",
            EventKind::RatingSubmitted => "rating.submitted",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a delivery with this revision tells of.
    #[must_use]
    pub fn of_revision(revision: i64) -> EventKind {
        match revision {
            0 => EventKind::RatingRequested,
            _ => EventKind::RatingSubmitted,
        }
    }

    /// The id of the webhook's message: the same in every attempt, for every endpoint, and when it is sent again on demand.
    #[must_use]
    pub fn message_id(self, request_id: &str, revision: i64) -> String {
        match self {
            EventKind::RatingRequested => format!("requested_{request_id}"),
            EventKind::RatingSubmitted => format!("submitted_{request_id}_{revision}"),
        }
    }
}

impl ReportDatabase {
    /// The request of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn asked(&self, request_id: &str) -> Result<Option<Asked>, ReadModelError> {
        Ok(self.request(request_id).await?.map(|request| Asked {
            source: request.sent.map(|sent| sent.source.into()),
            is_answered: request.rating.is_some(),
            requested: RatingRequested {
                request_id: request.request_id,
                workspace_id: request.workspace_id,
                conversation_id: request.conversation_id,
                customer: request.customer,
                teammate_id: request.teammate_id,
                channel: request.channel,
                requested_at: Timestamp(request.requested_at),
                settings_version: request.sent.map_or(0, |sent| sent.settings_version),
            },
        }))
    }

    /// A request's submission of this revision, and the fact that caused it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn submission(
        &self,
        request_id: &str,
        revision: i64,
    ) -> Result<Option<(RatingSubmitted, Source)>, ReadModelError> {
        let Some(request) = self.request(request_id).await? else {
            return Ok(None);
        };
        let query = sqlx::query(SUBMISSION).bind(request_id).bind(revision);
        let Some(row) = query.fetch_optional(self.readers()).await? else {
            return Ok(None);
        };
        let previous: Option<String> = row.try_get(2)?;
        let rating = request.rating.as_ref();
        let submitted = RatingSubmitted {
            first_rated_at: Timestamp(rating.map_or(0, |rating| rating.first_rated_at)),
            submitted_at: Timestamp(row.try_get(1)?),
            revision: i32::try_from(revision).unwrap_or(i32::MAX),
            previous_reaction: match previous {
                Some(_) => Some(request::symbol(&row, 2, Reaction::from_symbol)?),
                None => None,
            },
            reaction: request::symbol(&row, 3, Reaction::from_symbol)?,
            comment: row.try_get(4)?,
            locked: flag(&row, 5)?,
            after_reopen: flag(&row, 6)?,
            request_id: request.request_id,
            workspace_id: request.workspace_id,
            conversation_id: request.conversation_id,
            customer: request.customer,
            teammate_id: request.teammate_id,
            channel: request.channel,
            requested_at: Timestamp(request.requested_at),
        };
        Ok(Some((submitted, request::source(&row, 7)?.into())))
    }

    async fn request(&self, request_id: &str) -> Result<Option<Request>, ReadModelError> {
        let select = "SELECT {} FROM requests WHERE request_id = $1";
        let select = sqlx::AssertSqlSafe(select.replace("{}", request::COLUMNS));
        let row = sqlx::query(select).bind(request_id);
        let row = row.fetch_optional(self.readers()).await?;
        row.as_ref().map(Request::from_row).transpose()
    }
}
