//! What is projected: a row a topic partition, moved by compare-and-set in the transaction that writes the rows. That makes
//! the projection exactly-once, and fences a second projector: the one that comes second finds another value.
//!
//! The rows of a partition's four topics are locked and compared together, also when only one of them moves: a request and
//! its submissions lie in different topics and meet in one row.

use std::collections::{BTreeMap, BTreeSet};

use afterword_log::{Log, Offset, Partition, Topic};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::database::{Dialect, ReportDatabase};
use crate::error::ReadModelError;
use crate::sql::{Row, Table, Values};

/// The topics that are projected, settings first: an output is folded after the settings that its decision could know.
pub(crate) const TOPICS: [Topic; 5] = [
    Topic::WorkspaceSettings,
    Topic::RatingRequested,
    Topic::RatingSubmitted,
    Topic::EligibilityDecided,
    Topic::AnswerRefused,
];

/// Where the settings are.
pub(crate) const SETTINGS: Place = (Topic::WorkspaceSettings, Partition(0));

/// A topic partition.
pub(crate) type Place = (Topic, Partition);

/// Where an output stands among its partition's: its source's offset, and its index among that source's outputs.
pub(crate) type Applied = (u64, u32);

/// How far a topic partition is projected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub next: Offset,
    /// The last output applied. Outputs are written in the order of their sources, so what is not later is a repetition.
    pub applied: Option<Applied>,
}

/// All positions.
pub(crate) type Positions = BTreeMap<Place, Position>;

/// How far a topic partition is projected, for retention and for people: everything before `next` is in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectedPosition {
    pub topic: Topic,
    pub partition: Partition,
    pub next: Offset,
}

const SELECT: &str = "SELECT topic, partition_number, next_offset, applied_source, applied_index \
     FROM projector_positions";

/// Settings are stored by every projector, each reads them for itself, and whoever comes further says so.
const ADVANCE_SETTINGS: &str = "UPDATE projector_positions SET next_offset = $1 \
     WHERE topic = $2 AND partition_number = $3 AND next_offset < $1";

const NEW: Table = Table {
    name: "projector_positions",
    columns: &["topic", "partition_number", "next_offset"],
    conflict: "ON CONFLICT (topic, partition_number) DO NOTHING",
};

const COMPARE_AND_SET: &str = "UPDATE projector_positions \
     SET next_offset = $1, applied_source = $2, applied_index = $3 \
     WHERE topic = $4 AND partition_number = $5 AND next_offset = $6";

struct NewPosition(Place);

impl Row for NewPosition {
    fn values(&self, values: &mut Values) {
        values.text(self.0.0.name());
        values.integer(self.0.1.0.into());
        values.integer(0);
    }
}

fn unsigned<N: TryFrom<i64>>(name: &str, value: i64) -> Result<N, ReadModelError> {
    N::try_from(value)
        .map_err(|_| ReadModelError::Stop(format!("projector_positions: {name} cannot be {value}")))
}

/// The stored positions.
pub(crate) async fn load(connection: &mut AnyConnection) -> Result<Positions, ReadModelError> {
    from_rows(&sqlx::query(SELECT).fetch_all(connection).await?)
}

fn from_rows(rows: &[AnyRow]) -> Result<Positions, ReadModelError> {
    let mut positions = Positions::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        let topic = Topic::from_name(&name).ok_or_else(|| {
            let hint = "was it made by a later build?";
            ReadModelError::Stop(format!("projector_positions names topic {name:?}; {hint}"))
        })?;
        let partition = Partition(unsigned("partition_number", row.try_get(1)?)?);
        let next = Offset(unsigned("next_offset", row.try_get(2)?)?);
        let source: Option<i64> = row.try_get(3)?;
        let index: Option<i64> = row.try_get(4)?;
        let applied = match (source, index) {
            (Some(source), Some(index)) => Some((
                unsigned("applied_source", source)?,
                unsigned("applied_index", index)?,
            )),
            _ => None,
        };
        positions.insert((topic, partition), Position { next, applied });
    }
    Ok(positions)
}

/// The stored positions of outputs of these partitions, which nobody else can move until the transaction ends.
pub(crate) async fn lock(
    connection: &mut AnyConnection,
    dialect: Dialect,
    partitions: &BTreeSet<Partition>,
) -> Result<Positions, ReadModelError> {
    if partitions.is_empty() {
        return Ok(Positions::new());
    }
    let numbers: Vec<_> = partitions.iter().map(Partition::to_string).collect();
    // In one order everywhere, or two projectors could wait for each other. SQLite's transaction has locked everything.
    let sql = format!(
        "{SELECT} WHERE partition_number IN ({}) AND topic <> '{}' ORDER BY partition_number, topic{}",
        numbers.join(", "),
        SETTINGS.0,
        if dialect.is_shared() {
            " FOR UPDATE"
        } else {
            ""
        }
    );
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    from_rows(&query.fetch_all(connection).await?)
}

/// The stored positions; those of topic partitions that are new begin at 0.
pub(crate) async fn load_for(
    connection: &mut AnyConnection,
    dialect: Dialect,
    places: &[Place],
) -> Result<Positions, ReadModelError> {
    let stored = load(connection).await?;
    let is_new = |place: &&Place| !stored.contains_key(place);
    let new: Vec<_> = places.iter().filter(is_new).copied().collect();
    if new.is_empty() {
        return Ok(stored);
    }
    let rows: Vec<_> = new.into_iter().map(NewPosition).collect();
    NEW.write(connection, dialect, &rows).await?;
    load(connection).await
}

/// Says that the settings before this are stored.
pub(crate) async fn advance_settings(
    connection: &mut AnyConnection,
    next: Offset,
) -> Result<(), ReadModelError> {
    let mut values = Values::default();
    values.unsigned(next.0);
    values.text(SETTINGS.0.name());
    values.integer(SETTINGS.1.0.into());
    let query = sqlx::query_with(ADVANCE_SETTINGS, values.finish()?);
    query.execute(connection).await?;
    Ok(())
}

/// Moves one position, if it still is where this projector left it. The lock and the comparison before it leave no other
/// case; it is asked again because nothing is worse than a position that is wrong.
pub(crate) async fn compare_and_set(
    connection: &mut AnyConnection,
    place: Place,
    expected: &Position,
    position: &Position,
) -> Result<(), ReadModelError> {
    let mut values = Values::default();
    values.unsigned(position.next.0);
    values.integer_or_null(position.applied.map(|(source, _)| source as i64));
    values.integer_or_null(position.applied.map(|(_, index)| index.into()));
    values.text(place.0.name());
    values.integer(place.1.0.into());
    values.unsigned(expected.next.0);
    let query = sqlx::query_with(COMPARE_AND_SET, values.finish()?);
    let moved = query.execute(connection).await?.rows_affected();
    if moved == 1 {
        return Ok(());
    }
    let (topic, partition) = place;
    Err(ReadModelError::GiveUp(format!(
        "{topic} {partition} was expected at offset {}, where this projector left it, and another moved it on",
        expected.next
    )))
}

/// The settings, and the outputs of these partitions (all when none are named), as far as this log has them.
pub(crate) fn places(log: &dyn Log, partitions: Option<&BTreeSet<Partition>>) -> Vec<Place> {
    let of_topic =
        |topic: Topic| (0..log.partitions(topic)).map(move |number| (topic, Partition(number)));
    let is_ours = |place: &Place| {
        *place == SETTINGS || partitions.is_none_or(|partitions| partitions.contains(&place.1))
    };
    TOPICS
        .into_iter()
        .flat_map(of_topic)
        .filter(is_ours)
        .collect()
}

/// Whether the log has the partitions that the database has projected.
pub(crate) fn check_partitions(log: &dyn Log, stored: &Positions) -> Result<(), ReadModelError> {
    for (topic, partition) in stored.keys() {
        if partition.0 >= log.partitions(*topic) {
            return Err(ReadModelError::Stop(format!(
                "the report database has projected {topic} {partition}, a partition that this log does not have: \
                 it belongs to another log"
            )));
        }
    }
    Ok(())
}

/// Whether the log has what comes next.
///
/// # Errors
/// When the database knows offsets that the log does not have, or the log no longer has records that were never projected:
/// the reports would be wrong from here on, and silently.
pub(crate) fn check_offsets(log: &dyn Log, positions: &Positions) -> Result<(), ReadModelError> {
    for ((topic, partition), position) in positions {
        let next = position.next;
        let bounds = log.bounds(*topic, *partition)?;
        if next > bounds.end {
            return Err(ReadModelError::Stop(format!(
                "the report database has projected {topic} {partition} up to offset {next}, but the log ends at {}: \
                 it belongs to another log, or the log was restored from an older copy",
                bounds.end
            )));
        }
        if next < bounds.start && !topic.is_compacted() {
            return Err(ReadModelError::Stop(format!(
                "offsets {next} to {} of {topic} {partition} were removed from the log before they were projected: \
                 restore the report database from a newer copy",
                bounds.start.0 - 1
            )));
        }
    }
    Ok(())
}

impl ReportDatabase {
    /// What is projected. Retention must keep `next` and everything after it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn positions(&self) -> Result<Vec<ProjectedPosition>, ReadModelError> {
        let mut connection = self.readers().acquire().await?;
        Ok(projected(&load(&mut connection).await?))
    }

    /// Goes on from these offsets, where it has not come so far: for whoever knows that no record lies between. No projector may
    /// run.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was.
    pub async fn pass_over(
        &self,
        places: &[(Topic, Partition, Offset)],
    ) -> Result<(), ReadModelError> {
        let dialect = self.dialect();
        let mut connection = self.writer().await?;
        let moved = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            let stored = load(&mut transaction).await?;
            for (topic, partition, to) in places {
                let place = (*topic, *partition);
                if let Some(position) = stored.get(&place).filter(|stored| stored.next < *to) {
                    let moved = Position {
                        next: *to,
                        ..*position
                    };
                    compare_and_set(&mut transaction, place, position, &moved).await?;
                }
            }
            Ok(transaction.commit().await?)
        };
        let moved: Result<(), ReadModelError> = dialect.limited(moved).await;
        if moved.is_err() {
            connection.close_on_drop();
        }
        moved
    }
}

pub(crate) fn projected(positions: &Positions) -> Vec<ProjectedPosition> {
    let entry = |(&(topic, partition), position): (&Place, &Position)| ProjectedPosition {
        topic,
        partition,
        next: position.next,
    };
    positions.iter().map(entry).collect()
}
