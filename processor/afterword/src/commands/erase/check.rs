//! Looking through what was written before it counts: the same records in the same places, none of which names the customer or
//! has a text of theirs, and nothing of them in the bytes of the files.

use afterword_engine::dead;
use afterword_log::{
    Batch, EmbeddedLog, Headers, Log, LogError, Offset, Partition, RecordRef, Rewriter, Topic,
};

use super::rewriter::Eraser;
use super::search::Search;
use crate::commands::history::reader::patiently;
use crate::failure::Failure;

const READ_BYTES: usize = 1 << 20;

/// Calls `each` with every record of a partition from `from` on that one reading gives; returns where to go on.
fn some(
    log: &dyn Log,
    (topic, partition): (Topic, Partition),
    from: Offset,
    batch: &mut Batch,
    each: &mut dyn FnMut(Topic, Partition, &RecordRef<'_>) -> Result<(), LogError>,
) -> Result<Option<Offset>, LogError> {
    patiently(|| log.read(topic, partition, from, READ_BYTES, batch))?;
    for record in batch.iter() {
        each(topic, partition, &record)?;
    }
    Ok(batch.next().filter(|next| *next > from))
}

/// Calls `each` with every record of these topics, and tells how many offsets are done.
///
/// # Errors
/// When the log cannot be read, or what `each` says.
pub fn walk(
    log: &dyn Log,
    topics: &[Topic],
    told: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(Topic, Partition, &RecordRef<'_>) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let (mut batch, mut done) = (Batch::default(), 0);
    for topic in topics {
        for number in 0..log.partitions(*topic) {
            let place = (*topic, Partition(number));
            // Retention may have removed what was before.
            let mut next = Some(patiently(|| log.bounds(place.0, place.1))?.start);
            while let Some(from) = next {
                next = some(log, place, from, &mut batch, each)?;
                done += batch.len() as u64;
                told(done);
            }
        }
    }
    Ok(())
}

/// The new log beside the old one.
pub struct Check<'a> {
    pub old: &'a EmbeddedLog,
    pub new: &'a EmbeddedLog,
    pub eraser: Eraser<'a>,
    pub search: &'a mut Search,
    pub customer_id: &'a str,
    /// Records in whose bytes the customer's id stands all the same.
    pub naming: u64,
}

impl Check<'_> {
    /// Looks through the new log.
    ///
    /// # Errors
    /// With what is not as it must be.
    pub fn run(&mut self, told: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let unread = |error: LogError| Failure::while_doing("reading the rewritten log", error);
        if self.new.id() != self.old.id() {
            return Err(differs("the log's name"));
        }
        let mut done = 0;
        for topic in Topic::ALL {
            if self.new.partitions(topic) != self.old.partitions(topic) {
                return Err(differs(&format!("the number of partitions of {topic}")));
            }
            for number in 0..self.old.partitions(topic) {
                let place = (topic, Partition(number));
                self.place(place).map_err(unread)?;
                done += self.records(place, &mut |more| told(done + more))?;
            }
        }
        self.states()
    }

    fn place(&self, (topic, partition): (Topic, Partition)) -> Result<(), LogError> {
        let is_same = self.old.bounds(topic, partition)? == self.new.bounds(topic, partition)?
            && (topic != Topic::ConversationEvents
                || self.old.committed(partition)? == self.new.committed(partition)?);
        match is_same {
            true => Ok(()),
            false => Err(LogError::Stop(format!(
                "{topic}/{partition} has other bounds or another position than before"
            ))),
        }
    }

    fn records(
        &mut self,
        (topic, partition): (Topic, Partition),
        told: &mut dyn FnMut(u64),
    ) -> Result<u64, Failure> {
        let unread = |error: LogError| Failure::while_doing("reading the rewritten log", error);
        let (mut was, mut is) = (Batch::default(), Batch::default());
        let (mut from, mut done) = (Offset(0), 0);
        loop {
            let (old, new) = (self.old, self.new);
            old.read(topic, partition, from, READ_BYTES, &mut was)
                .map_err(unread)?;
            new.read(topic, partition, from, READ_BYTES, &mut is)
                .map_err(unread)?;
            let before = from;
            for (was, is) in was.iter().zip(is.iter()) {
                from = is.offset.next();
                done += 1;
                let found = self.record(topic, partition, &was, &is).map_err(unread)?;
                if let Some(what) = found {
                    let place = format!("{topic}/{partition}/{}", is.offset);
                    return Err(differs(&format!("{what} at {place}")));
                }
            }
            told(done);
            if from == before {
                return match was.is_empty() && is.is_empty() {
                    true => Ok(done),
                    false => Err(differs(&format!("the end of {topic}/{partition}"))),
                };
            }
        }
    }

    /// What is not as it must be about a record, if anything.
    fn record(
        &mut self,
        topic: Topic,
        partition: Partition,
        was: &RecordRef<'_>,
        is: &RecordRef<'_>,
    ) -> Result<Option<&'static str>, LogError> {
        let is_same = (was.offset, was.timestamp_ms, was.key, was.value.is_none())
            == (is.offset, is.timestamp_ms, is.key, is.value.is_none());
        if !is_same {
            return Ok(Some("offset, time or key"));
        }
        if !kept(was.headers.clone()).eq(kept(is.headers.clone())) {
            return Ok(Some("the headers"));
        }
        if self.eraser.record(topic, partition, is)?.is_some() {
            return Ok(Some("something that is still to be erased"));
        }
        let id = self.customer_id.as_bytes();
        let mut is_named = false;
        let values = is.headers.clone().filter_map(|(_, value)| value);
        for bytes in [is.key, is.value].into_iter().flatten().chain(values) {
            self.search.note(bytes);
            is_named |= id.len() >= super::search::LEAST_BYTES
                && bytes.windows(id.len()).any(|window| window == id);
        }
        self.naming += u64::from(is_named);
        Ok(None)
    }

    fn states(&mut self) -> Result<(), Failure> {
        let (eraser, search) = (&mut self.eraser, &mut self.search);
        let mut left = 0_u64;
        let mut count = 0_u64;
        let looked = self.new.states(|key, value| {
            search.note(key);
            search.note(value);
            count += 1;
            let still = eraser.state(key, value)?.is_some() || eraser.find_state(key, value)?;
            left += u64::from(still);
            Ok(())
        });
        let mut before = 0_u64;
        let counted = self.old.states(|_, _| {
            before += 1;
            Ok(())
        });
        looked
            .and(counted)
            .map_err(|error| Failure::while_doing("reading the rewritten states", error))?;
        match (left, before == count) {
            (0, true) => Ok(()),
            (0, false) => Err(differs("the number of states")),
            _ => Err(differs("a state that names the customer")),
        }
    }
}

/// The headers that no erasure changes.
fn kept(headers: Headers<'_>) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
    headers.filter(|(name, _)| ![dead::CLASS, dead::ERROR].contains(name))
}

fn differs(what: &str) -> Failure {
    Failure::Failed(format!(
        "the rewritten log was held against the old one and is not as it must be: found {what}; nothing was changed"
    ))
}
