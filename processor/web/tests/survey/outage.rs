//! The log stops taking facts in the middle of answers: nobody is thanked for what is not in it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::task::JoinSet;

use crate::world::{Page, World, request_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_stays_in_the_form() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    let facts = world.facts();
    world.fill_disk(true);
    let both = [("reaction", "bad"), ("comment", "It took <3 weeks")];
    let failed = world.send(&path, &page, &both).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failed.headers["retry-after"], "5");
    failed.says("Not saved yet: we cannot take your answer at the moment.");
    assert!(
        failed.text.contains("It took &#60;3 weeks</textarea>"),
        "the text"
    );
    assert!(
        failed.text.contains("value=\"bad\" required checked"),
        "the reaction"
    );
    assert_eq!(failed.stamp(), page.stamp(), "sent again, it counts once");
    assert_eq!(world.facts(), facts);
    world.fill_disk(false);
    let sent = world.send(&path, &failed, &both).await;
    world.follow(&path, sent).await.says("Saved: your comment.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_that_was_thanked_for_is_in_the_log() {
    let world = Arc::new(World::new().await);
    let mut asked = Vec::new();
    for index in 0..30 {
        let conversation = format!("c{index}");
        asked.push((world.asked(&conversation).await, conversation));
    }
    let before = world.facts();
    let stopping = Arc::clone(&world);
    let outages = tokio::spawn(async move {
        for index in 0..40 {
            stopping.fill_disk(index % 2 == 0);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        stopping.fill_disk(false);
    });
    let mut sending = JoinSet::new();
    for (path, conversation) in asked {
        sending.spawn(answer_again_and_again(
            Arc::clone(&world),
            path,
            conversation,
        ));
    }
    let (mut thanked, mut refused) = (0, 0);
    while let Some(one) = sending.join_next().await {
        let (conversation, of_one, not_taken) = one.expect("no panic");
        let id = request_id(&conversation);
        let is_its = |(fact, _): &&(Vec<u8>, Vec<String>)| {
            fact.windows(id.len()).any(|part| part == id.as_bytes())
        };
        let kept = world.all_facts().iter().filter(is_its).count();
        assert!(
            kept >= of_one,
            "{conversation}: {of_one} thanked for, {kept} in the log"
        );
        thanked += of_one;
        refused += not_taken;
    }
    outages.await.expect("no panic");
    assert!(
        thanked > 0 && refused > 0,
        "{thanked} thanked for, {refused} not taken"
    );
    assert!(world.facts() - before >= thanked as u64);
    println!(
        "{thanked} answers thanked for, all in the log; {refused} times told that it cannot be taken"
    );
}

/// How often it was thanked for an answer, and how often told that none can be taken.
async fn answer_again_and_again(
    world: Arc<World>,
    path: String,
    conversation: String,
) -> (String, usize, usize) {
    let (mut thanked, mut refused) = (0, 0);
    for round in 0..8 {
        let page: Page = world.get(&path).await;
        let symbol = ["bad", "great"][round % 2];
        for _ in 0..3 {
            let sent = world.send(&path, &page, &[("reaction", symbol)]).await;
            match sent.status {
                StatusCode::SEE_OTHER => {
                    thanked += 1;
                    break;
                }
                StatusCode::SERVICE_UNAVAILABLE => refused += 1,
                status => panic!("{status}: {}", sent.words()),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    (conversation, thanked, refused)
}
