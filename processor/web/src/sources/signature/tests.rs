//! Signatures, held against ones that another program made (Python's `hmac`).

use super::*;
use crate::sources::Secret;

const SECRET: &str = "a-secret-of-the-desk";
const BODY: &[u8] = br#"{"topic":"ping"}"#;
const NOW_MS: i64 = 1_700_000_000_000;
const MINUTE_MS: i64 = 60_000;

const SHA1: &str = "sha1=d2b0c38ddd12ee148a115fbcf4e665835847cc93";
const HEX: &str = "sha256=11fae4c203282a264df1843014c4d217736ebef12e1141a0bba8dd12119d87bd";
const BASE64: &str = "VUnBm2S+oZsREuQRJu6hXFdzff2t8yMTpaNXP5VcqbM=";
const SECONDS: &str = "1700000000";
const TEXT: &str = "2023-11-14T22:13:20Z";

fn source(kind: SourceKind, secrets: &[&str]) -> Source {
    let secrets = secrets.iter().map(|text| Secret::new(text).expect("long"));
    Source {
        name: "desk".to_owned(),
        kind,
        workspace_id: "w1".to_owned(),
        secrets: secrets.collect(),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().expect("a header"));
    }
    headers
}

fn signed(kind: SourceKind) -> HeaderMap {
    match kind {
        SourceKind::Intercom => headers(&[("x-hub-signature", SHA1)]),
        SourceKind::Chatwoot => headers(&[
            ("x-chatwoot-timestamp", SECONDS),
            ("x-chatwoot-signature", HEX),
        ]),
        SourceKind::Zendesk => headers(&[
            ("x-zendesk-webhook-signature-timestamp", TEXT),
            ("x-zendesk-webhook-signature", BASE64),
        ]),
    }
}

fn is_unsigned(result: Result<(), Refused>) -> bool {
    matches!(result, Err(Refused::Unsigned(_)))
}

#[test]
fn what_another_program_signed_is_believed_and_nothing_else() {
    for kind in SourceKind::ALL {
        let (own, headers) = (source(kind, &[SECRET]), signed(kind));
        assert_eq!(verify(&own, &headers, BODY, NOW_MS), Ok(()), "{kind:?}");
        let other = source(kind, &["another-secret-of-it"]);
        assert!(is_unsigned(verify(&other, &headers, BODY, NOW_MS)));
        let both = source(kind, &["another-secret-of-it", SECRET]);
        assert_eq!(verify(&both, &headers, BODY, NOW_MS), Ok(()));
        let changed = br#"{"topic":"pinG"}"#;
        assert!(is_unsigned(verify(&own, &headers, changed, NOW_MS)));
        assert!(is_unsigned(verify(&own, &HeaderMap::new(), BODY, NOW_MS)));
        let of_another = SourceKind::ALL.into_iter().filter(|other| *other != kind);
        for other in of_another {
            assert!(is_unsigned(verify(&own, &signed(other), BODY, NOW_MS)));
        }
        for name in headers.keys() {
            let mut doubled = headers.clone();
            doubled.append(name, headers[name].clone());
            assert!(is_unsigned(verify(&own, &doubled, BODY, NOW_MS)), "{name}");
            let mut without = headers.clone();
            without.remove(name);
            assert!(is_unsigned(verify(&own, &without, BODY, NOW_MS)), "{name}");
        }
    }
}

#[test]
fn what_was_signed_long_ago_is_refused() {
    for kind in [SourceKind::Chatwoot, SourceKind::Zendesk] {
        let (source, headers) = (source(kind, &[SECRET]), signed(kind));
        let at = |minutes: i64| verify(&source, &headers, BODY, NOW_MS + minutes * MINUTE_MS);
        assert_eq!((at(15), at(-15)), (Ok(()), Ok(())));
        assert!(matches!(at(16), Err(Refused::Stale(_))), "{kind:?}");
        assert!(matches!(at(-16), Err(Refused::Stale(_))), "{kind:?}");
    }
}

#[test]
fn a_time_that_was_not_signed_counts_for_nothing() {
    let zendesk = source(SourceKind::Zendesk, &[SECRET]);
    let mut given = signed(SourceKind::Zendesk);
    let name = "x-zendesk-webhook-signature-timestamp";
    given.insert(name, "2023-11-14T22:13:21Z".parse().expect("a header"));
    assert!(is_unsigned(verify(&zendesk, &given, BODY, NOW_MS)));
}

#[test]
fn hexadecimal_digits_come_in_pairs() {
    assert_eq!(from_hex("00ffA0"), Some(vec![0, 255, 160]));
    for wrong in ["0", "0g", "+1", "é1", "00 0"] {
        assert_eq!(from_hex(wrong), None, "{wrong}");
    }
    assert_eq!(from_hex(""), Some(Vec::new()));
}

#[test]
fn a_secret_is_long_and_shows_nothing() {
    let error = Secret::new("short").expect_err("short");
    assert!(!error.contains("short"), "{error}");
    let secret = Secret::new(SECRET).expect("long");
    assert_eq!(format!("{secret:?}"), "Secret");
}
