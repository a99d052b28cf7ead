//! The log on Apache Kafka: a task a partition, its outputs, its states' changelog and its position in one transaction.
//!
//! Four kinds of clients: one member of the consumer group a process, which reads nothing and says which partitions are this
//! process's; one consumer and one transactional producer a partition, both on its task's thread; and for everybody else
//! ([`KafkaLog`]) an idempotent producer and a few consumers.

pub mod admin;
mod append;
mod client;
mod cursor;
mod defence;
mod errors;
pub(crate) mod ffi;
mod group;
mod log;
mod message;
mod outputs;
mod producer;
pub mod properties;
mod read;
mod restore;
mod settings;
mod store;
mod takeover;
mod task;

pub use client::KafkaOptions;
pub use defence::Defence;
pub use group::{Assignments, KafkaGroup, Revocation};
pub use log::KafkaLog;
pub use task::{KafkaPartition, Ownership};
