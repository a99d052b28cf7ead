//! A preloaded topic, processed from its beginning to its end.

use std::process::Stdio;
use std::time::Instant;

use crate::bare;
use crate::measure::{self, Spent, median};
use crate::member::program;
use crate::stranger::INPUT;
use crate::world::World;
use crate::{PARTITIONS, binary, number};

/// What a run decides with.
const RUNS: [(&str, &[&str]); 2] = [
    ("default settings", &[]),
    (
        "every state with its commit",
        &["--set", "process.debt_facts=0"],
    ),
];

pub fn run(world: &mut World) {
    let conversations = number("BENCH_CONVERSATIONS", 250_000).to_string();
    world.must(&["simulate", "--conversations", &conversations, "--seed", "1"]);
    let servers = world.bootstrap_servers();
    let facts = bare::read_all(&servers, INPUT) as f64;
    println!(
        "{facts} facts in {PARTITIONS} partitions; the processor's time from its start to its end, debt paid"
    );
    let mut figures: [Vec<(Spent, f64)>; RUNS.len()] = Default::default();
    for round in 0..number("BENCH_ROUNDS", 3) {
        let (_, bare) = measure::here(|| bare::read_all(&servers, INPUT));
        tell("librdkafka, poll", facts, bare, 1.0);
        for (index, (name, settings)) in RUNS.iter().enumerate() {
            let group = format!("kafka.group=bench-{round}-{index}");
            let spent = drain(world, &group, settings);
            let ratio = bare.cpu_seconds / spent.cpu_seconds;
            tell(name, facts, spent, ratio);
            figures[index].push((spent, ratio));
        }
    }
    for ((name, _), figures) in RUNS.iter().zip(figures) {
        let of = |figure: fn(&(Spent, f64)) -> f64| median(figures.iter().map(figure).collect());
        let cpu = of(|(spent, _)| spent.cpu_seconds);
        println!(
            "median, {name}: {:.0} facts/s, {:.0} facts/CPU-s, {:.2} of the bare consumer's",
            facts / of(|(spent, _)| spent.seconds),
            facts / cpu,
            of(|(_, ratio)| *ratio)
        );
    }
}

fn tell(name: &str, facts: f64, spent: Spent, ratio: f64) {
    println!(
        "{name:<28} {:>6.1} s {:>10.0} facts/s {:>6.2} CPU-s {:>10.0} facts/CPU-s {ratio:>6.2}  load {}",
        spent.seconds,
        facts / spent.seconds,
        spent.cpu_seconds,
        facts / spent.cpu_seconds,
        measure::load()
    );
}

/// A group of its own folds everything, in a process that ends then.
fn drain(world: &mut World, group: &str, settings: &[&str]) -> Spent {
    world.must(&["topics", "create", "--set", group]);
    let data = world.path().join(group);
    std::fs::create_dir_all(&data).unwrap();
    let mut command = program(binary::path());
    let servers = world.bootstrap_servers();
    command
        .args(world.running(&["process"], &servers))
        .args(["--drain", "--set", group])
        .args(settings)
        .arg("--data-dir")
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    measure::to_its_end(&mut child, began)
}
