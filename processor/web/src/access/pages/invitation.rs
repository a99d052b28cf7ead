//! To accept an invitation: an account is made, or gets another password.

use afterword_readmodel::{Accepted, Invitation};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{client_of, go_on, later, page, said, too_many, with_retry_after};
use crate::access::secret::{PASSWORD_LEAST, check_password, hash};
use crate::access::{Access, Viewer};
use crate::address::Peer;

#[derive(Template)]
#[template(path = "access/invitation.html")]
struct Page<'a> {
    heading: &'a str,
    text: &'a str,
    button: &'a str,
    form_token: &'a str,
    code: &'a str,
    name: &'a str,
    least: usize,
    wrong: Option<&'a str>,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    code: String,
    #[serde(default)]
    password: String,
}

/// The page. Looking at it uses nothing up.
pub async fn get(
    State(access): State<Access>,
    viewer: Viewer,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let code = asked.map(|Query(asked)| asked.code).unwrap_or_default();
    match access.open_invitation(&code).await {
        Ok(invitation) => form(StatusCode::OK, &viewer, &invitation, &code, None),
        Err(response) => response,
    }
}

/// The form.
pub async fn post(
    State(access): State<Access>,
    viewer: Viewer,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let invitation = match access.open_invitation(&sent.code).await {
        Ok(invitation) => invitation,
        Err(response) => return response,
    };
    let again = |status, wrong: &str| form(status, &viewer, &invitation, &sent.code, Some(wrong));
    let address = access.address_of(peer, &headers);
    if let Err(seconds) = access.0.attempts.count_address(address) {
        let response = again(StatusCode::TOO_MANY_REQUESTS, &too_many(seconds));
        return with_retry_after(response, seconds);
    }
    if let Err(wrong) = check_password(&sent.password, &invitation.name) {
        return again(StatusCode::UNPROCESSABLE_ENTITY, &wrong);
    }
    let password_hash = match access.0.passwords.hash(sent.password.clone()).await {
        Ok(password_hash) => password_hash,
        Err(problem) => return problem.into_response(),
    };
    let made = uuid::Uuid::new_v4().to_string();
    let account_id = invitation.account_id.clone().unwrap_or(made);
    let now_ms = crate::now_ms();
    let accepted = access
        .0
        .database
        .accept(&invitation, &account_id, &password_hash, now_ms);
    match accepted.await {
        Ok(Accepted::Done) => {}
        Ok(Accepted::Gone) => return gone(),
        Ok(Accepted::NameTaken) => {
            let text = "There is an account of this name by now. Sign in with it, or ask for another invitation.";
            return said(StatusCode::CONFLICT, "This name is taken", text);
        }
        Err(error) => return later(&error),
    }
    match access.begin(&account_id, client_of(&headers)).await {
        Ok(Some(cookies)) => go_on("/", cookies),
        Ok(None) => gone(),
        Err(error) => later(&error),
    }
}

fn form(
    status: StatusCode,
    viewer: &Viewer,
    invitation: &Invitation,
    code: &str,
    wrong: Option<&str>,
) -> Response {
    let (heading, text, button) = match invitation.account_id {
        None => (
            "Welcome to Afterword",
            "You are invited to see what customers say. Choose a password, and you are in.",
            "Make my account",
        ),
        Some(_) => (
            "A new password",
            "Choose a new password. Wherever you are signed in now, you will be signed out.",
            "Set the password",
        ),
    };
    let template = Page {
        heading,
        text,
        button,
        form_token: viewer.form_token(),
        code,
        name: &invitation.name,
        least: PASSWORD_LEAST,
        wrong,
    };
    page(status, &template)
}

fn gone() -> Response {
    let text = "This link was used before, is too old, or never was one. Whoever runs Afterword can make another.";
    said(StatusCode::NOT_FOUND, "This link is not valid", text)
}

impl Access {
    async fn open_invitation(&self, code: &str) -> Result<Invitation, Response> {
        let found = self
            .0
            .database
            .invitation(&hash(code), crate::now_ms())
            .await;
        match found {
            Ok(found) => found.ok_or_else(gone),
            Err(error) => Err(later(&error)),
        }
    }
}
