//! One round of the kill test: processes are started on the log, fed, and killed at a moment that nobody chose.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::Client;
use crate::place::{Place, Running};
use crate::service::Service;

/// Longest wait for a process whose counterpart was killed.
const ALONE: Duration = Duration::from_secs(90);
/// Most lines of one file of an import, and of one post: each is durable before the next.
const CHUNK: usize = 60;

/// What is running when the kill comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The service, fed by its API.
    Api,
    /// The service, fed by `afterword import`; either may be killed, or both.
    Import,
    /// `afterword import` alone.
    Alone,
    /// `afterword run --drain`.
    Drain,
}

const WAYS: [Way; 8] = [
    Way::Api,
    Way::Api,
    Way::Api,
    Way::Import,
    Way::Import,
    Way::Alone,
    Way::Drain,
    Way::Drain,
];

/// What a round came to.
pub struct Round {
    pub way: Way,
    /// Up to which line everything is acknowledged.
    pub acknowledged: usize,
    /// Processes that died of the kill and not before it.
    pub killed: u64,
}

/// What rounds need to know of each other.
pub struct Rounds<'a, R> {
    pub place: &'a Place,
    pub lines: &'a [String],
    pub dice: R,
    /// How long a service takes to answer here.
    pub start: Duration,
    /// How long each way of working lasts, as far as is known: a kill has to come before its end.
    pub lasts: BTreeMap<Way, Duration>,
}

/// What is supposed at first of how long work lasts.
const LASTS: Duration = Duration::from_millis(150);

impl<R: Rng> Rounds<'_, R> {
    /// Feeds the lines from `from` to `to`, or fewer if the kill comes first.
    pub fn round(&mut self, from: usize, to: usize) -> Round {
        let way = *WAYS.choose(&mut self.dice).unwrap();
        match way {
            Way::Api => self.api(from, to),
            Way::Import => self.import(from, to),
            Way::Alone => self.alone(from, to),
            Way::Drain => self.drain(from),
        }
    }

    /// Options of a process; no output may depend on them.
    fn options(&mut self) -> Vec<String> {
        let mut set = |key: &str, among: &[u64]| {
            let value = among.choose(&mut self.dice).unwrap();
            ["--set".to_owned(), format!("{key}={value}")]
        };
        let options = [
            set("process.debt_facts", &[0, 40, 200_000]),
            set("process.commit_facts", &[7, 200, 10_000]),
            set("process.poll_facts", &[5, 5_000]),
            set("process.commit_interval_ms", &[1, 100]),
        ];
        options.concat()
    }

    fn serve(&mut self) -> Service {
        let options = self.options();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.place.start(&options)
    }

    /// A moment while this work lasts.
    fn moment(&mut self, way: Way) -> Duration {
        let lasts = self.lasts.get(&way).copied().unwrap_or(LASTS);
        self.dice.random_range(Duration::ZERO..=lasts)
    }

    /// A moment while a service starts, or one while it works.
    fn moment_of_service(&mut self) -> Duration {
        match self.dice.random_bool(0.3) {
            true => self.dice.random_range(Duration::ZERO..=self.start),
            false => self.start + self.moment(Way::Api),
        }
    }

    /// The kill came too late, or in time: the next may come earlier, or later.
    fn learn(&mut self, way: Way, in_time: bool) {
        let lasts = self.lasts.entry(way).or_insert(LASTS);
        *lasts = lasts
            .mul_f64(if in_time { 1.15 } else { 0.7 })
            .clamp(Duration::from_millis(10), Duration::from_secs(2));
    }

    fn api(&mut self, from: usize, to: usize) -> Round {
        let mut service = self.serve();
        let started = Instant::now();
        let delay = self.moment_of_service();
        let killer = kill_later(service.process(), delay);
        let (client, mut acknowledged) = (Client::new(), from);
        let mut answered = false;
        while acknowledged < to && !killer.is_finished() {
            let Some(url) = service.events_url() else {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            let next = to.min(acknowledged + self.dice.random_range(1..=CHUNK));
            match client.post_lines(&url, &self.lines[acknowledged..next].concat()) {
                Ok(answer) if answer.status == 200 => acknowledged = next,
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                // Killed, or not listening yet: it may have been taken or not, and is sent again.
                Err(_) => {}
            }
            if !answered && acknowledged > from {
                answered = true;
                self.start = (self.start * 3 + started.elapsed()) / 4;
            }
        }
        if answered {
            self.learn(Way::Api, acknowledged < to);
        }
        killer.join().unwrap();
        let killed = count(service.process().kill());
        Round {
            way: Way::Api,
            acknowledged,
            killed,
        }
    }

    fn import(&mut self, from: usize, to: usize) -> Round {
        let mut service = self.serve();
        service.wait_until_it_answers();
        let mut import = self.spawn_import(from, to);
        let (to_service, to_import) = *[(true, false), (false, true), (true, true)]
            .choose(&mut self.dice)
            .unwrap();
        let delay = self.moment(Way::Import);
        let both = [
            (to_service, service.process().pid()),
            (to_import, import.pid()),
        ];
        let killers: Vec<_> = both
            .iter()
            .filter(|(kill, _)| *kill)
            .map(|(_, pid)| kill_pid_later(*pid, delay))
            .collect();
        killers
            .into_iter()
            .for_each(|killer| killer.join().unwrap());
        // Without its service it gives up; it must not wait for ever, and must not say that all went well.
        let imported = import.wait_for_end(ALONE);
        self.learn(Way::Import, !imported.success());
        let gave_up = to_service && imported.code() == Some(1);
        let killed = if gave_up { 0 } else { count(imported) };
        // A service whose importer was killed works on, and can be stopped.
        let killed = match to_service || self.dice.random_bool(0.5) {
            true => killed + count(service.process().kill()),
            false => {
                assert!(service.stop().success());
                killed
            }
        };
        let acknowledged = if imported.success() { to } else { from };
        Round {
            way: Way::Import,
            acknowledged,
            killed,
        }
    }

    fn alone(&mut self, from: usize, to: usize) -> Round {
        let mut import = self.spawn_import(from, to);
        let delay = self.moment(Way::Alone);
        kill_later(&mut import, delay).join().unwrap();
        let status = import.kill();
        self.learn(Way::Alone, !status.success());
        let acknowledged = if status.success() { to } else { from };
        Round {
            way: Way::Alone,
            acknowledged,
            killed: count(status),
        }
    }

    fn drain(&mut self, acknowledged: usize) -> Round {
        let options = self.options();
        let arguments: Vec<&str> = ["run", "--drain"]
            .into_iter()
            .chain(options.iter().map(String::as_str))
            .collect();
        let mut drain = self.place.spawn(&arguments);
        let delay = self.moment(Way::Drain);
        kill_later(&mut drain, delay).join().unwrap();
        let status = drain.kill();
        self.learn(Way::Drain, !status.success());
        Round {
            way: Way::Drain,
            acknowledged,
            killed: count(status),
        }
    }

    /// Many small files: each is durable before the next.
    fn spawn_import(&mut self, from: usize, to: usize) -> Running {
        let folder = self.place.file("import");
        fs::create_dir_all(&folder).unwrap();
        let mut arguments = vec!["import".to_owned()];
        for (number, chunk) in self.lines[from..to].chunks(CHUNK).enumerate() {
            arguments.push(write(&folder, number, chunk));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.place.spawn(&arguments)
    }
}

fn write(folder: &Path, number: usize, lines: &[String]) -> String {
    let path = folder.join(format!("{number}.ndjson"));
    fs::write(&path, lines.concat()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn kill_later(process: &mut Running, delay: Duration) -> JoinHandle<()> {
    kill_pid_later(process.pid(), delay)
}

/// Kills a process that nobody has waited for yet: until then the number is its own.
fn kill_pid_later(pid: u32, delay: Duration) -> JoinHandle<()> {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        let _ = kill_process(pid, Signal::KILL);
    })
}

/// 1 when the kill was its end; it may also have done its work before, but never have failed by itself.
fn count(status: ExitStatus) -> u64 {
    assert!(
        status.success() || status.signal() == Some(9),
        "a process failed before it was killed: {status}"
    );
    u64::from(status.signal() == Some(9))
}
