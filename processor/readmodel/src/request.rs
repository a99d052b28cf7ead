//! A request with its rating as it stands: the row, and how a request and a submission change it.
//!
//! Topics are read one beside the other, so a submission may come before its request. Either makes the row, both say the
//! same of what both know, and the order makes no difference.

use afterword_schemas::records::{
    ActorKind, Channel, OwnedActor, RatingRequested, RatingSubmitted, Reaction,
};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::ReadModelError;
use crate::output::Source;
use crate::sql::{Row, Table, Values};

pub(crate) const TABLE: Table = Table {
    name: "requests",
    columns: &[
        "request_id",
        "workspace_id",
        "conversation_id",
        "customer_kind",
        "customer_id",
        "teammate_id",
        "channel",
        "requested_at",
        "requested_day",
        "settings_version",
        "source_partition",
        "source_offset",
        "source_index",
        "first_rated_at",
        "rated_day",
        "reaction",
        "comment",
        "locked",
        "revision",
        "after_reopen",
        "submitted_at",
    ],
    // What a request says never changes, but for what the request's own record adds to a row that a submission made.
    conflict: "ON CONFLICT (request_id) DO UPDATE SET settings_version = excluded.settings_version, \
         source_partition = excluded.source_partition, source_offset = excluded.source_offset, \
         source_index = excluded.source_index, first_rated_at = excluded.first_rated_at, \
         rated_day = excluded.rated_day, reaction = excluded.reaction, comment = excluded.comment, \
         locked = excluded.locked, revision = excluded.revision, after_reopen = excluded.after_reopen, \
         submitted_at = excluded.submitted_at",
};

/// All columns, in the order of the table.
pub(crate) const COLUMNS: &str = "request_id, workspace_id, conversation_id, customer_kind, customer_id, teammate_id, \
     channel, requested_at, requested_day, settings_version, source_partition, source_offset, source_index, \
     first_rated_at, rated_day, reaction, comment, locked, revision, after_reopen, submitted_at";

/// A row of `requests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub request_id: String,
    pub workspace_id: String,
    pub conversation_id: String,
    pub customer: OwnedActor,
    pub teammate_id: String,
    pub channel: Channel,
    pub requested_at: i64,
    pub requested_day: String,
    /// None until the request's own record was projected.
    pub sent: Option<Sent>,
    pub rating: Option<Rating>,
}

/// What only the request's own record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub settings_version: i64,
    pub source: Source,
}

/// The rating as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rating {
    pub first_rated_at: i64,
    pub rated_day: String,
    pub reaction: Reaction,
    pub comment: Option<String>,
    pub locked: bool,
    pub revision: i64,
    pub after_reopen: bool,
    pub submitted_at: i64,
}

impl Request {
    /// The row that a request makes.
    pub fn of_request(requested: &RatingRequested, day: String) -> Request {
        Request {
            request_id: requested.request_id.clone(),
            workspace_id: requested.workspace_id.clone(),
            conversation_id: requested.conversation_id.clone(),
            customer: requested.customer.clone(),
            teammate_id: requested.teammate_id.clone(),
            channel: requested.channel,
            requested_at: requested.requested_at.0,
            requested_day: day,
            sent: None,
            rating: None,
        }
    }

    /// The row that a submission makes when it comes before its request.
    pub fn of_submission(submitted: &RatingSubmitted, day: String) -> Request {
        Request {
            request_id: submitted.request_id.clone(),
            workspace_id: submitted.workspace_id.clone(),
            conversation_id: submitted.conversation_id.clone(),
            customer: submitted.customer.clone(),
            teammate_id: submitted.teammate_id.clone(),
            channel: submitted.channel,
            requested_at: submitted.requested_at.0,
            requested_day: day,
            sent: None,
            rating: None,
        }
    }

    /// The submission's revision that comes next.
    pub fn next_revision(&self) -> i64 {
        self.rating.as_ref().map_or(1, |rating| rating.revision + 1)
    }

    /// The rating that this submission leaves. `day` is asked for at the first alone: what was counted stays there.
    pub fn rated(&self, submitted: &RatingSubmitted, day: impl FnOnce() -> String) -> Rating {
        let (first_rated_at, rated_day) = match &self.rating {
            Some(rating) => (rating.first_rated_at, rating.rated_day.clone()),
            None => (submitted.first_rated_at.0, day()),
        };
        Rating {
            first_rated_at,
            rated_day,
            reaction: submitted.reaction,
            comment: submitted.comment.clone(),
            locked: submitted.locked,
            revision: submitted.revision.into(),
            after_reopen: submitted.after_reopen,
            submitted_at: submitted.submitted_at.0,
        }
    }

    /// Reads a row of [`COLUMNS`].
    pub fn from_row(row: &AnyRow) -> Result<Request, ReadModelError> {
        Ok(Request {
            request_id: row.try_get(0)?,
            workspace_id: row.try_get(1)?,
            conversation_id: row.try_get(2)?,
            customer: OwnedActor {
                kind: symbol(row, 3, ActorKind::from_symbol)?,
                id: row.try_get(4)?,
            },
            teammate_id: row.try_get(5)?,
            channel: symbol(row, 6, Channel::from_symbol)?,
            requested_at: row.try_get(7)?,
            requested_day: row.try_get(8)?,
            sent: Sent::from_row(row)?,
            rating: Rating::from_row(row)?,
        })
    }
}

impl Sent {
    fn from_row(row: &AnyRow) -> Result<Option<Sent>, ReadModelError> {
        let Some(settings_version) = row.try_get(9)? else {
            return Ok(None);
        };
        Ok(Some(Sent {
            settings_version,
            source: source(row, 10)?,
        }))
    }
}

impl Rating {
    fn from_row(row: &AnyRow) -> Result<Option<Rating>, ReadModelError> {
        let revision: i64 = row.try_get(18)?;
        if revision == 0 {
            return Ok(None);
        }
        Ok(Some(Rating {
            first_rated_at: row.try_get(13)?,
            rated_day: row.try_get(14)?,
            reaction: symbol(row, 15, Reaction::from_symbol)?,
            comment: row.try_get(16)?,
            locked: flag(row, 17)?,
            revision,
            after_reopen: flag(row, 19)?,
            submitted_at: row.try_get(20)?,
        }))
    }
}

impl Row for Request {
    fn values(&self, values: &mut Values) {
        values.text(&self.request_id);
        values.text(&self.workspace_id);
        values.text(&self.conversation_id);
        values.text(self.customer.kind.symbol());
        values.text(&self.customer.id);
        values.text(&self.teammate_id);
        values.text(self.channel.symbol());
        values.integer(self.requested_at);
        values.text(&self.requested_day);
        let sent = self.sent.as_ref();
        values.integer_or_null(sent.map(|sent| sent.settings_version));
        values.integer_or_null(sent.map(|sent| sent.source.partition.into()));
        values.integer_or_null(sent.map(|sent| sent.source.offset as i64));
        values.integer_or_null(sent.map(|sent| sent.source.index.into()));
        let rating = self.rating.as_ref();
        values.integer_or_null(rating.map(|rating| rating.first_rated_at));
        values.text_or_null(rating.map(|rating| rating.rated_day.as_str()));
        values.text_or_null(rating.map(|rating| rating.reaction.symbol()));
        values.text_or_null(rating.and_then(|rating| rating.comment.as_deref()));
        values.flag_or_null(rating.map(|rating| rating.locked));
        values.integer(rating.map_or(0, |rating| rating.revision));
        values.flag_or_null(rating.map(|rating| rating.after_reopen));
        values.integer_or_null(rating.map(|rating| rating.submitted_at));
    }
}

/// A symbol of the wire contract in this column.
pub(crate) fn symbol<T>(
    row: &AnyRow,
    column: usize,
    parse: fn(&str) -> Option<T>,
) -> Result<T, ReadModelError> {
    let symbol: String = row.try_get(column)?;
    parse(&symbol).ok_or_else(|| {
        let hint = "was it written by a later build?";
        ReadModelError::Stop(format!(
            "the report database says {symbol:?}, unknown here; {hint}"
        ))
    })
}

/// A flag in this column.
pub(crate) fn flag(row: &AnyRow, column: usize) -> Result<bool, ReadModelError> {
    Ok(row.try_get::<i16, _>(column)? != 0)
}

/// A source in this column and the two after it.
pub(crate) fn source(row: &AnyRow, column: usize) -> Result<Source, ReadModelError> {
    let number = |column: usize| row.try_get::<i64, _>(column);
    Ok(Source {
        partition: u32::try_from(number(column)?).unwrap_or_default(),
        offset: u64::try_from(number(column + 1)?).unwrap_or_default(),
        index: u32::try_from(number(column + 2)?).unwrap_or_default(),
    })
}
