//! Crashes, two projectors at once, and the life of a running one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::{Log, Topic};
use afterword_readmodel::{Projector, ProjectorOptions, ReadModelError, Totals};
use afterword_schemas::records::Reaction;
use support::logs::{Fault, FaultyLog};
use support::world::{Dice, NOON, World, append};
use support::{Kind, Place, naive};
use tokio::sync::watch;

fn impatient() -> ProjectorOptions {
    ProjectorOptions {
        patience: Duration::ZERO,
        ..ProjectorOptions::default()
    }
}

async fn projector_on(place: &Place, log: Arc<dyn Log>) -> Projector {
    Projector::start(place.database().await, log, impatient())
        .await
        .unwrap()
}

fn asked(count: usize) -> World {
    let mut world = World::new(2);
    for number in 0..count {
        world.ask("w1", &format!("c{number}"), "ann", NOON);
    }
    world
}

async fn a_crash_before_the_publication_is_made_good_at_the_next_start(kind: Kind) {
    let place = Place::new(kind, 2);
    append(place.log.as_ref(), &asked(3).made);
    let faulty = FaultyLog::new(&place.log, Fault::Refuse);
    let mut projector = projector_on(&place, faulty).await;
    let error = projector.drain().await.unwrap_err();
    assert!(matches!(error, ReadModelError::Wait(_)), "{error}");
    drop(projector);
    let revisions = "SELECT revision, published_revision FROM scorecards";
    assert_eq!(place.rows(revisions).await, ["1 | 0"]);
    assert_eq!(place.published().1, 0);

    let projector = place.projector().await;
    assert_eq!(projector.statistics().snapshot().scorecards_published, 1);
    assert_eq!(place.rows(revisions).await, ["1 | 1"]);
    let (published, count) = place.published();
    assert_eq!((published[0].1.requests, count), (3, 1));
}

async fn a_crash_after_the_publication_repeats_the_same_revision_with_the_same_values(kind: Kind) {
    let place = Place::new(kind, 2);
    append(place.log.as_ref(), &asked(3).made);
    let faulty = FaultyLog::new(&place.log, Fault::InDoubt);
    let mut projector = projector_on(&place, faulty).await;
    projector.drain().await.unwrap_err();
    drop(projector);
    drop(place.projector().await);
    // `published` holds records of one revision to be equal.
    let (published, count) = place.published();
    assert_eq!((published.len(), published[0].1.revision, count), (1, 1, 2));
}

async fn of_two_projectors_the_later_gives_up_or_follows_and_nothing_is_counted_twice(kind: Kind) {
    let place = Place::new(kind, 2);
    let world = asked(40);
    let half = world.made.len() / 2;
    let mut first = place.projector().await;
    let mut second = place.projector().await;
    append(place.log.as_ref(), &world.made[..half]);
    first.drain().await.unwrap();
    match (kind, second.drain().await) {
        (Kind::Sqlite, Err(ReadModelError::GiveUp(why))) => {
            assert!(why.contains("a PostgreSQL database to share"), "{why}");
        }
        (Kind::Postgres, Ok(())) => {
            let snapshot = second.statistics().snapshot();
            assert_eq!(
                (snapshot.partitions_lost, snapshot.transactions),
                (2, 0),
                "it found both moved on, and nothing to do"
            );
        }
        other => panic!("{other:?}"),
    }
    append(place.log.as_ref(), &world.made[half..]);
    first.drain().await.unwrap();
    let totals = place.database().await.totals("w1").await.unwrap();
    assert_eq!(
        totals,
        Totals {
            decided: 40,
            asked: 40,
            answered: 0
        }
    );
}

async fn two_projectors_at_the_same_time_count_everything_once(kind: Kind) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    world.random(&mut Dice::new(7), 300, 3_000);
    append(place.log.as_ref(), &world.made);
    let options = || ProjectorOptions {
        batch_bytes: 4_000,
        ..ProjectorOptions::default()
    };
    let mut first = place.projector_with(options()).await;
    let mut second = place.projector_with(options()).await;
    let statistics = [first.statistics(), second.statistics()];
    let first = tokio::spawn(async move { first.drain().await });
    let second = tokio::spawn(async move { second.drain().await });
    let results = [first.await.unwrap(), second.await.unwrap()];
    let gave_up = results
        .iter()
        .filter(|result| matches!(result, Err(ReadModelError::GiveUp(_))));
    let expected = if kind == Kind::Sqlite { 1 } else { 0 };
    assert_eq!(gave_up.count(), expected, "{results:?}");
    assert!(results.iter().any(Result::is_ok), "{results:?}");
    let applied = statistics.iter().flat_map(|of| of.snapshot().topics);
    let applied: u64 = applied.map(|counts| counts.applied).sum();
    assert_eq!(applied, world.made.len() as u64);
    let sum = naive::scorecards(&world.made, |_| "UTC")
        .values()
        .map(|sums| sums[0])
        .sum::<i64>();
    let database = place.database().await;
    let mut found = 0;
    for workspace in ["w1", "w/2%"] {
        found += database.totals(workspace).await.unwrap().asked;
    }
    assert_eq!(found, sum);
}

/// Waits until it holds, at most ten seconds.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it never came true"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn a_running_projector_wakes_by_itself_and_stops_when_told(kind: Kind) {
    let place = Place::new(kind, 2);
    let database = place.database().await;
    let mut projector = place.projector().await;
    let statistics = projector.statistics();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { projector.run(stopped).await });
    let mut world = World::new(2);
    for number in 0..5 {
        let written = world.made.len();
        world.ask("w1", &format!("c{number}"), "ann", NOON);
        append(place.log.as_ref(), &world.made[written..]);
        until(async || database.totals("w1").await.unwrap().asked == number + 1).await;
    }
    until(async || {
        place
            .published()
            .0
            .first()
            .is_some_and(|(_, card)| card.requests == 5)
    })
    .await;
    let lag = statistics.lag(place.log.as_ref()).unwrap();
    assert!(lag.iter().all(|(_, lag)| *lag == 0), "{lag:?}");
    let next: u64 = statistics
        .positions()
        .iter()
        .filter(|position| position.topic == Topic::EligibilityDecided)
        .map(|position| position.next.0)
        .sum();
    assert_eq!(next, 5);
    assert_eq!(database.positions().await.unwrap(), statistics.positions());
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
}

async fn a_running_projector_waits_for_its_surroundings_and_goes_on(kind: Kind) {
    let place = Place::new(kind, 2);
    let faulty = FaultyLog::new(&place.log, Fault::Refuse);
    let mut projector = projector_on(&place, Arc::clone(&faulty) as Arc<dyn Log>).await;
    let statistics = projector.statistics();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { projector.run(stopped).await });
    let mut world = asked(1);
    world.rate("c0", Reaction::Great, NOON);
    append(place.log.as_ref(), &world.made);
    until(async || statistics.snapshot().waiting.is_some()).await;
    assert_eq!(place.published().1, 0);
    faulty.set(Fault::None);
    until(async || statistics.snapshot().waiting.is_none()).await;
    until(async || place.published().1 > 0).await;
    drop(stop);
    running.await.unwrap().unwrap();
    assert_eq!(place.published().0[0].1.great, 1);
}

async fn a_database_of_another_log_is_refused(kind: Kind) {
    let place = Place::new(kind, 2);
    append(place.log.as_ref(), &asked(5).made);
    place.drain().await.unwrap();
    for partitions in [2, 1] {
        let other = Place::new(Kind::Sqlite, partitions);
        let started = Projector::start(place.database().await, Arc::clone(&other.log), impatient());
        let Err(ReadModelError::Stop(error)) = started.await else {
            panic!("it was accepted");
        };
        assert!(error.contains("belongs to another log"), "{error}");
    }
}

async fn partitions_that_are_added_are_projected_from_their_beginning(kind: Kind) {
    let place = Place::new(kind, 1);
    place.drain().await.unwrap();
    let larger = Place::new(Kind::Sqlite, 3);
    let mut world = World::new(3);
    world.random(&mut Dice::new(3), 20, 60);
    append(larger.log.as_ref(), &world.made);
    let started = Projector::start(place.database().await, Arc::clone(&larger.log), impatient());
    started.await.unwrap().drain().await.unwrap();
    let decisions = place.rows("SELECT COUNT(*) FROM decisions").await;
    let made = world
        .made
        .iter()
        .filter(|made| made.topic == Topic::EligibilityDecided);
    assert_eq!(decisions, [made.count().to_string()]);
}

on_both_databases! {
    a_crash_before_the_publication_is_made_good_at_the_next_start,
    a_crash_after_the_publication_repeats_the_same_revision_with_the_same_values,
    of_two_projectors_the_later_gives_up_or_follows_and_nothing_is_counted_twice,
    two_projectors_at_the_same_time_count_everything_once,
    a_running_projector_wakes_by_itself_and_stops_when_told,
    a_running_projector_waits_for_its_surroundings_and_goes_on,
    a_database_of_another_log_is_refused,
    partitions_that_are_added_are_projected_from_their_beginning,
}
