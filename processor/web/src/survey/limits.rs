//! How often one link may be answered and one address may ask. In memory, each process for itself, and bounded: keys fall
//! into a fixed number of buckets by a hash that nobody outside can foresee.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use axum::http::HeaderMap;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

const LINK_BUCKETS: u64 = 1 << 17;
const ADDRESS_BUCKETS: u64 = 1 << 16;
/// Proxies of an `X-Forwarded-For` that are looked at, from the last.
const HOPS: usize = 16;

/// The address at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Both limits.
pub struct Limits {
    links: DefaultKeyedRateLimiter<u64>,
    addresses: DefaultKeyedRateLimiter<u64>,
    hashes: RandomState,
    trusted: Vec<IpNet>,
}

impl Limits {
    /// So many answers of one link and so many requests of one address in a minute, all of which may come at once.
    #[must_use]
    pub fn new(
        link_posts: NonZeroU32,
        address_requests: NonZeroU32,
        trusted: Vec<IpNet>,
    ) -> Limits {
        Limits {
            links: RateLimiter::keyed(Quota::per_minute(link_posts)),
            addresses: RateLimiter::keyed(Quota::per_minute(address_requests)),
            hashes: RandomState::new(),
            trusted,
        }
    }

    /// Whether this request's link may be answered once more.
    #[must_use]
    pub fn allows_answer(&self, request_id: &str) -> bool {
        self.links
            .check_key(&self.bucket(request_id, LINK_BUCKETS))
            .is_ok()
    }

    /// Whether this address may ask once more.
    #[must_use]
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let bucket = self.bucket(network(address), ADDRESS_BUCKETS);
        self.addresses.check_key(&bucket).is_ok()
    }

    /// Who asks: the peer, or, when that is a trusted proxy, the last address before the trusted ones.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
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
            if !self.trusts(nearest) {
                break;
            }
        }
        nearest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    fn bucket(&self, key: impl Hash, buckets: u64) -> u64 {
        self.hashes.hash_one(key) % buckets
    }
}

/// Whoever has one IPv6 address has the whole /64.
fn network(address: IpAddr) -> IpAddr {
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

    fn limits(trusted: &[&str]) -> Limits {
        let two = NonZeroU32::new(2).expect("not zero");
        let trusted = trusted.iter().map(|text| text.parse().expect("a network"));
        Limits::new(two, two, trusted.collect())
    }

    #[test]
    fn the_third_is_too_much() {
        let limits = limits(&[]);
        let answers = [0; 3].map(|_| limits.allows_answer("r1"));
        assert_eq!(answers, [true, true, false]);
        assert!(limits.allows_answer("r2"));
        let ask = |text: &str| limits.allows_address(text.parse().expect("an address"));
        assert_eq!(
            [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")],
            [true, true, false]
        );
        assert!(ask("2001:db8:0:1::1") && ask("192.0.2.1"));
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let check = |trusted: &[&str], peer: &str, forwarded: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for text in forwarded {
                headers.append("x-forwarded-for", text.parse().expect("a value"));
            }
            let found = limits(trusted).client(peer.parse().expect("an address"), &headers);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
        };
        check(&[], "10.0.0.1", &["192.0.2.1"], "10.0.0.1");
        let proxies = ["10.0.0.0/8"];
        check(&proxies, "192.0.2.9", &["192.0.2.1"], "192.0.2.9");
        check(&proxies, "10.0.0.1", &[], "10.0.0.1");
        check(&proxies, "10.0.0.1", &["192.0.2.1"], "192.0.2.1");
        check(&proxies, "::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1");
        check(
            &proxies,
            "10.0.0.1",
            &["203.0.113.7, 192.0.2.1, 10.0.0.2"],
            "192.0.2.1",
        );
        check(
            &proxies,
            "10.0.0.1",
            &["203.0.113.7", "192.0.2.1"],
            "192.0.2.1",
        );
        check(&proxies, "10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1");
    }
}
