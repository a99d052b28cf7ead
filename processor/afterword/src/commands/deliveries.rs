//! `afterword deliveries`, `afterword webhooks`: the queue of mails and webhooks, from outside. They work on the report
//! database, beside a service or without one.

use afterword_readmodel::{
    DeliveryFilter, DeliveryRow, DeliveryState, EventKind, Lane, Replay, ReportDatabase,
};
use afterword_schemas::json::parse_time;
use serde_json::json;

use super::run::with_runtime;
use crate::cli::{Deliveries, Event, ReplayWebhooks, Webhooks, Which};
use crate::config::Config;
use crate::failure::Failure;
use crate::service::report_database;
use crate::terminal::{Style, Table, colours_on_stdout, grouped, harmless};

/// Lists deliveries, or has them tried again.
///
/// # Errors
/// When nothing of the kind is asked for that exists, or the report database cannot be used.
pub fn execute(config: &Config, deliveries: &Deliveries) -> Result<(), Failure> {
    match deliveries {
        Deliveries::List { which, limit, json } => {
            list(config, &filter(which, &[])?, *limit, *json)
        }
        Deliveries::Retry { ids, which, json } => retry(config, &filter(which, ids)?, *json),
    }
}

/// Tells endpoints again.
///
/// # Errors
/// As [`execute`].
pub fn webhooks(config: &Config, webhooks: &Webhooks) -> Result<(), Failure> {
    let Webhooks::Replay(asked) = webhooks;
    let replays = replays(config, asked)?;
    let queued = on_database(config, async |database| {
        let mut queued = 0;
        for replay in &replays {
            let replayed = database
                .replay_events(replay, afterword_web::now_ms())
                .await;
            queued += replayed.map_err(|error| Failure::while_doing("queueing webhooks", error))?;
        }
        Ok(queued)
    })?;
    match asked.json {
        true => outln!("{}", json!({ "queued": queued })),
        false => outln!(
            "{} webhooks queued; the role deliver sends them",
            grouped(queued)
        ),
    }
    Ok(())
}

fn filter(which: &Which, ids: &[String]) -> Result<DeliveryFilter, Failure> {
    let states = which.states.iter().map(|text| {
        DeliveryState::from_symbol(text).ok_or_else(|| {
            let all = DeliveryState::ALL.map(DeliveryState::symbol).join(", ");
            Failure::Usage(format!("--state: expected one of {all}, found `{text}`"))
        })
    });
    let lane = which.lane.as_deref().map(|text| {
        Lane::from_name(text).ok_or_else(|| {
            Failure::Usage(format!(
                "--lane: expected mail, events, or webhook: and an endpoint's name, found `{text}`"
            ))
        })
    });
    Ok(DeliveryFilter {
        ids: ids.to_vec(),
        states: states.collect::<Result<_, _>>()?,
        lane: lane.transpose()?,
        workspace_id: which.workspace.clone(),
    })
}

fn list(config: &Config, filter: &DeliveryFilter, limit: u32, json: bool) -> Result<(), Failure> {
    let rows = on_database(config, async |database| {
        let rows = database.deliveries(filter, limit).await;
        rows.map_err(|error| Failure::while_doing("reading the deliveries", error))
    })?;
    if json {
        for row in &rows {
            let line = serde_json::to_string(row);
            outln!(
                "{}",
                line.map_err(|error| Failure::Failed(error.to_string()))?
            );
        }
        return Ok(());
    }
    if rows.is_empty() {
        outln!("no deliveries of this kind");
        return Ok(());
    }
    let heading = ["since", "state", "attempts", "delivery", "detail"];
    let mut table = Table::new(&heading, &[2]);
    rows.iter().for_each(|row| table.styled_row(cells(row)));
    out!("{}", table.render(0, colours_on_stdout()));
    if rows.len() == limit as usize {
        outln!("the youngest {limit}; --limit shows more");
    }
    Ok(())
}

fn cells(row: &DeliveryRow) -> Vec<(String, Option<Style>)> {
    let style = match DeliveryState::from_symbol(&row.state) {
        Some(DeliveryState::Sent) => Style::Good,
        Some(DeliveryState::Bounced | DeliveryState::Failed) => Style::Bad,
        Some(DeliveryState::TooOld | DeliveryState::NoAddress) => Style::Warning,
        _ => Style::Dim,
    };
    let mut since = Vec::new();
    let at = afterword_schemas::records::Timestamp(row.counted_from);
    afterword_schemas::json::write_time(at, &mut since);
    let since = String::from_utf8_lossy(&since).trim_matches('"').to_owned();
    vec![
        (since, None),
        (row.state.clone(), Some(style)),
        (row.attempts.to_string(), None),
        (harmless(&row.delivery_id), None),
        (harmless(&row.detail), Some(Style::Dim)),
    ]
}

fn retry(config: &Config, filter: &DeliveryFilter, json: bool) -> Result<(), Failure> {
    if filter.ids.is_empty() && filter.states.is_empty() {
        return Err(Failure::Usage(
            "expected ids of deliveries, or --state; `afterword deliveries list` shows both"
                .to_owned(),
        ));
    }
    if filter.ids.is_empty() && filter.states.contains(&DeliveryState::Sent) {
        return Err(Failure::Usage(
            "what was sent is sent again only when its id is named".to_owned(),
        ));
    }
    let again = on_database(config, async |database| {
        let again = database
            .retry_deliveries(filter, afterword_web::now_ms())
            .await;
        again.map_err(|error| Failure::while_doing("queueing deliveries again", error))
    })?;
    match json {
        true => outln!("{}", json!({ "again": again })),
        false => outln!(
            "{} deliveries wait again; the role deliver sends them",
            grouped(again)
        ),
    }
    match again < filter.ids.len() as u64 {
        true => Err(Failure::Failed(format!(
            "{} of the ids are of no delivery, or of one that is being tried right now",
            filter.ids.len() as u64 - again
        ))),
        false => Ok(()),
    }
}

fn replays(config: &Config, asked: &ReplayWebhooks) -> Result<Vec<Replay>, Failure> {
    let time = |flag: &str, text: &str| {
        let expected = "expected a time such as 2026-03-01T00:00:00Z";
        let parsed = parse_time(text).map(|time| time.0);
        parsed.ok_or_else(|| Failure::Usage(format!("{flag}: {expected}, found `{text}`")))
    };
    let (from_ms, until_ms) = (time("--from", &asked.from)?, time("--to", &asked.to)?);
    if from_ms >= until_ms {
        return Err(Failure::Usage(
            "--to: expected a time after --from".to_owned(),
        ));
    }
    let endpoints = &config.deliver.endpoints;
    let is_known = |name: &String| endpoints.iter().any(|endpoint| endpoint.name == *name);
    if let Some(name) = asked.endpoint.as_ref().filter(|name| !is_known(name)) {
        let known: Vec<_> = endpoints
            .iter()
            .map(|endpoint| endpoint.name.as_str())
            .collect();
        return Err(Failure::Usage(format!(
            "--endpoint: expected one of the configuration ({}), found `{name}`",
            if known.is_empty() {
                "which has none".to_owned()
            } else {
                known.join(", ")
            }
        )));
    }
    let events = match asked.event {
        Some(Event::Requested) => vec![EventKind::RatingRequested],
        Some(Event::Submitted) => vec![EventKind::RatingSubmitted],
        None => EventKind::ALL.to_vec(),
    };
    let replay = |event| Replay {
        from_ms,
        until_ms,
        event,
        workspace_id: asked.workspace.clone(),
        endpoint: asked.endpoint.clone(),
    };
    Ok(events.into_iter().map(replay).collect())
}

/// Does something with the report database of the configuration.
///
/// # Errors
/// When there is none or it cannot be opened, and what the work says.
pub fn on_database<T, W>(config: &Config, work: W) -> Result<T, Failure>
where
    W: AsyncFnOnce(&ReportDatabase) -> Result<T, Failure>,
{
    with_runtime(opened(config, work))
}

async fn opened<T, W>(config: &Config, work: W) -> Result<T, Failure>
where
    W: AsyncFnOnce(&ReportDatabase) -> Result<T, Failure>,
{
    let database = report_database(config).await?;
    let done = work(&database).await;
    database.close().await;
    done
}
