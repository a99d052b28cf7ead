//! `/{workspace}/teammates`: who makes customers happy, with the uncertainty of small samples.

use std::cmp::Ordering;

use afterword_readmodel::figures::{TeammateFigures, Verdict};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::cards::{FEW, Judged, counts, judged};
use super::chart;
use super::desk::Desk;
use super::fault::Fault;
use super::filters::Filters;

use super::{Pages, page, words};

/// Teammates read at once, and at most shown.
const PAGE: usize = 200;
const MOST: usize = 1_000;

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

#[derive(Template)]
#[template(path = "pages/teammates.html")]
struct TeammatesPage {
    desk: Desk,
    here: &'static str,
    filters: Filters,
    columns: Vec<Column>,
    rows: Vec<Row>,
    is_cut: bool,
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
    let (mut found, mut after, mut is_cut) = (Vec::new(), None, false);
    loop {
        let list = database
            .teammates(&filter, settings.as_ref(), after.as_ref(), PAGE)
            .await?;
        found.extend(list.entries);
        after = list.next;
        is_cut = is_cut || (after.is_some() && found.len() >= MOST);
        if after.is_none() || is_cut {
            break;
        }
    }
    let (key, direction) = sorting(chosen.sort.as_deref())?;
    sort(&mut found, key, direction);
    let view = desk.view("teammates");
    let body = TeammatesPage {
        here: "teammates",
        filters: Filters::of(&desk, &view, Vec::new()).with_channel(),
        columns: COLUMNS
            .iter()
            .map(|column| heading(&desk, column, key, direction))
            .collect(),
        has_target: found.iter().any(|row| row.target.is_some()),
        rows: found.iter().map(|figures| row(&desk, figures)).collect(),
        is_cut,
        desk,
    };
    page(&body)
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
