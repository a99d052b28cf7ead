//! Runs every file under `scenarios/` through the fold.
#![allow(clippy::disallowed_macros, reason = "tests")]

use afterword_domain::scenario::{Checker, Scenario, SettingsOutcome, Step, load};
use afterword_domain::{Conversation, Effects, Insertion, Rules, SettingsTable, fold};

/// Where a state is written and read back, which must change nothing.
#[derive(Clone, Copy, PartialEq)]
enum Storing {
    Never,
    AfterEveryFact,
}

fn run(scenario: &Scenario, storing: Storing) -> Result<(), String> {
    let mut conversation = Conversation::default();
    let mut settings = SettingsTable::default();
    let mut effects = Effects::default();
    let mut checker = Checker::new(scenario);
    for step in &scenario.steps {
        match step {
            Step::Settings(step) => {
                let outcome = match settings.insert(step.settings.clone()) {
                    Ok(Insertion::New) => SettingsOutcome::New,
                    Ok(Insertion::Repeated) => SettingsOutcome::Repeated,
                    Err(_) => SettingsOutcome::Refused,
                };
                if outcome != step.expected {
                    return Err(format!("{}:{}: {outcome:?}", scenario.file, step.line));
                }
            }
            Step::Fact(step) => {
                effects.clear();
                fold(
                    &mut conversation,
                    &step.fact.as_event(),
                    &Rules::default(),
                    &settings,
                    &mut effects,
                );
                checker
                    .check(step, &effects.outputs)
                    .map_err(|error| error.to_string())?;
                checker
                    .check_notes(step, &effects.notes)
                    .map_err(|error| error.to_string())?;
                if storing == Storing::AfterEveryFact {
                    let mut stored = Vec::new();
                    conversation.encode(&mut stored);
                    conversation =
                        Conversation::decode(&stored).map_err(|error| error.to_string())?;
                }
            }
        }
    }
    Ok(())
}

fn scenarios() -> Vec<Scenario> {
    load(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))
}

fn run_all(storing: Storing) {
    let scenarios = scenarios();
    let failures: Vec<String> = scenarios
        .iter()
        .filter_map(|scenario| run(scenario, storing).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} failed\n{}",
        failures.len(),
        scenarios.len(),
        failures.join("\n")
    );
    println!("{} scenarios", scenarios.len());
}

#[test]
fn every_scenario_brings_about_what_it_states() {
    run_all(Storing::Never);
}

#[test]
fn states_written_and_read_back_between_any_facts_change_nothing() {
    run_all(Storing::AfterEveryFact);
}
