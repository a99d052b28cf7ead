//! `make bench`: what each part of the pipeline costs, each beside a limit or a peer measured in the same run, since
//! machines differ and drift. Times are medians of several rounds.
//!
//! `AFTERWORD_BENCH_CONVERSATIONS` says how many conversations (50,000 when unset), of about twelve facts each.
#![allow(clippy::disallowed_macros, reason = "a benchmark")]

mod facts;
mod measure;
mod parts;

use measure::Table;

fn main() {
    // `cargo test` builds and runs benches too, with this flag missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let conversations = std::env::var("AFTERWORD_BENCH_CONVERSATIONS");
    let conversations = conversations
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(50_000);
    let facts = facts::lifelike(conversations);
    let mut table = Table::new(&facts);
    parts::decode(&facts, &mut table);
    parts::fold(&facts, &mut table);
    parts::append_latency(&mut table);
    parts::engine(&facts, &mut table);
    parts::restore(&facts, &mut table);
    table.print();
}
