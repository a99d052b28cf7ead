//! A running service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, Client};
use crate::place::Running;

/// How long a service may take to answer after its start, on a machine that does much else.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(60);

/// `afterword run`, killed when this value goes.
pub struct Service {
    process: Running,
    data: PathBuf,
    client: Client,
}

impl Service {
    pub fn new(process: Running, data: &Path) -> Service {
        Service {
            process,
            data: data.to_owned(),
            client: Client::new(),
        }
    }

    pub fn process(&mut self) -> &mut Running {
        &mut self.process
    }

    /// How many of its log lines have these words.
    pub fn times_said(&self, words: &str) -> usize {
        self.process.times_said(words)
    }

    /// What the service's file says, once it is there.
    fn addresses(&self) -> Option<Value> {
        let text = fs::read(self.data.join("service.json")).ok()?;
        let file: Value = serde_json::from_slice(&text).ok()?;
        // A process that was killed has left its own behind.
        (file["pid"] == self.process.pid()).then_some(file)
    }

    /// Where the API is, once it answers.
    pub fn events_url(&self) -> Option<String> {
        let file = self.addresses()?;
        Some(format!(
            "http://{}/api/v1/events",
            file["reports"].as_str()?
        ))
    }

    pub fn operations_url(&self, path: &str) -> Option<String> {
        let file = self.addresses()?;
        Some(format!("http://{}{path}", file["operations"].as_str()?))
    }

    pub fn wait_until_it_answers(&self) {
        self.wait_for("an answer of /livez", START, |service| {
            service
                .get("/livez")
                .is_some_and(|answer| answer.status == 200)
        });
    }

    /// Something of the operations listener, when it answers.
    pub fn get(&self, path: &str) -> Option<Answer> {
        self.client.get(&self.operations_url(path)?).ok()
    }

    /// Something of the reports listener.
    pub fn get_report(&self, path: &str) -> Option<Answer> {
        let file = self.addresses()?;
        self.client
            .get(&format!("http://{}{path}", file["reports"].as_str()?))
            .ok()
    }

    /// Puts a JSON document to the reports listener.
    pub fn put_report(&self, path: &str, body: &str) -> Answer {
        let file = self.addresses().unwrap();
        let url = format!("http://{}{path}", file["reports"].as_str().unwrap());
        self.client.put_json(&url, body).unwrap()
    }

    /// Deletes something of the reports listener.
    pub fn delete_report(&self, path: &str) -> Answer {
        let file = self.addresses().unwrap();
        let url = format!("http://{}{path}", file["reports"].as_str().unwrap());
        self.client.delete(&url).unwrap()
    }

    /// Posts events.
    pub fn post(&self, lines: &str) -> Answer {
        let url = self
            .events_url()
            .expect("the service has a reports listener");
        self.client.post_lines(&url, lines).unwrap()
    }

    /// Posts events with a header more.
    pub fn post_with(&self, lines: &str, header: (&str, &str)) -> Answer {
        let url = self
            .events_url()
            .expect("the service has a reports listener");
        self.client.post_lines_with(&url, lines, header).unwrap()
    }

    /// The value of a metric, all its labels together.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics")?.body;
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.strip_prefix('{') {
                Some(labelled) => labelled.rsplit_once("} ")?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.parse::<f64>().ok()
        });
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// Waits until `/readyz` says that all is well; returns how long that took.
    pub fn wait_until_ready(&self, at_most: Duration) -> Duration {
        let is_ready = |service: &Service| {
            service
                .get("/readyz")
                .is_some_and(|answer| answer.status == 200)
        };
        self.wait_for("/readyz to be 200", at_most, is_ready)
    }

    /// Waits until this holds; longer than this is a failure.
    pub fn wait_for(
        &self,
        what: &str,
        at_most: Duration,
        mut holds: impl FnMut(&Service) -> bool,
    ) -> Duration {
        let started = Instant::now();
        while !holds(self) {
            assert!(
                started.elapsed() < at_most,
                "waited {at_most:?} for {what}: {}",
                self.process.last_words()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        started.elapsed()
    }

    /// Waits until every fact that was appended is folded.
    pub fn wait_until_folded(&self, facts: u64, at_most: Duration) -> Duration {
        self.wait_for("all facts to be folded", at_most, |service| {
            service
                .metric("afterword_facts_total")
                .is_some_and(|folded| folded >= facts as f64)
        })
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> ExitStatus {
        self.process.terminate();
        self.process.wait_for_end(STOP)
    }
}
