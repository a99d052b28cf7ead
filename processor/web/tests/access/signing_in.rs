//! Passwords and sessions.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use afterword_readmodel::Role;
use afterword_web::access::{AccessOptions, Reach};
use axum::http::{Request, StatusCode};

use crate::world::{HOUR, PASSWORD, Signed, World, as_signed};

const MANAGER: [(&str, Role); 1] = [("w1", Role::Manager)];

#[tokio::test]
async fn a_wrong_password_an_unknown_name_and_a_disabled_account_look_alike() {
    let world = World::new().await;
    world.account("anna", &MANAGER).await;
    let off = world.account("off", &MANAGER).await;
    world.database.disable_account(&off, 1).await.unwrap();
    let mut shortest = Vec::new();
    for (name, password) in [
        ("anna", "a guess"),
        ("nobody", "a guess"),
        ("off", PASSWORD),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let form = world.open("/login").await;
            let began = Instant::now();
            let fields = format!("name={name}&password={}", password.replace(' ', "+"));
            let answer = world.send("/login", &form, &fields).await;
            best = best.min(began.elapsed());
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(answer.text.contains("The name or the password is wrong."));
            assert!(!answer.text.contains(password), "it is not sent back");
        }
        shortest.push(best);
    }
    println!("wrong, unknown, disabled: {shortest:?}");
    let (least, most) = (
        shortest.iter().min().unwrap(),
        shortest.iter().max().unwrap(),
    );
    // Without the hash it would be a fortieth.
    assert!(*most < *least * 5, "{shortest:?}");
}

#[tokio::test]
async fn too_many_attempts_are_told_to_wait_the_right_password_too() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let options = AccessOptions {
        account_attempts: number(2),
        address_attempts: number(4),
        ..AccessOptions::default()
    };
    let world = World::with(options).await;
    world.account("anna", &MANAGER).await;
    for _ in 0..2 {
        let answer = world.sign_in("Anna", "wrong").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let answer = world.sign_in("anna", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        answer.text.contains("Please wait 8 minutes"),
        "{}",
        answer.text
    );
    let wait: u32 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((400..=451).contains(&wait), "{wait}");
    let answer = world.sign_in("ben", "wrong").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = world.sign_in("carl", "wrong").await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the address's"
    );
}

#[tokio::test]
async fn a_session_ends_when_it_is_over_ended_or_its_account_is_disabled() {
    let world = World::new().await;
    let anna = world.account("anna", &MANAGER).await;
    let is_in =
        async |signed: &Signed| world.get("/account", signed).await.status == StatusCode::OK;
    for (ago, expected) in [
        (0, true),
        (11 * HOUR, true),
        (13 * HOUR, false),
        (25 * HOUR, false),
    ] {
        let signed = world.session(&anna, ago).await;
        assert_eq!(is_in(&signed).await, expected, "{ago}");
    }
    let mut forged = world.session(&anna, 0).await;
    forged.cookie.pop();
    forged.cookie.push('!');
    assert!(!is_in(&forged).await);
    let one = world.session(&anna, 0).await;
    let answer = world.send("/logout", &one, "").await;
    assert_eq!(answer.location(), "/login");
    assert!(answer.cookie("afterword").ends_with('='), "the cookie goes");
    assert!(!is_in(&one).await, "and were it kept, it is worth nothing");
    let two = world.session(&anna, 0).await;
    world.database.disable_account(&anna, 1).await.unwrap();
    assert!(!is_in(&two).await);
}

#[tokio::test]
async fn whoever_signs_in_gets_a_new_cookie_and_goes_where_they_wanted_to() {
    let world = World::new().await;
    world.account("anna", &MANAGER).await;
    let answer = world.ask(Request::get("/account?a=b"), "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/login?next=%2Faccount%3Fa%3Db");
    let form = world.open(answer.location()).await;
    let fields = format!(
        "name=+ANNA&password={}&next=/account",
        PASSWORD.replace(' ', "+")
    );
    let answer = world.send("/login", &form, &fields).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/account")
    );
    let first = answer.signed();
    let set = answer.headers.get_all("set-cookie").iter();
    let set: Vec<_> = set.map(|value| value.to_str().unwrap()).collect();
    assert!(
        set[0].ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"),
        "{set:?}"
    );
    let page = world.get("/account", &first).await;
    assert!(page.text.contains("<strong>anna</strong>"), "{}", page.text);
    assert!(page.text.contains("You manage the workspace w1."));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );

    let again = world.send("/login", &first, &fields).await.signed();
    assert_ne!(again.cookie, first.cookie);
    let before = world.get("/account", &first).await;
    assert_eq!(before.status, StatusCode::SEE_OTHER, "the one before ends");
}

#[tokio::test]
async fn another_password_needs_the_present_one_and_ends_other_sessions() {
    let world = World::new().await;
    let anna = world.account("anna", &MANAGER).await;
    let (one, other) = (world.session(&anna, 0).await, world.session(&anna, 0).await);
    let right = PASSWORD.replace(' ', "+");
    for (fields, said) in [
        (
            "current=wrong&password=another+good+one".to_owned(),
            "present password is wrong",
        ),
        (
            format!("current={right}&password=short"),
            "at least 12 characters",
        ),
        (
            format!("current={right}&password=hello+anna+hello"),
            "too easy",
        ),
    ] {
        let answer = world.send("/account/password", &one, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(said), "{}", answer.text);
    }
    let fields = format!("current={right}&password=another+good+one");
    let answer = world.send("/account/password", &one, &fields).await;
    assert_eq!(answer.location(), "/account", "{}", answer.text);
    let new = answer.signed();
    assert_eq!(world.get("/account", &new).await.status, StatusCode::OK);
    for ended in [&one, &other] {
        assert_eq!(
            world.get("/account", ended).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let answer = world.sign_in("anna", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = world.sign_in("anna", "another good one").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let world = World::new().await;
    let anna = world.account("anna", &MANAGER).await;
    let ben = world.account("ben", &MANAGER).await;
    let (here, there) = (world.session(&anna, 0).await, world.session(&anna, 0).await);
    let bens = world.session(&ben, 0).await;
    let id_of = |signed: &crate::world::Signed| {
        let cookie = signed.cookie.split_once('=').unwrap().1;
        format!("end={}", afterword_web::access::secret::hash(cookie))
    };
    let is_in = async |signed| world.get("/account", signed).await.status == StatusCode::OK;
    world.send("/account/sessions", &here, &id_of(&bens)).await;
    assert!(is_in(&bens).await);
    world.send("/account/sessions", &here, &id_of(&there)).await;
    assert!(is_in(&here).await && !is_in(&there).await);
    let third = world.session(&anna, 0).await;
    world.send("/account/sessions", &here, "end=others").await;
    assert!(is_in(&here).await && !is_in(&third).await && is_in(&bens).await);
}

/// Behind a proxy that does TLS.
#[tokio::test]
async fn on_a_network_cookies_go_over_tls_alone_and_there_is_no_trying() {
    let options = AccessOptions {
        reach: Reach::Network,
        public_origin: Some("https://ratings.example.com".to_owned()),
        ..AccessOptions::default()
    };
    let world = World::with(options).await;
    let answer = world
        .ask(Request::get("/api/v1/workspaces/w1/summary"), "")
        .await;
    assert_eq!(
        answer.status,
        StatusCode::UNAUTHORIZED,
        "nobody has an account"
    );
    assert_eq!(
        answer.headers["www-authenticate"],
        "Bearer realm=\"afterword\""
    );
    world.account("anna", &MANAGER).await;
    let answer = world.ask(Request::get("/login"), "").await;
    let form = crate::world::Signed {
        cookie: answer.cookie("__Host-afterword-form"),
        csrf: crate::world::csrf_of(&answer.text),
    };
    let fields = format!(
        "csrf={}&name=anna&password={}",
        form.csrf,
        PASSWORD.replace(' ', "+")
    );
    let request = as_signed(crate::world::form("/login"), &form)
        .header("host", "10.0.0.5:8081")
        .header("origin", "https://ratings.example.com");
    let answer = world.ask(request, &fields).await;
    let set = answer.headers.get_all("set-cookie").iter();
    let mut set = set.map(|value| value.to_str().unwrap());
    let session = set
        .find(|text| text.starts_with("__Host-afterword="))
        .unwrap();
    assert!(
        session.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{session}"
    );
}
