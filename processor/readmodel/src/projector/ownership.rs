//! Which positions are this projector's to move: what was assigned to it, what the database says, and what a transaction of
//! unknown outcome left.

use tracing::info;

use super::Projector;
use crate::error::ReadModelError;
use crate::positions::{self, Positions};
use crate::reader::off_thread;

impl Projector {
    /// Takes up what was assigned since, and lets go of what was taken away. No transaction is open here, so whoever has those
    /// partitions next finds them where this projector left them.
    pub(super) async fn reassign(&mut self) -> Result<(), ReadModelError> {
        let Some(partitions) = self.assignment.change() else {
            return Ok(());
        };
        info!(?partitions, "partitions to project");
        let before = self.assignment.current().cloned();
        self.assignment.set(partitions);
        if let Err(error) = self.reload().await {
            // It is tried again with the next step.
            self.assignment.set(before.unwrap_or_default());
            return Err(error);
        }
        // Whoever had them before may not have come to publishing.
        self.publisher.changed();
        Ok(())
    }

    /// Takes the stored positions for the truth, of the partitions assigned. Of those that were not projected here before, the
    /// log must have what comes next.
    pub(super) async fn reload(&mut self) -> Result<(), ReadModelError> {
        let partitions = self.assignment.current().cloned();
        let places = off_thread(&self.log, move |log| {
            Ok(positions::places(log, partitions.as_ref()))
        })
        .await?;
        let dialect = self.database.dialect();
        let mut connection = self.database.writer().await?;
        let stored = positions::load_for(&mut connection, dialect, &places);
        let stored = dialect.limited(stored).await;
        if stored.is_err() {
            connection.close_on_drop();
        }
        let stored = stored?;
        drop(connection);
        let ours = places
            .iter()
            .filter_map(|place| stored.get_key_value(place));
        let ours: Positions = ours.map(|(place, position)| (*place, *position)).collect();
        let mut new = ours.clone();
        new.retain(|place, _| !self.positions.contains_key(place));
        off_thread(&self.log, move |log| {
            positions::check_partitions(log, &stored)?;
            positions::check_offsets(log, &new)
        })
        .await?;
        self.positions = ours;
        // Others may have stored settings that this projector will not read any more.
        self.zones.forget();
        self.note_positions();
        Ok(())
    }

    /// After a transaction failed: whether it was committed all the same. On a shared database another projector may have
    /// come since, and one transaction that the server has not noticed to be dead may still end either way: it holds the lock
    /// of its positions, so the next transaction waits for it, compares, and finds out.
    pub(super) async fn settle_doubt(&mut self) -> Result<(), ReadModelError> {
        let Some(moves) = &self.in_doubt else {
            return Ok(());
        };
        let dialect = self.database.dialect();
        let mut connection = self.database.writer().await?;
        let stored = dialect.limited(positions::load(&mut connection)).await;
        if stored.is_err() {
            connection.close_on_drop();
        }
        let stored = stored?;
        drop(connection);
        let is_stored = |expected: &Positions| {
            moves
                .keys()
                .all(|place| stored.get(place) == expected.get(place))
        };
        if is_stored(moves) {
            let moves = moves.clone();
            self.moved(moves);
        } else if dialect.is_shared() {
            // Some of it may have been committed, with partitions left out that were another's.
            self.publisher.changed();
            self.reload().await?;
        } else if !is_stored(&self.positions) {
            let why = "the positions are neither where this projector left them nor where it was moving them";
            return Err(ReadModelError::GiveUp(why.to_owned()));
        }
        self.in_doubt = None;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{ProjectorOptions, ReportDatabase};
    use afterword_log::{EmbeddedLog, EmbeddedOptions, Offset, Partition, Topic};

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
