//! How a projector works, and which partitions are its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use afterword_log::Partition;
use afterword_schemas::Schemas;
use afterword_trace::Tracer;
use tokio::sync::watch;

/// How a projector works.
#[derive(Clone)]
pub struct ProjectorOptions {
    /// About how many bytes of the log go into one transaction, over all topic partitions.
    pub batch_bytes: usize,
    /// How often scorecards are published while there is a backlog; without one, after every transaction.
    pub publish_interval: Duration,
    /// How long [`Projector::drain`](crate::Projector::drain) goes on trying when the surroundings fail and nothing moves.
    pub patience: Duration,
    /// The schemas that outputs may be written with, and how scorecards name theirs: those of the whole process.
    pub schemas: Arc<Schemas>,
    /// The partitions to project (of all outputs' topics alike), as they are assigned and taken away while it runs; `None`:
    /// all of the log, for as long as it runs. Several projectors may share a PostgreSQL database, each with its own; should
    /// two believe for a while that they have the same one, the stored positions keep every output from being applied twice.
    /// When the sender is gone, what was assigned last stays.
    pub partitions: Option<watch::Receiver<BTreeSet<Partition>>>,
    /// Where spans of sampled facts' outputs go.
    pub tracer: Tracer,
}

impl Default for ProjectorOptions {
    fn default() -> ProjectorOptions {
        ProjectorOptions {
            batch_bytes: 8 << 20,
            publish_interval: Duration::from_millis(500),
            patience: Duration::from_secs(30),
            schemas: Arc::new(Schemas::new()),
            partitions: None,
            tracer: Tracer::default(),
        }
    }
}

/// The partitions that a projector has, and those that it is to have.
pub(crate) struct Assignment {
    wanted: Option<watch::Receiver<BTreeSet<Partition>>>,
    /// None: all.
    current: Option<BTreeSet<Partition>>,
}

impl Assignment {
    pub fn new(wanted: Option<watch::Receiver<BTreeSet<Partition>>>) -> Assignment {
        let current = wanted.as_ref().map(|wanted| wanted.borrow().clone());
        Assignment { wanted, current }
    }

    /// What is projected now; `None` is all.
    pub fn current(&self) -> Option<&BTreeSet<Partition>> {
        self.current.as_ref()
    }

    /// What is to be projected, if that is something else.
    pub fn change(&self) -> Option<BTreeSet<Partition>> {
        let wanted = self.wanted.as_ref()?.borrow();
        let changed = self.current.as_ref() != Some(&*wanted);
        changed.then(|| wanted.clone())
    }

    pub fn set(&mut self, partitions: BTreeSet<Partition>) {
        self.current = Some(partitions);
    }

    /// Returns when there may be another assignment; never when there can be none.
    pub async fn changed(&mut self) {
        if let Some(wanted) = &mut self.wanted
            && wanted.changed().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}
