//! What managers see: figures from sums, lists from indexes. docs/api.md says how each figure comes about.
//!
//! The projector keeps the sums ([`sums`], [`closes`]) in the transaction that writes the rows; nothing here counts rows of which
//! there may be millions.

mod around;
pub(crate) mod closes;
mod conversations;
mod counted;
mod cursor;
mod exports;
mod followed;
mod funnel;
mod heart;
mod honest;
mod period;
mod ratings;
mod spans;
mod state;
mod summary;
pub(crate) mod sums;
mod targets;
mod teammates;
mod thresholds;
mod versions;

use afterword_schemas::records::Channel;

pub use conversations::{ConversationClose, ConversationFilter, Outcome};
pub use counted::{Bounds, Figures, Interval, ReactionCount};
pub use cursor::{Cursor, CursorError};
pub use exports::{DecisionsExport, RatingsExport};
pub use followed::{FollowUp, MarkAs, MarkChange};
pub use funnel::{Funnel, HeldBack};
pub use heart::HeartFilter;
pub use honest::{probability_below, wilson};
pub use period::{MAX_DAYS, Period, Step};
pub use ratings::{Rating, RatingFilter};
pub use summary::{PeriodFigures, Summary};
pub use targets::{TargetResult, Verdict, Why};
pub use teammates::{TeammateFigures, TrendPoint};
pub use thresholds::{OtherThreshold, OtherThresholds};
pub use versions::{SettingsVersion, TargetSettings};

/// What figures are of: a workspace's days, one teammate or all, one channel or both. Every filter applies to requests and
/// ratings alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub workspace_id: String,
    pub period: Period,
    pub teammate_id: Option<String>,
    pub channel: Option<Channel>,
}

/// Some entries of a list, and where it goes on. A page may have fewer entries than were asked for, even none, and still go on:
/// the work for one page is bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub entries: Vec<T>,
    pub next: Option<Cursor>,
}

impl Filter {
    /// The teammate as the sums know them: '' for all.
    fn teammate(&self) -> &str {
        self.teammate_id.as_deref().unwrap_or(sums::EVERYBODY)
    }

    fn of_period(&self, period: Period) -> Filter {
        Filter {
            period,
            ..self.clone()
        }
    }
}
