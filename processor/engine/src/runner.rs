//! The thread of a partition: it drives the task, tells what it does, and does what it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::{LogError, Offset, Partition, PartitionLog};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use parking_lot::Mutex;

use crate::engine::{Answer, Order, Status, TaskState};
use crate::metrics::EngineMetrics;
use crate::task::{Progress, Task};

/// How long a poll waits for a first fact; also how soon a task hears that it should stop.
const POLL_WAIT: Duration = Duration::from_millis(50);
/// How often a task asks where its partition ends.
const LAG: Duration = Duration::from_millis(250);
/// How long the last commit is tried again when the surroundings do not allow it.
const FINISHING: Duration = Duration::from_secs(3);
/// Waiting for the surroundings: the first pause, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Starting over so many times without a commit in between is done at once; after that with pauses as well.
const PROMPT_RESTARTS: u32 = 3;

/// A task and what its engine knows of it.
pub(crate) struct Runner<L> {
    task: Task<L>,
    partition: Partition,
    status: Arc<Mutex<Status>>,
    metrics: Arc<EngineMetrics>,
    inbox: Receiver<Order>,
    /// Those who wait until everything before an offset is committed; `None`: the end as it is when it can be asked.
    waiters: Vec<(Option<Offset>, Answer)>,
    started: Instant,
    lag_told: Option<Instant>,
    restarts: u32,
    quarantined: usize,
}

/// Why a runner's loop ended.
enum End {
    Told,
    GaveUp(String),
    Failed(String),
}

impl<L: PartitionLog> Runner<L> {
    pub fn new(
        task: Task<L>,
        partition: Partition,
        status: Arc<Mutex<Status>>,
        metrics: Arc<EngineMetrics>,
        inbox: Receiver<Order>,
    ) -> Runner<L> {
        Runner {
            task,
            partition,
            status,
            metrics,
            inbox,
            waiters: Vec::new(),
            started: Instant::now(),
            lag_told: None,
            restarts: 0,
            quarantined: 0,
        }
    }

    /// Works until it is told to stop, or cannot go on.
    pub fn run(&mut self) {
        let state = match self.serve() {
            End::Told => TaskState::Finished,
            End::GaveUp(reason) => {
                tracing::warn!(
                    partition = self.partition.0,
                    reason,
                    "another has the partition"
                );
                TaskState::GivenUp(reason)
            }
            End::Failed(reason) => {
                tracing::error!(partition = self.partition.0, reason, "the task stopped");
                TaskState::Stopped(reason)
            }
        };
        self.say(state);
    }

    fn serve(&mut self) -> End {
        let mut pause = FIRST_PAUSE;
        let mut recovered = false;
        loop {
            let done = if recovered {
                self.work()
            } else {
                self.task.recover().map(|()| Progress::Worked)
            };
            match done {
                Ok(_) => {
                    if recovered && self.restarts == 0 {
                        pause = FIRST_PAUSE;
                    }
                    recovered = true;
                    let is_recovering = self.task.is_recovering();
                    self.say(if is_recovering {
                        TaskState::Recovering
                    } else {
                        TaskState::Running
                    });
                    if self.is_told_to_stop() {
                        return self.finish();
                    }
                }
                Err(LogError::Wait(reason)) => {
                    if self.pause(&mut pause, reason) {
                        return if recovered { self.finish() } else { End::Told };
                    }
                }
                Err(LogError::StartOver(reason)) => {
                    recovered = false;
                    if self.restart(&mut pause, reason) {
                        return End::Told;
                    }
                }
                Err(LogError::GiveUp(reason)) => return End::GaveUp(reason),
                Err(LogError::Stop(reason)) => return End::Failed(reason),
            }
        }
    }

    /// Waits for the surroundings; true when told to stop meanwhile.
    fn pause(&mut self, pause: &mut Duration, reason: String) -> bool {
        // A rebalance of a group makes every task wait once: that is no trouble.
        match *pause > FIRST_PAUSE {
            true => tracing::warn!(partition = self.partition.0, reason, "waiting"),
            false => tracing::info!(partition = self.partition.0, reason, "waiting"),
        }
        self.say(TaskState::Waiting(reason));
        let told = self.told_while_waiting(*pause);
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        told
    }

    /// What happens before the next recovery; true when told to stop meanwhile.
    fn restart(&mut self, pause: &mut Duration, reason: String) -> bool {
        tracing::warn!(partition = self.partition.0, reason, "starting over");
        self.metrics.restarted();
        if std::mem::replace(&mut self.quarantined, self.task.quarantined()) != self.quarantined {
            // It will pass the fact that panicked: that is progress.
            self.restarts = 0;
        }
        self.restarts += 1;
        self.say(TaskState::Recovering);
        self.restarts > PROMPT_RESTARTS && self.pause(pause, reason)
    }

    fn work(&mut self) -> Result<Progress, LogError> {
        let before = self.task.committed();
        let progress = self.task.step(self.started.elapsed(), POLL_WAIT)?;
        if self.task.committed() > before || progress == Progress::Idle {
            self.restarts = 0;
        }
        self.status.lock().stored_below = self.task.stored_below();
        // The end may be a question to a broker: not one for each step.
        if self.lag_told.is_none_or(|told| told.elapsed() >= LAG) {
            let (lag, age) = self.task.lag(progress)?;
            self.metrics.lag(self.partition, lag, age);
            self.lag_told = Some(Instant::now());
        }
        Ok(progress)
    }

    fn say(&mut self, state: TaskState) {
        let mut status = self.status.lock();
        if status.state != state {
            self.metrics
                .task_state(self.partition, state.name(), &TaskState::NAMES);
            status.state = state;
        }
    }

    /// Hears new orders, answers those who waited long enough; true when told to stop.
    fn is_told_to_stop(&mut self) -> bool {
        let mut stop = false;
        while let Ok(order) = self.inbox.try_recv() {
            match order {
                Order::Stop => stop = true,
                Order::Drain(answer) => self.waiters.push((None, answer)),
            }
        }
        if self.waiters.is_empty() {
            return stop;
        }
        let unknown = self.waiters.iter().any(|(until, _)| until.is_none());
        let end = unknown.then(|| self.task.log().end().ok()).flatten();
        let committed = self.task.committed();
        self.waiters.retain_mut(|(until, answer)| {
            *until = until.or(end);
            let done = until.is_some_and(|until| committed >= until);
            if done {
                let _ = answer.send(Ok(()));
            }
            !done
        });
        stop
    }

    /// Waits for the surroundings; true when told to stop meanwhile.
    fn told_while_waiting(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            match self.inbox.recv_deadline(until) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                // Asked again once the surroundings are back: the end is not known now.
                Ok(Order::Drain(answer)) => self.waiters.push((None, answer)),
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Commits what there is and pays the debt. What the surroundings do not allow in time is folded again at the next start:
    /// the end is no failure for that.
    fn finish(&mut self) -> End {
        let until = Instant::now() + FINISHING;
        loop {
            match self.task.finish() {
                Ok(()) => {
                    self.status.lock().stored_below = self.task.stored_below();
                    return End::Told;
                }
                Err(LogError::Wait(_)) if Instant::now() < until => {
                    std::thread::sleep(FIRST_PAUSE);
                }
                Err(LogError::GiveUp(reason)) => return End::GaveUp(reason),
                Err(LogError::Stop(reason)) => return End::Failed(reason),
                Err(error @ (LogError::Wait(_) | LogError::StartOver(_))) => {
                    tracing::warn!(
                        partition = self.partition.0,
                        %error,
                        "ended without its last commit; what was in it is folded again"
                    );
                    return End::Told;
                }
            }
        }
    }
}
