//! Each defence switched off in turn: the suite must notice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::broken_outputs::{an_output_that_is_refused, an_output_twice_in_the_log};
use crate::scenarios::{
    a_broker_that_forgets, a_broker_that_forgets_a_commit, a_commit_just_before_the_fence,
    a_dead_owners_transaction, a_late_end_txn, a_start_where_the_last_one_ended,
    a_zombie_that_commits, an_end_txn_that_never_arrives, an_end_txn_whose_answer_never_arrives,
    positions_name_their_member,
};
use crate::stage::Under;
use crate::world::KEEP;
use crate::{alone, binary};

type Scenario = fn(&Under) -> Result<(), String>;

/// A defence (or two that stand in for each other), and the fault that finds it missing.
struct Row {
    off: &'static str,
    fault: &'static str,
    scenario: Scenario,
}

#[rustfmt::skip]
const TABLE: [Row; 11] = [
    Row { off: "init-transactions-fence", fault: "owner killed in the middle of a commit", scenario: a_dead_owners_transaction },
    Row { off: "abort-on-lost-assignment", fault: "positions looked at on the wire", scenario: positions_name_their_member },
    Row { off: "init-transactions-fence,abort-on-lost-assignment", fault: "owner frozen in the middle of a commit", scenario: a_zombie_that_commits },
    Row { off: "measure-after-fence,agree-with-outputs", fault: "EndTxn just before the fence", scenario: a_commit_just_before_the_fence },
    Row { off: "start-over-in-doubt", fault: "EndTxn's answer never arrives", scenario: an_end_txn_whose_answer_never_arrives },
    Row { off: "store-after-commit", fault: "EndTxn never arrives", scenario: an_end_txn_that_never_arrives },
    Row { off: "new-producer-in-doubt", fault: "EndTxn late, in the next transaction", scenario: a_late_end_txn },
    Row { off: "offset-plus-one", fault: "owner killed and started again", scenario: a_start_where_the_last_one_ended },
    Row { off: "sweep-after-fence", fault: "only broker killed in a transaction, back after its time", scenario: a_broker_that_forgets },
    Row { off: "agree-with-outputs", fault: "commit forgotten on one topic by the only broker", scenario: a_broker_that_forgets_a_commit },
    Row { off: "dedup-by-headers", fault: "output twice in the log", scenario: an_output_twice_in_the_log },
];

/// A scenario that failed for another reason than what it is there for.
const NO_FINDING: [&str; 2] = ["the scenario did not come about", "names no defence"];

/// What a scenario found, a panic included.
fn play(scenario: Scenario, under: &Under) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| scenario(under))) {
        Ok(found) => found,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(text.unwrap_or_else(|| "a panic".to_owned()))
        }
    }
}

fn must_hold(scenario: Scenario) {
    let _alone = alone();
    let under = Under {
        program: binary::path().to_owned(),
        off: String::new(),
    };
    if let Err(found) = scenario(&under) {
        panic!("{found}");
    }
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn an_owner_killed_in_the_middle_of_a_commit_is_in_nobodys_way() {
    must_hold(a_dead_owners_transaction);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn a_broker_that_forgets_does_no_harm() {
    must_hold(a_broker_that_forgets);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn a_zombie_that_commits_changes_nothing() {
    must_hold(a_zombie_that_commits);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn a_commit_just_before_the_fence_counts() {
    must_hold(a_commit_just_before_the_fence);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn an_end_txn_that_never_arrives_loses_nothing() {
    must_hold(an_end_txn_that_never_arrives);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn an_end_txn_whose_answer_never_arrives_doubles_nothing() {
    must_hold(an_end_txn_whose_answer_never_arrives);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn a_late_end_txn_tears_no_transaction() {
    must_hold(a_late_end_txn);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn an_output_that_is_refused_is_written_later() {
    must_hold(an_output_that_is_refused);
}

#[test]
#[ignore = "half a minute; `every_defence_is_needed` plays it too"]
fn an_output_twice_in_the_log_counts_once() {
    must_hold(an_output_twice_in_the_log);
}

#[test]
#[ignore = "ten minutes; `make test-kafka` runs it"]
fn every_defence_is_needed() {
    let _alone = alone();
    let program = with_switches();
    let mut failed = Vec::new();
    let mut told = vec!["defence switched off | fault | found".to_owned()];
    let wanted = std::env::var("AFTERWORD_KAFKA_DEFENCE").unwrap_or_default();
    // Whoever asks for one wants to look.
    KEEP.store(!wanted.is_empty(), Ordering::SeqCst);
    for row in TABLE.iter().filter(|row| row.off.contains(&wanted)) {
        let began = Instant::now();
        let under = |off: &str| Under {
            program: program.clone(),
            off: off.to_owned(),
        };
        let held = play(row.scenario, &under(""));
        let found = play(row.scenario, &under(row.off));
        let first = |text: &str| {
            text.lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(160)
                .collect::<String>()
        };
        if let Err(what) = &held {
            failed.push(format!(
                "{}: found with every defence on: {what}",
                row.fault
            ));
        }
        let line = match &found {
            Err(what) if NO_FINDING.iter().all(|words| !what.contains(words)) => first(what),
            Err(what) => {
                failed.push(format!("{} off: {what}", row.off));
                first(what)
            }
            Ok(()) => {
                failed.push(format!("{} off, and {} finds nothing", row.off, row.fault));
                "NOT FOUND".to_owned()
            }
        };
        told.push(format!("{} | {} | {line}", row.off, row.fault));
        eprintln!(
            "{} ({:.0} s)",
            told[told.len() - 1],
            began.elapsed().as_secs_f64()
        );
    }
    println!("{}", told.join("\n"));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The program with the switches of its defences compiled in: `AFTERWORD_BIN` has to be such a one.
fn with_switches() -> PathBuf {
    if std::env::var_os("AFTERWORD_BIN").is_some() {
        return binary::path().to_owned();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let test = std::env::current_exe().unwrap();
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests run in TARGET/PROFILE/deps");
    // In a target directory beside the others', so that the program without switches stays what it is.
    let target = profile.parent().expect("a target directory").to_owned();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--package", "afterword"]);
    command
        .args(["--features", "afterword-log/defects", "--target-dir"])
        .arg(&target);
    let name = profile.file_name().unwrap().to_str().unwrap();
    command.args(["--profile", if name == "debug" { "dev" } else { name }]);
    assert!(command.status().unwrap().success());
    let program = profile.join("afterword-with-switches");
    std::fs::copy(profile.join("afterword"), &program).unwrap();
    program
}
