//! The customers' pages on a real log, with the engine that decides and the projector that tells: asked as browsers, mail
//! scanners and people with bad intentions ask.
#![allow(clippy::disallowed_macros, reason = "tests")]

mod answers;
mod bad_input;
mod followers;
mod outage;
mod page;
mod world;
