//! How long a customer waits: from the POST of a reaction to the page that says what the rules made of it, at 200 answers a second
//! on the embedded log, beside a durable append of one fact over HTTP at the same rate in the same run.
//!
//! The whole program runs as a process of its own; `ANSWERS` and `A_SECOND` may be set in the environment.
#![allow(clippy::disallowed_macros, reason = "a benchmark")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use afterword_link::{Subject, keys_of_directory};
use serde_json::{Value, json};
use ureq::Agent;

/// Requests on their way at a time, at most.
const CLIENTS: usize = 48;
const PATIENCE: Duration = Duration::from_secs(120);
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8);

fn main() {
    let answers = number("ANSWERS", 3_000);
    let a_second = number("A_SECOND", 200);
    let directory = tempfile::tempdir().expect("a directory");
    let ports = [free_port(), free_port(), free_port()];
    let mut service = start(directory.path(), ports);
    let [survey, reports, operations] = ports.map(|port| format!("http://127.0.0.1:{port}"));
    let agent = agent();
    wait_until_ready(&agent, &operations);
    let events = format!("{reports}/api/v1/events");
    let lines: String = (0..answers).map(conversation).collect();
    for part in lines
        .split_inclusive('\n')
        .collect::<Vec<_>>()
        .chunks(4_000)
    {
        post(&agent, &events, "application/x-ndjson", &part.concat(), 200);
    }
    let keys = keys_of_directory(directory.path()).expect("keys");
    let links: Vec<String> = (0..answers)
        .map(|index| {
            let subject = Subject {
                workspace_id: "w1".to_owned(),
                request_id: request_id(&format!("c{index}")),
            };
            format!("{survey}/r/{}", keys.mint(&subject))
        })
        .collect();
    let forms: Vec<(String, String)> = links.into_iter().map(|link| form(&agent, link)).collect();

    let decided = paced(answers, a_second, |index| {
        let (link, form) = &forms[index];
        let body = format!("form={form}&reaction=great");
        post(
            &agent,
            link,
            "application/x-www-form-urlencoded",
            &body,
            303,
        );
    });
    let appended = paced(answers, a_second, |index| {
        let fact = fact(
            index,
            9,
            json!({"type": "message_added", "author": {"kind": "user", "id": "anna"}, "text": "Thanks!"}),
        );
        post(&agent, &events, "application/x-ndjson", &fact, 200);
    });
    println!("{answers} answers, {a_second} a second, embedded log, SQLite");
    print("POST to decided", decided);
    print("durable append ", appended);
    let metrics = agent
        .get(format!("{operations}/metrics"))
        .call()
        .expect("metrics");
    let metrics = metrics.into_body().read_to_string().expect("text");
    for line in metrics
        .lines()
        .filter(|line| line.starts_with("afterword_survey_answers_total"))
    {
        println!("{line}");
    }
    service.kill().expect("killed");
    service.wait().expect("ended");
}

fn number(name: &str, default: usize) -> usize {
    let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
    given.unwrap_or(default)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(CLIENTS * 2)
        .max_idle_connections_per_host(CLIENTS * 2)
        .proxy(None);
    Agent::new_with_config(config.build())
}

fn start(directory: &Path, [survey, reports, operations]: [u16; 3]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_afterword"));
    command.args(["run", "--data-dir"]).arg(directory);
    for (flag, port) in [
        ("--survey-listen", survey),
        ("--reports-listen", reports),
        ("--operations-listen", operations),
    ] {
        command.arg(flag).arg(format!("127.0.0.1:{port}"));
    }
    command.args(["--set", "survey.address_requests_a_minute=10000000"]);
    command.args(["--set", "logging.level=warn"]);
    command.stdout(Stdio::null()).spawn().expect("the program")
}

fn wait_until_ready(agent: &Agent, operations: &str) {
    let until = Instant::now() + PATIENCE;
    let is_ready = || {
        let asked = agent.get(format!("{operations}/readyz")).call();
        asked.is_ok_and(|answer| answer.status() == 200)
    };
    while !is_ready() {
        assert!(Instant::now() < until, "the service was never ready");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn post(agent: &Agent, url: &str, kind: &str, body: &str, expected: u16) {
    let answer = agent
        .post(url)
        .content_type(kind)
        .send(body)
        .expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.into_body().read_to_string().unwrap_or_default();
    assert_eq!(status, expected, "{text}");
}

/// The link with the form that is on its page, once it is there.
fn form(agent: &Agent, link: String) -> (String, String) {
    let until = Instant::now() + PATIENCE;
    loop {
        let page = agent.get(&link).call().expect("a page");
        let text = page.into_body().read_to_string().expect("text");
        if let Some((_, rest)) = text.split_once("name=\"form\" value=\"") {
            let form = rest.split('"').next().unwrap_or_default().to_owned();
            return (link, form);
        }
        assert!(Instant::now() < until, "never asked about: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Does something so often a second, and says how long each took, in the time from when it was due: waiting counts.
fn paced(count: usize, a_second: usize, work: impl Fn(usize) + Sync) -> Vec<Duration> {
    let (next, took) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(count)));
    let began = Instant::now() + Duration::from_millis(100);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
                    let due = began + Duration::from_secs_f64(index as f64 / a_second as f64);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    work(index);
                    took.lock().expect("no panic").push(due.elapsed());
                }
            });
        }
    });
    took.into_inner().expect("no panic")
}

fn print(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1_000].as_secs_f64() * 1_000.0;
    println!(
        "{name}  p50 {:7.1} ms  p99 {:7.1} ms  p99.9 {:7.1} ms  most {:7.1} ms",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

/// A conversation that ends with a request, one fact a line.
fn conversation(index: usize) -> String {
    let user = json!({"kind": "user", "id": "anna"});
    let ben = json!({"kind": "teammate", "id": "ben"});
    let text = "My order has not arrived, and nobody can tell me where it is. ".repeat(3);
    let facts = [
        json!({"type": "conversation_started", "origin": "customer_initiated", "initiator": user, "channel": "email"}),
        json!({"type": "message_added", "author": user, "text": text}),
        json!({"type": "message_added", "author": ben, "text": text}),
        json!({"type": "conversation_closed", "by": ben}),
    ];
    let lines = facts.into_iter().enumerate();
    lines.map(|(step, one)| fact(index, step, one)).collect()
}

fn fact(index: usize, step: usize, mut fact: Value) -> String {
    fact["event_id"] = json!(format!("c{index}-{step}"));
    fact["workspace_id"] = json!("w1");
    fact["conversation_id"] = json!(format!("c{index}"));
    fact["occurred_at"] = json!(1_772_442_000_000_u64 + step as u64 * 60_000);
    format!("{fact}\n")
}

fn request_id(conversation: &str) -> String {
    let name = format!("afterword\0w1\0{conversation}");
    uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}
