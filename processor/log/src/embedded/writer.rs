//! The one thread that writes: it takes all requests that are waiting, makes one write of them, syncs once, and answers
//! all. So any number of producers share a sync, offsets have one owner, and a commit is fenced without a lock.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rocksdb::WriteOptions;

use super::database::Tail;
use super::group::Group;
use super::options::{Durability, GroupWritten};
use super::recovery::Outage;
use super::request::{Kind, Owned, Request, Write};
use super::shared::{Shared, closed};
use crate::error::LogError;
use crate::record::{Offset, Partition};

/// A group takes no more requests once it has this many bytes.
const GROUP_BYTES: u64 = 8 << 20;

/// The writer's own view; nobody else has it.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    requests: Receiver<Request>,
    /// Where the next record of each partition goes.
    pub(super) tails: Vec<Tail>,
    /// Who may commit, by partition of conversations.
    owners: Vec<Owner>,
    /// The number of the last group written.
    pub(super) last_group: u64,
    /// Set while the database does not take writes.
    pub(super) outage: Option<Outage>,
    /// Failed writes since the last one that succeeded.
    pub(super) failures: u32,
    write_options: WriteOptions,
}

/// Who may commit for a partition, and from where on.
#[derive(Clone, Copy, Debug, Default)]
struct Owner {
    epoch: u64,
    next: Offset,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        requests: Receiver<Request>,
        tails: Vec<Tail>,
        last_group: u64,
    ) -> Writer {
        let mut write_options = WriteOptions::default();
        write_options.set_sync(shared.options.durability == Durability::Synced);
        let partitions = shared.slots.partitions() as usize;
        Writer {
            shared,
            requests,
            tails,
            owners: vec![Owner::default(); partitions],
            last_group,
            outage: None,
            failures: 0,
            write_options,
        }
    }

    /// Until it is told to close, or everybody who could tell it is gone.
    pub(super) fn run(mut self) {
        loop {
            let mut writes = Vec::new();
            let then = self.collect(&mut writes);
            self.write(writes);
            match then {
                Then::Nothing => {}
                Then::TakeOver { partition, reply } => {
                    // The task may have gone away: nobody to tell then.
                    let _ = reply.send(self.take_over(partition));
                }
                Then::Close => return self.close(),
            }
            self.end_outage_when_due();
        }
    }

    /// Waits for a request and takes all others that are there, up to one that has to come after a write.
    fn collect(&self, writes: &mut Vec<Write>) -> Then {
        let mut bytes = 0;
        let mut next = match &self.outage {
            None => self
                .requests
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
            Some(outage) => self.requests.recv_deadline(outage.retry_at()),
        };
        loop {
            match next {
                Ok(Request::Write(write)) => {
                    bytes += write.bytes;
                    writes.push(write);
                }
                Ok(Request::TakeOver { partition, reply }) => {
                    return Then::TakeOver { partition, reply };
                }
                Ok(Request::Close) | Err(RecvTimeoutError::Disconnected) => return Then::Close,
                Err(RecvTimeoutError::Timeout) => return Then::Nothing,
            }
            if bytes >= GROUP_BYTES {
                return Then::Nothing;
            }
            next = match self.requests.try_recv() {
                Ok(request) => Ok(request),
                Err(_) => return Then::Nothing,
            };
        }
    }

    fn write(&mut self, writes: Vec<Write>) {
        let writes = self.admit(writes);
        if writes.is_empty() {
            return;
        }
        let number = self.last_group + 1;
        let mut group = match self.build(number, writes) {
            Some(group) => group,
            None => return,
        };
        let started = Instant::now();
        match self.hand_to_database(&mut group) {
            Ok(()) => {
                self.note_success(&group, started);
                self.publish(group);
            }
            Err(error) => self.fail(group, &error),
        }
    }

    /// Answers those who cannot be served now and returns the others.
    fn admit(&self, mut writes: Vec<Write>) -> Vec<Write> {
        if let Some(outage) = &self.outage {
            refuse(
                writes,
                |_| true,
                &LogError::Wait(outage.reason().to_owned()),
            );
            return Vec::new();
        }
        writes = refuse_each(writes, |write| self.fence(write));
        let adds = |write: &Write| !matches!(write.kind, Kind::Tidy(_));
        let bytes = writes
            .iter()
            .filter(|write| adds(write))
            .map(|write| write.bytes)
            .sum();
        if bytes == 0 {
            return writes;
        }
        let Err(reason) = self.shared.room_for(bytes) else {
            return writes;
        };
        self.shared.health.refused(bytes);
        self.shared.impeded(&reason);
        refuse(writes, adds, &LogError::Wait(reason))
    }

    /// Why a commit may not be written, if it may not.
    fn fence(&self, write: &Write) -> Option<LogError> {
        let Kind::Commit(commit) = &write.kind else {
            return None;
        };
        let partition = commit.partition;
        let owner = self.owners.get(partition.0 as usize)?;
        if commit.epoch != owner.epoch {
            return Some(LogError::GiveUp(format!(
                "partition {partition} was recovered {} times, and this task did it as number {}",
                owner.epoch, commit.epoch
            )));
        }
        let meta = commit.meta;
        if meta.next < owner.next || meta.stored_below > meta.next {
            return Some(LogError::Stop(format!(
                "a commit of partition {partition} goes to {} with states stored below {}, after one that went to {}",
                meta.next, meta.stored_below, owner.next
            )));
        }
        None
    }

    fn build(&self, number: u64, writes: Vec<Write>) -> Option<Group> {
        let database = self.shared.database.read();
        match database.as_ref() {
            Some(database) => Some(Group::build(
                database,
                &self.shared.slots,
                &self.tails,
                number,
                writes,
            )),
            None => {
                refuse(writes, |_| true, &closed());
                None
            }
        }
    }

    fn hand_to_database(&self, group: &mut Group) -> Result<(), String> {
        #[cfg(test)]
        self.shared.faults.before_write()?;
        let database = self.shared.database.read();
        let database = database.as_ref().ok_or("the database is not open")?;
        database
            .write(group.take_batch(), &self.write_options)
            .map_err(|error| error.to_string())?;
        #[cfg(test)]
        self.shared.faults.after_write()?;
        Ok(())
    }

    fn note_success(&mut self, group: &Group, started: Instant) {
        self.failures = 0;
        self.shared.health.written();
        if let Some(observer) = &self.shared.options.observer {
            observer.group_written(&GroupWritten {
                requests: group.requests(),
                records: group.records(),
                bytes: group.bytes(),
                seconds: started.elapsed().as_secs_f64(),
            });
        }
    }

    /// A group is durable: readers may see it, then its callers are told.
    pub(super) fn publish(&mut self, group: Group) {
        self.last_group = group.number();
        for (owner, next) in group.committed() {
            if let Some(owner) = self.owners.get_mut(owner.0 as usize) {
                owner.next = next;
            }
        }
        self.tails = group.answer(&self.shared.slots);
    }

    /// Nobody may commit for these partitions until a task has recovered.
    pub(super) fn disown(&mut self, partitions: impl IntoIterator<Item = Partition>) {
        for partition in partitions {
            if let Some(owner) = self.owners.get_mut(partition.0 as usize) {
                owner.epoch += 1;
            }
        }
    }

    fn take_over(&mut self, partition: Partition) -> Result<Owned, LogError> {
        if let Some(outage) = &self.outage {
            return Err(LogError::Wait(outage.reason().to_owned()));
        }
        let meta = self
            .shared
            .with_database(|database| database.task_meta(partition))?;
        let owner = self.owners.get_mut(partition.0 as usize).ok_or_else(|| {
            LogError::Stop(format!(
                "there is no partition {partition} of conversations"
            ))
        })?;
        owner.epoch += 1;
        owner.next = meta.map(|meta| meta.next).unwrap_or_default();
        Ok(Owned {
            epoch: owner.epoch,
            meta,
        })
    }

    /// Everything accepted was written. What is still in the channel came after the closing and is refused.
    fn close(self) {
        self.shared.health.close();
        let database = self.shared.database.write().take();
        if let (Some(database), None) = (&database, &self.outage)
            && let Err(error) = database.flush()
        {
            tracing::warn!(%error, "the log's tables were not flushed; the next opening reads its write-ahead log");
        }
        drop(database);
        while let Ok(request) = self.requests.try_recv() {
            match request {
                Request::Write(write) => refuse(vec![write], |_| true, &closed()).clear(),
                Request::TakeOver { reply, .. } => {
                    let _ = reply.send(Err(closed()));
                }
                Request::Close => {}
            }
        }
    }
}

/// What the writer does after the writes it collected.
enum Then {
    Nothing,
    TakeOver {
        partition: Partition,
        reply: Sender<Result<Owned, LogError>>,
    },
    Close,
}

/// Answers those chosen with this error and returns the others.
pub(super) fn refuse(
    writes: Vec<Write>,
    chosen: impl Fn(&Write) -> bool,
    error: &LogError,
) -> Vec<Write> {
    refuse_each(writes, |write| chosen(write).then(|| error.clone()))
}

fn refuse_each(writes: Vec<Write>, why: impl Fn(&Write) -> Option<LogError>) -> Vec<Write> {
    let keep = |write: Write| match why(&write) {
        None => Some(write),
        Some(error) => {
            // The caller may have gone away: nobody to tell then.
            let _ = write.reply.send(Err(error));
            None
        }
    };
    writes.into_iter().filter_map(keep).collect()
}
