//! `/{workspace}/summary`, and a teammate's own page, which is the same of one teammate.

use afterword_readmodel::figures::{Period, PeriodFigures, RatingFilter, Step, Summary};
use afterword_schemas::records::Reaction;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::address::Address;
use super::cards::{Card, Judged, cards, counts, judged};
use super::chart;
use super::desk::Desk;
use super::fault::Fault;
use super::filters::Filters;
use super::ratings::Entry;
use super::timeline::{self, Piece};
use super::{Pages, page, words};

/// Comments on a teammate's page.
const LATEST: usize = 6;

/// A reaction's row.
pub struct ReactionRow {
    pub symbol: &'static str,
    pub word: &'static str,
    pub count: String,
    pub share: String,
    pub before: String,
    pub difference: String,
    pub href: String,
}

/// A piece of time as a row of the table beside the drawings.
pub struct PieceRow {
    pub label: String,
    pub href: String,
    pub counts: Vec<String>,
    pub ratings: String,
    pub share: String,
    pub interval: String,
    pub requests: String,
    pub rate: String,
}

#[derive(Template)]
#[template(path = "pages/summary.html")]
struct SummaryPage {
    desk: Desk,
    here: &'static str,
    title: String,
    /// On a teammate's own page.
    teammate: Option<String>,
    filters: Filters,
    before_words: String,
    cards: Vec<Card>,
    judged: Option<Judged>,
    stack: String,
    reactions: Vec<ReactionRow>,
    columns: String,
    shares: String,
    has_target: bool,
    rows: Vec<PieceRow>,
    ratings: i64,
    asked: i64,
    piece_word: &'static str,
    latest: Vec<Entry>,
    all_ratings: String,
}

/// The page of a workspace.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    show(&pages, desk, "summary", None).await
}

/// The page of a teammate.
pub async fn teammate(
    State(pages): State<Pages>,
    Path((workspace, teammate)): Path<(String, String)>,
    parts: Parts,
) -> Result<Response, Fault> {
    let mut desk = Desk::open(&pages, &workspace, &parts).await?;
    desk.chosen.teammate = Some(teammate.clone());
    show(&pages, desk, "teammates", Some(teammate)).await
}

async fn show(
    pages: &Pages,
    desk: Desk,
    here: &'static str,
    teammate: Option<String>,
) -> Result<Response, Fault> {
    let chosen = &desk.chosen;
    let filter = chosen.filter(&desk.workspace_id);
    let step = chosen
        .step
        .unwrap_or_else(|| fitting(&chosen.period, teammate.as_deref()));
    let settings = pages
        .database
        .settings_of(&desk.workspace_id, chosen.period.to, desk.now_ms)
        .await?;
    let summary = pages
        .database
        .summary(&filter, step, settings.as_ref())
        .await?;
    let view = view(&desk, teammate.as_deref());
    let ids = match teammate {
        Some(_) => Vec::new(),
        None => pages.teammate_ids(&filter).await?,
    };
    let latest = match &teammate {
        Some(_) => latest(pages, &desk).await?,
        None => Vec::new(),
    };
    let target = summary.target.as_ref();
    let pieces = pieces(&desk, &summary);
    let before = &summary.before.period;
    let body = SummaryPage {
        title: teammate.clone().unwrap_or_else(|| "Summary".to_owned()),
        here,
        filters: Filters::of(&desk, &view, ids)
            .with_channel()
            .with_step(step),
        before_words: words::days(before.from, before.to),
        cards: cards(&summary, target),
        judged: target.map(judged),
        stack: chart::stack("All reactions", &counts(&summary.figures), 40),
        reactions: reactions(&desk, &summary),
        columns: timeline::columns("Ratings over time", &pieces),
        shares: timeline::shares(
            "Positive share over time",
            &pieces,
            target.map(|target| target.positive_share),
        ),
        has_target: target.is_some(),
        rows: summary
            .over_time
            .iter()
            .map(|piece| row(&desk, summary.by, piece))
            .collect(),
        ratings: summary.figures.ratings,
        asked: summary.figures.requests,
        piece_word: super::chosen::step_symbol(summary.by),
        latest,
        all_ratings: desk.view("ratings").to_string(),
        teammate,
        desk,
    };
    page(&body)
}

/// The address of this view.
fn view(desk: &Desk, teammate: Option<&str>) -> Address {
    let kept = ["from", "to", "channel", "granularity"];
    let view = match teammate {
        Some(id) => desk
            .view("ratings")
            .at(desk.teammate(id).path())
            .only(&kept),
        None => desk.view("summary"),
    };
    let step = desk.chosen.step.map_or("", super::chosen::step_symbol);
    view.with("granularity", step)
}

/// Of one teammate a day has too few ratings for a share.
fn fitting(period: &Period, teammate: Option<&str>) -> Step {
    match (teammate, Step::fitting(period)) {
        (Some(_), Step::Day) if period.days() > 14 => Step::Week,
        (_, step) => step,
    }
}

async fn latest(pages: &Pages, desk: &Desk) -> Result<Vec<Entry>, Fault> {
    let filter = RatingFilter {
        filter: desk.chosen.filter(&desk.workspace_id),
        reactions: Vec::new(),
        commented: Some(true),
        followed_up: None,
    };
    let found = pages.database.ratings(&filter, None, LATEST).await?;
    Ok(found
        .entries
        .iter()
        .map(|rating| Entry::of(desk, rating))
        .collect())
}

fn reactions(desk: &Desk, summary: &Summary) -> Vec<ReactionRow> {
    let before = &summary.before.figures;
    let row = |reaction: &Reaction| {
        let index = *reaction as usize;
        let (now, earlier) = (&summary.figures.reactions[index], &before.reactions[index]);
        ReactionRow {
            symbol: reaction.symbol(),
            word: words::reaction(*reaction),
            count: words::count(now.count),
            share: words::percent_or_dash(now.share),
            before: words::percent_or_dash(earlier.share),
            difference: match now.share.zip(earlier.share) {
                Some((share, earlier)) => words::signed_points(share - earlier),
                None => "–".to_owned(),
            },
            href: desk
                .view("ratings")
                .with("reactions", reaction.symbol())
                .to_string(),
        }
    };
    Reaction::ALL.iter().rev().map(row).collect()
}

fn label(step: Step, piece: &PeriodFigures) -> String {
    match step {
        Step::Day => words::date_short(piece.period.from),
        Step::Week => words::date_short(piece.period.from),
        Step::Month => piece.period.from.strftime("%b %y").to_string(),
    }
}

fn name(step: Step, piece: &PeriodFigures) -> String {
    match step {
        Step::Day => words::weekday(piece.period.from),
        _ => words::days(piece.period.from, piece.period.to),
    }
}

fn of_piece(desk: &Desk, piece: &PeriodFigures) -> Address {
    let view = desk.view("ratings");
    view.with("from", piece.period.from)
        .with("to", piece.period.to)
}

fn pieces(desk: &Desk, summary: &Summary) -> Vec<Piece> {
    let piece = |piece: &PeriodFigures| {
        let figures = &piece.figures;
        Piece {
            label: label(summary.by, piece),
            title: format!(
                "{}: {}, {} positive",
                name(summary.by, piece),
                words::counted(figures.ratings, "rating", "ratings"),
                words::percent_or_dash(figures.positive_share),
            ),
            href: of_piece(desk, piece).to_string(),
            counts: counts(figures),
            share: figures.positive_share,
            interval: figures.positive_interval,
        }
    };
    summary.over_time.iter().map(piece).collect()
}

fn row(desk: &Desk, step: Step, piece: &PeriodFigures) -> PieceRow {
    let figures = &piece.figures;
    PieceRow {
        label: name(step, piece),
        href: of_piece(desk, piece).to_string(),
        counts: figures
            .reactions
            .iter()
            .map(|reaction| words::count(reaction.count))
            .collect(),
        ratings: words::count(figures.ratings),
        share: words::percent_or_dash(figures.positive_share),
        interval: figures
            .positive_interval
            .map_or_else(|| "–".to_owned(), words::interval),
        requests: words::count(figures.requests),
        rate: words::percent_or_dash(figures.response_rate),
    }
}
