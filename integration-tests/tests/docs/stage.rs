//! A folder in which the commands of a page run as they stand there: other ports, the terminals one after the other in one shell, and
//! a program where a person opens the link.

use std::fs;
use std::path::Path;
use std::process::Command;

use afterword_integration_tests::examples;
use afterword_integration_tests::kafka::{free_ports, tied};
use tempfile::TempDir;

use crate::{binary, must};

/// Ends what was started, and waits until a file says something, ten seconds at most.
const HEAD: &str = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait || true' EXIT\n\
    wait_for() { for _ in {1..100}; do grep -q \"$1\" \"$2\" && return; sleep 0.1; done; cat \"$2\" >&2; exit 1; }\n";
/// What follows a command that goes on in a terminal of its own: the chat, the service.
pub const CHAT: &str = " >chat.txt &";
pub const SERVICE: &str = " 2>service.txt &\nwait_for 'the service runs' service.txt";
/// What a person does with the link, and what the chat must hear of it.
pub const CUSTOMER: &str = r#"
wait_for rating.requested chat.txt
link=$(sed -n 's/^rating.requested //p' chat.txt)
form=$(curl -sS "$link" | sed -n 's/.*name="form" value="\([^"]*\)".*/\1/p' | head -n 1)
curl -sS --output answer.html --data-urlencode "form=$form" --data reaction=great "$link"
wait_for 'rating.submitted great' chat.txt
"#;

/// The folder, and the ports that stand for those of the pages.
pub struct Stage {
    folder: TempDir,
    survey: u16,
    reports: u16,
    operations: u16,
    chat: u16,
}

impl Stage {
    /// A folder with the quick start's `chat.py`.
    pub fn new() -> Stage {
        let ports = free_ports(4);
        let [survey, reports, operations, chat] = ports[..] else {
            panic!("four ports")
        };
        let stage = Stage {
            folder: tempfile::tempdir().unwrap(),
            survey,
            reports,
            operations,
            chat,
        };
        examples::write_files("quick-start.md", "python", stage.path());
        let file = stage.path().join("chat.py");
        fs::write(&file, stage.moved(&fs::read_to_string(&file).unwrap())).unwrap();
        stage
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn moved(&self, text: &str) -> String {
        text.replace("127.0.0.1:8081", &format!("127.0.0.1:{}", self.reports))
            .replace("127.0.0.1:9000", &format!("127.0.0.1:{}", self.chat))
            .replace(
                "\"127.0.0.1\", 9000",
                &format!("\"127.0.0.1\", {}", self.chat),
            )
    }

    /// Runs the commands to their end; returns what they printed.
    pub fn run(&self, commands: &str) -> String {
        let script = format!("{HEAD}{}", self.moved(commands));
        fs::write(self.path().join("steps.sh"), script).unwrap();
        let mut command: Command = tied("bash");
        command.arg("steps.sh").current_dir(self.path());
        let programs = binary::path().parent().unwrap().display().to_string();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        // What tests are told by variables would be taken for keys of the configuration.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AFTERWORD_")) {
            command.env_remove(name);
        }
        command.env("PATH", path);
        for (name, port) in [
            ("SURVEY", self.survey),
            ("REPORTS", self.reports),
            ("OPERATIONS", self.operations),
        ] {
            command.env(
                format!("AFTERWORD_{name}__LISTEN"),
                format!("127.0.0.1:{port}"),
            );
        }
        let public = format!("http://127.0.0.1:{}", self.survey);
        command.env("AFTERWORD_SURVEY__PUBLIC_URL", public);
        must(&mut command)
    }
}
