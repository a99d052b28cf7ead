//! What a read is asked with: its workspace, its period, its filters, its page. Whatever is not expected is refused.

use afterword_readmodel::ReportDatabase;
use afterword_readmodel::figures::{Cursor, Filter, MAX_DAYS, Period};
use afterword_schemas::limits;
use afterword_schemas::records::{Channel, Reaction};
use axum::http::StatusCode;
use jiff::civil::Date;
use utoipa::IntoParams;

use super::Reports;
use super::answer::failed;
use crate::problem::Problem;

/// Days of a period when none is named.
const DEFAULT_DAYS: i32 = 28;
const RETRY_AFTER_S: u32 = 30;

/// Which days.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "for the OpenAPI document")]
pub struct PeriodParameters {
    /// The first day, an ISO date in the workspace's time zone; without it 27 days before `to`.
    #[param(value_type = Option<String>, format = Date, nullable = false)]
    from: Option<String>,
    /// The last day, included; without it today. At most 1,100 days.
    #[param(value_type = Option<String>, format = Date, nullable = false)]
    to: Option<String>,
}

/// Whose, and where. They apply to requests and ratings alike.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "for the OpenAPI document")]
pub struct FilterParameters {
    /// A teammate's id.
    #[param(min_length = 1, max_length = 256, nullable = false)]
    teammate: Option<String>,
    /// `messenger` or `email`.
    #[param(pattern = "^(messenger|email)$", nullable = false)]
    channel: Option<String>,
}

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "for the OpenAPI document")]
pub struct PageParameters {
    /// `next` of the page before.
    #[param(pattern = "^([0-9a-f][0-9a-f])+$", nullable = false)]
    cursor: Option<String>,
    /// Entries of a page.
    #[param(minimum = 1, maximum = 500, nullable = false)]
    limit: Option<u32>,
}

/// The query's names and values.
pub struct Query(Vec<(String, String)>);

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

impl Query {
    /// Takes a query apart, in which only these names may stand, each once (`reaction` any number of times).
    pub fn parse(raw: Option<&str>, names: &[&str]) -> Result<Query, Problem> {
        let mut pairs = Vec::<(String, String)>::new();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            if !names.contains(&name.as_ref()) {
                let known = names.join(", ");
                return Err(refused(format!(
                    "expected no parameters but {known}, found {name:?}"
                )));
            }
            if name != "reaction" && pairs.iter().any(|(known, _)| *known == name) {
                return Err(refused(format!(
                    "expected the parameter {name} once, found it twice"
                )));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Query(pairs))
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter's value, read by `read`.
    pub fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let wrong = || refused(format!("{name}: expected {expected}, found {value:?}"));
        read(value).map(Some).ok_or_else(wrong)
    }

    /// `yes` or `no`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.read(name, "yes or no", |value| match value {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    }

    /// Reactions, given several times or separated by commas.
    pub fn reactions(&self) -> Result<Vec<Reaction>, Problem> {
        let given = self.0.iter().filter(|(name, _)| name == "reaction");
        let given = given.flat_map(|(_, value)| value.split(','));
        let read = |symbol: &str| {
            Reaction::from_symbol(symbol).ok_or_else(|| {
                refused(format!(
                    "reaction: expected terrible, bad, ok, great or amazing, found {symbol:?}"
                ))
            })
        };
        let mut reactions: Vec<_> = given.map(read).collect::<Result<_, _>>()?;
        reactions.sort_unstable_by_key(|reaction| *reaction as usize);
        reactions.dedup();
        Ok(reactions)
    }

    pub fn teammate(&self) -> Result<Option<String>, Problem> {
        let Some(teammate) = self.get("teammate") else {
            return Ok(None);
        };
        check_id("teammate", teammate)?;
        Ok(Some(teammate.to_owned()))
    }

    pub fn channel(&self) -> Result<Option<Channel>, Problem> {
        self.read("channel", "messenger or email", Channel::from_symbol)
    }

    pub fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let expected = "`next` of a page of the same list";
        self.read("cursor", expected, |value| Cursor::decode(value).ok())
    }

    /// Entries of a page, 1 to 500.
    pub fn limit(&self, default: usize) -> Result<usize, Problem> {
        let read = |value: &str| value.parse().ok().filter(|limit| (1..=500).contains(limit));
        Ok(self.read("limit", "1 to 500", read)?.unwrap_or(default))
    }

    fn day(&self, name: &str) -> Result<Option<Date>, Problem> {
        let expected = "a date such as 2026-03-31";
        // Nothing but that form: the parser knows others.
        let is_plain = |value: &str| value.len() == "yyyy-mm-dd".len();
        self.read(name, expected, |value| {
            value.parse().ok().filter(|_| is_plain(value))
        })
    }

    /// The period, with its defaults.
    pub async fn period(
        &self,
        database: &ReportDatabase,
        workspace: &str,
    ) -> Result<Period, Problem> {
        let (from, to) = (self.day("from")?, self.day("to")?);
        let to = match to {
            Some(to) => to,
            None => {
                let today = database.date_at(workspace, crate::now_ms()).await;
                today.map_err(failed)?
            }
        };
        let from = from.unwrap_or(Period::ending(to, DEFAULT_DAYS).from);
        Period::new(from, to).map_err(|error| {
            refused(format!(
                "from and to: {error} (a period has 1 to {MAX_DAYS} days)"
            ))
        })
    }

    /// The whole filter.
    pub async fn filter(
        &self,
        database: &ReportDatabase,
        workspace: &str,
    ) -> Result<Filter, Problem> {
        Ok(Filter {
            workspace_id: workspace.to_owned(),
            period: self.period(database, workspace).await?,
            teammate_id: self.teammate()?,
            channel: self.channel()?,
        })
    }
}

/// An id as it stands in a path or a query.
pub fn check_id(name: &str, id: &str) -> Result<(), Problem> {
    limits::check_id(id).map_err(|error| refused(format!("{name}: {error}")))
}

impl Reports {
    /// The report database.
    pub fn database(&self) -> Result<&ReportDatabase, Problem> {
        self.database.as_ref().ok_or_else(|| {
            let detail = "this process has no report database: give it the role project too, or name one (key \
                          reports.database_url)";
            Problem::unavailable(detail, RETRY_AFTER_S)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_expected_is_refused() {
        let names = ["from", "reaction", "limit", "commented"];
        let parse = |raw: &str| Query::parse(Some(raw), &names);
        assert!(parse("form=2026-01-01").is_err());
        assert!(parse("limit=1&limit=2").is_err());
        let limit = |raw: &str| parse(raw).and_then(|query| query.limit(50)).ok();
        assert_eq!(limit(""), Some(50));
        assert_eq!(limit("limit=500"), Some(500));
        for wrong in ["limit=0", "limit=501", "limit=x", "limit="] {
            assert_eq!(limit(wrong), None, "{wrong}");
        }
        let reactions = |raw: &str| parse(raw).and_then(|query| query.reactions()).ok();
        let expected = Some(vec![Reaction::Terrible, Reaction::Bad]);
        assert_eq!(reactions("reaction=bad,terrible"), expected);
        assert_eq!(
            reactions("reaction=bad&reaction=terrible&reaction=bad"),
            expected
        );
        assert_eq!(reactions("reaction=good"), None);
        let day = |raw: &str| {
            parse(raw)
                .and_then(|query| query.day("from"))
                .ok()
                .flatten()
        };
        assert!(day("from=2026-02-28").is_some());
        for wrong in [
            "from=2026-02-29",
            "from=20260228",
            "from=2026-02-28T00:00",
            "from=today",
        ] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }
}
