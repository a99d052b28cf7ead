//! What a log is: topics, records, positions, and a commit as data. Three backends stand behind one trait: the embedded
//! log (RocksDB, a whole product on one machine), the simulated one (memory, faults, a seeded clock), and Apache Kafka.
//!
//! Nothing here knows a rule of the product: keys, values and states are bytes.

mod batch;
mod coding;
mod commit;
mod embedded;
mod error;
pub mod kafka;
mod partitioner;
mod record;
pub mod simulated;
mod topic;

pub use batch::{Batch, Headers, RecordRef};
pub use coding::{CodingError, Reader, put_bytes, put_optional_bytes, put_signed, put_varint};
pub use commit::{Commit, Meta, OutputRecord, PartitionLog, StateWrite};
pub use embedded::{
    Durability, EmbeddedLog, EmbeddedObserver, EmbeddedOptions, EmbeddedPartition, FreeSpace,
    GroupWritten, OpenError, Removed, Replacement, Retention, Rewriter,
};
pub use error::LogError;
pub use partitioner::partition_for;
pub use record::{INDEX_HEADER, Offset, Partition, Record, SOURCE_HEADER};
pub use topic::{Bounds, Log, Topic};
