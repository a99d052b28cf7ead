//! `afterword simulate`: made-up traffic to the log, or as NDJSON.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use afterword_log::{Log, Partition, Record, Topic};
use afterword_schemas::{Framing, RecordKind, Schemas, json};
use afterword_web::{intake, now_ms, settings_log};

use super::run::{Signals, with_runtime};
use crate::access::{Access, Missing};
use crate::cli::Simulate;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Stream;
use crate::registry;
use crate::terminal::{Progress, grouped};
use crate::traces;
use crate::traffic::{self, History, Live, Made, Plan};

/// Facts appended at once.
const BATCH: usize = 5_000;
/// How often live traffic is looked after.
const TICK: Duration = Duration::from_millis(50);
/// Conversations of a history when none are asked for.
const CONVERSATIONS: u64 = 10_000;

/// Writes the traffic.
///
/// # Errors
/// When the log takes no more, or the file cannot be written.
pub fn execute(config: &Config, simulate: &Simulate) -> Result<(), Failure> {
    if simulate.live && !(simulate.rate > 0.0 && simulate.rate <= 100_000.0) {
        return Err(Failure::Usage(format!(
            "--rate: expected more than 0 and at most 100000, found {}",
            simulate.rate
        )));
    }
    if let Some(path) = &simulate.out {
        return write(path, history(simulate)?);
    }
    let schemas = registry::schemas(config);
    schemas.framing(RecordKind::ConversationEvent)?;
    let access = Access::open(config, Missing::Create)?;
    let traces = traces::of_command(config, &access)?;
    let log = traces.log(access.log());
    settings_log::add(&*log, &schemas, &traffic::settings(), Some("simulate"))
        .map_err(|error| Failure::while_doing("adding the settings", error))?;
    let (started, facts) = (Instant::now(), {
        match simulate.live {
            true => live(&log, &schemas, simulate)?,
            false => append_history(&*log, &schemas, history(simulate)?)?,
        }
    });
    drop(log);
    traces.stop();
    access.close()?;
    let seconds = started.elapsed().as_secs_f64();
    let rate = (facts as f64 / seconds.max(0.001)) as u64;
    match simulate.json {
        true => outln!(
            "{}",
            serde_json::json!({ "facts": facts, "seconds": seconds })
        ),
        false => outln!(
            "{} facts written in {seconds:.1} s ({} a second)",
            grouped(facts),
            grouped(rate)
        ),
    }
    Ok(())
}

fn history(simulate: &Simulate) -> Result<History, Failure> {
    let until_ms = match &simulate.until {
        None => now_ms(),
        Some(text) => {
            let found = json::parse_time(text);
            let expected = || {
                Failure::Usage(format!(
                    "--until: expected a time such as 2026-03-01T00:00:00Z, found `{text}`"
                ))
            };
            found.ok_or_else(expected)?.0
        }
    };
    let conversations = simulate.conversations.unwrap_or(CONVERSATIONS);
    Ok(make_history(
        simulate.seed,
        conversations,
        simulate.days,
        until_ms,
        simulate.shares.clone(),
    ))
}

/// The history of a seed that ends at this moment.
#[must_use]
pub fn make_history(
    seed: u64,
    conversations: u64,
    days: u32,
    until_ms: i64,
    shares: crate::cli::Shares,
) -> History {
    let plan = Plan::new(seed, until_ms, customers(conversations), shares, false);
    History::new(plan, conversations, days, until_ms)
}

fn customers(conversations: u64) -> u64 {
    (conversations / 2).max(50)
}

fn write(path: &Path, history: History) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        // Whatever stops it is known there, and told in the end.
        let _: io::Result<()> = write_lines(history, Stream::buffered());
        return Ok(());
    }
    let written = std::fs::File::create(path)
        .and_then(|file| write_lines(history, io::BufWriter::with_capacity(1 << 16, file)));
    written.map_err(|error| Failure::while_doing(format!("writing {}", path.display()), error))
}

fn write_lines(history: History, mut out: impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    for made in history {
        line.clear();
        json::write(&made.as_event(), None, &mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}

/// Appends a whole history, batch by batch, and returns how many facts it was.
///
/// # Errors
/// When the log takes no more.
pub fn append_history(
    log: &dyn Log,
    schemas: &Schemas,
    mut history: History,
) -> Result<u64, Failure> {
    let framing = schemas.framing(RecordKind::ConversationEvent)?;
    let mut progress = Progress::new("writing history");
    let partitions = log.partitions(Topic::ConversationEvents);
    let mut facts = 0;
    loop {
        let batch: Vec<_> = history
            .by_ref()
            .take(BATCH)
            .map(|made| record(&made, partitions, framing))
            .collect();
        if batch.is_empty() {
            return Ok(facts);
        }
        facts += batch.len() as u64;
        append(log, batch, facts)?;
        let (done, whole) = history.progress();
        progress.show(done, Some(whole), &format!("{} facts", grouped(facts)));
    }
}

fn record(made: &Made, partitions: u32, framing: Framing) -> (Partition, Record) {
    intake::record_of(&made.as_event(), partitions, framing, now_ms())
}

fn append(log: &dyn Log, batch: Vec<(Partition, Record)>, facts: u64) -> Result<(), Failure> {
    let appended = log.append(Topic::ConversationEvents, batch);
    appended.map(drop).map_err(|error| {
        Failure::while_doing(
            format!("appending the batch that ends with fact {}", grouped(facts)),
            error,
        )
    })
}

fn live(log: &Arc<dyn Log>, schemas: &Arc<Schemas>, simulate: &Simulate) -> Result<u64, Failure> {
    let now = now_ms();
    let plan = Plan::new(
        simulate.seed,
        now,
        customers(2_000),
        simulate.shares.clone(),
        true,
    );
    let live = Live::new(plan, simulate.rate, simulate.conversations, now);
    let (log, schemas) = (Arc::clone(log), Arc::clone(schemas));
    with_runtime(async move {
        let mut signals = Signals::new()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut task =
            tokio::task::spawn_blocking(move || append_live(&*log, &schemas, live, &stopped));
        let ended = tokio::select! {
            ended = &mut task => ended,
            () = signals.next() => {
                stop.store(true, Ordering::Relaxed);
                task.await
            }
        };
        ended.map_err(|error| Failure::Failed(error.to_string()))?
    })
}

/// Appends live traffic as it comes, until it is over or `stop` becomes true.
///
/// # Errors
/// When the log takes no more.
pub fn append_live(
    log: &dyn Log,
    schemas: &Schemas,
    mut live: Live,
    stop: &AtomicBool,
) -> Result<u64, Failure> {
    let framing = schemas.framing(RecordKind::ConversationEvent)?;
    let mut progress = Progress::new("live");
    let partitions = log.partitions(Topic::ConversationEvents);
    let mut facts = 0;
    while !stop.load(Ordering::Relaxed) && !live.is_over() {
        let batch: Vec<_> = live
            .due(now_ms(), BATCH)
            .iter()
            .map(|made| record(made, partitions, framing))
            .collect();
        if batch.is_empty() {
            std::thread::sleep(TICK);
            continue;
        }
        facts += batch.len() as u64;
        append(log, batch, facts)?;
        progress.show(
            0,
            None,
            &format!(
                "{} conversations, {} facts",
                grouped(live.begun()),
                grouped(facts)
            ),
        );
    }
    Ok(facts)
}
