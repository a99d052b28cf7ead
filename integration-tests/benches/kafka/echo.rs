//! The least that consumes, produces and commits its position in one transaction: librdkafka's calls, one after the other.
//! What it takes is what exactly-once costs on this broker, whoever does it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

pub const IN: &str = "echo-in";
pub const OUT: &str = "echo-out";
const CALL: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_micros(200);

/// How long the records took until they were taken, the position, and the end of each transaction.
pub type Phases = [Vec<Duration>; 3];

/// Echoes one partition until it is ended.
pub struct Echo {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Phases>,
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
        // Right after a commit the coordinator is still busy with it: a pause shows what that costs.
        let gap = Duration::from_millis(crate::number("BENCH_ECHO_GAP_MS", 0));
        let ended = Arc::new(AtomicBool::new(false));
        let its_ended = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut phases = Phases::default();
            while !its_ended.load(Ordering::SeqCst) {
                step(&consumer, &producer, &mut phases);
                std::thread::sleep(gap);
            }
            phases
        });
        Echo { ended, thread }
    }

    /// Ends it.
    pub fn end(self) -> Phases {
        self.ended.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// What has come goes out in one transaction.
fn step(consumer: &BaseConsumer, producer: &BaseProducer, phases: &mut Phases) {
    let Some(first) = consumer.poll(WAIT) else {
        return;
    };
    let began = Instant::now();
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
    // Committing flushes in steps of 100 ms, and a position that is added while the coordinator is busy with the former
    // transaction waits for retry.backoff.ms: so what is on its way is waited for here.
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::ZERO);
        std::thread::sleep(LOOK);
    }
    phases[0].push(began.elapsed());
    let mut positions = TopicPartitionList::new();
    positions
        .add_partition_offset(IN, 0, Offset::Offset(next))
        .unwrap();
    let group = consumer.group_metadata().unwrap();
    let began = Instant::now();
    producer
        .send_offsets_to_transaction(&positions, &group, CALL)
        .unwrap();
    phases[1].push(began.elapsed());
    let began = Instant::now();
    producer.commit_transaction(CALL).unwrap();
    phases[2].push(began.elapsed());
}
