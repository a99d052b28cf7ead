//! The story of a conversation, as JSON.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use afterword_schemas::records::{Criterion, Output, Reaction, RefusalReason};
use support::world::{HOUR, NOON, World, append};
use support::{Kind, Place};

async fn the_story_of_a_conversation_says_everything_in_order(kind: Kind) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    let failed = [Criterion::TooShort, Criterion::OriginNotCustomer];
    world.decline("w1", "c1", &failed, NOON);
    world.refuse("w1", "c1", RefusalReason::NoRequest, NOON);
    world.ask("w1", "c1", "ann", NOON + HOUR);
    world.rate("c1", Reaction::Ok, NOON + 2 * HOUR);
    world.comment("c1", "fine", NOON + 3 * HOUR);
    world.ask("w1", "c1", "ann", NOON + 4 * HOUR);
    if let Output::EligibilityDecided(decided) = &mut world.made[0].output {
        decided.measured.origin = None;
        decided.measured.audience = None;
        decided.measured.milliseconds_since_last_reply = None;
    }
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    assert!(database.story("w1", "c2").await.unwrap().is_empty());
    assert!(database.story("w2", "c1").await.unwrap().is_empty());
    let story = database.story("w1", "c1").await.unwrap();
    let found = serde_json::to_string_pretty(&story).unwrap();
    let partition = world.made[0].partition.to_string();
    let expected = include_str!("story.json").replace("\"PARTITION\"", &partition);
    assert_eq!(found.trim(), expected.trim());
}

on_both_databases! {
    the_story_of_a_conversation_says_everything_in_order,
}
