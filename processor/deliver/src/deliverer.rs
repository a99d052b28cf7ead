//! The deliverer: a loop a lane, and the sweep.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use afterword_readmodel::{EventKind, Lane, ReadModelError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::lane::{Impediments, LaneLoop};
use crate::options::DeliverOptions;
use crate::{mail, ms, now_ms, webhook};

/// Delivers until it is told to stop.
pub struct Deliverer {
    options: Arc<DeliverOptions>,
    impediments: Impediments,
}

/// What a deliverer does now.
#[derive(Clone)]
pub struct DeliverWatch {
    impediments: Impediments,
    has_mail: bool,
}

impl DeliverWatch {
    /// Why mails do not get out now, if they do not. A webhook's receiver that does not answer is no fault of this process and
    /// is told in metrics alone.
    #[must_use]
    pub fn impediment(&self) -> Option<String> {
        let all = self
            .impediments
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ours = [SWEEP.to_owned(), Lane::Mail.name(), Lane::Events.name()];
        ours.iter().find_map(|name| all.get(name).cloned())
    }

    /// What it does when nothing is wrong.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        match self.has_mail {
            true => "delivers",
            false => "delivers webhooks; no mail server is configured, so no mails",
        }
    }
}

/// The sweep's name among the impediments.
const SWEEP: &str = "sweep";

impl Deliverer {
    /// A deliverer; it does nothing yet.
    #[must_use]
    pub fn new(options: DeliverOptions) -> Deliverer {
        Deliverer {
            options: Arc::new(options),
            impediments: Impediments::default(),
        }
    }

    /// For health.
    #[must_use]
    pub fn watch(&self) -> DeliverWatch {
        DeliverWatch {
            impediments: Arc::clone(&self.impediments),
            has_mail: self.options.mail.is_some(),
        }
    }

    /// Delivers until `stop` becomes true, then until what is being sent has an answer.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let lane = |lane| LaneLoop::new(&self.options, lane, &stop, &self.impediments);
        let mut loops = JoinSet::new();
        if let Some(mail) = &self.options.mail {
            for _ in 0..mail.connections.max(1) {
                loops.spawn(mail::run(lane(Lane::Mail), mail.clone()));
            }
        }
        for endpoint in &self.options.endpoints {
            let lane = lane(Lane::Webhook(endpoint.name.clone()));
            loops.spawn(webhook::run(lane, Arc::new(endpoint.clone())));
        }
        let upkeep = Upkeep {
            options: Arc::clone(&self.options),
            impediments: Arc::clone(&self.impediments),
        };
        loops.spawn(share_out(upkeep.clone(), stop.clone()));
        loops.spawn(sweep(upkeep, stop));
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a loop of deliveries ended");
            }
        }
    }
}

/// What keeps the queue in order.
#[derive(Clone)]
struct Upkeep {
    options: Arc<DeliverOptions>,
    impediments: Impediments,
}

impl Upkeep {
    fn note(&self, name: &str, result: &Result<(), ReadModelError>) {
        let mut all = self
            .impediments
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => all.remove(name),
            Err(error) => {
                tracing::warn!(%error, "the queue of deliveries waits for the report database");
                all.insert(name.to_owned(), format!("the report database: {error}"))
            }
        };
    }

    fn told(&self, event: EventKind, workspace_id: &str) -> Vec<String> {
        let told = self.options.endpoints.iter();
        let told = told.filter(|endpoint| endpoint.is_told(event, workspace_id));
        told.map(|endpoint| endpoint.name.clone()).collect()
    }

    async fn sweep(&self) -> Result<(), ReadModelError> {
        let (options, now) = (&self.options, now_ms());
        let (oldest, kept) = (now - ms(options.max_age), now - ms(options.keep));
        let swept = options.database.sweep_deliveries(now, oldest, kept).await?;
        for ((lane, state), count) in &swept.ended {
            let (lane_name, state_name) = (lane.name(), state.symbol());
            tracing::warn!(
                lane = lane_name,
                state = state_name,
                count,
                "deliveries were too old"
            );
            options.metrics.finished(lane, *state, *count);
        }
        let backlog = options.database.delivery_backlog().await?;
        let mut lanes = vec![Lane::Mail, Lane::Events];
        let names = options
            .endpoints
            .iter()
            .map(|endpoint| endpoint.name.clone());
        lanes.extend(names.map(Lane::Webhook));
        options.metrics.backlog(&backlog, &lanes, now);
        Ok(())
    }
}

async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn share_out(upkeep: Upkeep, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let database = &upkeep.options.database;
        let shared = database.share_events_out(now_ms(), |event, workspace_id| {
            upkeep.told(event, workspace_id)
        });
        let shared = shared.await;
        let is_idle = !matches!(shared, Ok(count) if count > 0);
        upkeep.note(&Lane::Events.name(), &shared.map(drop));
        if is_idle {
            pause(upkeep.options.pace.poll, &mut stop).await;
        }
    }
}

async fn sweep(upkeep: Upkeep, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let swept = upkeep.sweep().await;
        upkeep.note(SWEEP, &swept);
        pause(upkeep.options.pace.sweep, &mut stop).await;
    }
}
