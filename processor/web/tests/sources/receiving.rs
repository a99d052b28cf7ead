//! What is taken and what is not.

use afterword_log::Topic;
use afterword_schemas::records::EligibilityDecided;
use afterword_web::now_ms;
use afterword_web::sources::SourceKind;
use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::world::{FORMER, SECRET, World, path, signed};
use crate::{Webhook, folder, webhooks};

const MINUTE_MS: i64 = 60_000;

/// The first webhook of a desk's conversation.
fn first(kind: SourceKind) -> Webhook {
    webhooks(&folder(kind)).swap_remove(0)
}

fn other(kind: SourceKind, name: &str) -> Vec<u8> {
    let all = webhooks(&folder(kind).join("others"));
    all.into_iter().find(|one| one.name == name).unwrap().body
}

#[tokio::test]
async fn what_is_not_signed_by_the_desk_is_no_fact() {
    let world = World::new().await;
    for kind in SourceKind::ALL {
        let body = first(kind).body;
        let bare = Request::post(path(kind)).header("content-type", "application/json");
        let another = [&body[..], b" "].concat();
        for (what, request) in [
            ("no signature", bare),
            (
                "a wrong secret",
                signed(kind, "what-nobody-signs-with", &body, now_ms()),
            ),
            ("another body", signed(kind, SECRET, &another, now_ms())),
        ] {
            let answer = world.ask(request, body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{kind:?}: {what}");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert!(!answer.text.contains(SECRET), "{}", answer.text);
        }
        assert_eq!(world.count(kind, "unsigned"), 3);
    }
    for kind in [SourceKind::Chatwoot, SourceKind::Zendesk] {
        let body = first(kind).body;
        for minutes in [-16, 16] {
            let request = signed(kind, SECRET, &body, now_ms() + minutes * MINUTE_MS);
            let answer = world.ask(request, body.clone()).await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{kind:?} {minutes}"
            );
        }
        assert_eq!(world.count(kind, "stale"), 2);
    }
    assert_eq!(world.facts(), 0);
}

#[tokio::test]
async fn what_is_signed_is_taken_without_an_account_and_by_either_secret() {
    let world = World::new().await;
    for (kind, facts) in [
        (SourceKind::Intercom, 2),
        (SourceKind::Chatwoot, 1),
        (SourceKind::Zendesk, 1),
    ] {
        let body = first(kind).body;
        for secret in [SECRET, FORMER] {
            let request = signed(kind, secret, &body, now_ms());
            // What browsers and proxies add does no harm, and counts for nothing.
            let request = request
                .header("origin", "https://elsewhere.example")
                .header("x-forwarded-for", "192.0.2.7")
                .header("authorization", "Bearer aw_nothing");
            let answer = world.ask(request, body.clone()).await;
            assert_eq!(answer.status, StatusCode::OK, "{kind:?} {}", answer.text);
            assert_eq!(answer.text, format!("{{\"facts\":{facts}}}"));
            assert!(!answer.headers.contains_key("set-cookie"));
        }
        assert_eq!(world.count(kind, "taken"), 2);
    }
    assert_eq!(world.facts(), 8);
}

#[tokio::test]
async fn what_says_nothing_to_us_is_answered_and_counted() {
    let world = World::new().await;
    for (kind, quiet) in [
        (SourceKind::Intercom, "ping"),
        (SourceKind::Chatwoot, "conversation-updated"),
        (SourceKind::Zendesk, "priority-changed"),
    ] {
        for (name, outcome) in [(quiet, "nothing"), ("unknown", "unknown_topic")] {
            let answer = world.send(kind, &other(kind, name)).await;
            assert_eq!(answer.status, StatusCode::OK, "{kind:?} {name}");
            assert_eq!(answer.text, "{\"facts\":0}");
            assert_eq!(world.count(kind, outcome), 1, "{kind:?} {outcome}");
        }
    }
    assert_eq!(world.facts(), 0);
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let world = World::new().await;
    for kind in SourceKind::ALL {
        for body in [
            "",
            "{",
            "topic=ping",
            "{} {}",
            "\u{0}",
            &"[".repeat(100_000),
        ] {
            let answer = world.send(kind, body.as_bytes()).await;
            assert_eq!(
                answer.status,
                StatusCode::BAD_REQUEST,
                "{kind:?} {body:.20}"
            );
        }
        let invalid = world.send(kind, b"{\"topic\":\"\xff\"}").await;
        assert_eq!(invalid.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.count(kind, "not_json"), 7);
        let answer = world.send(kind, b"{\"topic\":7}").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(world.count(kind, "malformed"), 1);
        let large = vec![b' '; (2 << 20) + 1];
        let answer = world.send(kind, &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(world.count(kind, "too_large"), 1);
    }
    let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = signed(SourceKind::Intercom, SECRET, b"", now_ms());
    let answer = world.ask(request, Body::from_stream(endless)).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(world.count(SourceKind::Intercom, "incomplete"), 1);
    assert_eq!(world.facts(), 0);
}

/// A text as long as a fact may have fits, with every character escaped in the desk's JSON.
#[tokio::test]
async fn the_longest_message_is_taken_and_a_longer_one_refused() {
    let world = World::new().await;
    let kind = SourceKind::Chatwoot;
    let mut value = webhooks(&folder(kind)).swap_remove(1).value();
    for (characters, status) in [
        (262_144, StatusCode::OK),
        (262_145, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        value["content"] = "x".repeat(characters).into();
        let body = value.to_string().replace('x', "\\u0078");
        let answer = world.send(kind, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(world.facts(), 1);
}

#[tokio::test]
async fn the_desk_is_told_to_try_again_while_the_log_takes_nothing() {
    let world = World::new().await;
    world.fill_disk(true);
    for kind in SourceKind::ALL {
        let answer = world.send(kind, &first(kind).body).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
        let seconds: u32 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(
            seconds < 60,
            "Zendesk tries again when it is less than a minute"
        );
        assert_eq!(world.count(kind, "unavailable"), 1);
    }
    assert_eq!(world.facts(), 0);
    world.fill_disk(false);
    for _ in 0..100 {
        let answer = world
            .send(SourceKind::Zendesk, &first(SourceKind::Zendesk).body)
            .await;
        if answer.status == StatusCode::OK {
            assert_eq!(world.facts(), 1);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the log did not recover when space returned");
}

#[tokio::test]
async fn an_address_is_one_of_the_configuration() {
    let world = World::new().await;
    for kind in SourceKind::ALL {
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri(path(kind));
            let answer = world.ask(request, Body::empty()).await;
            assert_eq!(answer.status, StatusCode::OK, "{method} {kind:?}");
        }
        let answer = world.ask(Request::delete(path(kind)), Body::empty()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
    }
    for name in ["nobody", "Zendesk", "%2e%2e", "zendesk%20"] {
        let path = format!("/api/v1/sources/{name}");
        for request in [Request::get(&path), Request::post(&path)] {
            let answer = world.ask(request, Body::empty()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
        }
    }
    // Without a signature there is nothing else to be had.
    let answer = world
        .ask(Request::get("/api/v1/openapi.json"), Body::empty())
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_close_that_comes_three_times_is_decided_once() {
    let world = World::new().await;
    for kind in SourceKind::ALL {
        let before: Vec<EligibilityDecided> = world.outputs(Topic::EligibilityDecided).await;
        for webhook in webhooks(&folder(kind)) {
            for _ in 0..3 {
                let answer = world.send(kind, &webhook.body).await;
                assert_eq!(
                    answer.status,
                    StatusCode::OK,
                    "{} {}",
                    webhook.name,
                    answer.text
                );
            }
        }
        let after: Vec<EligibilityDecided> = world.outputs(Topic::EligibilityDecided).await;
        assert_eq!(after.len(), before.len() + 1, "{kind:?}");
    }
}
