//! From a close to its request, as a consumer sees it that reads what is committed; beside it, in the same seconds on the
//! same broker, the way of a plain record and that of one that goes through the barest exactly-once loop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::topic_partition_list::Offset;

use crate::echo::{self, Echo};
use crate::stranger::REQUESTED;
use crate::traffic::{FACTS, Traffic, producer};
use crate::world::World;
use crate::{PARTITIONS, bare, measure, number};

const FACTS_A_SECOND: u32 = 1_000;
/// What is measured in the first seconds is the start.
const WARMING_UP: Duration = Duration::from_secs(5);
const READY: Duration = Duration::from_secs(60);
/// What is on its way at the end may arrive.
const LAST_ONES: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// When each key was seen first.
type Arrivals = HashMap<Vec<u8>, Instant>;

pub fn run(world: &mut World) {
    world.cluster.create_topic(echo::IN, 1, &[]);
    world.cluster.create_topic(echo::OUT, 1, &[]);
    let servers = world.bootstrap_servers();
    let mut service = world.member("service");
    service.start(&world.running(&["process"], &servers), "");
    service.wait_until_it_answers();
    let ready = crate::wait::until(READY, || {
        let answer = service.get("/readyz");
        answer.is_some_and(|answer| answer.status == 200)
    });
    assert!(ready, "{}", service.last_words());

    let seconds = Duration::from_secs(number("BENCH_SECONDS", 20));
    let all = seconds + WARMING_UP;
    let before = service.metric("afterword_task_restarts_total");
    let echo = Echo::begin(&servers);
    let traffic = Traffic::begin(&servers, "latency", FACTS_A_SECOND);
    let began = Instant::now();
    let ended = AtomicBool::new(false);
    let (sent, requests, plain, echoed) = thread::scope(|scope| {
        let watch = |topic, partitions| {
            let (servers, ended) = (&servers, &ended);
            scope.spawn(move || arrivals(servers, topic, partitions, ended))
        };
        let requests = watch(REQUESTED, PARTITIONS);
        let plain = watch(echo::IN, 1);
        let echoed = watch(echo::OUT, 1);
        let sent = send_plain(&servers, all);
        thread::sleep(LAST_ONES);
        ended.store(true, Ordering::SeqCst);
        (
            sent,
            requests.join().unwrap(),
            plain.join().unwrap(),
            echoed.join().unwrap(),
        )
    });
    let phases = echo.end();
    let closes = traffic.closes.lock().unwrap().clone();
    traffic.end();
    let from = began + WARMING_UP;
    let tell = |name: &str, sent: &Arrivals, seen: &Arrivals| {
        let measured = sent
            .iter()
            .filter(|(_, at)| **at >= from && **at < began + all);
        let times: Vec<Duration> = measured
            .map(|(key, at)| seen.get(key).map_or(LAST_ONES, |seen| *seen - *at))
            .collect();
        println!("{name:<46} {}", measure::percentiles(times));
    };
    println!("at {FACTS_A_SECOND} facts a second, {PARTITIONS} partitions:");
    tell("a plain record, sent to seen", &sent, &plain);
    tell("the same through a bare exactly-once loop", &sent, &echoed);
    tell("close to request", &closes, &requests);
    println!(
        "restarts of tasks meanwhile: {:?}, before: {before:?}; load {}",
        service.metric("afterword_task_restarts_total"),
        measure::load()
    );
    for (name, times) in ["records taken", "position added", "committed"]
        .iter()
        .zip(phases)
    {
        println!("  bare loop, {name:<34} {}", measure::percentiles(times));
    }
    commits(&service);
    service.stop();
}

/// What the program itself says of its commits: their number and what they took together.
fn commits(service: &crate::member::Member) {
    let Some(answer) = service.get("/metrics") else {
        return;
    };
    let told = |line: &&str| line.starts_with("afterword_commit") && !line.contains("_bucket");
    for line in answer.body.lines().filter(told) {
        println!("  {line}");
    }
}

/// As many records a second as there are closes.
fn send_plain(servers: &str, how_long: Duration) -> Arrivals {
    let producer = producer(servers);
    let every = Duration::from_secs(1) * FACTS / FACTS_A_SECOND;
    let (began, mut sent) = (Instant::now(), Arrivals::new());
    while began.elapsed() < how_long {
        while began.elapsed() > every * u32::try_from(sent.len()).unwrap() {
            let key = format!("plain-{}", sent.len()).into_bytes();
            let record = BaseRecord::to(echo::IN).key(&key).payload(&key);
            let record = record.partition(0);
            sent.insert(key.clone(), Instant::now());
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        // A poll that waits spins.
        producer.poll(Duration::ZERO);
        thread::sleep(Duration::from_millis(1));
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    sent
}

/// Reads what comes to a topic until told to end.
pub fn arrivals(servers: &str, topic: &str, partitions: u32, ended: &AtomicBool) -> Arrivals {
    let consumer: BaseConsumer = bare::consumer(servers);
    bare::assign(&consumer, topic, partitions, Offset::End);
    let mut seen = Arrivals::new();
    while !ended.load(Ordering::SeqCst) {
        let Some(Ok(message)) = consumer.poll(POLL) else {
            continue;
        };
        let now = Instant::now();
        seen.entry(message.key().unwrap_or_default().to_vec())
            .or_insert(now);
    }
    seen
}
