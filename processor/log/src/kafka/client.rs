//! The clients: how each is configured, and what librdkafka tells beside its answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::error::LogError;

/// Where Kafka is, and how to speak with it.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaOptions {
    /// `host:port`, several joined by commas.
    pub bootstrap_servers: String,
    /// The consumer group; it also names the changelog and the transactions.
    pub group: String,
    /// Any of librdkafka's properties. Those that exactly-once rests on are set after these.
    pub properties: BTreeMap<String, String>,
    /// Where the local stores lie.
    pub data_dir: PathBuf,
    /// Memory for blocks read from disk, all local stores together.
    pub cache_bytes: usize,
}

impl KafkaOptions {
    /// The compacted topic that holds the states and positions of the tasks.
    #[must_use]
    pub fn changelog(&self) -> String {
        format!("{}-state-changelog", self.group)
    }

    /// What every client shares: these may be changed by the properties.
    fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "afterword")
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", "5000")
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("retry.backoff.ms", "50")
            .set_log_level(RDKafkaLogLevel::Info);
        config
    }

    fn finish(&self, config: &mut ClientConfig, mine: &[(&str, &str)]) {
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config.set("bootstrap.servers", &self.bootstrap_servers);
        for (key, value) in mine {
            config.set(*key, *value);
        }
    }

    /// A consumer that is assigned its partitions by hand and sees what is committed. A fetch waits so long at the broker; while
    /// one does, no other partition of the same consumer begins.
    pub(super) fn reader(&self, fetch_wait: Duration) -> ClientConfig {
        let mut config = self.base();
        config
            .set("fetch.wait.max.ms", fetch_wait.as_millis().to_string())
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.max.messages.kbytes", "16384");
        self.finish(
            &mut config,
            &[
                // Assigning wants a group; nothing is joined or committed by it.
                ("group.id", &self.group),
                ("isolation.level", "read_committed"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                // A lost position is never guessed over.
                ("auto.offset.reset", "error"),
                ("check.crcs", "true"),
                ("enable.partition.eof", "true"),
            ],
        );
        config
    }

    /// The member of the group. It fetches nothing: its partitions are paused.
    pub(super) fn member(&self) -> ClientConfig {
        let mut config = self.base();
        config
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500")
            .set("max.poll.interval.ms", "120000");
        self.finish(
            &mut config,
            &[
                ("group.id", &self.group),
                ("isolation.level", "read_committed"),
                ("group.protocol", "classic"),
                ("partition.assignment.strategy", "cooperative-sticky"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "latest"),
            ],
        );
        config
    }

    /// A producer whose records are durable when they are reported so.
    pub(super) fn appender(&self) -> ClientConfig {
        let mut config = self.base();
        config
            .set("linger.ms", "2")
            .set("compression.codec", "lz4")
            .set("message.max.bytes", MESSAGE_BYTES)
            .set("message.timeout.ms", "5000");
        self.finish(
            &mut config,
            &[("enable.idempotence", "true"), ("acks", "all")],
        );
        config
    }

    /// The producer of a partition's task.
    pub(super) fn transactional(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.base();
        config
            .set("linger.ms", "1")
            .set("compression.codec", "lz4")
            .set("message.max.bytes", MESSAGE_BYTES)
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", "1048576")
            .set("transaction.timeout.ms", "10000");
        self.finish(
            &mut config,
            &[
                ("transactional.id", transactional_id),
                ("enable.idempotence", "true"),
                ("acks", "all"),
                // A transaction's call that answers sooner than this was not repeated inside the client: see producer.rs.
                ("retry.backoff.ms", "1000"),
                ("retry.backoff.max.ms", "1000"),
                ("log.connection.close", "true"),
            ],
        );
        config
    }
}

/// librdkafka's most: it counts bytes before compression, and the topics' own limit counts those after it. A dead letter must
/// fit wherever the record fitted that it was.
const MESSAGE_BYTES: &str = "1000000000";

/// What a client told of itself since it was made.
#[derive(Debug, Default)]
pub(super) struct Context {
    disconnects: AtomicU64,
    /// No broker could be reached; cleared by whoever reaches one.
    unreachable: Mutex<Option<Unreachable>>,
}

/// Since when no broker could be reached, as far as anybody looked.
#[derive(Clone, Debug)]
struct Unreachable {
    reason: String,
    looked: Instant,
}

/// How often a client without a broker looks whether one is there again.
const LOOK: Duration = Duration::from_millis(500);

impl Context {
    /// How often a broker's connection was lost or a request got no answer in time.
    pub(super) fn disconnects(&self) -> u64 {
        self.disconnects.load(Ordering::Acquire)
    }

    pub(super) fn unreachable(&self) -> Option<String> {
        let unreachable = self.unreachable.lock();
        unreachable.as_ref().map(|found| found.reason.clone())
    }

    /// Whether it is time to look if a broker is there again; if so, it is this caller's turn.
    pub(super) fn should_look(&self) -> bool {
        let mut unreachable = self.unreachable.lock();
        let Some(found) = unreachable.as_mut() else {
            return false;
        };
        let is_time = found.looked.elapsed() >= LOOK;
        if is_time {
            found.looked = Instant::now();
        }
        is_time
    }

    pub(super) fn reached(&self) {
        *self.unreachable.lock() = None;
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // A broker that is away is told by whoever misses it.
            _ if facility == "FAIL" => tracing::debug!(target: "kafka", facility, message),
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => tracing::warn!(target: "kafka", facility, message),
            // What comes of these is told by whoever it befalls.
            RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::debug!(target: "kafka", facility, message);
            }
            RDKafkaLogLevel::Debug => tracing::trace!(target: "kafka", facility, message),
        }
        // librdkafka repeats what was in flight by itself: nothing but its log tells. A broker that refuses connections
        // matters not; one whose connection was up does.
        if facility == "REQTMOUT" || (facility == "FAIL" && message.contains("in state UP")) {
            self.disconnects.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if reason.contains("in state UP") {
            self.disconnects.fetch_add(1, Ordering::AcqRel);
        }
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            let mut unreachable = self.unreachable.lock();
            // What is known already does not put the next look off.
            let looked = unreachable
                .as_ref()
                .map_or_else(Instant::now, |known| known.looked);
            *unreachable = Some(Unreachable {
                reason: reason.to_owned(),
                looked,
            });
        }
        tracing::debug!(target: "kafka", %error, reason, "a client's trouble");
    }
}

impl ConsumerContext for Context {}

/// A consumer that is assigned its partitions by hand.
pub(super) type Consumer = BaseConsumer<Context>;

/// Makes a client.
///
/// # Errors
/// [`LogError::Stop`] when its properties are wrong: a person must look.
pub(super) fn make<C, T: FromClientConfigAndContext<C>>(
    config: &ClientConfig,
    context: C,
) -> Result<T, LogError>
where
    C: ClientContext,
{
    T::from_config_and_context(config, context).map_err(|error| {
        LogError::Stop(format!(
            "Kafka's client refuses its properties (kafka.properties): {}",
            describe(&error)
        ))
    })
}

/// An error as a person reads it.
pub(super) fn describe(error: &KafkaError) -> String {
    match error {
        KafkaError::Transaction(error) => format!("{} ({})", error.string(), error.name()),
        KafkaError::ClientConfig(_, text, key, _) => format!("{text} (property {key:?})"),
        other => match other.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => other.to_string(),
        },
    }
}
