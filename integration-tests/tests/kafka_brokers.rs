//! The brokers that other tests rely on: real, and what they were told is still there after a kill.

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use afterword_integration_tests::kafka::{Cluster, Options, Security};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const TOPIC: &str = "a-topic";
const PATIENCE: Duration = Duration::from_secs(120);

fn producer(bootstrap: &str, properties: &[(String, String)]) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config.set("enable.idempotence", "true");
    // A broker that sleeps keeps its connections: only this tells the client to ask another.
    config.set("socket.timeout.ms", "5000");
    for (name, value) in properties {
        config.set(name, value);
    }
    config.create().unwrap()
}

fn produce(producer: &BaseProducer, values: &[&str]) {
    for value in values {
        let record = BaseRecord::to(TOPIC).key("a key").payload(*value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(producer.in_flight_count(), 0);
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn one_broker_keeps_what_it_has_when_killed() {
    let began = Instant::now();
    let cluster = Cluster::start(1, Options::default());
    println!("one broker up after {:?}", began.elapsed());
    cluster.create_topic(TOPIC, 2, &["retention.ms=-1"]);
    let client = producer(&cluster.bootstrap(), &[]);
    produce(&client, &["one", "two"]);

    cluster.kill_broker(0);
    assert!(!cluster.is_running(0));
    let began = Instant::now();
    cluster.start_broker(0);
    println!("back after a kill in {:?}", began.elapsed());
    produce(&client, &["three"]);

    let read = cluster.console_consumer(TOPIC, true);
    assert_eq!(read.count, 3);
    assert_eq!(sorted(read.lines), ["one", "three", "two"]);
}

#[test]
fn three_brokers_carry_on_without_one() {
    let began = Instant::now();
    let cluster = Cluster::start(3, Options::default());
    println!("three brokers up after {:?}", began.elapsed());
    cluster.create_topic(TOPIC, 3, &[]);
    cluster.wait_until_in_sync(PATIENCE);
    let client = producer(&cluster.bootstrap(), &[]);
    for broker in 0..3 {
        cluster.kill_broker(broker);
        produce(&client, &["meanwhile"]);
        let began = Instant::now();
        cluster.start_broker(broker);
        cluster.wait_until_in_sync(PATIENCE);
        println!("broker {broker} back and in sync in {:?}", began.elapsed());
    }
    cluster.pause_broker(1);
    produce(&client, &["while one sleeps"]);
    cluster.resume_broker(1);
    cluster.stop_broker(2);
    assert_eq!(cluster.console_consumer(TOPIC, true).count, 4);
}

#[test]
fn a_listener_that_demands_a_password_gets_it() {
    let options = Options {
        security: Some(Security::Plain),
        ..Options::default()
    };
    let cluster = Cluster::start(1, options);
    cluster.create_topic(TOPIC, 1, &[]);
    let properties = cluster.secure_properties();
    let known = producer(&cluster.secure_bootstrap(), &properties);
    produce(&known, &["let in"]);

    let wrong = properties
        .into_iter()
        .map(|(name, value)| match name == "sasl.password" {
            true => (name, "wrong".to_owned()),
            false => (name, value),
        });
    let wrong: Vec<_> = wrong.collect();
    let stranger = producer(&cluster.secure_bootstrap(), &wrong);
    let patience = Duration::from_secs(3);
    let refused = stranger.client().fetch_metadata(None, patience);
    assert!(refused.is_err(), "a wrong password was let in");
}
