//! The projector: reads outputs and settings from the log, folds them into the report database, publishes scorecards.

mod ownership;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use afterword_log::{Batch, Log, Offset};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::apply::{Applied, Reads, apply};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::options::{Assignment, ProjectorOptions};
use crate::positions::{self, Place, Positions};
use crate::publisher::Publisher;
use crate::reader::{self, off_thread};
use crate::settings::Zones;
use crate::statistics::ProjectorStatistics;
use crate::traced::Traced;
use crate::watch::Watchers;

/// How long a projector that stops waits for its turn to publish.
const LAST_PUBLICATION: Duration = Duration::from_secs(2);

/// Folds the outputs of its partitions into the report database, each exactly once.
pub struct Projector {
    database: ReportDatabase,
    log: Arc<dyn Log>,
    options: ProjectorOptions,
    statistics: Arc<ProjectorStatistics>,
    assignment: Assignment,
    /// Of the settings, and of the outputs of the partitions assigned.
    positions: Positions,
    /// Where a transaction meant to move the positions, when it is unknown whether it did.
    in_doubt: Option<Positions>,
    zones: Zones,
    batch: Batch,
    publisher: Publisher,
    traced: Traced,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Projected,
    /// There was nothing to project, and everything is published.
    Idle,
}

/// Waits between attempts: doubling, bounded.
struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LAST: Duration = Duration::from_secs(5);

    fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(Self::LAST);
        wait
    }
}

impl Projector {
    /// Loads the positions, checks that the database and the log belong together, and publishes the scorecards that a crash
    /// left unpublished.
    ///
    /// # Errors
    /// As [`ReadModelError`] says.
    pub async fn start(
        database: ReportDatabase,
        log: Arc<dyn Log>,
        options: ProjectorOptions,
    ) -> Result<Projector, ReadModelError> {
        let statistics = Arc::<ProjectorStatistics>::default();
        let publisher = Publisher::new(&database, &log, &options.schemas, &statistics);
        let traced = Traced::new(options.tracer.clone());
        let mut projector = Projector {
            database,
            log,
            assignment: Assignment::new(options.partitions.clone()),
            options,
            statistics,
            positions: Positions::new(),
            in_doubt: None,
            zones: Zones::default(),
            batch: Batch::default(),
            publisher,
            traced,
        };
        projector.reload().await?;
        match projector.publisher.publish().await {
            // It is tried again with every step.
            Err(ReadModelError::Wait(why)) => warn!(%why, "scorecards are not published yet"),
            other => other?,
        }
        Ok(projector)
    }

    /// What it has done; readable while it runs.
    #[must_use]
    pub fn statistics(&self) -> Arc<ProjectorStatistics> {
        Arc::clone(&self.statistics)
    }

    /// Projects until `stop` becomes true or its sender is gone; then the transaction at hand is finished and its scorecards
    /// are published. When the surroundings fail it says so in the statistics, waits, and goes on by itself.
    ///
    /// # Errors
    /// `GiveUp` when another projector owns the positions, `Stop` when a person must look.
    pub async fn run(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), ReadModelError> {
        let mut watchers = Watchers::default();
        let result = self.run_until(&mut stop, &mut watchers).await;
        watchers.stop().await;
        result
    }

    async fn run_until(
        &mut self,
        stop: &mut watch::Receiver<bool>,
        watchers: &mut Watchers,
    ) -> Result<(), ReadModelError> {
        let mut backoff = Backoff(Backoff::FIRST);
        while !*stop.borrow() {
            let wait = match self.step().await {
                Ok(step) => {
                    backoff = Backoff(Backoff::FIRST);
                    self.statistics.set_waiting(None);
                    watchers.follow(&self.log, &self.positions)?;
                    if step == Step::Projected {
                        continue;
                    }
                    None
                }
                Err(ReadModelError::Wait(why)) => {
                    warn!(%why, "the projector waits");
                    self.statistics.set_waiting(Some(why));
                    Some(backoff.next())
                }
                Err(error) => return Err(error),
            };
            // Another projector has the publication: it may have looked before this one's rows were there.
            let pending = self.publisher.is_pending();
            let interval = self.options.publish_interval;
            let woken = async {
                match wait {
                    Some(wait) => sleep(wait).await,
                    None if pending => tokio::select! {
                        () = watchers.woken() => {}
                        () = sleep(interval) => {}
                    },
                    None => watchers.woken().await,
                }
            };
            tokio::select! {
                () = woken => {}
                () = self.assignment.changed() => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        match self.publish_all(LAST_PUBLICATION).await {
            Err(ReadModelError::Wait(why)) => {
                info!(%why, "scorecards are left to be published at the next start");
                Ok(())
            }
            other => other,
        }
    }

    /// Projects all that the log holds at the call in the partitions assigned, publishes, and returns.
    ///
    /// # Errors
    /// As [`ReadModelError`] says; `Wait` when nothing moved for as long as the options' patience.
    pub async fn drain(&mut self) -> Result<(), ReadModelError> {
        let ends = self.ends().await?;
        let mut backoff = Backoff(Backoff::FIRST);
        let mut moved_at = Instant::now();
        let mut projected = false;
        loop {
            let done = if projected {
                let published = self.publish_all(self.options.patience).await;
                published.map(|()| true)
            } else {
                let step = self.step().await;
                step.map(|step| {
                    projected = step == Step::Idle || self.has_reached(&ends);
                    false
                })
            };
            match done {
                Ok(done) => {
                    self.statistics.set_waiting(None);
                    if done {
                        return Ok(());
                    }
                    (backoff, moved_at) = (Backoff(Backoff::FIRST), Instant::now());
                }
                Err(ReadModelError::Wait(why)) if moved_at.elapsed() < self.options.patience => {
                    self.statistics.set_waiting(Some(why));
                    sleep(backoff.next()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the log ends now, for every topic partition that is projected.
    async fn ends(&mut self) -> Result<Vec<(Place, Offset)>, ReadModelError> {
        let places: Vec<_> = self.positions.keys().copied().collect();
        let end = |log: &dyn Log, (topic, partition): Place| {
            let bounds = log.bounds(topic, partition)?;
            Ok::<_, ReadModelError>(((topic, partition), bounds.end))
        };
        off_thread(&self.log, move |log| {
            places.into_iter().map(|place| end(log, place)).collect()
        })
        .await
    }

    /// A log may end with something that no reader gets to see; then having nothing more to read is the end, too. A partition
    /// that is no longer projected here is another's to finish.
    fn has_reached(&self, ends: &[(Place, Offset)]) -> bool {
        let reached = |(place, end): &(Place, Offset)| {
            self.positions
                .get(place)
                .is_none_or(|position| position.next >= *end)
        };
        ends.iter().all(reached)
    }

    /// Projects one transaction's worth.
    async fn step(&mut self) -> Result<Step, ReadModelError> {
        self.settle_doubt().await?;
        self.reassign().await?;
        let reads = self.read().await?;
        let moves = reads.moves(&self.positions);
        let idle = moves.is_empty();
        if !idle {
            self.commit(moves, reads).await?;
        }
        if idle || self.publisher.idle_for() >= self.options.publish_interval {
            self.publisher.publish().await?;
            self.close_spans();
        }
        Ok(if idle { Step::Idle } else { Step::Projected })
    }

    async fn publish_all(&mut self, patience: Duration) -> Result<(), ReadModelError> {
        self.publisher.publish_all(patience).await?;
        self.close_spans();
        Ok(())
    }

    /// Unless another projector has the publication now.
    fn close_spans(&mut self) {
        if !self.publisher.is_pending() {
            self.traced.published();
        }
    }

    async fn read(&mut self) -> Result<Reads, ReadModelError> {
        let mut batch = std::mem::take(&mut self.batch);
        let positions = self.positions.clone();
        let schemas = Arc::clone(&self.options.schemas);
        let max_bytes = self.options.batch_bytes;
        let read_at = self.traced.now();
        let (reads, batch) = off_thread(&self.log, move |log| {
            let reads = reader::read(log, &schemas, &positions, max_bytes, read_at, &mut batch);
            Ok((reads, batch))
        })
        .await?;
        self.batch = batch;
        reads
    }

    async fn commit(&mut self, moves: Positions, mut reads: Reads) -> Result<(), ReadModelError> {
        let spans = reads.take_spans();
        self.in_doubt = Some(moves);
        let applied = apply(&self.database, &self.positions, reads, &mut self.zones).await?;
        self.in_doubt = None;
        self.count(&applied);
        self.traced.committed(spans, &applied.lost);
        self.moved(applied.moves);
        if !applied.lost.is_empty() {
            let partitions = &applied.lost;
            info!(
                ?partitions,
                "another projector has moved these partitions on"
            );
            self.reload().await?;
        }
        Ok(())
    }

    fn count(&self, applied: &Applied) {
        let statistics = &self.statistics;
        for (topic, applied, repeated) in &applied.counts {
            statistics.count(*topic, *applied, *repeated);
        }
        let add = |counter: &AtomicU64, count| counter.fetch_add(count, Ordering::Relaxed);
        add(
            &statistics.settings_undecodable,
            applied.settings_undecodable,
        );
        add(&statistics.settings_refused, applied.settings_refused);
        add(&statistics.revisions_repeated, applied.revisions_repeated);
        add(&statistics.partitions_lost, applied.lost.len() as u64);
    }

    fn moved(&mut self, moves: Positions) {
        if moves.is_empty() {
            return;
        }
        self.publisher.changed();
        self.positions.extend(moves);
        self.statistics.transactions.fetch_add(1, Ordering::Relaxed);
        self.note_positions();
    }

    fn note_positions(&self) {
        self.statistics
            .set_positions(positions::projected(&self.positions));
    }
}
