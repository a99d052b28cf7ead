//! Scenarios about single outputs: one that the broker refuses, and one that stands in the log twice.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;

use crate::script;
use crate::stage::{SOON, Stage, Under, expect};
use crate::stranger::OUTPUTS;
use crate::wait::until;

/// The topic of decisions takes no record for a while.
pub fn an_output_that_is_refused(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let servers = stage.world.bootstrap_servers();
    // The coordinator's markers still fit.
    largest(&servers, "200");
    stage.import(&script::conversation("c2"));
    std::thread::sleep(Duration::from_secs(5));
    largest(&servers, "1048588");
    stage.import(&script::conversation("c3"));
    stage.judge()
}

/// Sets the largest record of the topic of decisions.
fn largest(servers: &str, bytes: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .create()
        .unwrap();
    let topic = ResourceSpecifier::Topic("eligibility-decided");
    let change = [AlterConfig::new(topic).set("max.message.bytes", bytes)];
    let options = AdminOptions::new();
    let altered = futures_executor::block_on(admin.alter_configs(&change, &options));
    let altered = altered.unwrap();
    altered[0].as_ref().unwrap();
}

/// Every output stands in the log once more, headers and all; the read model must not count it again.
pub fn an_output_twice_in_the_log(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[]);
    let servers = stage.world.bootstrap_servers();
    let arguments = stage.world.running(&["project", "report"], &servers);
    stage.b.start(&arguments, &under.off);
    stage.import(&script::conversation("c1"));
    stage.import(&script::rated("c1"));
    stage.catch_up(SOON)?;
    expect(comes_to(&mut stage, (1, 1)).is_ok(), "c1 to be projected");
    stage.stranger.read();
    repeat_all(&servers, &stage);
    stage.import(&script::conversation("c2"));
    stage.catch_up(SOON)?;
    comes_to(&mut stage, (2, 1))?;
    stage.world.went_well();
    Ok(())
}

/// Waits until the teammate's card says so many requests, and so many answers that were `great`.
fn comes_to(stage: &mut Stage, expected: (i64, i64)) -> Result<(), String> {
    let mut found = None;
    let comes = until(SOON, || {
        stage.b.must_run();
        let cards = stage.world.must(&["tail", "teammate-scorecards"]);
        let cards = cards.lines();
        let cards = cards.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let revision = |card: &Value| card["revision"].as_i64();
        let latest = cards.max_by_key(revision);
        let sums = |card: Value| Some((card["requests"].as_i64()?, card["great"].as_i64()?));
        found = latest.and_then(sums);
        found == Some(expected)
    });
    match comes {
        true => Ok(()),
        false => Err(format!(
            "expected {expected:?} requests and great ratings on the teammate's card, found {found:?}; the projector said: {}",
            stage.b.last_words()
        )),
    }
}

fn repeat_all(servers: &str, stage: &Stage) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .create()
        .unwrap();
    for topic in OUTPUTS {
        for stored in stage.stranger.records.get(topic).into_iter().flatten() {
            let (source, index) = stored.source.as_ref().unwrap();
            let header = |key, value| Header {
                key,
                value: Some(value),
            };
            let headers = OwnedHeaders::new()
                .insert(header("afterword-source", source))
                .insert(header("afterword-index", index));
            let record = BaseRecord::to(topic).partition(stored.partition);
            let record = record.key(&stored.key).payload(&stored.value);
            producer
                .send(record.headers(headers))
                .map_err(|(error, _)| error)
                .unwrap();
        }
    }
    producer.flush(SOON).unwrap();
}
