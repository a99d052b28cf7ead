//! Who may see reports and use the API: one layer around the whole reports listener.
//!
//! ```text
//! request ──► table: what does this route need?          (not in the table: refused)
//!        ──► identify: who asks?                        (API token, session, nobody; or nobody need be; what another program
//!                                                        signs goes to its handler at once)
//!        ──► guard: has that one the right, there?      (no: sign in, forbidden, or not there)
//!        ──► forms: does what changes something come from our own page?
//!        ──► handler, with the Viewer as an extension
//! ```

mod cookies;
mod forms;
mod guard;
mod identify;
mod limits;
mod origin;
mod pages;
mod refusal;
mod scope;
pub mod secret;
mod table;
mod viewer;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use afterword_readmodel::{ReadModelError, ReportDatabase};
use ipnet::IpNet;
use prometheus::{IntCounterVec, Opts, Registry};
use tokio::sync::Semaphore;

use cookies::Transport;
use limits::Attempts;
use secret::Passwords;

pub use forms::FORM_BYTES;
pub use guard::guard;
pub use origin::is_loopback;
pub use pages::{minute, router};
pub use scope::{SCOPES, Scope};
pub use table::{Needed, ROUTES, Row};
pub use viewer::{Sees, TeammatesSee, Viewer, Visibility};

/// Longest name of an account, in characters.
pub const NAME_CHARS: usize = 254;

/// How access is set up.
#[derive(Clone, Debug)]
pub struct AccessOptions {
    /// Who reaches the listener at all.
    pub reach: Reach,
    /// Where people reach it from outside, `scheme://host[:port]`, when that is configured.
    pub public_origin: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A session that is not used for so long ends.
    pub session_idle: Duration,
    /// A session ends after so long, however it is used.
    pub session_most: Duration,
    /// Attempts to sign in to one account, and from one address, in a quarter of an hour.
    pub account_attempts: NonZeroU32,
    pub address_attempts: NonZeroU32,
    pub visibility: Visibility,
}

impl Default for AccessOptions {
    /// As the configuration's defaults.
    fn default() -> AccessOptions {
        AccessOptions {
            reach: Reach::Loopback,
            public_origin: None,
            trusted_proxies: Vec::new(),
            session_idle: Duration::from_secs(12 * 3_600),
            session_most: Duration::from_secs(7 * 86_400),
            account_attempts: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
            address_attempts: NonZeroU32::new(60).unwrap_or(NonZeroU32::MIN),
            visibility: Visibility::default(),
        }
    }
}

/// Who reaches a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This machine alone: may be tried without accounts.
    Loopback,
    Network,
}

/// Who may see what. A clone is another handle on the same.
#[derive(Clone)]
pub struct Access(Arc<Parts>);

struct Parts {
    database: ReportDatabase,
    options: AccessOptions,
    visibility: Arc<Visibility>,
    passwords: Passwords,
    attempts: Attempts,
    metrics: Arc<AccessMetrics>,
    /// Once there are accounts, there are for as long as this process lives.
    is_guarded: AtomicBool,
    looked_at_ms: AtomicI64,
    /// Notes of who was seen that are written at a time.
    notes: Arc<Semaphore>,
}

/// What is counted.
#[derive(Clone, Debug)]
pub struct AccessMetrics {
    sign_ins: IntCounterVec,
    refused: IntCounterVec,
}

impl AccessMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn new(registry: &Registry) -> Result<Arc<AccessMetrics>, prometheus::Error> {
        let sign_ins = Opts::new(
            "afterword_sign_ins_total",
            "Attempts to sign in, by outcome.",
        );
        let refused = Opts::new(
            "afterword_access_refused_total",
            "Requests to the reports listener that were refused for who sent them, by reason.",
        );
        let metrics = AccessMetrics {
            sign_ins: IntCounterVec::new(sign_ins, &["outcome"])?,
            refused: IntCounterVec::new(refused, &["reason"])?,
        };
        registry.register(Box::new(metrics.sign_ins.clone()))?;
        registry.register(Box::new(metrics.refused.clone()))?;
        Ok(Arc::new(metrics))
    }

    fn sign_in(&self, outcome: &str) {
        self.sign_ins.with_label_values(&[outcome]).inc();
    }

    fn refused(&self, reason: &str) {
        self.refused.with_label_values(&[reason]).inc();
    }
}

/// How long it is believed that there are still no accounts.
const LOOK_AGAIN_MS: i64 = 1_000;
const NOTES_AT_A_TIME: usize = 4;
/// Of sessions and tokens it is known to the minute when they were last used.
const MINUTE_MS: i64 = 60_000;

impl Access {
    /// Access by the accounts of this database.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(
        database: ReportDatabase,
        options: AccessOptions,
        metrics: Arc<AccessMetrics>,
    ) -> Result<Access, String> {
        let attempts = Attempts::new(options.account_attempts, options.address_attempts);
        Ok(Access(Arc::new(Parts {
            database,
            visibility: Arc::new(options.visibility.clone()),
            passwords: Passwords::new()?,
            attempts,
            metrics,
            is_guarded: AtomicBool::new(options.reach == Reach::Network),
            options,
            looked_at_ms: AtomicI64::new(0),
            notes: Arc::new(Semaphore::new(NOTES_AT_A_TIME)),
        })))
    }

    /// Whether it is asked who somebody is: always, but on the loopback address for as long as nobody has made an account.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn is_guarded(&self) -> Result<bool, ReadModelError> {
        let Parts {
            is_guarded,
            looked_at_ms,
            ..
        } = &*self.0;
        let now_ms = crate::now_ms();
        let since_ms = now_ms - looked_at_ms.load(Ordering::Relaxed);
        if is_guarded.load(Ordering::Relaxed) || (0..LOOK_AGAIN_MS).contains(&since_ms) {
            return Ok(is_guarded.load(Ordering::Relaxed));
        }
        let found = self.0.database.is_guarded().await?;
        is_guarded.fetch_or(found, Ordering::Relaxed);
        looked_at_ms.store(now_ms, Ordering::Relaxed);
        Ok(found)
    }

    fn transport(&self) -> Transport {
        let options = &self.0.options;
        let is_tls = match &options.public_origin {
            Some(origin) => origin.starts_with("https://"),
            None => options.reach == Reach::Network,
        };
        match is_tls {
            true => Transport::Tls,
            false => Transport::Loopback,
        }
    }

    fn idle_ms(&self) -> i64 {
        milliseconds(self.0.options.session_idle)
    }

    /// Writes a note beside the answer, unless too many are being written: the next request makes it again.
    fn note<F: Future<Output = Result<(), ReadModelError>> + Send + 'static>(
        &self,
        write: impl FnOnce(ReportDatabase) -> F,
    ) {
        let Ok(place) = Arc::clone(&self.0.notes).try_acquire_owned() else {
            return;
        };
        let writing = write(self.0.database.clone());
        tokio::spawn(async move {
            if let Err(error) = writing.await {
                tracing::warn!(%error, "when somebody was last seen could not be noted");
            }
            drop(place);
        });
    }
}

/// The name of an account as it is kept: without white space at its ends, in small letters.
///
/// # Errors
/// With what was expected.
pub fn account_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_lowercase();
    let is_fine = |c: char| !c.is_control() && !c.is_whitespace();
    let characters = name.chars().count();
    match (1..=NAME_CHARS).contains(&characters) && name.chars().all(is_fine) {
        true => Ok(name),
        false => Err(format!(
            "expected a name of 1 to {NAME_CHARS} characters without white space, such as an email address"
        )),
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
