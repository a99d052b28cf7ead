//! API tokens: programs that may.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Grant, LISTED, Step, regrant, rows};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;

/// A program's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// What people call it by; no secret.
    pub token_id: String,
    pub name: String,
    /// With spaces between them.
    pub scopes: String,
    pub created_at: i64,
    /// `None`: it does not end by itself.
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    /// To the minute.
    pub used_at: Option<i64>,
    pub grants: Vec<Grant>,
}

/// Names the columns in the order in which [`ApiToken::from_row`] reads them.
macro_rules! select_tokens {
    ($rest:literal) => {
        concat!(
            "SELECT token_id, name, scopes, created_at, expires_at, revoked_at, used_at FROM api_tokens ",
            $rest
        )
    };
}

const ALIVE: &str = select_tokens!(
    "WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
);
const ALL: &str = select_tokens!("ORDER BY created_at, token_id LIMIT $1");

const INSERT: &str = "INSERT INTO api_tokens (token_id, token_hash, name, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
const REVOKE: &str =
    "UPDATE api_tokens SET revoked_at = $2 WHERE token_id = $1 AND revoked_at IS NULL";
const USED: &str =
    "UPDATE api_tokens SET used_at = $2 WHERE token_id = $1 AND (used_at IS NULL OR used_at < $2)";

impl ApiToken {
    fn from_row(row: &AnyRow, grants: Vec<Grant>) -> Result<ApiToken, ReadModelError> {
        Ok(ApiToken {
            token_id: row.try_get(0)?,
            name: row.try_get(1)?,
            scopes: row.try_get(2)?,
            created_at: row.try_get(3)?,
            expires_at: row.try_get(4)?,
            revoked_at: row.try_get(5)?,
            used_at: row.try_get(6)?,
            grants,
        })
    }
}

impl ReportDatabase {
    /// Keeps a new token, of which the hash in hexadecimal is known here.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn add_token(&self, token: &ApiToken, hash: &str) -> Result<(), ReadModelError> {
        let mut steps = vec![Step::needed(INSERT, |values| {
            for text in [&token.token_id, hash, &token.name, &token.scopes] {
                values.text(text);
            }
            values.integer(token.created_at);
            values.integer_or_null(token.expires_at);
        })];
        steps.extend(regrant(&token.token_id, &token.grants));
        self.together(steps).await.map(drop)
    }

    /// The token of this hash, when it is neither revoked nor too old.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn token(&self, hash: &str, now_ms: i64) -> Result<Option<ApiToken>, ReadModelError> {
        let found = rows(self, ALIVE, |values| {
            values.text(hash);
            values.integer(now_ms);
        })
        .await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let grants = self.grants(&row.try_get::<String, _>(0)?).await?;
        ApiToken::from_row(row, grants).map(Some)
    }

    /// All tokens, the oldest first, those that have ended too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, ReadModelError> {
        let mut tokens = Vec::new();
        for row in rows(self, ALL, |values| values.integer(LISTED)).await? {
            let grants = self.grants(&row.try_get::<String, _>(0)?).await?;
            tokens.push(ApiToken::from_row(&row, grants)?);
        }
        Ok(tokens)
    }

    /// Ends a token for good, and says whether it was not ended before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_token(&self, token_id: &str, now_ms: i64) -> Result<bool, ReadModelError> {
        let revoke = Step::needed(REVOKE, |values| {
            values.text(token_id);
            values.integer(now_ms);
        });
        Ok(self.together(vec![revoke]).await?.is_none())
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn token_used(&self, token_id: &str, now_ms: i64) -> Result<(), ReadModelError> {
        let used = Step::any(USED, |values| {
            values.text(token_id);
            values.integer(now_ms);
        });
        self.together(vec![used]).await.map(drop)
    }
}
