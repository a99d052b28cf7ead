//! librdkafka with nothing around it: what reading alone costs.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::PARTITIONS;

/// Long enough for any broker of this machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn consumer(servers: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers)
        .set("group.id", "bare")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("check.crcs", "true");
    config.create().unwrap()
}

/// Begins to read every partition of a topic.
pub fn assign(consumer: &BaseConsumer, topic: &str, partitions: u32, from: Offset) {
    let mut places = TopicPartitionList::new();
    for partition in 0..partitions {
        let partition = i32::try_from(partition).unwrap();
        places.add_partition_offset(topic, partition, from).unwrap();
    }
    consumer.assign(&places).unwrap();
}

/// Reads a topic to its end, one message at a time, and does nothing with them; returns how many there were.
pub fn read_all(servers: &str, topic: &str) -> u64 {
    let consumer = consumer(servers);
    assign(&consumer, topic, PARTITIONS, Offset::Beginning);
    let (mut count, mut ended) = (0, 0);
    while ended < PARTITIONS {
        match consumer.poll(PATIENCE).expect("a message or an end") {
            Ok(_) => count += 1,
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
        }
    }
    count
}
