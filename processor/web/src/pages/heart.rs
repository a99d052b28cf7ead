//! `/{workspace}/heart`: the latest happy comments, as they arrive.

use afterword_readmodel::figures::HeartFilter;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::desk::Desk;
use super::fault::Fault;
use super::ratings::Entry;
use super::{Pages, page};

const PAGE: usize = 40;

#[derive(Template)]
#[template(path = "pages/heart.html")]
struct HeartPage {
    desk: Desk,
    here: &'static str,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// The page.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let filter = HeartFilter {
        workspace_id: desk.workspace_id.clone(),
        teammate_id: desk.chosen.teammate.clone(),
        channel: desk.chosen.channel,
    };
    let found = pages
        .database
        .hearts(&filter, desk.chosen.after.as_ref(), PAGE)
        .await?;
    let here = desk
        .chosen
        .address(&desk.path("heart"))
        .only(&["teammate", "channel"]);
    let next = found
        .next
        .map(|cursor| here.with("cursor", cursor.encode()).to_string());
    let body = HeartPage {
        here: "heart",
        entries: found
            .entries
            .iter()
            .map(|rating| Entry::of(&desk, rating))
            .collect(),
        next,
        desk,
    };
    page(&body)
}
