//! The rounds of the test command and those of the long test.

use std::path::Path;
use std::time::{Instant, SystemTime};

use crate::faults::Goals;
use crate::round::{Course, Round};
use crate::world::Plan;
use crate::{alone, binary, number};

/// Says how to repeat a run that fails.
struct Repeat {
    test: &'static str,
    seed: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the same choices again (the moments differ by what the machine does): AFTERWORD_FAULT_SEED={} \
                 cargo test -p afterword-integration-tests --test kafka {} -- --include-ignored --nocapture",
                self.seed, self.test
            );
        }
    }
}

fn seed() -> u64 {
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let other = u64::from(clock.subsec_nanos()) + clock.as_secs() % 1_000;
    number("AFTERWORD_FAULT_SEED").unwrap_or(other)
}

fn course(name: &'static str, plan: Plan, seed: u64, goals: Goals) -> Course {
    Course {
        name,
        plan,
        members: 3,
        seed,
        goals,
        look: 15,
        facts: 12_000,
        a_second: 60,
        defences_off: String::new(),
    }
}

/// Runs a course to its end; returns what there was.
fn run(course: Course) -> (Goals, u64) {
    let name = course.name;
    let mut round = Round::new(course);
    if let Err(violation) = round.run() {
        panic!("{name}: {violation}");
    }
    let (posted, repeated) = round.feeder.posted();
    let goals = round.course.goals;
    eprintln!(
        "{name}: {:?}, {posted} facts posted, {repeated} of them again, outputs {:?}",
        round.done,
        round.stranger.counts()
    );
    let reached = |fault: &crate::faults::Fault| fault.of(&round.done) >= fault.of(&goals);
    assert!(crate::faults::Fault::ALL.iter().all(reached));
    (round.done, round.verified)
}

#[test]
fn a_fault_of_each_kind_and_every_output_is_there_once() {
    let _alone = alone();
    let seed = seed();
    let _repeat = Repeat {
        test: "a_fault_of_each_kind",
        seed,
    };
    let goals = Goals {
        kills: 4,
        zombies: 1,
        broker_kills: 1,
        late: 2,
        moves: 4,
        disturbed: 3,
    };
    let plan = Plan::new(binary::path(), 1, 4).proxied();
    let course = Course {
        look: 8,
        facts: 3_000,
        ..course("short", plan, seed, goals)
    };
    println!("seed {seed}");
    run(course);
}

/// What the long test has to reach.
fn goals() -> Goals {
    let of = |name: &str, unset| number(&format!("AFTERWORD_KAFKA_{name}")).unwrap_or(unset);
    Goals {
        kills: of("KILLS", 300),
        zombies: of("ZOMBIES", 50),
        broker_kills: of("BROKER_KILLS", 100),
        late: of("LATE", 100),
        moves: of("MOVES", 300),
        disturbed: of("DISTURBED", 100),
    }
}

/// The parts of the long test: what kind of faults come together, on what.
fn courses(program: &Path, seed: u64, goals: Goals) -> Vec<Course> {
    let part = |count: u64, of_hundred: u64| (count * of_hundred).div_ceil(100);
    let processes = Goals {
        kills: part(goals.kills, 40),
        zombies: part(goals.zombies, 40),
        moves: part(goals.moves, 40),
        ..Goals::default()
    };
    let network = Goals {
        kills: part(goals.kills, 4),
        zombies: part(goals.zombies, 4),
        late: part(goals.late, 50),
        disturbed: part(goals.disturbed, 50),
        ..Goals::default()
    };
    let three = Goals {
        kills: part(goals.kills, 6),
        zombies: part(goals.zombies, 6),
        broker_kills: part(goals.broker_kills, 50),
        moves: part(goals.moves, 10),
        ..Goals::default()
    };
    let one = Goals {
        kills: part(goals.kills, 6),
        zombies: part(goals.zombies, 6),
        broker_kills: part(goals.broker_kills, 50),
        moves: part(goals.moves, 10),
        ..Goals::default()
    };
    let one_broker = Plan::new(program, 1, 6);
    let three_brokers = Plan::new(program, 3, 6);
    vec![
        course("processes 1", one_broker.clone(), seed, processes),
        course("network 1", one_broker.clone().proxied(), seed + 1, network),
        course("three brokers", three_brokers, seed + 2, three),
        course("one broker", one_broker.clone(), seed + 3, one),
        course("processes 2", one_broker.clone(), seed + 4, processes),
        course("network 2", one_broker.proxied(), seed + 5, network),
    ]
}

#[test]
#[ignore = "an hour; `make test-kafka` runs it"]
fn hundreds_of_faults_and_every_output_is_there_once() {
    let _alone = alone();
    let seed = seed();
    let _repeat = Repeat {
        test: "hundreds_of_faults",
        seed,
    };
    let began = Instant::now();
    println!("seed {seed}");
    let (mut done, mut verified, wanted) = (Goals::default(), 0, goals());
    let part = std::env::var("AFTERWORD_KAFKA_PART").unwrap_or_default();
    let courses = courses(binary::path(), seed, wanted).into_iter();
    for course in courses.filter(|course| course.name.contains(&part)) {
        let (part, looks) = run(course);
        done.add(&part);
        verified += looks;
        println!(
            "so far {done:?} of {wanted:?}, verified {verified} times, {:.0} s",
            began.elapsed().as_secs_f64()
        );
    }
    println!("fault | count");
    println!("processes killed (SIGKILL) | {}", done.kills);
    println!(
        "processes frozen beyond their session, then awake again | {}",
        done.zombies
    );
    println!("brokers killed (SIGKILL) | {}", done.broker_kills);
    println!("EndTxn requests that arrived late | {}", done.late);
    println!("partitions moved | {}", done.moves);
    println!(
        "other messages of transactions disturbed | {}",
        done.disturbed
    );
    println!("verifications | {verified}");
    println!("violations | 0");
}
