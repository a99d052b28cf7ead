//! The program as a whole, in processes of its own: what goes in by its commands and its API, what comes out, and what
//! happens when it is killed, stopped, fed with rubbish, or left without disk space.
//!
//! The tests of the test command are short. The long ones are the same tests with other numbers:
//!
//! | variable | is | when unset |
//! | --- | --- | --- |
//! | `AFTERWORD_BIN` | the program to test | built when it is older than its sources |
//! | `AFTERWORD_KILLS` | how many processes `killed` kills | 12 |
//! | `AFTERWORD_KILL_SEED` | the seed that decides when; a failure prints it | another each time |
//! | `AFTERWORD_POISON` | how many poisonous records `poison` puts into the log | 2,000 |
//! | `AFTERWORD_CONVERSATIONS` | how many conversations `million` (`--ignored`) folds | 1,000,000 |

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

mod backup;
mod binary;
mod by_hand;
mod closes;
mod disk;
mod disk_full;
mod earlier;
mod erase;
mod graceful;
mod http;
mod kill_round;
mod killed;
mod mails;
mod million;
mod outputs;
mod peers;
mod place;
mod poison;
mod poison_kinds;
mod reader_gone;
mod registry;
mod replayed;
mod scorecards;
mod service;
mod traces;
mod webhooks;

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
