//! A million conversations: how fast, in how much memory, and how soon again after a kill. Not a test of the test command:
//!
//! ```text
//! cargo build --release -p afterword
//! AFTERWORD_BIN=$PWD/target/release/afterword cargo test -p afterword-integration-tests --test processes million -- --ignored --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use afterword_log::{Log, Offset, Partition, PartitionLog, Topic};

use crate::number;
use crate::outputs::{self, each, fact_of};
use crate::place::Place;

const CONVERSATIONS: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);
const LOOK: Duration = Duration::from_millis(200);
const READY: Duration = Duration::from_secs(600);
/// Clock ticks a second in `/proc`, on every Linux that people run.
const TICKS: f64 = 100.0;
/// Conversations whose states are weighed.
const WEIGHED: usize = 20_000;
/// What a process needs besides its caches: code, threads, memtables, batches.
const BESIDES_MIB: f64 = 512.0;
const LOG_CACHE_MIB: u64 = 64;

/// Cache a partition in MiB, debt in facts.
const RUNS: [(u64, u64); 4] = [(64, 200_000), (4, 200_000), (64, 20_000), (64, 0)];

/// What one run came to.
struct Measured {
    seconds: f64,
    cpu_seconds: f64,
    peak_mib: f64,
    states_stored: f64,
    recovery: Duration,
    state_bytes: f64,
}

#[test]
#[ignore = "takes long, and gigabytes of disk; see the words above"]
fn a_million_conversations_are_folded_in_bounded_memory() {
    let conversations = number("AFTERWORD_CONVERSATIONS").unwrap_or(CONVERSATIONS);
    let made = Place::new().patient(PATIENCE);
    let started = Instant::now();
    made.must(&[
        "simulate",
        "--conversations",
        &conversations.to_string(),
        "--until",
        "2026-03-01T00:00:00Z",
        "--seed",
        "1",
    ]);
    let (facts, partitions) = facts_in(&made);
    let seconds = started.elapsed().as_secs_f64();
    let megabytes = size_of(made.data()) as f64 / 1e6;
    println!(
        "{conversations} conversations, {facts} facts in {partitions} partitions: {megabytes:.0} MB, made in {seconds:.0} s"
    );
    println!(
        "{:>9} {:>9} {:>8} {:>11} {:>12} {:>9} {:>12} {:>12} {:>11}",
        "cache MiB",
        "debt",
        "seconds",
        "facts/s",
        "facts/CPU-s",
        "peak MiB",
        "stored/fact",
        "state bytes",
        "recovery s"
    );
    for (cache_mib, debt) in RUNS {
        let measured = measure(&made, cache_mib, debt, facts);
        println!(
            "{cache_mib:>9} {debt:>9} {:>8.1} {:>11.0} {:>12.0} {:>9.0} {:>12.3} {:>12.1} {:>11.2}",
            measured.seconds,
            facts as f64 / measured.seconds,
            facts as f64 / measured.cpu_seconds,
            measured.peak_mib,
            measured.states_stored / facts as f64,
            measured.state_bytes,
            measured.recovery.as_secs_f64()
        );
        let bound = (cache_mib * partitions + LOG_CACHE_MIB) as f64 + BESIDES_MIB;
        assert!(
            measured.peak_mib < bound,
            "{} MiB in use at most, more than {bound}",
            measured.peak_mib
        );
    }
}

/// How many facts a log holds, and in how many partitions.
fn facts_in(place: &Place) -> (u64, u64) {
    let log = place.log();
    let ends = outputs::partitions(&log, Topic::ConversationEvents).map(|partition| {
        log.bounds(Topic::ConversationEvents, partition)
            .unwrap()
            .end
            .0
    });
    (ends.sum(), log.partitions(Topic::ConversationEvents).into())
}

/// Folds a copy of the log, kills the process when it is done, and starts it again.
fn measure(made: &Place, cache_mib: u64, debt: u64, facts: u64) -> Measured {
    let place = Place::new()
        .with("process.cache_mib", cache_mib)
        .with("process.debt_facts", debt)
        .with("log.cache_mib", LOG_CACHE_MIB);
    copy(made.data(), place.data());
    let roles = ["--role", "process"];
    let started = Instant::now();
    let mut service = place.serve(&roles);
    service.wait_for("all to be folded and committed", PATIENCE, |service| {
        // Not too often: a look at the metrics costs CPU time as well.
        std::thread::sleep(LOOK);
        let folded = service
            .metric("afterword_facts_total")
            .is_some_and(|folded| folded >= facts as f64);
        folded && service.metric("afterword_lag_facts") == Some(0.0)
    });
    let seconds = started.elapsed().as_secs_f64();
    let pid = service.process().pid();
    let measured = (
        cpu_seconds(pid),
        peak_mib(pid),
        service.metric("afterword_states_stored_total").unwrap(),
    );
    service.process().kill();
    drop(service);
    let killed = Instant::now();
    let service = place.serve(&roles);
    service.wait_until_ready(READY);
    let recovery = killed.elapsed();
    assert!(service.stop().success());
    let state_bytes = state_bytes(&place);
    let (cpu_seconds, peak_mib, states_stored) = measured;
    Measured {
        seconds,
        cpu_seconds,
        peak_mib,
        states_stored,
        recovery,
        state_bytes,
    }
}

/// User and system time: the 14th and 15th field, counted behind the name in parentheses.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .skip(11)
        .take(2);
    fields
        .map(|field| field.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS
}

fn peak_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1_024.0
}

/// The mean length of stored states, of some conversations of every partition.
fn state_bytes(place: &Place) -> f64 {
    let log = place.log();
    let (mut bytes, mut states) = (0, 0);
    for partition in outputs::partitions(&log, Topic::ConversationEvents) {
        let mut keys = BTreeSet::new();
        each_key(&log, partition, &mut keys);
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let mut task = log.task(partition);
        task.recover().unwrap();
        for state in task.load(&keys).unwrap().into_iter().flatten() {
            bytes += state.len();
            states += 1;
        }
    }
    f64::from(u32::try_from(bytes).unwrap()) / f64::from(u32::try_from(states.max(1)).unwrap())
}

/// Keys of states, as the engine makes them.
fn each_key(log: &afterword_log::EmbeddedLog, partition: Partition, keys: &mut BTreeSet<Vec<u8>>) {
    let end = log
        .bounds(Topic::ConversationEvents, partition)
        .unwrap()
        .end;
    let from = Offset(end.0.saturating_sub(4 * WEIGHED as u64));
    each(
        log,
        Topic::ConversationEvents,
        partition,
        from,
        |_, record| {
            if let Some(fact) = fact_of(&record).filter(|_| keys.len() < WEIGHED) {
                keys.insert(
                    format!("{}\0{}", fact.workspace_id, fact.conversation_id).into_bytes(),
                );
            }
        },
    );
}

/// Every file of a folder and of those in it.
fn files(folder: &Path) -> BTreeMap<String, std::path::PathBuf> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => found.extend(
                files(&entry.path())
                    .into_iter()
                    .map(|(below, path)| (format!("{name}/{below}"), path)),
            ),
            false => drop(found.insert(name, entry.path())),
        }
    }
    found
}

fn size_of(folder: &Path) -> u64 {
    files(folder)
        .values()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum()
}

fn copy(from: &Path, to: &Path) {
    for (name, path) in files(from) {
        let target = to.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
}
