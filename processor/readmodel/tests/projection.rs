//! What the projector makes of outputs: the same rows from any order of topics, any batch size, any repetition.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use afterword_log::{Partition, Topic};
use afterword_readmodel::{ProjectorOptions, Scorecard, Totals};
use afterword_schemas::records::Reaction;
use proptest::prelude::*;
use support::world::{DAY, Dice, HOUR, Made, NOON, World, append, append_settings, settings};
use support::{Kind, Place, naive};

fn zone(workspace: &str) -> &'static str {
    if workspace == "w1" {
        "Europe/Berlin"
    } else {
        "America/St_Johns"
    }
}

fn append_zones(place: &Place) {
    for workspace in ["w1", "w/2%"] {
        append_settings(
            place.log.as_ref(),
            &settings(workspace, 1, 0, zone(workspace)),
        );
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn sums(card: &Scorecard) -> naive::Sums {
    [
        card.requests,
        card.requests_answered,
        card.terrible,
        card.bad,
        card.ok,
        card.great,
        card.amazing,
        card.comments,
    ]
}

async fn stored_sums(place: &Place) -> BTreeMap<[String; 3], naive::Sums> {
    let database = place.database().await;
    let mut all = BTreeMap::new();
    for workspace in database.workspaces(10).await.unwrap() {
        for card in database.scorecards(&workspace, 1_000).await.unwrap() {
            let key = [
                card.workspace_id.clone(),
                card.teammate_id.clone(),
                card.day.clone(),
            ];
            all.insert(key, sums(&card));
        }
    }
    database.close().await;
    all
}

/// Appends in pieces, the topics and partitions in any order, projecting in between; repeats pieces when told to.
async fn append_shuffled(place: &Place, made: &[Made], dice: &mut Dice, repeat: bool) {
    let mut queues = BTreeMap::<(Topic, Partition), Vec<Made>>::new();
    for made in made {
        queues
            .entry((made.topic, made.partition))
            .or_default()
            .push(made.clone());
    }
    let mut queues: Vec<_> = queues.into_values().collect();
    while !queues.is_empty() {
        let chosen = dice.below(queues.len());
        let count = (1 + dice.below(12)).min(queues[chosen].len());
        let piece: Vec<_> = queues[chosen].drain(..count).collect();
        append(place.log.as_ref(), &piece);
        if repeat && dice.below(2) == 0 {
            append(place.log.as_ref(), &piece);
        }
        if queues[chosen].is_empty() {
            queues.swap_remove(chosen);
        }
        if dice.below(6) == 0 {
            let batch_bytes = *dice.of(&[1, 400, 5_000]);
            let options = ProjectorOptions {
                batch_bytes,
                ..ProjectorOptions::default()
            };
            place.projector_with(options).await.drain().await.unwrap();
        }
    }
    place.drain().await.unwrap();
}

async fn any_order(kind: Kind, seed: u64) -> Result<(), TestCaseError> {
    let mut dice = Dice::new(seed);
    let mut world = World::new(3);
    world.random(&mut dice, 12, 160);
    let at_once = Place::new(kind, 3);
    append_zones(&at_once);
    append(at_once.log.as_ref(), &world.made);
    at_once.drain().await.unwrap();
    let expected = naive::scorecards(&world.made, zone);
    let mut found = stored_sums(&at_once).await;
    // A teammate's day whose last rating moved elsewhere stays, with zeros.
    found.retain(|_, sums| *sums != [0; 8]);
    prop_assert_eq!(&found, &expected);
    let in_pieces = Place::new(kind, 3);
    append_zones(&in_pieces);
    append_shuffled(&in_pieces, &world.made, &mut dice, false).await;
    prop_assert_eq!(at_once.tables().await, in_pieces.tables().await);
    let (published, _) = in_pieces.published();
    let published = published.into_iter().map(|(_, card)| Scorecard::from(card));
    let key = |card: &Scorecard| {
        [
            card.workspace_id.clone(),
            card.teammate_id.clone(),
            card.day.clone(),
        ]
    };
    let published: BTreeMap<_, _> = published.map(|card| (key(&card), sums(&card))).collect();
    prop_assert_eq!(&published, &stored_sums(&in_pieces).await);
    Ok(())
}

async fn repeated(kind: Kind, seed: u64) -> Result<(), TestCaseError> {
    let mut dice = Dice::new(seed);
    let mut world = World::new(2);
    world.random(&mut dice, 8, 80);
    let (once, repeated) = (Place::new(kind, 2), Place::new(kind, 2));
    append(once.log.as_ref(), &world.made);
    once.drain().await.unwrap();
    append_shuffled(&repeated, &world.made, &mut dice, true).await;
    let rows = |tables: Vec<String>| {
        let after_positions = |row: &String| !row.contains("settings_versions");
        tables
            .into_iter()
            .skip_while(after_positions)
            .collect::<Vec<_>>()
    };
    prop_assert_eq!(rows(once.tables().await), rows(repeated.tables().await));
    Ok(())
}

macro_rules! properties {
    ($kind:expr, $cases:expr) => {
        use super::*;

        proptest! {
            #![proptest_config(ProptestConfig { cases: $cases, failure_persistence: None, ..ProptestConfig::default() })]

            #[test]
            fn any_order_of_topics_and_any_batch_size_gives_the_rows_of_a_naive_count(seed in any::<u64>()) {
                runtime().block_on(any_order($kind, seed))?;
            }

            #[test]
            fn repeated_outputs_are_applied_once(seed in any::<u64>()) {
                runtime().block_on(repeated($kind, seed))?;
            }
        }
    };
}

mod properties_on_sqlite {
    properties!(Kind::Sqlite, 24);
}

mod properties_on_postgres {
    properties!(Kind::Postgres, 12);
}

async fn repetitions_are_counted(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Bad, NOON);
    append(place.log.as_ref(), &world.made);
    append(place.log.as_ref(), &world.made);
    let mut projector = place.projector().await;
    projector.drain().await.unwrap();
    let snapshot = projector.statistics().snapshot();
    for counts in &snapshot.topics {
        let expected = match counts.topic {
            Topic::RatingRequested | Topic::RatingSubmitted | Topic::EligibilityDecided => (1, 1),
            _ => (0, 0),
        };
        assert_eq!(
            (counts.applied, counts.repeated),
            expected,
            "{}",
            counts.topic
        );
    }
    assert_eq!(
        projector.statistics().lag(place.log.as_ref()).unwrap()[1].1,
        0
    );
    let totals = place.database().await.totals("w1").await.unwrap();
    assert_eq!(
        totals,
        Totals {
            decided: 1,
            asked: 1,
            answered: 1
        }
    );
    assert_eq!(
        place.database().await.totals("w2").await.unwrap(),
        Totals::default()
    );
}

async fn cards(place: &Place) -> Vec<(String, naive::Sums)> {
    let cards = place.database().await.scorecards("w1", 100).await.unwrap();
    cards
        .iter()
        .map(|card| (card.day.clone(), sums(card)))
        .collect()
}

async fn a_late_change_moves_the_count_on_the_day_of_the_first_rating(kind: Kind) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Great, NOON + DAY);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let first = vec![
        ("2026-03-29".to_owned(), [0, 0, 0, 0, 0, 1, 0, 0]),
        ("2026-03-28".to_owned(), [1, 1, 0, 0, 0, 0, 0, 0]),
    ];
    assert_eq!(cards(&place).await, first);

    let written = world.made.len();
    world.rate("c1", Reaction::Terrible, NOON + 30 * DAY);
    world.comment("c1", "slow", NOON + 40 * DAY);
    append(place.log.as_ref(), &world.made[written..]);
    place.drain().await.unwrap();
    let last = vec![
        ("2026-03-29".to_owned(), [0, 0, 1, 0, 0, 0, 0, 1]),
        ("2026-03-28".to_owned(), [1, 1, 0, 0, 0, 0, 0, 0]),
    ];
    assert_eq!(cards(&place).await, last);
    let revisions =
        place.rows("SELECT day, revision, published_revision FROM scorecards ORDER BY day");
    assert_eq!(
        revisions.await,
        ["2026-03-28 | 1 | 1", "2026-03-29 | 2 | 2"]
    );
}

async fn a_change_and_its_undoing_in_one_transaction_is_no_new_revision(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Great, NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let written = world.made.len();
    world.rate("c1", Reaction::Bad, NOON);
    world.rate("c1", Reaction::Great, NOON);
    append(place.log.as_ref(), &world.made[written..]);
    place.drain().await.unwrap();
    let (published, count) = place.published();
    assert_eq!((published.len(), published[0].1.revision, count), (1, 1, 1));
}

async fn days_follow_the_zone_in_force_and_stay_where_they_were_counted(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    // Half an hour before and after midnight in Berlin, in the night before the clocks change.
    let midnight = NOON + 11 * HOUR;
    world.ask("w1", "c1", "ann", midnight - HOUR / 2);
    world.ask("w1", "c2", "ann", midnight + HOUR / 2);
    append_settings(place.log.as_ref(), &settings("w1", 1, 0, "Europe/Berlin"));
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let day = |day: &str, requests: i64, answered: i64| {
        (day.to_owned(), [requests, answered, 0, 0, 0, 0, 0, 0])
    };
    assert_eq!(
        cards(&place).await,
        [day("2026-03-29", 1, 0), day("2026-03-28", 1, 0)]
    );

    // A version that becomes known late, in force then already: what was counted stays, and answers find it there.
    append_settings(
        place.log.as_ref(),
        &settings("w1", 2, 0, "Pacific/Auckland"),
    );
    let written = world.made.len();
    world.rate("c1", Reaction::Ok, NOON + 10 * DAY);
    world.ask("w1", "c3", "ann", midnight - HOUR / 2);
    append(place.log.as_ref(), &world.made[written..]);
    place.drain().await.unwrap();
    let found = cards(&place).await;
    assert_eq!(
        found[0],
        ("2026-04-08".to_owned(), [0, 0, 0, 0, 1, 0, 0, 0])
    );
    assert_eq!(
        found[1..],
        [day("2026-03-29", 2, 0), day("2026-03-28", 1, 1)]
    );
}

async fn a_submission_before_its_request_counts_the_request_on_the_same_day(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Amazing, NOON + HOUR);
    let (submitted, rest): (Vec<_>, Vec<_>) = world
        .made
        .iter()
        .cloned()
        .partition(|made| made.topic == Topic::RatingSubmitted);
    append(place.log.as_ref(), &submitted);
    place.drain().await.unwrap();
    let expected = vec![("2026-03-28".to_owned(), [1, 1, 0, 0, 0, 0, 1, 0])];
    assert_eq!(cards(&place).await, expected);
    append_settings(
        place.log.as_ref(),
        &settings("w1", 1, 0, "Pacific/Auckland"),
    );
    append(place.log.as_ref(), &rest);
    place.drain().await.unwrap();
    assert_eq!(cards(&place).await, expected);
    let rows = place.rows("SELECT requested_day, settings_version, source_offset FROM requests");
    assert_eq!(rows.await, ["2026-03-28 | 0 | 0"]);
}

async fn keys_of_scorecards_are_percent_encoded(kind: Kind) {
    let place = Place::new(kind, 4);
    let mut world = World::new(4);
    world.ask("w/2%", "c1", "b/o%b", NOON);
    world.ask("w/2%", "c2", "çağla", NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let (published, _) = place.published();
    let keys: Vec<_> = published.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["w%2F2%25/b%2Fo%25b/2026-03-28", "w%2F2%25/çağla/2026-03-28"]
    );
}

on_both_databases! {
    repetitions_are_counted,
    a_late_change_moves_the_count_on_the_day_of_the_first_rating,
    a_change_and_its_undoing_in_one_transaction_is_no_new_revision,
    days_follow_the_zone_in_force_and_stay_where_they_were_counted,
    a_submission_before_its_request_counts_the_request_on_the_same_day,
    keys_of_scorecards_are_percent_encoded,
}
