//! Accounts, sessions, invitations and tokens, on both databases: what must not work, and then what does.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use afterword_readmodel::{
    Accepted, AccountOrigin, ApiToken, ConfiguredAccount, Grant, Invitation, ReportDatabase, Role,
    Session,
};
use support::{Kind, Place};

const HOUR: i64 = 3_600_000;
const IDLE: i64 = HOUR;

fn manager_of(workspace: &str) -> Grant {
    Grant {
        workspace_id: Some(workspace.to_owned()),
        role: Role::Manager,
    }
}

fn invitation(id: &str, name: &str, account_id: Option<&str>) -> Invitation {
    Invitation {
        invitation_id: id.to_owned(),
        name: name.to_owned(),
        account_id: account_id.map(str::to_owned),
        created_at: 0,
        expires_at: 10 * HOUR,
        grants: vec![manager_of("w1")],
    }
}

async fn account(database: &ReportDatabase, name: &str) -> String {
    let invitation = invitation(&format!("i-{name}"), name, None);
    database.invite(&invitation).await.unwrap();
    let id = format!("a-{name}");
    let accepted = database.accept(&invitation, &id, "hash", 1).await.unwrap();
    assert_eq!(accepted, Accepted::Done);
    id
}

fn session(id: &str, account_id: &str, at: i64) -> Session {
    Session {
        session_id: id.to_owned(),
        account_id: account_id.to_owned(),
        client: "a browser".to_owned(),
        created_at: at,
        seen_at: at,
        expires_at: at + 5 * HOUR,
    }
}

async fn an_invitation_works_once_and_in_time(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    assert!(!database.is_guarded().await.unwrap());
    let first = invitation("i1", "anna", None);
    database.invite(&first).await.unwrap();
    assert!(database.is_guarded().await.unwrap(), "an open invitation");
    let late = database.accept(&first, "a1", "hash", 10 * HOUR).await;
    assert_eq!(late.unwrap(), Accepted::Gone);
    assert!(
        database
            .invitation("i1", 10 * HOUR)
            .await
            .unwrap()
            .is_none()
    );
    let second = invitation("i2", "anna", None);
    database.invite(&second).await.unwrap();
    let withdrawn = database.accept(&first, "a1", "hash", 1).await.unwrap();
    assert_eq!(withdrawn, Accepted::Gone, "the later one counts");

    let found = database.invitation("i2", 1).await.unwrap().unwrap();
    assert_eq!(found, second);
    let accepted = database.accept(&found, "a2", "hash", 1).await.unwrap();
    assert_eq!(accepted, Accepted::Done);
    let again = database.accept(&found, "a3", "other", 1).await.unwrap();
    assert_eq!(again, Accepted::Gone);
    let anna = database.account("anna").await.unwrap().unwrap();
    assert_eq!(
        (anna.account_id.as_str(), anna.password_hash.as_str()),
        ("a2", "hash")
    );
    assert_eq!(anna.grants, [manager_of("w1")]);
    assert!(anna.origin == AccountOrigin::Invitation);

    let third = invitation("i3", "anna", None);
    database.invite(&third).await.unwrap();
    let taken = database.accept(&third, "a4", "hash", 1).await.unwrap();
    assert_eq!(taken, Accepted::NameTaken);
    let open = database.invitation("i3", 1).await.unwrap();
    assert!(open.is_some(), "what is refused uses nothing up");
}

async fn of_many_who_accept_at_once_one_does(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    let invitation = invitation("i1", "anna", None);
    database.invite(&invitation).await.unwrap();
    let accepting = (0..8).map(|number| {
        let (database, invitation) = (database.clone(), invitation.clone());
        let id = format!("a{number}");
        tokio::spawn(async move { database.accept(&invitation, &id, "hash", 1).await.unwrap() })
    });
    let mut done = 0;
    for accepted in accepting.collect::<Vec<_>>() {
        done += usize::from(accepted.await.unwrap() == Accepted::Done);
    }
    assert_eq!(done, 1);
}

async fn a_session_ends(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    let anna = account(&database, "anna").await;
    let is_alive = async |id: &str, at: i64| {
        let found = database.session(id, IDLE, at).await.unwrap();
        found.is_some()
    };
    assert!(!is_alive("s1", 0).await, "none was begun");
    assert!(
        database
            .begin_session(&session("s1", &anna, 0), IDLE)
            .await
            .unwrap()
    );
    assert!(is_alive("s1", HOUR - 1).await);
    assert!(!is_alive("s1", HOUR).await, "left unused");
    for hour in 1..5 {
        database.session_seen("s1", hour * HOUR - 1).await.unwrap();
        assert!(is_alive("s1", hour * HOUR).await);
    }
    database.session_seen("s1", 5 * HOUR - 1).await.unwrap();
    assert!(is_alive("s1", 5 * HOUR - 1).await);
    assert!(!is_alive("s1", 5 * HOUR).await, "at the latest");
    assert!(
        database
            .sessions(&anna, IDLE, 5 * HOUR)
            .await
            .unwrap()
            .is_empty()
    );

    let later = session("s2", &anna, 6 * HOUR);
    assert!(database.begin_session(&later, IDLE).await.unwrap());
    let kept = place.rows("SELECT session_id FROM sessions").await;
    assert_eq!(kept, ["s2"], "those that have ended are forgotten");
    let ben = account(&database, "ben").await;
    database.end_session(&ben, "s2").await.unwrap();
    assert!(is_alive("s2", 6 * HOUR).await, "it is not Ben's");
    let other = session("s3", &anna, 6 * HOUR);
    assert!(database.begin_session(&other, IDLE).await.unwrap());
    database.end_other_sessions(&anna, "s3").await.unwrap();
    assert!(!is_alive("s2", 6 * HOUR).await && is_alive("s3", 6 * HOUR).await);
    database.end_session(&anna, "s3").await.unwrap();
    assert!(!is_alive("s3", 6 * HOUR).await);
}

async fn a_disabled_account_has_no_session_and_gets_none(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    let anna = account(&database, "anna").await;
    assert!(
        database
            .begin_session(&session("s1", &anna, 0), IDLE)
            .await
            .unwrap()
    );
    assert!(database.disable_account(&anna, 1).await.unwrap());
    assert!(!database.disable_account(&anna, 2).await.unwrap(), "it was");
    assert!(database.session("s1", IDLE, 1).await.unwrap().is_none());
    let refused = database.begin_session(&session("s2", &anna, 1), IDLE).await;
    assert!(!refused.unwrap());
    let reset = invitation("i2", "anna", Some(&anna));
    database.invite(&reset).await.unwrap();
    let accepted = database.accept(&reset, "-", "new", 1).await.unwrap();
    assert_eq!(accepted, Accepted::Gone, "nor does a new password help");
    assert!(database.is_guarded().await.unwrap());
    assert!(database.enable_account(&anna).await.unwrap());
    assert!(database.session("s1", IDLE, 1).await.unwrap().is_none());
    assert!(
        database
            .begin_session(&session("s2", &anna, 1), IDLE)
            .await
            .unwrap()
    );
}

async fn another_password_ends_the_other_sessions(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    let anna = account(&database, "anna").await;
    for id in ["s1", "s2"] {
        assert!(
            database
                .begin_session(&session(id, &anna, 0), IDLE)
                .await
                .unwrap()
        );
    }
    database.set_password(&anna, "new", "s2").await.unwrap();
    assert_eq!(place.rows("SELECT session_id FROM sessions").await, ["s2"]);
    let found = database.account("anna").await.unwrap().unwrap();
    assert_eq!(found.password_hash, "new");
    let reset = invitation("i2", "anna", Some(&anna));
    database.invite(&reset).await.unwrap();
    assert!(
        place
            .rows("SELECT session_id FROM sessions")
            .await
            .is_empty()
    );
    let accepted = database.accept(&reset, "-", "newer", 1).await.unwrap();
    assert_eq!(accepted, Accepted::Done);
    let found = database.account("anna").await.unwrap().unwrap();
    assert_eq!(found.password_hash, "newer");
    assert_eq!(found.grants, [manager_of("w1")], "these stay");
}

async fn a_token_ends(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    let token = ApiToken {
        token_id: "t1".to_owned(),
        name: "help desk".to_owned(),
        scopes: "events:write".to_owned(),
        created_at: 0,
        expires_at: Some(HOUR),
        revoked_at: None,
        used_at: None,
        grants: vec![Grant {
            workspace_id: None,
            role: Role::Token,
        }],
    };
    database.add_token(&token, "h1").await.unwrap();
    assert!(
        database.token("t1", 1).await.unwrap().is_none(),
        "no id opens"
    );
    assert!(database.token("h1", HOUR).await.unwrap().is_none());
    assert_eq!(database.token("h1", 1).await.unwrap().unwrap(), token);
    database.token_used("t1", 60_000).await.unwrap();
    let used = database.tokens().await.unwrap().remove(0).used_at;
    assert_eq!(used, Some(60_000));
    assert!(database.revoke_token("t1", 2).await.unwrap());
    assert!(!database.revoke_token("t1", 3).await.unwrap());
    assert!(database.token("h1", 1).await.unwrap().is_none());
}

async fn accounts_of_the_configuration_are_as_it_says(kind: Kind) {
    let place = Place::new(kind, 1);
    let database = place.database().await;
    account(&database, "ben").await;
    let named = |name: &str, hash: &str, workspace: &str| ConfiguredAccount {
        account_id: format!("c-{name}"),
        name: name.to_owned(),
        password_hash: hash.to_owned(),
        grants: vec![manager_of(workspace)],
    };
    let both = [named("anna", "h1", "w1"), named("carl", "h1", "w1")];
    database.configure_accounts(&both, 0).await.unwrap();
    database.configure_accounts(&both, 1).await.unwrap();
    assert!(
        database
            .begin_session(&session("s1", "c-anna", 0), IDLE)
            .await
            .unwrap()
    );
    let changed = [named("anna", "h1", "w2")];
    database.configure_accounts(&changed, 2).await.unwrap();
    let anna = database.account("anna").await.unwrap().unwrap();
    assert_eq!(anna.grants, [manager_of("w2")]);
    assert!(database.session("s1", IDLE, 2).await.unwrap().is_some());
    let carl = database.account("carl").await.unwrap().unwrap();
    assert_eq!(carl.disabled_at, Some(2), "no longer named");
    let ben = database.account("ben").await.unwrap().unwrap();
    assert_eq!(ben.disabled_at, None, "he was invited");
    let changed = [named("anna", "h2", "w2"), named("carl", "h1", "w1")];
    database.configure_accounts(&changed, 3).await.unwrap();
    assert!(database.session("s1", IDLE, 3).await.unwrap().is_none());
    let carl = database.account("carl").await.unwrap().unwrap();
    assert_eq!(carl.disabled_at, None);
}

on_both_databases! {
    an_invitation_works_once_and_in_time,
    of_many_who_accept_at_once_one_does,
    a_session_ends,
    a_disabled_account_has_no_session_and_gets_none,
    another_password_ends_the_other_sessions,
    a_token_ends,
    accounts_of_the_configuration_are_as_it_says,
}
