//! A real Prometheus, on a free port, with a directory of its own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::Client;

/// How long it may take to answer after its start.
const START: Duration = Duration::from_secs(60);

/// Prometheus, killed when this value goes.
pub struct Prometheus {
    process: Child,
    address: String,
    folder: TempDir,
    client: Client,
}

impl Prometheus {
    /// Starts it; `target` is asked for metrics each second, and these rules are evaluated as often.
    pub fn start(target: &str, rules: Option<&str>) -> Prometheus {
        let folder = tempfile::Builder::new()
            .prefix("prometheus-")
            .tempdir()
            .unwrap();
        let rule_files = match rules {
            Some(text) => {
                fs::write(folder.path().join("rules.yaml"), text).unwrap();
                "rule_files: [rules.yaml]\n"
            }
            None => "",
        };
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n{rule_files}scrape_configs:\n- job_name: afterword\n  static_configs: [{{targets: ['{target}']}}]\n"
        );
        fs::write(folder.path().join("prometheus.yaml"), text).unwrap();
        let address = free_address();
        let process = spawn(folder.path(), &address);
        let prometheus = Prometheus {
            process,
            address,
            folder,
            client: Client::new(),
        };
        let started = Instant::now();
        while !prometheus
            .client
            .get(&prometheus.url("/-/ready"))
            .is_ok_and(|answer| answer.status == 200)
        {
            assert!(
                started.elapsed() < START,
                "Prometheus does not start: {}",
                prometheus.said()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        prometheus
    }

    /// What a query gives now: labels and value of each series.
    pub fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let encoded: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let answer = self
            .client
            .get(&self.url(&format!("/api/v1/query?query={encoded}")))
            .unwrap()
            .json();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        let value = |series: &Value| series["value"][1].as_str().unwrap().parse::<f64>().unwrap();
        series
            .iter()
            .map(|series| (series["metric"].clone(), value(series)))
            .collect()
    }

    /// The names of the alerts that fire now.
    pub fn firing(&self) -> Vec<String> {
        let alerts = self.query("ALERTS{alertstate=\"firing\"}");
        alerts
            .iter()
            .map(|(labels, _)| labels["alertname"].as_str().unwrap().to_owned())
            .collect()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path, address: &str) -> Child {
    let said = fs::File::create(folder.join("said")).unwrap();
    Command::new("prometheus")
        .current_dir(folder)
        .arg("--config.file=prometheus.yaml")
        .arg("--storage.tsdb.path=data")
        .arg(format!("--web.listen-address={address}"))
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
        .unwrap_or_else(|error| panic!("prometheus: {error}; .ci/services installs it"))
}

/// Free a moment ago: Prometheus does not tell which port it took when it is given 0.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}
