//! The least that consumes, produces and commits its position in one transaction: librdkafka's calls, one after the other.
//! What it takes is what exactly-once costs on this broker, whoever does it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

pub const IN: &str = "echo-in";
pub const OUT: &str = "echo-out";
const CALL: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(1);

/// Echoes one partition until it is dropped.
pub struct Echo {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    pub fn begin(servers: &str) -> Echo {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", servers)
            .set("group.id", "echo")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[IN]).unwrap();
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", servers)
            .set("transactional.id", "echo")
            .set("linger.ms", "0");
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(CALL).unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let its_ended = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            while !its_ended.load(Ordering::SeqCst) {
                step(&consumer, &producer);
            }
        });
        Echo {
            ended,
            thread: Some(thread),
        }
    }
}

/// What has come goes out in one transaction.
fn step(consumer: &BaseConsumer, producer: &BaseProducer) {
    let Some(first) = consumer.poll(TICK * 100) else {
        return;
    };
    producer.begin_transaction().unwrap();
    let (mut next, mut message) = (0, Some(first));
    while let Some(record) = message {
        let record = record.unwrap();
        let key = record.key().unwrap();
        let echoed = BaseRecord::to(OUT).key(key).payload(key).partition(0);
        producer.send(echoed).map_err(|(error, _)| error).unwrap();
        next = record.offset() + 1;
        message = consumer.poll(Duration::ZERO);
    }
    let mut positions = TopicPartitionList::new();
    positions
        .add_partition_offset(IN, 0, Offset::Offset(next))
        .unwrap();
    let group = consumer.group_metadata().unwrap();
    producer
        .send_offsets_to_transaction(&positions, &group, CALL)
        .unwrap();
    // Committing flushes in steps of 100 ms: so what is on its way is waited for here.
    while producer.in_flight_count() > 0 {
        producer.poll(TICK);
    }
    producer.commit_transaction(CALL).unwrap();
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
