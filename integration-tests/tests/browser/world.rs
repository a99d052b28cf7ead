//! A service with its customers' pages, and conversations that end with a question.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use afterword_integration_tests::kafka::free_ports;
use afterword_link::{LinkKeys, Subject, keys_of_directory};
use serde_json::Value;

use crate::closes::{asked, now_ms, request_id};
use crate::place::{Place, Running};
use crate::service::Service;

pub const WORKSPACE: &str = "w1";
pub const CUSTOMER: &str = "anna";
/// How long a fact may take to become a row of the report database, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the demo; beside it the addresses of the customers' pages and of the reports.
pub fn demo(place: &Place, conversations: &str, rate: &str) -> (Running, [String; 2]) {
    let ports = free_ports(3);
    let [survey, reports, operations] = [0, 1, 2].map(|at| format!("127.0.0.1:{}", ports[at]));
    let running = place.spawn(&[
        "demo",
        "--conversations",
        conversations,
        "--rate",
        rate,
        "--survey-listen",
        &survey,
        "--reports-listen",
        &reports,
        "--operations-listen",
        &operations,
    ]);
    (running, [survey, reports])
}

/// A running service.
pub struct World {
    pub place: Place,
    pub service: Service,
    keys: LinkKeys,
    closed: AtomicU32,
}

/// A request that was sent.
pub struct Asked {
    pub request_id: String,
    pub link: String,
}

impl World {
    /// Starts the service on free ports.
    pub fn new() -> World {
        World::with(&[])
    }

    /// The same with keys of the configuration.
    pub fn with(keys: &[(&str, &str)]) -> World {
        let with = |place: Place, (key, value): &(&str, &str)| place.with(key, value);
        World::at(keys.iter().fold(Place::new(), with))
    }

    /// The same in a place that is prepared already.
    pub fn at(place: Place) -> World {
        let place = place
            .with("survey.listen", "127.0.0.1:0")
            .with("survey.address_requests_a_minute", 1_000_000)
            .with("workspaces.w1.name", "Lumen & Co")
            .with("workspaces.w1.colour", "#0f766e");
        let service = place.serve(&[]);
        service.wait_until_ready(PATIENCE);
        World {
            keys: keys_of_directory(place.data()).unwrap(),
            place,
            service,
            closed: AtomicU32::new(0),
        }
    }

    /// Where the customers' pages are.
    pub fn address(&self) -> String {
        let file = std::fs::read(self.place.data().join("service.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        format!("http://{}", file["survey"].as_str().unwrap())
    }

    /// A conversation in the messenger begins, is answered and closed, and its customer is asked.
    pub fn close_a_conversation(&self) -> Asked {
        self.close(CUSTOMER, "messenger")
    }

    /// The same with this customer, in this channel.
    pub fn close(&self, customer: &str, channel: &str) -> Asked {
        let number = self.closed.fetch_add(1, Ordering::Relaxed);
        let conversation = format!("c{number}");
        let facts = asked(WORKSPACE, &conversation, customer, channel, now_ms());
        let answer = self.service.post(&facts);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let request_id = request_id(WORKSPACE, &conversation);
        let subject = Subject {
            workspace_id: WORKSPACE.to_owned(),
            request_id: request_id.clone(),
        };
        let link = format!("{}/r/{}", self.address(), self.keys.mint(&subject));
        let client = crate::http::Client::new();
        self.service
            .wait_for("the page of the request", PATIENCE, |_| {
                client.get(&link).is_ok_and(|answer| answer.status == 200)
            });
        Asked { request_id, link }
    }

    /// The submissions of a request, in their order: reaction, the one before, whether there is a comment and whether it is locked.
    pub fn submissions(&self, asked: &Asked) -> Vec<Value> {
        let lines = self.place.tail("rating-submitted");
        let all = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut ours: Vec<Value> = all
            .filter(|one| one["request_id"] == *asked.request_id)
            .collect();
        ours.sort_by_key(|one| one["revision"].as_i64());
        ours
    }

    /// How many lines a topic has.
    pub fn count(&self, topic: &str) -> usize {
        self.place.tail(topic).len()
    }
}
