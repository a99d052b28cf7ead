//! One POST. What the receiver says is read no further than its status and when to come again.

use std::io::Read as _;
use std::time::Duration;

use afterword_readmodel::DeliveryState;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Timeout};

use crate::lane::Attempted;

const CONNECT: Duration = Duration::from_secs(5);
/// So much of an answer is read, for the connection's sake; the rest is cut off with it.
const ANSWER_BYTES: u64 = 16 * 1024;

/// Sends webhooks. Follows no redirect: what was signed for one address is not for another to have.
#[derive(Clone)]
pub struct Poster {
    agent: Agent,
}

impl Poster {
    /// Each attempt takes so long at most, everything included.
    pub fn new(limit: Duration) -> Poster {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT.min(limit)))
            .timeout_global(Some(limit))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(ANSWER_BYTES as usize)
            .user_agent(concat!("Afterword/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Poster {
            agent: Agent::new_with_config(config),
        }
    }

    /// Sends, and says what came of it.
    pub fn post(
        &self,
        url: &str,
        message_id: &str,
        timestamp_s: i64,
        signatures: &str,
        body: &str,
    ) -> Attempted {
        let request = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", message_id)
            .header("webhook-timestamp", timestamp_s.to_string())
            .header("webhook-signature", signatures);
        let mut answer = match request.send(body) {
            Ok(answer) => answer,
            Err(error) => return unanswered(&error),
        };
        let status = answer.status().as_u16();
        let header = answer.headers().get("retry-after");
        let after = header
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let mut rest = Vec::new();
        let reader = answer.body_mut().as_reader();
        let _: std::io::Result<usize> = reader.take(ANSWER_BYTES).read_to_end(&mut rest);
        judge(status, after)
    }
}

fn judge(status: u16, after: Option<Duration>) -> Attempted {
    match status {
        200..=299 => Attempted::Final(DeliveryState::Sent, String::new()),
        410 => {
            let why = "410: the receiver says that it is gone for good";
            Attempted::Final(DeliveryState::Failed, why.to_owned())
        }
        300..=399 => Attempted::Again {
            detail: format!(
                "{status}: redirects are not followed; configure the address that it leads to"
            ),
            after: None,
        },
        _ => Attempted::Again {
            detail: format!("the receiver answered {status}"),
            after,
        },
    }
}

/// An error's text is ours or the system's, and has no address with a secret in it.
fn unanswered(error: &ureq::Error) -> Attempted {
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            Attempted::Unreachable("it cannot be connected to in time".to_owned())
        }
        // One message may be too much for a receiver that takes others.
        ureq::Error::Timeout(which) => Attempted::Again {
            detail: format!("no answer in time ({which})"),
            after: None,
        },
        ureq::Error::BadUri(_) => Attempted::Unreachable("the address cannot be used".to_owned()),
        error => Attempted::Unreachable(error.to_string()),
    }
}

#[test]
fn only_success_is_success() {
    let sent = Attempted::Final(DeliveryState::Sent, String::new());
    for status in [200, 202, 204] {
        assert_eq!(judge(status, None), sent);
    }
    assert!(matches!(
        judge(410, None),
        Attempted::Final(DeliveryState::Failed, _)
    ));
    for status in [302, 400, 401, 404, 500, 503] {
        assert!(
            matches!(judge(status, None), Attempted::Again { .. }),
            "{status}"
        );
    }
    let after = Some(Duration::from_secs(7));
    assert!(matches!(judge(429, after), Attempted::Again { after: found, .. } if found == after));
}
