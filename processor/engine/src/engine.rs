//! The tasks of a process: threads that come and go with its partitions, what each is doing, and how each is told what to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use afterword_log::{Offset, Partition, PartitionLog};
use afterword_schemas::Schemas;
use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use crate::metrics::EngineMetrics;
use crate::options::TaskOptions;
use crate::runner::Runner;
use crate::task::Task;

/// How often a task that was told to end is looked at.
const JOIN_POLL: Duration = Duration::from_millis(2);

/// What a partition's task is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Taking over, and folding the debt again.
    Recovering,
    Running,
    /// The surroundings fail: the text says how. It goes on by itself.
    Waiting(String),
    /// Another has taken the partition over: the text says how that showed.
    GivenUp(String),
    /// It cannot go on: the text says why.
    Stopped(String),
    /// It was told to stop, has committed what it had, and ended.
    Finished,
}

impl TaskState {
    pub(crate) const NAMES: [&'static str; 6] = [
        "recovering",
        "running",
        "waiting",
        "given_up",
        "stopped",
        "finished",
    ];

    /// The state's name in metrics and on `/readyz`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            TaskState::Recovering => "recovering",
            TaskState::Running => "running",
            TaskState::Waiting(_) => "waiting",
            TaskState::GivenUp(_) => "given_up",
            TaskState::Stopped(_) => "stopped",
            TaskState::Finished => "finished",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub state: TaskState,
    pub stored_below: Offset,
}

/// Where it is said that a task has come so far, or why not.
pub(crate) type Answer = Sender<Result<(), String>>;

pub(crate) enum Order {
    /// Answer when everything that the log holds now is committed.
    Drain(Answer),
    Stop,
}

struct Worker {
    status: Arc<Mutex<Status>>,
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

/// What every task of a process shares.
struct Shared {
    options: TaskOptions,
    schemas: Arc<Schemas>,
    metrics: Arc<EngineMetrics>,
}

/// The tasks of this process's partitions, which may come and go.
pub struct Engine {
    shared: Shared,
    workers: Mutex<BTreeMap<Partition, Worker>>,
}

impl Engine {
    /// An engine without partitions.
    #[must_use]
    pub fn new(options: TaskOptions, schemas: Arc<Schemas>, metrics: Arc<EngineMetrics>) -> Engine {
        Engine {
            shared: Shared {
                options,
                schemas,
                metrics,
            },
            workers: Mutex::default(),
        }
    }

    /// Starts a thread for each partition.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start<L: PartitionLog + 'static>(
        partitions: Vec<L>,
        options: TaskOptions,
        schemas: Arc<Schemas>,
        metrics: Arc<EngineMetrics>,
    ) -> std::io::Result<Engine> {
        let engine = Engine::new(options, schemas, metrics);
        for log in partitions {
            engine.take(log)?;
        }
        Ok(engine)
    }

    /// Starts a thread for this partition, in place of one that has ended.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn take<L: PartitionLog + 'static>(&self, log: L) -> std::io::Result<()> {
        let partition = log.partition();
        let status = Arc::new(Mutex::new(Status {
            state: TaskState::Recovering,
            stored_below: Offset(0),
        }));
        let (orders, inbox) = bounded(16);
        let metrics = Arc::clone(&self.shared.metrics);
        let task = Task::new(
            log,
            self.shared.options.clone(),
            Arc::clone(&self.shared.schemas),
            Arc::clone(&metrics),
        );
        let mut runner = Runner::new(task, partition, Arc::clone(&status), metrics, inbox);
        let thread = std::thread::Builder::new()
            .name(format!("task-{partition}"))
            .spawn(move || runner.run())?;
        let worker = Worker {
            status,
            orders,
            thread,
        };
        self.workers.lock().insert(partition, worker);
        Ok(())
    }

    /// Tells the tasks of these partitions to commit what they have, pay their debt and end, and waits so long. Returns those
    /// that had not ended by then: they are left to themselves, and their log must refuse what they still do.
    #[must_use]
    pub fn give_up(&self, partitions: &[Partition], limit: Duration) -> Vec<Partition> {
        let given: Vec<(Partition, Worker)> = {
            let mut workers = self.workers.lock();
            let taken = partitions.iter();
            taken
                .filter_map(|partition| Some((*partition, workers.remove(partition)?)))
                .collect()
        };
        for (_, worker) in &given {
            let _ = worker.orders.try_send(Order::Stop);
        }
        let until = Instant::now() + limit;
        let late = |(partition, worker): (Partition, Worker)| {
            while !worker.thread.is_finished() && Instant::now() < until {
                std::thread::sleep(JOIN_POLL);
            }
            self.shared.metrics.forget(partition);
            (!worker.thread.is_finished()).then_some(partition)
        };
        given.into_iter().filter_map(late).collect()
    }

    /// What each task is doing.
    pub fn states(&self) -> Vec<(Partition, TaskState)> {
        let workers = self.workers.lock();
        workers
            .iter()
            .map(|(partition, worker)| (*partition, worker.status.lock().state.clone()))
            .collect()
    }

    /// The facts that each task may have to fold again: those from this offset on. Retention must keep them.
    pub fn positions(&self) -> Vec<(Partition, Offset)> {
        let workers = self.workers.lock();
        workers
            .iter()
            .map(|(partition, worker)| (*partition, worker.status.lock().stored_below))
            .collect()
    }

    /// Waits until everything that the log holds now is folded and committed.
    ///
    /// # Errors
    /// The first task that stopped, and why.
    pub fn drain(&self) -> Result<(), String> {
        let ask = |(partition, worker): (&Partition, &Worker)| {
            let (answer, answered) = bounded(1);
            // A task that has ended drops the order, and with it the answer.
            let _ = worker.orders.send(Order::Drain(answer));
            (*partition, Arc::clone(&worker.status), answered)
        };
        let asked: Vec<_> = self.workers.lock().iter().map(ask).collect();
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
        let workers = self.workers.into_inner();
        for worker in workers.values() {
            let _ = worker.orders.send(Order::Stop);
        }
        let mut result = Ok(());
        for (partition, worker) in workers {
            let joined = worker.thread.join();
            let state = worker.status.lock().state.clone();
            // What another has taken over is in its hands.
            let is_well = matches!(state, TaskState::Finished | TaskState::GivenUp(_));
            if joined.is_err() || !is_well {
                result = result.and(Err(ended(partition, &state)));
            }
        }
        result
    }
}

fn ended(partition: Partition, state: &TaskState) -> String {
    match state {
        TaskState::Stopped(reason) | TaskState::Waiting(reason) | TaskState::GivenUp(reason) => {
            format!("partition {partition}: {reason}")
        }
        other => format!(
            "partition {partition}: its task ended while {}",
            other.name()
        ),
    }
}
