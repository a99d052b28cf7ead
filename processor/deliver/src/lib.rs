//! Sends what the projector queued: mails that ask customers, and webhooks that tell other programs.
//!
//! ```text
//! report database: deliveries ──► lanes, one a kind and an endpoint: claim, send, say what became of it
//!    ▲                              mail      compose ─► SMTP
//!    └── sweep: too old, forgotten  events    share out among endpoints
//!                                   webhook   payload, signature ─► HTTP
//! ```
//!
//! Everything that must not be forgotten is in rows. A process that dies between sending and saying so leaves a claim that
//! ends by itself, and what it had sent is then sent once more, under the same id.

mod backoff;
mod deliverer;
mod lane;
mod mail;
mod metrics;
mod options;
mod texts;
mod webhook;

pub use deliverer::{DeliverWatch, Deliverer};
pub use mail::{Security, check_mailbox};
pub use metrics::DeliverMetrics;
pub use options::{DeliverOptions, Look, MailOptions, Pace};
pub use webhook::{Endpoint, Secret};

use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, in milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// A duration in milliseconds, for sums with [`now_ms`].
fn ms(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
