//! The RocksDB behind the log: its column families and their tuning, and what is read from it when it is opened.

use std::path::Path;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBPinnableSlice, DBRawIterator, DBRecoveryMode, DataBlockIndexType, ErrorKind, FlushOptions,
    LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::keys::{self, base_of, batches_before};
use super::options::EmbeddedOptions;
use super::slots::Slots;
use super::stored::Header;
use crate::commit::Meta;
use crate::error::LogError;
use crate::record::{Offset, Partition};
use crate::topic::Topic;

/// An open database.
pub(super) struct Database {
    db: DB,
}

/// Where a partition ends, as its last batch says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// Bytes of all batches ever appended.
    pub(super) bytes: u64,
}

const RECORDS: &str = "records";
const STATES: &str = "states";
const META: &str = "meta";

impl Database {
    /// Opens the database, made when there is none. What a crash left in the write-ahead log is written to table files
    /// and synced before this returns (RocksDB's default), so that all that can be read after it is durable.
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Database, rocksdb::Error> {
        let cache = Cache::new_lru_cache(options.cache_bytes);
        let families = [
            ColumnFamilyDescriptor::new("default", small_options(&cache)),
            ColumnFamilyDescriptor::new(RECORDS, records_options(&cache, options)),
            ColumnFamilyDescriptor::new(STATES, states_options(&cache, options)),
            ColumnFamilyDescriptor::new(META, small_options(&cache)),
        ];
        let db = DB::open_cf_descriptors(&database_options(options), path, families)?;
        Ok(Database { db })
    }

    fn family(&self, name: &'static str) -> &ColumnFamily {
        self.db
            .cf_handle(name)
            .expect("the column families are opened with the database")
    }

    pub(super) fn records(&self) -> &ColumnFamily {
        self.family(RECORDS)
    }

    pub(super) fn states(&self) -> &ColumnFamily {
        self.family(STATES)
    }

    pub(super) fn meta(&self) -> &ColumnFamily {
        self.family(META)
    }

    pub(super) fn write(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<(), rocksdb::Error> {
        self.db.write_opt(batch, options)
    }

    pub(super) fn get_meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        self.db.get_cf(self.meta(), key).map_err(read_error)
    }

    /// What a task committed last.
    pub(super) fn task_meta(&self, partition: Partition) -> Result<Option<Meta>, LogError> {
        let Some(bytes) = self.get_meta(&keys::task_key(partition))? else {
            return Ok(None);
        };
        let meta = Meta::decode(&bytes);
        let damaged =
            |error| LogError::Stop(format!("the meta record of partition {partition}: {error}"));
        meta.map(Some).map_err(damaged)
    }

    /// The stored values of these keys, in their order.
    pub(super) fn load<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<Result<Option<DBPinnableSlice<'_>>, rocksdb::Error>> {
        self.db.batched_multi_get_cf(self.states(), keys, false)
    }

    /// An iterator over the batches of a partition that begin before `end`.
    pub(super) fn batches(
        &self,
        topic: Topic,
        partition: Partition,
        end: Offset,
    ) -> DBRawIterator<'_> {
        let range = batches_before(topic, partition, end);
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(range.start);
        options.set_iterate_upper_bound(range.end);
        self.db.raw_iterator_cf_opt(self.records(), options)
    }

    /// An iterator over everything of a family, at its beginning.
    pub(super) fn all(&self, family: &ColumnFamily) -> DBRawIterator<'_> {
        let mut all = self.db.raw_iterator_cf(family);
        all.seek_to_first();
        all
    }

    /// Gives the space of removed batches back to the disk.
    pub(super) fn reclaim(&self, topic: Topic, partition: Partition, end: Offset) {
        let range = batches_before(topic, partition, end);
        self.db
            .compact_range_cf(self.records(), Some(range.start), Some(range.end));
    }

    /// Where every partition ends, from its last batch.
    pub(super) fn tails(&self, slots: &Slots) -> Result<Vec<Tail>, LogError> {
        let mut tails = vec![Tail::default(); slots.len()];
        for (topic, partition, slot) in slots.all() {
            tails[slot.get()] = self.tail(topic, partition)?;
        }
        Ok(tails)
    }

    /// Where one partition ends.
    pub(super) fn tail(&self, topic: Topic, partition: Partition) -> Result<Tail, LogError> {
        let mut batches = self.batches(topic, partition, Offset(u64::MAX));
        let mut tail = Tail::default();
        batches.seek_to_first();
        if let Some((key, _)) = batches.item() {
            tail.start = base_of(key).unwrap_or_default();
        }
        batches.seek_to_last();
        if let Some((key, value)) = batches.item() {
            let base = base_of(key).unwrap_or_default();
            let header =
                Header::decode(value).map_err(|error| damaged(topic, partition, base, error))?;
            tail.end = Offset(base.0.saturating_add(header.span.into()));
            tail.bytes = header.bytes_before.saturating_add(value.len() as u64);
        }
        batches.status().map_err(read_error)?;
        Ok(tail)
    }

    /// The number of the last group that was written.
    pub(super) fn last_group(&self) -> Result<u64, LogError> {
        let stored = self.get_meta(keys::GROUP_KEY)?;
        let number = stored.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
        Ok(number.unwrap_or(0))
    }

    /// A name for a new log: RocksDB makes a UUID for each new database.
    pub(super) fn identity(&self) -> Result<String, LogError> {
        let identity = self.db.get_db_identity().map_err(read_error)?;
        Ok(String::from_utf8_lossy(&identity).trim().to_owned())
    }

    /// Makes a copy of the database as it is now in a directory that is not there yet, on the same disk.
    pub(super) fn checkpoint(&self, directory: &Path) -> Result<(), rocksdb::Error> {
        Checkpoint::new(&self.db)?.create_checkpoint(directory)
    }

    /// Writes what is in memory to table files, so that the next opening is quick.
    pub(super) fn flush(&self) -> Result<(), rocksdb::Error> {
        let families = [self.records(), self.states(), self.meta()];
        self.db.flush_cfs_opt(
            &families.each_ref().map(|family| *family),
            &FlushOptions::default(),
        )
    }
}

/// An error while reading: damage is for a person, everything else may pass.
pub(super) fn read_error(error: rocksdb::Error) -> LogError {
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::NotSupported | ErrorKind::InvalidArgument => {
            LogError::Stop(format!("the log's database is damaged: {error}"))
        }
        _ => LogError::Wait(format!("the log's database cannot be read: {error}")),
    }
}

/// Stored bytes that no build wrote so.
pub(super) fn damaged(
    topic: Topic,
    partition: Partition,
    base: Offset,
    error: impl std::fmt::Display,
) -> LogError {
    LogError::Stop(format!(
        "the batch at {topic}/{partition}/{base} cannot be read: {error}"
    ))
}

fn database_options(options: &EmbeddedOptions) -> Options {
    let mut db = Options::default();
    db.create_if_missing(true);
    db.create_missing_column_families(true);
    // A write is synced before it is acknowledged, so all that was acknowledged is before the first torn record.
    db.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    db.set_db_write_buffer_size(options.write_buffer_bytes);
    // Families that are seldom written (meta) would keep old write-ahead logs for ever.
    db.set_max_total_wal_size(2 * options.write_buffer_bytes as u64);
    db.set_max_open_files(512);
    db.set_max_background_jobs(2);
    db.set_bytes_per_sync(1 << 20);
    db.set_log_level(LogLevel::Warn);
    db.set_max_log_file_size(4 << 20);
    db.set_keep_log_file_num(4);
    db.set_stats_dump_period_sec(0);
    db
}

fn small_options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    let mut family = Options::default();
    family.set_block_based_table_factory(&table);
    family.set_write_buffer_size(4 << 20);
    family
}

/// Batches are appended in order, read in order and removed from the front. Big ones stand in files of their own (blob
/// files), and only their keys are sorted again and again; so a byte is written twice in its life (write-ahead log, blob
/// file), however large the log grows. A blob file goes when retention has removed everything in it. RocksDB's collection
/// of half-empty ones is off: it would copy the oldest quarter of the log each time the few keys are compacted.
fn records_options(cache: &Cache, options: &EmbeddedOptions) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(16 << 10);
    table.set_format_version(6);
    let mut family = Options::default();
    family.set_block_based_table_factory(&table);
    family.set_compression_type(DBCompressionType::Lz4);
    family.set_enable_blob_files(true);
    family.set_min_blob_size(4 << 10);
    family.set_blob_compression_type(DBCompressionType::Lz4);
    family.set_enable_blob_gc(false);
    family.set_write_buffer_size(options.write_buffer_bytes / 2);
    family.set_max_write_buffer_number(4);
    family
}

/// States are found by key, many of them for the first time: most look-ups find nothing.
fn states_options(cache: &Cache, options: &EmbeddedOptions) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    table.set_format_version(6);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    let mut family = Options::default();
    family.set_block_based_table_factory(&table);
    family.set_compression_type(DBCompressionType::Lz4);
    family.set_write_buffer_size(options.write_buffer_bytes / 2);
    family.set_max_write_buffer_number(4);
    family.set_memtable_prefix_bloom_ratio(0.05);
    family.set_memtable_whole_key_filtering(true);
    family
}
