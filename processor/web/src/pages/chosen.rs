//! What a view's address chooses: the period and the filters. Whatever somebody types into an address is checked here.

use afterword_readmodel::figures::{Cursor, Filter, Period, Step};
use afterword_schemas::records::{Channel, Criterion, Reaction};
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::address::Address;
use super::fault::Fault;

/// Days of a period when none is chosen.
const DEFAULT_DAYS: i32 = 28;

/// Most bytes of a parameter's value that are looked at: an id has 256, a cursor some more.
const MAX_BYTES: usize = 2_400;

/// A query string, decoded.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

/// Those closes that the funnel leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Closes {
    #[default]
    None,
    All,
    Asked,
    NotAsked,
    HeldBackBy(Criterion),
    HeldBackByAlone(Criterion),
}

/// Everything that a view may be filtered by.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub period: Period,
    /// Whether the address names the period; otherwise it moves along with the days.
    pub names_period: bool,
    pub teammate: Option<String>,
    pub channel: Option<Channel>,
    pub step: Option<Step>,
    /// Empty: all.
    pub reactions: Vec<Reaction>,
    pub commented: Option<bool>,
    pub followed_up: Option<bool>,
    pub sort: Option<String>,
    pub closes: Closes,
    pub after: Option<Cursor>,
}

impl Query {
    /// Reads a query string or a form.
    pub fn parse(text: &str) -> Query {
        let pairs = form_urlencoded::parse(text.as_bytes());
        let pairs = pairs.map(|(key, value)| (key.into_owned(), value.trim().to_owned()));
        Query(pairs.collect())
    }

    /// The first value of this name that is not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(there, value)| there == key && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// All values of this name that are not empty.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self
            .0
            .iter()
            .filter(move |(there, value)| there == key && !value.is_empty());
        values.map(|(_, value)| value.as_str())
    }

    /// The values of names that begin so, by the rest of the name; empty ones are left out.
    pub fn prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.iter().filter(|(_, value)| !value.is_empty());
        pairs.filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let wrong = || {
            let shown: String = value.chars().take(60).collect();
            Fault::Address(format!("{key}: expected {expected}, found “{shown}”"))
        };
        if value.len() > MAX_BYTES {
            return Err(wrong());
        }
        read(value).map(Some).ok_or_else(wrong)
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// `any`: no filter.
fn either(text: &str) -> Option<Option<bool>> {
    match text {
        "any" => Some(None),
        other => yes_or_no(other).map(Some),
    }
}

impl Closes {
    fn from_symbol(symbol: &str) -> Option<Closes> {
        match symbol {
            "all" => Some(Closes::All),
            "asked" => Some(Closes::Asked),
            "not_asked" => Some(Closes::NotAsked),
            other => match other.strip_prefix("only_") {
                Some(code) => Criterion::from_symbol(code).map(Closes::HeldBackByAlone),
                None => Criterion::from_symbol(other).map(Closes::HeldBackBy),
            },
        }
    }

    /// As in an address.
    pub fn symbol(&self) -> String {
        match self {
            Closes::None => String::new(),
            Closes::All => "all".to_owned(),
            Closes::Asked => "asked".to_owned(),
            Closes::NotAsked => "not_asked".to_owned(),
            Closes::HeldBackBy(criterion) => criterion.symbol().to_owned(),
            Closes::HeldBackByAlone(criterion) => format!("only_{}", criterion.symbol()),
        }
    }
}

/// The name of a step in an address.
pub fn step_symbol(step: Step) -> &'static str {
    match step {
        Step::Day => "day",
        Step::Week => "week",
        Step::Month => "month",
    }
}

impl Chosen {
    /// Reads a query; `today` is the workspace's.
    ///
    /// # Errors
    /// When a parameter is none of what is expected.
    pub fn read(query: &Query, today: Date) -> Result<Chosen, Fault> {
        let date = |key| query.read(key, "a date such as 2026-03-31", |text| text.parse().ok());
        let (from, to): (Option<Date>, Option<Date>) = (date("from")?, date("to")?);
        let last = to.unwrap_or(today);
        let first = from.unwrap_or_else(|| Period::ending(last, DEFAULT_DAYS).from);
        let reactions: Result<Vec<_>, _> = query
            .all("reactions")
            .flat_map(|list| list.split(','))
            .map(reaction)
            .collect();
        let commented = query.read("commented", "any, yes or no", either)?;
        let followed_up = query.read("followed_up", "any, yes or no", either)?;
        let teammate = query.read("teammate", "an id", |id| {
            (id.len() <= 256).then(|| id.to_owned())
        })?;
        let mut reactions = reactions?;
        reactions.sort_unstable();
        reactions.dedup();
        Ok(Chosen {
            period: Period::new(first, last).map_err(Fault::Address)?,
            names_period: from.is_some() || to.is_some(),
            teammate,
            channel: query.read("channel", "messenger or email", Channel::from_symbol)?,
            step: query.read("granularity", "day, week or month", Step::from_symbol)?,
            reactions,
            commented: commented.flatten(),
            followed_up: followed_up.flatten(),
            sort: query.get("sort").map(str::to_owned),
            closes: query
                .read(
                    "closes",
                    "a criterion's code, asked, not_asked or all",
                    Closes::from_symbol,
                )?
                .unwrap_or_default(),
            after: query.read("cursor", "a cursor as a page gives it", |text| {
                Cursor::decode(text).ok()
            })?,
        })
    }

    /// The filter for figures.
    pub fn filter(&self, workspace_id: &str) -> Filter {
        Filter {
            workspace_id: workspace_id.to_owned(),
            period: self.period,
            teammate_id: self.teammate.clone(),
            channel: self.channel,
        }
    }

    /// The same view again, at this path: the default's parameters are left out.
    pub fn address(&self, path: &str) -> Address {
        let yes = |flag: Option<bool>| flag.map_or("", |flag| if flag { "yes" } else { "no" });
        let mut address = Address::new(path);
        if self.names_period {
            address = address
                .with("from", self.period.from)
                .with("to", self.period.to);
        }
        let reactions: Vec<_> = self
            .reactions
            .iter()
            .map(|reaction| reaction.symbol())
            .collect();
        address
            .with("reactions", reactions.join(","))
            .with("teammate", self.teammate.as_deref().unwrap_or_default())
            .with("channel", self.channel.map_or("", Channel::symbol))
            .with("commented", yes(self.commented))
            .with("followed_up", yes(self.followed_up))
            .with("granularity", self.step.map_or("", step_symbol))
            .with("closes", self.closes.symbol())
            .with("sort", self.sort.as_deref().unwrap_or_default())
    }
}

fn reaction(symbol: &str) -> Result<Reaction, Fault> {
    let expected = "terrible, bad, ok, great or amazing, joined by commas";
    Reaction::from_symbol(symbol.trim()).ok_or_else(|| {
        let shown: String = symbol.chars().take(60).collect();
        Fault::Address(format!("reactions: expected {expected}, found “{shown}”"))
    })
}

/// Periods that people ask for, by their names.
pub fn presets(today: Date) -> Vec<(&'static str, Period)> {
    let first = today.first_of_month();
    let last_month = first.saturating_sub(1.day());
    vec![
        ("7 days", Period::ending(today, 7)),
        ("28 days", Period::ending(today, DEFAULT_DAYS)),
        ("90 days", Period::ending(today, 90)),
        (
            "This month",
            Period {
                from: first,
                to: today,
            },
        ),
        (
            "Last month",
            Period {
                from: last_month.first_of_month(),
                to: last_month,
            },
        ),
        ("A year", Period::ending(today, 365)),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn chosen(query: &str) -> Result<Chosen, Fault> {
        Chosen::read(&Query::parse(query), date(2026, 11, 23))
    }

    #[test]
    fn what_an_address_chooses_comes_back_in_the_next_address() {
        let plain = chosen("").unwrap();
        assert_eq!(plain.period.from, date(2026, 10, 27));
        assert_eq!(plain.address("/a/summary").to_string(), "/a/summary");
        let all = "from=2026-11-01&to=2026-11-07&reactions=terrible%2Cbad&teammate=ben&channel=email&commented=yes&granularity=week";
        assert_eq!(
            chosen(all).unwrap().address("/a").to_string(),
            format!("/a?{all}")
        );
        // As a form sends it.
        let form = chosen("reactions=bad&reactions=terrible&teammate=&commented=any").unwrap();
        assert_eq!(form.reactions, [Reaction::Terrible, Reaction::Bad]);
        assert_eq!((form.teammate, form.commented), (None, None));
        assert_eq!(
            chosen("closes=only_too_short").unwrap().closes,
            Closes::HeldBackByAlone(Criterion::TooShort)
        );
    }

    #[test]
    fn what_is_no_filter_is_told() {
        for query in [
            "from=yesterday",
            "from=2026-12-01",
            "to=2026-01-01&from=2020-01-01",
            "reactions=good",
            "channel=sms",
            "cursor=x",
        ] {
            assert!(matches!(chosen(query), Err(Fault::Address(_))), "{query}");
        }
        assert!(chosen(&format!("teammate={}", "x".repeat(3_000))).is_err());
    }
}
