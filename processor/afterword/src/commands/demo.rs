//! `afterword demo`: everything in one process, with made-up history and live traffic.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use afterword_link::Subject;
use afterword_log::{Log, LogError, Partition, Topic};
use afterword_schemas::Schemas;
use afterword_web::{now_ms, settings_log};

use super::run::{Signals, stop, with_runtime};
use super::scoreboard::{self, Example};
use super::{Flag, resolve, simulate};
use crate::cli::{Common, Demo, Shares};
use crate::config::{Config, Origin};
use crate::failure::Failure;
use crate::links;
use crate::output;
use crate::service::{Roles, Service, ToyChat};
use crate::terminal::{Progress, Style, colours_on_stdout, paint};
use crate::traffic::{self, Live, Plan};

/// Days of made-up history.
const DAYS: u32 = 56;
/// How long the history may take to be folded and projected.
const HISTORY_PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(100);
/// Between two scoreboards, on a terminal and elsewhere.
const REFRESH: Duration = Duration::from_secs(1);
const REPRINT: Duration = Duration::from_secs(5);
const CUSTOMERS: u64 = 2_000;

/// Shows everything.
///
/// # Errors
/// When an address is taken or a part of the service fails.
pub fn execute(common: &Common, demo: &Demo) -> Result<(), Failure> {
    if !(demo.rate > 0.0 && demo.rate <= 10_000.0) {
        return Err(Failure::Usage(format!(
            "--rate: expected more than 0 and at most 10000, found {}",
            demo.rate
        )));
    }
    let (config, directory) = configure(common, demo)?;
    crate::telemetry::start(&config)?;
    let shown = with_runtime(show(&config, demo));
    if let Some(directory) = directory {
        directory
            .close()
            .map_err(|error| Failure::while_doing("removing the temporary directory", error))?;
    }
    shown
}

/// The configuration; where it names no data directory, a temporary one, and fewer log lines where it names no level.
fn configure(common: &Common, demo: &Demo) -> Result<(Config, Option<tempfile::TempDir>), Failure> {
    let mut flags: Vec<Flag<'_>> = vec![
        (
            "survey.listen",
            "--survey-listen",
            demo.survey_listen.clone(),
        ),
        (
            "reports.listen",
            "--reports-listen",
            demo.reports_listen.clone(),
        ),
        (
            "operations.listen",
            "--operations-listen",
            demo.operations_listen.clone(),
        ),
    ];
    let effective = resolve(common, &flags)?;
    let is_default = |key: &str| {
        effective
            .iter()
            .any(|(setting, _, origin)| setting.key == key && *origin == Origin::Default)
    };
    if is_default("logging.level") {
        flags.push(("logging.level", "demo", Some("warn".to_owned())));
    }
    let directory = match is_default("data_dir") {
        true => Some(
            tempfile::Builder::new()
                .prefix("afterword-demo-")
                .tempdir()?,
        ),
        false => None,
    };
    let path = directory
        .as_ref()
        .map(|directory| directory.path().to_string_lossy().into_owned());
    flags.push(("data_dir", "demo", path));
    let mut config = resolve(common, &flags)?.config();
    for (id, name) in traffic::NAMES {
        let mut look = config.look(id);
        look.name = name.to_owned();
        config.workspaces.entry(id.to_owned()).or_insert(look);
    }
    Ok((config, directory))
}

async fn show(config: &Config, demo: &Demo) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let roles = Roles {
        process: true,
        project: true,
        survey: true,
        report: true,
        deliver: true,
    };
    let toy = ToyChat::new(traffic::WORKSPACE)?;
    let service = Service::start_with(config, roles, Some(toy)).await?;
    let ending = Arc::new(AtomicBool::new(false));
    let shown = tokio::select! {
        shown = perform(config, demo, &service, &ending) => shown,
        () = signals.next() => Ok(()),
    };
    ending.store(true, Ordering::Relaxed);
    outln!("\nstopping…");
    let stopped = stop(service, config.stop_timeout, &mut signals).await;
    shown.and(stopped)
}

async fn perform(
    config: &Config,
    demo: &Demo,
    service: &Service,
    ending: &Arc<AtomicBool>,
) -> Result<(), Failure> {
    let shares = Shares::default();
    let (log, conversations, seed, made) = (
        Arc::clone(&service.log),
        demo.conversations,
        demo.seed,
        shares.clone(),
    );
    let schemas = Arc::clone(&service.schemas);
    let facts = tokio::task::spawn_blocking(move || {
        write_history(&*log, &schemas, seed, conversations, made)
    })
    .await;
    let facts = facts.map_err(|error| Failure::Failed(error.to_string()))??;
    wait_for_history(service, facts).await?;
    let (log, schemas) = (Arc::clone(&service.log), Arc::clone(&service.schemas));
    let example = tokio::task::spawn_blocking(move || scoreboard::example(&*log, &schemas)).await;
    let example = example.map_err(|error| Failure::Failed(error.to_string()))?;
    let link = link_to_try(config, service).await?;
    introduce(
        config,
        service,
        &example.unwrap_or_default(),
        link.as_deref(),
    );
    let plan = Plan::new(demo.seed, now_ms(), CUSTOMERS, shares, true);
    let live = Live::new(plan, demo.rate, None, now_ms());
    let (log, schemas) = (Arc::clone(&service.log), Arc::clone(&service.schemas));
    let ending = Arc::clone(ending);
    let live =
        tokio::task::spawn_blocking(move || simulate::append_live(&*log, &schemas, live, &ending));
    let until = demo
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    tokio::select! {
        shown = keep_showing(service, until) => shown,
        ended = live => ended.map_err(|error| Failure::Failed(error.to_string()))?.map(drop),
    }
}

/// Made-up weeks before now, unless the directory has a past of its own.
fn write_history(
    log: &dyn Log,
    schemas: &Schemas,
    seed: u64,
    conversations: u64,
    shares: Shares,
) -> Result<u64, Failure> {
    let failed = |error: LogError| Failure::while_doing("writing the history", error);
    settings_log::add(log, schemas, &traffic::settings(), Some("demo")).map_err(failed)?;
    for partition in (0..log.partitions(Topic::ConversationEvents)).map(Partition) {
        if log
            .bounds(Topic::ConversationEvents, partition)
            .map_err(failed)?
            .end
            .0
            > 0
        {
            return Ok(0);
        }
    }
    simulate::append_history(
        log,
        schemas,
        simulate::make_history(seed, conversations, DAYS, now_ms(), shares),
    )
}

async fn wait_for_history(service: &Service, facts: u64) -> Result<(), Failure> {
    let mut progress = Progress::new("deciding");
    let until = Instant::now() + HISTORY_PATIENCE;
    while Instant::now() < until {
        let health = service.health.clone();
        let backlog = tokio::task::spawn_blocking(move || health.backlog(facts)).await;
        match backlog {
            Ok(0) => return Ok(()),
            Ok(backlog) => progress.show(
                facts.saturating_sub(backlog),
                Some(facts),
                "made-up history",
            ),
            Err(error) => return Err(Failure::Failed(error.to_string())),
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(Failure::Failed(format!(
        "the history was not folded within {} s; http://{}/readyz says what each part does",
        HISTORY_PATIENCE.as_secs(),
        service.operations
    )))
}

/// A survey that nobody has answered, as its customer would get it.
async fn link_to_try(config: &Config, service: &Service) -> Result<Option<String>, Failure> {
    let Some(database) = service.database() else {
        return Ok(None);
    };
    let found = database.unanswered(traffic::WORKSPACE).await;
    let found = found.map_err(|error| Failure::while_doing("looking for a survey", error))?;
    let keys = links::keys(config)?;
    Ok(found.map(|request_id| {
        let token = keys.mint(&Subject {
            workspace_id: traffic::WORKSPACE.to_owned(),
            request_id,
        });
        format!("{}/r/{token}", service.public_url)
    }))
}

fn introduce(config: &Config, service: &Service, example: &Example, link: Option<&str>) {
    let colours = colours_on_stdout();
    let bold = |text: &str| paint(text, Style::Bold, colours);
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "afterword".to_owned());
    let directory = quoted(&config.data_dir);
    outln!("{}\n", bold("Afterword runs on made-up traffic. Open:"));
    if let Some(reports) = service.reports {
        outln!("  http://{reports}/{}/summary", traffic::WORKSPACE);
        if let Some(id) = &example.conversation {
            outln!(
                "  http://{reports}/api/v1/workspaces/{}/conversations/{id}",
                traffic::WORKSPACE
            );
        }
    }
    outln!("  http://{}/metrics", service.operations);
    outln!("  http://{}/readyz\n", service.operations);
    outln!("{}\n", bold("A survey in a chat, with both its sides:"));
    outln!("  {}/demo\n", service.public_url);
    if let Some(link) = link {
        outln!("{}\n", bold("A survey, as its customer sees it:"));
        outln!("  {link}\n");
    }
    outln!("{}\n", bold("In another terminal:"));
    for id in example.conversation.iter().chain(&example.not_asked) {
        outln!("  {program} explain {id} --data-dir {directory}");
    }
    outln!("  {program} tail rating-submitted --follow --data-dir {directory}");
    outln!("  {program} topics --data-dir {directory}\n");
    outln!("Ctrl-C ends it.\n");
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.contains(|c: char| c.is_whitespace() || "'\"$`\\".contains(c)) {
        true => format!("'{}'", text.replace('\'', "'\\''")),
        false => text,
    }
}

async fn keep_showing(service: &Service, until: Option<Instant>) -> Result<(), Failure> {
    let is_terminal = std::io::stdout().is_terminal();
    let between = if is_terminal { REFRESH } else { REPRINT };
    let mut lines = 0;
    loop {
        let text = scoreboard::render(service, colours_on_stdout()).await?;
        let back = if is_terminal && lines > 0 {
            format!("\x1b[{lines}A\x1b[J")
        } else {
            String::new()
        };
        lines = text.lines().count();
        out!("{back}{text}");
        if !output::flush() {
            return Ok(());
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        tokio::time::sleep(left.map_or(between, |left| left.min(between))).await;
    }
}
