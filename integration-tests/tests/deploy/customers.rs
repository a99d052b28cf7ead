//! What the other side does: customers who open links and answer, and a receiver of webhooks.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use afterword_link::{LinkKeys, Subject};
use serde_json::Value;
use ureq::Agent;

use crate::place::Place;

/// 32 bytes that are no secret.
pub const LINK_KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Answers every request with 204 for as long as this process lives; returns its port.
pub fn receiver() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let mut buffer = [0; 65_536];
            // All of a small request comes at once, or nearly so.
            while stream
                .read(&mut buffer)
                .is_ok_and(|read| read == buffer.len())
            {}
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

/// The links of all that were asked, as a mail would have them, without what comes before `/r/`.
pub fn links(place: &Place) -> Vec<String> {
    let keys = LinkKeys::parse(&[LINK_KEY.to_owned()]).unwrap();
    let link = |line: &String| {
        let request: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        keys.mint(&Subject {
            workspace_id: text("workspace_id"),
            request_id: text("request_id"),
        })
    };
    place.tail("rating-requested").iter().map(link).collect()
}

/// Where the customers' pages of a running service are.
pub fn survey_url(place: &Place) -> String {
    let file = std::fs::read(place.data().join("service.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    format!("http://{}", file["survey"].as_str().unwrap())
}

/// Opens a link and answers; nothing when nobody listens there.
pub fn answer(survey: &str, link: &str) -> Option<()> {
    let config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let agent = Agent::new_with_config(config);
    let address = format!("{survey}/r/{link}");
    let page = agent
        .get(&address)
        .call()
        .ok()?
        .body_mut()
        .read_to_string()
        .ok()?;
    let stamp = page
        .split("name=\"form\" value=\"")
        .nth(1)?
        .split('"')
        .next()?;
    let fields = [("form", stamp), ("reaction", "great")];
    agent.post(&address).send_form(fields).ok().map(drop)
}
