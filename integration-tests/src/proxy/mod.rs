//! A network that misbehaves when told: a proxy between Kafka clients and brokers that understands the protocol's
//! framing, so that it can hold, delay, swallow or cut at exactly the message that matters.
//!
//! Each broker has a port here, and must advertise it to its clients: else they go past the proxy after their first
//! request. A held request reaches its broker also when the client is long gone, as a packet does that waited in some
//! router: that is how an EndTxn of one transaction can hit the next.
//!
//! No TLS and no SASL.

mod connection;
pub mod rules;
pub mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use rules::{Action, Handle, Late, Rule, Way};
pub use wire::{Api, OffsetCommit, Request};

/// What is remembered of TxnOffsetCommits, for tests that look at what they say.
const COMMITS_REMEMBERED: usize = 4_096;

/// The proxy; its connections end with it.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    ports: Vec<u16>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    /// Where each broker is, once that is known.
    brokers: Mutex<Vec<Option<SocketAddr>>>,
    rules: rules::Rules,
    ended: AtomicBool,
    /// Open connections by number: broker, the client's socket, the broker's socket.
    open: Mutex<BTreeMap<u64, (usize, TcpStream, TcpStream)>>,
    tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    connections: u64,
    requests: BTreeMap<Api, u64>,
    commits: Vec<OffsetCommit>,
}

impl Proxy {
    /// A proxy for so many brokers, each on a free port of the loopback address; until [`Proxy::forward`] says where
    /// a broker is, its clients are turned away.
    pub fn start(brokers: usize) -> io::Result<Proxy> {
        let shared = Arc::new(Shared {
            brokers: Mutex::new(vec![None; brokers]),
            rules: rules::Rules::default(),
            ended: AtomicBool::new(false),
            open: Mutex::default(),
            tally: Mutex::default(),
        });
        let mut ports = Vec::new();
        for broker in 0..brokers {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            ports.push(listener.local_addr()?.port());
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("proxy-{broker}"))
                .spawn(move || accept(&listener, broker, &shared))?;
        }
        Ok(Proxy { shared, ports })
    }

    /// The ports, one a broker: what the brokers must advertise.
    #[must_use]
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// What clients begin with.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        let servers = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        servers.collect::<Vec<_>>().join(",")
    }

    /// Says where a broker listens.
    pub fn forward(&self, broker: usize, port: u16) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        lock(&self.shared.brokers)[broker] = Some(address);
    }

    /// Puts a rule in force, behind those that are.
    pub fn rule(&self, rule: Rule) -> Handle {
        self.shared.rules.add(rule)
    }

    /// Ends all rules; what they hold goes on.
    pub fn clear(&self) {
        self.shared.rules.clear();
    }

    /// Cuts every connection to this broker, or to all of them.
    pub fn cut(&self, broker: Option<usize>) {
        for (of, client, upstream) in lock(&self.shared.open).values() {
            if broker.is_none_or(|wanted| wanted == *of) {
                let _ = client.shutdown(Shutdown::Both);
                let _ = upstream.shutdown(Shutdown::Both);
            }
        }
    }

    /// How many requests of this API have come.
    #[must_use]
    pub fn requests(&self, api: Api) -> u64 {
        let tally = lock(&self.shared.tally);
        tally.requests.get(&api).copied().unwrap_or(0)
    }

    /// The first TxnOffsetCommits that have come.
    #[must_use]
    pub fn offset_commits(&self) -> Vec<OffsetCommit> {
        lock(&self.shared.tally).commits.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.cut(None);
        self.clear();
        for port in &self.ports {
            // So that the listener looks up and sees that it has ended.
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, *port)));
        }
    }
}

impl Shared {
    fn count(&self, request: &Request, message: &[u8]) {
        let mut tally = lock(&self.tally);
        *tally.requests.entry(request.api).or_default() += 1;
        if tally.commits.len() < COMMITS_REMEMBERED {
            tally.commits.extend(wire::offset_commit(message));
        }
    }
}

fn accept(listener: &TcpListener, broker: usize, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let address = lock(&shared.brokers)[broker];
        // A broker that is away is a connection that is refused: the client's is closed at once.
        let upstream = address.and_then(|address| TcpStream::connect(address).ok());
        if let (Ok(client), Some(upstream)) = (client, upstream) {
            let _ = connection::serve(broker, client, upstream, shared);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
