//! Sessions: who is signed in.

use sqlx::Row as _;

use super::{Account, LISTED, Step, rows};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;

/// Somebody's being signed in with one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The hash of what the cookie carries, in hexadecimal.
    pub session_id: String,
    pub account_id: String,
    /// What the browser calls itself.
    pub client: String,
    pub created_at: i64,
    /// To the minute.
    pub seen_at: i64,
    /// Then it ends, whatever is done with it.
    pub expires_at: i64,
}

/// A session and its account.
#[derive(Clone)]
pub struct SignedIn {
    pub session: Session,
    pub account: Account,
}

/// Names the columns in the order in which [`Session::from_row`] reads them.
macro_rules! select_sessions {
    ($rest:literal) => {
        concat!(
            "SELECT session_id, account_id, client, created_at, seen_at, expires_at FROM sessions ",
            $rest
        )
    };
}

const ALIVE: &str = select_sessions!("WHERE session_id = $1 AND expires_at > $2 AND seen_at > $3");
const OF_ACCOUNT: &str = select_sessions!(
    "WHERE account_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, session_id LIMIT $4"
);

const INSERT: &str = "INSERT INTO sessions (session_id, account_id, client, created_at, seen_at, expires_at) \
     SELECT $1, account_id, $3, $4, $4, $5 FROM accounts WHERE account_id = $2 AND disabled_at IS NULL";
const FORGET: &str = "DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2";
const SEEN: &str = "UPDATE sessions SET seen_at = $2 WHERE session_id = $1 AND seen_at < $2";
const END: &str = "DELETE FROM sessions WHERE account_id = $1 AND session_id = $2";
const END_OTHERS: &str = "DELETE FROM sessions WHERE account_id = $1 AND session_id <> $2";

impl Session {
    fn from_row(row: &sqlx::any::AnyRow) -> Result<Session, ReadModelError> {
        Ok(Session {
            session_id: row.try_get(0)?,
            account_id: row.try_get(1)?,
            client: row.try_get(2)?,
            created_at: row.try_get(3)?,
            seen_at: row.try_get(4)?,
            expires_at: row.try_get(5)?,
        })
    }
}

impl ReportDatabase {
    /// Begins a session, forgets those that have ended (by their time, or by not being used for so long), and says whether
    /// there is one now: an account that is disabled gets none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn begin_session(
        &self,
        session: &Session,
        idle_ms: i64,
    ) -> Result<bool, ReadModelError> {
        let now_ms = session.created_at;
        let forget = Step::any(FORGET, |values| {
            values.integer(now_ms);
            values.integer(now_ms.saturating_sub(idle_ms));
        });
        let insert = Step::needed(INSERT, |values| {
            values.text(&session.session_id);
            values.text(&session.account_id);
            values.text(&session.client);
            values.integer(now_ms);
            values.integer(session.expires_at);
        });
        Ok(self.together(vec![forget, insert]).await?.is_none())
    }

    /// The session of this id and its account, when neither its time is over nor it was left unused for so long, and the
    /// account is not disabled.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn session(
        &self,
        session_id: &str,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Option<SignedIn>, ReadModelError> {
        let found = rows(self, ALIVE, |values| {
            values.text(session_id);
            values.integer(now_ms);
            values.integer(now_ms.saturating_sub(idle_ms));
        })
        .await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let session = Session::from_row(row)?;
        let account = self.account_of(&session.account_id).await?;
        let enabled = account.filter(|account| account.disabled_at.is_none());
        Ok(enabled.map(|account| SignedIn { session, account }))
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn session_seen(&self, session_id: &str, now_ms: i64) -> Result<(), ReadModelError> {
        let seen = Step::any(SEEN, |values| {
            values.text(session_id);
            values.integer(now_ms);
        });
        self.together(vec![seen]).await.map(drop)
    }

    /// The sessions of an account that go on, the latest seen first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions(
        &self,
        account_id: &str,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<Session>, ReadModelError> {
        let found = rows(self, OF_ACCOUNT, |values| {
            values.text(account_id);
            values.integer(now_ms);
            values.integer(now_ms.saturating_sub(idle_ms));
            values.integer(LISTED);
        });
        found.await?.iter().map(Session::from_row).collect()
    }

    /// Ends a session of an account.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn end_session(
        &self,
        account_id: &str,
        session_id: &str,
    ) -> Result<(), ReadModelError> {
        self.end(END, account_id, session_id).await
    }

    /// Ends every session of an account but this one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn end_other_sessions(
        &self,
        account_id: &str,
        session_id: &str,
    ) -> Result<(), ReadModelError> {
        self.end(END_OTHERS, account_id, session_id).await
    }

    async fn end(
        &self,
        sql: &'static str,
        account_id: &str,
        session_id: &str,
    ) -> Result<(), ReadModelError> {
        let end = Step::any(sql, |values| {
            values.text(account_id);
            values.text(session_id);
        });
        self.together(vec![end]).await.map(drop)
    }
}
