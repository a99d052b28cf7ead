//! Invitations: links that work once, by which an account is made or gets another password.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::accounts::uninvite;
use super::{Grant, LISTED, Step, regrant, rows};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;

/// One that is not used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The hash of what the link carries, in hexadecimal.
    pub invitation_id: String,
    /// The account's, in small letters.
    pub name: String,
    /// `Some`: it sets the password of an account that is there.
    pub account_id: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub grants: Vec<Grant>,
}

/// What became of an acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    Done,
    /// Used before, too old, withdrawn, or never made.
    Gone,
    /// Meanwhile there is an account of this name.
    NameTaken,
}

/// Names the columns in the order in which [`Invitation::from_row`] reads them.
macro_rules! select_invitations {
    ($rest:literal) => {
        concat!(
            "SELECT invitation_id, name, account_id, created_at, expires_at FROM invitations ",
            $rest
        )
    };
}

const OPEN: &str = select_invitations!("WHERE invitation_id = $1 AND expires_at > $2");
const ALL: &str = select_invitations!("ORDER BY name, invitation_id LIMIT $1");

const INSERT: &str = "INSERT INTO invitations (invitation_id, name, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
/// Whoever takes the row away has used the invitation; nobody can twice.
const USE: &str = "DELETE FROM invitations WHERE invitation_id = $1 AND expires_at > $2";
const MAKE_ACCOUNT: &str = "INSERT INTO accounts (account_id, name, password_hash, origin, created_at) \
     VALUES ($1, $2, $3, 'invitation', $4) ON CONFLICT (name) DO NOTHING";
const MOVE_GRANTS: &str = "UPDATE access_grants SET subject_id = $1 WHERE subject_id = $2";
const SET_PASSWORD: &str =
    "UPDATE accounts SET password_hash = $2 WHERE account_id = $1 AND disabled_at IS NULL";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account_id = $1";

impl Invitation {
    fn from_row(row: &AnyRow, grants: Vec<Grant>) -> Result<Invitation, ReadModelError> {
        Ok(Invitation {
            invitation_id: row.try_get(0)?,
            name: row.try_get(1)?,
            account_id: row.try_get(2)?,
            created_at: row.try_get(3)?,
            expires_at: row.try_get(4)?,
            grants,
        })
    }
}

impl ReportDatabase {
    /// Keeps an invitation, in place of every open one of the same name. One that sets an account's password ends its
    /// sessions at once.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn invite(&self, invitation: &Invitation) -> Result<(), ReadModelError> {
        let mut steps = Vec::from(uninvite(&invitation.name));
        steps.push(Step::needed(INSERT, |values| {
            values.text(&invitation.invitation_id);
            values.text(&invitation.name);
            values.text_or_null(invitation.account_id.as_deref());
            values.integer(invitation.created_at);
            values.integer(invitation.expires_at);
        }));
        if let Some(account_id) = &invitation.account_id {
            steps.push(Step::any(END_SESSIONS, |values| values.text(account_id)));
        }
        steps.extend(regrant(&invitation.invitation_id, &invitation.grants));
        self.together(steps).await.map(drop)
    }

    /// The invitation of this id, when it is still open.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn invitation(
        &self,
        invitation_id: &str,
        now_ms: i64,
    ) -> Result<Option<Invitation>, ReadModelError> {
        let found = rows(self, OPEN, |values| {
            values.text(invitation_id);
            values.integer(now_ms);
        })
        .await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let grants = self.grants(invitation_id).await?;
        Invitation::from_row(row, grants).map(Some)
    }

    /// All that were not used, too old ones too, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn invitations(&self) -> Result<Vec<Invitation>, ReadModelError> {
        let mut invitations = Vec::new();
        for row in rows(self, ALL, |values| values.integer(LISTED)).await? {
            let grants = self.grants(&row.try_get::<String, _>(0)?).await?;
            invitations.push(Invitation::from_row(&row, grants)?);
        }
        Ok(invitations)
    }

    /// Uses an invitation: makes its account with this id and password, or gives the account it is for this password and ends
    /// its sessions.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn accept(
        &self,
        invitation: &Invitation,
        account_id: &str,
        password_hash: &str,
        now_ms: i64,
    ) -> Result<Accepted, ReadModelError> {
        let mut steps = vec![Step::needed(USE, |values| {
            values.text(&invitation.invitation_id);
            values.integer(now_ms);
        })];
        match &invitation.account_id {
            None => {
                steps.push(Step::needed(MAKE_ACCOUNT, |values| {
                    values.text(account_id);
                    values.text(&invitation.name);
                    values.text(password_hash);
                    values.integer(now_ms);
                }));
                steps.push(Step::any(MOVE_GRANTS, |values| {
                    values.text(account_id);
                    values.text(&invitation.invitation_id);
                }));
            }
            Some(account_id) => {
                steps.push(Step::needed(SET_PASSWORD, |values| {
                    values.text(account_id);
                    values.text(password_hash);
                }));
                steps.push(Step::any(END_SESSIONS, |values| values.text(account_id)));
            }
        }
        let refused = self.together(steps).await?;
        Ok(match (refused, &invitation.account_id) {
            (None, _) => Accepted::Done,
            (Some(1), None) => Accepted::NameTaken,
            (Some(_), _) => Accepted::Gone,
        })
    }
}
