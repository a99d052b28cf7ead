//! `afterword tail`: a topic as NDJSON.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use afterword_log::{Batch, Log, LogError, Offset, Partition, Topic};
use afterword_schemas::Schemas;

use crate::access::{self, Access, Missing};
use crate::cli::Tail;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Stream;
use crate::registry;
use crate::render::render;

const READ_BYTES: usize = 4 << 20;
/// How long each partition is waited for in turn.
const TURN: Duration = Duration::from_millis(100);
/// Between looks for a service that has gone away.
const AWAY: Duration = Duration::from_millis(500);

/// Why printing ended early.
enum Ended {
    /// Standard output takes no more.
    Output,
    Log(LogError),
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Ended {
        Ended::Output
    }
}

impl From<LogError> for Ended {
    fn from(error: LogError) -> Ended {
        Ended::Log(error)
    }
}

struct Printer {
    topic: Topic,
    schemas: Arc<Schemas>,
    out: BufWriter<Stream>,
    batch: Batch,
    line: Vec<u8>,
    /// The next offset of each partition, 0 at the beginning.
    next: Vec<Offset>,
}

/// Prints the topic.
///
/// # Errors
/// When there is no such topic, or the log cannot be read.
pub fn execute(config: &Config, tail: &Tail) -> Result<(), Failure> {
    let topic = topic_of(&tail.topic)?;
    let missing = if tail.follow {
        Missing::Create
    } else {
        Missing::Refuse
    };
    let mut printer = Printer {
        topic,
        schemas: registry::schemas(config),
        out: Stream::buffered(),
        batch: Batch::default(),
        line: Vec::new(),
        next: Vec::new(),
    };
    let access = Access::open(config, missing)?;
    let mut printed = printer.print_to_the_end(&*access.log());
    if let (Access::Kafka(log), true, Ok(())) = (&access, tail.follow, &printed) {
        printed = printer.follow(&**log);
    }
    let mut is_followable = access.is_service();
    let is_kafka = matches!(access, Access::Kafka(_));
    access.close()?;
    while tail.follow && !is_kafka && matches!(printed, Ok(()) | Err(Ended::Log(_))) {
        printed = match access::running(&config.data_dir) {
            Some(service) => {
                is_followable = true;
                printer.follow(&service)
            }
            None => {
                if is_followable {
                    errln!(
                        "afterword: no service runs on {}; waiting for one",
                        config.data_dir.display()
                    );
                    is_followable = false;
                }
                std::thread::sleep(AWAY);
                Ok(())
            }
        };
    }
    match printed {
        // What became of the output is told in the end.
        Ok(()) | Err(Ended::Output) => Ok(()),
        Err(Ended::Log(error)) => Err(Failure::while_doing(format!("reading {topic}"), error)),
    }
}

/// The topic of this name.
///
/// # Errors
/// Usage, with all the names.
pub fn topic_of(name: &str) -> Result<Topic, Failure> {
    Topic::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Topic::ALL.iter().map(|topic| topic.name()).collect();
        Failure::Usage(format!(
            "expected a topic, one of {}; found `{name}`",
            names.join(", ")
        ))
    })
}

impl Printer {
    /// Prints partition after partition, each to what was its end when its turn came.
    fn print_to_the_end(&mut self, log: &dyn Log) -> Result<(), Ended> {
        let partitions = log.partitions(self.topic);
        self.next.resize(partitions as usize, Offset(0));
        for partition in (0..partitions).map(Partition) {
            let bounds = log.bounds(self.topic, partition)?;
            // Retention may have removed what was before.
            let next = &mut self.next[partition.0 as usize];
            *next = bounds.start.max(*next);
            while self.next[partition.0 as usize] < bounds.end
                && self.read(log, partition, bounds.end)?
            {}
        }
        self.out.flush()?;
        Ok(())
    }

    /// Prints what comes, until the log is gone.
    fn follow(&mut self, log: &dyn Log) -> Result<(), Ended> {
        self.next
            .resize(log.partitions(self.topic) as usize, Offset(0));
        loop {
            for index in 0..self.next.len() {
                let partition = Partition(u32::try_from(index).unwrap_or(u32::MAX));
                let is_alone = self.next.len() == 1;
                let turn = if is_alone { TURN * 10 } else { TURN };
                log.wait_for(
                    self.topic,
                    partition,
                    self.next[index],
                    turn / u32::try_from(self.next.len()).unwrap_or(1),
                );
                while self.read(log, partition, Offset(u64::MAX))? {}
            }
            self.out.flush()?;
        }
    }

    /// Prints some records below `end`, and says whether it came further.
    fn read(&mut self, log: &dyn Log, partition: Partition, end: Offset) -> Result<bool, Ended> {
        let next = &mut self.next[partition.0 as usize];
        let began = *next;
        log.read(self.topic, partition, *next, READ_BYTES, &mut self.batch)?;
        let store = match self.topic {
            // Shown as bytes.
            Topic::DeadLetters => Arc::default(),
            _ => registry::for_batch(&self.schemas, &self.batch)?,
        };
        for record in self.batch.iter().take_while(|record| record.offset < end) {
            self.line.clear();
            render(&store, self.topic, partition, &record, &mut self.line);
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
            *next = record.offset.next();
        }
        // A log's own marks take offsets too.
        *next = self.batch.next().unwrap_or(*next).min(end).max(*next);
        Ok(*next > began)
    }
}
