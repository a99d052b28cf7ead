//! Who owns which partition, as the brokers say: looked at all the time, so that moves are counted by nobody who has a
//! part in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::stranger::INPUT;

const BETWEEN: Duration = Duration::from_millis(100);
const CALL: Duration = Duration::from_secs(3);

/// What is known of the group.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The owner of each partition: the member's id, and the client's name.
    pub owners: BTreeMap<i32, (String, String)>,
    /// The names of all members' clients.
    pub clients: BTreeSet<String>,
    /// How often a partition passed from one member to another.
    pub moves: u64,
    /// How often the group was seen, to know that a look is fresh.
    pub looks: u64,
}

impl Known {
    /// The partitions of a client.
    pub fn of(&self, client: &str) -> Vec<i32> {
        let owned = self.owners.iter();
        owned
            .filter(|(_, (_, name))| name.contains(client))
            .map(|(partition, _)| *partition)
            .collect()
    }
}

/// Looks at the group until it goes.
pub struct Watcher {
    known: Arc<Mutex<Known>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    pub fn new(bootstrap_servers: &str, group: &str) -> Watcher {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap_servers)
            .set("group.id", "a-watcher")
            .create()
            .unwrap();
        let known = Arc::new(Mutex::new(Known::default()));
        let ended = Arc::new(AtomicBool::new(false));
        let (share, end, group) = (Arc::clone(&known), Arc::clone(&ended), group.to_owned());
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::SeqCst) {
                look(&consumer, &group, &share);
                std::thread::sleep(BETWEEN);
            }
        });
        Watcher {
            known,
            ended,
            thread: Some(thread),
        }
    }

    pub fn known(&self) -> Known {
        lock(&self.known).clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(consumer: &BaseConsumer, group: &str, known: &Mutex<Known>) {
    // A broker may be away.
    let Ok(groups) = consumer.fetch_group_list(Some(group), CALL) else {
        return;
    };
    let Some(group) = groups.groups().first() else {
        return;
    };
    // In between a member's assignment may be one that it is about to lose; only a settled group has owners.
    if group.state() != "Stable" && group.state() != "Empty" {
        return;
    }
    let mut known = lock(known);
    known.looks += 1;
    known.clients.clear();
    let mut owners = BTreeMap::new();
    for member in group.members() {
        known.clients.insert(member.client_id().to_owned());
        let assigned = member.assignment().map(partitions).unwrap_or_default();
        for partition in assigned {
            let owner = (member.id().to_owned(), member.client_id().to_owned());
            owners.insert(partition, owner);
        }
    }
    for (partition, owner) in owners {
        let before = known.owners.insert(partition, owner.clone());
        if before.is_some_and(|before| before.0 != owner.0) {
            known.moves += 1;
        }
    }
}

/// The partitions of the input in a member's assignment: its version, then topics, each with its partitions.
fn partitions(assignment: &[u8]) -> Vec<i32> {
    let mut at = 2;
    let mut number = |bytes: usize| {
        let found = assignment.get(at..at + bytes).unwrap_or(&[0; 4][..bytes]);
        at += bytes;
        found
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let mut found = Vec::new();
    for _ in 0..number(4).min(64) {
        let length = number(2);
        let name: Vec<u8> = (0..length)
            .map(|_| u8::try_from(number(1)).unwrap())
            .collect();
        for _ in 0..number(4).min(1_024) {
            let partition = i32::try_from(number(4)).unwrap();
            if name == INPUT.as_bytes() {
                found.push(partition);
            }
        }
    }
    found
}

fn lock(known: &Mutex<Known>) -> std::sync::MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn an_assignment_is_understood() {
    let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 19];
    bytes.extend(INPUT.as_bytes());
    bytes.extend([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0]);
    assert_eq!(partitions(&bytes), [0, 5]);
    assert_eq!(partitions(&[]), Vec::<i32>::new());
}
