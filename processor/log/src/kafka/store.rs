//! The states of one partition on this machine: a copy of what the changelog holds, as of one position of it. It is written
//! only after the transaction that says the same, and without a write-ahead log: what a crash takes is read again.

use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, IteratorMode, LogLevel, Options, WriteBatch,
    WriteOptions,
};

use crate::coding::{CodingError, Reader, put_bytes, put_varint};
use crate::error::LogError;
use crate::record::{Offset, Partition};

/// Begins with a byte that no state's key begins with: ids have no control characters.
const POSITION_KEY: &[u8] = b"\0position";
const FORMAT: u8 = 1;
const WRITE_BUFFER_BYTES: usize = 16 << 20;

/// Which changelog a store copies, and how far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StorePosition {
    /// The changelog's own mark: another one's states are not these.
    pub changelog_id: Vec<u8>,
    /// Where the meta record of the last commit lies: reading again begins there.
    pub meta_at: Offset,
}

impl StorePosition {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        put_bytes(&mut out, &self.changelog_id);
        put_varint(&mut out, self.meta_at.0);
        out
    }

    fn decode(bytes: &[u8]) -> Result<StorePosition, CodingError> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != FORMAT {
            return Err(CodingError {
                expected: "format 1 of a local store's position",
                at: 0,
            });
        }
        Ok(StorePosition {
            changelog_id: reader.bytes()?.to_vec(),
            meta_at: Offset(reader.varint()?),
        })
    }
}

/// An open store.
pub(super) struct Store {
    db: DB,
    path: PathBuf,
}

impl Store {
    /// Opens the store of a partition, made when there is none.
    ///
    /// # Errors
    /// `Wait` when it cannot be opened: another process may have it, or the disk may be full.
    pub(super) fn open(
        directory: &Path,
        partition: Partition,
        cache: &Cache,
    ) -> Result<Store, LogError> {
        let path = directory.join(format!("partition-{partition}"));
        std::fs::create_dir_all(&path)
            .map_err(|error| failed("making", &path, &error.to_string()))?;
        let db = DB::open(&options(cache), &path).or_else(|error| match error.kind() {
            rocksdb::ErrorKind::Corruption => {
                tracing::warn!(path = %path.display(), %error, "a local store is damaged; it is made anew from the changelog");
                DB::destroy(&Options::default(), &path).and_then(|()| DB::open(&options(cache), &path))
            }
            _ => Err(error),
        });
        let db = db.map_err(|error| failed("opening", &path, error.as_ref()))?;
        Ok(Store { db, path })
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// `Wait` when it cannot be made anew.
    pub(super) fn wipe(self, cache: &Cache) -> Result<Store, LogError> {
        let path = self.path.clone();
        drop(self);
        let wiped = DB::destroy(&Options::default(), &path)
            .and_then(|()| DB::open(&options(cache), &path))
            .map_err(|error| failed("making anew", &path, error.as_ref()))?;
        Ok(Store { db: wiped, path })
    }

    /// Removes it: it is made anew from the changelog when somebody takes the partition over.
    ///
    /// # Errors
    /// `Wait` when its files cannot be removed.
    pub(super) fn remove(self) -> Result<(), LogError> {
        let Store { db, path } = self;
        drop(db);
        DB::destroy(&Options::default(), &path)
            .map_err(|error| failed("removing", &path, error.as_ref()))
    }

    /// Calls `each` with every state.
    ///
    /// # Errors
    /// When they cannot be read, or what `each` says.
    pub(super) fn each(
        &self,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        for entry in self.db.iterator(IteratorMode::Start) {
            let (key, value) = entry.map_err(|error| self.failed("reading", &error))?;
            if *key != *POSITION_KEY {
                each(&key, &value)?;
            }
        }
        Ok(())
    }

    /// How far it goes; `None` when it is new.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn position(&self) -> Result<Option<StorePosition>, LogError> {
        let bytes = self
            .db
            .get(POSITION_KEY)
            .map_err(|error| self.failed("reading", &error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        // One that this build cannot read is as good as none: the changelog has it all.
        Ok(StorePosition::decode(&bytes).ok())
    }

    /// Writes states, and a position when they complete a commit.
    ///
    /// # Errors
    /// `StartOver` when the disk refuses.
    pub(super) fn write<'a>(
        &self,
        states: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        position: Option<&StorePosition>,
    ) -> Result<(), LogError> {
        let mut batch = WriteBatch::default();
        for (key, value) in states {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        if let Some(position) = position {
            batch.put(POSITION_KEY, position.encode());
        }
        let mut unlogged = WriteOptions::default();
        unlogged.disable_wal(true);
        self.db.write_opt(batch, &unlogged).map_err(|error| {
            LogError::StartOver(format!("writing {}: {error}", self.path.display()))
        })
    }

    /// The stored states of these keys, in their order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn load(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, LogError> {
        let found = self.db.multi_get(keys);
        found
            .into_iter()
            .map(|value| value.map_err(|error| self.failed("reading", &error)))
            .collect()
    }

    /// Puts on disk what is only in memory, so that the next start has less to read again.
    pub(super) fn flush(&self) {
        if let Err(error) = self.db.flush() {
            tracing::warn!(path = %self.path.display(), %error, "a local store was not flushed; its newest part will be read again");
        }
    }

    fn failed(&self, doing: &str, error: &rocksdb::Error) -> LogError {
        failed(doing, &self.path, error.as_ref())
    }
}

fn failed(doing: &str, path: &Path, error: &str) -> LogError {
    LogError::Wait(format!(
        "{doing} the local store {}: {error}",
        path.display()
    ))
}

fn options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    table.set_cache_index_and_filter_blocks(true);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_keep_log_file_num(2);
    options.set_log_level(LogLevel::Warn);
    options.set_max_open_files(256);
    options
}
