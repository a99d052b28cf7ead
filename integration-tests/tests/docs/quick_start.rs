//! `docs/quick-start.md`, run from its first command to its last as it stands there: other ports, the terminals one after the other in
//! one shell, and a program where a person opens the link.

use std::fs;
use std::process::Command;

use afterword_integration_tests::examples;
use afterword_integration_tests::kafka::{free_ports, repository, tied};

use crate::{binary, must};

const PAGE: &str = "quick-start.md";
/// Waits until a file says something, ten seconds at most.
const WAIT: &str = "wait_for() { for _ in {1..100}; do grep -q \"$1\" \"$2\" && return; sleep 0.1; done; cat \"$2\" >&2; exit 1; }";
/// What a person does with the link, and what the chat must hear of it.
const CUSTOMER: &str = r#"
wait_for rating.requested chat.txt
link=$(sed -n 's/^rating.requested //p' chat.txt)
form=$(curl -sS "$link" | sed -n 's/.*name="form" value="\([^"]*\)".*/\1/p' | head -n 1)
curl -sS --output answer.html --data-urlencode "form=$form" --data reaction=great "$link"
wait_for 'rating.submitted great' chat.txt
"#;

/// The commands of the page as a script.
fn script() -> String {
    let mut script = format!(
        "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait || true' EXIT\n{WAIT}\n"
    );
    let commands = examples::commands(PAGE);
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands {
        // What goes on, in a terminal of its own.
        let service = command.starts_with("afterword run") && !command.contains("--drain");
        script.push_str(&command);
        if command == "python3 chat.py" {
            script.push_str(" >chat.txt &");
        } else if service {
            script.push_str(" 2>service.txt &\nwait_for 'the service runs' service.txt");
        } else if command.starts_with("curl") {
            script.push_str(CUSTOMER);
        }
        script.push('\n');
    }
    script
}

#[test]
fn the_quick_start_leads_to_a_rating() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports(4);
    let [survey, reports, operations, chat] = ports[..] else {
        panic!("four ports")
    };
    let moved = |text: String| {
        text.replace("127.0.0.1:8081", &format!("127.0.0.1:{reports}"))
            .replace("9000", &chat.to_string())
    };
    examples::write_files(PAGE, "python", folder.path());
    let file = folder.path().join("chat.py");
    fs::write(&file, moved(fs::read_to_string(&file).unwrap())).unwrap();
    fs::write(folder.path().join("steps.sh"), moved(script())).unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    let facts = repository().join("docs/example.ndjson");
    fs::copy(facts, folder.path().join("docs/example.ndjson")).unwrap();

    let mut command: Command = tied("bash");
    command.arg("steps.sh").current_dir(folder.path());
    let programs = binary::path().parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    // What tests are told by variables would be taken for keys of the configuration.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AFTERWORD_")) {
        command.env_remove(name);
    }
    command.env("PATH", path);
    for (name, port) in [
        ("SURVEY", survey),
        ("REPORTS", reports),
        ("OPERATIONS", operations),
    ] {
        command.env(
            format!("AFTERWORD_{name}__LISTEN"),
            format!("127.0.0.1:{port}"),
        );
    }
    let public = format!("http://127.0.0.1:{survey}");
    command.env("AFTERWORD_SURVEY__PUBLIC_URL", public);
    let printed = must(&mut command);
    for words in [
        "\"accepted\":4",
        "✗  no_teammate_reply",
        "Conversation mine of workspace w1",
        "Proven: nothing missing, nothing twice",
    ] {
        assert!(printed.contains(words), "no {words:?}: {printed}");
    }
}
