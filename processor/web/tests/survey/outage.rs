//! The log stops taking facts in the middle of answers: nobody is thanked for what is not in it.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::StatusCode;
use tokio::task::JoinSet;

use crate::world::{Page, World};

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
    let mut sending = JoinSet::new();
    for index in 0..60 {
        let conversation = format!("c{index}");
        let path = world.asked(&conversation).await;
        let world = Arc::clone(&world);
        sending.spawn(async move {
            let comment = format!("comment-of-{conversation}.");
            let mut thanked = HashSet::new();
            let page: Page = world.get(&path).await;
            for round in 0..8 {
                let text = format!("{comment}{round}");
                let fields = [("reaction", "great"), ("comment", &*text)];
                let sent = world.send(&path, &page, &fields).await;
                match sent.status {
                    StatusCode::SEE_OTHER => {
                        thanked.insert(text);
                        break;
                    }
                    StatusCode::SERVICE_UNAVAILABLE => {}
                    status => panic!("{status}: {}", sent.words()),
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            thanked
        });
    }
    let stopping = Arc::clone(&world);
    let outages = tokio::spawn(async move {
        for index in 0..12 {
            stopping.fill_disk(index % 2 == 0);
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        }
        stopping.fill_disk(false);
    });
    let mut thanked = HashSet::new();
    while let Some(one) = sending.join_next().await {
        thanked.extend(one.expect("no panic"));
    }
    outages.await.expect("no panic");
    assert!(!thanked.is_empty());
    let facts = world.all_facts();
    let is_there = |text: &str| {
        let found = |(fact, _): &&(Vec<u8>, Vec<String>)| {
            fact.windows(text.len()).any(|part| part == text.as_bytes())
        };
        facts.iter().filter(found).count()
    };
    for text in &thanked {
        assert!(
            is_there(text) >= 1,
            "{text} was thanked for and is not in the log"
        );
    }
    println!("{} answers thanked for, all in the log", thanked.len());
}
