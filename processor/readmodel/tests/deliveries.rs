//! The queue of mails and webhooks, on both databases.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use afterword_readmodel::{
    Contact, DeliveryFilter, DeliveryState, EventKind, Lane, Outcome, Replay, ReportDatabase,
};
use afterword_schemas::records::Reaction;
use support::world::{NOON, World, append};
use support::{Kind, Place};

const MINUTE: i64 = 60_000;

/// Ids of an even length are of conversations by email, see `World::ask`.
async fn queued(kind: Kind, conversations: &[&str]) -> (Place, ReportDatabase) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    for conversation in conversations {
        world.ask("w1", conversation, "ann", NOON);
    }
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    (place, database)
}

async fn states(database: &ReportDatabase) -> BTreeMap<String, String> {
    let rows = database
        .deliveries(&DeliveryFilter::default(), 1_000)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.delivery_id, row.state))
        .collect()
}

async fn requests_and_submissions_are_queued_once(kind: Kind) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    world.ask("w1", "c1", "ann", NOON);
    world.ask("w1", "c12", "ann", NOON);
    world.ask("w1", "c1", "ann", NOON + 1);
    world.rate("c1", Reaction::Ok, NOON);
    world.comment("c1", "so so", NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    let expected = [
        "mail_r-w1-c1",
        "requested_r-w1-c1",
        "requested_r-w1-c12",
        "submitted_r-w1-c1_1",
        "submitted_r-w1-c1_2",
    ];
    let found: Vec<_> = states(&database).await.into_keys().collect();
    assert_eq!(found, expected);
    // The same outputs once more, as after a log that was restored.
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    assert_eq!(states(&database).await.len(), expected.len());
    let (submitted, source) = database.submission("r-w1-c1", 2).await.unwrap().unwrap();
    assert_eq!(submitted.comment.as_deref(), Some("so so"));
    assert_eq!(
        (submitted.previous_reaction, source.topic),
        (Some(Reaction::Ok), "conversation-events")
    );
    assert!(
        database
            .asked("r-w1-c1")
            .await
            .unwrap()
            .unwrap()
            .is_answered
    );
    assert!(database.submission("r-w1-c1", 3).await.unwrap().is_none());
}

async fn a_claim_is_one_process_and_ends_by_itself(kind: Kind) {
    let ids: Vec<String> = (10..50).map(|number| number.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (place, database) = queued(kind, &ids).await;
    let other = place.database().await;
    let claim = |database: ReportDatabase, token: &'static str, now| async move {
        let mut claimed = Vec::new();
        loop {
            let some = database
                .claim_deliveries(&Lane::Mail, token, now, now + MINUTE, 3)
                .await
                .unwrap();
            if some.is_empty() {
                return claimed;
            }
            claimed.extend(some);
        }
    };
    let (one, two) = tokio::join!(
        tokio::spawn(claim(database.clone(), "a", NOON)),
        tokio::spawn(claim(other.clone(), "b", NOON))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let all = one
        .iter()
        .chain(&two)
        .map(|claim| claim.delivery_id.as_str());
    assert_eq!(all.collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(one.len() + two.len(), ids.len(), "nothing is claimed twice");
    let mine = one.first().or(two.first()).unwrap();
    assert_eq!(mine.attempts, 1);
    // Half a minute later nothing is due; when the claims have ended, all of it is.
    assert!(
        claim(other.clone(), "c", NOON + MINUTE / 2)
            .await
            .is_empty()
    );
    let again = claim(other, "d", NOON + MINUTE).await;
    assert_eq!(again.len(), ids.len());
    assert!(again.iter().all(|claim| claim.attempts == 2));
    let sent = Outcome::Final(DeliveryState::Sent, String::new());
    let late = database
        .finish_delivery(mine, &sent, NOON + MINUTE)
        .await
        .unwrap();
    assert!(!late, "it is another's now");
    let theirs = again
        .iter()
        .find(|claim| claim.delivery_id == mine.delivery_id)
        .unwrap();
    assert!(
        database
            .finish_delivery(theirs, &sent, NOON + MINUTE)
            .await
            .unwrap()
    );
    assert_eq!(states(&database).await[&mine.delivery_id], "sent");
}

async fn what_became_of_an_attempt_is_kept(kind: Kind) {
    let (_place, database) = queued(kind, &["c1", "c2", "c3", "c4"]).await;
    let claims = database
        .claim_deliveries(&Lane::Mail, "a", NOON, NOON + MINUTE, 9)
        .await
        .unwrap();
    let detail = "550 no\nsuch user".to_owned();
    let outcomes = [
        Outcome::Final(DeliveryState::Bounced, detail.clone()),
        Outcome::Retry {
            at_ms: NOON + 2 * MINUTE,
            detail,
        },
        Outcome::Release { at_ms: NOON },
        Outcome::NoAddress,
    ];
    for (claim, outcome) in claims.iter().zip(&outcomes) {
        assert!(
            database
                .finish_delivery(claim, outcome, NOON)
                .await
                .unwrap()
        );
    }
    let rows = database
        .deliveries(&DeliveryFilter::default(), 9)
        .await
        .unwrap();
    let row = |index: usize| {
        let id = &claims[index].delivery_id;
        rows.iter().find(|row| row.delivery_id == *id).unwrap()
    };
    assert_eq!(
        (row(0).state.as_str(), row(0).detail.as_str()),
        ("bounced", "550 no such user")
    );
    assert_eq!(
        (row(1).attempts, row(1).due_at),
        (1, Some(NOON + 2 * MINUTE))
    );
    assert_eq!((row(2).attempts, row(2).state.as_str()), (0, "waiting"));
    assert_eq!((row(3).attempts, row(3).state.as_str()), (0, "no_address"));
    let backlog = database.delivery_backlog().await.unwrap();
    let mail = backlog.iter().find(|held| held.lane == Lane::Mail).unwrap();
    assert_eq!(
        (mail.waiting, mail.without_address, mail.oldest_ms),
        (2, 1, NOON)
    );
    let bounced = DeliveryFilter {
        states: vec![DeliveryState::Bounced],
        ..DeliveryFilter::default()
    };
    assert_eq!(
        database
            .retry_deliveries(&bounced, NOON + MINUTE)
            .await
            .unwrap(),
        1
    );
    assert_eq!(states(&database).await[&claims[0].delivery_id], "waiting");
}

async fn an_address_sets_a_mail_free(kind: Kind) {
    let (_place, database) = queued(kind, &["c1"]).await;
    let claim = async || {
        let claims = database
            .claim_deliveries(&Lane::Mail, "a", NOON, NOON + MINUTE, 9)
            .await;
        claims.unwrap().pop()
    };
    let contact = |email: &str| Contact {
        email: Some(email.to_owned()),
        name: None,
        locale: None,
        wants_mail: true,
    };
    let put = async |workspace: &str, email: &str| {
        let given = [(workspace.to_owned(), "u1".to_owned(), contact(email))];
        database.put_contacts(&given, NOON).await.unwrap();
    };
    let first = claim().await.unwrap();
    database
        .finish_delivery(&first, &Outcome::NoAddress, NOON)
        .await
        .unwrap();
    put("w2", "other@example.com").await;
    assert!(claim().await.is_none(), "of another workspace");
    put("w1", "ann@example.com").await;
    let second = claim().await.unwrap();
    assert_eq!(second.attempts, 1);
    // It came between looking and saying that there is none.
    database
        .finish_delivery(&second, &Outcome::NoAddress, NOON)
        .await
        .unwrap();
    assert_eq!(states(&database).await["mail_r-w1-c1"], "waiting");
    put("w1", "bea@example.com").await;
    let found = database.contact("w1", "u1").await.unwrap().unwrap();
    assert_eq!(found.email.as_deref(), Some("bea@example.com"));
    assert!(database.delete_contact("w1", "u1").await.unwrap());
    assert!(!database.delete_contact("w1", "u1").await.unwrap());
}

async fn what_is_too_old_ends_and_is_forgotten(kind: Kind) {
    let (_place, database) = queued(kind, &["c1", "c2"]).await;
    let claims = database
        .claim_deliveries(&Lane::Mail, "a", NOON, NOON + MINUTE, 1)
        .await
        .unwrap();
    let retry = Outcome::Retry {
        at_ms: NOON,
        detail: "451 later".to_owned(),
    };
    let swept = database.sweep_deliveries(NOON, NOON, NOON).await.unwrap();
    assert!(swept.ended.is_empty(), "as old as allowed");
    database
        .share_events_out(NOON, |_, _| Vec::new())
        .await
        .unwrap();
    let swept = database
        .sweep_deliveries(NOON, NOON + 1, NOON)
        .await
        .unwrap();
    assert_eq!(
        swept.ended,
        BTreeMap::from([((Lane::Mail, DeliveryState::TooOld), 1)])
    );
    database
        .finish_delivery(&claims[0], &retry, NOON)
        .await
        .unwrap();
    let swept = database
        .sweep_deliveries(NOON, NOON + 1, NOON)
        .await
        .unwrap();
    assert_eq!(
        swept.ended,
        BTreeMap::from([((Lane::Mail, DeliveryState::Failed), 1)])
    );
    assert_eq!(swept.forgotten, 0);
    let swept = database
        .sweep_deliveries(NOON + MINUTE, NOON, NOON + 1)
        .await
        .unwrap();
    assert_eq!((swept.forgotten, states(&database).await.len()), (2, 0));
}

async fn events_are_shared_out_and_replayed(kind: Kind) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Ok, NOON + MINUTE);
    world.ask("w2", "c12", "ann", NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    let told = |event: EventKind, workspace: &str| {
        let only = ["chat".to_owned()];
        let both = ["chat".to_owned(), "crm".to_owned()];
        match (event, workspace) {
            (EventKind::RatingRequested, "w1") => both.to_vec(),
            (EventKind::RatingSubmitted, _) => only.to_vec(),
            _ => Vec::new(),
        }
    };
    assert_eq!(database.share_events_out(NOON, told).await.unwrap(), 3);
    assert_eq!(database.share_events_out(NOON, told).await.unwrap(), 0);
    let found: Vec<_> = states(&database).await.into_keys().collect();
    let shared = [
        "mail_r-w1-c1",
        "requested_r-w1-c1@chat",
        "requested_r-w1-c1@crm",
        "submitted_r-w1-c1_1@chat",
    ];
    assert_eq!(found, shared);
    let chat = Lane::Webhook("chat".to_owned());
    for claim in database
        .claim_deliveries(&chat, "a", NOON, NOON + MINUTE, 9)
        .await
        .unwrap()
    {
        let sent = Outcome::Final(DeliveryState::Sent, String::new());
        database.finish_delivery(&claim, &sent, NOON).await.unwrap();
    }
    let replay = |event, endpoint: Option<&str>, until_ms| Replay {
        from_ms: NOON,
        until_ms,
        event,
        workspace_id: None,
        endpoint: endpoint.map(str::to_owned),
    };
    let late = NOON + 60 * MINUTE;
    let requests = replay(EventKind::RatingRequested, None, late);
    assert_eq!(database.replay_events(&requests, late).await.unwrap(), 2);
    let nothing = replay(EventKind::RatingSubmitted, None, NOON + MINUTE);
    assert_eq!(database.replay_events(&nothing, late).await.unwrap(), 0);
    let one = replay(EventKind::RatingSubmitted, Some("crm"), late);
    assert_eq!(database.replay_events(&one, late).await.unwrap(), 1);
    assert_eq!(database.share_events_out(late, told).await.unwrap(), 2);
    let rows = database
        .deliveries(&DeliveryFilter::default(), 99)
        .await
        .unwrap();
    let waiting: BTreeMap<_, _> = rows
        .iter()
        .filter(|row| row.state == "waiting" && row.lane != "mail")
        .map(|row| (row.delivery_id.as_str(), row.counted_from))
        .collect();
    let expected = [
        ("requested_r-w1-c1@chat", late),
        ("requested_r-w1-c1@crm", NOON),
        ("submitted_r-w1-c1_1@crm", late),
    ];
    assert_eq!(
        waiting,
        BTreeMap::from(expected),
        "what still waited is not doubled"
    );
}

on_both_databases! {
    requests_and_submissions_are_queued_once,
    a_claim_is_one_process_and_ends_by_itself,
    what_became_of_an_attempt_is_kept,
    an_address_sets_a_mail_free,
    what_is_too_old_ends_and_is_forgotten,
    events_are_shared_out_and_replayed,
}
