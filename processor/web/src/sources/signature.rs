//! Who sent a webhook: HMAC over its raw bytes, as each desk does it. Comparing takes as long for a wrong signature.

use afterword_schemas::json::parse_time;
use afterword_schemas::records::Timestamp;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use super::{Source, SourceKind};

/// How long ago, or ahead of our clock, a webhook may have been signed: long enough for a desk that tries again with the time
/// of its first attempt. What is repeated within it counts once anyway.
pub const AGE_MOST_MS: u64 = 15 * 60 * 1_000;

/// Why a webhook is not believed. With what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unsigned(&'static str),
    Stale(&'static str),
}

/// Checks the signature of a body.
///
/// # Errors
/// When it is missing, wrong, or too old where the desk says when it signed.
pub fn verify(
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
    now_ms: i64,
) -> Result<(), Refused> {
    let signed = match source.kind {
        SourceKind::Intercom => intercom(source, headers, body),
        SourceKind::Chatwoot => return chatwoot(source, headers, body, now_ms),
        SourceKind::Zendesk => return zendesk(source, headers, body, now_ms),
    };
    signed.ok_or(Refused::Unsigned(
        "expected X-Hub-Signature with sha1= and the HMAC-SHA1 of the body by this source's secret",
    ))
}

/// `sha1=` and hexadecimal digits; over the body alone.
fn intercom(source: &Source, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let given = header(headers, "x-hub-signature")?.strip_prefix("sha1=")?;
    let given = from_hex(given)?;
    let signed = source.secrets.iter().any(|secret| {
        let mac = Hmac::<Sha1>::new_from_slice(secret.bytes());
        mac.is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
    });
    signed.then_some(())
}

/// `sha256=` and hexadecimal digits; over the seconds since 1970, a full stop and the body.
fn chatwoot(source: &Source, headers: &HeaderMap, body: &[u8], now_ms: i64) -> Result<(), Refused> {
    let unsigned = Refused::Unsigned(
        "expected X-Chatwoot-Timestamp, and X-Chatwoot-Signature with sha256= and the HMAC-SHA256 of timestamp.body by this source's secret",
    );
    let at = header(headers, "x-chatwoot-timestamp").ok_or(unsigned)?;
    let given = header(headers, "x-chatwoot-signature");
    let given = given.and_then(|text| text.strip_prefix("sha256="));
    let given = given.and_then(from_hex).ok_or(unsigned)?;
    if !is_signed(source, &[at.as_bytes(), b".", body], &given) {
        return Err(unsigned);
    }
    let seconds = at.parse::<i64>().map_err(|_| unsigned)?;
    check_age(Timestamp(seconds.saturating_mul(1_000)), now_ms)
}

/// Base64; over the time as the header has it, and the body.
fn zendesk(source: &Source, headers: &HeaderMap, body: &[u8], now_ms: i64) -> Result<(), Refused> {
    let unsigned = Refused::Unsigned(
        "expected X-Zendesk-Webhook-Signature-Timestamp, and X-Zendesk-Webhook-Signature with the base64 of the HMAC-SHA256 of timestamp and body by this source's secret",
    );
    let at = header(headers, "x-zendesk-webhook-signature-timestamp").ok_or(unsigned)?;
    let given = header(headers, "x-zendesk-webhook-signature");
    let given = given.and_then(|text| STANDARD.decode(text).ok());
    let given = given.ok_or(unsigned)?;
    if !is_signed(source, &[at.as_bytes(), body], &given) {
        return Err(unsigned);
    }
    check_age(parse_time(at).ok_or(unsigned)?, now_ms)
}

fn is_signed(source: &Source, parts: &[&[u8]], given: &[u8]) -> bool {
    source.secrets.iter().any(|secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.bytes()) else {
            return false;
        };
        parts.iter().for_each(|part| mac.update(part));
        mac.verify_slice(given).is_ok()
    })
}

fn check_age(signed_at: Timestamp, now_ms: i64) -> Result<(), Refused> {
    match now_ms.abs_diff(signed_at.0) <= AGE_MOST_MS {
        true => Ok(()),
        false => Err(Refused::Stale(
            "expected a signature of the last 15 minutes; compare the clocks",
        )),
    }
}

/// A header that is there once: of two, somebody else may look at the other.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    match rest.is_empty() {
        true => bytes.collect(),
        false => None,
    }
}

#[cfg(test)]
mod tests;
