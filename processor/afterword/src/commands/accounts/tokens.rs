//! `afterword accounts token`: programs that may.

use afterword_readmodel::{ApiToken, ReportDatabase, Role};
use afterword_web::access::{SCOPES, Scope, minute, secret};
use serde_json::{Value, json};

use super::{check_id, failed, grants_json, in_words};
use crate::cli::TokenCommand;
use crate::config::grants;
use crate::failure::Failure;
use crate::terminal::{self, Table, harmless};

const DAY_MS: i64 = 86_400_000;
/// Longest name, in characters.
const NAME_CHARS: usize = 200;

/// Does what is asked.
///
/// # Errors
/// When a scope is none, there is no such token, or the database cannot be used.
pub async fn execute(database: &ReportDatabase, command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create {
            name,
            scopes,
            workspaces,
            days,
            json,
        } => {
            let token = wanted(name, scopes, workspaces, *days)?;
            create(database, &token, *json).await
        }
        TokenCommand::List { json } => list(database, *json).await,
        TokenCommand::Revoke { id, json } => revoke(database, id, *json).await,
    }
}

fn wanted(
    name: &str,
    scopes: &[String],
    workspaces: &[String],
    days: Option<u32>,
) -> Result<ApiToken, Failure> {
    let is_name =
        (1..=NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !is_name {
        return Err(Failure::Usage(format!(
            "NAME: expected 1 to {NAME_CHARS} characters, none of them a control character"
        )));
    }
    for workspace in workspaces {
        check_id("--workspace", workspace)?;
    }
    let mut symbols = Vec::new();
    for text in scopes {
        let known = SCOPES.map(Scope::symbol);
        let scope = Scope::of(text).ok_or_else(|| {
            let known = known.join(", ");
            Failure::Usage(format!(
                "--scope: expected one of {known}, found {}",
                harmless(text)
            ))
        })?;
        symbols.push(scope.symbol());
    }
    symbols.sort_unstable();
    symbols.dedup();
    let now_ms = afterword_web::now_ms();
    let id = uuid::Uuid::new_v4().simple().to_string();
    Ok(ApiToken {
        token_id: id.chars().take(12).collect(),
        name: name.to_owned(),
        scopes: symbols.join(" "),
        created_at: now_ms,
        expires_at: days.map(|days| now_ms + i64::from(days) * DAY_MS),
        revoked_at: None,
        used_at: None,
        grants: grants(workspaces, &Role::Token),
    })
}

async fn create(database: &ReportDatabase, token: &ApiToken, as_json: bool) -> Result<(), Failure> {
    let secret = secret::new_token().map_err(Failure::Failed)?;
    let hash = secret::hash(&secret);
    database.add_token(token, &hash).await.map_err(failed)?;
    if as_json {
        let mut printed = token_json(token);
        printed["token"] = json!(secret);
        outln!("{printed:#}");
        return Ok(());
    }
    outln!("{secret}");
    errln!(
        "\nThe token {} ({}): {} in {}. It is kept nowhere: copy it now.",
        harmless(&token.name),
        token.token_id,
        token.scopes,
        in_words(&token.grants)
    );
    Ok(())
}

async fn list(database: &ReportDatabase, as_json: bool) -> Result<(), Failure> {
    let tokens = database.tokens().await.map_err(failed)?;
    if as_json {
        let tokens: Vec<_> = tokens.iter().map(token_json).collect();
        outln!("{:#}", json!({ "tokens": tokens }));
        return Ok(());
    }
    let mut table = Table::new(&["id", "name", "scopes", "in", "last used", "state"], &[]);
    for token in &tokens {
        let used = token.used_at.map_or_else(|| "never".to_owned(), minute);
        let is_over = token
            .expires_at
            .is_some_and(|at| at <= afterword_web::now_ms());
        let state = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("revoked {}", minute(at)),
            (None, Some(at)) if is_over => format!("over since {}", minute(at)),
            (None, Some(at)) => format!("until {}", minute(at)),
            (None, None) => "valid".to_owned(),
        };
        table.row([
            token.token_id.clone(),
            harmless(&token.name),
            token.scopes.clone(),
            in_words(&token.grants),
            used,
            state,
        ]);
    }
    match tokens.is_empty() {
        true => {
            outln!("no tokens; `afterword accounts token create --help` says how to make one")
        }
        false => out!("{}", table.render(0, terminal::colours_on_stdout())),
    }
    Ok(())
}

async fn revoke(database: &ReportDatabase, id: &str, as_json: bool) -> Result<(), Failure> {
    let now_ms = afterword_web::now_ms();
    let done = database.revoke_token(id, now_ms).await.map_err(failed)?;
    if !done {
        return Err(Failure::Failed(format!(
            "expected a token that is not revoked, found none of the id {}; `afterword accounts token list` names them",
            harmless(id)
        )));
    }
    match as_json {
        true => outln!("{:#}", json!({ "id": id, "state": "revoked" })),
        false => outln!("{} is revoked", harmless(id)),
    }
    Ok(())
}

fn token_json(token: &ApiToken) -> Value {
    json!({
        "id": token.token_id,
        "name": token.name,
        "scopes": token.scopes.split(' ').collect::<Vec<_>>(),
        "grants": grants_json(&token.grants),
        "since": minute(token.created_at),
        "valid_until": token.expires_at.map(minute),
        "revoked": token.revoked_at.map(minute),
        "last_used": token.used_at.map(minute),
    })
}
