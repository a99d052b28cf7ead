//! The story of a conversation, as far as the report database knows it: each decision and why, the request, the rating's
//! history, the answers that were refused. Members are named as in the records of the wire contract.

use afterword_log::Topic;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::request::{self, Request, flag};

/// Entries of one kind in a story; a conversation with more shows the earliest.
const MAX_ENTRIES: i64 = 10_000;

/// Everything that was decided about a conversation, each kind in the order of the facts that caused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    pub workspace_id: String,
    pub conversation_id: String,
    pub decisions: Vec<StoryDecision>,
    /// The request with the rating's present state.
    pub request: Option<StoryRequest>,
    /// The rating's history, by revision.
    pub submissions: Vec<StorySubmission>,
    pub refusals: Vec<StoryRefusal>,
}

/// The fact that caused an output, and the output's place among that fact's outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    pub topic: &'static str,
    pub partition: u32,
    pub offset: u64,
    pub index: u32,
}

/// A close that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryDecision {
    pub source: Source,
    /// Milliseconds since 1970; RFC 3339 in JSON, like every time here.
    #[serde(serialize_with = "time")]
    pub decided_at: i64,
    /// The day under which it is counted.
    pub day: String,
    pub requested: bool,
    pub failed: Vec<String>,
    pub measured: Measured,
    pub thresholds: Thresholds,
    pub rules_version: i64,
    pub settings_version: i64,
    pub teammate_id: Option<String>,
    pub request_id: Option<String>,
}

/// What was measured at the close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Measured {
    pub closed_by: String,
    pub plan: bool,
    pub live: bool,
    pub audience: Option<String>,
    pub customers: i64,
    pub teammate_replied: bool,
    pub characters: i64,
    pub milliseconds_since_last_reply: Option<i64>,
    pub origin: String,
    pub already_requested: bool,
}

/// The limits it was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Thresholds {
    pub characters: i64,
    pub milliseconds: i64,
}

/// Who was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoryActor {
    pub kind: String,
    pub id: String,
}

/// The request, and its rating as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryRequest {
    /// Null while only a submission of it was projected.
    pub source: Option<Source>,
    pub request_id: String,
    pub customer: StoryActor,
    pub teammate_id: String,
    pub channel: String,
    #[serde(serialize_with = "time")]
    pub requested_at: i64,
    /// The day under which it is counted.
    pub requested_day: String,
    pub settings_version: Option<i64>,
    #[serde(serialize_with = "time_or_null")]
    pub first_rated_at: Option<i64>,
    /// The day under which its rating is counted.
    pub rated_day: Option<String>,
    pub reaction: Option<String>,
    pub comment: Option<String>,
    pub locked: bool,
    /// 0 when it is not rated.
    pub revision: i64,
    pub after_reopen: bool,
    #[serde(serialize_with = "time_or_null")]
    pub submitted_at: Option<i64>,
}

/// One accepted change of the rating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StorySubmission {
    pub source: Source,
    pub revision: i64,
    #[serde(serialize_with = "time")]
    pub submitted_at: i64,
    pub previous_reaction: Option<String>,
    pub reaction: String,
    pub comment: Option<String>,
    pub locked: bool,
    pub after_reopen: bool,
}

/// One answer that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryRefusal {
    pub source: Source,
    pub request_id: String,
    pub event_id: String,
    pub reason: String,
    #[serde(serialize_with = "time")]
    pub refused_at: i64,
}

const DECISIONS: &str = "SELECT source_partition, source_offset, source_index, decided_at, decided_day, requested, failed, \
     closed_by, plan, live, audience, customers, teammate_replied, characters, milliseconds_since_last_reply, origin, \
     already_requested, threshold_characters, threshold_milliseconds, rules_version, settings_version, teammate_id, \
     request_id FROM decisions WHERE workspace_id = $1 AND conversation_id = $2 \
     ORDER BY source_partition, source_offset, source_index LIMIT $3";

const SUBMISSIONS: &str = "SELECT source_partition, source_offset, source_index, revision, submitted_at, \
     previous_reaction, reaction, comment, locked, after_reopen FROM submissions WHERE request_id = $1 \
     ORDER BY revision LIMIT $2";

const REFUSALS: &str = "SELECT source_partition, source_offset, source_index, request_id, event_id, reason, refused_at \
     FROM refusals WHERE workspace_id = $1 AND conversation_id = $2 \
     ORDER BY source_partition, source_offset, source_index LIMIT $3";

impl Story {
    /// Whether nothing is known of the conversation here: it was never closed, or its facts are not projected yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.request.is_none() && self.refusals.is_empty()
    }
}

impl ReportDatabase {
    /// What is known of a conversation; empty when there is nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn story(
        &self,
        workspace_id: &str,
        conversation_id: &str,
    ) -> Result<Story, ReadModelError> {
        let mut connection = self.readers().acquire().await?;
        let of_conversation =
            |sql: &'static str| sqlx::query(sql).bind(workspace_id).bind(conversation_id);
        let decisions = of_conversation(DECISIONS).bind(MAX_ENTRIES);
        let decisions = decisions.fetch_all(&mut *connection).await?;
        let select = "SELECT {} FROM requests WHERE workspace_id = $1 AND conversation_id = $2";
        let select = sqlx::AssertSqlSafe(select.replace("{}", request::COLUMNS));
        let request = sqlx::query(select).bind(workspace_id).bind(conversation_id);
        let request = request.fetch_optional(&mut *connection).await?;
        let request = request.as_ref().map(Request::from_row).transpose()?;
        let submissions = match &request {
            None => Vec::new(),
            Some(request) => {
                let query = sqlx::query(SUBMISSIONS)
                    .bind(&request.request_id)
                    .bind(MAX_ENTRIES);
                query.fetch_all(&mut *connection).await?
            }
        };
        let refusals = of_conversation(REFUSALS).bind(MAX_ENTRIES);
        let refusals = refusals.fetch_all(&mut *connection).await?;
        Ok(Story {
            workspace_id: workspace_id.to_owned(),
            conversation_id: conversation_id.to_owned(),
            decisions: decisions
                .iter()
                .map(StoryDecision::from_row)
                .collect::<Result<_, _>>()?,
            request: request.map(StoryRequest::from),
            submissions: submissions
                .iter()
                .map(StorySubmission::from_row)
                .collect::<Result<_, _>>()?,
            refusals: refusals
                .iter()
                .map(StoryRefusal::from_row)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<crate::output::Source> for Source {
    fn from(source: crate::output::Source) -> Source {
        Source {
            topic: Topic::ConversationEvents.name(),
            partition: source.partition,
            offset: source.offset,
            index: source.index,
        }
    }
}

impl Source {
    fn from_row(row: &AnyRow) -> Result<Source, ReadModelError> {
        Ok(request::source(row, 0)?.into())
    }
}

impl StoryDecision {
    fn from_row(row: &AnyRow) -> Result<StoryDecision, ReadModelError> {
        let failed: String = row.try_get(6)?;
        let codes = failed.split(',').filter(|code| !code.is_empty());
        Ok(StoryDecision {
            source: Source::from_row(row)?,
            decided_at: row.try_get(3)?,
            day: row.try_get(4)?,
            requested: flag(row, 5)?,
            failed: codes.map(str::to_owned).collect(),
            measured: Measured {
                closed_by: row.try_get(7)?,
                plan: flag(row, 8)?,
                live: flag(row, 9)?,
                audience: row.try_get(10)?,
                customers: row.try_get(11)?,
                teammate_replied: flag(row, 12)?,
                characters: row.try_get(13)?,
                milliseconds_since_last_reply: row.try_get(14)?,
                origin: row.try_get(15)?,
                already_requested: flag(row, 16)?,
            },
            thresholds: Thresholds {
                characters: row.try_get(17)?,
                milliseconds: row.try_get(18)?,
            },
            rules_version: row.try_get(19)?,
            settings_version: row.try_get(20)?,
            teammate_id: row.try_get(21)?,
            request_id: row.try_get(22)?,
        })
    }
}

impl From<Request> for StoryRequest {
    fn from(request: Request) -> StoryRequest {
        let rating = request.rating.as_ref();
        StoryRequest {
            source: request.sent.map(|sent| sent.source.into()),
            request_id: request.request_id,
            customer: StoryActor {
                kind: request.customer.kind.symbol().to_owned(),
                id: request.customer.id,
            },
            teammate_id: request.teammate_id,
            channel: request.channel.symbol().to_owned(),
            requested_at: request.requested_at,
            requested_day: request.requested_day,
            settings_version: request.sent.map(|sent| sent.settings_version),
            first_rated_at: rating.map(|rating| rating.first_rated_at),
            rated_day: rating.map(|rating| rating.rated_day.clone()),
            reaction: rating.map(|rating| rating.reaction.symbol().to_owned()),
            comment: rating.and_then(|rating| rating.comment.clone()),
            locked: rating.is_some_and(|rating| rating.locked),
            revision: rating.map_or(0, |rating| rating.revision),
            after_reopen: rating.is_some_and(|rating| rating.after_reopen),
            submitted_at: rating.map(|rating| rating.submitted_at),
        }
    }
}

impl StorySubmission {
    fn from_row(row: &AnyRow) -> Result<StorySubmission, ReadModelError> {
        Ok(StorySubmission {
            source: Source::from_row(row)?,
            revision: row.try_get(3)?,
            submitted_at: row.try_get(4)?,
            previous_reaction: row.try_get(5)?,
            reaction: row.try_get(6)?,
            comment: row.try_get(7)?,
            locked: flag(row, 8)?,
            after_reopen: flag(row, 9)?,
        })
    }
}

impl StoryRefusal {
    fn from_row(row: &AnyRow) -> Result<StoryRefusal, ReadModelError> {
        Ok(StoryRefusal {
            source: Source::from_row(row)?,
            request_id: row.try_get(3)?,
            event_id: row.try_get(4)?,
            reason: row.try_get(5)?,
            refused_at: row.try_get(6)?,
        })
    }
}

/// RFC 3339 with milliseconds; a bare integer beyond the calendar.
pub(crate) fn time<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    match Timestamp::from_millisecond(*ms) {
        Ok(instant) => serializer.collect_str(&format_args!("{instant:.3}")),
        Err(_) => serializer.serialize_i64(*ms),
    }
}

pub(crate) fn time_or_null<S: Serializer>(
    ms: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => time(ms, serializer),
        None => serializer.serialize_none(),
    }
}
