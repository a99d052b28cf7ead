//! `afterword accounts`: who may see reports. It works on the report database itself, whether a service runs or not.

mod tokens;

use std::io::Read;

use afterword_readmodel::{
    Account, AccountOrigin, Grant, Invitation, ReadModelError, ReportDatabase, Role,
};
use afterword_web::access::{account_name, minute, secret};
use serde_json::{Value, json};

use super::run::with_runtime;
use crate::cli::{Accounts, Invite};
use crate::config::{Config, grants};
use crate::failure::Failure;
use crate::service::projecting;
use crate::terminal::{self, Table, harmless};

const HOUR_MS: i64 = 3_600_000;
/// Longest id of a workspace or a teammate, in bytes.
const ID_BYTES: usize = 256;

/// Does what is asked.
///
/// # Errors
/// When there is no such account, or the database cannot be used.
pub fn execute(config: &Config, accounts: &Accounts) -> Result<(), Failure> {
    if let Accounts::Hash = accounts {
        return hash();
    }
    with_runtime(async {
        let database = projecting::database(config).await.map_err(failed)?;
        let done = on(&database, config, accounts).await;
        database.close().await;
        done
    })
}

async fn on(
    database: &ReportDatabase,
    config: &Config,
    accounts: &Accounts,
) -> Result<(), Failure> {
    match accounts {
        Accounts::Invite(wish) => invite(database, config, wish).await,
        Accounts::List { json } => list(database, *json).await,
        Accounts::Disable { name, json } => {
            let account = changeable(database, name).await?;
            let id = &account.account_id;
            let now_ms = afterword_web::now_ms();
            let done = database.disable_account(id, now_ms).await.map_err(failed)?;
            told(&account.name, "disabled", done, *json);
            Ok(())
        }
        Accounts::Enable { name, json } => {
            let account = changeable(database, name).await?;
            let done = database.enable_account(&account.account_id).await;
            told(&account.name, "enabled", done.map_err(failed)?, *json);
            Ok(())
        }
        Accounts::Reset { name, hours, json } => {
            let account = changeable(database, name).await?;
            if account.disabled_at.is_some() {
                return Err(Failure::Failed(format!(
                    "the account {} is disabled; `afterword accounts enable` first",
                    harmless(&account.name)
                )));
            }
            let id = Some(account.account_id.clone());
            link(
                database,
                config,
                account.name,
                id,
                Vec::new(),
                *hours,
                *json,
            )
            .await
        }
        Accounts::Token(command) => tokens::execute(database, command).await,
        Accounts::Hash => Ok(()),
    }
}

fn failed(error: ReadModelError) -> Failure {
    Failure::while_doing("using the accounts in the report database", error)
}

fn name_of(text: &str) -> Result<String, Failure> {
    account_name(text).map_err(|expected| Failure::Usage(format!("NAME: {expected}")))
}

/// An account that is not the configuration's.
async fn changeable(database: &ReportDatabase, name: &str) -> Result<Account, Failure> {
    let name = name_of(name)?;
    let found = database.account(&name).await.map_err(failed)?;
    match found {
        None => Err(Failure::Failed(format!(
            "expected an account, found none of the name {}; `afterword accounts list` names them",
            harmless(&name)
        ))),
        Some(account) if account.origin == AccountOrigin::Configuration => {
            Err(Failure::Failed(format!(
                "the account {} is of the configuration; change [accounts.…] there, and start the service again",
                harmless(&name)
            )))
        }
        Some(account) => Ok(account),
    }
}

async fn invite(database: &ReportDatabase, config: &Config, wish: &Invite) -> Result<(), Failure> {
    let name = name_of(&wish.name)?;
    let role = match &wish.teammate {
        Some(id) => Role::Teammate(check_id("--teammate", id)?.to_owned()),
        None => Role::Manager,
    };
    for workspace in &wish.workspaces {
        check_id("--workspace", workspace)?;
    }
    if database.account(&name).await.map_err(failed)?.is_some() {
        return Err(Failure::Failed(format!(
            "there is an account {} already; `afterword accounts reset` makes a link for a new password",
            harmless(&name)
        )));
    }
    let grants = grants(&wish.workspaces, &role);
    link(database, config, name, None, grants, wish.hours, wish.json).await
}

fn check_id<'a>(flag: &str, id: &'a str) -> Result<&'a str, Failure> {
    let is_id = (1..=ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control);
    is_id.then_some(id).ok_or_else(|| {
        Failure::Usage(format!(
            "{flag}: expected an id of 1 to {ID_BYTES} bytes without control characters"
        ))
    })
}

/// Keeps an invitation and prints its link.
async fn link(
    database: &ReportDatabase,
    config: &Config,
    name: String,
    account_id: Option<String>,
    grants: Vec<Grant>,
    hours: u32,
    as_json: bool,
) -> Result<(), Failure> {
    let code = secret::random().map_err(Failure::Failed)?;
    let now_ms = afterword_web::now_ms();
    let invitation = Invitation {
        invitation_id: secret::hash(&code),
        name,
        account_id,
        created_at: now_ms,
        expires_at: now_ms + i64::from(hours) * HOUR_MS,
        grants,
    };
    database.invite(&invitation).await.map_err(failed)?;
    let origin = config.access.public_origin.clone();
    let origin = origin.unwrap_or_else(|| format!("http://{}", config.reports_listen));
    let link = format!("{origin}/invitation?code={code}");
    let until = minute(invitation.expires_at);
    match as_json {
        true => outln!(
            "{:#}",
            json!({ "name": invitation.name, "link": link, "valid_until": until })
        ),
        false => outln!(
            "{link}\n\nFor {}, once, until {until} UTC. Whoever has the link chooses the password: send it to nobody else.",
            harmless(&invitation.name)
        ),
    }
    Ok(())
}

fn told(name: &str, what: &str, done: bool, as_json: bool) {
    match (as_json, done) {
        (true, _) => outln!(
            "{:#}",
            json!({ "name": name, "state": what, "changed": done })
        ),
        (false, true) => outln!("{} is {what}", harmless(name)),
        (false, false) => outln!("{} was {what} already", harmless(name)),
    }
}

async fn list(database: &ReportDatabase, as_json: bool) -> Result<(), Failure> {
    let accounts = database.accounts().await.map_err(failed)?;
    let invitations = database.invitations().await.map_err(failed)?;
    if as_json {
        let accounts: Vec<_> = accounts.iter().map(account_json).collect();
        let invitations: Vec<_> = invitations.iter().map(invitation_json).collect();
        outln!(
            "{:#}",
            json!({ "accounts": accounts, "invitations": invitations })
        );
        return Ok(());
    }
    let mut table = Table::new(&["name", "may see", "state"], &[]);
    for account in &accounts {
        let state = match (account.disabled_at, account.origin) {
            (Some(at), _) => format!("disabled since {}", minute(at)),
            (None, AccountOrigin::Configuration) => "of the configuration".to_owned(),
            (None, AccountOrigin::Invitation) => format!("since {}", minute(account.created_at)),
        };
        table.row([harmless(&account.name), in_words(&account.grants), state]);
    }
    for invitation in &invitations {
        let what = match (&invitation.account_id, is_over(invitation)) {
            (_, true) => "a link that is over since",
            (None, false) => "invited until",
            (Some(_), false) => "a new password until",
        };
        let state = format!("{what} {}", minute(invitation.expires_at));
        table.row([
            harmless(&invitation.name),
            in_words(&invitation.grants),
            state,
        ]);
    }
    match accounts.is_empty() && invitations.is_empty() {
        true => outln!(
            "no accounts; `afterword accounts invite NAME --manager` makes a link for the first one"
        ),
        false => out!("{}", table.render(0, terminal::colours_on_stdout())),
    }
    Ok(())
}

fn is_over(invitation: &Invitation) -> bool {
    invitation.expires_at <= afterword_web::now_ms()
}

fn account_json(account: &Account) -> Value {
    json!({
        "name": account.name,
        "grants": grants_json(&account.grants),
        "of_configuration": account.origin == AccountOrigin::Configuration,
        "since": minute(account.created_at),
        "disabled_since": account.disabled_at.map(minute),
    })
}

fn invitation_json(invitation: &Invitation) -> Value {
    json!({
        "name": invitation.name,
        "grants": grants_json(&invitation.grants),
        "for_new_password": invitation.account_id.is_some(),
        "valid_until": minute(invitation.expires_at),
        "is_over": is_over(invitation),
    })
}

fn grants_json(grants: &[Grant]) -> Value {
    let grants = grants.iter().map(|grant| {
        let (role, teammate) = match &grant.role {
            Role::Manager => ("manager", None),
            Role::Teammate(id) => ("teammate", Some(id)),
            Role::Token => ("token", None),
        };
        json!({ "workspace": grant.workspace_id, "role": role, "teammate": teammate })
    });
    grants.collect()
}

fn in_words(grants: &[Grant]) -> String {
    let words = grants.iter().map(|grant| {
        let place = match &grant.workspace_id {
            Some(workspace) => workspace.as_str(),
            None => "every workspace",
        };
        match &grant.role {
            Role::Manager => format!("manages {place}"),
            Role::Teammate(id) => format!("teammate {id} in {place}"),
            Role::Token => place.to_owned(),
        }
    });
    harmless(&words.collect::<Vec<_>>().join(", "))
}

fn hash() -> Result<(), Failure> {
    let mut password = String::new();
    let most = secret::PASSWORD_MOST as u64 + 2;
    std::io::stdin().take(most).read_to_string(&mut password)?;
    let password = password.strip_suffix('\n').unwrap_or(&password);
    let password = password.strip_suffix('\r').unwrap_or(password);
    // No name is known here; no password contains this one.
    secret::check_password(password, "\n").map_err(Failure::Failed)?;
    outln!(
        "{}",
        secret::hash_password(password).map_err(Failure::Failed)?
    );
    Ok(())
}
