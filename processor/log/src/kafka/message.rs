//! A record as a producer takes it.

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::util::IntoOpaque;

use crate::record::{Partition, Record};

/// The record for this place; the opaque value comes back with its delivery report.
pub(super) fn to_send<'a, T: IntoOpaque>(
    topic: &'a str,
    partition: Partition,
    record: &'a Record,
    opaque: T,
) -> BaseRecord<'a, [u8], [u8], T> {
    let mut message = BaseRecord::with_opaque_to(topic, opaque)
        .partition(i32::try_from(partition.0).unwrap_or(i32::MAX))
        .timestamp(record.timestamp_ms);
    message.key = record.key.as_deref();
    message.payload = record.value.as_deref();
    if record.headers.is_empty() {
        return message;
    }
    let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
    for (key, value) in &record.headers {
        let value = value.as_deref();
        headers = headers.insert(Header { key, value });
    }
    message.headers(headers)
}
