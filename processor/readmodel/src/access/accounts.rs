//! Accounts.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Grant, LISTED, Step, regrant, rows};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;

/// How an account came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOrigin {
    Invitation,
    /// It is as the configuration has it, and changed there alone.
    Configuration,
}

/// Somebody who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub account_id: String,
    /// In small letters.
    pub name: String,
    /// As PHC has it.
    pub password_hash: String,
    pub origin: AccountOrigin,
    /// Milliseconds since 1970, as all times here.
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub grants: Vec<Grant>,
}

/// An account of the configuration.
#[derive(Clone)]
pub struct ConfiguredAccount {
    /// For it when it is new.
    pub account_id: String,
    pub name: String,
    pub password_hash: String,
    pub grants: Vec<Grant>,
}

/// Names the columns in the order in which [`Account::from_row`] reads them.
macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "SELECT account_id, name, password_hash, origin, created_at, disabled_at FROM accounts ",
            $rest
        )
    };
}

const BY_NAME: &str = select_accounts!("WHERE name = $1");
const BY_ID: &str = select_accounts!("WHERE account_id = $1");
const ALL: &str = select_accounts!("ORDER BY name LIMIT $1");

const CREDENTIALS: &str =
    "SELECT account_id, password_hash FROM accounts WHERE name = $1 AND disabled_at IS NULL";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account_id = $1";
const END_OTHER_SESSIONS: &str = "DELETE FROM sessions WHERE account_id = $1 AND session_id <> $2";
const DISABLE: &str =
    "UPDATE accounts SET disabled_at = $2 WHERE account_id = $1 AND disabled_at IS NULL";
const ENABLE: &str =
    "UPDATE accounts SET disabled_at = NULL WHERE account_id = $1 AND disabled_at IS NOT NULL";
const SET_PASSWORD: &str = "UPDATE accounts SET password_hash = $2 WHERE account_id = $1";
const CONFIGURE: &str = "UPDATE accounts SET password_hash = $2, origin = 'configuration', disabled_at = NULL WHERE account_id = $1";
const DELETE_INVITATIONS: &str = "DELETE FROM invitations WHERE name = $1";
const DELETE_INVITED_GRANTS: &str = "DELETE FROM access_grants WHERE subject_id IN (SELECT invitation_id FROM invitations WHERE name = $1)";
const INSERT: &str = "INSERT INTO accounts (account_id, name, password_hash, origin, created_at) \
     VALUES ($1, $2, $3, 'configuration', $4) ON CONFLICT (name) DO NOTHING";

impl Account {
    fn from_row(row: &AnyRow, grants: Vec<Grant>) -> Result<Account, ReadModelError> {
        let origin: String = row.try_get(3)?;
        Ok(Account {
            account_id: row.try_get(0)?,
            name: row.try_get(1)?,
            password_hash: row.try_get(2)?,
            origin: match origin.as_str() {
                "configuration" => AccountOrigin::Configuration,
                _ => AccountOrigin::Invitation,
            },
            created_at: row.try_get(4)?,
            disabled_at: row.try_get(5)?,
            grants,
        })
    }
}

/// Forgets the open invitations of a name.
pub(super) fn uninvite(name: &str) -> [Step; 2] {
    [DELETE_INVITED_GRANTS, DELETE_INVITATIONS].map(|sql| Step::any(sql, |v| v.text(name)))
}

impl ReportDatabase {
    /// The account of this name (in small letters), disabled or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, ReadModelError> {
        self.one_account(BY_NAME, name).await
    }

    pub(super) async fn account_of(&self, id: &str) -> Result<Option<Account>, ReadModelError> {
        self.one_account(BY_ID, id).await
    }

    async fn one_account(
        &self,
        sql: &'static str,
        key: &str,
    ) -> Result<Option<Account>, ReadModelError> {
        let found = rows(self, sql, |values| values.text(key)).await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let grants = self.grants(&row.try_get::<String, _>(0)?).await?;
        Account::from_row(row, grants).map(Some)
    }

    /// Id and password hash of the account of this name (in small letters) that may sign in. One query, whether there is one or
    /// not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn credentials(
        &self,
        name: &str,
    ) -> Result<Option<(String, String)>, ReadModelError> {
        let found = rows(self, CREDENTIALS, |values| values.text(name)).await?;
        let read = |row: &AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
        found.first().map(read).transpose()
    }

    /// All accounts by name, at most ten thousand.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, ReadModelError> {
        let mut accounts = Vec::new();
        for row in rows(self, ALL, |values| values.integer(LISTED)).await? {
            let grants = self.grants(&row.try_get::<String, _>(0)?).await?;
            accounts.push(Account::from_row(&row, grants)?);
        }
        Ok(accounts)
    }

    /// Keeps an account from signing in, and ends its sessions; says whether it could before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn disable_account(
        &self,
        account_id: &str,
        now_ms: i64,
    ) -> Result<bool, ReadModelError> {
        let end = Step::any(END_SESSIONS, |values| values.text(account_id));
        let disable = Step::needed(DISABLE, |values| {
            values.text(account_id);
            values.integer(now_ms);
        });
        Ok(self.together(vec![disable, end]).await?.is_none())
    }

    /// Lets a disabled account sign in again; says whether it was disabled.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn enable_account(&self, account_id: &str) -> Result<bool, ReadModelError> {
        let enable = Step::needed(ENABLE, |values| values.text(account_id));
        Ok(self.together(vec![enable]).await?.is_none())
    }

    /// Gives an account another password, and ends every session of it but one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_password(
        &self,
        account_id: &str,
        password_hash: &str,
        kept_session: &str,
    ) -> Result<(), ReadModelError> {
        let set = Step::any(SET_PASSWORD, |values| {
            values.text(account_id);
            values.text(password_hash);
        });
        let end = Step::any(END_OTHER_SESSIONS, |values| {
            values.text(account_id);
            values.text(kept_session);
        });
        self.together(vec![set, end]).await.map(drop)
    }

    /// Makes the accounts of the configuration what it says. Those that it no longer names are disabled; a password that is
    /// another one than before ends the sessions.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn configure_accounts(
        &self,
        configured: &[ConfiguredAccount],
        now_ms: i64,
    ) -> Result<(), ReadModelError> {
        for account in self.accounts().await? {
            let is_named = configured.iter().any(|named| named.name == account.name);
            if account.origin == AccountOrigin::Configuration && !is_named {
                self.disable_account(&account.account_id, now_ms).await?;
            }
        }
        for named in configured {
            let known = self.account(&named.name).await?;
            let steps = named.steps(known.as_ref(), now_ms);
            if !steps.is_empty() {
                self.together(steps).await?;
            }
        }
        Ok(())
    }
}

impl ConfiguredAccount {
    fn steps(&self, known: Option<&Account>, now_ms: i64) -> Vec<Step> {
        let id = known.map_or(&self.account_id, |known| &known.account_id);
        let is_same = |known: &Account| {
            known.password_hash == self.password_hash
                && known.grants == self.grants
                && known.origin == AccountOrigin::Configuration
                && known.disabled_at.is_none()
        };
        if known.is_some_and(is_same) {
            return Vec::new();
        }
        let first = match known {
            Some(_) => Step::needed(CONFIGURE, |values| {
                values.text(id);
                values.text(&self.password_hash);
            }),
            // Another process may do the same right now; then it is done.
            None => Step::needed(INSERT, |values| {
                values.text(id);
                values.text(&self.name);
                values.text(&self.password_hash);
                values.integer(now_ms);
            }),
        };
        let mut steps = vec![first];
        if known.is_some_and(|known| known.password_hash != self.password_hash) {
            steps.push(Step::any(END_SESSIONS, |values| values.text(id)));
        }
        steps.extend(regrant(id, &self.grants));
        steps.extend(uninvite(&self.name));
        steps
    }
}
