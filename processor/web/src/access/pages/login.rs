//! To sign in.

use std::net::{IpAddr, Ipv4Addr};

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{client_of, go_on, later, page, too_many, with_retry_after};
use crate::access::secret::PASSWORD_MOST;
use crate::access::{Access, Viewer, account_name};
use crate::address::{self, Peer};

/// The same for a name that is not known, a wrong password and an account that is disabled.
const WRONG: &str = "The name or the password is wrong.";

#[derive(Template)]
#[template(path = "access/login.html")]
struct Login<'a> {
    form_token: &'a str,
    next: &'a str,
    name: &'a str,
    wrong: Option<&'a str>,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// The page.
pub async fn get(viewer: Viewer, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let next = asked.map(|Query(asked)| asked.next).unwrap_or_default();
    let next = here(&next);
    if viewer.is_somebody() {
        return go_on(next, []);
    }
    let login = Login {
        form_token: viewer.form_token(),
        next,
        name: "",
        wrong: None,
    };
    page(StatusCode::OK, &login)
}

/// The form.
pub async fn post(
    State(access): State<Access>,
    viewer: Viewer,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let metrics = &access.0.metrics;
    let again = |status, wrong: &str| {
        let login = Login {
            form_token: viewer.form_token(),
            next: here(&sent.next),
            name: &sent.name,
            wrong: Some(wrong),
        };
        page(status, &login)
    };
    let name = account_name(&sent.name).unwrap_or_default();
    let address = access.address_of(peer, &headers);
    if let Err(seconds) = access.0.attempts.count(&name, address) {
        metrics.sign_in("limited");
        let response = again(StatusCode::TOO_MANY_REQUESTS, &too_many(seconds));
        return with_retry_after(response, seconds);
    }
    let account_id = match access.authenticate(&name, &sent.password).await {
        Ok(Some(account_id)) => account_id,
        Ok(None) => {
            metrics.sign_in("wrong");
            return again(StatusCode::UNPROCESSABLE_ENTITY, WRONG);
        }
        Err(response) => return response,
    };
    if let Some((account, session)) = viewer.signed_in() {
        let ended = access
            .0
            .database
            .end_session(&account.account_id, &session.session_id);
        if let Err(error) = ended.await {
            return later(&error);
        }
    }
    match access.begin(&account_id, client_of(&headers)).await {
        Ok(Some(cookies)) => {
            metrics.sign_in("done");
            go_on(here(&sent.next), cookies)
        }
        Ok(None) => again(StatusCode::UNPROCESSABLE_ENTITY, WRONG),
        Err(error) => later(&error),
    }
}

impl Access {
    /// The account of this name and password. Whatever is wrong takes as long as whatever is right.
    pub(super) async fn authenticate(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<String>, Response> {
        let known = self.0.database.credentials(name).await;
        let known = known.map_err(|error| later(&error))?;
        let password = match password.len() <= PASSWORD_MOST {
            true => password.to_owned(),
            false => String::new(),
        };
        let (account_id, hash) = known.unzip();
        let is_right = self.0.passwords.verify(password, hash).await;
        let is_right = is_right.map_err(IntoResponse::into_response)?;
        Ok(account_id.filter(|_| is_right))
    }

    /// Who asks, for limits.
    pub(super) fn address_of(&self, peer: Option<Extension<Peer>>, headers: &HeaderMap) -> IpAddr {
        let unknown = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let peer = peer.map_or(unknown, |Extension(Peer(address))| address);
        address::client(peer, headers, &self.0.options.trusted_proxies)
    }
}

/// Where to go on: a path of this host, and nothing that a browser could take for another.
fn here(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    match is_path && is_plain && next.len() <= 2_048 {
        true => next,
        false => "/",
    }
}

#[test]
fn nobody_is_sent_elsewhere() {
    for bad in [
        "",
        "w1/summary",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
    ] {
        assert_eq!(here(bad), "/", "{bad}");
    }
    assert_eq!(
        here("/w1/summary?from=2026-03-01"),
        "/w1/summary?from=2026-03-01"
    );
}
