//! Free ports on the loopback device.

use std::net::{Ipv4Addr, TcpListener};

use uuid::Uuid;

/// Below the range from which systems take the ports of outgoing connections: while a server is down, a client that keeps connecting to a
/// port of that range may be given the very same port for its own end, connects to itself, and the server cannot come back.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// As many different ports that nobody listens on.
///
/// # Panics
/// When there are none.
pub fn free_ports(count: usize) -> Vec<u16> {
    let (_, start, _, _) = Uuid::new_v4().as_fields();
    let every = RANGE.cycle().skip(usize::from(start)).take(RANGE.len());
    let bound: Vec<TcpListener> = every
        .filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .take(count)
        .collect();
    assert_eq!(
        bound.len(),
        count,
        "expected {count} free ports in {RANGE:?}"
    );
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    bound.iter().map(port).collect()
}

/// `127.0.0.1:PORT,…`, as clients want it.
pub fn addresses(ports: impl IntoIterator<Item = u16>) -> String {
    let each: Vec<String> = ports
        .into_iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    each.join(",")
}
