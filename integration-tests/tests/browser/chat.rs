//! The survey in a chat: on a site of another address, and in the demo.

use std::time::{Duration, Instant};

use afterword_integration_tests::browser::Script;
use afterword_integration_tests::kafka::free_ports;
use serde_json::Value;

use crate::http::Client;
use crate::place::Place;
use crate::world::{World, demo};

/// How long the demo may take to write and decide its history, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn the_survey_appears_in_a_chat_with_a_strict_policy() {
    let port = free_ports(1)[0];
    let site = format!("http://localhost:{port}");
    let world = World::with(&[("survey.frame_ancestors", &site)]);
    let (asked, another) = (world.close_a_conversation(), world.close_a_conversation());
    let _: Value = Script::new("chat", "chat")
        .with("port", port)
        .with("survey", world.address())
        .with("link", asked.link.as_str())
        .with("another", another.link)
        .run();
    let submissions = world.submissions(&asked);
    let told: Vec<_> = submissions
        .iter()
        .map(|one| one["reaction"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["bad", "bad"]);
}

#[test]
fn in_the_demo_the_scorecard_moves() {
    let place = Place::new();
    let (mut demo, [survey, _]) = demo(&place, "200", "2");
    let (client, began) = (Client::new(), Instant::now());
    let page = format!("http://{survey}/demo");
    while !client.get(&page).is_ok_and(|answer| answer.status == 200) {
        assert_eq!(demo.ended(), None, "{}", demo.last_words());
        assert!(began.elapsed() < PATIENCE, "{}", demo.last_words());
        std::thread::sleep(Duration::from_millis(100));
    }
    let _: Value = Script::new("demo", "demo")
        .with("address", format!("http://{survey}"))
        .run();
}
