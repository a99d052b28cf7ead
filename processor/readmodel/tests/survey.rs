//! What the survey asks, on both databases.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashMap;

use afterword_log::{Offset, Partition, Topic};
use afterword_readmodel::{AnswerMark, LATEST, ReportDatabase, Standing};
use afterword_schemas::records::{Reaction, RefusalReason};
use support::world::{NOON, World, append};
use support::{Kind, Place};

/// As the fold would have made it on one partition: offsets of facts count up from 0.
async fn projected(kind: Kind, world: &World) -> (Place, ReportDatabase) {
    let place = Place::new(kind, 1);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    (place, database)
}

fn by_id(found: Vec<Standing>) -> HashMap<String, Standing> {
    let each = found.into_iter();
    each.map(|standing| (standing.request_id.clone(), standing))
        .collect()
}

async fn requests_stand_as_their_answers_made_them(kind: Kind) {
    let mut world = World::new(1);
    for conversation in ["c1", "c2", "c3"] {
        world.ask("w1", conversation, "ann", NOON);
    }
    world.rate("c2", Reaction::Bad, NOON + 1);
    world.rate("c2", Reaction::Great, NOON + 2);
    world.comment("c2", "thanks", NOON + 3);
    world.refuse("w1", "c3", RefusalReason::Deleted, NOON + 4);
    let (_place, database) = projected(kind, &world).await;
    let wanted = ["r-w1-c1", "r-w1-c2", "r-w1-c3", "r-w1-nobody"];
    let found = by_id(database.standings(&wanted).await.unwrap());
    assert_eq!(found.len(), 3, "{found:?}");
    let [open, rated, deleted] = wanted[..3] else {
        unreachable!("three");
    };
    let open = &found[open];
    assert_eq!(
        (
            open.reaction.as_deref(),
            open.revision,
            open.locked,
            open.deleted
        ),
        (None, 0, false, false)
    );
    assert!(open.accepted.is_empty() && open.first.is_none());
    let rated = &found[rated];
    assert_eq!(
        (rated.reaction.as_deref(), rated.revision, rated.locked),
        (Some("great"), 3, true)
    );
    let mut accepted = rated.accepted.clone();
    accepted.sort_unstable();
    let places = [3, 4, 5].map(|offset| (Partition(0), Offset(offset)));
    assert_eq!(accepted, places);
    assert_eq!(rated.first, Some(places[0]));
    assert_eq!(rated.customer_id, "u1");
    assert!(found[deleted].deleted);
    let position = Topic::RatingSubmitted;
    let next = database.projected(position, Partition(0)).await.unwrap();
    assert_eq!(next, Offset(3));
    let latest = database.unanswered("w1").await.unwrap().unwrap();
    assert!(["r-w1-c1", "r-w1-c3"].contains(&latest.as_str()));
    assert_eq!(database.unanswered("w2").await.unwrap(), None);
}

async fn of_many_changes_the_latest_are_told(kind: Kind) {
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    let changes = 2 * LATEST;
    for change in 0..changes {
        let reaction = [Reaction::Bad, Reaction::Ok][change as usize % 2];
        world.rate("c1", reaction, NOON + change);
    }
    let (_place, database) = projected(kind, &world).await;
    let found = database.standings(&["r-w1-c1"]).await.unwrap();
    let standing = &found[0];
    assert_eq!(standing.revision, changes);
    assert_eq!(standing.accepted.len() as i64, LATEST);
    let last = (Partition(0), Offset(changes.unsigned_abs()));
    assert!(standing.accepted.contains(&last));
    assert_eq!(standing.first, None, "it is not among them");
}

async fn refusals_are_found_by_their_event(kind: Kind) {
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    world.refuse("w1", "c1", RefusalReason::Locked, NOON + 1);
    let (_place, database) = projected(kind, &world).await;
    // Two outputs were made before it.
    let found = database.refusals(&["e2", "e9"]).await.unwrap();
    let key = ("e2".to_owned(), "r-w1-c1".to_owned());
    assert_eq!(found, HashMap::from([(key, "locked".to_owned())]));
}

async fn a_mark_is_kept_once(kind: Kind) {
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    let (_place, database) = projected(kind, &world).await;
    let mark = |offset, mark| AnswerMark {
        partition: Partition(0),
        offset: Offset(offset),
        mark,
        workspace_id: "w1".to_owned(),
        request_id: "r-w1-c1".to_owned(),
        event_id: format!("e{offset}"),
        marked_at: NOON,
    };
    for (offset, kind) in [(2, "rapid"), (1, "unread"), (2, "rapid"), (2, "unread")] {
        database.mark_answer(&mark(offset, kind)).await.unwrap();
    }
    let found = database.marks("r-w1-c1").await.unwrap();
    assert_eq!(found, ["unread", "rapid", "unread"]);
    assert!(database.marks("r-w1-c2").await.unwrap().is_empty());
}

on_both_databases! {
    requests_stand_as_their_answers_made_them,
    of_many_changes_the_latest_are_told,
    refusals_are_found_by_their_event,
    a_mark_is_kept_once,
}
