//! What the page says became of an answer, and that it is so.

use std::time::Duration;

use afterword_readmodel::Standing;
use axum::http::StatusCode;
use serde_json::json;

use crate::world::{Setting, World, request_id};

async fn rating(world: &World, conversation: &str) -> (Option<String>, i64, bool) {
    let Standing {
        reaction,
        revision,
        locked,
        ..
    } = world.standing(conversation).await.expect("asked");
    (reaction, revision, locked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saved_changed_commented_locked() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    page.says("How was your conversation with Acme & Söhne?");
    assert!(
        page.has_field("reaction") && !page.has_field("comment"),
        "one step at a time"
    );

    let saved = world.answer(&path, &[("reaction", "bad")]).await;
    saved.says("Saved: Bad. Thank you!");
    saved.says("Once a comment is sent, your rating and your comment are final");
    assert!(saved.has_field("reaction") && saved.has_field("comment"));
    assert!(
        saved
            .text
            .contains("<title>Saved: \u{2068}Bad\u{2069}. Thank you! – Acme")
    );
    assert_eq!(
        rating(&world, "c1").await,
        (Some("bad".to_owned()), 1, false)
    );

    let changed = world.answer(&path, &[("reaction", "great")]).await;
    changed.says("Changed: your rating is now Great.");
    let unchanged = world.answer(&path, &[("reaction", "great")]).await;
    unchanged.says("Your rating is Great, as before.");
    assert_eq!(
        rating(&world, "c1").await,
        (Some("great".to_owned()), 2, false)
    );

    let late = world.get(&path).await;
    let kept = world
        .answer(&path, &[("comment", " Thanks, Ben! \n")])
        .await;
    kept.says("Saved: your comment. Thank you!");
    assert!(
        !kept.has_field("reaction") && !kept.has_field("comment"),
        "final"
    );
    assert_eq!(
        rating(&world, "c1").await,
        (Some("great".to_owned()), 3, true)
    );

    // A tab that was open before.
    let locked = world.send(&path, &late, &[("reaction", "terrible")]).await;
    assert_eq!(locked.status, StatusCode::CONFLICT);
    locked.says("Not saved: you have sent a comment, and since then your rating and your comment are final.");
    let locked = world
        .send(&path, &late, &[("comment", "Something else")])
        .await;
    assert_eq!(locked.status, StatusCode::CONFLICT);
    assert_eq!(
        rating(&world, "c1").await,
        (Some("great".to_owned()), 3, true)
    );
    assert_eq!(
        world.count("afterword_survey_answers_total", "refused"),
        2.0
    );
    let page = world.get(&path).await;
    page.says("Your rating: Great You have sent a comment, so your rating is final.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_sent_twice_counts_once_and_a_reload_does_no_harm() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    let great = [("reaction", "great")];
    let (first, second) = tokio::join!(
        world.send(&path, &page, &great),
        world.send(&path, &page, &great)
    );
    let shown = world.follow(&path, first).await;
    // Either may have been the first to be taken.
    shown.says("Great");
    world.follow(&path, second).await.says("Great");
    assert_eq!(
        rating(&world, "c1").await,
        (Some("great".to_owned()), 1, false)
    );

    // Another tab says something else; then the browser sends the first form again.
    world.answer(&path, &[("reaction", "ok")]).await;
    let facts = world.facts();
    let again = world.send(&path, &page, &great).await;
    let again = world.follow(&path, again).await;
    again.says("This form had been sent before, so nothing was changed. Your rating is OK.");
    assert_eq!(
        rating(&world, "c1").await,
        (Some("ok".to_owned()), 2, false)
    );
    assert_eq!(
        world.facts(),
        facts + 1,
        "a repeated fact, which the rules pass over"
    );

    // The page after an answer is reloaded, and the one from the back button too.
    let facts = world.facts();
    for _ in 0..3 {
        world.get(&path).await.says("Your rating: OK");
    }
    assert_eq!(world.facts(), facts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_are_one_rating() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let (left, right) = (world.get(&path).await, world.get(&path).await);
    let sent = world.send(&path, &left, &[("reaction", "bad")]).await;
    world.follow(&path, sent).await.says("Saved: Bad.");
    let sent = world.send(&path, &right, &[("reaction", "amazing")]).await;
    world
        .follow(&path, sent)
        .await
        .says("Changed: your rating is now Amazing.");
    assert_eq!(
        rating(&world, "c1").await,
        (Some("amazing".to_owned()), 2, false)
    );
    let comment = [("comment", "Good")];
    let sent = world.send(&path, &left, &comment).await;
    world.follow(&path, sent).await.says("Saved: your comment.");
    let sent = world.send(&path, &right, &comment).await;
    world.follow(&path, sent).await.says("Saved: your comment.");
    assert_eq!(
        rating(&world, "c1").await.1,
        3,
        "the same comment again is none"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_and_a_comment_go_together_and_a_comment_alone_does_not() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    let alone = world.send(&path, &page, &[("comment", "No stars?")]).await;
    assert_eq!(alone.status, StatusCode::CONFLICT);
    alone.says("please choose a rating first");
    alone.says("No stars?");
    assert!(alone.has_field("reaction"));
    let both = [("reaction", "ok"), ("comment", "No stars?")];
    let sent = world.send(&path, &alone, &both).await;
    world.follow(&path, sent).await.says("Saved: your comment.");
    assert_eq!(rating(&world, "c1").await, (Some("ok".to_owned()), 2, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_conversation_is_no_longer_there() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    let by = json!({"kind": "teammate", "id": "ben"});
    world.append("c1", 9, json!({"type": "conversation_deleted", "by": by}));
    let gone = world.send(&path, &page, &[("reaction", "great")]).await;
    assert_eq!(gone.status, StatusCode::GONE);
    gone.says("this conversation has been deleted and can no longer be rated");
    let page = world.get(&path).await;
    page.says("No longer there");
    assert!(!page.has_field("reaction"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_decided_in_time_is_said_to_be_kept() {
    let mut world = World::with(Setting {
        outcome_timeout: Duration::from_millis(50),
        ..Setting::default()
    })
    .await;
    let path = world.asked("c1").await;
    world.stop_deciding();
    let facts = world.facts();
    let page = world.get(&path).await;
    let sent = world.send(&path, &page, &[("reaction", "great")]).await;
    assert_eq!(world.facts(), facts + 1, "kept");
    let pending = world.follow(&path, sent).await;
    pending.says("We have received your answer and keep it. It will show here in a moment.");
    assert_eq!(pending.headers["refresh"], "3");
    assert!(
        !pending.has_field("reaction"),
        "nothing to send until it shows"
    );
    assert_eq!(
        world.count("afterword_survey_answers_total", "pending"),
        1.0
    );
    assert_eq!(world.facts(), facts + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_as_no_person_sends_it_is_marked_and_kept() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    // A scanner that presses every button it finds, at once.
    for symbol in ["terrible", "bad", "ok"] {
        world.answer(&path, &[("reaction", symbol)]).await;
    }
    assert_eq!(
        rating(&world, "c1").await,
        (Some("ok".to_owned()), 3, false)
    );
    let marks = world
        .database
        .marks(&request_id("c1"))
        .await
        .expect("marks");
    let count = |mark: &str| marks.iter().filter(|found| *found == mark).count();
    assert_eq!((count("unread"), count("rapid")), (3, 3), "{marks:?}");
    assert_eq!(world.count("afterword_survey_marked_total", "unread"), 3.0);
    let headers = world
        .all_facts()
        .into_iter()
        .flat_map(|(_, headers)| headers);
    let headers: Vec<_> = headers.collect();
    assert_eq!(
        headers,
        [
            "afterword-mark=unread",
            "afterword-mark=unread,rapid",
            "afterword-mark=unread,rapid"
        ]
    );

    // A person reads first.
    let path = world.asked("c2").await;
    let page = world.get(&path).await;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let sent = world.send(&path, &page, &[("reaction", "bad")]).await;
    world.follow(&path, sent).await.says("Saved: Bad.");
    let marks = world
        .database
        .marks(&request_id("c2"))
        .await
        .expect("marks");
    assert!(marks.is_empty(), "{marks:?}");
}
