//! `/{workspace}/ratings`: whom to call back. Marks are made by forms.

use afterword_readmodel::figures::{MarkAs, MarkChange, Rating, RatingFilter};
use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::desk::Desk;
use super::fault::Fault;
use super::filters::Filters;
use super::{Pages, forms, page, words};
use crate::now_ms;

/// Ratings on one page.
const PAGE: usize = 50;

/// A rating as a list shows it.
pub struct Entry {
    pub request_id: String,
    pub reaction: String,
    pub word: String,
    pub comment: Option<String>,
    pub teammate_id: String,
    pub teammate_href: String,
    pub customer: String,
    pub channel: String,
    pub rated: String,
    pub rated_machine: String,
    pub is_changed: bool,
    pub after_reopen: bool,
    pub story: String,
    pub help_desk: Option<String>,
    pub followed_up: Option<String>,
}

impl Entry {
    /// A rating, with the ways that lead on from it.
    pub fn of(desk: &Desk, rating: &Rating) -> Entry {
        Entry {
            request_id: rating.request_id.clone(),
            word: words::reaction_of(&rating.reaction),
            reaction: rating.reaction.clone(),
            comment: rating.comment.clone(),
            teammate_href: desk.teammate(&rating.teammate_id).to_string(),
            teammate_id: rating.teammate_id.clone(),
            customer: rating.customer.id.clone(),
            channel: words::channel(&rating.channel).to_owned(),
            rated: desk.moment(rating.first_rated_at),
            rated_machine: words::machine_time(rating.first_rated_at),
            is_changed: rating.revision > 1
                && rating.submitted_at > rating.first_rated_at
                && rating.comment.is_none(),
            after_reopen: rating.after_reopen,
            story: desk.story(&rating.conversation_id),
            help_desk: desk.help_desk(&rating.conversation_id),
            followed_up: rating
                .follow_up
                .as_ref()
                .map(|mark| format!("{}, {}", mark.by, desk.moment(mark.at))),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/ratings.html")]
struct RatingsPage {
    desk: Desk,
    here: &'static str,
    filters: Filters,
    entries: Vec<Entry>,
    /// How many there are by the sums; none when a filter looks at what is not summed.
    found: Option<String>,
    back: String,
    next: Option<String>,
    earliest: Option<String>,
    csv: String,
    is_filtered: bool,
}

/// The list.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let chosen = &desk.chosen;
    let filter = RatingFilter {
        filter: chosen.filter(&desk.workspace_id),
        reactions: chosen.reactions.clone(),
        commented: chosen.commented,
        followed_up: chosen.followed_up,
    };
    let found = pages
        .database
        .ratings(&filter, chosen.after.as_ref(), PAGE)
        .await?;
    let ids = pages.teammate_ids(&filter.filter).await?;
    let view = desk.view("ratings");
    let next = found
        .next
        .as_ref()
        .map(|cursor| view.clone().with("cursor", cursor.encode()).to_string());
    let back = match &chosen.after {
        Some(cursor) => view.clone().with("cursor", cursor.encode()),
        None => view.clone(),
    };
    let api = format!("/api/v1/workspaces{}/export/ratings.csv", desk.root);
    let csv = view
        .at(api)
        .only(&["from", "to", "teammate", "channel"])
        .with("from", chosen.period.from)
        .with("to", chosen.period.to);
    let body = RatingsPage {
        here: "ratings",
        filters: Filters::of(&desk, &view, ids).with_channel().with_ratings(),
        entries: found
            .entries
            .iter()
            .map(|rating| Entry::of(&desk, rating))
            .collect(),
        found: count(&pages, &desk).await?,
        back: back.to_string(),
        next,
        earliest: chosen.after.is_some().then(|| view.to_string()),
        csv: csv.to_string(),
        is_filtered: view.others(&["from", "to"]).iter().any(|_| true),
        desk,
    };
    page(&body)
}

/// How many ratings are chosen, as far as the sums can tell.
async fn count(pages: &Pages, desk: &Desk) -> Result<Option<String>, Fault> {
    let chosen = &desk.chosen;
    if chosen.commented.is_some() || chosen.followed_up.is_some() {
        return Ok(None);
    }
    let counts = pages
        .database
        .reactions(&chosen.filter(&desk.workspace_id))
        .await?;
    let wanted = afterword_schemas::records::Reaction::ALL
        .iter()
        .filter(|reaction| chosen.reactions.is_empty() || chosen.reactions.contains(reaction));
    let sum = wanted.map(|reaction| counts[*reaction as usize]).sum();
    Ok(Some(words::counted(sum, "rating", "ratings")))
}

/// A mark is made or taken back.
pub async fn post(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
    body: Body,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let form = forms::read(&parts, body).await?;
    let mark = match form.get("mark") {
        Some("followed_up") => MarkAs::FollowedUp,
        Some("open") => MarkAs::Open,
        _ => return Err(Fault::Form("mark: expected followed_up or open".to_owned())),
    };
    let change = MarkChange {
        mark,
        by: desk.visitor.name.clone(),
        at: now_ms(),
    };
    let request_id = form.get("request_id").unwrap_or_default();
    let marked = pages
        .database
        .mark(&desk.workspace_id, request_id, &change)
        .await?;
    match marked {
        Some(rating) => Ok(forms::back(
            &desk,
            &form,
            &format!("#r-{}", rating.request_id),
        )),
        None => Err(Fault::NotFound(
            "This workspace has no such rating.".to_owned(),
        )),
    }
}
