//! Links that work once.

use afterword_readmodel::{Invitation, Role};
use afterword_web::access::secret;
use afterword_web::now_ms;
use axum::http::{Request, StatusCode};

use crate::world::{HOUR, PASSWORD, World};

const PATH: &str = "/invitation?code=code+of+anna";

fn fields(password: &str) -> String {
    format!("code=code+of+anna&password={}", password.replace(' ', "+"))
}

#[tokio::test]
async fn an_invitation_works_once_and_looking_at_it_uses_nothing_up() {
    let world = World::new().await;
    world.invitation("anna", &[("w1", Role::Manager)]).await;
    let answer = world.ask(Request::get("/invitation?code=x"), "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = world.ask(Request::get("/invitation"), "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    for _ in 0..3 {
        world.ask(Request::head(PATH), "").await;
    }
    let form = world.open(PATH).await;
    for (password, said) in [
        ("short", "at least 12 characters"),
        ("hello anna hello", "too easy"),
    ] {
        let answer = world.send("/invitation", &form, &fields(password)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(said), "{}", answer.text);
    }
    let answer = world.send("/invitation", &form, &fields(PASSWORD)).await;
    assert_eq!(answer.location(), "/", "{}", answer.text);
    let signed = answer.signed();
    assert_eq!(world.get("/account", &signed).await.status, StatusCode::OK);

    let again = world
        .send("/invitation", &form, &fields("somebody else's one"))
        .await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.text.contains("used before"), "{}", again.text);
    assert_eq!(
        world.ask(Request::get(PATH), "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.sign_in("anna", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn an_invitation_is_over_in_time() {
    let world = World::new().await;
    let invitation = Invitation {
        expires_at: now_ms() - 1,
        ..world.invitation("anna", &[("w1", Role::Manager)]).await
    };
    world.database.invite(&invitation).await.unwrap();
    assert_eq!(
        world.ask(Request::get(PATH), "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_link_for_a_new_password_ends_every_session() {
    let world = World::new().await;
    let anna = world.account("anna", &[("w1", Role::Manager)]).await;
    let before = world.session(&anna, 0).await;
    let reset = Invitation {
        invitation_id: secret::hash("code of anna"),
        name: "anna".to_owned(),
        account_id: Some(anna.clone()),
        created_at: now_ms(),
        expires_at: now_ms() + HOUR,
        grants: Vec::new(),
    };
    world.database.invite(&reset).await.unwrap();
    assert_eq!(
        world.get("/account", &before).await.status,
        StatusCode::SEE_OTHER
    );
    let form = world.open(PATH).await;
    let answer = world
        .send("/invitation", &form, &fields("another good one"))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = world.get("/account", &answer.signed()).await;
    assert!(
        page.text.contains("You manage the workspace w1."),
        "{}",
        page.text
    );
    let answer = world.sign_in("anna", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}
