//! The survey in a chat: on a site of another address, and in the demo.

use afterword_integration_tests::browser::Script;
use afterword_integration_tests::kafka::free_ports;
use serde_json::Value;

use crate::world::World;

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
    let told: Vec<_> = submissions.iter().map(|one| one["reaction"].as_str().unwrap()).collect();
    assert_eq!(told, ["bad", "bad"]);
}
