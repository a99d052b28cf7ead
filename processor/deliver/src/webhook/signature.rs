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
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(format!("{message_id}.{timestamp_s}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
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
