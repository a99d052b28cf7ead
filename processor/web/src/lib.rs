//! Afterword over HTTP: facts in, figures and stories out on the reports listener; `/metrics`, `/livez` and `/readyz` on the
//! operations listener, and beside them, behind a token, the log itself for this program's own commands in other processes.
//!
//! No state lives here: what is asked comes from the log, what is told goes to it.

pub mod access;
mod address;
mod contacts;
mod conversation;
pub mod demo;
mod events;
mod gate;
pub mod intake;
pub mod internal;
pub mod messenger;
mod meter;
mod operations;
mod pages;
mod problem;
mod reports;
mod server;
pub mod settings_log;
pub mod sources;
mod starting;
pub mod story;
mod survey;

pub use address::Peer;
pub use axum::Router;
pub use gate::Gate;
pub use meter::HttpMetrics;
pub use operations::{Check, Operations, Readiness, operations_router};
pub use pages::{WorkspaceLook, WorkspaceLooks};
pub use problem::Problem;
pub use reports::{Caller, Places, ProblemDocument, Reports, TraceParents, reports_router};
pub use server::{Limits, bind, serve};
pub use starting::{Starting, starting_router};
pub use survey::{Language, Look, Looks, SurveyMetrics, SurveyParts, survey_router};

use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, in milliseconds since 1970: for stamping what is appended now.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
