//! A server in a process of its own that does not outlive the tests.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const LOOK: Duration = Duration::from_millis(25);
/// Lines of a log that a failure shows.
const TAIL: usize = 40;

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both its outputs in the file `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(name: &str, mut command: Command, log: PathBuf) -> Process {
        let file = File::create(&log).unwrap();
        let errors = file.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = spawn_tied(command).unwrap_or_else(|error| {
            panic!("{name} could not be started: {error}; `.ci/services` installs what it needs")
        });
        Process {
            name: name.to_owned(),
            child,
            log,
        }
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        // It may have ended by itself, which is what its user looks at next.
        let _ = kill_process(Pid::from_raw(id).unwrap(), signal);
    }

    /// SIGKILL; when this returns, the process is gone and its ports are free.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM, then until it has ended.
    ///
    /// # Panics
    /// When it has not ended in time.
    pub fn stop(&mut self, patience: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < until,
                "{} did not end within {patience:?} of SIGTERM; its log ends so:\n{}",
                self.name,
                self.log_tail()
            );
            thread::sleep(LOOK);
        }
    }

    /// Until `ready` says yes.
    ///
    /// # Panics
    /// When the process ends before, or `patience` does.
    pub fn wait_until(&mut self, patience: Duration, mut ready: impl FnMut() -> bool) {
        let until = Instant::now() + patience;
        while !ready() {
            assert!(
                self.is_running(),
                "{} ended instead of starting; its log ends so:\n{}",
                self.name,
                self.log_tail()
            );
            assert!(
                Instant::now() < until,
                "{} was not ready within {patience:?}; its log ends so:\n{}",
                self.name,
                self.log_tail()
            );
            thread::sleep(LOOK);
        }
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command whose process the kernel kills when this one dies, where there is util-linux to ask for that.
pub fn tied(program: &str) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let has_setpriv = *SETPRIV.get_or_init(|| {
        let tried = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "true"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    });
    if !has_setpriv {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

type Order = (Command, SyncSender<io::Result<Child>>);

/// The kernel's signal comes when the thread that started the process ends, and a test's thread ends with the test: what several tests
/// share must be started by a thread that stays.
fn spawn_tied(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<SyncSender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = sync_channel::<Order>(1);
        thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (sender, answer) = sync_channel(1);
    spawner.send((command, sender)).unwrap();
    answer.recv().unwrap()
}
