//! The queue of mails and webhooks: rows that the projector writes, and that the role `deliver` claims, sends and finishes.
//!
//! A claim is a lease: it sets `due_at` to its own end, so that what a dead process had claimed becomes due again by itself. Of
//! several processes one has a row at a time, as long as their clocks agree to within a lease.

mod claim;
mod event;
mod manage;
mod queued;
mod sweep;

pub use claim::{Claim, Outcome};
pub use event::{Asked, EventKind};
pub use manage::{DeliveryFilter, DeliveryRow, Replay};
pub(crate) use queued::{QUEUED, Queued};
pub use sweep::{Backlog, Swept};

/// Who takes a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// An email to the customer.
    Mail,
    /// A webhook that is not shared out among endpoints yet.
    Events,
    /// A webhook to the endpoint of this name.
    Webhook(String),
}

const WEBHOOK: &str = "webhook:";

impl Lane {
    /// As in the column `lane`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Lane::Mail => "mail".to_owned(),
            Lane::Events => "events".to_owned(),
            Lane::Webhook(endpoint) => format!("{WEBHOOK}{endpoint}"),
        }
    }

    /// The lane of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Lane> {
        let lane = Lane::parse(name);
        (lane.name() == name && name != WEBHOOK).then_some(lane)
    }

    fn parse(name: &str) -> Lane {
        match name.strip_prefix(WEBHOOK) {
            Some(endpoint) => Lane::Webhook(endpoint.to_owned()),
            None if name == "mail" => Lane::Mail,
            None => Lane::Events,
        }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliveryState {
    /// To be tried, or being tried.
    Waiting,
    /// Waits until an address is known.
    NoAddress,
    /// The other side took it.
    Sent,
    /// The mail server refused it for good.
    Bounced,
    /// Tried until it was too old, or refused for good.
    Failed,
    /// Never tried: it was too old before its turn came.
    TooOld,
    /// Not sent, because the customer had answered already.
    Answered,
    /// Not sent, because the customer wants no mails.
    OptedOut,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [DeliveryState; 8] = [
        DeliveryState::Waiting,
        DeliveryState::NoAddress,
        DeliveryState::Sent,
        DeliveryState::Bounced,
        DeliveryState::Failed,
        DeliveryState::TooOld,
        DeliveryState::Answered,
        DeliveryState::OptedOut,
    ];

    /// As in the column `state`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::NoAddress => "no_address",
            DeliveryState::Sent => "sent",
            DeliveryState::Bounced => "bounced",
            DeliveryState::Failed => "failed",
            DeliveryState::TooOld => "too_old",
            DeliveryState::Answered => "answered",
            DeliveryState::OptedOut => "opted_out",
        }
    }

    /// The state of this symbol.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<DeliveryState> {
        let mut all = DeliveryState::ALL.into_iter();
        all.find(|state| state.symbol() == symbol)
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, DeliveryState::Waiting | DeliveryState::NoAddress)
    }
}
