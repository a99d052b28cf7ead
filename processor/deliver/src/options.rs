//! How things are delivered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use afterword_readmodel::ReportDatabase;

use crate::mail::Security;
use crate::metrics::DeliverMetrics;
use crate::webhook::Endpoint;

/// The address of a request's survey: from workspace and request, both ids.
pub type Link = dyn Fn(&str, &str) -> String + Send + Sync;

/// How a workspace looks: from its id.
pub type LookOf = dyn Fn(&str) -> Look + Send + Sync;

/// What a deliverer is given.
#[derive(Clone)]
pub struct DeliverOptions {
    pub database: ReportDatabase,
    pub link: Arc<Link>,
    pub look: Arc<LookOf>,
    /// None: no mails are sent.
    pub mail: Option<MailOptions>,
    pub endpoints: Vec<Endpoint>,
    /// What is older is not sent any more.
    pub max_age: Duration,
    /// What is final is forgotten after this.
    pub keep: Duration,
    pub pace: Pace,
    pub metrics: Arc<DeliverMetrics>,
}

/// How a workspace looks to its customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
    /// Where the customer's language is not known.
    pub locale: String,
}

/// How mails are sent. Has a password in it, so it cannot be printed.
#[derive(Clone)]
pub struct MailOptions {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Name and password, when the server asks for them.
    pub credentials: Option<(String, String)>,
    /// A file of certificates (PEM) to be trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// An address, with or without a name: the workspace's takes its place otherwise.
    pub from: String,
    pub reply_to: Option<String>,
    /// Connections to the server at a time.
    pub connections: usize,
}

/// Times of the loops.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between looks at an empty queue.
    pub poll: Duration,
    /// How long a claim holds. No attempt takes longer than half of it.
    pub claim: Duration,
    /// Before the second attempt; four times as long before each after it.
    pub first_retry: Duration,
    pub longest_retry: Duration,
    /// Between sweeps.
    pub sweep: Duration,
    /// How long a webhook's receiver may take to answer.
    pub webhook: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            poll: Duration::from_millis(500),
            claim: Duration::from_secs(120),
            first_retry: Duration::from_secs(5),
            longest_retry: Duration::from_secs(3_600),
            sweep: Duration::from_secs(15),
            webhook: Duration::from_secs(15),
        }
    }
}
