//! Answers that no healthy registry gives, from a server of our own; a real one is in the integration tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use afterword_schemas::{RecordKind, SchemaRegistry};

use super::{Registry, RegistryError};
use crate::config::RegistryConfig;

/// Answers one request so, and returns its head.
fn serve(status: &str, body: Vec<u8>) -> (Registry, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a request");
        let mut reader = BufReader::new(&stream);
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut asked).expect("a line") > 0, "{asked}");
        }
        let length = asked
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a number"));
        let mut sent = vec![0; length];
        reader.read_exact(&mut sent).expect("a body");
        // Whoever has read enough goes away.
        let _ = (&stream)
            .write_all(head.as_bytes())
            .and_then(|()| (&stream).write_all(&body));
        asked
    });
    let credentials = Some(("reader".to_owned(), "hush".to_owned()));
    (Registry::new(&RegistryConfig { url, credentials }), served)
}

#[track_caller]
fn check(status: &str, body: &str, expected: &str) {
    let (registry, served) = serve(status, body.into());
    let error = registry.by_id(7).expect_err("no schema").to_string();
    assert!(error.contains(expected), "{error}");
    assert!(
        !error.contains("hush") && !error.contains("cmVhZGVy"),
        "{error}"
    );
    served.join().expect("served");
}

#[test]
fn what_is_no_answer_of_a_registry_says_what_to_look_at() {
    check("404 Not Found", "<html>", "check schema_registry.url");
    check(
        "404 Not Found",
        r#"{"status":404}"#,
        "check schema_registry.url",
    );
    check("200 OK", "<html>", "check schema_registry.url");
    check("200 OK", r#"{"id":7}"#, "an answer without `schema`");
    check("401 Unauthorized", "", "check schema_registry.username");
    check(
        "500 Oops",
        r#"{"error_code":50001,"message":"store\u001b[31m away"}"#,
        "status 500: store [31m away",
    );
}

#[test]
fn an_answer_has_a_longest_size() {
    let long = format!(r#"{{"schema":"{}"}}"#, "x".repeat(5 << 20));
    check("200 OK", &long, "no answer");
}

#[test]
fn an_id_that_is_not_there_is_an_answer() {
    let (registry, served) = serve("404 Not Found", br#"{"error_code":40403}"#.to_vec());
    assert_eq!(registry.schema(7), Ok(None));
    let asked = served.join().expect("served");
    assert!(
        asked.starts_with("GET /schemas/ids/7 HTTP/1.1\r\n"),
        "{asked}"
    );
    let authorization = "authorization: Basic cmVhZGVyOmh1c2g=\r\n";
    assert!(asked.contains(authorization), "{asked}");
}

#[test]
fn a_schema_of_another_kind_is_none() {
    let body = br#"{"schemaType":"PROTOBUF","schema":"message M {}"}"#;
    let (registry, served) = serve("200 OK", body.to_vec());
    assert_eq!(registry.schema(7), Ok(None));
    served.join().expect("served");
}

#[test]
fn what_is_not_registered_yet_is_waited_for() {
    let (registry, served) = serve("404 Not Found", br#"{"error_code":40401}"#.to_vec());
    let error = registry
        .id_of(RecordKind::RatingSubmitted)
        .expect_err("none");
    assert!(
        error.to_string().contains("`afterword schemas register`"),
        "{error}"
    );
    let asked = served.join().expect("served");
    assert!(
        asked.starts_with("POST /subjects/rating-submitted-value HTTP/1.1\r\n"),
        "{asked}"
    );
}

#[test]
fn a_refusal_is_told_from_an_absence() {
    let body = br#"{"error_code":409,"message":"breaks the rule"}"#;
    let (registry, served) = serve("409 Conflict", body.to_vec());
    let error = registry.register("s-value", "{}");
    let expected = "breaks the rule (status 409)".to_owned();
    assert_eq!(error, Err(RegistryError::Refused(expected)));
    served.join().expect("served");
}
