//! What is PostgreSQL's own: its sessions and their time limits, and what to do about a server that refuses.

use std::time::Duration;

use sqlx::any::AnyConnectOptions;

use crate::error::ReadModelError;

/// How long a connection may take at the start, from looking the name up to the end of the log-in.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a caller waits for a connection while a service runs. Short, because waiting is told (`/readyz`) only after it.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a transaction may take, for the server's own limits do not help when the network swallows its answer. Many times
/// what a full batch takes.
pub(crate) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(120);

/// For every connection. Limits in the server's hands, so that what a vanished client holds is let go: no statement takes
/// longer, no lock is waited for longer, no transaction stays open longer with nobody working in it (a publication appends to
/// the log in its transaction). `synchronous_commit` is not left off: a scorecard's revision is published right after the
/// transaction that made it, and must not be made a second time with other values after a crash.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET default_transaction_isolation = 'read committed'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
     SELECT set_config('application_name', 'afterword', false) WHERE current_setting('application_name') = '';";
const READER: &str = "SET default_transaction_read_only = on;";

/// Parameters of the URL that have a meaning; others are refused, lest a misspelt password be logged as unknown.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// What a connection that writes is told first.
pub(crate) fn writer_session() -> String {
    SESSION.to_owned()
}

/// What a connection that only reads is told first.
pub(crate) fn reader_session() -> String {
    format!("{SESSION}{READER}")
}

/// Names of text are bytes in one order, whatever the server's locale: reports are sorted alike on both databases, projectors
/// lock rows in one order, and indexes outlive a change of the system's collations.
pub(crate) fn migration(sql: &str) -> String {
    sql.replace(" TEXT ", " TEXT COLLATE \"C\" ")
        .replace(" TEXT,", " TEXT COLLATE \"C\",")
}

/// Whether the URL says what it means.
pub(crate) fn check_url(options: &AnyConnectOptions) -> Result<(), ReadModelError> {
    for (name, _) in options.database_url.query_pairs() {
        if !PARAMETERS.contains(&name.as_ref()) && !name.starts_with("options[") {
            return Err(ReadModelError::Stop(format!(
                "the report database's URL has an unknown parameter {name:?}: expected one of {}",
                PARAMETERS.join(", ")
            )));
        }
    }
    Ok(())
}

/// Where the server is, and which database: without user and password.
fn address(options: &AnyConnectOptions) -> String {
    let url = &options.database_url;
    let parameter = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let host = parameter("host").or(parameter("hostaddr"));
    let host = host.map(String::from);
    let host = host.or(url.host_str().map(str::to_owned));
    let port = parameter("port").map(String::from);
    let port = port.unwrap_or_else(|| url.port().unwrap_or(5432).to_string());
    let host = host.unwrap_or_else(|| "localhost".to_owned());
    let database = parameter("dbname").map(String::from);
    let database = database.unwrap_or_else(|| url.path().trim_start_matches('/').to_owned());
    format!("{host}:{port}, database {database:?}")
}

/// Why there is no connection, and what to do next.
pub(crate) fn not_connected(error: sqlx::Error, options: &AnyConnectOptions) -> ReadModelError {
    let hint = match &error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("28P01" | "28000") => {
                "check the user and the password in the URL, and the server's pg_hba.conf"
            }
            Some("3D000") => "create the database (createdb), or name another in the URL",
            Some("42501") => {
                "grant the user CONNECT on the database, and USAGE and CREATE on its schema"
            }
            Some("53300") => "raise the server's max_connections: a process takes up to five",
            _ => "look into the server's log",
        },
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => {
            "is the server running, and does it listen there?"
        }
        sqlx::Error::Tls(_) => "check sslmode and sslrootcert in the URL",
        _ => "check the URL",
    };
    let at = address(options);
    ReadModelError::from(error).during(&format!("PostgreSQL at {at} ({hint})"))
}

/// The server said nothing at all.
pub(crate) fn silent(options: &AnyConnectOptions) -> ReadModelError {
    let at = address(options);
    let seconds = CONNECT_TIMEOUT.as_secs();
    ReadModelError::Wait(format!(
        "PostgreSQL at {at} did not answer within {seconds} s: is the server running, and is the way to it open?"
    ))
}
