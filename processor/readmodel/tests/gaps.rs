//! A log whose offsets have gaps, also at its end: everything is projected once, and nothing waits for what never comes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::{Log, Topic};
use afterword_readmodel::{Projector, ProjectorOptions};
use support::gaps::{GappyLog, Markers};
use support::world::{Dice, NOON, World, append, append_settings, settings};
use support::{Kind, Place};
use tokio::sync::watch;

const ALL: [Markers; 3] = [Markers::Passed, Markers::Alone, Markers::Unknown];

async fn projector(place: &Place, log: &Arc<GappyLog>, batch_bytes: usize) -> Projector {
    let options = ProjectorOptions {
        batch_bytes,
        ..ProjectorOptions::default()
    };
    let log = Arc::clone(log) as Arc<dyn Log>;
    Projector::start(place.database().await, log, options)
        .await
        .unwrap()
}

fn without_positions(tables: Vec<String>) -> Vec<String> {
    let is_position = |row: &String| !row.contains("settings_versions");
    tables.into_iter().skip_while(is_position).collect()
}

async fn gaps_change_nothing_in_the_rows(kind: Kind) {
    let mut world = World::new(3);
    world.random(&mut Dice::new(11), 40, 400);
    let plain = Place::new(kind, 3);
    append_settings(plain.log.as_ref(), &settings("w1", 1, 0, "Asia/Kolkata"));
    append(plain.log.as_ref(), &world.made);
    append(plain.log.as_ref(), &world.made[50..200]);
    plain.drain().await.unwrap();
    let expected = without_positions(plain.tables().await);
    for markers in ALL {
        for batch_bytes in [1, 2_000, 1 << 20] {
            let place = plain.beside(kind);
            let log = GappyLog::new(&plain.log, markers);
            let mut first = projector(&place, &log, batch_bytes).await;
            let began = Instant::now();
            first.drain().await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(20), "{markers:?}");
            let found = without_positions(place.tables().await);
            assert_eq!(found, expected, "{markers:?} {batch_bytes}");
            // A restart has nothing to do.
            let mut second = projector(&place, &log, batch_bytes).await;
            second.drain().await.unwrap();
            let snapshot = second.statistics().snapshot();
            assert_eq!(snapshot.transactions, 0, "{markers:?}");
            let lag = second.statistics().lag(log.as_ref()).unwrap();
            let lag: u64 = lag.iter().map(|(_, lag)| lag).sum();
            if markers != Markers::Unknown {
                assert_eq!(lag, 0, "{markers:?}: markers are passed, too");
            }
        }
    }
}

async fn a_marker_at_the_end_neither_spins_nor_blocks(kind: Kind) {
    for markers in ALL {
        let place = Place::new(kind, 2);
        let log = GappyLog::new(&place.log, markers);
        let database = place.database().await;
        let mut projector = projector(&place, &log, 1 << 20).await;
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(async move { projector.run(stopped).await });
        let mut world = World::new(2);
        for number in 1..=6 {
            let written = world.made.len();
            world.ask("w1", &format!("c{number}"), "ann", NOON);
            append(place.log.as_ref(), &world.made[written..]);
            let began = Instant::now();
            while database.totals("w1").await.unwrap().asked < number {
                assert!(began.elapsed() < Duration::from_secs(10), "{markers:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
        let before = log.reads();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let steps = (log.reads() - before) / u64::from(4 * 2 + 1_u32);
        // Two a second for each of nine topic partitions, when all of them end with a marker of which nothing is known.
        let most = if markers == Markers::Unknown { 40 } else { 0 };
        assert!(
            steps <= most,
            "{markers:?}: {steps} steps in an idle second"
        );
        stop.send(true).unwrap();
        running.await.unwrap().unwrap();
        let decided = place.rows("SELECT COUNT(*) FROM decisions").await;
        assert_eq!(decided, ["6"], "{}", Topic::EligibilityDecided);
    }
}

on_both_databases! {
    gaps_change_nothing_in_the_rows,
    a_marker_at_the_end_neither_spins_nor_blocks,
}
