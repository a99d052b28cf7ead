//! A list of closes over a day with more of them than are sorted at once, many in one millisecond, among days with a few.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use afterword_readmodel::figures::{Filter, Outcome, Period};
use afterword_schemas::records::{Criterion, Output};
use jiff::civil::date;
use support::closes::every_close;
use support::naive::Outputs;
use support::world::{DAY, Dice, NOON, World, append};
use support::{Kind, Place};

const CLOSES: usize = 7_000;
const FAILED: [&[Criterion]; 4] = [
    &[],
    &[Criterion::TooShort],
    &[Criterion::TooShort, Criterion::Stale],
    &[Criterion::Stale],
];

fn world() -> World {
    let (mut world, mut dice) = (World::new(2), Dice::new(17));
    for number in 0..CLOSES {
        // One in two hundred is of another day, up to forty before.
        let day = match dice.below(200) {
            0 => -(dice.below(40) as i64),
            _ => 0,
        };
        let at = NOON + day * DAY + dice.below(40) as i64;
        // One in ten is not too short.
        let kinds = if dice.below(10) == 0 { 0..4 } else { 1..3 };
        let failed = *dice.of(&FAILED[kinds]);
        world.decline("w", &format!("c-{number}"), failed, at);
        if let Some(made) = world.made.last_mut()
            && let Output::EligibilityDecided(decided) = &mut made.output
        {
            decided.teammate_id = Some((*dice.of(&["ann", "bo"])).to_owned());
        }
    }
    world
}

async fn each_close_is_listed_once(kind: Kind) {
    let place = Place::new(kind, 2);
    let world = world();
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    let outputs = Outputs::of(&world.made, &[("w", "UTC")]);
    for teammate in [None, Some("ann"), Some("nobody")] {
        let filter = Filter {
            workspace_id: "w".to_owned(),
            period: Period::new(date(2026, 2, 1), date(2026, 3, 31)).unwrap(),
            teammate_id: teammate.map(str::to_owned),
            channel: None,
        };
        let all = every_close(&database, &filter, Outcome::All, 97).await;
        assert_eq!(all, outputs.closes(&filter, |_| true));
        let not_asked = every_close(&database, &filter, Outcome::NotAsked, 97).await;
        assert_eq!(
            not_asked,
            outputs.closes(&filter, |close| !close.failed.is_empty())
        );
        let stale = every_close(
            &database,
            &filter,
            Outcome::HeldBackBy(Criterion::Stale),
            97,
        );
        assert_eq!(
            stale.await,
            outputs.closes(&filter, |close| close.failed.contains(&Criterion::Stale))
        );
        let alone = every_close(
            &database,
            &filter,
            Outcome::HeldBackByAlone(Criterion::Stale),
            3,
        );
        assert_eq!(
            alone.await,
            outputs.closes(&filter, |close| close.failed == [Criterion::Stale])
        );
    }
}

on_both_databases! { each_close_is_listed_once }
