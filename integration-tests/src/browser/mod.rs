//! Scripts that drive a real Chromium, in `integration-tests/browser/`.
//!
//! Needed: Chromium, Node.js 18 or later, and two packages that `.ci/browser` keeps outside the checkout. `.ci/services`
//! installs all of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::kafka::repository;

/// One run of a script.
pub struct Script {
    name: &'static str,
    parameters: Map<String, Value>,
    screenshots: PathBuf,
}

impl Script {
    /// The script `integration-tests/browser/NAME.mjs`; its screenshots go to a folder of `occasion` beside the build.
    #[must_use]
    pub fn new(name: &'static str, occasion: &str) -> Script {
        let screenshots = pictures().join(occasion);
        let script = Script {
            name,
            parameters: Map::new(),
            screenshots,
        };
        let folder = script.screenshots.to_string_lossy().into_owned();
        script.with("screenshots", folder)
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Script {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Runs it to its end and returns its result; all that it printed is passed on.
    ///
    /// # Panics
    /// When it fails, with the place of the screenshots.
    #[must_use]
    pub fn run(self) -> Value {
        let file = repository().join(format!("integration-tests/browser/{}.mjs", self.name));
        let done = Command::new("node")
            .arg(file)
            .arg(Value::Object(self.parameters).to_string())
            .env("NODE_PATH", modules())
            .stdin(Stdio::null())
            .output()
            .expect("node is needed: .ci/services installs it");
        let printed = String::from_utf8_lossy(&done.stdout);
        let errors = String::from_utf8_lossy(&done.stderr);
        let (result, lines): (Vec<&str>, Vec<&str>) = printed
            .lines()
            .partition(|line| line.starts_with("RESULT "));
        println!("{}:\n{}\n{errors}", self.name, lines.join("\n"));
        assert!(
            done.status.success(),
            "the browser script {} failed; screenshots are in {}",
            self.name,
            self.screenshots.display()
        );
        let result = result.last().and_then(|line| line.strip_prefix("RESULT "));
        result
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

/// Beside the build of this test: `target/browser`.
fn pictures() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(3).unwrap_or(Path::new("target"));
    target.join("browser")
}

/// Where the packages are.
fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let done = Command::new(repository().join(".ci/browser")).output();
        let done = done.expect("bash is needed for .ci/browser");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), ".ci/browser: {errors}");
        Path::new(String::from_utf8_lossy(&done.stdout).trim()).join("node_modules")
    })
}
