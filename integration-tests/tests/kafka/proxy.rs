//! The proxy itself, between real clients and a real broker.

use std::path::Path;
use std::time::{Duration, Instant};

use afterword_integration_tests::proxy::{Action, Api, Rule, Way};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::alone;
use crate::world::{Plan, World};

const TOPIC: &str = "anything";
const CALL: Duration = Duration::from_secs(30);

fn producer(world: &World, id: &str) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", world.proxy().bootstrap_servers())
        .set("client.id", format!("{id}-client"))
        .set("transactional.id", id)
        .set("socket.timeout.ms", "1500")
        .set("retry.backoff.ms", "20")
        .create()
        .unwrap()
}

fn send(producer: &BaseProducer, value: &str) {
    let record = BaseRecord::<str, str>::to(TOPIC)
        .payload(value)
        .partition(0);
    producer.send(record).unwrap();
}

/// What a reader of committed records finds.
fn committed(world: &World) -> Vec<String> {
    let records = world.stranger().read_topic(TOPIC).into_iter();
    records
        .map(|record| String::from_utf8(record.value).unwrap())
        .collect()
}

#[test]
fn what_is_held_arrives_late_also_when_its_client_has_gone() {
    let _alone = alone();
    let world = World::without_topics(Plan::new(Path::new("not needed"), 1, 1).proxied());
    world.cluster.create_topic(TOPIC, 1, &[]);
    everything_passes(&world);
    a_delay_is_one(&world);
    an_end_txn_hits_the_next_transaction(&world);
    what_is_cut_is_tried_again(&world);
    world.went_well();
}

fn everything_passes(world: &World) {
    let producer = producer(world, "plain");
    producer.init_transactions(CALL).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, "one");
    producer.commit_transaction(CALL).unwrap();
    assert_eq!(committed(world), ["one"]);
    assert_eq!(world.proxy().requests(Api::END_TXN), 1);
    assert!(world.proxy().requests(Api::METADATA) > 0);
}

fn a_delay_is_one(world: &World) {
    let delay = Duration::from_millis(700);
    let rule = Rule::new(Way::ToClient, Action::Delay(delay)).of(&[Api::INIT_PRODUCER_ID]);
    let handle = world.proxy().rule(rule.client("slow"));
    let began = Instant::now();
    let slow = producer(world, "slow");
    slow.init_transactions(CALL).unwrap();
    assert!(began.elapsed() >= delay);
    assert_eq!(handle.matched(), 1);
    handle.release();
}

/// The trap that makes it necessary to end a producer whose commit was slow: its EndTxn comes a second time.
fn an_end_txn_hits_the_next_transaction(world: &World) {
    let producer = producer(world, "victim");
    producer.init_transactions(CALL).unwrap();
    let rule = Rule::new(Way::ToBroker, Action::Hold).of(&[Api::END_TXN]);
    let handle = world
        .proxy()
        .rule(rule.transactional_id("victim").at_most(1));
    producer.begin_transaction().unwrap();
    send(&producer, "two");
    // The client waits, gives its connection up, asks again on another, and is content.
    producer.commit_transaction(CALL).unwrap();
    assert_eq!((handle.matched(), handle.holding()), (1, 1));
    producer.begin_transaction().unwrap();
    send(&producer, "never to be seen");
    producer.flush(CALL).unwrap();
    assert_eq!(committed(world), ["one", "two"]);
    handle.release();
    assert!(handle.wait_late(1, CALL));
    let late = handle.late();
    assert!(late[0].client_gone, "{late:?}");
    assert_eq!(
        late[0].answer,
        Some(0),
        "the broker takes it for the next transaction's"
    );
    assert_eq!(committed(world), ["one", "two", "never to be seen"]);
}

fn what_is_cut_is_tried_again(world: &World) {
    let producer = producer(world, "cut");
    producer.init_transactions(CALL).unwrap();
    let rule = Rule::new(Way::ToBroker, Action::Cut).of(&[Api::ADD_PARTITIONS_TO_TXN]);
    let handle = world.proxy().rule(rule.transactional_id("cut").at_most(2));
    let swallow = Rule::new(Way::ToClient, Action::Swallow).of(&[Api::END_TXN]);
    let swallowed = world.proxy().rule(swallow.at_most(1));
    producer.begin_transaction().unwrap();
    send(&producer, "four");
    producer.commit_transaction(CALL).unwrap();
    assert_eq!((handle.matched(), swallowed.matched()), (2, 1));
    assert_eq!(committed(world).len(), 4);
}
