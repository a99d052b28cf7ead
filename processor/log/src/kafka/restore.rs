//! Bringing a local store up to what the changelog holds, and the meta record that says how far a task had come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rocksdb::Cache;

use super::client::Consumer;
use super::cursor::{self, Cursor};
use super::outputs::Written;
use super::store::{Store, StorePosition};
use super::task::Ownership;
use crate::batch::Batch;
use crate::coding::{Reader, put_bytes};
use crate::commit::Meta;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::Bounds;

/// The key of the meta record: it begins with a byte that no state's key begins with.
const META_KEY: &[u8] = b"\0meta";
/// Format 1 did not say which outputs were written.
const META_FORMAT: u8 = 2;
const META_FORMATS: std::ops::RangeInclusive<u8> = 1..=META_FORMAT;
/// How often a long restore says how far it is.
const TELL: Duration = Duration::from_secs(5);

/// What a task committed last, and in which changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Committed {
    pub meta: Meta,
    /// The last outputs; `None` when an earlier build committed.
    pub written: Option<Written>,
    pub position: StorePosition,
}

/// The meta record of a commit.
pub(super) fn meta_record(
    changelog_id: &[u8],
    written: &Written,
    meta: &Meta,
    timestamp_ms: i64,
) -> Record {
    let mut value = vec![META_FORMAT];
    put_bytes(&mut value, changelog_id);
    written.encode(&mut value);
    value.extend_from_slice(&meta.encode());
    Record::new(META_KEY, value, timestamp_ms)
}

fn decode_meta(at: Offset, value: &[u8]) -> Result<Committed, LogError> {
    let damaged = |error: crate::coding::CodingError| {
        LogError::Stop(format!(
            "the meta record at offset {at} of the changelog cannot be read: {error}"
        ))
    };
    let mut reader = Reader::new(value);
    let format = reader.byte().map_err(damaged)?;
    if !META_FORMATS.contains(&format) {
        return Err(LogError::Stop(format!(
            "the meta record at offset {at} of the changelog has format {format}, and this build reads formats up to \
             {META_FORMAT}: it was written by a later build; run that one"
        )));
    }
    let changelog_id = reader.bytes().map_err(damaged)?.to_vec();
    let written = match format {
        1 => None,
        _ => Some(Written::decode(&mut reader).map_err(damaged)?),
    };
    let meta = Meta::decode(&value[reader.position()..]).map_err(damaged)?;
    Ok(Committed {
        meta,
        written,
        position: StorePosition {
            changelog_id,
            meta_at: at,
        },
    })
}

/// One partition's changelog, for its task.
pub(super) struct Changelog<'a> {
    pub consumer: &'a Arc<Consumer>,
    pub topic: &'a str,
    pub partition: Partition,
    pub ownership: &'a Ownership,
}

impl Changelog<'_> {
    /// What the changelog holds. Measure it only when the former owner is fenced: before that it may grow.
    ///
    /// # Errors
    /// `Wait` when no broker answers.
    pub(super) fn bounds(&self) -> Result<Bounds, LogError> {
        cursor::bounds(self.consumer, self.topic, self.partition)
    }

    /// Brings the store up to what is committed now, and returns what that is; `None` when nothing ever was.
    ///
    /// # Errors
    /// `Wait` when the broker does not answer, `GiveUp` when the partition is revoked meanwhile.
    pub(super) fn restore(
        &self,
        mut store: Store,
        cache: &Cache,
        bounds: Bounds,
    ) -> Result<(Store, Option<Committed>), LogError> {
        if let Some(position) = store.position()? {
            let is_within = bounds.start <= position.meta_at && position.meta_at < bounds.end;
            if is_within {
                let (first, found) = self.replay(&store, position.meta_at, bounds.end)?;
                // What was said to be committed and is not there was forgotten by its broker.
                let is_there = first == Some(position.meta_at);
                let same = |found: &Committed| found.position.changelog_id == position.changelog_id;
                if is_there && found.as_ref().is_some_and(same) {
                    return Ok((store, found));
                }
            }
            tracing::warn!(
                partition = self.partition.0,
                topic = self.topic,
                "the local store copies another changelog, or an older one; it is made anew"
            );
        }
        store = store.wipe(cache)?;
        let (_, found) = self.replay(&store, bounds.start, bounds.end)?;
        Ok((store, found))
    }

    /// Writes what the changelog holds between two offsets to the store; returns where its first record lies, and the last
    /// commit.
    fn replay(
        &self,
        store: &Store,
        from: Offset,
        end: Offset,
    ) -> Result<(Option<Offset>, Option<Committed>), LogError> {
        let (mut first, mut last) = (None, None);
        let begun = Instant::now();
        let mut told = begun;
        self.read(from, end, |batch, next| {
            for record in batch.iter().filter(|record| record.offset < end) {
                first = first.or(Some(record.offset));
                if record.key == Some(META_KEY) {
                    last = Some(decode_meta(
                        record.offset,
                        record.value.unwrap_or_default(),
                    )?);
                }
            }
            let states = batch
                .iter()
                .filter(|record| record.offset < end)
                .filter_map(|record| Some((record.key?, record.value)))
                .filter(|(key, _)| *key != META_KEY);
            store.write(states, None)?;
            if told.elapsed() >= TELL {
                told = Instant::now();
                let (done, all) = (next.0.saturating_sub(from.0), end.0 - from.0);
                let left = begun.elapsed().as_secs_f64() * (all.saturating_sub(done)) as f64
                    / done.max(1) as f64;
                tracing::info!(
                    partition = self.partition.0,
                    records = done,
                    of = all,
                    seconds_left = left.ceil(),
                    "restoring states from the changelog"
                );
            }
            Ok(())
        })?;
        if let Some(committed) = &last {
            store.write(std::iter::empty(), Some(&committed.position))?;
        }
        Ok((first, last))
    }

    fn read(
        &self,
        from: Offset,
        end: Offset,
        take: impl FnMut(&Batch, Offset) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        if from >= end {
            return Ok(());
        }
        let mut cursor = Cursor::open(self.consumer, self.topic, self.partition, from)?;
        cursor.read_to(end, self.ownership, take)
    }

    /// Whether the meta record at this offset is there and the last one: nobody has committed since, and what was said to be
    /// committed is. (A coordinator answers before the commit is on the partitions, and may forget it when it is killed then.)
    ///
    /// # Errors
    /// As [`Changelog::restore`].
    pub(super) fn is_untouched_since(&self, meta_at: Option<Offset>) -> Result<bool, LogError> {
        let bounds = self.bounds()?;
        let from = meta_at.unwrap_or(bounds.start);
        let mut found = Vec::new();
        self.read(from, bounds.end, |batch, _| {
            // Two are enough to know.
            found.extend(batch.iter().map(|record| record.offset).take(2));
            Ok(())
        })?;
        Ok(found == Vec::from_iter(meta_at))
    }
}
