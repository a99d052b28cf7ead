//! Every query of every panel, run against a real Prometheus that watches a running service.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::customers::{self, LINK_KEY, WEBHOOK_SECRET, answer, free_port, links, receiver};
use crate::peers::trace_receiver;
use crate::place::Place;
use crate::prometheus::Prometheus;
use crate::top;

/// How long it may take until each panel has something to show.
const PATIENCE: Duration = Duration::from_secs(120);

/// A panel that is 0 as long as nothing happens, which would prove nothing here.
const MOVING: &str = "Spans sent";

/// A query, with the panel that it is of.
pub struct Query {
    pub panel: String,
    pub expression: String,
}

/// The queries of the dashboards, with Grafana's variables filled in.
pub fn queries() -> Vec<Query> {
    let mut found = Vec::new();
    for entry in fs::read_dir(top().join("deploy/watch/dashboards")).unwrap() {
        let dashboard: Value =
            serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().unwrap();
                found.push(Query {
                    panel: format!("{}, {}", dashboard["title"], panel["title"]),
                    expression: expression
                        .replace("$instance", ".*")
                        .replace("$__rate_interval", "20s")
                        .replace("$__range", "5m"),
                });
            }
        }
    }
    found
}

/// The names of metrics in a query.
fn names(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("afterword_"))
        .collect()
}

/// Everything switched on, with customers and a receiver on the other side.
fn place() -> Place {
    Place::new()
        .with("survey.link_keys", LINK_KEY)
        // Nobody is a mail server on this port, and that shows too.
        .with("deliver.smtp_host", "127.0.0.1")
        .with("deliver.smtp_port", free_port())
        .with("deliver.smtp_security", "none")
        .with("deliver.from", "help@example.com")
        .with(
            "webhooks.desk.url",
            format!("http://127.0.0.1:{}/", receiver()),
        )
        .with("webhooks.desk.secret", WEBHOOK_SECRET)
}

#[test]
fn every_panel_shows_something() {
    let port = free_port();
    let place = place().with(
        "telemetry.otlp_endpoint",
        format!("http://127.0.0.1:{port}"),
    );
    let spans = trace_receiver(port, &place.file("spans"));
    let service = place.serve(&[]);
    service.wait_until_ready(Duration::from_secs(60));
    place.must(&["simulate", "--conversations", "300", "--days", "2"]);
    let traffic = place.spawn(&["simulate", "--live", "--rate", "50"]);
    let address = service.operations_url("").unwrap().replace("http://", "");
    let survey = customers::survey_url(&place);
    let prometheus = Prometheus::start(&address, None);

    let mut waiting = queries();
    assert!(waiting.len() > 45, "{} queries", waiting.len());
    let mut links = Vec::new();
    let began = Instant::now();
    while began.elapsed() < PATIENCE && !waiting.is_empty() {
        // Something for each listener to count.
        let _ = service.get_report("/api/v1/workspaces");
        if links.is_empty() {
            links = self::links(&place);
        }
        let _: Option<()> = links.pop().and_then(|link| answer(&survey, &link));
        let shows = |query: &Query| {
            let found = prometheus.query(&query.expression);
            let least = match query.panel.contains(MOVING) {
                true => f64::MIN_POSITIVE,
                false => f64::NEG_INFINITY,
            };
            found
                .iter()
                .any(|(_, value)| value.is_finite() && *value >= least)
        };
        waiting.retain(|query| !shows(query));
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(traffic);
    let metrics = service.get("/metrics").unwrap().body;
    let mut problem = String::new();
    for Query { panel, expression } in &waiting {
        let unknown: Vec<&str> = names(expression)
            .into_iter()
            .filter(|name| !metrics.contains(name))
            .collect();
        problem.push_str(&format!(
            "{panel}: {expression} (not among the metrics: {unknown:?})\n"
        ));
    }
    assert!(problem.is_empty(), "panels without data:\n{problem}");
    assert!(!spans.taken().is_empty());
}

#[test]
fn metrics_pass_the_check_of_promtool() {
    let place = place();
    let service = place.serve(&[]);
    service.wait_until_ready(Duration::from_secs(60));
    place.must(&["simulate", "--conversations", "50", "--days", "2"]);
    service.wait_until_folded(50, Duration::from_secs(60));
    let text = service.get("/metrics").unwrap().body;
    // Traces are off here: their panels show 0 and not a gap.
    for series in [
        "afterword_spans_exported_total 0",
        "afterword_spans_dropped_total{reason=\"unreachable\"} 0",
    ] {
        assert!(text.contains(series), "{series}");
    }
    let mut promtool = Command::new("promtool");
    promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = promtool.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.trim().is_empty(),
        "promtool check metrics: {said}"
    );
}
