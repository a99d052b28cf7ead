//! How long a fact takes to decode and encode: `cargo run --release -p afterword-schemas --example decode_speed`.

use std::hint::black_box;
use std::time::Instant;

use afterword_schemas::json;
use afterword_schemas::records::{
    Actor, ActorKind, ConversationEvent, Format, Payload, Reaction, Timestamp, Visibility,
};
use afterword_schemas::{Framing, SchemaStore, encode};

const ROUNDS: u32 = 10_000;
const RUNS: usize = 300;

/// The fastest of many short runs, in nanoseconds a fact: what others do on the machine mostly falls between them.
fn measure(name: &str, mut work: impl FnMut()) {
    let mut fastest = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| work());
        fastest = fastest.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    println!("{name}: {fastest:.0} ns");
}

fn main() {
    let text = "Hello, I have not had my order yet, and the tracking page says nothing about it. Can you help me, please?";
    let author = Actor {
        kind: ActorKind::User,
        id: "user-0012345678",
    };
    let message = Payload::MessageAdded {
        author,
        text,
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    let (request_id, customer_id) = ("74738ff5-5367-5958-9aee-98fffdcd1876", "user-0012345678");
    let reaction = Payload::ReactionSelected {
        request_id,
        customer_id,
        reaction: Reaction::Great,
    };
    let translated = "Здравствуйте, я ещё не получил свой заказ, и на странице отслеживания ничего нет. Помогите!";
    let other = Payload::MessageAdded {
        author,
        text: translated,
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    let store = SchemaStore::new();
    for payload in [message, other, reaction] {
        let event = ConversationEvent {
            event_id: "evt-000000001234",
            workspace_id: "ws-0001",
            conversation_id: "conv-00000012345",
            occurred_at: Timestamp(1_772_355_600_000),
            payload,
        };
        let mut value = Vec::new();
        encode(&event, Framing::SingleObject, &mut value);
        let bytes = value.len();
        measure(
            &format!("decode {} of {bytes} bytes", payload.kind()),
            || {
                black_box(store.decode_fact(black_box(&value))).expect("a fact");
            },
        );
        let mut out = Vec::with_capacity(bytes);
        measure("encode", || {
            out.clear();
            encode(black_box(&event), Framing::SingleObject, &mut out);
        });
        let mut text = Vec::new();
        measure("write JSON", || {
            text.clear();
            json::write(black_box(&event), None, &mut text);
        });
        measure("parse JSON", || {
            black_box(json::parse_fact(black_box(&text))).expect("a fact");
        });
    }
}
