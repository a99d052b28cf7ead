//! How often somebody may try a password: by account and by address. In memory, each process for itself, and bounded: keys fall
//! into a fixed number of buckets by a hash that nobody outside can foresee.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::address::network;

/// What attempts are counted over.
const PERIOD: Duration = Duration::from_secs(15 * 60);
const BUCKETS: u64 = 1 << 16;

/// Both limits.
pub struct Attempts {
    accounts: DefaultKeyedRateLimiter<u64>,
    addresses: DefaultKeyedRateLimiter<u64>,
    hashes: RandomState,
}

impl Attempts {
    /// So many in a quarter of an hour, all of which may come at once.
    #[must_use]
    pub fn new(account: NonZeroU32, address: NonZeroU32) -> Attempts {
        let limiter = |most: NonZeroU32| {
            let one = Quota::with_period(PERIOD / most.get());
            RateLimiter::keyed(one.unwrap_or(Quota::per_minute(most)).allow_burst(most))
        };
        Attempts {
            accounts: limiter(account),
            addresses: limiter(address),
            hashes: RandomState::new(),
        }
    }

    /// Counts an attempt on an account, there or not, from an address.
    ///
    /// # Errors
    /// When it is one too many: after how many seconds another one may be made.
    pub fn count(&self, name: &str, address: IpAddr) -> Result<(), u32> {
        self.count_address(address)?;
        check(&self.accounts, self.bucket(name))
    }

    /// Counts an attempt from an address.
    ///
    /// # Errors
    /// As [`Attempts::count`].
    pub fn count_address(&self, address: IpAddr) -> Result<(), u32> {
        check(&self.addresses, self.bucket(network(address)))
    }

    fn bucket(&self, key: impl Hash) -> u64 {
        self.hashes.hash_one(key) % BUCKETS
    }
}

fn check(limiter: &DefaultKeyedRateLimiter<u64>, bucket: u64) -> Result<(), u32> {
    limiter.check_key(&bucket).map_err(|refused| {
        let wait = refused.wait_time_from(DefaultClock::default().now());
        u32::try_from(wait.as_secs())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_addresses_have_limits_of_their_own() {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        let attempts = Attempts::new(number(2), number(4));
        let count =
            |name: &str, address: &str| attempts.count(name, address.parse().expect("an address"));
        assert_eq!(count("anna", "192.0.2.1"), Ok(()));
        assert_eq!(count("anna", "192.0.2.2"), Ok(()));
        let wait = count("anna", "192.0.2.3").expect_err("the third");
        assert!((440..=451).contains(&wait), "{wait}");
        assert_eq!(count("ben", "192.0.2.3"), Ok(()));
        for name in ["c", "d", "e", "f"] {
            assert_eq!(count(name, "2001:db8::1"), Ok(()));
        }
        assert!(count("g", "2001:db8::2").is_err(), "of the same network");
        assert_eq!(count("g", "2001:db8:0:1::2"), Ok(()));
    }
}
