//! `/{workspace}/summary`, and a teammate's own page, which is the same of one teammate.

use afterword_readmodel::figures::{
    Figures, PeriodFigures, RatingFilter, Step, Summary, TargetResult, Verdict, Why,
};
use afterword_schemas::records::Reaction;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::address::Address;
use super::chart::{self, Counts, Piece};
use super::desk::Desk;
use super::fault::Fault;
use super::filters::Filters;
use super::ratings::Entry;
use super::{Pages, page, words};

/// With fewer ratings a share says little, and the page says so.
pub const FEW: i64 = 20;

/// Comments on a teammate's page.
const LATEST: usize = 6;

/// One figure: what it is called, what it is now and was before, and how it came about.
pub struct Card {
    pub label: &'static str,
    pub value: String,
    pub before: String,
    pub notes: Vec<String>,
    pub drawing: String,
    pub how: String,
}

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

/// A verdict on a target: a class of the stylesheet, a sign and words.
pub struct Judged {
    pub class: &'static str,
    pub sign: &'static str,
    pub words: &'static str,
    pub reason: String,
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
    let step = chosen.step.unwrap_or_else(|| Step::fitting(&chosen.period));
    let settings = pages
        .database
        .settings_of(&desk.workspace_id, chosen.period.to, desk.now_ms)
        .await?;
    let summary = pages.database.summary(&filter, step, settings.as_ref()).await?;
    let view = match &teammate {
        Some(id) => desk.view("ratings").at(desk.teammate(id).path()).only(&["from", "to", "channel", "granularity"]),
        None => desk.view("summary"),
    };
    let view = view.with("granularity", chosen.step.map_or("", super::chosen::step_symbol));
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
        filters: Filters::of(&desk, &view, ids).with_channel().with_step(step),
        before_words: words::days(before.from, before.to),
        cards: cards(&summary, target),
        judged: target.map(judged),
        stack: chart::stack("All reactions", &counts(&summary.figures), 40),
        reactions: reactions(&desk, &summary),
        columns: chart::columns("Ratings over time", &pieces),
        shares: chart::shares("Positive share over time", &pieces, target.map(|target| target.positive_share)),
        has_target: target.is_some(),
        rows: summary.over_time.iter().map(|piece| row(&desk, summary.by, piece)).collect(),
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

async fn latest(pages: &Pages, desk: &Desk) -> Result<Vec<Entry>, Fault> {
    let filter = RatingFilter {
        filter: desk.chosen.filter(&desk.workspace_id),
        reactions: Vec::new(),
        commented: Some(true),
        followed_up: None,
    };
    let found = pages.database.ratings(&filter, None, LATEST).await?;
    Ok(found.entries.iter().map(|rating| Entry::of(desk, rating)).collect())
}

/// Counts in the order of the reactions.
pub fn counts(figures: &Figures) -> Counts {
    let mut counts = Counts::default();
    for (count, reaction) in counts.iter_mut().zip(&figures.reactions) {
        *count = reaction.count;
    }
    counts
}

fn cards(summary: &Summary, target: Option<&TargetResult>) -> Vec<Card> {
    let (now, before) = (&summary.figures, &summary.before.figures);
    vec![
        positive(now, before, target),
        Card {
            label: "Ratings",
            value: words::count(now.ratings),
            before: counted_before(before.ratings, now.ratings),
            notes: vec![format!("{} with a comment", words::count(now.comments))],
            drawing: String::new(),
            how: "Ratings that customers first gave in these days. A rating that is changed later stays on the day on which it was first given, with its present reaction; so a figure of the past may still move a little.".to_owned(),
        },
        response(now, before),
        Card {
            label: "Comments",
            value: words::count(now.comments),
            before: counted_before(before.comments, now.comments),
            notes: match now.ratings {
                0 => Vec::new(),
                ratings => vec![format!("{} of the ratings", words::percent(now.comments as f64 / ratings as f64))],
            },
            drawing: String::new(),
            how: "Of the ratings first given in these days, those that have a comment by now. A comment locks its rating: neither can change after it.".to_owned(),
        },
        bounds(now),
    ]
}

fn counted_before(before: i64, now: i64) -> String {
    format!("{} before, {}", words::count(before), words::change(before, now))
}

fn positive(now: &Figures, before: &Figures, target: Option<&TargetResult>) -> Card {
    let target_share = target.map(|target| target.positive_share);
    let mut notes = Vec::new();
    if let Some(interval) = now.positive_interval {
        notes.push(format!(
            "95% sure: between {} and {}",
            words::percent(interval.low),
            words::percent(interval.high)
        ));
    }
    if (1..FEW).contains(&now.ratings) {
        notes.push(format!("Only {}: this may be chance.", words::counted(now.ratings, "rating", "ratings")));
    }
    Card {
        label: "Positive share",
        value: words::percent_or_dash(now.positive_share),
        before: match now.positive_share.zip(before.positive_share) {
            Some((share, earlier)) => format!("{} before, {}", words::percent(earlier), words::points(share - earlier)),
            None => "nothing to compare".to_owned(),
        },
        notes,
        drawing: chart::interval("Positive share", now.positive_share, now.positive_interval, target_share),
        how: format!(
            "{} of {} were great or amazing. The band is the 95% interval by Wilson’s score: where the share of many more ratings like these would lie. It is wide when there are few.",
            words::count(now.positive),
            words::counted(now.ratings, "rating", "ratings"),
        ),
    }
}

fn response(now: &Figures, before: &Figures) -> Card {
    Card {
        label: "Response rate",
        value: words::percent_or_dash(now.response_rate),
        before: match now.response_rate.zip(before.response_rate) {
            Some((rate, earlier)) => format!("{} before, {}", words::percent(earlier), words::points(rate - earlier)),
            None => "nothing to compare".to_owned(),
        },
        notes: vec![format!(
            "{} of {} answered",
            words::count(now.requests_answered),
            words::counted(now.requests, "request", "requests")
        )],
        drawing: String::new(),
        how: "Of the requests sent in these days, those answered by now, on whatever day. Filters apply to both halves. Answers to earlier requests count among the ratings and not here, so the two numbers differ.".to_owned(),
    }
}

fn bounds(now: &Figures) -> Card {
    let unanswered = now.requests - now.requests_answered;
    let (value, drawing) = match now.bounds {
        Some(bounds) => {
            let interval = afterword_readmodel::figures::Interval { low: bounds.worst, high: bounds.best };
            (
                format!("{} to {}", words::percent_short(bounds.worst), words::percent_short(bounds.best)),
                chart::interval("Positive share if everybody had answered", None, Some(interval), None),
            )
        }
        None => ("–".to_owned(), String::new()),
    };
    Card {
        label: "If everybody had answered",
        value,
        before: format!("{} did not answer", words::counted(unanswered, "customer", "customers")),
        notes: Vec::new(),
        drawing,
        how: "The positive share of everybody who was asked in these days: from the worst case, in which all who did not answer were unhappy, to the best, in which all were happy. No statistics can narrow it; only more answers can.".to_owned(),
    }
}

/// What a target's result means.
pub fn judged(target: &TargetResult) -> Judged {
    let aim = words::percent_short(target.positive_share);
    let below = target.probability_below.map_or_else(String::new, |below| {
        format!("; {} likely that the true share is below it", words::percent_short(below))
    });
    let (class, sign, said, reason) = match (target.verdict, target.undecided_because) {
        (Verdict::Met, _) => ("met", "✓", "Target met", format!("{aim}{below}")),
        (Verdict::Missed, _) => ("missed", "✗", "Target missed", format!("{aim}{below}")),
        (Verdict::Undecided, Some(Why::TooFewRatings)) => {
            ("open", "…", "Too few to say", format!("{aim}, from {} on", words::counted(target.minimum_ratings.into(), "rating", "ratings")))
        }
        (Verdict::Undecided, _) => ("open", "…", "Too close to say", format!("{aim}{below}")),
    };
    Judged {
        class,
        sign,
        words: said,
        reason,
    }
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
                Some((share, earlier)) => words::points(share - earlier),
                None => "–".to_owned(),
            },
            href: desk.view("ratings").with("reactions", reaction.symbol()).to_string(),
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
    view.with("from", piece.period.from).with("to", piece.period.to)
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
        counts: figures.reactions.iter().map(|reaction| words::count(reaction.count)).collect(),
        ratings: words::count(figures.ratings),
        share: words::percent_or_dash(figures.positive_share),
        interval: figures.positive_interval.map_or_else(
            || "–".to_owned(),
            |interval| format!("{}–{}", words::percent_short(interval.low), words::percent_short(interval.high)),
        ),
        requests: words::count(figures.requests),
        rate: words::percent_or_dash(figures.response_rate),
    }
}
