//! Alerts on a real Prometheus while the thing is really broken: each fires, and ends when it is mended.

use std::fs;
use std::time::{Duration, Instant};

use crate::customers::free_port;
use crate::panels::queries;
use crate::peers::trace_receiver;
use crate::place::Place;
use crate::prometheus::Prometheus;
use crate::service::Service;
use crate::top;

const PATIENCE: Duration = Duration::from_secs(120);

/// The rules as they are, except that nobody waits for minutes: a condition fires at once, and looks at seconds instead of minutes.
fn impatient() -> String {
    let text = fs::read_to_string(top().join("deploy/watch/alerts.yaml")).unwrap();
    let mut rules = String::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("for:"))
    {
        rules.push_str(line);
        rules.push('\n');
    }
    for window in ["[5m]", "[15m]", "[30m]", "[1h]", "[6h]"] {
        rules = rules.replace(window, "[15s]");
    }
    rules
}

fn wait(prometheus: &Prometheus, what: &str, holds: impl Fn(&[String]) -> bool) {
    let began = Instant::now();
    loop {
        let firing = prometheus.firing();
        if holds(&firing) {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for {what}; these fire: {firing:?}"
        );
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn fires(prometheus: &Prometheus, alert: &str) {
    wait(prometheus, &format!("{alert} to fire"), |firing| {
        firing.iter().any(|name| name == alert)
    });
}

fn ends(prometheus: &Prometheus, alert: &str) {
    wait(prometheus, &format!("{alert} to end"), |firing| {
        firing.iter().all(|name| name != alert)
    });
}

/// A conversation that ends with a request.
fn conversation(number: u64) -> String {
    let fact = |at: u64, rest: &str| {
        format!(
            "{{\"event_id\":\"e{at}\",\"workspace_id\":\"w\",\"conversation_id\":\"c{number}\",\"occurred_at\":\"2026-03-02T09:0{at}:00.000Z\",{rest}}}\n"
        )
    };
    let user = "{\"kind\":\"user\",\"id\":\"u\"}";
    let teammate = "{\"kind\":\"teammate\",\"id\":\"t\"}";
    let started = format!(
        "\"type\":\"conversation_started\",\"origin\":\"customer_initiated\",\"initiator\":{user},\"channel\":\"messenger\""
    );
    let said = |author: &str| {
        format!(
            "\"type\":\"message_added\",\"author\":{author},\"text\":\"{}\"",
            "words ".repeat(60)
        )
    };
    let closed = format!("\"type\":\"conversation_closed\",\"by\":{teammate}");
    [
        fact(0, &started),
        fact(1, &said(user)),
        fact(2, &said(teammate)),
        fact(3, &closed),
    ]
    .concat()
}

#[test]
fn alerts_fire_when_it_is_broken_and_end_when_it_is_mended() {
    let operations = format!("127.0.0.1:{}", free_port());
    // More than any disk has free.
    let full = [("--set", "log.free_space_reserve_mib=1048576")];
    let place = Place::new().with("survey.listen", format!("127.0.0.1:{}", free_port()));
    let start = |more: &[(&str, &str)]| {
        let mut arguments = vec![
            "run",
            "--reports-listen",
            "127.0.0.1:0",
            "--operations-listen",
            operations.as_str(),
        ];
        more.iter()
            .for_each(|(flag, value)| arguments.extend([*flag, *value]));
        let service = Service::new(place.spawn(&arguments), place.data());
        service.wait_until_it_answers();
        service
    };
    let service = start(&[]);
    let prometheus = Prometheus::start(&operations, Some(&impatient()));
    service.wait_until_ready(PATIENCE);
    assert_eq!(service.post(&conversation(1_000)).status, 200);
    // What was counted before the first look is no increase.
    let began = Instant::now();
    while prometheus.query("afterword_requests_total").is_empty() {
        assert!(began.elapsed() < PATIENCE, "Prometheus sees nothing");
        std::thread::sleep(Duration::from_millis(250));
    }

    // Customers are asked, and no answer finds its way back.
    let asked: String = (0..300).map(conversation).collect();
    assert_eq!(service.post(&asked).status, 200);
    fires(&prometheus, "AfterwordNoAnswers");
    ends(&prometheus, "AfterwordNoAnswers");

    // The process dies.
    let mut service = service;
    service.process().kill();
    fires(&prometheus, "AfterwordDown");

    // It is back, on a disk without space.
    let service = start(&full);
    ends(&prometheus, "AfterwordDown");
    fires(&prometheus, "AfterwordLogImpeded");
    let began = Instant::now();
    while !prometheus
        .firing()
        .iter()
        .any(|name| name == "AfterwordHttpErrors")
    {
        assert!(
            began.elapsed() < PATIENCE,
            "AfterwordHttpErrors does not fire"
        );
        assert_eq!(service.post(&conversation(1_001)).status, 503);
        std::thread::sleep(Duration::from_millis(250));
    }

    // Mended; and started so often that it is worth a look.
    drop(service);
    let mut service = start(&[]);
    ends(&prometheus, "AfterwordLogImpeded");
    ends(&prometheus, "AfterwordHttpErrors");
    let began = Instant::now();
    while !prometheus
        .firing()
        .iter()
        .any(|name| name == "AfterwordRestarting")
    {
        assert!(
            began.elapsed() < PATIENCE,
            "AfterwordRestarting does not fire"
        );
        service.process().kill();
        service = start(&[]);
        std::thread::sleep(Duration::from_millis(1_200));
    }
    assert_eq!(service.post(&conversation(1_002)).status, 200);
    ends(&prometheus, "AfterwordRestarting");
    assert!(prometheus.firing().is_empty(), "{:?}", prometheus.firing());
}

/// What this panel shows, all of it together.
fn shown(prometheus: &Prometheus, panel: &str) -> f64 {
    let is_of_it = |query: &crate::panels::Query| query.panel.contains(panel);
    let query = queries().into_iter().find(is_of_it).unwrap();
    let series = prometheus.query(&query.expression);
    series.iter().map(|(_, value)| value).sum()
}

/// Posts conversations until this holds.
fn post_until(service: &Service, what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    for number in 0.. {
        assert_eq!(service.post(&conversation(number)).status, 200);
        if holds() {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn dropped_spans_are_told_of_until_their_receiver_is_back() {
    // Nobody listens there.
    let port = free_port();
    let place = Place::new().with(
        "telemetry.otlp_endpoint",
        format!("http://127.0.0.1:{port}"),
    );
    let service = place.serve(&[]);
    service.wait_until_ready(PATIENCE);
    let operations = service.operations_url("").unwrap().replace("http://", "");
    let prometheus = Prometheus::start(&operations, Some(&impatient()));
    let is_told = || {
        let firing = prometheus.firing();
        firing.iter().any(|name| name == "AfterwordSpansDropped")
    };
    post_until(&service, "AfterwordSpansDropped to fire", is_told);
    post_until(&service, "the panel to show it", || {
        shown(&prometheus, "Spans dropped") > 0.0
    });
    assert_eq!(shown(&prometheus, "Spans sent"), 0.0);

    let receiver = trace_receiver(port, &place.file("spans"));
    post_until(&service, "the panel to show spans", || {
        shown(&prometheus, "Spans sent") > 0.0
    });
    ends(&prometheus, "AfterwordSpansDropped");
    assert!(!receiver.taken().is_empty());
    assert_eq!(service.times_said("spans are exported again"), 1);
}
