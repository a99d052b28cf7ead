//! The directory of contacts: where customers are reached whose id is no email address, and who wants no mails.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Connection, Row as _};

use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::request::flag;
use crate::sql::{Row, Table, Values};

/// Longest email address, in bytes (RFC 5321).
pub const EMAIL_BYTES: usize = 254;
/// Longest name, in characters.
pub const NAME_CHARS: usize = 200;
/// Longest tag of a language, in bytes.
pub const LOCALE_BYTES: usize = 35;

/// What is known of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// None: no address is known, or the customer's id is it.
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    /// A language, such as `de` or `pt-BR`.
    #[serde(default)]
    pub locale: Option<String>,
    /// False: is never sent a mail.
    #[serde(default = "yes")]
    pub wants_mail: bool,
}

fn yes() -> bool {
    true
}

const TABLE: Table = Table {
    name: "contacts",
    columns: &[
        "workspace_id",
        "customer_id",
        "email",
        "name",
        "locale",
        "wants_mail",
        "updated_at",
    ],
    conflict: "ON CONFLICT (workspace_id, customer_id) DO UPDATE SET email = excluded.email, name = excluded.name, \
         locale = excluded.locale, wants_mail = excluded.wants_mail, updated_at = excluded.updated_at",
};

const SELECT: &str = "SELECT email, name, locale, wants_mail FROM contacts WHERE workspace_id = $1 AND customer_id = $2";

const DELETE: &str = "DELETE FROM contacts WHERE workspace_id = $1 AND customer_id = $2";

/// Mails that had waited for it go out.
const SET_FREE: &str = "UPDATE deliveries SET state = 'waiting', due_at = 0 WHERE state = 'no_address' \
     AND workspace_id = $1 AND customer_id = $2";

struct ContactRow<'a> {
    workspace_id: &'a str,
    customer_id: &'a str,
    contact: &'a Contact,
    updated_at: i64,
}

impl Row for ContactRow<'_> {
    fn values(&self, values: &mut Values) {
        values.text(self.workspace_id);
        values.text(self.customer_id);
        values.text_or_null(self.contact.email.as_deref());
        values.text_or_null(self.contact.name.as_deref());
        values.text_or_null(self.contact.locale.as_deref());
        values.flag(self.contact.wants_mail);
        values.integer(self.updated_at);
    }
}

/// Whether a text is of the form of an email address that mail servers take: ASCII, one `@`, a domain. Whether anybody reads
/// there only a mail can tell.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.len() <= EMAIL_BYTES
        && (1..=64).contains(&local.len())
        && local.chars().all(is_atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

/// Whether a text is of the form of a language's tag, such as `de` or `pt-BR`.
#[must_use]
pub fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_word = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let first = parts.next().unwrap_or_default();
    text.len() <= LOCALE_BYTES
        && (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(is_word)
}

impl Contact {
    /// Puts its texts in order: white space at the ends goes, and what is then empty is none.
    ///
    /// # Errors
    /// With the member that is wrong, what was expected, and no more of what was found than its length: it may be somebody's
    /// address.
    pub fn checked(mut self) -> Result<Contact, (&'static str, String)> {
        for text in [&mut self.email, &mut self.name, &mut self.locale] {
            *text = text
                .take()
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty());
        }
        let found = |text: &str| format!("another text of {} characters", text.chars().count());
        if let Some(email) = self.email.as_deref().filter(|email| !is_email(email)) {
            let expected = "an email address such as ann@example.com";
            return Err((
                "email",
                format!("expected {expected}, found {}", found(email)),
            ));
        }
        let is_name =
            |name: &str| name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
        if let Some(name) = self.name.as_deref().filter(|name| !is_name(name)) {
            let expected =
                format!("at most {NAME_CHARS} characters, none of them a control character");
            return Err((
                "name",
                format!("expected {expected}, found {}", found(name)),
            ));
        }
        if let Some(locale) = self.locale.as_deref().filter(|locale| !is_locale(locale)) {
            let expected = "a language such as de or pt-BR";
            return Err((
                "locale",
                format!("expected {expected}, found {}", found(locale)),
            ));
        }
        Ok(self)
    }

    fn from_row(row: &AnyRow) -> Result<Contact, ReadModelError> {
        Ok(Contact {
            email: row.try_get(0)?,
            name: row.try_get(1)?,
            locale: row.try_get(2)?,
            wants_mail: flag(row, 3)?,
        })
    }
}

impl ReportDatabase {
    /// What is known of a customer, if anything.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn contact(
        &self,
        workspace_id: &str,
        customer_id: &str,
    ) -> Result<Option<Contact>, ReadModelError> {
        let query = sqlx::query(SELECT).bind(workspace_id).bind(customer_id);
        let row = query.fetch_optional(self.readers()).await?;
        row.as_ref().map(Contact::from_row).transpose()
    }

    /// Keeps these, each in place of what was known: workspace, customer, contact. All of them or none. Mails that had waited
    /// for an address go out. A later one of the same customer wins.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_contacts(
        &self,
        contacts: &[(String, String, Contact)],
        now_ms: i64,
    ) -> Result<(), ReadModelError> {
        let dialect = self.dialect();
        // One statement must not name a row twice; and rows are locked in one order by everybody.
        let latest: std::collections::BTreeMap<_, _> = contacts
            .iter()
            .map(|(workspace_id, customer_id, contact)| ((workspace_id, customer_id), contact))
            .collect();
        let rows: Vec<_> = latest
            .into_iter()
            .map(|((workspace_id, customer_id), contact)| ContactRow {
                workspace_id,
                customer_id,
                contact,
                updated_at: now_ms,
            })
            .collect();
        let mut connection = self.writer().await?;
        let put = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            TABLE.write(&mut transaction, dialect, &rows).await?;
            for row in &rows {
                let query = sqlx::query(SET_FREE)
                    .bind(row.workspace_id)
                    .bind(row.customer_id);
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(())
        };
        let put = dialect.limited(put).await;
        if put.is_err() {
            connection.close_on_drop();
        }
        put
    }

    /// Forgets a contact, and says whether there was one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_contact(
        &self,
        workspace_id: &str,
        customer_id: &str,
    ) -> Result<bool, ReadModelError> {
        let mut connection = self.writer().await?;
        let query = sqlx::query(DELETE).bind(workspace_id).bind(customer_id);
        Ok(query.execute(&mut *connection).await?.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_ids() {
        for good in [
            "ann@example.com",
            "a.b+c@mail.example.co.uk",
            "o'neil@x-y.org",
        ] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "a b@example.com",
            "a@b@example.com",
            ".a@example.com",
            "a..b@example.com",
            "a@-x.com",
            "a@x..com",
            "a\r\nBcc: b@example.com",
            "ä@example.com",
            "<a@example.com>",
            &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_contact_is_put_in_order_or_refused() {
        let contact = |email: &str, name: &str, locale: &str| Contact {
            email: Some(email.to_owned()),
            name: Some(name.to_owned()),
            locale: Some(locale.to_owned()),
            wants_mail: true,
        };
        let checked = contact(" ann@example.com ", "  ", "pt-BR")
            .checked()
            .expect("right");
        assert_eq!(
            (checked.email.as_deref(), checked.name),
            (Some("ann@example.com"), None)
        );
        let wrong = |contact: Contact| contact.checked().expect_err("wrong");
        let (member, message) = wrong(contact("ann at example", "Ann", "de"));
        assert_eq!(
            (member, message.contains("ann at")),
            ("email", false),
            "{message}"
        );
        assert_eq!(wrong(contact("a@b.de", "A\nB", "de")).0, "name");
        assert_eq!(wrong(contact("a@b.de", "Ann", "german!")).0, "locale");
    }
}
