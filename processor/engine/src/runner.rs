//! Threads: one a partition, each driving its task, telling what it does, and doing what it is told.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use afterword_log::{LogError, Offset, Partition, PartitionLog};
use afterword_schemas::SchemaStore;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use crate::metrics::EngineMetrics;
use crate::options::TaskOptions;
use crate::task::{Progress, Task};

/// How long a poll waits for a first fact; also how soon a task hears that it should stop.
const POLL_WAIT: Duration = Duration::from_millis(50);
/// Waiting for the surroundings: the first pause, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Starting over so many times without a commit in between is done at once; after that with pauses as well.
const PROMPT_RESTARTS: u32 = 3;

/// What a partition's task is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Taking over, and folding the debt again.
    Recovering,
    Running,
    /// The surroundings fail: the text says how. It goes on by itself.
    Waiting(String),
    /// It cannot go on: the text says why.
    Stopped(String),
    /// It was told to stop, has committed what it had, and ended.
    Finished,
}

impl TaskState {
    const NAMES: [&'static str; 5] = ["recovering", "running", "waiting", "stopped", "finished"];

    /// The state's name in metrics and on `/readyz`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            TaskState::Recovering => "recovering",
            TaskState::Running => "running",
            TaskState::Waiting(_) => "waiting",
            TaskState::Stopped(_) => "stopped",
            TaskState::Finished => "finished",
        }
    }
}

#[derive(Clone, Debug)]
struct Status {
    state: TaskState,
    stored_below: Offset,
}

enum Order {
    /// Answer when everything that the log holds now is committed.
    Drain(Sender<Result<(), String>>),
    Stop,
}

struct Worker {
    partition: Partition,
    status: Arc<Mutex<Status>>,
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

/// The tasks of all partitions of this process.
pub struct Engine {
    workers: Vec<Worker>,
}

impl Engine {
    /// Starts a thread for each partition.
    pub fn start<L: PartitionLog + 'static>(
        partitions: Vec<L>,
        options: TaskOptions,
        schemas: Arc<SchemaStore>,
        metrics: Arc<EngineMetrics>,
    ) -> std::io::Result<Engine> {
        let start = |log: L| {
            let partition = log.partition();
            let status = Arc::new(Mutex::new(Status {
                state: TaskState::Recovering,
                stored_below: Offset(0),
            }));
            let (orders, inbox) = bounded(16);
            let mut runner = Runner {
                task: Task::new(
                    log,
                    options.clone(),
                    Arc::clone(&schemas),
                    Arc::clone(&metrics),
                ),
                partition,
                status: Arc::clone(&status),
                metrics: Arc::clone(&metrics),
                inbox,
                waiters: Vec::new(),
                started: Instant::now(),
                restarts: 0,
                quarantined: 0,
            };
            let thread = std::thread::Builder::new()
                .name(format!("task-{partition}"))
                .spawn(move || runner.run())?;
            Ok(Worker {
                partition,
                status,
                orders,
                thread,
            })
        };
        let workers = partitions
            .into_iter()
            .map(start)
            .collect::<std::io::Result<_>>()?;
        Ok(Engine { workers })
    }

    /// What each task is doing.
    pub fn states(&self) -> Vec<(Partition, TaskState)> {
        self.workers
            .iter()
            .map(|worker| (worker.partition, worker.status.lock().state.clone()))
            .collect()
    }

    /// The facts that each task may have to fold again: those from this offset on. Retention must keep them.
    pub fn positions(&self) -> Vec<(Partition, Offset)> {
        self.workers
            .iter()
            .map(|worker| (worker.partition, worker.status.lock().stored_below))
            .collect()
    }

    /// Waits until everything that the log holds now is folded and committed.
    ///
    /// # Errors
    /// The first task that stopped, and why.
    pub fn drain(&self) -> Result<(), String> {
        let ask = |worker: &Worker| {
            let (answer, answered) = bounded(1);
            // A task that has ended drops the order, and with it the answer.
            let _ = worker.orders.send(Order::Drain(answer));
            (worker.partition, Arc::clone(&worker.status), answered)
        };
        let asked: Vec<_> = self.workers.iter().map(ask).collect();
        for (partition, status, answered) in asked {
            answered
                .recv()
                .unwrap_or_else(|_| Err(ended(partition, &status.lock().state)))?;
        }
        Ok(())
    }

    /// Tells every task to commit what it has, pay its debt and end, and waits for them.
    ///
    /// # Errors
    /// The first task that could not, and why.
    pub fn stop(self) -> Result<(), String> {
        for worker in &self.workers {
            let _ = worker.orders.send(Order::Stop);
        }
        let mut result = Ok(());
        for worker in self.workers {
            let joined = worker.thread.join();
            let state = worker.status.lock().state.clone();
            if joined.is_err() || state != TaskState::Finished {
                result = result.and(Err(ended(worker.partition, &state)));
            }
        }
        result
    }
}

fn ended(partition: Partition, state: &TaskState) -> String {
    match state {
        TaskState::Stopped(reason) | TaskState::Waiting(reason) => {
            format!("partition {partition}: {reason}")
        }
        other => format!(
            "partition {partition}: its task ended while {}",
            other.name()
        ),
    }
}

struct Runner<L> {
    task: Task<L>,
    partition: Partition,
    status: Arc<Mutex<Status>>,
    metrics: Arc<EngineMetrics>,
    inbox: Receiver<Order>,
    /// Those who wait until everything before an offset is committed.
    waiters: Vec<(Offset, Sender<Result<(), String>>)>,
    started: Instant,
    restarts: u32,
    quarantined: usize,
}

/// Why a runner's loop ended.
enum End {
    Told,
    Failed(String),
}

impl<L: PartitionLog> Runner<L> {
    fn run(&mut self) {
        let state = match self.serve() {
            End::Told => TaskState::Finished,
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
                Ok(progress) => {
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
                    if self.is_told_to_stop(progress) {
                        match self.finish() {
                            Ok(()) => return End::Told,
                            Err(error) => return End::Failed(error.to_string()),
                        }
                    }
                }
                Err(LogError::Wait(reason)) => {
                    if self.pause(&mut pause, reason.clone()) {
                        return End::Failed(reason);
                    }
                }
                Err(LogError::StartOver(reason)) => {
                    recovered = false;
                    if self.restart(&mut pause, reason.clone()) {
                        return End::Failed(reason);
                    }
                }
                Err(LogError::GiveUp(reason) | LogError::Stop(reason)) => {
                    return End::Failed(reason);
                }
            }
        }
    }

    /// Waits for the surroundings; true when told to stop meanwhile.
    fn pause(&mut self, pause: &mut Duration, reason: String) -> bool {
        tracing::warn!(partition = self.partition.0, reason, "waiting");
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
        let (lag, age) = self.task.lag(progress)?;
        self.metrics.lag(self.partition, lag, age);
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
    fn is_told_to_stop(&mut self, progress: Progress) -> bool {
        let mut stop = false;
        while let Ok(order) = self.inbox.try_recv() {
            match order {
                Order::Stop => stop = true,
                Order::Drain(answer) => match self.task.log().end() {
                    Ok(end) => self.waiters.push((end, answer)),
                    Err(error) => drop(answer.send(Err(error.to_string()))),
                },
            }
        }
        let (committed, idle) = (self.task.committed(), progress == Progress::Idle);
        self.waiters.retain(|(until, answer)| {
            let done = committed >= *until || idle;
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
                Ok(Order::Drain(answer)) => self.waiters.push((Offset(u64::MAX), answer)),
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.task.finish()?;
        self.status.lock().stored_below = self.task.stored_below();
        Ok(())
    }
}
