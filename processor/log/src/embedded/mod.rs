//! The embedded log: topics, states and positions in one RocksDB, for a whole product on one machine.
//!
//! One process has it open. Any thread reads; one thread writes (`writer`), so that offsets have one owner and many
//! callers share one sync. What is acknowledged is on disk, and nobody sees a record before it is.

mod checkpoint;
mod compaction;
mod database;
#[cfg(test)]
mod faults;
mod group;
mod keys;
mod options;
mod read;
mod recovery;
mod replacing;
mod request;
mod retention;
mod rewriting;
mod shared;
mod slots;
mod stored;
mod task;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use parking_lot::{Mutex, RwLock};
use rocksdb::{WriteBatch, WriteOptions};

pub use options::{
    Durability, EmbeddedObserver, EmbeddedOptions, FreeSpace, GroupWritten, OpenError,
};
pub use replacing::Replacement;
pub use retention::{Removed, Retention};
pub use rewriting::Rewriter;
pub use task::EmbeddedPartition;

use crate::batch::Batch;
use crate::error::LogError;
use crate::record::{Offset, Partition, Record};
use crate::topic::{Bounds, Log, Topic};
use database::{Database, Tail, read_error};
use keys::{FORMAT_KEY, ID_KEY, PARTITIONS_KEY};
use read::Limits;
use request::{Chunk, Chunks, Kind, Request, Write, bytes_of};
use shared::{DATABASE, Health, Shared, closed};
use slots::Slots;
use writer::Writer;

/// The format of everything stored; another one is refused.
const FORMAT: u32 = 1;
const DEFAULT_PARTITIONS: u32 = 4;
const MOST_PARTITIONS: u32 = 1_024;
/// Requests that wait for the writer. Each belongs to a thread that waits too.
const QUEUE: usize = 1_024;
/// One append is one write of the database, which has to fit into memory.
const MOST_APPEND_BYTES: u64 = 64 << 20;
const LOCK: &str = "lock";

/// The embedded log. Dropping the last handle closes it.
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    id: String,
    requests: Sender<Request>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held by retention and compaction: one at a time, since both rewrite what was there before.
    tidying: Mutex<()>,
    /// Locked as long as the log is open: one process has it.
    lock: Mutex<Option<File>>,
}

impl EmbeddedLog {
    /// Opens the log in this directory. The directory and the log are made when there are none; a new state of the directory that
    /// was completed is put in place first ([`Replacement`]).
    ///
    /// # Errors
    /// As [`OpenError`] says.
    pub fn open(directory: &Path, options: EmbeddedOptions) -> Result<Arc<EmbeddedLog>, OpenError> {
        if let Some(asked) = options.partitions
            && !(1..=MOST_PARTITIONS).contains(&asked)
        {
            let most = MOST_PARTITIONS;
            return Err(OpenError::PartitionsOutOfRange { asked, most });
        }
        let lock = lock(directory)?;
        replacing::settle(directory)?;
        let database = Database::open(&directory.join(DATABASE), &options).map_err(read_error)?;
        let (partitions, id) = establish(&database, options.partitions)?;
        let slots = Slots::new(partitions);
        let tails = database.tails(&slots)?;
        for (_, _, slot) in slots.all() {
            let Tail { start, end, .. } = tails[slot.get()];
            slots.publish(slot, start, end);
        }
        let last_group = database.last_group()?;
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            options,
            slots,
            database: RwLock::new(Some(database)),
            health: Health::default(),
            #[cfg(test)]
            faults: faults::Faults::default(),
        });
        let (requests, receiver) = bounded(QUEUE);
        let writer = Writer::new(Arc::clone(&shared), receiver, tails, last_group);
        let thread = std::thread::Builder::new().name("log-writer".to_owned());
        let thread = thread.spawn(|| writer.run());
        let thread = thread
            .map_err(|error| LogError::Wait(format!("no thread for the log's writer: {error}")))?;
        Ok(Arc::new(EmbeddedLog {
            shared,
            id,
            requests,
            writer: Mutex::new(Some(thread)),
            tidying: Mutex::new(()),
            lock: Mutex::new(Some(lock)),
        }))
    }

    /// Whether a log was made in this directory. Opens nothing.
    #[must_use]
    pub fn exists(directory: &Path) -> bool {
        directory.join(DATABASE).join("CURRENT").exists() || replacing::awaits(directory)
    }

    /// The partition as its task sees it. There may be several of one partition: the one that recovered last owns it.
    #[must_use]
    pub fn task(self: &Arc<Self>, partition: Partition) -> EmbeddedPartition {
        EmbeddedPartition::new(Arc::clone(self), partition)
    }

    /// The log's own name, made with it: two logs never have the same.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes everything that was accepted, closes the database and lets another process open it. Every later call is
    /// answered with [`LogError::GiveUp`].
    ///
    /// # Errors
    /// [`LogError::StartOver`] when the writer had crashed.
    pub fn close(&self) -> Result<(), LogError> {
        let Some(writer) = self.writer.lock().take() else {
            return Ok(());
        };
        // The writer is gone already if this fails, and then there is nobody to tell.
        let _ = self.requests.send(Request::Close);
        let ended = writer.join();
        self.shared.health.close();
        self.shared.database.write().take();
        if let Some(lock) = self.lock.lock().take() {
            // Said aloud: a process forked meanwhile may still hold a copy of the file. Failing that, dropping it does.
            let _ = lock.unlock();
        }
        ended.map_err(|_| LogError::StartOver("the log's writer crashed".to_owned()))
    }

    /// Hands the writer something and waits until it is durable; returns the first offset of each chunk.
    fn submit(
        &self,
        chunks: Vec<Chunk>,
        kind: Kind,
        more_bytes: u64,
    ) -> Result<Vec<Offset>, LogError> {
        let bytes = bytes_of(&chunks) + more_bytes;
        let (reply, answer) = bounded(1);
        let write = Write {
            chunks,
            kind,
            bytes,
            reply,
        };
        self.requests
            .send(Request::Write(write))
            .map_err(|_| closed())?;
        let crashed =
            |_| LogError::StartOver("the log's writer ended without an answer".to_owned());
        answer.recv().map_err(crashed)?
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the log was not closed properly");
        }
    }
}

impl Log for EmbeddedLog {
    fn partitions(&self, topic: Topic) -> u32 {
        topic.partitions(self.shared.slots.partitions())
    }

    /// Beside what the trait says: [`LogError::StartOver`] when the write failed half-way, and the records may be in the
    /// log or not; [`LogError::Stop`] for more than 64 MiB at once.
    fn append(
        &self,
        topic: Topic,
        records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        let mut chunks = Chunks::default();
        for (partition, record) in &records {
            self.shared.slot(topic, *partition)?;
            chunks.push(topic, *partition, record);
        }
        let chunks = chunks.finish();
        let bytes = bytes_of(&chunks);
        if bytes > MOST_APPEND_BYTES {
            return Err(LogError::Stop(format!(
                "one append takes at most {MOST_APPEND_BYTES} bytes, and this one has {bytes}: append fewer records at once"
            )));
        }
        if chunks.is_empty() {
            return Ok(Vec::new());
        }
        let partitions: Vec<Partition> = chunks.iter().map(|chunk| chunk.partition).collect();
        let bases = self.submit(chunks, Kind::Append, 0)?;
        Ok(places(&records, &partitions, &bases))
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        let limits = Limits {
            records: usize::MAX,
            bytes: max_bytes,
        };
        self.shared.read(topic, partition, from, limits, batch)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError> {
        let slot = self.shared.slot(topic, partition)?;
        match self.shared.health.is_closed() {
            true => Err(closed()),
            false => Ok(self.shared.slots.bounds(slot)),
        }
    }

    fn committed(&self, partition: Partition) -> Result<Option<Offset>, LogError> {
        self.shared.slot(Topic::ConversationEvents, partition)?;
        let meta = self
            .shared
            .with_database(|database| database.task_meta(partition))?;
        Ok(meta.map(|meta| meta.next))
    }

    fn wait_for(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        at_most: Duration,
    ) -> bool {
        match self.shared.slots.index(topic, partition) {
            Some(slot) => self.shared.slots.wait(slot, from, at_most),
            None => false,
        }
    }

    /// Looks at the disk too, so that a full one is known before somebody writes.
    fn impediment(&self) -> Option<String> {
        self.shared.impediment()
    }
}

/// Where each record went: a partition's records stand one after the other from the base of its first chunk on.
fn places(
    records: &[(Partition, Record)],
    chunks: &[Partition],
    bases: &[Offset],
) -> Vec<(Partition, Offset)> {
    let mut nexts: Vec<(Partition, Offset)> = Vec::new();
    for (partition, base) in chunks.iter().zip(bases) {
        if !nexts.iter().any(|(known, _)| known == partition) {
            nexts.push((*partition, *base));
        }
    }
    let place = |(partition, _): &(Partition, Record)| {
        let next = nexts.iter_mut().find(|(known, _)| known == partition)?;
        let place = *next;
        next.1 = next.1.next();
        Some(place)
    };
    records.iter().filter_map(place).collect()
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let failed = |error| LogError::Wait(format!("{} cannot be used: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    let path = directory.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            directory: directory.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error).into()),
    }
}

/// Reads what the log says of itself, or says it when the log is new: the number of partitions and the log's name.
fn establish(database: &Database, asked: Option<u32>) -> Result<(u32, String), OpenError> {
    let number = |key| -> Result<Option<u32>, OpenError> {
        let stored = database.get_meta(key)?;
        Ok(stored.map(|bytes| bytes.try_into().map_or(u32::MAX, u32::from_be_bytes)))
    };
    let Some(format) = number(FORMAT_KEY)? else {
        return create(database, asked.unwrap_or(DEFAULT_PARTITIONS));
    };
    if format != FORMAT {
        return Err(OpenError::Format {
            stored: format,
            known: FORMAT,
        });
    }
    let stored = number(PARTITIONS_KEY)?.filter(|stored| (1..=MOST_PARTITIONS).contains(stored));
    let id = database
        .get_meta(ID_KEY)?
        .and_then(|id| String::from_utf8(id).ok());
    let (Some(stored), Some(id)) = (stored, id) else {
        let text =
            "the log's own description is damaged: its number of partitions or its name is missing";
        return Err(LogError::Stop(text.to_owned()).into());
    };
    match asked {
        Some(asked) if asked != stored => Err(OpenError::Partitions { stored, asked }),
        _ => Ok((stored, id)),
    }
}

fn create(database: &Database, partitions: u32) -> Result<(u32, String), OpenError> {
    let id = database.identity()?;
    let mut batch = WriteBatch::default();
    batch.put_cf(database.meta(), FORMAT_KEY, FORMAT.to_be_bytes());
    batch.put_cf(database.meta(), PARTITIONS_KEY, partitions.to_be_bytes());
    batch.put_cf(database.meta(), ID_KEY, &id);
    let mut options = WriteOptions::default();
    options.set_sync(true);
    let failed = |error| LogError::Wait(format!("the new log cannot be written: {error}"));
    database.write(batch, &options).map_err(failed)?;
    Ok((partitions, id))
}
