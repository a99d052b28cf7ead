//! Where a request comes from: another site's page, or ours; over which name.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

/// Whether a request that changes something was sent by a page of ours, or by no page at all.
///
/// Browsers say so in `Sec-Fetch-Site`; those that do not yet, in `Origin`, which must be where the request goes to: the host
/// that it names, or the public address. A request without either is none of a browser of these years (`Absent`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    OurPage,
    OtherPage,
    Absent,
}

/// Who sent it. The public origin is `scheme://host[:port]`.
#[must_use]
pub fn sender(headers: &HeaderMap, public_origin: Option<&str>) -> Sender {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site")
        && site != "same-origin"
    {
        return Sender::OtherPage;
    }
    match text("origin") {
        // A page of ours never has an opaque origin.
        Some(origin) if is_ours(origin, text("host"), public_origin) => Sender::OurPage,
        Some(_) => Sender::OtherPage,
        None if text("sec-fetch-site").is_some() => Sender::OurPage,
        None => Sender::Absent,
    }
}

fn is_ours(origin: &str, host: Option<&str>, public_origin: Option<&str>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    public_origin == Some(origin) || (authority.is_some() && authority == host)
}

/// Why a request is not for a service that is tried without accounts, if so. Other sites' names may be made to lead to this
/// machine (DNS rebinding), and whoever comes through a proxy is not on this machine.
#[must_use]
pub fn not_for_trying(headers: &HeaderMap) -> Option<&'static str> {
    let forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host"];
    if forwarded.iter().any(|name| headers.contains_key(*name)) {
        return Some(
            "it comes through a proxy, and there are no accounts; make one with `afterword accounts invite`",
        );
    }
    let host = headers.get(header::HOST)?.to_str().unwrap_or_default();
    (!is_loopback(host)).then_some(
        "without accounts this is for a browser on the same machine: open it as http://127.0.0.1 or http://localhost, or make an account with `afterword accounts invite`",
    )
}

/// Whether a host, with or without a port, is this machine's loopback address.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let bare = bare.to_ascii_lowercase();
    let is_name = bare == "localhost" || bare.ends_with(".localhost");
    is_name
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let name = axum::http::HeaderName::from_static(name);
                (name, value.parse().expect("a value"))
            })
            .collect()
    }

    #[test]
    fn other_sites_pages_are_known() {
        let check = |pairs: &[(&'static str, &str)], expected: Sender| {
            let found = sender(&headers(pairs), Some("https://ratings.example.com"));
            assert_eq!(found, expected, "{pairs:?}");
        };
        let host = ("host", "10.0.0.5:8081");
        check(&[host, ("sec-fetch-site", "cross-site")], Sender::OtherPage);
        check(&[host, ("sec-fetch-site", "same-site")], Sender::OtherPage);
        check(&[host, ("sec-fetch-site", "none")], Sender::OtherPage);
        check(
            &[host, ("origin", "https://evil.example")],
            Sender::OtherPage,
        );
        check(&[host, ("origin", "null")], Sender::OtherPage);
        check(
            &[host, ("origin", "http://ratings.example.com")],
            Sender::OtherPage,
        );
        let lie = ("sec-fetch-site", "same-origin");
        check(
            &[host, lie, ("origin", "https://evil.example")],
            Sender::OtherPage,
        );
        check(&[("origin", "https://")], Sender::OtherPage);
        check(&[host], Sender::Absent);
        check(&[host, lie], Sender::OurPage);
        check(&[host, ("origin", "http://10.0.0.5:8081")], Sender::OurPage);
        check(
            &[host, ("origin", "https://ratings.example.com")],
            Sender::OurPage,
        );
    }

    #[test]
    fn trying_is_for_this_machine() {
        let check = |pairs: &[(&'static str, &str)], is_fine: bool| {
            let found = not_for_trying(&headers(pairs));
            assert_eq!(found.is_none(), is_fine, "{pairs:?} {found:?}");
        };
        for host in [
            "evil.example",
            "evil.example:8081",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "0.0.0.0:1",
            "[2001:db8::1]:1",
            "localhost.evil.example",
            "",
        ] {
            check(&[("host", host)], false);
        }
        check(
            &[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")],
            false,
        );
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "127.0.0.1:8081",
            "127.1.2.3",
            "[::1]:8081",
            "a.localhost:1",
        ] {
            check(&[("host", host)], true);
        }
        check(&[], true);
    }
}
