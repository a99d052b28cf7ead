//! Where a test plays: brokers, perhaps a proxy before them, topics, and the program called on them. A test that fails
//! leaves all of it behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use afterword_integration_tests::kafka::{Cluster, Options};
use afterword_integration_tests::proxy::Proxy;
use rand::Rng;
use rand::seq::IndexedRandom;

use crate::feeder::Stock;
use crate::lines::{line_of, parse_lines};
use crate::member::{Member, program};
use crate::stranger::Stranger;
use crate::wait::until;

/// The consumer group of all processes.
pub const GROUP: &str = "afterword";
/// How long a process may be silent before the group goes on without it. Short, so that much happens in little time.
pub const SESSION: Duration = Duration::from_millis(3_000);
/// How long clients wait for an answer.
pub const SOCKET: Duration = Duration::from_millis(2_000);
/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(180);
/// How long everything may take to be folded once nothing disturbs any more.
pub const CATCH_UP: Duration = Duration::from_secs(120);

/// What a place is to be like.
#[derive(Clone, Debug)]
pub struct Plan {
    pub brokers: usize,
    pub partitions: u32,
    /// Whether processes reach the brokers through a proxy.
    pub proxied: bool,
    /// The program: one with or without the switches of its defences.
    pub program: PathBuf,
    /// Keys of every process's configuration.
    pub keys: Vec<(String, String)>,
    /// Keys of every broker's.
    broker_keys: Vec<(String, String)>,
}

impl Plan {
    pub fn new(program: &Path, brokers: usize, partitions: u32) -> Plan {
        Plan {
            brokers,
            partitions,
            proxied: false,
            program: program.to_owned(),
            keys: Vec::new(),
            broker_keys: Vec::new(),
        }
    }

    pub fn proxied(mut self) -> Plan {
        self.proxied = true;
        self
    }

    pub fn with(mut self, key: &str, value: impl ToString) -> Plan {
        self.keys.push((key.to_owned(), value.to_string()));
        self
    }

    pub fn broker(mut self, key: &str, value: impl ToString) -> Plan {
        self.broker_keys.push((key.to_owned(), value.to_string()));
        self
    }
}

/// Brokers, topics, and a directory for everything else.
pub struct World {
    // In this order, so that the brokers are there as long as anybody needs them.
    pub proxy: Option<Proxy>,
    pub cluster: Cluster,
    ground: Ground,
    plan: Plan,
    commands: u32,
}

/// Whether the directory of something that failed is kept. Where failing is the aim, it is not.
pub static KEEP: AtomicBool = AtomicBool::new(true);

/// A directory that stays when the test fails.
struct Ground {
    directory: Option<tempfile::TempDir>,
    went_well: AtomicBool,
}

impl Ground {
    fn new() -> Ground {
        let made = tempfile::Builder::new()
            .prefix("afterword-faults-")
            .tempdir();
        Ground {
            directory: Some(made.unwrap()),
            went_well: AtomicBool::new(false),
        }
    }

    fn path(&self) -> &Path {
        self.directory.as_ref().expect("there until the end").path()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let failed = std::thread::panicking() || !self.went_well.load(Ordering::SeqCst);
        if failed
            && KEEP.load(Ordering::SeqCst)
            && let Some(directory) = self.directory.take()
        {
            let left = directory.keep();
            eprintln!("what all processes said is left in {}", left.display());
        }
    }
}

/// Starts the brokers, which advertise the proxy's ports to those who come through it.
fn start_cluster(plan: &Plan, proxy: Option<&Proxy>, directory: PathBuf) -> Cluster {
    let mut options = Options::default()
        .with("group.min.session.timeout.ms", "1000")
        .with("broker.session.timeout.ms", "6000");
    options.properties.extend(plan.broker_keys.iter().cloned());
    options.directory = Some(directory);
    options.advertised = proxy
        .map(|proxy| proxy.ports().to_vec())
        .unwrap_or_default();
    let cluster = Cluster::start(plan.brokers, options);
    if let Some(proxy) = proxy {
        for broker in 0..plan.brokers {
            proxy.forward(broker, cluster.proxied_port(broker));
        }
    }
    cluster
}

impl World {
    /// Starts brokers and makes the topics.
    pub fn new(plan: Plan) -> World {
        let partitions = plan.partitions.to_string();
        let mut world = World::without_topics(plan);
        world.must(&["topics", "create", "--partitions", &partitions]);
        world
    }

    /// Starts brokers; the program is not needed.
    pub fn without_topics(plan: Plan) -> World {
        let ground = Ground::new();
        let proxy = plan.proxied.then(|| Proxy::start(plan.brokers).unwrap());
        let cluster = start_cluster(&plan, proxy.as_ref(), ground.path().join("brokers"));
        World {
            proxy,
            cluster,
            ground,
            plan,
            commands: 0,
        }
    }

    pub fn path(&self) -> &Path {
        self.ground.path()
    }

    /// Nobody will want to look at the directory.
    pub fn went_well(&self) {
        self.ground.went_well.store(true, Ordering::SeqCst);
    }

    /// Past the proxy, if there is one.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap()
    }

    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("a plan with a proxy")
    }

    /// A consumer that knows nothing of the program.
    pub fn stranger(&self) -> Stranger {
        Stranger::new(&self.bootstrap_servers())
    }

    /// A process of the program, not started yet.
    pub fn member(&self, name: &str) -> Member {
        Member::new(name, &self.plan.program, self.path())
    }

    /// What a process that decides is started with; it reaches the brokers through the proxy, if there is one.
    pub fn processing(&self, options: &[String]) -> Vec<String> {
        let servers = match &self.proxy {
            Some(proxy) => proxy.bootstrap_servers(),
            None => self.bootstrap_servers(),
        };
        let mut arguments = self.running(&["process"], &servers);
        let properties = [
            ("session.timeout.ms", SESSION.as_millis()),
            ("heartbeat.interval.ms", 500),
            ("socket.timeout.ms", SOCKET.as_millis()),
        ];
        for (name, value) in properties {
            arguments.push("--set".to_owned());
            arguments.push(format!("kafka.properties.{name}={value}"));
        }
        for (key, value) in &self.plan.keys {
            arguments.extend(["--set".to_owned(), format!("{key}={value}")]);
        }
        arguments.extend_from_slice(options);
        arguments
    }

    /// What a process with these roles is started with.
    pub fn running(&self, roles: &[&str], servers: &str) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        for role in roles {
            arguments.extend(["--role".to_owned(), (*role).to_owned()]);
        }
        for listener in ["--survey-listen", "--reports-listen", "--operations-listen"] {
            arguments.extend([listener.to_owned(), "127.0.0.1:0".to_owned()]);
        }
        arguments.extend(log_of(servers));
        arguments
    }

    /// Runs a command to its end; returns whether it succeeded, and what it printed on both streams.
    pub fn command(&mut self, arguments: &[&str]) -> (bool, String) {
        self.commands += 1;
        let prints = self
            .path()
            .join(format!("{:04}-{}", self.commands, arguments[0]));
        let mut command = program(&self.plan.program);
        command
            .args(arguments)
            .args(log_of(&self.bootstrap_servers()));
        command.arg("--data-dir").arg(self.path().join("commands"));
        command.stdin(Stdio::null());
        command.stdout(File::create(prints.with_extension("out")).unwrap());
        command.stderr(File::create(prints.with_extension("err")).unwrap());
        let mut child = command.spawn().unwrap();
        let mut status = None;
        until(COMMAND, || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        let printed =
            |stream: &str| fs::read_to_string(prints.with_extension(stream)).unwrap_or_default();
        let said = format!("{}{}", printed("out"), printed("err"));
        let Some(status) = status else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "`afterword {}` did not end in {COMMAND:?}: {said}",
                arguments.join(" ")
            );
        };
        (status.success(), said)
    }

    /// Runs a command that has to succeed; returns what it printed.
    pub fn must(&mut self, arguments: &[&str]) -> String {
        let (success, said) = self.command(arguments);
        assert!(
            success,
            "`afterword {}` failed: {said}",
            arguments.join(" ")
        );
        said
    }

    /// Imports facts by the command.
    pub fn import(&mut self, lines: &[String]) {
        let path = self.path().join("facts.ndjson");
        fs::write(&path, lines.concat()).unwrap();
        self.must(&["import", path.to_str().unwrap()]);
    }

    /// Waits until all of the input is folded and committed; `Err` says how far it came.
    pub fn catch_up(
        &self,
        members: &mut [&mut Member],
        at_most: Duration,
    ) -> Result<Duration, String> {
        let began = Instant::now();
        let stranger = self.stranger();
        let mut last = None;
        loop {
            members.iter_mut().for_each(|member| member.must_run());
            if let Some(committed) = stranger.committed(GROUP) {
                if committed.values().all(|(next, end)| next == end) {
                    return Ok(began.elapsed());
                }
                last = Some(committed);
            }
            if began.elapsed() > at_most {
                return Err(format!(
                    "the input is not folded after {at_most:?}; partition: (committed, end): {last:?}"
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether the program's own proof holds. That a broker does not answer in time, on a machine that does much else,
    /// proves nothing, and is asked again.
    pub fn verify(&mut self) -> Result<(), String> {
        let mut asked = 0;
        loop {
            asked += 1;
            match self.command(&["verify"]) {
                (true, _) => return Ok(()),
                (false, said) if asked < 5 && said.contains("waiting for the surroundings") => {
                    std::thread::sleep(Duration::from_secs(2));
                }
                (false, said) => return Err(format!("`afterword verify`: {said}")),
            }
        }
    }

    /// Fails the test when a broker has ended that nobody killed: then it is the machine, and no finding.
    pub fn brokers_must_run(&self) {
        for broker in 0..self.plan.brokers {
            assert!(
                self.cluster.is_running(broker),
                "broker {broker} has ended by itself: {}",
                self.cluster.log_tail(broker)
            );
        }
    }

    /// Facts that are hard on the rules, mixed with some that are like life.
    pub fn stock(&mut self, seed: u64, count: usize) -> Arc<Stock> {
        let file = self.path().join("lifelike.ndjson");
        let conversations = (count / 12).max(10).to_string();
        let mut command = program(&self.plan.program);
        command.args(["simulate", "--days", "7", "--until", "2026-03-08T00:00:00Z"]);
        command.args([
            "--conversations",
            &conversations,
            "--seed",
            &seed.to_string(),
        ]);
        let status = command
            .arg("--out")
            .arg(&file)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        let config = afterword_integration_tests::facts::Config {
            facts: count / 2,
            conversations: 60,
            settings_per_mille: 0,
            ..Default::default()
        };
        let hard = afterword_integration_tests::facts::generate(seed, &config).facts;
        let lifelike = parse_lines(&fs::read_to_string(file).unwrap());
        let mut facts = Vec::with_capacity(count);
        let (mut hard, mut lifelike) = (hard.into_iter(), lifelike.into_iter());
        while facts.len() < count {
            let before = facts.len();
            facts.extend(hard.by_ref().take(7));
            facts.extend(lifelike.by_ref().take(7));
            if facts.len() == before {
                break;
            }
        }
        let id = |fact: &afterword_integration_tests::model::OwnedFact| {
            (
                fact.workspace_id.clone(),
                fact.conversation_id.clone(),
                fact.event_id.clone(),
            )
        };
        Arc::new(Stock {
            lines: facts.iter().map(line_of).collect(),
            ids: facts.iter().map(id).collect(),
        })
    }
}

fn log_of(servers: &str) -> [String; 4] {
    ["--log", "kafka", "--bootstrap-servers", servers].map(str::to_owned)
}

/// Options of a process that decides; no output may depend on them.
pub fn any_options(dice: &mut impl Rng) -> Vec<String> {
    let mut options = Vec::new();
    let mut set = |key: &str, among: &[u64]| {
        let value = among.choose(dice).unwrap();
        options.extend(["--set".to_owned(), format!("{key}={value}")]);
    };
    set("process.debt_facts", &[0, 40, 200_000]);
    set("process.commit_facts", &[3, 50, 10_000]);
    set("process.poll_facts", &[5, 5_000]);
    set("process.commit_interval_ms", &[1, 10, 100]);
    set("process.cache_mib", &[1, 64]);
    options
}
