//! Forms that other sites send, or that carry somebody else's token.

use afterword_readmodel::Role;
use axum::http::{Request, StatusCode};

use crate::world::{PASSWORD, Signed, World, as_signed, form};

async fn with_sessions() -> (World, Signed, Signed) {
    let world = World::new().await;
    let anna = world.account("anna", &[("w1", Role::Manager)]).await;
    let eve = world.account("eve", &[("w1", Role::Manager)]).await;
    let (anna, eve) = (world.session(&anna, 0).await, world.session(&eve, 0).await);
    (world, anna, eve)
}

#[tokio::test]
async fn a_form_without_the_sessions_own_token_does_nothing() {
    let (world, anna, eve) = with_sessions().await;
    let open = world.open("/login").await;
    for body in [
        String::new(),
        "csrf=".to_owned(),
        format!("csrf={}", eve.csrf),
        format!("csrf={}", open.csrf),
        format!("csrf={}&csrf={}", eve.csrf, anna.csrf),
        format!("csrf={}x", anna.csrf),
    ] {
        let answer = world.ask(as_signed(form("/logout"), &anna), &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body}");
    }
    let header = as_signed(form("/logout"), &anna).header("x-afterword-csrf", &eve.csrf);
    let right = format!("csrf={}", anna.csrf);
    assert_eq!(
        world.ask(header, &right).await.status,
        StatusCode::FORBIDDEN
    );
    for kind in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        let request = as_signed(Request::post("/logout"), &anna).header("content-type", kind);
        assert_eq!(
            world.ask(request, &right).await.status,
            StatusCode::FORBIDDEN,
            "{kind}"
        );
    }
    let large = format!("a={}&{right}", "a".repeat(300 * 1024));
    let answer = world.ask(as_signed(form("/logout"), &anna), &large).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        world.get("/account", &anna).await.status,
        StatusCode::OK,
        "she is still in"
    );
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing_even_with_the_token() {
    let (world, anna, _) = with_sessions().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request = as_signed(form("/logout"), &anna).header("host", "127.0.0.1:8081");
        let request = request.header(name, value);
        let answer = world.ask(request, &format!("csrf={}", anna.csrf)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(
            answer.text.contains("a page of another site"),
            "{}",
            answer.text
        );
    }
    assert_eq!(world.get("/account", &anna).await.status, StatusCode::OK);
    let request = as_signed(form("/logout"), &anna)
        .header("host", "127.0.0.1:8081")
        .header("origin", "http://127.0.0.1:8081")
        .header("sec-fetch-site", "same-origin");
    let answer = world.ask(request, &format!("csrf={}", anna.csrf)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

/// Whoever makes others sign in to an account of their own sees what those do in it.
#[tokio::test]
async fn nobody_is_signed_in_by_another_site() {
    let world = World::new().await;
    world.account("eve", &[("w1", Role::Manager)]).await;
    let fields = format!("name=eve&password={}", PASSWORD.replace(' ', "+"));
    let answer = world.ask(form("/login"), &fields).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "no cookie of the form"
    );
    let (eves, victims) = (world.open("/login").await, world.open("/login").await);
    let request = as_signed(form("/login"), &victims);
    let answer = world
        .ask(request, &format!("csrf={}&{fields}", eves.csrf))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "another one's form");
}

#[tokio::test]
async fn what_a_script_sends_needs_the_token_too() {
    let (world, anna, eve) = with_sessions().await;
    let path = "/api/v1/workspaces/w1/ratings/r1/follow-up";
    let put = || as_signed(Request::put(path), &anna).header("content-type", "application/json");
    let answer = world.ask(put(), "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("X-Afterword-Csrf"), "{}", answer.text);
    let answer = world
        .ask(put().header("x-afterword-csrf", &eve.csrf), "")
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = world
        .ask(put().header("x-afterword-csrf", &anna.csrf), "")
        .await;
    assert_eq!(
        answer.status,
        StatusCode::NOT_FOUND,
        "there is no such rating: {}",
        answer.text
    );
}
