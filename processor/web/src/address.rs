//! Who is at the other end of a connection.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The address at the other end of a connection: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Proxies of an `X-Forwarded-For` that are looked at, from the last.
const HOPS: usize = 16;

/// Who asks: the peer, or, when that is a trusted proxy, the last address before the trusted ones.
#[must_use]
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let trusts = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let peer = peer.to_canonical();
    if !trusts(peer) {
        return peer;
    }
    let texts = headers.get_all("x-forwarded-for").iter().rev();
    let hops = texts.flat_map(|text| text.to_str().unwrap_or_default().rsplit(','));
    let mut nearest = peer;
    for hop in hops.take(HOPS) {
        // What a proxy did not understand, nobody else should guess.
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = address.to_canonical();
        if !trusts(nearest) {
            break;
        }
    }
    nearest
}

/// Whoever has one IPv6 address has the whole /64.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let check = |trusted: &[&str], peer: &str, forwarded: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for text in forwarded {
                headers.append("x-forwarded-for", text.parse().expect("a value"));
            }
            let trusted: Vec<IpNet> = trusted
                .iter()
                .map(|text| text.parse().expect("a network"))
                .collect();
            let found = client(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
        };
        check(&[], "10.0.0.1", &["192.0.2.1"], "10.0.0.1");
        let proxies = ["10.0.0.0/8"];
        check(&proxies, "192.0.2.9", &["192.0.2.1"], "192.0.2.9");
        check(&proxies, "10.0.0.1", &[], "10.0.0.1");
        check(&proxies, "::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1");
        let several = ["203.0.113.7", "192.0.2.1, 10.0.0.2"];
        check(&proxies, "10.0.0.1", &several, "192.0.2.1");
        check(&proxies, "10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1");
    }
}
