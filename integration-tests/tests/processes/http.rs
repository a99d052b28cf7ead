//! Requests, and what came back.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer of any status.
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: String,
}

impl Answer {
    /// The body as JSON, null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// An HTTP client that takes every status for an answer.
#[derive(Clone)]
pub struct Client(Agent);

impl Client {
    pub fn new() -> Client {
        let config = Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(2)))
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Client(Agent::new_with_config(config))
    }

    pub fn get(&self, url: &str) -> Result<Answer, ureq::Error> {
        answer(self.0.get(url).call()?)
    }

    pub fn put_json(&self, url: &str, body: &str) -> Result<Answer, ureq::Error> {
        answer(
            self.0
                .put(url)
                .content_type("application/json")
                .send(body)?,
        )
    }

    pub fn delete(&self, url: &str) -> Result<Answer, ureq::Error> {
        answer(self.0.delete(url).call()?)
    }

    /// Posts events, one a line.
    pub fn post_lines(&self, url: &str, lines: &str) -> Result<Answer, ureq::Error> {
        answer(
            self.0
                .post(url)
                .content_type("application/x-ndjson")
                .send(lines)?,
        )
    }

    /// The same with a header more.
    pub fn post_lines_with(
        &self,
        url: &str,
        lines: &str,
        (name, value): (&str, &str),
    ) -> Result<Answer, ureq::Error> {
        let request = self.0.post(url).header(name, value);
        answer(request.content_type("application/x-ndjson").send(lines)?)
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok());
    let retry_after = retry_after.map(str::to_owned);
    let body = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string()?;
    Ok(Answer {
        status: response.status().as_u16(),
        retry_after,
        body,
    })
}
