//! `afterword verify` proves what the program made, and finds whatever is done to it.

#[path = "../common/mod.rs"]
mod common;

mod keeping;
mod proving;
mod tampering;
mod traced;
mod world;
