//! Taking one customer out of the report database: ids, comments, the contact, mails that wait. Rows stay, and so does what is
//! counted.
//!
//! A file (SQLite) is copied or vacuumed after it (`copy`): pages that were freed have it all still.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Connection, Row as _};

use crate::database::{Dialect, ReportDatabase};
use crate::error::ReadModelError;
use crate::sql::select_in;

/// Who is taken out, and of what.
#[derive(Clone, Debug)]
pub struct Erasing<'a> {
    pub workspace_id: &'a str,
    pub customer_id: &'a str,
    /// The customer's id from now on.
    pub pseudonym: &'a str,
    /// The requests of the conversations in which the customer takes part, with those: their comments go.
    pub requests: &'a BTreeMap<String, String>,
    /// Those requests that went to the customer.
    pub asked: &'a [String],
    pub now_ms: i64,
}

/// What is known of a customer here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Conversations in which the customer was asked.
    pub conversations: Vec<String>,
    pub contacts: u64,
    pub deliveries: u64,
    /// The contact's address and name.
    pub texts: Vec<String>,
}

impl Known {
    /// Whether that is nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Known::default()
    }
}

/// What was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasedRows {
    pub requests: u64,
    pub comments: u64,
    pub contacts: u64,
    pub deliveries: u64,
    /// Mails that waited and are not sent.
    pub cancelled: u64,
}

const CONVERSATIONS: &str =
    "SELECT conversation_id FROM requests WHERE workspace_id = $1 AND customer_id = $2";
const CONTACT: &str =
    "SELECT email, name FROM contacts WHERE workspace_id = $1 AND customer_id = $2";
const DELIVERIES: &str =
    "SELECT COUNT(*) FROM deliveries WHERE workspace_id = $1 AND customer_id = $2";

const COMMENTS: &str =
    "SELECT request_id, comment FROM requests WHERE comment IS NOT NULL AND request_id";
const SUBMITTED: &str = "SELECT request_id, comment, revision FROM submissions WHERE comment IS NOT NULL AND request_id";
const SET_COMMENT: &str = "UPDATE requests SET comment = $1 WHERE request_id = $2";
const SET_SUBMITTED: &str =
    "UPDATE submissions SET comment = $1 WHERE request_id = $2 AND revision = $3";

const RENAME: &str =
    "UPDATE requests SET customer_id = $3 WHERE workspace_id = $1 AND customer_id = $2";
const RENAME_ASKED: &str = "UPDATE requests SET customer_id = $1 WHERE request_id = $2";
const CANCEL: &str = "UPDATE deliveries SET state = 'opted_out', finished_at = $3, claim = NULL \
     WHERE workspace_id = $1 AND customer_id = $2 AND lane = 'mail' AND finished_at IS NULL";
/// A server's answer may repeat the address.
const RENAME_DELIVERIES: &str = "UPDATE deliveries SET customer_id = $3, detail = '' WHERE workspace_id = $1 AND customer_id = $2";
const RENAME_ASKED_DELIVERIES: &str =
    "UPDATE deliveries SET customer_id = $1 WHERE request_id = $2";
const FORGET: &str = "DELETE FROM contacts WHERE workspace_id = $1 AND customer_id = $2";

impl ReportDatabase {
    /// What is known of a customer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn known_of(
        &self,
        workspace_id: &str,
        customer_id: &str,
    ) -> Result<Known, ReadModelError> {
        let of =
            |statement: &'static str| sqlx::query(statement).bind(workspace_id).bind(customer_id);
        let mut known = Known::default();
        for row in of(CONVERSATIONS).fetch_all(self.readers()).await? {
            known.conversations.push(row.try_get(0)?);
        }
        for row in of(CONTACT).fetch_all(self.readers()).await? {
            known.contacts += 1;
            for column in 0..2 {
                known
                    .texts
                    .extend(row.try_get::<Option<String>, _>(column)?);
            }
        }
        let deliveries: i64 = of(DELIVERIES).fetch_one(self.readers()).await?.try_get(0)?;
        known.deliveries = deliveries.unsigned_abs();
        Ok(known)
    }

    /// Takes a customer out, in one transaction. `comment` says what stands in place of a comment of a conversation.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was.
    pub async fn erase(
        &self,
        erasing: &Erasing<'_>,
        comment: &mut (dyn FnMut(&str, &str) -> String + Send),
    ) -> Result<ErasedRows, ReadModelError> {
        let dialect = self.dialect();
        let mut connection = self.writer().await?;
        let erased = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            let comments = comments(&mut transaction, dialect, erasing, comment).await?;
            let mut erased = people(&mut transaction, erasing).await?;
            erased.comments = comments;
            transaction.commit().await?;
            Ok(erased)
        };
        let erased = dialect.limited(erased).await;
        if erased.is_err() {
            connection.close_on_drop();
        }
        erased.map_err(|error: ReadModelError| error.during("erasing in the report database"))
    }
}

/// Comments of conversations, in the rows of ratings and in their histories; returns those of ratings.
async fn comments(
    connection: &mut AnyConnection,
    dialect: Dialect,
    erasing: &Erasing<'_>,
    comment: &mut (dyn FnMut(&str, &str) -> String + Send),
) -> Result<u64, ReadModelError> {
    let keys: Vec<&str> = erasing.requests.keys().map(String::as_str).collect();
    let mut changed = 0;
    let mut erased = |request: &str, text: &str| {
        let conversation = erasing.requests.get(request).map_or("", String::as_str);
        comment(conversation, text)
    };
    for row in select_in(connection, dialect, SUBMITTED, &keys).await? {
        let (request, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let erased = erased(&request, &text);
        if erased == text {
            continue;
        }
        let query = sqlx::query(SET_SUBMITTED).bind(erased);
        let query = query.bind(request).bind(row.try_get::<i64, _>(2)?);
        query.execute(&mut *connection).await?;
    }
    for row in select_in(connection, dialect, COMMENTS, &keys).await? {
        let (request, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let erased = erased(&request, &text);
        if erased == text {
            continue;
        }
        let query = sqlx::query(SET_COMMENT).bind(erased);
        changed += query
            .bind(request)
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    Ok(changed)
}

/// Who was asked, what is sent, and where.
async fn people(
    connection: &mut AnyConnection,
    erasing: &Erasing<'_>,
) -> Result<ErasedRows, ReadModelError> {
    let of = |statement: &'static str| {
        let query = sqlx::query(statement).bind(erasing.workspace_id);
        query.bind(erasing.customer_id)
    };
    let cancelled = of(CANCEL)
        .bind(erasing.now_ms)
        .execute(&mut *connection)
        .await?;
    let deliveries = of(RENAME_DELIVERIES).bind(erasing.pseudonym);
    let deliveries = deliveries.execute(&mut *connection).await?;
    let requests = of(RENAME).bind(erasing.pseudonym);
    let requests = requests.execute(&mut *connection).await?;
    let contacts = of(FORGET).execute(&mut *connection).await?;
    // An erasure that was cut off may have given them another pseudonym.
    for request in erasing.asked {
        for statement in [RENAME_ASKED, RENAME_ASKED_DELIVERIES] {
            let query = sqlx::query(statement).bind(erasing.pseudonym);
            query
                .bind(request.as_str())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(ErasedRows {
        requests: requests.rows_affected(),
        comments: 0,
        contacts: contacts.rows_affected(),
        deliveries: deliveries.rows_affected(),
        cancelled: cancelled.rows_affected(),
    })
}
