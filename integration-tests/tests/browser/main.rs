//! What customers and managers see, in a real Chromium: the survey's page, the survey in a chat, the demo, the reports, accounts; and that
//! following a link rates nothing.
//!
//! The scripts are in `integration-tests/browser/`; their screenshots go to `browser/` in the build's directory, for whoever wants
//! to look. Longer: `AFTERWORD_FOLLOWED=10000`, how often links are followed (2,000 when unset).

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

mod access;
#[path = "../processes/binary.rs"]
mod binary;
mod chat;
#[allow(dead_code)]
#[path = "../processes/closes.rs"]
mod closes;
mod followers;
#[allow(dead_code)]
#[path = "../processes/http.rs"]
mod http;
mod mail;
mod managers;
mod page;
#[allow(dead_code)]
#[path = "../processes/peers.rs"]
mod peers;
#[allow(dead_code)]
#[path = "../processes/place.rs"]
mod place;
#[allow(dead_code)]
#[path = "../processes/service.rs"]
mod service;
mod world;

/// A whole number from the environment.
fn number(name: &str) -> Option<usize> {
    let text = std::env::var(name).ok()?;
    let digits = text.replace('_', "");
    Some(
        digits
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a whole number, and it is {text:?}")),
    )
}
