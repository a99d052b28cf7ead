//! A report database of an earlier build gets its sums from its rows, as if they had been kept all along.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::world::{Dice, World, append, append_settings, settings};
use support::{Kind, Place};

/// What the third migration made, taken back.
const BACK: &[&str] = &[
    "DROP TABLE rating_days",
    "DROP TABLE rating_months",
    "DROP TABLE decision_teammate_days",
    "DROP TABLE measured_days",
    "DROP TABLE follow_ups",
    "DROP INDEX ratings_by_day",
    "DROP INDEX ratings_by_teammate",
    "DROP INDEX hearts_by_time",
    "DROP INDEX decisions_by_day",
    "ALTER TABLE settings_versions DROP COLUMN appended_at",
    "ALTER TABLE settings_versions DROP COLUMN appended_by",
    "CREATE INDEX requests_by_day ON requests (workspace_id, requested_day)",
    "CREATE INDEX ratings_by_day ON requests (workspace_id, rated_day, reaction) WHERE revision > 0",
    "CREATE INDEX comments_by_time ON requests (workspace_id, submitted_at) WHERE comment IS NOT NULL",
    "CREATE INDEX decisions_by_day ON decisions (workspace_id, decided_day, failed_mask)",
    "DELETE FROM _sqlx_migrations WHERE version = 3",
];

async fn an_earlier_database_gets_its_sums(kind: Kind) {
    let place = Place::new(kind, 2);
    append_settings(
        place.log.as_ref(),
        &settings("w1", 1, 0, "America/St_Johns"),
    );
    let mut world = World::new(2);
    world.random(&mut Dice::new(7), 60, 600);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let kept = place.tables().await;
    for statement in BACK {
        place.execute(statement).await;
    }
    place.database().await.close().await;
    let appended = |tables: &[String]| -> Vec<String> {
        let is_settings = |row: &&String| row.starts_with("w1 | 1 |");
        tables
            .iter()
            .filter(|row| !is_settings(row))
            .cloned()
            .collect()
    };
    assert_eq!(appended(&place.tables().await), appended(&kept));
    assert!(
        kept.iter()
            .any(|row| row.contains("stale_days") || row.contains("asked_days"))
    );
}

on_both_databases! { an_earlier_database_gets_its_sums }
