//! API tokens.

use axum::http::{Request, StatusCode};

use crate::world::{World, bearer};

fn fact(workspace: &str, id: &str) -> String {
    format!(
        r#"{{"event_id":"{id}","workspace_id":"{workspace}","conversation_id":"c1","occurred_at":"2026-03-01T09:00:00.000Z","type":"message_added","author":{{"kind":"user","id":"u1"}},"text":"Hello"}}"#
    )
}

fn events() -> axum::http::request::Builder {
    Request::post("/api/v1/events").header("content-type", "application/x-ndjson")
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_taken() {
    let world = World::new().await;
    let token = world.token("events:write", None).await;
    let reader = world.token("reports:read", None).await;
    let body = fact("w1", "e1");
    assert_eq!(
        world.ask(events(), &body).await.status,
        StatusCode::UNAUTHORIZED
    );
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer aw_".to_owned(),
        format!("Basic {token}"),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {}", &token[3..]),
        format!("Bearer aw_{}", "a".repeat(5_000)),
    ] {
        let answer = world
            .ask(events().header("authorization", &value), &body)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
        assert!(!answer.text.contains(&token[3..40]), "{}", answer.text);
    }
    let answer = world.ask(bearer(events(), &reader), &body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("events:write"), "{}", answer.text);
    world.database.revoke_token(&token[3..15], 1).await.unwrap();
    let answer = world.ask(bearer(events(), &token), &body).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "revoked");
    assert_eq!(world.facts(), 0);
}

#[tokio::test]
async fn a_token_writes_facts_of_its_own_workspaces_alone() {
    let world = World::new().await;
    let token = world.token("events:write reports:read", Some("w1")).await;
    let body = [fact("w1", "e1"), fact("w2", "e2"), fact("w1", "e3")].join("\n");
    let answer = world.ask(bearer(events(), &token), &body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        (&told["accepted"], &told["refused_total"]),
        (&2.into(), &1.into())
    );
    assert_eq!(told["refused"][0]["line"], 2);
    assert_eq!(told["refused"][0]["member"], "workspace_id");
    assert_eq!(world.facts(), 2);
    let path = "/api/v1/workspaces/w1/conversations/c1";
    let answer = world.ask(bearer(Request::get(path), &token), "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answer = world
        .ask(bearer(Request::get("/account"), &token), "")
        .await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "it is nobody's account"
    );
}
