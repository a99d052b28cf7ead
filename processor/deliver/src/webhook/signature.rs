//! Signatures: HMAC-SHA256 over id, time and body, `v1` of Standard Webhooks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// In front of a secret's base64.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, as the specification has them.
const LEAST: usize = 24;
const MOST: usize = 64;

/// What a receiver shares with us. Prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    /// When it is none; the message has nothing of the text.
    pub fn parse(text: &str) -> Result<Secret, String> {
        let expected = "expected whsec_ and 24 to 64 random bytes in base64, such as the output of: \
                        echo whsec_$(openssl rand -base64 32)";
        let bytes = text
            .strip_prefix(PREFIX)
            .and_then(|base64| STANDARD.decode(base64).ok());
        let bytes = bytes.filter(|bytes| (LEAST..=MOST).contains(&bytes.len()));
        bytes.map(Secret).ok_or_else(|| expected.to_owned())
    }

    /// `v1,` and the signature.
    #[must_use]
    pub fn sign(&self, message_id: &str, timestamp_s: i64, body: &str) -> String {
        let mac = self.mac(message_id, timestamp_s, body);
        mac.map_or_else(String::new, |mac| {
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        })
    }

    /// Whether one of these signatures, parted by spaces, is of this message: what a receiver asks. Takes as long for a wrong one.
    #[must_use]
    pub fn signed(&self, message_id: &str, timestamp_s: i64, body: &str, signatures: &str) -> bool {
        let texts = signatures
            .split(' ')
            .filter_map(|text| text.strip_prefix("v1,"));
        let mut given = texts.filter_map(|base64| STANDARD.decode(base64).ok());
        given.any(|bytes| {
            let mac = self.mac(message_id, timestamp_s, body);
            mac.is_some_and(|mac| mac.verify_slice(&bytes).is_ok())
        })
    }

    /// HMAC takes a key of any length, so there is always one.
    fn mac(&self, message_id: &str, timestamp_s: i64, body: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{message_id}.{timestamp_s}.").as_bytes());
        mac.update(body.as_bytes());
        Some(mac)
    }
}

#[test]
fn the_specifications_own_example_is_signed_alike() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let signature = secret.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        "{\"test\": 2432232314}",
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    for wrong in [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2hvcnQ=",
        "whsec_!",
    ] {
        let error = Secret::parse(wrong).expect_err("no secret");
        assert!(wrong.len() < 7 || !error.contains(wrong), "{error}");
    }
}

#[test]
fn a_receiver_knows_its_own() {
    let secret = |byte: u8| Secret(vec![byte; 32]);
    let signature = secret(1).sign("id", 7, "body");
    let both = format!("{} {signature}", secret(2).sign("id", 7, "body"));
    assert!(secret(1).signed("id", 7, "body", &signature));
    assert!(secret(1).signed("id", 7, "body", &both));
    for (id, time, body, given) in [
        ("ie", 7, "body", signature.as_str()),
        ("id", 8, "body", &signature),
        ("id", 7, "bodY", &signature),
        ("id", 7, "body", ""),
        ("id", 7, "body", "v1,AAAA"),
        ("id", 7, "body", &signature[3..]),
    ] {
        assert!(
            !secret(1).signed(id, time, body, given),
            "{id} {time} {body} {given}"
        );
    }
    assert!(!secret(2).signed("id", 7, "body", &signature));
}
