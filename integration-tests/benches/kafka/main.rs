//! The program on a real broker of this machine: how much it does for its processor time, how soon, and how soon again
//! after a loss; each beside a peer that does the bare minimum of the same in the same run. `make bench-kafka` runs it;
//! one part of it: `make bench-kafka ARGS="throughput"` (or `latency`, `takeover`).
//!
//! | variable | is | when unset |
//! | --- | --- | --- |
//! | `BENCH_CONVERSATIONS` | conversations of the preloaded topic, nine facts each | 250,000 |
//! | `BENCH_ROUNDS` | repetitions, of which the median is told | 3 |
//! | `BENCH_SECONDS` | how long latency is measured | 20 |
//! | `BENCH_ECHO_GAP_MS` | pause of the bare exactly-once loop between two transactions | 0 |

// A bench may end when something is not as it should be.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../../tests/processes/binary.rs"]
mod binary;
#[allow(dead_code)]
#[path = "../../tests/kafka/feeder.rs"]
mod feeder;
#[allow(dead_code)]
#[path = "../../tests/processes/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "../../tests/kafka/lines.rs"]
mod lines;
#[allow(dead_code)]
#[path = "../../tests/kafka/member.rs"]
mod member;
#[allow(dead_code)]
#[path = "../../tests/kafka/stranger.rs"]
mod stranger;
#[allow(dead_code)]
#[path = "../../tests/kafka/wait.rs"]
mod wait;
#[allow(dead_code)]
#[path = "../../tests/kafka/world.rs"]
mod world;

mod bare;
mod echo;
mod latency;
mod measure;
mod takeover;
mod throughput;
mod traffic;

use world::{Plan, World};

/// Partitions of every topic.
const PARTITIONS: u32 = 4;

/// One part of the bench, on a broker of its own.
type Part = fn(&mut World);

fn main() {
    let parts: [(&str, Part); 3] = [
        ("throughput", throughput::run),
        ("latency", latency::run),
        ("takeover", takeover::run),
    ];
    // Cargo adds arguments of its own.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("\n{name} (load of the machine before: {})", measure::load());
            let mut world = World::new(Plan::new(binary::path(), 1, PARTITIONS));
            part(&mut world);
        }
    }
}

/// A whole number from the environment.
fn number(name: &str, unset: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .replace('_', "")
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a whole number, and it is {text:?}")),
        Err(_) => unset,
    }
}
