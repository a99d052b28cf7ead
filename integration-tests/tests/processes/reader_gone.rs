//! Standard output whose reader has gone (`afterword config check | head -1`), and one that takes nothing (a full disk): no
//! command breaks, and none leaves its work half done.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::place::Place;
use crate::service::Service;

const PATIENCE: Duration = Duration::from_secs(60);
/// What the example holds.
const FACTS: usize = 9;
/// Beside the facts of the example.
const REFUSED: &str = "this line is no fact\n";

/// A place whose facts are decided and projected.
fn decided() -> Place {
    let place = Place::new();
    place.import(&example());
    place.drain();
    place
}

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/example.ndjson")
}

/// A pipe that nobody reads from any more.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A file on a disk without room.
fn full_disk() -> Stdio {
    let file = File::options().write(true).open("/dev/full");
    file.expect("this system has /dev/full").into()
}

/// How a command ended whose standard output goes there, and what it said on standard error.
fn ran(place: &Place, arguments: &[&str], stdout: Stdio) -> (ExitStatus, String) {
    let (mut command, name) = place.command(arguments);
    let child = command.stdout(stdout).spawn().unwrap();
    let status = end(child, arguments);
    let said = fs::read_to_string(name.with_extension("err")).unwrap();
    (status, said)
}

fn end(mut child: Child, arguments: &[&str]) -> ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= until {
            child.kill().unwrap();
            panic!("`afterword {}` did not end", arguments.join(" "));
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Commands that print, each right in itself on [`decided`], in this order.
const PRINTING: [&[&str]; 28] = [
    &["--help"],
    &["tail", "--help"],
    &["--version"],
    &["config", "check"],
    &["config", "check", "--json"],
    &["topics"],
    &["topics", "--json"],
    &["topics", "check"],
    &["topics", "create"],
    &["explain", "c1"],
    &["explain", "c1", "--json"],
    &["tail", "conversation-events"],
    &["verify"],
    &["verify", "--json"],
    &["replay"],
    &["replay", "--json"],
    &["settings", "get"],
    &["deliveries", "list"],
    &["deliveries", "list", "--json"],
    &[
        "webhooks",
        "replay",
        "--from",
        "2026-03-01T00:00:00Z",
        "--to",
        "2026-03-31T00:00:00Z",
    ],
    &["accounts", "list"],
    &["accounts", "invite", "mia@example.com", "--manager"],
    &["accounts", "list", "--json"],
    &[
        "accounts",
        "token",
        "create",
        "bi",
        "--scope",
        "reports:read",
    ],
    &["accounts", "token", "list"],
    &["simulate", "--out", "-", "--conversations", "20"],
    &["run", "--drain"],
    &["run", "--drain", "--json"],
];

/// Commands of [`PRINTING`] that have nothing to print here: there are no settings.
const SILENT: [&[&str]; 2] = [&["settings", "get"], &["deliveries", "list", "--json"]];

#[test]
fn a_command_whose_reader_has_gone_ends_quietly_with_0() {
    let place = decided();
    for arguments in PRINTING {
        let (status, said) = ran(&place, arguments, nobody());
        let what = arguments.join(" ");
        assert!(
            !said.contains("panicked") && !said.contains("pipe"),
            "{what}: {said}"
        );
        assert_eq!(status.code(), Some(0), "{what}: {said}");
    }
}

#[test]
fn a_command_whose_output_cannot_be_kept_says_so_and_ends_with_1() {
    let place = decided();
    for arguments in PRINTING {
        if SILENT.contains(&arguments) {
            continue;
        }
        let (status, said) = ran(&place, arguments, full_disk());
        let what = arguments.join(" ");
        assert!(
            said.contains("afterword: writing to standard output: No space left on device"),
            "{what}: {said}"
        );
        assert!(!said.contains("panicked"), "{what}: {said}");
        assert_eq!(status.code(), Some(1), "{what}: {said}");
    }
}

/// `head -1`: the reader goes when something has come and more is to come.
#[test]
fn a_reader_may_go_in_the_middle() {
    let place = Place::new();
    place.must(&["simulate", "--conversations", "1000"]);
    for arguments in [
        &["tail", "conversation-events"][..],
        &["tail", "conversation-events", "--follow"],
        &["simulate", "--out", "-", "--conversations", "20000"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        let (mut command, name) = place.command(arguments);
        let child = command.stdout(writer).spawn().unwrap();
        // The command's own copy of the writing end.
        drop(command);
        let mut line = String::new();
        BufReader::with_capacity(512, reader)
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with('{'), "{arguments:?}: {line}");
        let status = end(child, arguments);
        let said = fs::read_to_string(name.with_extension("err")).unwrap();
        assert!(
            status.success(),
            "{arguments:?} ended with {status}: {said}"
        );
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

/// Outputs that take nothing, and the exit code of whoever has all else done.
const OUTPUTS: [(fn() -> Stdio, i32); 2] = [(nobody, 0), (full_disk, 1)];

/// What is to be done is done, and its own outcome counts, whoever hears of it.
#[test]
fn work_is_finished_though_nobody_reads_of_it() {
    for (output, code) in OUTPUTS {
        let place = Place::new();
        let ended = |arguments: &[&str]| {
            let (status, said) = ran(&place, arguments, output());
            assert!(!said.contains("panicked"), "{arguments:?}: {said}");
            assert_eq!(status.code(), Some(code), "{arguments:?}: {said}");
        };
        let example = example();
        ended(&["import", example.to_str().unwrap()]);
        assert_eq!(place.tail("conversation-events").len(), FACTS);

        place.drain();
        let contacts = place.write(
            "contacts.csv",
            "workspace_id,customer_id,email\nw1,anna,anna@example.com\n",
        );
        ended(&["contacts", "import", contacts.to_str().unwrap()]);

        let backup = place.file("backup");
        ended(&["backup", backup.to_str().unwrap()]);
        let copy = Place::new();
        let (status, said) = ran(&copy, &["restore", backup.to_str().unwrap()], output());
        assert_eq!(status.code(), Some(code), "{said}");
        assert_eq!(copy.tail("conversation-events").len(), FACTS);

        ended(&["erase", "--workspace", "w1", "--customer", "anna"]);
        let facts = place.tail("conversation-events").concat();
        assert!(
            !facts.contains("\"anna\"") && facts.contains("erased-"),
            "{facts}"
        );
        place.must(&["verify"]);
    }
}

/// A command that failed says so by its exit code, though nobody hears why.
#[test]
fn a_failure_stays_one_though_nobody_reads_of_it() {
    let place = Place::new();
    let text = fs::read_to_string(example()).unwrap();
    let file = place.write("facts.ndjson", format!("{REFUSED}{text}"));
    let arguments = ["import", file.to_str().unwrap()];
    let (mut command, _) = place.command(&arguments);
    let child = command.stdout(nobody()).stderr(nobody()).spawn().unwrap();
    assert_eq!(end(child, &arguments).code(), Some(1));
    assert_eq!(place.tail("conversation-events").len(), FACTS);

    let (status, said) = ran(&place, &arguments, full_disk());
    assert_eq!(status.code(), Some(1));
    assert!(
        said.contains("1 lines were refused") && said.contains("No space left on device"),
        "{said}"
    );
    // A wrong flag is one still, though nobody hears so.
    let (mut command, _) = place.command(&["import", "--no-such-flag"]);
    let child = command.stderr(nobody()).spawn().unwrap();
    assert_eq!(end(child, &["import"]).code(), Some(2));
}

/// `afterword run 2>&1 | head -1`: every log line goes nowhere, and the service goes on.
#[test]
fn a_service_goes_on_when_nobody_reads_its_log_lines() {
    let place = Place::new().with("logging.level", "debug");
    let free = "127.0.0.1:0";
    let arguments = [
        "run",
        "--survey-listen",
        free,
        "--reports-listen",
        free,
        "--operations-listen",
        free,
    ];
    let lost = |command: &mut Command| {
        command.stdout(nobody()).stderr(nobody());
    };
    let service = Service::new(place.spawn_with(&arguments, lost), place.data());
    service.wait_until_it_answers();
    let answer = service.post(&fs::read_to_string(example()).unwrap());
    assert_eq!(answer.status, 200, "{}", answer.body);
    service.wait_until_folded(FACTS as u64, PATIENCE);
    let is_projected = |service: &Service| {
        let ratings = "/api/v1/workspaces/w1/ratings?from=2026-03-01&to=2026-03-31";
        let ratings = service.get_report(ratings);
        ratings.is_some_and(|ratings| ratings.body.contains("\"anna\""))
    };
    service.wait_for("the rating in the report", PATIENCE, is_projected);
    assert_eq!(service.stop().code(), Some(0));
    place.must(&["verify"]);
}

/// A show that nobody watches ends as if it were told to.
#[test]
fn a_demo_that_nobody_watches_ends() {
    for (output, code) in OUTPUTS {
        let place = Place::new();
        let free = "127.0.0.1:0";
        let arguments = [
            "demo",
            "--conversations",
            "50",
            "--survey-listen",
            free,
            "--reports-listen",
            free,
            "--operations-listen",
            free,
        ];
        let (status, said) = ran(&place, &arguments, output());
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(!place.data().join("service.json").exists());
        place.must(&["verify"]);
    }
}
