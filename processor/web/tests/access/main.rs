//! Who may see what, asked as browsers and programs ask: first what must not work, then what does.
#![allow(clippy::unwrap_used, clippy::disallowed_macros, reason = "tests")]

mod forms;
mod invitations;
mod programs;
mod signing_in;
mod table;
mod trying;
mod world;
