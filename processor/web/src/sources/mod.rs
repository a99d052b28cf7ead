//! Webhooks of help desks become facts.
//!
//! ```text
//! POST /api/v1/sources/{source} ──► signature over the raw bytes ──► the desk's module: JSON to facts ──► the log
//! ```
//!
//! The modules of the desks are pure: what a webhook says is a function of its body and of the workspace that the
//! configuration names. Every id of a fact follows from ids of theirs, so that a webhook that comes twice counts once.

mod chatwoot;
mod intercom;
mod payload;
pub(crate) mod receive;
mod signature;
mod zendesk;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use afterword_schemas::json::JsonError;
use afterword_schemas::records::OwnedEvent;
use prometheus::{IntCounterVec, Opts, Registry};
use serde_json::Value;

use crate::gate::Gate;

pub use intercom::history as intercom_history;

/// Which help desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    Intercom,
    Chatwoot,
    Zendesk,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [SourceKind; 3] = [
        SourceKind::Intercom,
        SourceKind::Chatwoot,
        SourceKind::Zendesk,
    ];

    /// As in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SourceKind::Intercom => "intercom",
            SourceKind::Chatwoot => "chatwoot",
            SourceKind::Zendesk => "zendesk",
        }
    }

    /// The facts that a webhook of this desk gives.
    ///
    /// # Errors
    /// The first member that is missing, ill-typed or over a limit; nothing of what it holds is told.
    pub fn facts(self, workspace_id: &str, body: &Value) -> Result<Mapped, JsonError> {
        match self {
            SourceKind::Intercom => intercom::facts(workspace_id, body),
            SourceKind::Chatwoot => chatwoot::facts(workspace_id, body),
            SourceKind::Zendesk => zendesk::facts(workspace_id, body),
        }
    }
}

/// What a webhook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// Facts in their order; none when it says nothing that the rules ask for.
    Facts(Vec<OwnedEvent>),
    /// Its topic is none that this build knows.
    UnknownTopic,
}

/// What a help desk shares with us to sign with. Prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Shortest secret, in bytes: no desk makes a shorter one.
    pub const LEAST_BYTES: usize = 16;

    /// Takes a secret as the desk shows it.
    ///
    /// # Errors
    /// When it is too short; the message has nothing of it.
    pub fn new(text: &str) -> Result<Secret, String> {
        match text.len() >= Self::LEAST_BYTES {
            true => Ok(Secret(text.to_owned())),
            false => Err(format!(
                "expected the secret with which the help desk signs, of at least {} characters",
                Self::LEAST_BYTES
            )),
        }
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A help desk whose webhooks are received.
#[derive(Clone, Debug)]
pub struct Source {
    /// Part of the address, and of the metric.
    pub name: String,
    pub kind: SourceKind,
    /// The workspace that its facts are of.
    pub workspace_id: String,
    /// Each counts, so that one can be changed for another.
    pub secrets: Vec<Secret>,
}

/// What became of a webhook, for the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It gave facts, and they are durable.
    Taken,
    /// Understood, and nothing that the rules ask for.
    Nothing,
    UnknownTopic,
    /// A member that is needed is missing or wrong.
    Malformed,
    NotJson,
    TooLarge,
    /// It broke off, or took too long.
    Incomplete,
    /// No signature, or a wrong one.
    Unsigned,
    /// Signed too long ago.
    Stale,
    /// The log does not take facts now.
    Unavailable,
}

impl Outcome {
    const ALL: [Outcome; 10] = [
        Outcome::Taken,
        Outcome::Nothing,
        Outcome::UnknownTopic,
        Outcome::Malformed,
        Outcome::NotJson,
        Outcome::TooLarge,
        Outcome::Incomplete,
        Outcome::Unsigned,
        Outcome::Stale,
        Outcome::Unavailable,
    ];

    const fn label(self) -> &'static str {
        match self {
            Outcome::Taken => "taken",
            Outcome::Nothing => "nothing",
            Outcome::UnknownTopic => "unknown_topic",
            Outcome::Malformed => "malformed",
            Outcome::NotJson => "not_json",
            Outcome::TooLarge => "too_large",
            Outcome::Incomplete => "incomplete",
            Outcome::Unsigned => "unsigned",
            Outcome::Stale => "stale",
            Outcome::Unavailable => "unavailable",
        }
    }
}

/// What is counted.
#[derive(Clone, Debug)]
pub struct SourceMetrics {
    events: IntCounterVec,
}

impl SourceMetrics {
    /// Registers the metric.
    ///
    /// # Errors
    /// When it is registered already.
    pub fn new(registry: &Registry) -> Result<Arc<SourceMetrics>, prometheus::Error> {
        let events = Opts::new(
            "afterword_source_events_total",
            "Webhooks of help desks, by source and outcome.",
        );
        let events = IntCounterVec::new(events, &["source", "outcome"])?;
        registry.register(Box::new(events.clone()))?;
        Ok(Arc::new(SourceMetrics { events }))
    }
}

/// Appends of webhooks at a time.
const APPENDS: usize = 16;
/// For the turn of an append and for the append, each: the desks wait five seconds at least.
const APPEND_TIME: Duration = Duration::from_millis(2_000);

/// All help desks of the configuration.
#[derive(Clone, Debug)]
pub struct Sources {
    named: BTreeMap<String, Source>,
    metrics: Option<Arc<SourceMetrics>>,
    gate: Gate,
}

impl Default for Sources {
    /// None.
    fn default() -> Sources {
        Sources {
            named: BTreeMap::new(),
            metrics: None,
            gate: Gate::new(APPENDS, APPEND_TIME),
        }
    }
}

impl Sources {
    /// These, each counted from zero on.
    #[must_use]
    pub fn new(sources: Vec<Source>, metrics: Arc<SourceMetrics>) -> Sources {
        for source in &sources {
            for outcome in Outcome::ALL {
                let labels = [source.name.as_str(), outcome.label()];
                metrics.events.with_label_values(&labels).inc_by(0);
            }
        }
        let named = sources.into_iter();
        Sources {
            named: named.map(|source| (source.name.clone(), source)).collect(),
            metrics: Some(metrics),
            ..Sources::default()
        }
    }

    fn get(&self, name: &str) -> Option<&Source> {
        self.named.get(name)
    }

    fn count(&self, source: &Source, outcome: Outcome) {
        if let Some(metrics) = &self.metrics {
            let labels = [source.name.as_str(), outcome.label()];
            metrics.events.with_label_values(&labels).inc();
        }
    }
}
