//! Bodies of facts, by this build's schema or a made-up one, against apache-avro.
//!
//! The first eight bytes choose the writer (all zero: this build's schema), the rest is the body.
#![no_main]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/common/oracle.rs"]
mod oracle;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/common/types.rs"]
mod types;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/common/writers.rs"]
mod writers;

use std::sync::LazyLock;

use afterword_schemas::{RecordKind, SchemaStore};
use apache_avro::Schema;
use libfuzzer_sys::{Corpus, fuzz_target};

static OUR_OWN: LazyLock<SchemaStore> = LazyLock::new(SchemaStore::new);

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((seed, body)) = data.split_first_chunk() else {
        return Corpus::Reject;
    };
    let text = match u64::from_le_bytes(*seed) {
        0 => RecordKind::ConversationEvent.schema_text().to_owned(),
        seed => writers::Writer::evolved(seed).schema(),
    };
    let mut store = OUR_OWN.clone();
    store
        .register_id(1, &text)
        .expect("a made-up schema is one");
    let value = [&[0, 0, 0, 0, 1], body].concat();
    let schema = Schema::parse_str(&text).expect("a made-up schema is one");
    oracle::assert_agreement(&schema, body, &store.decode_fact(&value));
    Corpus::Keep
});
