//! The only broker is away for a while, killed or frozen, while facts are posted all the time: the program says so on
//! `/readyz`, refuses what it cannot keep, loses nothing that it took, and goes on by itself.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::feeder::Stock;
use crate::http::Client;
use crate::member::Member;
use crate::world::{CATCH_UP, Plan, World};
use crate::{alone, binary, judge, wait};

const FACTS: usize = 40_000;
/// Facts in a post, and the pause after one.
const CHUNK: usize = 20;
const BETWEEN: Duration = Duration::from_millis(50);
/// The feeder comes again sooner than it is told to: it is no friend.
const IMPATIENT: Duration = Duration::from_millis(300);
/// How soon `/readyz` must tell: a client finds a frozen broker out by its socket's time-out of 5 s.
const TOLD: Duration = Duration::from_secs(15);
/// How soon all must be well once the broker serves again.
const WELL: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);
/// An answer that takes longer than this is none, for whoever watches a process.
const PROMPT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum Away {
    Killed,
    Frozen,
}

#[test]
fn a_broker_that_is_killed_for_a_quarter_of_a_minute_costs_nothing() {
    outage(Away::Killed, Duration::from_secs(15));
}

#[test]
fn a_broker_that_is_frozen_for_a_quarter_of_a_minute_costs_nothing() {
    outage(Away::Frozen, Duration::from_secs(15));
}

#[test]
#[ignore = "takes five minutes; `make test-kafka` runs it"]
fn a_broker_that_is_away_for_two_minutes_costs_nothing() {
    outage(Away::Killed, Duration::from_secs(120));
    outage(Away::Frozen, Duration::from_secs(120));
}

fn outage(away: Away, how_long: Duration) {
    let _turn = alone();
    let mut world = World::new(Plan::new(binary::path(), 1, 4));
    let stock = world.stock(7, FACTS);
    let mut service = world.member("service");
    let roles = ["process", "project", "report"];
    service.start(&world.running(&roles, &world.bootstrap_servers()), "");
    service.wait_until_it_answers();
    wait_until_ready(&mut service, "at the start");
    let feeder = Feeder::begin(&stock, service.events_url().unwrap());
    std::thread::sleep(Duration::from_secs(3));
    assert!(feeder.told().acknowledged.len() > CHUNK, "facts are taken");

    match away {
        Away::Killed => world.cluster.kill_broker(0),
        Away::Frozen => world.cluster.pause_broker(0),
    }
    let watched = watch(&mut service, how_long);
    let refused = feeder.told().refused;
    match away {
        Away::Killed => world.cluster.start_broker(0),
        Away::Frozen => world.cluster.resume_broker(0),
    }
    let ready = wait_until_ready(&mut service, "once the broker was back");
    let before = feeder.told().acknowledged.len();
    let taken = wait::until(WELL, || feeder.told().acknowledged.len() > before + CHUNK);
    assert!(taken, "facts are taken again; {}", service.last_words());
    let told = feeder.end();

    assert!(refused > 0, "posts were refused while the broker was away");
    let lag = world.catch_up(&mut [&mut service], CATCH_UP).unwrap();
    let mut stranger = world.stranger();
    stranger.read();
    let ids = &stock.ids;
    let acknowledged = told.acknowledged.iter().map(|index| &ids[*index]);
    let mut violations = stranger.violations(acknowledged);
    violations.extend(judge::violations(&stranger));
    let first: Vec<_> = violations.iter().take(3).collect();
    assert!(violations.is_empty(), "{}: {first:#?}", violations.len());
    world.verify().unwrap();
    let projected = wait::until(CATCH_UP, || {
        service.metric("afterword_projector_lag_records") == Some(0.0)
    });
    assert!(projected, "the projector has caught up");
    service.stop();
    println!(
        "{away:?} for {how_long:?}: /readyz told after {:.1} s ({}), was well {:.1} s after the broker; {} facts acknowledged, \
         {} posts refused, the slowest answer after {:.1} s; the rest folded in {:.1} s",
        watched.told_after.as_secs_f64(),
        watched.reason,
        ready.as_secs_f64(),
        told.acknowledged.len(),
        told.refused,
        told.slowest.as_secs_f64(),
        lag.as_secs_f64(),
    );
}

/// What a look at a service from outside gave while the broker was away.
struct Watched {
    told_after: Duration,
    reason: String,
}

/// Watches for so long: alive all the time, not ready from soon on, and with a reason that a person can act on.
fn watch(service: &mut Member, how_long: Duration) -> Watched {
    let began = Instant::now();
    let mut told: Option<(Duration, String)> = None;
    while began.elapsed() < how_long {
        service.must_run();
        let asked = Instant::now();
        let alive = service.get("/livez").map(|answer| answer.status);
        assert_eq!(alive, Some(200), "/livez; {}", service.last_words());
        let answer = service.get("/readyz").expect("an answer of /readyz");
        assert!(
            asked.elapsed() < PROMPT,
            "/livez and /readyz took {:?}",
            asked.elapsed()
        );
        match (answer.status, &told) {
            (503, None) => told = Some((began.elapsed(), reasons(&answer.json()))),
            (503, Some(_)) => {}
            (200, None) => assert!(
                began.elapsed() < TOLD,
                "/readyz says that all is well {:?} after the broker had gone",
                began.elapsed()
            ),
            (status, _) => panic!(
                "/readyz says {status} while no broker is there: {}",
                answer.body
            ),
        }
        std::thread::sleep(LOOK);
    }
    let last = service.get("/readyz").unwrap();
    assert_eq!(last.status, 503, "{}", last.body);
    let reason = reasons(&last.json());
    assert!(!reason.is_empty(), "no reason: {}", last.body);
    Watched {
        told_after: told.expect("told within the time").0,
        reason,
    }
}

/// What fails, and why.
fn reasons(readiness: &Value) -> String {
    let checks = readiness["checks"].as_array().cloned().unwrap_or_default();
    let failing = checks.iter().filter(|check| check["ok"] == false);
    let told = failing.map(|check| format!("{}: {}", check["name"], check["detail"]));
    told.collect::<Vec<_>>().join("; ")
}

fn wait_until_ready(service: &mut Member, when: &str) -> Duration {
    let began = Instant::now();
    let mut last = String::new();
    let ready = wait::until(WELL, || {
        service.must_run();
        let answer = service.get("/readyz");
        last = answer
            .as_ref()
            .map_or_else(String::new, |answer| answer.body.clone());
        answer.is_some_and(|answer| answer.status == 200)
    });
    assert!(
        ready,
        "not ready within {WELL:?} {when}: {last}\n{}",
        service.last_words()
    );
    began.elapsed()
}

/// What a producer was told.
#[derive(Clone, Debug, Default)]
struct Told {
    acknowledged: BTreeSet<usize>,
    refused: u64,
    slowest: Duration,
}

/// A producer that posts all the time, and posts again what was refused.
struct Feeder {
    told: Arc<Mutex<Told>>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Feeder {
    fn begin(stock: &Arc<Stock>, url: String) -> Feeder {
        let (told, ended) = (Arc::new(Mutex::default()), Arc::new(AtomicBool::new(false)));
        let (its_told, its_ended) = (Arc::clone(&told), Arc::clone(&ended));
        let stock = Arc::clone(stock);
        let thread = std::thread::spawn(move || {
            let (client, mut next) = (Client::new(), 0);
            while !its_ended.load(Ordering::SeqCst) && next < stock.lines.len() {
                next = post(&client, &url, &stock, next, &its_told);
            }
        });
        Feeder {
            told,
            ended,
            thread,
        }
    }

    fn told(&self) -> Told {
        assert!(!self.thread.is_finished(), "the producer gave up");
        self.told.lock().unwrap().clone()
    }

    fn end(self) -> Told {
        self.ended.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        self.told.lock().unwrap().clone()
    }
}

/// Posts some facts; returns where to go on.
fn post(client: &Client, url: &str, stock: &Stock, from: usize, told: &Mutex<Told>) -> usize {
    let to = (from + CHUNK).min(stock.lines.len());
    let asked = Instant::now();
    let answer = client.post_lines(url, &stock.lines[from..to].concat());
    let answer = answer.unwrap_or_else(|error| panic!("no answer to a post: {error}"));
    let mut told = told.lock().unwrap();
    told.slowest = told.slowest.max(asked.elapsed());
    match answer.status {
        200 => {
            told.acknowledged.extend(from..to);
            drop(told);
            std::thread::sleep(BETWEEN);
            to
        }
        503 => {
            let seconds = answer
                .retry_after
                .and_then(|after| after.parse::<u64>().ok());
            assert!(
                seconds.is_some_and(|seconds| seconds >= 1),
                "503 without a Retry-After of seconds: {}",
                answer.body
            );
            told.refused += 1;
            drop(told);
            std::thread::sleep(IMPATIENT);
            from
        }
        status => panic!("{status} to a post: {}", answer.body),
    }
}
