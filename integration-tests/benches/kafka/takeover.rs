//! How soon another process goes on with the partitions of one that ends, and how fast states come back from the changelog.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use crate::latency::arrivals;
use crate::member::Member;
use crate::stranger::REQUESTED;
use crate::traffic::Traffic;
use crate::world::World;
use crate::{PARTITIONS, bare, measure, number};

const FACTS_A_SECOND: u32 = 400;
const READY: Duration = Duration::from_secs(120);
/// Long enough for a session to time out and for what was left to be decided.
const AFTER: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(5);

pub fn run(world: &mut World) {
    for (how, kill) in [("kill -9", true), ("SIGTERM", false)] {
        let longest = taken_over(world, how, kill);
        println!(
            "{how}: the longest that a close waited for its request: {:.1} s; load {}",
            longest.as_secs_f64(),
            measure::load()
        );
    }
    restore(world);
}

/// Two processes share the partitions; one ends. Each close has its request at last, and this is how long the unluckiest
/// waited.
fn taken_over(world: &mut World, name: &str, kill: bool) -> Duration {
    let servers = world.bootstrap_servers();
    let mut members = ["one", "other"].map(|which| world.member(&format!("{which} {name}")));
    for member in &mut members {
        begin(world, member, &[]);
    }
    let [mut one, mut other] = members;
    // The second has its share once the first has given it up.
    thread::sleep(SETTLE);
    let traffic = Traffic::begin(&servers, name, FACTS_A_SECOND);
    let ended = AtomicBool::new(false);
    let (seen, at) = thread::scope(|scope| {
        let requests = scope.spawn(|| arrivals(&servers, REQUESTED, PARTITIONS, &ended));
        thread::sleep(SETTLE);
        let at = Instant::now();
        match kill {
            true => one.kill(),
            false => one.stop(),
        }
        thread::sleep(AFTER);
        ended.store(true, Ordering::SeqCst);
        (requests.join().unwrap(), at)
    });
    let closes = traffic.closes.lock().unwrap().clone();
    traffic.end();
    other.stop();
    let of_interest = closes
        .iter()
        .filter(|(_, closed)| **closed + AFTER / 2 > at && **closed < at + AFTER / 2);
    let waited = of_interest.map(|(key, closed)| {
        let seen = seen.get(key).unwrap_or_else(|| {
            panic!(
                "{name}: {} was never asked for",
                String::from_utf8_lossy(key)
            )
        });
        *seen - *closed
    });
    waited.max().unwrap()
}

fn begin(world: &World, member: &mut Member, settings: &[&str]) -> Duration {
    let began = Instant::now();
    let mut arguments = world.running(&["process"], &world.bootstrap_servers());
    arguments.extend(settings.iter().map(|setting| (*setting).to_owned()));
    member.start(&arguments, "");
    let ready = crate::wait::until(READY, || {
        let answer = member.get("/readyz");
        answer.is_some_and(|answer| answer.status == 200)
    });
    assert!(ready, "{}", member.last_words());
    began.elapsed()
}

/// A process with its states at hand, then the same with none.
fn restore(world: &mut World) {
    let conversations = number("BENCH_CONVERSATIONS", 250_000).to_string();
    world.must(&["simulate", "--conversations", &conversations, "--seed", "2"]);
    let mut member = world.member("restored");
    begin(world, &mut member, &[]);
    world.catch_up(&mut [&mut member], READY).unwrap();
    member.stop();
    let warm = begin(world, &mut member, &[]);
    member.stop();
    let records = changelog(world);
    let data = world.path().join("restored");
    fs::remove_dir_all(&data).unwrap();
    let cold = begin(world, &mut member, &[]);
    member.stop();
    println!(
        "ready with the states on disk: {:.1} s; with none: {:.1} s: {records} offsets of the changelog, {:.0} a second; load {}",
        warm.as_secs_f64(),
        cold.as_secs_f64(),
        records as f64 / (cold - warm.min(cold)).as_secs_f64().max(0.001),
        measure::load()
    );
}

/// How many offsets the changelog has.
fn changelog(world: &World) -> i64 {
    let consumer = bare::consumer(&world.bootstrap_servers());
    let ends = (0..PARTITIONS).map(|partition| {
        let partition = i32::try_from(partition).unwrap();
        let topic = format!("{}-state-changelog", crate::world::GROUP);
        let bounds = consumer.fetch_watermarks(&topic, partition, READY).unwrap();
        bounds.1 - bounds.0
    });
    ends.sum()
}
