//! A manager's day on the pages of the demo: by mouse, without a script, and on a telephone.

use std::time::{Duration, Instant};

use afterword_integration_tests::browser::Script;
use serde_json::Value;

use crate::http::Client;
use crate::place::Place;
use crate::world::demo;

/// How long the demo may take to make its history.
const PATIENCE: Duration = Duration::from_secs(240);
/// The number beside the heart.
const NOBODY_HAPPY: &str = "<span class=\"number\">0</span>";
const LOOK: Duration = Duration::from_millis(200);
/// Live conversations begun a second: enough for ratings to arrive while pages are looked at.
const RATE: &str = "3";

#[test]
fn a_managers_day() {
    let place = Place::new();
    let (mut demo, [_, reports]) = demo(&place, "4000", RATE);
    let (client, began) = (Client::new(), Instant::now());
    let summary = format!("http://{reports}/acme/summary");
    let is_alive = || {
        let page = client.get(&summary);
        page.is_ok_and(|page| page.status == 200 && !page.body.contains(NOBODY_HAPPY))
    };
    // Live traffic begins when the history is there; then somebody is happy today.
    while !is_alive() {
        assert_eq!(demo.ended(), None, "{}", demo.last_words());
        assert!(began.elapsed() < PATIENCE, "{}", demo.last_words());
        std::thread::sleep(LOOK);
    }
    let _: Value = Script::new("managers", "managers")
        .with("address", format!("http://{reports}"))
        .run();
}
