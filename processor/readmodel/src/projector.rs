//! The projector: reads outputs and settings from the log, folds them into the report database, publishes scorecards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use afterword_log::{Batch, Log, Offset, Topic};
use afterword_schemas::{Framing, SchemaStore};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::apply::{Reads, apply};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::positions::{self, Place, Positions};
use crate::publisher::Publisher;
use crate::reader::{self, off_thread};
use crate::settings::Zones;
use crate::statistics::ProjectorStatistics;
use crate::watch::Watchers;

/// How a projector works.
#[derive(Clone)]
pub struct ProjectorOptions {
    /// About how many bytes of the log go into one transaction, over all topic partitions.
    pub batch_bytes: usize,
    /// How often scorecards are published while there is a backlog; without one, after every transaction.
    pub publish_interval: Duration,
    /// How long [`Projector::drain`] goes on trying when the surroundings fail and nothing moves.
    pub patience: Duration,
    /// The schemas that outputs may be written with.
    pub schemas: Arc<SchemaStore>,
    /// How published scorecards name their schema.
    pub framing: Framing,
}

impl Default for ProjectorOptions {
    fn default() -> ProjectorOptions {
        ProjectorOptions {
            batch_bytes: 8 << 20,
            publish_interval: Duration::from_millis(500),
            patience: Duration::from_secs(30),
            schemas: Arc::new(SchemaStore::new()),
            framing: Framing::SingleObject,
        }
    }
}

/// Folds the outputs of every partition into the report database, each exactly once.
pub struct Projector {
    database: ReportDatabase,
    log: Arc<dyn Log>,
    options: ProjectorOptions,
    statistics: Arc<ProjectorStatistics>,
    positions: Positions,
    /// Where a transaction meant to move the positions, when it is unknown whether it did.
    in_doubt: Option<Positions>,
    zones: Zones,
    batch: Batch,
    publisher: Publisher,
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
        let places = off_thread(&log, |log| Ok(positions::places(log))).await?;
        let mut connection = database.writer().await?;
        let dialect = database.dialect();
        let positions = positions::load_for(&mut connection, dialect, &places).await?;
        drop(connection);
        let checked = positions.clone();
        off_thread(&log, move |log| positions::check(log, &checked)).await?;
        let statistics = Arc::<ProjectorStatistics>::default();
        let publisher = Publisher::new(&database, &log, options.framing, &statistics);
        let mut projector = Projector {
            database,
            log,
            options,
            statistics,
            positions,
            in_doubt: None,
            zones: Zones::default(),
            batch: Batch::default(),
            publisher,
        };
        projector.note_positions();
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
        let watchers = Watchers::start(&self.log, &self.positions)?;
        let result = self.run_until(&mut stop, &watchers).await;
        watchers.stop().await;
        result
    }

    async fn run_until(
        &mut self,
        stop: &mut watch::Receiver<bool>,
        watchers: &Watchers,
    ) -> Result<(), ReadModelError> {
        let mut backoff = Backoff(Backoff::FIRST);
        while !*stop.borrow() {
            let wait = match self.step().await {
                Ok(step) => {
                    backoff = Backoff(Backoff::FIRST);
                    self.statistics.set_waiting(None);
                    watchers.moved(&self.positions);
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
            let woken = async {
                match wait {
                    Some(wait) => sleep(wait).await,
                    None => watchers.woken().await,
                }
            };
            tokio::select! {
                () = woken => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        match self.publisher.publish().await {
            Err(ReadModelError::Wait(why)) => {
                info!(%why, "scorecards are left to be published at the next start");
                Ok(())
            }
            other => other,
        }
    }

    /// Projects all that the log holds at the call, publishes, and returns.
    ///
    /// # Errors
    /// As [`ReadModelError`] says; `Wait` when nothing moved for as long as the options' patience.
    pub async fn drain(&mut self) -> Result<(), ReadModelError> {
        let ends = self.ends().await?;
        let mut backoff = Backoff(Backoff::FIRST);
        let mut moved_at = Instant::now();
        loop {
            match self.step().await {
                Ok(Step::Idle) => break,
                Ok(Step::Projected) => {
                    (backoff, moved_at) = (Backoff(Backoff::FIRST), Instant::now());
                    self.statistics.set_waiting(None);
                    if self.has_reached(&ends) {
                        break;
                    }
                }
                Err(ReadModelError::Wait(why)) if moved_at.elapsed() < self.options.patience => {
                    self.statistics.set_waiting(Some(why));
                    sleep(backoff.next()).await;
                }
                Err(error) => return Err(error),
            }
        }
        self.statistics.set_waiting(None);
        self.publisher.publish().await
    }

    /// Where the log ends now, for every topic partition that is projected.
    async fn ends(&self) -> Result<Vec<(Place, Offset)>, ReadModelError> {
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

    fn has_reached(&self, ends: &[(Place, Offset)]) -> bool {
        let reached = |(place, end): &(Place, Offset)| {
            self.positions
                .get(place)
                .is_some_and(|position| position.next >= *end)
        };
        ends.iter().all(reached)
    }

    /// Projects one transaction's worth.
    async fn step(&mut self) -> Result<Step, ReadModelError> {
        self.settle_doubt().await?;
        let reads = self.read().await?;
        let moves = reads.moves(&self.positions);
        let idle = moves.is_empty();
        if !idle {
            self.commit(moves, reads).await?;
        }
        if idle || self.publisher.idle_for() >= self.options.publish_interval {
            self.publisher.publish().await?;
        }
        Ok(if idle { Step::Idle } else { Step::Projected })
    }

    async fn read(&mut self) -> Result<Reads, ReadModelError> {
        let mut batch = std::mem::take(&mut self.batch);
        let positions = self.positions.clone();
        let schemas = Arc::clone(&self.options.schemas);
        let max_bytes = self.options.batch_bytes;
        let (reads, batch) = off_thread(&self.log, move |log| {
            let reads = reader::read(log, &schemas, &positions, max_bytes, &mut batch);
            Ok((reads, batch))
        })
        .await?;
        self.batch = batch;
        reads
    }

    async fn commit(&mut self, moves: Positions, reads: Reads) -> Result<(), ReadModelError> {
        let counts = reads.outputs.iter();
        let counts = counts.map(|((topic, _), read)| (*topic, read.outputs.len(), read.repeated));
        let mut counts: Vec<_> = counts.collect();
        counts.push((Topic::WorkspaceSettings, reads.settings.versions.len(), 0));
        let undecodable = reads.settings.undecodable;
        self.in_doubt = Some(moves.clone());
        let database = &self.database;
        let applied = apply(database, &self.positions, &moves, reads, &mut self.zones).await?;
        self.moved(moves);
        for (topic, applied, repeated) in counts {
            self.statistics.count(topic, applied, repeated);
        }
        let add = |counter: &AtomicU64, count| counter.fetch_add(count, Ordering::Relaxed);
        add(&self.statistics.settings_undecodable, undecodable);
        add(&self.statistics.settings_refused, applied.settings_refused);
        add(
            &self.statistics.revisions_repeated,
            applied.revisions_repeated,
        );
        Ok(())
    }

    fn moved(&mut self, moves: Positions) {
        self.in_doubt = None;
        self.publisher.changed();
        self.positions.extend(moves);
        self.statistics.transactions.fetch_add(1, Ordering::Relaxed);
        self.note_positions();
    }

    fn note_positions(&self) {
        self.statistics
            .set_positions(positions::projected(&self.positions));
    }

    /// After a transaction failed: whether it was committed all the same.
    async fn settle_doubt(&mut self) -> Result<(), ReadModelError> {
        let Some(moves) = &self.in_doubt else {
            return Ok(());
        };
        let mut connection = self.database.writer().await?;
        let stored = positions::load(&mut connection).await?;
        let is_stored = |expected: &Positions| {
            moves
                .keys()
                .all(|place| stored.get(place) == expected.get(place))
        };
        if is_stored(moves) {
            let moves = moves.clone();
            self.moved(moves);
        } else if is_stored(&self.positions) {
            self.in_doubt = None;
        } else {
            let why = "the positions are neither where this projector left them nor where it was moving them";
            return Err(ReadModelError::GiveUp(why.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use afterword_log::{EmbeddedLog, EmbeddedOptions, Partition};

    #[tokio::test]
    async fn a_commit_in_doubt_is_settled_by_what_is_stored() {
        let directory = tempfile::tempdir().unwrap();
        let log =
            EmbeddedLog::open(&directory.path().join("log"), EmbeddedOptions::default()).unwrap();
        let database = ReportDatabase::open_file(&directory.path().join("report.db"))
            .await
            .unwrap();
        let started = Projector::start(database.clone(), log, ProjectorOptions::default());
        let mut projector = started.await.unwrap();
        let place = (Topic::RatingRequested, Partition(0));
        let at = |next| positions::Position {
            next: Offset(next),
            applied: Some((next, 0)),
        };
        let doubt = Some(Positions::from([(place, at(3))]));

        projector.in_doubt = doubt.clone();
        projector.settle_doubt().await.unwrap();
        assert_eq!(
            projector.positions[&place].next,
            Offset(0),
            "nothing was committed"
        );

        let mut connection = database.writer().await.unwrap();
        positions::compare_and_set(&mut connection, place, &Default::default(), &at(3))
            .await
            .unwrap();
        drop(connection);
        projector.in_doubt = doubt;
        projector.settle_doubt().await.unwrap();
        assert_eq!(projector.positions[&place], at(3), "it was committed");

        projector.in_doubt = Some(Positions::from([(place, at(9))]));
        projector.positions.insert(place, at(5));
        let error = projector.settle_doubt().await.unwrap_err();
        assert!(matches!(error, ReadModelError::GiveUp(_)), "{error}");
    }
}
