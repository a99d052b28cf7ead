//! `/{workspace}/why-not`: a conversation by its id; from closes to answers; what each criterion held back, down to the closes;
//! what would change at another threshold.

use afterword_readmodel::figures::{
    ConversationClose, ConversationFilter, Funnel, OtherThreshold, Outcome,
};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::chosen::Closes;
use super::desk::Desk;
use super::fault::Fault;
use super::filters::Filters;
use super::{Pages, chart, forms, page, words};

/// Closes on one page.
const PAGE: usize = 50;

/// A step of the funnel.
struct Stage {
    label: &'static str,
    count: String,
    share: String,
    drawing: String,
    href: String,
    is_chosen: bool,
}

/// What one criterion held back.
struct Held {
    word: String,
    code: &'static str,
    closes: String,
    share: String,
    alone: String,
    drawing: String,
    href: String,
    alone_href: String,
    is_none: bool,
}

/// Another threshold.
struct Other {
    threshold: String,
    effect: String,
    drawing: String,
}

/// A close in the list.
struct Close {
    id: String,
    href: String,
    when: String,
    teammate: Option<String>,
    teammate_href: String,
    is_asked: bool,
    reasons: Vec<String>,
}

#[derive(Template)]
#[template(path = "pages/why.html")]
struct WhyPage {
    desk: Desk,
    here: &'static str,
    filters: Filters,
    closes_in_all: i64,
    stages: Vec<Stage>,
    held: Vec<Held>,
    characters: Vec<Other>,
    days: Vec<Other>,
    /// What the list below shows, if there is one.
    listed: Option<String>,
    closes: Vec<Close>,
    next: Option<String>,
    searched: String,
}

/// The page; with a conversation's id, on to its story.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    if let Some(id) = desk.query.get("conversation") {
        return Ok(forms::see(&desk.story(id)));
    }
    let mut filter = desk.chosen.filter(&desk.workspace_id);
    filter.channel = None;
    let funnel = pages.database.funnel(&filter).await?;
    let (closes, next) = closes(&pages, &desk).await?;
    let view = desk.view("why-not");
    let ids = pages.teammate_ids(&filter).await?;
    let body = WhyPage {
        here: "why-not",
        filters: Filters::of(&desk, &view, ids),
        closes_in_all: funnel.closes,
        stages: stages(&desk, &funnel),
        held: held(&desk, &funnel),
        characters: others(
            &funnel.other_thresholds.characters,
            ["character", "characters"],
        ),
        days: others(&funnel.other_thresholds.days, ["day", "days"]),
        listed: listed(&desk.chosen.closes),
        closes,
        next,
        searched: String::new(),
        desk,
    };
    page(&body)
}

async fn closes(pages: &Pages, desk: &Desk) -> Result<(Vec<Close>, Option<String>), Fault> {
    let outcome = match desk.chosen.closes {
        Closes::None => return Ok((Vec::new(), None)),
        Closes::All => Outcome::All,
        Closes::Asked => Outcome::Asked,
        Closes::NotAsked => Outcome::NotAsked,
        Closes::HeldBackBy(criterion) => Outcome::HeldBackBy(criterion),
        Closes::HeldBackByAlone(criterion) => Outcome::HeldBackByAlone(criterion),
    };
    let filter = ConversationFilter {
        filter: desk.chosen.filter(&desk.workspace_id),
        outcome,
    };
    let found = pages
        .database
        .closes(&filter, desk.chosen.after.as_ref(), PAGE)
        .await?;
    let next = found.next.map(|cursor| {
        format!(
            "{}#closes",
            desk.view("why-not").with("cursor", cursor.encode())
        )
    });
    Ok((
        found
            .entries
            .iter()
            .map(|close| shown(desk, close))
            .collect(),
        next,
    ))
}

fn shown(desk: &Desk, close: &ConversationClose) -> Close {
    let teammate = close.teammate_id.as_deref();
    Close {
        id: close.conversation_id.clone(),
        href: desk.story(&close.conversation_id),
        when: desk.moment(close.decided_at),
        teammate: close.teammate_id.clone(),
        teammate_href: teammate.map_or_else(String::new, |id| desk.teammate(id).to_string()),
        is_asked: close.requested,
        reasons: close
            .failed
            .iter()
            .map(|code| words::criterion(code).to_owned())
            .collect(),
    }
}

fn listed(closes: &Closes) -> Option<String> {
    match closes {
        Closes::None => None,
        Closes::All => Some("All closes".to_owned()),
        Closes::Asked => Some("Closes that were asked about".to_owned()),
        Closes::NotAsked => Some("Closes that were not asked about".to_owned()),
        Closes::HeldBackBy(criterion) => Some(words::criterion(criterion.symbol()).to_owned()),
        Closes::HeldBackByAlone(criterion) => Some(format!(
            "{}, and nothing else",
            words::criterion(criterion.symbol())
        )),
    }
}

fn stages(desk: &Desk, funnel: &Funnel) -> Vec<Stage> {
    let share = |part: i64, whole: i64| {
        if whole > 0 {
            part as f64 / whole as f64
        } else {
            0.0
        }
    };
    let to_list = |closes: Closes| {
        format!(
            "{}#closes",
            desk.view("why-not").with("closes", closes.symbol())
        )
    };
    let stage = |label, count: i64, share_words: String, href: String, is_chosen: bool| Stage {
        label,
        count: words::count(count),
        share: share_words,
        drawing: chart::part(label, share(count, funnel.closes), "filled"),
        href,
        is_chosen,
    };
    let of = |part: i64, whole: i64, what: &str| match whole {
        0 => String::new(),
        whole => format!("{} of the {what}", words::percent(share(part, whole))),
    };
    let chosen = &desk.chosen.closes;
    vec![
        stage(
            "Closes",
            funnel.closes,
            String::new(),
            to_list(Closes::All),
            *chosen == Closes::All,
        ),
        stage(
            "Asked",
            funnel.asked,
            of(funnel.asked, funnel.closes, "closes"),
            to_list(Closes::Asked),
            *chosen == Closes::Asked,
        ),
        stage(
            "Answered",
            funnel.answered,
            of(funnel.answered, funnel.asked, "requests"),
            desk.view("ratings")
                .only(&["from", "to", "teammate"])
                .to_string(),
            false,
        ),
    ]
}

fn held(desk: &Desk, funnel: &Funnel) -> Vec<Held> {
    let view = |closes: String| format!("{}#closes", desk.view("why-not").with("closes", closes));
    let row = |held: &afterword_readmodel::figures::HeldBack| {
        let share = if funnel.closes > 0 {
            held.closes as f64 / funnel.closes as f64
        } else {
            0.0
        };
        Held {
            word: words::criterion(held.criterion).to_owned(),
            code: held.criterion,
            closes: words::count(held.closes),
            share: words::percent(share),
            alone: words::count(held.alone),
            drawing: chart::part(words::criterion(held.criterion), share, "filled held"),
            href: view(held.criterion.to_owned()),
            alone_href: view(format!("only_{}", held.criterion)),
            is_none: held.closes == 0,
        }
    };
    funnel.held_back.iter().map(row).collect()
}

/// Those that say something new: of neighbours with the same effect the first.
fn others(list: &[OtherThreshold], unit: [&str; 2]) -> Vec<Other> {
    let most = list
        .iter()
        .map(|other| other.closes.abs())
        .max()
        .unwrap_or(0)
        .max(1);
    let mut shown = Vec::<Other>::new();
    let mut before = None;
    for other in list {
        if before.replace(other.closes) == Some(other.closes) {
            continue;
        }
        let effect = match other.closes {
            0 => "as it was".to_owned(),
            closes => format!("{} closes", words::signed(closes)),
        };
        let class = if other.closes < 0 {
            "filled held"
        } else {
            "filled"
        };
        let threshold = words::counted(other.threshold, unit[0], unit[1]);
        shown.push(Other {
            drawing: chart::part(&threshold, other.closes.abs() as f64 / most as f64, class),
            threshold,
            effect,
        });
    }
    shown
}
