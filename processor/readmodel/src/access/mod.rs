//! Who may see reports and use the API: accounts, their sessions, invitations, API tokens. Secrets come here as hashes alone;
//! what they are made of and what a right allows is decided where HTTP is served.

mod accounts;
mod invitations;
mod sessions;
mod steps;
mod tokens;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::sql::Values;

use steps::Step;

pub use accounts::{Account, AccountOrigin, ConfiguredAccount};
pub use invitations::{Accepted, Invitation};
pub use sessions::{Session, SignedIn};
pub use tokens::ApiToken;

/// Accounts, invitations, tokens or sessions that are listed at most.
const LISTED: i64 = 10_000;

/// As what somebody may see a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, and may change it.
    Manager,
    /// This teammate: what is their own.
    Teammate(String),
    /// A program: what the token's scopes say.
    Token,
}

/// One workspace that an account or a token has to do with, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `None`: every workspace.
    pub workspace_id: Option<String>,
    pub role: Role,
}

const INSERT_GRANT: &str = "INSERT INTO access_grants (subject_id, workspace_id, role, teammate_id) VALUES ($1, $2, $3, $4)";
const DELETE_GRANTS: &str = "DELETE FROM access_grants WHERE subject_id = $1";
const SELECT_GRANTS: &str = "SELECT workspace_id, role, teammate_id FROM access_grants WHERE subject_id = $1 ORDER BY workspace_id";

const IS_GUARDED: &str = "SELECT (SELECT COUNT(*) FROM accounts) + (SELECT COUNT(*) FROM invitations) + (SELECT COUNT(*) FROM api_tokens)";

impl Grant {
    fn from_row(row: &AnyRow) -> Result<Grant, ReadModelError> {
        let workspace_id: String = row.try_get(0)?;
        let role: String = row.try_get(1)?;
        let role = match role.as_str() {
            "manager" => Role::Manager,
            "teammate" => Role::Teammate(row.try_get(2)?),
            "token" => Role::Token,
            other => {
                return Err(ReadModelError::Stop(format!(
                    "the report database has a grant with the role {other}, which this build does not know: run the build \
                     that made it, or a later one"
                )));
            }
        };
        Ok(Grant {
            workspace_id: Some(workspace_id).filter(|id| !id.is_empty()),
            role,
        })
    }

    fn insert(&self, subject_id: &str) -> Step {
        let (role, teammate_id) = match &self.role {
            Role::Manager => ("manager", ""),
            Role::Teammate(id) => ("teammate", id.as_str()),
            Role::Token => ("token", ""),
        };
        let workspace_id = self.workspace_id.as_deref().unwrap_or_default();
        Step::any(INSERT_GRANT, |values| {
            for text in [subject_id, workspace_id, role, teammate_id] {
                values.text(text);
            }
        })
    }
}

/// The grants of a subject in place of those it has.
fn regrant(subject_id: &str, grants: &[Grant]) -> Vec<Step> {
    let delete = Step::any(DELETE_GRANTS, |values| values.text(subject_id));
    let insert = grants.iter().map(|grant| grant.insert(subject_id));
    std::iter::once(delete).chain(insert).collect()
}

impl ReportDatabase {
    /// Whether there is or was anybody who has access by name: an account (disabled ones too), an invitation or an API token.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_guarded(&self) -> Result<bool, ReadModelError> {
        let row = sqlx::query(IS_GUARDED).fetch_one(self.readers()).await?;
        Ok(row.try_get::<i64, _>(0)? > 0)
    }

    async fn grants(&self, subject_id: &str) -> Result<Vec<Grant>, ReadModelError> {
        let query = sqlx::query(SELECT_GRANTS).bind(subject_id);
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(Grant::from_row).collect()
    }
}

/// The rows of a query with these values.
async fn rows(
    database: &ReportDatabase,
    sql: &'static str,
    fill: impl FnOnce(&mut Values),
) -> Result<Vec<AnyRow>, ReadModelError> {
    let mut values = Values::default();
    fill(&mut values);
    let query = sqlx::query_with(sql, values.finish()?);
    Ok(query.fetch_all(database.readers()).await?)
}
