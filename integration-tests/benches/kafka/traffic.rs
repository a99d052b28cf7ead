//! Conversations that are asked for a rating: four facts each, at a steady pace, and when each was closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use afterword_log::partition_for;
use afterword_schemas::records::{
    Actor, ActorKind, Channel, ConversationEvent, Format, Origin, Payload, Timestamp, Visibility,
};
use afterword_schemas::{Framing, encode};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::PARTITIONS;
use crate::stranger::INPUT;

/// Facts of a conversation.
pub const FACTS: u32 = 4;
/// How long after its last message a conversation is closed, in conversations: so that nothing but the close is new then.
const CLOSED_LATER: u64 = 250;
const TICK: Duration = Duration::from_millis(1);

/// When each conversation's close was handed to the producer.
pub type Closes = Arc<Mutex<HashMap<Vec<u8>, Instant>>>;

/// Traffic until it is ended.
pub struct Traffic {
    pub closes: Closes,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Traffic {
    /// Begins; `name` makes its conversations others than anybody's.
    pub fn begin(servers: &str, name: &str, facts_a_second: u32) -> Traffic {
        let (closes, ended) = (Closes::default(), Arc::new(AtomicBool::new(false)));
        let (its_closes, its_ended) = (Arc::clone(&closes), Arc::clone(&ended));
        let (producer, name) = (producer(servers), name.to_owned());
        let every = Duration::from_secs(1) * FACTS / facts_a_second;
        let thread = std::thread::spawn(move || {
            let (began, mut count) = (Instant::now(), 0);
            while !its_ended.load(Ordering::SeqCst) {
                while began.elapsed() > every * u32::try_from(count).unwrap() {
                    open(&producer, &conversation(&name, count));
                    if let Some(earlier) = u64::checked_sub(count, CLOSED_LATER) {
                        close(&producer, conversation(&name, earlier), &its_closes);
                    }
                    count += 1;
                }
                // A poll that waits spins.
                producer.poll(Duration::ZERO);
                std::thread::sleep(TICK);
            }
            producer.flush(Duration::from_secs(10)).unwrap();
            count
        });
        Traffic {
            closes,
            ended,
            thread,
        }
    }

    /// Ends it; returns how many conversations were begun.
    pub fn end(self) -> u64 {
        self.ended.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

pub fn producer(servers: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0");
    config.create().unwrap()
}

fn conversation(name: &str, number: u64) -> String {
    format!("{name}-{number}")
}

fn open(producer: &BaseProducer, conversation: &str) {
    let actor = |kind, id| Actor { kind, id };
    let message = |author, text| Payload::MessageAdded {
        author,
        text,
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    let user = actor(ActorKind::User, "user-1");
    let start = Payload::ConversationStarted {
        origin: Origin::CustomerInitiated,
        initiator: user,
        channel: Channel::Messenger,
    };
    let long = "Where is my order? ".repeat(14);
    let teammate = actor(ActorKind::Teammate, "teammate-1");
    for (index, payload) in [
        start,
        message(user, &long),
        message(teammate, "It is on its way."),
    ]
    .into_iter()
    .enumerate()
    {
        send(producer, conversation, &index.to_string(), payload);
    }
}

fn close(producer: &BaseProducer, conversation: String, closes: &Closes) {
    let by = Actor {
        kind: ActorKind::Teammate,
        id: "teammate-1",
    };
    let mut closes = closes.lock().unwrap();
    closes.insert(conversation.clone().into_bytes(), Instant::now());
    drop(closes);
    let payload = Payload::ConversationClosed { by };
    send(producer, &conversation, "close", payload);
}

fn send(producer: &BaseProducer, conversation: &str, event_id: &str, payload: Payload<'_>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let event = ConversationEvent {
        event_id,
        workspace_id: "bench",
        conversation_id: conversation,
        occurred_at: Timestamp(i64::try_from(now.as_millis()).unwrap()),
        payload,
    };
    let mut value = Vec::new();
    encode(&event, Framing::SingleObject, &mut value);
    let partition = partition_for(conversation.as_bytes(), PARTITIONS);
    let record = BaseRecord::to(INPUT)
        .key(conversation.as_bytes())
        .payload(&value)
        .partition(i32::try_from(partition.0).unwrap());
    producer.send(record).map_err(|(error, _)| error).unwrap();
}
