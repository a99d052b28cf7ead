//! What all lanes share: claiming, saying what became of an attempt, pauses, and what is known of it from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use afterword_readmodel::{Claim, DeliveryState, Lane, Outcome, ReadModelError};
use tokio::sync::watch;

use crate::backoff::{self, Pause};
use crate::metrics::Reached;
use crate::options::DeliverOptions;
use crate::{ms, now_ms};

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// Nothing more is to be done, and why if there is something to say.
    Final(DeliveryState, String),
    NoAddress,
    /// It failed, and may succeed later; the other side may have said when.
    Again {
        detail: String,
        after: Option<Duration>,
    },
    /// The other side as such does not answer or does not want us: the others need not be tried now.
    Unreachable(String),
}

/// Why a lane does not get on, by its name.
pub type Impediments = Arc<Mutex<BTreeMap<String, String>>>;

/// One loop's view of its lane.
pub struct LaneLoop {
    pub options: Arc<DeliverOptions>,
    pub lane: Lane,
    pub stop: watch::Receiver<bool>,
    impediments: Impediments,
    pause: Pause,
}

/// Claims of one moment.
pub struct Batch {
    pub claims: Vec<Claim>,
    claimed: Instant,
}

impl Batch {
    /// Whether an attempt that begins now ends before the claims do: it takes half of their time at most.
    pub fn has_time(&self, claim: Duration) -> bool {
        self.claimed.elapsed() < claim / 2
    }
}

impl LaneLoop {
    pub fn new(
        options: &Arc<DeliverOptions>,
        lane: Lane,
        stop: &watch::Receiver<bool>,
        impediments: &Impediments,
    ) -> LaneLoop {
        LaneLoop {
            options: Arc::clone(options),
            lane,
            stop: stop.clone(),
            impediments: Arc::clone(impediments),
            pause: Pause::new(),
        }
    }

    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// How long one attempt may take.
    pub fn attempt_limit(&self) -> Duration {
        (self.options.pace.claim / 2).min(Duration::from_secs(60))
    }

    /// What is due, at most so many; waits when there is nothing. None when it is time to stop.
    pub async fn next(&mut self, most: u32) -> Option<Batch> {
        while !self.is_stopped() {
            let (claimed, now) = (Instant::now(), now_ms());
            let until = now + ms(self.options.pace.claim);
            let token = uuid::Uuid::new_v4().to_string();
            let database = &self.options.database;
            let claims = database.claim_deliveries(&self.lane, &token, now, until, most);
            match claims.await {
                Ok(claims) if !claims.is_empty() => {
                    let claims = self.end_old(claims).await;
                    return Some(Batch { claims, claimed });
                }
                Ok(_) => self.sleep(backoff::jittered(self.options.pace.poll)).await,
                Err(error) => self.wait_for_database(&error).await,
            }
        }
        None
    }

    /// Ends what is too old by now, which the sweep has not come to yet, and returns the others.
    async fn end_old(&mut self, claims: Vec<Claim>) -> Vec<Claim> {
        let oldest = now_ms() - ms(self.options.max_age);
        let is_old = |claim: &Claim| claim.counted_from < oldest;
        let (old, young): (Vec<_>, Vec<_>) = claims.into_iter().partition(is_old);
        for claim in old {
            let state = match claim.attempts {
                ..=1 => DeliveryState::TooOld,
                _ => DeliveryState::Failed,
            };
            let outcome = Outcome::End(state);
            self.say(&claim, &outcome).await;
        }
        young
    }

    /// Sleeps, unless it is time to stop.
    pub async fn sleep(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn wait_for_database(&mut self, error: &ReadModelError) {
        tracing::warn!(%error, lane = self.lane.name(), "deliveries wait for the report database");
        self.impeded(format!("the report database: {error}"));
        let pause = self.pause.next();
        self.sleep(pause).await;
    }

    fn impeded(&self, why: String) {
        let mut all = self
            .impediments
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.insert(self.lane.name(), why);
        self.options.metrics.reached(&self.lane, Reached::No);
    }

    fn reached(&mut self) {
        self.pause.over();
        let mut all = self
            .impediments
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.lane.name());
        self.options.metrics.reached(&self.lane, Reached::Yes);
    }

    /// Says what became of an attempt. Returns for how long the lane should pause, when the other side cannot be reached.
    pub async fn settle(
        &mut self,
        claim: &Claim,
        attempted: Attempted,
        seconds: f64,
    ) -> Option<Duration> {
        let pace = self.options.pace;
        self.options.metrics.attempted(&self.lane, seconds);
        let has_answered = match &attempted {
            Attempted::Final(state, _) => {
                matches!(state, DeliveryState::Sent | DeliveryState::Bounced)
            }
            Attempted::Again { .. } => true,
            Attempted::NoAddress | Attempted::Unreachable(_) => false,
        };
        let (outcome, pause) = match attempted {
            Attempted::Final(state, detail) => (Outcome::Final(state, detail), None),
            Attempted::NoAddress => (Outcome::NoAddress, None),
            Attempted::Again { detail, after } => {
                let wait = backoff::wait(claim.attempts, pace.first_retry, pace.longest_retry);
                let wait = wait.max(after.unwrap_or_default().min(pace.longest_retry));
                let at_ms = now_ms() + ms(wait);
                (Outcome::Retry { at_ms, detail }, None)
            }
            Attempted::Unreachable(detail) => {
                let pause = self.pause.next();
                tracing::warn!(
                    lane = self.lane.name(),
                    why = detail,
                    "the other side is not reached"
                );
                self.impeded(detail.clone());
                let at_ms = now_ms() + ms(pause);
                (Outcome::Retry { at_ms, detail }, Some(pause))
            }
        };
        if has_answered {
            self.reached();
        }
        self.say(claim, &outcome).await;
        pause
    }

    /// Gives back what was claimed and not tried.
    pub async fn release(&mut self, claims: &[Claim], after: Duration) {
        for claim in claims {
            let at_ms = now_ms() + ms(after);
            let outcome = Outcome::Release { at_ms };
            self.say(claim, &outcome).await;
        }
    }

    /// Writes it down, for as long as the claim holds: after that it is no longer ours to say.
    async fn say(&mut self, claim: &Claim, outcome: &Outcome) {
        let until = Instant::now() + self.options.pace.claim;
        loop {
            let database = &self.options.database;
            match database.finish_delivery(claim, outcome, now_ms()).await {
                Ok(is_ours) => return self.count(outcome, is_ours),
                Err(error) if Instant::now() < until => {
                    tracing::warn!(%error, "what became of a delivery cannot be written yet");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(error) => {
                    tracing::error!(%error, "what became of a delivery was not written: it may be sent again");
                    return;
                }
            }
        }
    }

    fn count(&self, outcome: &Outcome, is_ours: bool) {
        if !is_ours {
            tracing::warn!(
                lane = self.lane.name(),
                "a claim's time was over before its attempt was: another may have sent the same"
            );
            return;
        }
        match outcome {
            Outcome::Final(state, _) | Outcome::End(state) => {
                self.options.metrics.finished(&self.lane, *state, 1)
            }
            Outcome::Retry { .. } => self.options.metrics.retried(&self.lane),
            Outcome::NoAddress | Outcome::Release { .. } => {}
        }
    }
}
