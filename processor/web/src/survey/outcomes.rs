//! What became of answers: one task looks into the report database for everybody who waits, so that a thousand waiting
//! pages ask no more often than one.
//!
//! An answer that changed something has a row, found by the place of its fact; one that was refused has a row, found by its event
//! id. One that changed nothing (it was so already, or was sent before) has none: it is known by everything up to its fact
//! being decided and projected without one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use afterword_log::{Log, LogError, Offset, Partition, Topic};
use afterword_readmodel::{ReadModelError, ReportDatabase, Standing};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::stamps::{Kind, Outcome, Sent};
use crate::gate::Gate;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(15);
/// Answers looked for at once; more wait for their turn.
const AT_ONCE: usize = 512;
/// Waiting in front of the task; more are told that their answer is kept.
const QUEUE: usize = 2_048;
/// Between two questions how far a partition is decided, which on Kafka goes to the brokers.
const PROGRESS: Duration = Duration::from_millis(150);
/// The topics with what becomes of answers.
const TOPICS: [Topic; 2] = [Topic::RatingSubmitted, Topic::AnswerRefused];

/// Where one asks.
#[derive(Clone)]
pub struct Outcomes(mpsc::Sender<Waiting>);

/// What is known of an answer when the waiting ends: what became of it, and how the request stands.
pub struct Told {
    pub outcome: Outcome,
    pub standing: Option<Standing>,
}

struct Waiting {
    request_id: String,
    sent: Vec<Sent>,
    until: Instant,
    /// Seen undecided at least this often, so that a row may still be on its way.
    settled: u8,
    tell: oneshot::Sender<Told>,
}

struct Looking {
    log: Arc<dyn Log>,
    gate: Gate,
    database: ReportDatabase,
    asked: HashMap<Partition, Instant>,
}

impl Outcomes {
    /// Starts the task, which ends with the last handle.
    #[must_use]
    pub fn start(log: Arc<dyn Log>, gate: Gate, database: ReportDatabase) -> Outcomes {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let looking = Looking {
            log,
            gate,
            database,
            asked: HashMap::new(),
        };
        tokio::spawn(looking.run(receiver));
        Outcomes(sender)
    }

    /// Waits until it is known what became of an answer, at most so long.
    pub async fn of(&self, request_id: &str, sent: &[Sent], at_most: Duration) -> Told {
        let (tell, told) = oneshot::channel();
        let waiting = Waiting {
            request_id: request_id.to_owned(),
            sent: sent.to_vec(),
            until: Instant::now() + at_most,
            settled: 0,
            tell,
        };
        let unknown = Told {
            outcome: Outcome::Pending,
            standing: None,
        };
        if self.0.try_send(waiting).is_err() {
            return unknown;
        }
        // The task answers in time, unless the database is slow.
        let limit = at_most + Duration::from_secs(1);
        match tokio::time::timeout(limit, told).await {
            Ok(Ok(told)) => told,
            _ => unknown,
        }
    }
}

impl Looking {
    async fn run(mut self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut all: Vec<Waiting> = Vec::new();
        loop {
            if all.is_empty() {
                let Some(first) = receiver.recv().await else {
                    return;
                };
                all.push(first);
            }
            while all.len() < AT_ONCE {
                let Ok(next) = receiver.try_recv() else { break };
                all.push(next);
            }
            all = match self.look(&mut all).await {
                Ok(told) => tell(all, told),
                Err(error) => {
                    tracing::warn!(%error, "what became of answers could not be looked up");
                    tell(all, Vec::new())
                }
            };
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is known of each by now; the standing also where the outcome is not.
    async fn look(
        &mut self,
        all: &mut [Waiting],
    ) -> Result<Vec<(Option<Outcome>, Option<Standing>)>, ReadModelError> {
        let settled = self.settled(all).await?;
        let requests: HashSet<&str> = all.iter().map(|waiting| &*waiting.request_id).collect();
        let requests: Vec<&str> = requests.into_iter().collect();
        let events = all.iter().flat_map(|waiting| &waiting.sent);
        let events: Vec<&str> = events.map(|sent| &*sent.event_id).collect();
        // After what is settled: the rows of that are there now.
        let standings = self.database.standings(&requests).await?;
        let refusals = self.database.refusals(&events).await?;
        let standings: HashMap<&str, &Standing> = standings
            .iter()
            .map(|standing| (&*standing.request_id, standing))
            .collect();
        let judged = all.iter_mut().map(|waiting| {
            let standing = standings.get(&*waiting.request_id).copied();
            let is_settled = waiting.sent.iter().all(|sent| {
                let decided = settled.get(&sent.partition);
                decided.is_some_and(|before| sent.offset < *before)
            });
            waiting.settled += u8::from(is_settled);
            let reason = |sent: &Sent| {
                let key = (sent.event_id.clone(), waiting.request_id.clone());
                refusals.get(&key).cloned()
            };
            let outcome = outcome(&waiting.sent, standing, reason, waiting.settled >= 2);
            (outcome, standing.cloned())
        });
        Ok(judged.collect())
    }

    /// Of the partitions of those that wait longer than usual: everything before this offset is decided and projected.
    async fn settled(
        &mut self,
        all: &[Waiting],
    ) -> Result<HashMap<Partition, Offset>, ReadModelError> {
        let now = Instant::now();
        let partitions: HashSet<Partition> = all
            .iter()
            .flat_map(|waiting| &waiting.sent)
            .map(|sent| sent.partition)
            .collect();
        self.asked
            .retain(|partition, _| partitions.contains(partition));
        let mut settled = HashMap::new();
        for partition in partitions {
            let next = *self.asked.entry(partition).or_insert(now + PROGRESS);
            if next > now {
                continue;
            }
            self.asked.insert(partition, now + PROGRESS);
            let log = Arc::clone(&self.log);
            let decided = self.gate.run(move || decided(&*log, partition)).await;
            let Ok(Ok(Some((before, ends)))) = decided else {
                continue;
            };
            let mut is_projected = true;
            for (topic, end) in TOPICS.into_iter().zip(ends) {
                is_projected &= self.database.projected(topic, partition).await? >= end;
            }
            if is_projected {
                settled.insert(partition, before);
            }
        }
        Ok(settled)
    }
}

/// How far a partition is decided, and where the outputs up to there end.
fn decided(log: &dyn Log, partition: Partition) -> Result<Option<(Offset, [Offset; 2])>, LogError> {
    let Some(before) = log.committed(partition)? else {
        return Ok(None);
    };
    let end = |topic| log.bounds(topic, partition).map(|bounds| bounds.end);
    Ok(Some((before, [end(TOPICS[0])?, end(TOPICS[1])?])))
}

/// Answers those that are known or have waited long enough; the others go on waiting.
fn tell(all: Vec<Waiting>, told: Vec<(Option<Outcome>, Option<Standing>)>) -> Vec<Waiting> {
    let now = Instant::now();
    let mut told = told.into_iter();
    let mut rest = Vec::new();
    for waiting in all {
        let (outcome, standing) = told.next().unwrap_or_default();
        let outcome = match outcome {
            Some(outcome) => outcome,
            None if now >= waiting.until => Outcome::Pending,
            None if waiting.tell.is_closed() => continue,
            None => {
                rest.push(waiting);
                continue;
            }
        };
        // Nobody listens any more when it fails.
        let _: Result<(), Told> = waiting.tell.send(Told { outcome, standing });
    }
    rest
}

/// What became of all that was sent together, once it is known of each.
fn outcome(
    sent: &[Sent],
    standing: Option<&Standing>,
    reason: impl Fn(&Sent) -> Option<String>,
    is_settled: bool,
) -> Option<Outcome> {
    let mut sum = None;
    for sent in sent {
        let place = (sent.partition, sent.offset);
        let accepted = standing.filter(|standing| standing.accepted.contains(&place));
        let one = match (reason(sent), accepted, standing) {
            (Some(reason), _, _) => return Some(Outcome::Refused(reason)),
            (_, Some(standing), _)
                if sent.kind != Kind::Comment && standing.first != Some(place) =>
            {
                Outcome::Changed
            }
            (_, Some(_), _) => Outcome::Saved,
            (None, None, Some(standing)) if is_settled => nothing_changed(sent.kind, standing),
            _ => return None,
        };
        sum = Some(one);
    }
    sum
}

fn nothing_changed(kind: Kind, standing: &Standing) -> Outcome {
    let is_so = match kind {
        Kind::Reaction(symbol) => standing.reaction.as_deref() == Some(symbol),
        // Another comment than the kept one would have been refused.
        Kind::Comment => standing.locked,
    };
    match is_so {
        true => Outcome::Unchanged,
        false => Outcome::SentBefore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: (Partition, Offset) = (Partition(1), Offset(9));

    fn sent(kind: Kind) -> [Sent; 1] {
        [Sent {
            kind,
            event_id: "e1".to_owned(),
            partition: PLACE.0,
            offset: PLACE.1,
        }]
    }

    fn standing(reaction: Option<&str>, accepted: &[(Partition, Offset)]) -> Standing {
        Standing {
            request_id: "r1".to_owned(),
            workspace_id: "w1".to_owned(),
            conversation_id: "c1".to_owned(),
            customer_id: "u1".to_owned(),
            reaction: reaction.map(str::to_owned),
            locked: false,
            revision: 0,
            deleted: false,
            first: Some(PLACE),
            accepted: accepted.to_vec(),
        }
    }

    #[test]
    fn the_truth_is_told_or_nothing() {
        let great = sent(Kind::Reaction("great"));
        let refused = |_: &Sent| Some("locked".to_owned());
        let none = |_: &Sent| None;
        let stands = standing(Some("great"), &[]);
        assert_eq!(
            outcome(&great, Some(&stands), none, false),
            None,
            "it may be another's"
        );
        assert_eq!(
            outcome(&great, None, none, true),
            None,
            "an unknown request"
        );
        let told = outcome(&great, Some(&stands), refused, false);
        assert_eq!(told, Some(Outcome::Refused("locked".to_owned())));
        assert_eq!(
            outcome(&great, Some(&stands), none, true),
            Some(Outcome::Unchanged)
        );
        let other = standing(Some("bad"), &[]);
        assert_eq!(
            outcome(&great, Some(&other), none, true),
            Some(Outcome::SentBefore)
        );
        let kept = standing(Some("great"), &[PLACE]);
        assert_eq!(
            outcome(&great, Some(&kept), none, false),
            Some(Outcome::Saved)
        );
        let second = Standing {
            first: Some((Partition(1), Offset(3))),
            ..kept
        };
        assert_eq!(
            outcome(&great, Some(&second), none, false),
            Some(Outcome::Changed)
        );
        let comment = sent(Kind::Comment);
        assert_eq!(
            outcome(&comment, Some(&second), none, false),
            Some(Outcome::Saved)
        );
    }
}
