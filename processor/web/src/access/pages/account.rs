//! One's own account: what it may see, its password, where it is signed in.

use afterword_readmodel::{Account, AccountOrigin, Grant, Role, Session};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{client_of, go_on, later, minute, page, too_many, with_retry_after};
use crate::access::cookies::Cookie;
use crate::access::secret::{PASSWORD_LEAST, check_password};
use crate::access::{Access, Viewer};
use crate::address::Peer;

#[derive(Template)]
#[template(path = "access/account.html")]
struct Page<'a> {
    form_token: &'a str,
    name: &'a str,
    grants: Vec<String>,
    is_configured: bool,
    least: usize,
    sessions: Vec<Row>,
    said: Option<Said>,
}

struct Row {
    id: String,
    client: String,
    since: String,
    seen: String,
    is_this: bool,
}

struct Said {
    text: String,
    is_alert: bool,
}

#[derive(Deserialize)]
pub struct Passwords {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
pub struct End {
    /// A session's id, or `others`.
    #[serde(default)]
    end: String,
}

/// The page.
pub async fn get(State(access): State<Access>, viewer: Viewer) -> Response {
    show(&access, &viewer, StatusCode::OK, None).await
}

async fn show(
    access: &Access,
    viewer: &Viewer,
    status: StatusCode,
    said: Option<Said>,
) -> Response {
    let Some((account, this)) = viewer.signed_in() else {
        return go_on("/", []);
    };
    let sessions =
        access
            .0
            .database
            .sessions(&account.account_id, access.idle_ms(), crate::now_ms());
    let sessions = match sessions.await {
        Ok(sessions) => sessions,
        Err(error) => return later(&error),
    };
    let template = Page {
        form_token: viewer.form_token(),
        name: &account.name,
        grants: account.grants.iter().map(in_words).collect(),
        is_configured: account.origin == AccountOrigin::Configuration,
        least: PASSWORD_LEAST,
        sessions: sessions
            .iter()
            .map(|session| Row::of(session, this))
            .collect(),
        said,
    };
    page(status, &template)
}

fn in_words(grant: &Grant) -> String {
    let place = match &grant.workspace_id {
        Some(workspace) => format!("the workspace {workspace}"),
        None => "every workspace".to_owned(),
    };
    match &grant.role {
        Role::Teammate(id) => format!("You are the teammate {id} in {place}."),
        Role::Manager | Role::Token => format!("You manage {place}."),
    }
}

impl Row {
    fn of(session: &Session, this: &Session) -> Row {
        Row {
            id: session.session_id.clone(),
            client: session.client.clone(),
            since: minute(session.created_at),
            seen: minute(session.seen_at),
            is_this: session.session_id == this.session_id,
        }
    }
}

/// Ends this session.
pub async fn sign_out(State(access): State<Access>, viewer: Viewer) -> Response {
    let Some((account, session)) = viewer.signed_in() else {
        return go_on("/", []);
    };
    let ended = access
        .0
        .database
        .end_session(&account.account_id, &session.session_id);
    if let Err(error) = ended.await {
        return later(&error);
    }
    let mut response = go_on("/login", [Cookie::Session.clear(access.transport())]);
    // What the browser keeps of pages goes too: the next one at this machine may be somebody else.
    let name = HeaderName::from_static("clear-site-data");
    let value = HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert(name, value);
    response
}

/// Ends other sessions.
pub async fn end_sessions(
    State(access): State<Access>,
    viewer: Viewer,
    Form(End { end }): Form<End>,
) -> Response {
    let Some((Account { account_id, .. }, this)) = viewer.signed_in() else {
        return go_on("/", []);
    };
    let database = &access.0.database;
    let ended = match end.as_str() {
        "others" => {
            database
                .end_other_sessions(account_id, &this.session_id)
                .await
        }
        id => database.end_session(account_id, id).await,
    };
    match ended {
        Ok(()) => go_on("/account", []),
        Err(error) => later(&error),
    }
}

/// Changes the password: every session ends, and this browser gets a new one.
pub async fn change_password(
    State(access): State<Access>,
    viewer: Viewer,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(sent): Form<Passwords>,
) -> Response {
    let Some((account, _)) = viewer.signed_in() else {
        return go_on("/", []);
    };
    let refuse = async |status, text: String| {
        let said = Said {
            text,
            is_alert: true,
        };
        show(&access, &viewer, status, Some(said)).await
    };
    if account.origin == AccountOrigin::Configuration {
        let text = "Your password is set in the configuration.".to_owned();
        return refuse(StatusCode::CONFLICT, text).await;
    }
    let address = access.address_of(peer, &headers);
    if let Err(seconds) = access.0.attempts.count(&account.name, address) {
        let response = refuse(StatusCode::TOO_MANY_REQUESTS, too_many(seconds)).await;
        return with_retry_after(response, seconds);
    }
    match access.authenticate(&account.name, &sent.current).await {
        Ok(Some(_)) => {}
        Ok(None) => {
            let text = "The present password is wrong. Nothing was changed.".to_owned();
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, text).await;
        }
        Err(response) => return response,
    }
    if let Err(wrong) = check_password(&sent.password, &account.name) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, wrong).await;
    }
    change(&access, account, sent.password, client_of(&headers)).await
}

async fn change(access: &Access, account: &Account, password: String, client: String) -> Response {
    let password_hash = match access.0.passwords.hash(password).await {
        Ok(password_hash) => password_hash,
        Err(problem) => return problem.into_response(),
    };
    let set = access
        .0
        .database
        .set_password(&account.account_id, &password_hash, "");
    if let Err(error) = set.await {
        return later(&error);
    }
    match access.begin(&account.account_id, client).await {
        Ok(Some(cookies)) => go_on("/account", cookies),
        Ok(None) => go_on("/login", []),
        Err(error) => later(&error),
    }
}
