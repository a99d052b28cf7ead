//! What tests are made of: a second, naive implementation of the rules, logs of facts that are hard on the first, and real servers.

#![allow(clippy::unwrap_used)]

pub mod browser;
pub mod examples;
pub mod facts;
pub mod kafka;
pub mod model;
pub mod proxy;
pub mod simulation;
