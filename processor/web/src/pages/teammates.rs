//! `/{workspace}/teammates`: who makes customers happy, with the uncertainty of small samples.

use std::cmp::Ordering;

use afterword_readmodel::figures::{Cursor, TeammateFigures, Verdict};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::cards::{FEW, Judged, counts, judged};
use super::chart;
use super::chosen::Chosen;
use super::desk::Desk;
use super::fault::Fault;
use super::filters::Filters;

use super::{Pages, page, words};

/// Teammates that are sorted, and how many of them a page shows.
const MOST: usize = 10_000;
const PAGE: usize = 100;

/// A teammate's row.
struct Row {
    id: String,
    href: String,
    ratings: String,
    /// Where the number leads.
    ratings_href: String,
    share: String,
    interval: String,
    drawing: String,
    is_few: bool,
    stack: String,
    judged: Option<Judged>,
    rate: String,
    requests: String,
    change: String,
    trend: String,
}

/// A column that sorts.
pub struct Column {
    pub label: &'static str,
    pub href: String,
    /// `ascending`, `descending` or `none`, as `aria-sort` says it.
    pub sorted: &'static str,
    pub class: &'static str,
}

/// Which of the teammates a page shows, and where the others are.
struct Part {
    first: usize,
    last: usize,
    in_all: String,
    before: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/teammates.html")]
struct TeammatesPage {
    desk: Desk,
    here: &'static str,
    filters: Filters,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// Unless all are shown.
    part: Option<Part>,
    has_target: bool,
}

/// The columns: key in the address, label, class, and whether the largest comes first at a first click.
const COLUMNS: [(&str, &str, &str, First); 7] = [
    ("name", "Teammate", "", First::Least),
    ("ratings", "Ratings", "number", First::Most),
    (
        "reactions",
        "Reactions, worst to best",
        "wide",
        First::Least,
    ),
    ("share", "Positive share, 95% interval", "wide", First::Most),
    ("target", "Target", "", First::Most),
    ("trend", "Trend", "", First::Most),
    ("response", "Response rate", "number", First::Most),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Least,
    Most,
}

/// The page.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let chosen = &desk.chosen;
    let mut filter = chosen.filter(&desk.workspace_id);
    filter.teammate_id = None;
    let database = &pages.database;
    let settings = database
        .settings_of(&desk.workspace_id, chosen.period.to, desk.now_ms)
        .await?;
    let mut found = database
        .teammate_totals(&filter, settings.as_ref(), MOST)
        .await?;
    let (key, direction) = sorting(chosen.sort.as_deref())?;
    sort(&mut found, key, direction);
    let has_target = found.iter().any(|row| row.target.is_some());
    let (in_all, first) = (found.len(), from(chosen, found.len()));
    let mut shown: Vec<_> = found.into_iter().skip(first).take(PAGE).collect();
    database.add_trends(&filter, &mut shown).await?;
    let view = desk.view("teammates");
    let last = first + shown.len();
    let at = |place: usize| {
        let cursor = Cursor::numbered(place).encode();
        desk.view("teammates").with("cursor", cursor).to_string()
    };
    let body = TeammatesPage {
        here: "teammates",
        filters: Filters::of(&desk, &view, Vec::new()).with_channel(),
        columns: COLUMNS
            .iter()
            .map(|column| heading(&desk, column, key, direction))
            .collect(),
        has_target,
        rows: shown.iter().map(|figures| row(&desk, figures)).collect(),
        part: (in_all > shown.len()).then(|| Part {
            first: first + 1,
            last,
            in_all: match in_all {
                MOST => format!("the first {} by name", words::count(MOST as i64)),
                _ => words::count(in_all as i64),
            },
            before: (first > 0).then(|| at(first.saturating_sub(PAGE))),
            next: (last < in_all).then(|| at(last)),
        }),
        desk,
    };
    page(&body)
}

/// How many of the sorted teammates stand before this page.
fn from(chosen: &Chosen, in_all: usize) -> usize {
    let number = chosen.after.as_ref().map_or(0, Cursor::number);
    if number < in_all { number } else { 0 }
}

/// The column and direction of `name`, `-share` and so on; the positive share, worst first, when nothing is said.
fn sorting(sort: Option<&str>) -> Result<(&'static str, First), Fault> {
    let sort = sort.unwrap_or("-share");
    let (key, direction) = match sort.strip_prefix('-') {
        Some(key) => (key, First::Most),
        None => (sort, First::Least),
    };
    let column = COLUMNS.iter().find(|(known, ..)| *known == key);
    let Some((known, ..)) = column else {
        let keys: Vec<_> = COLUMNS.iter().map(|(known, ..)| *known).collect();
        return Err(Fault::Address(format!(
            "sort: expected one of {}, with - before it for the reverse",
            keys.join(", ")
        )));
    };
    Ok((known, direction))
}

fn heading(
    desk: &Desk,
    column: &(&'static str, &'static str, &'static str, First),
    key: &str,
    direction: First,
) -> Column {
    let (own, label, class, first) = *column;
    let is_sorted = own == key;
    let next = match (is_sorted, direction) {
        (true, First::Most) => First::Least,
        (true, First::Least) => First::Most,
        (false, _) => first,
    };
    let sign = if next == First::Most { "-" } else { "" };
    Column {
        label,
        href: desk
            .view("teammates")
            .with("sort", format!("{sign}{own}"))
            .to_string(),
        sorted: match (is_sorted, direction) {
            (false, _) => "none",
            (true, First::Most) => "descending",
            (true, First::Least) => "ascending",
        },
        class,
    }
}

fn sort(rows: &mut [TeammateFigures], key: &str, direction: First) {
    let number = |row: &TeammateFigures| -> Option<f64> {
        let figures = &row.figures;
        match key {
            "ratings" => Some(figures.ratings as f64),
            "reactions" | "share" => figures.positive_share,
            "target" => row.target.as_ref().map(|target| match target.verdict {
                Verdict::Met => 1.0 - target.probability_below.unwrap_or(0.0),
                _ => -target.probability_below.unwrap_or(0.0),
            }),
            "trend" => row.change,
            "response" => figures.response_rate,
            _ => None,
        }
    };
    rows.sort_by(|a, b| {
        let names = a.teammate_id.cmp(&b.teammate_id);
        if key == "name" {
            return if direction == First::Least {
                names
            } else {
                names.reverse()
            };
        }
        // Whoever has no such figure comes last, whichever way it is sorted.
        match (number(a), number(b)) {
            (Some(a), Some(b)) if direction == First::Least => a.total_cmp(&b).then(names),
            (Some(a), Some(b)) => b.total_cmp(&a).then(names),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => names,
        }
    });
}

fn row(desk: &Desk, row: &TeammateFigures) -> Row {
    let figures = &row.figures;
    let target = row.target.as_ref();
    let of = |what: &str| format!("{what} of {}", row.teammate_id);
    Row {
        href: desk.teammate(&row.teammate_id).to_string(),
        ratings: words::count(figures.ratings),
        ratings_href: desk
            .view("ratings")
            .with("teammate", &row.teammate_id)
            .to_string(),
        share: words::percent_or_dash(figures.positive_share),
        interval: figures
            .positive_interval
            .map_or_else(|| "no ratings".to_owned(), words::interval),
        drawing: chart::interval(
            &of("Positive share"),
            figures.positive_share,
            figures.positive_interval,
            target.map(|target| target.positive_share),
        ),
        is_few: figures.ratings < FEW,
        stack: chart::stack(&of("Reactions"), &counts(figures), 24),
        judged: target.map(judged),
        rate: words::percent_or_dash(figures.response_rate),
        requests: format!(
            "{} of {}",
            words::count(figures.requests_answered),
            words::count(figures.requests)
        ),
        change: row.change.map_or_else(|| "–".to_owned(), words::points),
        trend: chart::trend(&of("Trend"), &row.trend),
        id: row.teammate_id.clone(),
    }
}
