//! Records that are not as they should be: what stops the projection, and what is passed over.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use afterword_log::{Partition, Record, Topic};
use afterword_readmodel::ReadModelError;
use afterword_schemas::records::{Criterion, Reaction};
use support::world::{NOON, World, append, append_settings, settings};
use support::{Kind, Place};

async fn a_missing_revision_stops_and_names_the_offsets(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    for reaction in [Reaction::Ok, Reaction::Bad, Reaction::Great] {
        world.rate("c1", reaction, NOON);
    }
    let mut outputs = world.made.clone();
    outputs.remove(3);
    append(place.log.as_ref(), &outputs);
    let error = place.drain().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ReadModelError::Stop(_)), "{text}");
    for part in [
        "rating-submitted 0 offset 1",
        "conversation-events 0 offset 3",
        "expected revision 2",
        "revision 3",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        place.rows("SELECT * FROM requests").await,
        Vec::<String>::new()
    );
}

async fn a_repeated_revision_under_another_source_is_passed_over(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Ok, NOON);
    append(place.log.as_ref(), &world.made);
    let mut again = world.made.last().unwrap().clone();
    again.source_offset += 5;
    append(place.log.as_ref(), &[again]);
    let mut projector = place.projector().await;
    projector.drain().await.unwrap();
    assert_eq!(projector.statistics().snapshot().revisions_repeated, 1);
    let counts = "SELECT requests, requests_answered, ok FROM scorecards";
    assert_eq!(place.rows(counts).await, ["1 | 1 | 1"]);
}

async fn an_output_that_cannot_be_read_stops_with_its_place(kind: Kind) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    world.decline("w1", "c1", &[Criterion::TooShort], NOON);
    let made = &world.made[0];
    let headers = |record: Record| {
        let source = format!("conversation-events/{}/7", made.partition);
        record
            .with_header("afterword-source", source)
            .with_header("afterword-index", "0")
    };
    let records = [
        headers(Record::new("c1", "no output", 0)),
        Record::new("c1", made.record().value.unwrap(), 0),
    ];
    for record in records {
        let place = Place::new(kind, 2);
        append(place.log.as_ref(), &world.made);
        let log = place.log.as_ref();
        log.append(Topic::EligibilityDecided, vec![(made.partition, record)])
            .unwrap();
        let error = place.drain().await.unwrap_err().to_string();
        let expected = format!("eligibility-decided {} offset 1", made.partition);
        assert!(error.contains(&expected), "{error}");
    }
    drop(place);
}

async fn settings_are_stored_once_and_bad_ones_passed_over(kind: Kind) {
    let place = Place::new(kind, 1);
    let log = place.log.as_ref();
    append_settings(log, &settings("w1", 1, 5, "Europe/Berlin"));
    append_settings(log, &settings("w1", 1, 5, "Europe/Berlin"));
    append_settings(log, &settings("w1", 1, 6, "Europe/Berlin"));
    let garbage = Record::new("w1/2", "no settings", 0);
    let tombstone = Record {
        value: None,
        ..Record::new("w1/3", "", 0)
    };
    let records = vec![(Partition(0), garbage), (Partition(0), tombstone)];
    log.append(Topic::WorkspaceSettings, records).unwrap();
    append_settings(log, &settings("w1", 2, 7, "Europe/Paris"));
    let mut projector = place.projector().await;
    projector.drain().await.unwrap();
    let rows = "SELECT version, effective_from, time_zone, teammate_targets FROM settings_versions ORDER BY version";
    let rows = place.rows(rows).await;
    assert_eq!(
        rows,
        ["1 | 5 | Europe/Berlin | {}", "2 | 7 | Europe/Paris | {}"]
    );
    let snapshot = projector.statistics().snapshot();
    assert_eq!(
        (snapshot.settings_refused, snapshot.settings_undecodable),
        (1, 1)
    );
}

on_both_databases! {
    a_missing_revision_stops_and_names_the_offsets,
    a_repeated_revision_under_another_source_is_passed_over,
    an_output_that_cannot_be_read_stops_with_its_place,
    settings_are_stored_once_and_bad_ones_passed_over,
}
