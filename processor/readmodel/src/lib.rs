//! The report database: what managers see, as rows.
//!
//! ```text
//! log: rating-requested · rating-submitted · eligibility-decided · answer-refused · workspace-settings
//!        │  reader, output: read, decode, pass repetitions over
//!        ▼
//!      fold: rows of one transaction, in memory
//!        │  apply: rows and positions, one SQL transaction
//!        ▼
//!      report database ──► figures, story, reports: queries
//!        │  scorecard: what changed, absolute values
//!        ▼
//! log: teammate-scorecards (publisher)
//! ```
//!
//! What is to be sent (mails, webhooks) is rows too, queued in the same transaction: `deliveries`.
//!
//! On SQLite one projector has all partitions. On PostgreSQL several share them: each has some, positions are locked and compared
//! in the transaction that writes the rows, and sums meet in the rows.
//!
//! Nothing here decides what the rules decide: an output says what happened, and is stored and counted.

mod access;
mod apply;
mod contacts;
mod copy;
mod database;
mod deliveries;
mod erasure;
mod error;
pub mod figures;
mod fold;
mod options;
mod output;
mod positions;
mod postgres;
mod projector;
mod publisher;
mod reader;
mod reports;
mod request;
mod rows;
mod scorecard;
mod settings;
mod sql;
mod statistics;
mod story;
mod survey;
mod traced;
mod watch;

pub use access::{
    Accepted, Account, AccountOrigin, ApiToken, ConfiguredAccount, Grant, Invitation, Role,
    Session, SignedIn,
};
pub use contacts::{Contact, EMAIL_BYTES, NAME_CHARS, is_email};
pub use copy::Still;
pub use database::ReportDatabase;
pub use deliveries::{
    Asked, Backlog, Claim, DeliveryFilter, DeliveryRow, DeliveryState, EventKind, Lane, Outcome,
    Replay, Swept,
};
pub use erasure::{ErasedRows, Erasing, Known};
pub use error::ReadModelError;
pub use options::ProjectorOptions;
pub use positions::ProjectedPosition;
pub use projector::Projector;
pub use reports::{Scorecard, Totals};
pub use statistics::{ProjectorSnapshot, ProjectorStatistics, TopicCounts};
pub use story::{
    Measured, Source, Story, StoryActor, StoryDecision, StoryRefusal, StoryRequest,
    StorySubmission, Thresholds,
};
pub use survey::{AnswerMark, LATEST, Standing};
