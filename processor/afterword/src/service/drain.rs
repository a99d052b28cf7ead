//! `run --drain`: folds and projects all that the log holds, then ends.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use afterword_web::Starting;
use serde::Serialize;

use super::metrics::Metrics;
use super::{Roles, Tasks, open, projecting, start_tasks};
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::{Progress, Style, Table, colours_on_stdout, grouped};
use crate::traces::Traces;

/// Longest wait for a consumer group.
const JOINING: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub facts: u64,
    pub passed_over: u64,
    pub dead_letters: u64,
    pub decisions: u64,
    pub requested: u64,
    pub submissions: u64,
    pub refusals: u64,
    pub seconds: f64,
    pub facts_per_second: f64,
}

/// Does it.
///
/// # Errors
/// When a task stopped, or the report database could not be written.
pub async fn run(config: &Config, roles: Roles) -> Result<Summary, Failure> {
    let metrics = Arc::new(
        Metrics::new().map_err(|error| Failure::while_doing("registering metrics", error))?,
    );
    let starting = Starting::default();
    let opened = open(config, &metrics, &starting).await?;
    let log = opened.log();
    let traces = Traces::start(config, &metrics.spans)?;
    let tracer = traces.tracer();
    let schemas = crate::registry::schemas(config);
    let reads = projecting::Reads::of(&opened, &schemas, &tracer);
    let started = Instant::now();
    if roles.process {
        let tasks = start_tasks(config, reads, &metrics)?;
        let watched = Arc::clone(&metrics);
        let drained = tokio::task::spawn_blocking(move || watch_while(&watched, || drain(tasks)));
        let drained = drained
            .await
            .map_err(|error| error.to_string())
            .and_then(|drained| drained);
        drained.map_err(|error| Failure::while_doing("folding", error))?;
    }
    let folded = started.elapsed().as_secs_f64();
    if roles.project {
        let (database, mut projector) = projecting::open(config, reads, &starting, None).await?;
        let drained = projector
            .drain()
            .await
            .map_err(|error| Failure::while_doing("projecting", error));
        drop(projector);
        database.close().await;
        drained?;
    }
    let stopped = tokio::task::spawn_blocking(move || traces.stop()).await;
    stopped.map_err(|error| Failure::while_doing("exporting traces", error))?;
    let impediment = log.impediment();
    drop(log);
    opened
        .close()
        .map_err(|error| Failure::while_doing("closing the log", error))?;
    match impediment {
        Some(impediment) => Err(Failure::Failed(impediment)),
        None => Ok(summary(&metrics, folded, started.elapsed().as_secs_f64())),
    }
}

/// Folds all there is. In a consumer group that is what this process is assigned: others may have the rest.
fn drain((engine, group): Tasks) -> Result<(), String> {
    let until = Instant::now() + JOINING;
    while let Some(group) = &group
        && !group.has_joined()
    {
        if Instant::now() >= until {
            let trouble = group.trouble().unwrap_or_default();
            return Err(format!(
                "the consumer group was not joined within {} s: {trouble}",
                JOINING.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let drained = match &*engine.read().unwrap_or_else(PoisonError::into_inner) {
        Some(engine) => engine.drain(),
        None => Ok(()),
    };
    let taken = engine
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let stopped = taken.map_or(Ok(()), afterword_engine::Engine::stop);
    drop(group);
    drained.and(stopped)
}

/// Runs the call, and shows meanwhile how far the tasks are.
fn watch_while<T: Send>(metrics: &Metrics, call: impl FnOnce() -> T + Send) -> T {
    let (ended, is_ended) = sync_channel::<()>(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut progress = Progress::new("folding");
            while is_ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let done = folded(metrics);
                let whole = done + metrics.sum("afterword_lag_facts", None);
                progress.show(done, Some(whole), &format!("{} facts", grouped(done)));
            }
        });
        let answer = call();
        drop(ended);
        answer
    })
}

/// Facts folded since the start, whatever came of them.
pub fn folded(metrics: &Metrics) -> u64 {
    [
        "afterword_facts_total",
        "afterword_facts_passed_over_total",
        "afterword_dead_letters_total",
    ]
    .iter()
    .map(|name| metrics.sum(name, None))
    .sum()
}

fn summary(metrics: &Metrics, folding_s: f64, seconds: f64) -> Summary {
    let facts = metrics.sum("afterword_facts_total", None);
    Summary {
        facts,
        passed_over: metrics.sum("afterword_facts_passed_over_total", None),
        dead_letters: metrics.sum("afterword_dead_letters_total", None),
        decisions: metrics.sum("afterword_decisions_total", None),
        requested: metrics.sum("afterword_requests_total", None),
        submissions: metrics.sum("afterword_submissions_total", None),
        refusals: metrics.sum("afterword_refusals_total", None),
        seconds,
        facts_per_second: (facts as f64 / folding_s.max(0.000_001)).round(),
    }
}

/// Prints the summary.
pub fn print(summary: &Summary, as_json: bool) {
    if as_json {
        outln!("{}", serde_json::to_string(summary).unwrap_or_default());
        return;
    }
    let mut table = Table::new(&["drained", ""], &[1]);
    let dead = (summary.dead_letters > 0).then_some(Style::Warning);
    let rows = [
        ("facts", summary.facts, None),
        ("passed over (unknown here)", summary.passed_over, None),
        ("dead letters", summary.dead_letters, dead),
        ("decisions", summary.decisions, None),
        ("requests", summary.requested, Some(Style::Good)),
        ("submissions", summary.submissions, None),
        ("refusals", summary.refusals, None),
        ("facts a second", summary.facts_per_second as u64, None),
    ];
    for (name, number, style) in rows {
        table.styled_row(vec![(name.to_owned(), None), (grouped(number), style)]);
    }
    table.row(["seconds".to_owned(), format!("{:.2}", summary.seconds)]);
    out!("{}", table.render(0, colours_on_stdout()));
}
