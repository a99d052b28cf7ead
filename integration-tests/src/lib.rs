//! What tests are made of: a second, naive implementation of the rules, and logs of facts that are hard on the first.

#![allow(clippy::unwrap_used)]

pub mod facts;
pub mod model;
pub mod simulation;
