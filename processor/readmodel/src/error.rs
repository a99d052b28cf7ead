//! Errors of the report database and its projector, sorted by what the caller must do next.

use afterword_log::LogError;
use afterword_schemas::Unavailable;
use sqlx::error::DatabaseError;
use thiserror::Error;

/// What went wrong, named by what to do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReadModelError {
    /// Another projector owns the positions of a database that has room for one (SQLite), or the log or the database was
    /// closed: stop projecting.
    #[error("gave the projection up: {0}")]
    GiveUp(String),
    /// The surroundings fail (disk full, database locked, log away): nothing is lost, try again.
    #[error("waiting for the surroundings: {0}")]
    Wait(String),
    /// What is stored cannot be right or cannot be used by this build: a person must look.
    #[error("stopped: {0}")]
    Stop(String),
}

impl ReadModelError {
    /// Puts what was being done before the message.
    #[must_use]
    pub(crate) fn during(self, what: &str) -> ReadModelError {
        match self {
            ReadModelError::GiveUp(why) => ReadModelError::GiveUp(format!("{what}: {why}")),
            ReadModelError::Wait(why) => ReadModelError::Wait(format!("{what}: {why}")),
            ReadModelError::Stop(why) => ReadModelError::Stop(format!("{what}: {why}")),
        }
    }
}

impl From<LogError> for ReadModelError {
    fn from(error: LogError) -> ReadModelError {
        match error {
            LogError::GiveUp(why) => ReadModelError::GiveUp(why),
            // The projector's positions are in its database, so starting over is reading from them again; and a
            // scorecard that may have been appended is appended once more, which does no harm.
            LogError::StartOver(why) | LogError::Wait(why) => ReadModelError::Wait(why),
            LogError::Stop(why) => ReadModelError::Stop(why),
        }
    }
}

impl From<Unavailable> for ReadModelError {
    fn from(registry: Unavailable) -> ReadModelError {
        ReadModelError::Wait(registry.to_string())
    }
}

impl From<sqlx::Error> for ReadModelError {
    fn from(error: sqlx::Error) -> ReadModelError {
        let text = match &error {
            sqlx::Error::PoolTimedOut => "no connection to the report database in time".to_owned(),
            _ => error.to_string(),
        };
        if matches!(error, sqlx::Error::PoolClosed) {
            return ReadModelError::GiveUp("the report database was closed".to_owned());
        }
        let wait = match &error {
            sqlx::Error::Database(error) => is_of_the_surroundings(error.as_ref()),
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
            _ => false,
        };
        if wait {
            ReadModelError::Wait(text)
        } else {
            ReadModelError::Stop(text)
        }
    }
}

/// Whether a database's error comes from its surroundings rather than from what it was asked.
fn is_of_the_surroundings(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    if code.len() == 5 {
        // SQLSTATE: connection, transaction rollback (deadlock, serialisation), resources, object in use, operator (shutdown,
        // time-out), system; and a server that has become a standby, or found a transaction idle for too long.
        let class = code.get(..2).unwrap_or_default();
        return ["08", "40", "53", "55", "57", "58"].contains(&class)
            || ["25006", "25P03"].contains(&code.as_ref());
    }
    // SQLite's primary codes: BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN.
    let primary = code.parse::<u32>().map(|code| code & 0xff);
    primary.is_ok_and(|code| [5, 6, 7, 9, 10, 13, 14].contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_what_to_do() {
        let wait = |error: sqlx::Error| matches!(error.into(), ReadModelError::Wait(_));
        assert!(wait(sqlx::Error::PoolTimedOut));
        assert!(wait(sqlx::Error::Io(
            std::io::ErrorKind::StorageFull.into()
        )));
        assert!(!wait(sqlx::Error::RowNotFound));
        let closed = ReadModelError::from(sqlx::Error::PoolClosed);
        assert!(matches!(closed, ReadModelError::GiveUp(_)));
        let doubt = ReadModelError::from(LogError::StartOver("x".to_owned()));
        assert_eq!(doubt, ReadModelError::Wait("x".to_owned()));
    }
}
