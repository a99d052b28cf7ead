//! The program on Apache Kafka, against real brokers: processes killed, frozen and moved, brokers killed, messages held
//! back by a proxy, facts that arrive twice; and whether everything came out, once.
//!
//! The tests of the test command are short. The long ones are `--ignored`, one after the other:
//!
//! | variable | is | when unset |
//! | --- | --- | --- |
//! | `AFTERWORD_BIN` | the program to test | built when it is older than its sources |
//! | `AFTERWORD_FAULT_SEED` | the seed of all choices; a failure prints it | another each time |
//! | `AFTERWORD_KAFKA_PART` | of the long test only the parts whose name has these words: `processes`, `network`, `three brokers`, `one broker` | all of them |
//! | `AFTERWORD_KAFKA_KILLS` | processes killed by the long test | 300 |
//! | `AFTERWORD_KAFKA_ZOMBIES` | processes frozen beyond their session | 50 |
//! | `AFTERWORD_KAFKA_BROKER_KILLS` | brokers killed | 100 |
//! | `AFTERWORD_KAFKA_LATE` | EndTxn requests that arrive late | 100 |
//! | `AFTERWORD_KAFKA_MOVES` | partitions that move | 300 |
//! | `AFTERWORD_KAFKA_DEFENCE` | of the table of defences only those rows | all of them |
//! | `AFTERWORD_KAFKA_DISTURBED` | other messages held, delayed, swallowed or cut | 100 |

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

#[path = "../processes/binary.rs"]
mod binary;
#[allow(dead_code)]
#[path = "../processes/closes.rs"]
mod closes;
#[allow(dead_code)]
#[path = "../processes/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "../../../processor/readmodel/tests/support/postgres.rs"]
mod postgres;

mod broken_outputs;
mod connect;
mod consumers;
mod defences;
mod erase;
mod examples;
mod faults;
mod feeder;
mod flink;
mod judge;
mod lines;
mod member;
mod outage;
mod proxy;
mod round;
mod scenarios;
mod script;
mod stage;
mod stranger;
mod suite;
mod wait;
mod watcher;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A whole number from the environment.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let digits = text.replace('_', "");
    Some(
        digits
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a whole number, and it is {text:?}")),
    )
}

/// One cluster at a time: several at once on a small machine would only be slow.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
