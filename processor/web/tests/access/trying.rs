//! Without accounts: for whoever sits at this machine, and for nobody else.

use afterword_readmodel::Role;
use axum::http::{Request, StatusCode};

use crate::world::World;

const SUMMARY: &str = "/api/v1/workspaces/w1/summary";

#[tokio::test]
async fn trying_is_for_this_machine_alone() {
    let world = World::new().await;
    let ask = async |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let request = pairs.fold(Request::get(SUMMARY), |request, (name, value)| {
            request.header(*name, *value)
        });
        world.ask(request, "").await.status
    };
    assert_eq!(
        ask(&[("host", "evil.example")]).await,
        StatusCode::FORBIDDEN
    );
    let proxied = [("host", "localhost"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(ask(&proxied).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(&[("host", "127.0.0.1:8081")]).await, StatusCode::OK);
    assert_eq!(ask(&[]).await, StatusCode::OK);
    let put = Request::put("/api/v1/workspaces/w1/ratings/r1/follow-up");
    let put = put
        .header("host", "localhost")
        .header("origin", "https://evil.example");
    assert_eq!(world.ask(put, "").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_first_invitation_closes_it_without_a_restart() {
    let world = World::new().await;
    let status = async || world.ask(Request::get(SUMMARY), "").await.status;
    assert_eq!(status().await, StatusCode::OK);
    assert_eq!(
        world.ask(Request::get("/account"), "").await.location(),
        "/"
    );
    world.invitation("anna", &[("w1", Role::Manager)]).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    let anna = world.account("anna", &[("w1", Role::Manager)]).await;
    world.database.disable_account(&anna, 1).await.unwrap();
    assert_eq!(
        status().await,
        StatusCode::UNAUTHORIZED,
        "it never opens again"
    );
}

#[tokio::test]
async fn refusals_are_counted_by_reason() {
    let world = World::new().await;
    world.account("anna", &[("w1", Role::Manager)]).await;
    world.ask(Request::get(SUMMARY), "").await;
    world.sign_in("anna", "wrong").await;
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&world.registry.gather())
        .unwrap();
    for line in [
        "afterword_access_refused_total{reason=\"unknown\"} 1",
        "afterword_sign_ins_total{outcome=\"wrong\"} 1",
    ] {
        assert!(text.contains(line), "{text}");
    }
}
