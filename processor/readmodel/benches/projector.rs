//! How fast outputs become rows: `cargo bench -p afterword-readmodel --bench projector [-- OUTPUTS]`.
//!
//! A log of made-up outputs (closes, of which two in five are asked about, of which half are answered) in four partitions,
//! projected into a SQLite file, all of it, with `synchronous = FULL`.
#![allow(clippy::unwrap_used, clippy::disallowed_macros, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use afterword_readmodel::ProjectorOptions;
use afterword_schemas::records::{Criterion, Reaction, RefusalReason};
use support::world::{Dice, HOUR, NOON, World, append};
use support::{Kind, Place};

const PARTITIONS: u32 = 4;

/// So many outputs of conversations that come one after the other, in 20 workspaces of 12 teammates, over 30 days.
fn outputs(count: usize) -> World {
    let mut world = World::new(PARTITIONS);
    let mut dice = Dice::new(1);
    let mut number = 0;
    while world.made.len() < count {
        let conversation = format!("conversation-{number:09}");
        let workspace = format!("workspace-{}", dice.below(20));
        let teammate = format!("teammate-{}", dice.below(12));
        let at = NOON + (number as i64 * 30 * 24 * HOUR) / count as i64;
        number += 1;
        if dice.below(5) > 1 {
            world.decline(&workspace, &conversation, &[Criterion::TooShort], at);
            continue;
        }
        world.ask(&workspace, &conversation, &teammate, at);
        if dice.below(2) == 0 {
            world.rate(&conversation, *dice.of(Reaction::ALL), at + HOUR);
            if dice.below(3) == 0 {
                world.rate(&conversation, *dice.of(Reaction::ALL), at + 2 * HOUR);
            }
            if dice.below(3) == 0 {
                world.comment(
                    &conversation,
                    "Quick, friendly, and it works now. Thank you!",
                    at + 3 * HOUR,
                );
            }
        } else if dice.below(20) == 0 {
            world.refuse(&workspace, &conversation, RefusalReason::Locked, at + HOUR);
        }
    }
    world
}

/// What this process has used of processors.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks: u64 = [11, 12]
        .iter()
        .filter_map(|index| fields.get(*index)?.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn main() {
    let count = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(200_000);
    let world = outputs(count);
    let made = world.made.len();
    println!(
        "{:>10} {:>9} {:>11} {:>15} {:>12} {:>12} {:>10}",
        "batch KiB",
        "seconds",
        "outputs/s",
        "per CPU second",
        "transactions",
        "B an output",
        "published"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    for batch_bytes in [256 << 10, 1 << 20, 8 << 20, 32 << 20] {
        let place = Place::new(Kind::Sqlite, PARTITIONS);
        for piece in world.made.chunks(50_000) {
            append(place.log.as_ref(), piece);
        }
        runtime.block_on(async {
            let options = ProjectorOptions {
                batch_bytes,
                ..ProjectorOptions::default()
            };
            let mut projector = place.projector_with(options).await;
            let (began, used) = (Instant::now(), cpu());
            projector.drain().await.unwrap();
            let (seconds, used) = (began.elapsed().as_secs_f64(), cpu() - used);
            let snapshot = projector.statistics().snapshot();
            let bytes = std::fs::metadata(place.file()).unwrap().len();
            println!(
                "{:>10} {seconds:>9.2} {:>11.0} {:>15.0} {:>12} {:>12} {:>10}",
                batch_bytes >> 10,
                made as f64 / seconds,
                made as f64 / used.as_secs_f64(),
                snapshot.transactions,
                bytes / made as u64,
                snapshot.scorecards_published,
            );
        });
    }
}
