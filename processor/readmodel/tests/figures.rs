//! Every figure, list and export equals a naive count of the outputs, under every filter, over days around a clock change.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;

use afterword_readmodel::ReportDatabase;
use afterword_readmodel::figures::{
    Filter, HeartFilter, MarkAs, MarkChange, Outcome, Period, Rating, RatingFilter, Step,
};
use afterword_schemas::records::{Channel, Criterion, Reaction};
use jiff::civil::date;
use support::closes::every_close;
use support::naive::{Count, Outputs};
use support::world::{DAY, Dice, NOON, World, append, append_settings, settings};
use support::{Kind, Place};

const ZONES: [(&str, &str); 2] = [("w1", "Europe/Berlin"), ("w/2%", "America/St_Johns")];

async fn projected(kind: Kind, seed: u64) -> (Outputs, Place, ReportDatabase) {
    let place = Place::new(kind, 3);
    for (workspace, zone) in ZONES {
        append_settings(place.log.as_ref(), &settings(workspace, 1, 0, zone));
    }
    let mut world = World::new(3);
    world.random(&mut Dice::new(seed), 300, 1_500);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    (Outputs::of(&world.made, &ZONES), place, database)
}

/// Periods of a day, the two weeks of the outputs, and more than they have.
fn periods() -> Vec<Period> {
    let period = |from, to| Period::new(from, to).unwrap();
    vec![
        period(date(2026, 3, 29), date(2026, 3, 29)),
        period(date(2026, 3, 24), date(2026, 4, 2)),
        period(date(2026, 3, 1), date(2026, 4, 30)),
        period(date(2025, 12, 15), date(2026, 5, 20)),
    ]
}

fn filters() -> Vec<Filter> {
    let mut filters = Vec::new();
    for period in periods() {
        for workspace_id in ["w1", "w/2%"] {
            for teammate_id in [None, Some("ann"), Some("çağla"), Some("nobody")] {
                for channel in [None, Some(Channel::Messenger), Some(Channel::Email)] {
                    filters.push(Filter {
                        workspace_id: workspace_id.to_owned(),
                        period,
                        teammate_id: teammate_id.map(str::to_owned),
                        channel,
                    });
                }
            }
        }
    }
    filters
}

async fn summaries_are_right(kind: Kind) {
    let (outputs, _place, database) = projected(kind, 11).await;
    for filter in filters() {
        for by in [Step::Day, Step::Week, Step::Month] {
            let summary = database.summary(&filter, by, None).await.unwrap();
            let pieces = summary
                .over_time
                .iter()
                .map(|piece| (piece.period, &piece.figures));
            let all = [
                (summary.period, &summary.figures),
                (summary.before.period, &summary.before.figures),
            ];
            for (period, figures) in all.into_iter().chain(pieces) {
                let filter = Filter {
                    period,
                    ..filter.clone()
                };
                assert_eq!(
                    Count::of_figures(figures),
                    outputs.count(&filter),
                    "{filter:?}"
                );
            }
        }
    }
}

async fn teammates_are_right(kind: Kind) {
    let (outputs, _place, database) = projected(kind, 12).await;
    for filter in filters() {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = database
                .teammates(&filter, None, after.as_ref(), 2)
                .await
                .unwrap();
            found.extend(page.entries);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let of = |teammate: &str, period: Period| {
            outputs.count(&Filter {
                teammate_id: Some(teammate.to_owned()),
                period,
                ..filter.clone()
            })
        };
        for row in &found {
            let teammate = row.teammate_id.as_str();
            assert_eq!(
                Count::of_figures(&row.figures),
                of(teammate, filter.period),
                "{filter:?}"
            );
            let before = of(teammate, filter.period.before());
            assert_eq!(Count::of_figures(&row.before), before, "{filter:?}");
            for point in &row.trend {
                let count = of(teammate, point.period);
                assert_eq!(
                    (point.ratings, point.positive),
                    (count.ratings(), count.positive())
                );
            }
        }
        let expected = outputs.teammates(&filter);
        let found: BTreeSet<_> = found.into_iter().map(|row| row.teammate_id).collect();
        match filter.teammate_id {
            None => assert_eq!(found, expected, "{filter:?}"),
            Some(_) => assert_eq!(found.len(), 1),
        }
    }
}

async fn funnels_and_their_closes_are_right(kind: Kind) {
    let (outputs, _place, database) = projected(kind, 13).await;
    for filter in filters()
        .into_iter()
        .filter(|filter| filter.channel.is_none())
    {
        let funnel = database.funnel(&filter).await.unwrap();
        let list = async |outcome| every_close(&database, &filter, outcome, 7).await;
        assert_eq!(list(Outcome::All).await, outputs.closes(&filter, |_| true));
        let asked = outputs.closes(&filter, |close| close.requested);
        assert_eq!(
            (funnel.asked as usize, list(Outcome::Asked).await),
            (asked.len(), asked)
        );
        assert_eq!(
            funnel.closes as usize,
            outputs.closes(&filter, |_| true).len()
        );
        assert_eq!(funnel.answered, outputs.count(&filter).answered);
        for held in &funnel.held_back {
            let criterion = Criterion::from_symbol(held.criterion).unwrap();
            let expected = outputs.closes(&filter, |close| close.failed.contains(&criterion));
            assert_eq!(held.closes as usize, expected.len());
            assert_eq!(list(Outcome::HeldBackBy(criterion)).await, expected);
            let alone = outputs.closes(&filter, |close| close.failed == [criterion]);
            assert_eq!(held.alone as usize, alone.len());
            assert_eq!(list(Outcome::HeldBackByAlone(criterion)).await, alone);
        }
        let mut export = database.export_decisions(&filter).await.unwrap();
        let mut exported = 0;
        while let Some(page) = export.page().await.unwrap() {
            exported += page.len() as i64;
        }
        assert_eq!((exported, export.rows), (funnel.closes, funnel.closes));
    }
}

async fn list(database: &ReportDatabase, wanted: &RatingFilter) -> Vec<Rating> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = database.ratings(wanted, after.as_ref(), 5).await.unwrap();
        found.extend(page.entries);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let key = |rating: &Rating| (rating.rated_day.clone(), rating.first_rated_at);
    assert!(
        found.is_sorted_by(|a, b| key(a) >= key(b)),
        "the latest first"
    );
    found
}

async fn ratings_are_right(kind: Kind) {
    let (outputs, _place, database) = projected(kind, 14).await;
    let everything = Filter {
        period: periods()[2],
        ..filters()[0].clone()
    };
    let plain = |filter: &Filter| RatingFilter {
        filter: filter.clone(),
        reactions: Vec::new(),
        commented: None,
        followed_up: None,
    };
    let marked: Vec<_> = list(&database, &plain(&everything))
        .await
        .into_iter()
        .step_by(3)
        .collect();
    let change = |mark| MarkChange {
        mark,
        by: "mia".to_owned(),
        at: 5,
    };
    for rating in &marked {
        let after = database
            .mark("w1", &rating.request_id, &change(MarkAs::FollowedUp))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(after.follow_up.unwrap().by, "mia");
    }
    let undone = database
        .mark("w1", &marked[0].request_id, &change(MarkAs::Open))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(undone.follow_up, None);
    assert_eq!(
        database
            .mark("w2", &marked[0].request_id, &change(MarkAs::Open))
            .await
            .unwrap(),
        None
    );
    let marked: BTreeSet<_> = marked[1..]
        .iter()
        .map(|rating| rating.request_id.clone())
        .collect();
    let bad = vec![Reaction::Terrible, Reaction::Bad];
    for filter in filters() {
        for reactions in [Vec::new(), bad.clone(), vec![Reaction::Amazing]] {
            for commented in [None, Some(true), Some(false)] {
                for followed_up in [None, Some(true), Some(false)] {
                    let wanted = RatingFilter {
                        filter: filter.clone(),
                        reactions: reactions.clone(),
                        commented,
                        followed_up,
                    };
                    let mut found: Vec<_> = list(&database, &wanted)
                        .await
                        .into_iter()
                        .map(|rating| rating.request_id)
                        .collect();
                    found.sort();
                    let expected = outputs.ratings(&wanted, &marked);
                    assert_eq!(found, expected, "{wanted:?}");
                }
            }
        }
        let mut export = database.export_ratings(&filter).await.unwrap();
        let mut exported = Vec::new();
        while let Some(page) = export.page().await.unwrap() {
            exported.extend(page.into_iter().map(|rating| rating.request_id));
        }
        exported.sort();
        assert_eq!(exported, outputs.ratings(&plain(&filter), &marked));
        assert_eq!(export.rows as usize, exported.len());
    }
}

async fn hearts_are_right(kind: Kind) {
    let (outputs, _place, database) = projected(kind, 15).await;
    for filter in filters() {
        let wanted = HeartFilter {
            workspace_id: filter.workspace_id.clone(),
            teammate_id: filter.teammate_id.clone(),
            channel: filter.channel,
        };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = database.hearts(&wanted, after.as_ref(), 4).await.unwrap();
            found.extend(page.entries);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(found.is_sorted_by(|a, b| a.submitted_at >= b.submitted_at));
        let mut found: Vec<_> = found.into_iter().map(|rating| rating.request_id).collect();
        found.sort();
        let happy = RatingFilter {
            filter: Filter {
                period: periods()[3],
                ..filter
            },
            reactions: vec![Reaction::Great, Reaction::Amazing],
            commented: Some(true),
            followed_up: None,
        };
        assert_eq!(found, outputs.ratings(&happy, &BTreeSet::new()));
    }
}

async fn the_state_moves_with_every_change(kind: Kind) {
    let (_, place, database) = projected(kind, 16).await;
    let first = database.state("w1").await.unwrap();
    assert_eq!(database.state("w1").await.unwrap(), first);
    let any = RatingFilter {
        filter: Filter {
            period: periods()[3],
            ..filters()[0].clone()
        },
        reactions: Vec::new(),
        commented: None,
        followed_up: None,
    };
    let rating = list(&database, &any).await.remove(0);
    let change = MarkChange {
        mark: MarkAs::FollowedUp,
        by: "mia".to_owned(),
        at: 5,
    };
    database
        .mark("w1", &rating.request_id, &change)
        .await
        .unwrap();
    let second = database.state("w1").await.unwrap();
    assert_ne!(second, first);
    append_settings(place.log.as_ref(), &settings("w1", 2, NOON + DAY, "UTC"));
    place.drain().await.unwrap();
    assert_ne!(database.state("w1").await.unwrap(), second);
    let versions = database.settings_versions("w1", None, 1).await.unwrap();
    assert_eq!(
        (versions.entries[0].version, versions.entries[0].appended_at),
        (2, Some(0))
    );
    let versions = database
        .settings_versions("w1", versions.next.as_ref(), 5)
        .await
        .unwrap();
    assert_eq!((versions.entries[0].version, versions.next), (1, None));
    assert_eq!(
        database.date_at("w1", NOON + 11 * DAY / 24).await.unwrap(),
        date(2026, 3, 29)
    );
    assert_eq!(
        database
            .date_at("w1", NOON + DAY + 11 * DAY / 24)
            .await
            .unwrap(),
        date(2026, 3, 29)
    );
    let before = database
        .settings_of("w1", date(2026, 3, 28), NOON + 9 * DAY)
        .await
        .unwrap();
    assert_eq!(before.unwrap().version, 1, "in force at the period's end");
}

on_both_databases! {
    summaries_are_right,
    teammates_are_right,
    funnels_and_their_closes_are_right,
    ratings_are_right,
    hearts_are_right,
    the_state_moves_with_every_change,
}
