//! The lanes of webhooks, one an endpoint, as <https://www.standardwebhooks.com> describes them.

mod payload;
mod post;
mod signature;

use std::sync::Arc;
use std::time::Instant;

use afterword_readmodel::{Claim, DeliveryState, EventKind};
use tokio::task::JoinSet;

use crate::lane::{Attempted, Batch, LaneLoop};
use crate::now_ms;
use post::Poster;
pub use signature::Secret;

/// Webhooks that one claim takes, sent side by side.
const AT_ONCE: u32 = 8;

/// Who is told, and of what. Has secrets in it, so it cannot be printed.
#[derive(Clone)]
pub struct Endpoint {
    /// As in the configuration; rows, metrics and log lines call it so.
    pub name: String,
    /// `http://…` or `https://…`. It may have a secret in it, and is never logged.
    pub url: String,
    /// Each signs: the present one, and while they are exchanged the former one.
    pub secrets: Vec<Secret>,
    /// Empty: of all.
    pub workspaces: Vec<String>,
    /// Empty: of all.
    pub events: Vec<EventKind>,
}

impl Endpoint {
    /// Whether it is told of such an event in this workspace.
    #[must_use]
    pub fn is_told(&self, event: EventKind, workspace_id: &str) -> bool {
        let of_workspace = self.workspaces.is_empty()
            || self
                .workspaces
                .iter()
                .any(|workspace| workspace == workspace_id);
        of_workspace && (self.events.is_empty() || self.events.contains(&event))
    }
}

/// Sends to one endpoint until it is time to stop.
pub async fn run(mut lane: LaneLoop, endpoint: Arc<Endpoint>) {
    let limit = lane.options.pace.webhook.min(lane.attempt_limit());
    let poster = Poster::new(limit);
    while let Some(batch) = lane.next(AT_ONCE).await {
        send_all(&mut lane, &endpoint, &poster, batch).await;
    }
}

/// Sends all at once: a batch takes as long as its slowest, and that has a limit.
async fn send_all(lane: &mut LaneLoop, endpoint: &Arc<Endpoint>, poster: &Poster, batch: Batch) {
    if lane.is_stopped() || !batch.has_time(lane.options.pace.claim) {
        return lane.release(&batch.claims, std::time::Duration::ZERO).await;
    }
    let mut attempts = JoinSet::new();
    for claim in batch.claims {
        let (options, endpoint, poster) = (
            Arc::clone(&lane.options),
            Arc::clone(endpoint),
            poster.clone(),
        );
        attempts.spawn(async move {
            let began = Instant::now();
            let attempted = match payload::of(&options, &claim).await {
                Ok(Some(body)) => send(&endpoint, poster, &claim, body).await,
                Ok(None) => {
                    let why = "what it tells of is not in the report database";
                    Attempted::Final(DeliveryState::Failed, why.to_owned())
                }
                Err(error) => Attempted::Again {
                    detail: format!("the report database: {error}"),
                    after: None,
                },
            };
            (claim, attempted, began.elapsed().as_secs_f64())
        });
    }
    let mut pause = None;
    while let Some(done) = attempts.join_next().await {
        match done {
            Ok((claim, attempted, seconds)) => {
                pause = pause.max(lane.settle(&claim, attempted, seconds).await);
            }
            // Its claim ends by itself, and it is tried again.
            Err(error) => tracing::error!(%error, "an attempt at a webhook panicked"),
        }
    }
    if let Some(pause) = pause {
        lane.sleep(pause).await;
    }
}

async fn send(endpoint: &Arc<Endpoint>, poster: Poster, claim: &Claim, body: String) -> Attempted {
    let (endpoint, message_id) = (Arc::clone(endpoint), claim.message_id());
    let posting = tokio::task::spawn_blocking(move || {
        let timestamp_s = now_ms() / 1_000;
        let signatures = endpoint
            .secrets
            .iter()
            .map(|secret| secret.sign(&message_id, timestamp_s, &body));
        let signatures: Vec<_> = signatures.collect();
        poster.post(
            &endpoint.url,
            &message_id,
            timestamp_s,
            &signatures.join(" "),
            &body,
        )
    });
    posting.await.unwrap_or_else(|error| Attempted::Again {
        detail: format!("a fault of this program: {error}"),
        after: None,
    })
}
