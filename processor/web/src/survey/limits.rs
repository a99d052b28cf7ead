//! How often one link may be answered and one address may ask. In memory, each process for itself, and bounded: keys fall
//! into a fixed number of buckets by a hash that nobody outside can foresee.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::http::HeaderMap;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use crate::address::{client, network};

const LINK_BUCKETS: u64 = 1 << 17;
const ADDRESS_BUCKETS: u64 = 1 << 16;

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
        client(peer, headers, &self.trusted)
    }

    fn bucket(&self, key: impl Hash, buckets: u64) -> u64 {
        self.hashes.hash_one(key) % buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let two = NonZeroU32::new(2).expect("not zero");
        Limits::new(two, two, Vec::new())
    }

    #[test]
    fn the_third_is_too_much() {
        let limits = limits();
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
}
