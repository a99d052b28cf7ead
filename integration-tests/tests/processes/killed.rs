//! `kill -9` at random, during import and processing: what comes out must be what comes out undisturbed.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use afterword_integration_tests::facts::{Config, generate};
use afterword_integration_tests::model::OwnedFact;
use afterword_log::{EmbeddedLog, Offset, Partition, Topic};
use afterword_schemas::records::{Output, Timestamp, WorkspaceSettings};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::kill_round::{Rounds, Way};
use crate::outputs::{self, Sourced, differences, each, fact_of, line_of, story};
use crate::place::Place;
use crate::{number, scorecards};

/// Kills of the test command.
const KILLS: u64 = 12;
/// Rounds between two looks at the log; the rounds between are recovered by the program alone.
const LOOK: u64 = 5;

/// Says how to repeat a run that fails.
struct Repeat {
    seed: u64,
    kills: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the same choices again (the moments differ by what the machine does): AFTERWORD_KILL_SEED={} AFTERWORD_KILLS={} \
                 cargo test -p afterword-integration-tests --test processes killed -- --nocapture",
                self.seed, self.kills
            );
        }
    }
}

/// Workspace, conversation, event: what the log must hold of every acknowledged fact.
type Id = (String, String, String);

fn id(fact: &OwnedFact) -> Id {
    (
        fact.workspace_id.clone(),
        fact.conversation_id.clone(),
        fact.event_id.clone(),
    )
}

/// What the log has held so far, read bit by bit.
#[derive(Default)]
struct Seen {
    next: BTreeMap<Partition, Offset>,
    ids: HashSet<Id>,
    checked: usize,
}

impl Seen {
    /// Every fact acknowledged by now must be there.
    fn look(&mut self, log: &EmbeddedLog, facts: &[OwnedFact], acknowledged: usize) {
        for partition in outputs::partitions(log, Topic::ConversationEvents) {
            let from = self.next.get(&partition).copied().unwrap_or_default();
            let ids = &mut self.ids;
            let next = each(
                log,
                Topic::ConversationEvents,
                partition,
                from,
                |_, record| {
                    ids.insert(id(&fact_of(&record).expect("a fact")));
                },
            );
            self.next.insert(partition, next);
        }
        for fact in &facts[self.checked..acknowledged] {
            assert!(
                self.ids.contains(&id(fact)),
                "acknowledged and not in the log: {fact:?}"
            );
        }
        self.checked = acknowledged;
    }
}

#[test]
fn killed_at_random_the_outputs_are_those_of_an_undisturbed_run() {
    let kills = number("AFTERWORD_KILLS").unwrap_or(KILLS);
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("AFTERWORD_KILL_SEED")
        .unwrap_or(u64::from(clock.subsec_nanos()) + clock.as_secs() % 1_000);
    let _repeat = Repeat { seed, kills };
    let facts = facts_of(
        seed,
        usize::try_from(kills * 250).unwrap().clamp(3_000, 30_000),
    );
    let lines: Vec<String> = facts.iter().map(line_of).collect();
    let settings = settings();
    println!("seed {seed}: {kills} kills over {} facts", facts.len());

    let place = prepared(&settings);
    let rounds = kill_all(seed, kills, &place, &facts, &lines);
    place.drain();
    let undisturbed = prepared(&settings);
    undisturbed.import(&undisturbed.write("all.ndjson", lines.concat()));
    undisturbed.drain();
    place.must(&["verify"]);
    undisturbed.must(&["verify"]);

    let log = place.log();
    let in_log = outputs::facts(&log).len();
    let mut violations = outputs::violations(&log, &settings);
    let found = outputs::outputs(&log);
    let expected = outputs::outputs(&undisturbed.log());
    let modelled = outputs::modelled(&facts, &settings);
    let modelled = story(modelled.iter().flatten());
    violations.extend(differences(&modelled, &story_of(&expected)));
    violations.extend(differences(&story_of(&expected), &story_of(&found)));
    for partition in outputs::partitions(&log, Topic::DeadLetters) {
        each(
            &log,
            Topic::DeadLetters,
            partition,
            Offset(0),
            |_, letter| violations.push(format!("a dead letter: {letter:?}")),
        );
    }
    log.close().unwrap();
    violations.extend(scorecard_violations(&place, &found));
    println!(
        "{} kills ({rounds:?}), {} facts ({in_log} in the log, with the repeated ones), {} outputs, {} violations",
        rounds.values().sum::<u64>(),
        facts.len(),
        found.len(),
        violations.len()
    );
    assert!(
        violations.is_empty(),
        "{} violations, the first:\n{}",
        violations.len(),
        violations[..violations.len().min(5)].join("\n")
    );
    assert!(
        found.len() * 20 > facts.len(),
        "hardly anything was decided: {} outputs",
        found.len()
    );
}

#[test]
fn an_import_whose_service_is_killed_says_so_and_ends() {
    let place = Place::new();
    let config = Config {
        facts: 3_000,
        conversations: 30,
        settings_per_mille: 0,
        ..Config::default()
    };
    let lines: Vec<String> = generate(7, &config).facts.iter().map(line_of).collect();
    let files: Vec<String> = lines
        .chunks(20)
        .enumerate()
        .map(|(number, chunk)| {
            place
                .write(&format!("{number}.ndjson"), chunk.concat())
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let mut service = place.serve(&[]);
    let arguments: Vec<&str> = std::iter::once("import")
        .chain(files.iter().map(String::as_str))
        .collect();
    let import = place.spawn(&arguments);
    service.wait_for(
        "some facts to be folded",
        Duration::from_secs(30),
        |service| {
            service
                .metric("afterword_facts_total")
                .is_some_and(|facts| facts > 0.0)
        },
    );
    service.process().kill();
    let ran = import.wait(Duration::from_secs(30));
    assert_eq!(ran.status.code(), Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("facts are durable"), "{}", ran.stderr);
}

/// Kills until it is enough and everything is imported; returns the kills by way.
fn kill_all(
    seed: u64,
    kills: u64,
    place: &Place,
    facts: &[OwnedFact],
    lines: &[String],
) -> BTreeMap<Way, u64> {
    let started = Instant::now();
    let dice = ChaCha8Rng::seed_from_u64(seed);
    let mut rounds = Rounds {
        place,
        lines,
        dice,
        start: Duration::from_millis(500),
        lasts: BTreeMap::new(),
    };
    let (mut acknowledged, mut seen, mut by_way) = (0_usize, Seen::default(), BTreeMap::new());
    let (mut killed, mut number) = (0, 0);
    while killed < kills {
        let to =
            lines.len() * usize::try_from(killed + 1).unwrap() / usize::try_from(kills).unwrap();
        // A producer that does not know what arrived begins again, from its last acknowledged fact or from far before.
        let back = if rounds.dice.random_bool(0.2) {
            rounds.dice.random_range(0..=600)
        } else {
            0
        };
        let from = acknowledged.saturating_sub(back).min(to - 1);
        let round = rounds.round(from, to);
        acknowledged = acknowledged.max(round.acknowledged);
        killed += round.killed;
        number += 1;
        *by_way.entry(round.way).or_default() += round.killed;
        if number % LOOK == 0 {
            seen.look(&place.log(), facts, acknowledged);
            // As the kill has left it, before anything recovers.
            place.must(&["verify"]);
            tell(killed, kills, started.elapsed());
        }
    }
    place.import(&place.write("rest.ndjson", lines[acknowledged..].concat()));
    seen.look(&place.log(), facts, facts.len());
    by_way
}

fn tell(killed: u64, kills: u64, elapsed: Duration) {
    if kills > 2 * KILLS && killed > 0 {
        let left = elapsed.as_secs_f64() / killed as f64 * kills.saturating_sub(killed) as f64;
        eprintln!(
            "{killed} of {kills} kills in {:.0} s, about {left:.0} s to go",
            elapsed.as_secs_f64()
        );
    }
}

/// A place that knows the settings, before there is any fact: then no decision depends on when they became known.
fn prepared(settings: &[WorkspaceSettings]) -> Place {
    let place = Place::new();
    let lines: String = settings.iter().map(outputs::settings_line).collect();
    place.put_settings(&place.write("settings.ndjson", lines));
    place
}

/// Of the generator, which is hard on the rules, and of `afterword simulate`, which is like life; mixed, each in its order.
fn facts_of(seed: u64, count: usize) -> Vec<OwnedFact> {
    let config = Config {
        facts: count / 2,
        conversations: 30,
        settings_per_mille: 0,
        ..Config::default()
    };
    let generated = generate(seed, &config).facts;
    let place = Place::new();
    let file = place.file("lifelike.ndjson");
    let conversations = (count / 8).to_string();
    let seed_text = seed.to_string();
    place.must(&[
        "simulate",
        "--conversations",
        &conversations,
        "--days",
        "7",
        "--until",
        "2026-03-08T00:00:00Z",
        "--seed",
        &seed_text,
        "--out",
        file.to_str().unwrap(),
    ]);
    let lifelike = outputs::parse_lines(&std::fs::read_to_string(file).unwrap());
    let mut facts = Vec::with_capacity(count);
    let (mut generated, mut lifelike) =
        (generated.into_iter(), lifelike.into_iter().take(count / 2));
    loop {
        let before = facts.len();
        facts.extend(generated.by_ref().take(7));
        facts.extend(lifelike.by_ref().take(7));
        if facts.len() == before {
            return facts;
        }
    }
}

/// One workspace far from UTC, one that stops asking leads.
fn settings() -> Vec<WorkspaceSettings> {
    let version = |workspace: &str, from, leads, zone: &str| WorkspaceSettings {
        workspace_id: workspace.to_owned(),
        version: 1,
        effective_from: Timestamp(from),
        live_for_users: true,
        live_for_leads: leads,
        plan_includes_ratings: true,
        time_zone: zone.to_owned(),
        target: None,
        teammate_targets: BTreeMap::new(),
    };
    let always = -62_000_000_000_000;
    vec![
        version("w1", always, true, "Etc/GMT-9"),
        version("w2", 1_774_746_000_000, false, "UTC"),
    ]
}

fn story_of(outputs: &[Sourced]) -> outputs::Story {
    story(outputs.iter().map(|sourced| &sourced.output))
}

fn scorecard_violations(place: &Place, found: &[Sourced]) -> Vec<String> {
    let outputs = found.iter().map(|sourced| &sourced.output);
    let is_card = |output: &&Output| {
        matches!(
            output,
            Output::RatingRequested(_) | Output::RatingSubmitted(_)
        )
    };
    let expected = scorecards::added_up(outputs.filter(is_card), &|workspace| {
        if workspace == "w1" { 9 } else { 0 }
    });
    let told = scorecards::told(&place.tail("teammate-scorecards"));
    let keys: HashSet<_> = expected.keys().chain(told.keys()).collect();
    let parted = keys
        .into_iter()
        .filter(|key| expected.get(*key) != told.get(*key));
    parted
        .map(|key| {
            format!(
                "scorecard {key:?}: expected {:?}, found {:?}",
                expected.get(key),
                told.get(key)
            )
        })
        .collect()
}
