//! One or three brokers, and what may happen to them.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rustix::process::Signal;
use tempfile::TempDir;
use uuid::Uuid;

use super::broker::{Broker, Ports};
use super::certificates::Certificates;
use super::options::{Options, PASSWORD, Security, USER};
use super::ports::{addresses, free_ports};

const LOOK: Duration = Duration::from_millis(100);
/// Of one request for what the cluster looks like.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

/// Running brokers, killed when this is dropped. Brokers are counted from 0; every method may be called from several threads.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    ports: Vec<Ports>,
    brokers: Vec<Mutex<Broker>>,
    security: Option<(Security, Certificates)>,
    _temporary: Option<TempDir>,
}

impl Cluster {
    /// Formats and starts this many brokers, and waits until clients may come.
    ///
    /// # Panics
    /// When `count` is neither 1 nor 3, or something that is needed is missing: the message says what.
    pub fn start(count: usize, options: Options) -> Cluster {
        let cluster = Cluster::prepare(count, options);
        for index in 0..count {
            cluster.broker(index).start();
        }
        for index in 0..count {
            cluster.broker(index).wait();
        }
        cluster
    }

    fn prepare(count: usize, options: Options) -> Cluster {
        assert!(
            matches!(count, 1 | 3),
            "expected 1 or 3 brokers, found {count}"
        );
        let (folder, temporary) = place(options.directory.as_deref());
        let ports = choose_ports(count, &options.advertised);
        let make = |security| (security, Certificates::make(folder.join("certificates")));
        let security = options.security.map(make);
        let brokers: Vec<Broker> = (0..count)
            .map(|index| {
                let mut lines = listeners(index, &ports, &options.advertised);
                if let Some((security, certificates)) = &security {
                    lines.extend(security.of_broker(certificates));
                }
                lines.extend(protocols(options.security));
                lines.extend(replication(count));
                lines.extend(options.properties.iter().cloned());
                let folder = folder.join(format!("broker-{index}"));
                Broker::new(index + 1, folder, &options.java, &lines)
            })
            .collect();
        let users = match options.security {
            Some(Security::Scram) => {
                vec![format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]")]
            }
            _ => Vec::new(),
        };
        // Random, so that a client that mixes two clusters up is found out. Kafka's form: 16 bytes in 22 letters of base64.
        let id = format!("{}A", &Uuid::new_v4().simple().to_string()[..21]);
        thread::scope(|scope| {
            for broker in &brokers {
                scope.spawn(|| broker.format(&id, &users));
            }
        });
        Cluster {
            folder,
            ports,
            brokers: brokers.into_iter().map(Mutex::new).collect(),
            security,
            _temporary: temporary,
        }
    }

    /// How many brokers there are, running or not.
    pub fn size(&self) -> usize {
        self.brokers.len()
    }

    /// Where everything lies: `broker-N/start-M.log` is what a broker said since its start number M.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Plain listeners, one a broker: no proxy between, nothing demanded.
    pub fn bootstrap(&self) -> String {
        addresses(self.ports.iter().map(|ports| ports.plain))
    }

    pub fn ports(&self) -> Vec<u16> {
        self.ports.iter().map(|ports| ports.plain).collect()
    }

    /// Where the proxy that listens on `Options::advertised[index]` must connect to.
    pub fn proxied_port(&self, index: usize) -> u16 {
        self.ports[index].proxied
    }

    /// Listeners that demand `Options::security`; [`Cluster::secure_properties`] satisfies them.
    pub fn secure_bootstrap(&self) -> String {
        addresses(self.ports.iter().map(|ports| ports.secure))
    }

    /// What a client of librdkafka needs at [`Cluster::secure_bootstrap`].
    ///
    /// # Panics
    /// When the cluster was started without `Options::security`.
    pub fn secure_properties(&self) -> Vec<(String, String)> {
        let (security, certificates) = self.security.as_ref().expect("Options::security is set");
        security.of_client(certificates)
    }

    /// SIGKILL; gone when this returns.
    pub fn kill_broker(&self, index: usize) {
        self.broker(index).kill();
    }

    /// SIGTERM: it hands its partitions over; gone when this returns.
    pub fn stop_broker(&self, index: usize) {
        self.broker(index).stop();
    }

    /// SIGSTOP: it keeps its connections and does nothing.
    pub fn pause_broker(&self, index: usize) {
        self.broker(index).signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume_broker(&self, index: usize) {
        self.broker(index).signal(Signal::CONT);
    }

    /// Starts one that was killed or stopped, on the same ports and folders, and waits until it serves.
    pub fn start_broker(&self, index: usize) {
        self.broker(index).start();
        self.broker(index).wait();
    }

    /// As [`Cluster::start_broker`], and returns at once.
    pub fn begin_to_start_broker(&self, index: usize) {
        self.broker(index).start();
    }

    pub fn is_running(&self, index: usize) -> bool {
        self.broker(index).is_running()
    }

    /// The end of what a broker said since it was last started.
    pub fn log_tail(&self, index: usize) -> String {
        self.broker(index).log_tail()
    }

    /// Until every partition has a leader and all its replicas are in sync: then any one broker may be lost.
    ///
    /// # Panics
    /// When it does not come to that in time.
    pub fn wait_until_in_sync(&self, patience: Duration) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap());
        let client: BaseConsumer = config.create().unwrap();
        let until = Instant::now() + patience;
        loop {
            let lacking = lacking(&client, self.size());
            if lacking.is_empty() {
                return;
            }
            let shown = lacking.join(", ");
            assert!(
                Instant::now() < until,
                "not in sync within {patience:?}: {shown}"
            );
            thread::sleep(LOOK);
        }
    }

    fn broker(&self, index: usize) -> MutexGuard<'_, Broker> {
        self.brokers[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a cluster that is as it should be would not show.
fn lacking(client: &BaseConsumer, brokers: usize) -> Vec<String> {
    let metadata = match client.fetch_metadata(None, METADATA_TIMEOUT) {
        Ok(metadata) => metadata,
        Err(error) => return vec![error.to_string()],
    };
    let mut lacking = Vec::new();
    if metadata.brokers().len() < brokers {
        lacking.push(format!("{} of {brokers} brokers", metadata.brokers().len()));
    }
    for topic in metadata.topics() {
        for partition in topic.partitions() {
            let in_sync = partition.isr().len() == partition.replicas().len();
            if partition.error().is_some() || partition.leader() < 0 || !in_sync {
                lacking.push(format!("{}/{}", topic.name(), partition.id()));
            }
        }
    }
    lacking
}

fn place(wanted: Option<&Path>) -> (PathBuf, Option<TempDir>) {
    if let Some(folder) = wanted {
        std::fs::create_dir_all(folder).unwrap();
        return (folder.to_owned(), None);
    }
    let made = tempfile::Builder::new()
        .prefix("afterword-kafka-")
        .tempdir();
    let made = made.unwrap();
    (made.path().to_owned(), Some(made))
}

fn choose_ports(count: usize, advertised: &[u16]) -> Vec<Ports> {
    assert!(
        advertised.is_empty() || advertised.len() == count,
        "expected one advertised port a broker, {count}, found {}",
        advertised.len()
    );
    let mut free = free_ports(4 * count).into_iter();
    let mut next = || free.next().expect("four a broker");
    let one = |_| Ports {
        plain: next(),
        controller: next(),
        proxied: next(),
        secure: next(),
    };
    (0..count).map(one).collect()
}

fn listeners(index: usize, ports: &[Ports], advertised: &[u16]) -> Vec<(String, String)> {
    let own = &ports[index];
    let listener = |name: &str, port: u16| format!("{name}://127.0.0.1:{port}");
    let plain = listener("PLAINTEXT", own.plain);
    let proxy = advertised.get(index).copied().unwrap_or(own.proxied);
    let secure = listener("SECURE", own.secure);
    let controller = listener("CONTROLLER", own.controller);
    let line = |name: &str, value: String| (name.to_owned(), value);
    let voters: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(index, ports)| format!("{}@127.0.0.1:{}", index + 1, ports.controller))
        .collect();
    vec![
        line(
            "listeners",
            format!(
                "{plain},{},{secure},{controller}",
                listener("PROXIED", own.proxied)
            ),
        ),
        line(
            "advertised.listeners",
            format!("{plain},{},{secure}", listener("PROXIED", proxy)),
        ),
        line("controller.quorum.voters", voters.join(",")),
    ]
}

fn protocols(security: Option<Security>) -> Vec<(String, String)> {
    let secure = security.map_or("PLAINTEXT", Security::protocol);
    let map = format!("CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SECURE:{secure}");
    vec![("listener.security.protocol.map".to_owned(), map)]
}

/// Of the topics that Kafka makes for itself, and of others that do not say.
fn replication(brokers: usize) -> Vec<(String, String)> {
    let in_sync = if brokers == 1 { 1 } else { 2 };
    let line = |(name, value): (&str, usize)| (name.to_owned(), value.to_string());
    let lines = [
        ("default.replication.factor", brokers),
        ("min.insync.replicas", in_sync),
        ("offsets.topic.replication.factor", brokers),
        ("transaction.state.log.replication.factor", brokers),
        ("transaction.state.log.min.isr", in_sync),
        ("share.coordinator.state.topic.replication.factor", brokers),
        ("share.coordinator.state.topic.min.isr", in_sync),
    ];
    lines.into_iter().map(line).collect()
}
