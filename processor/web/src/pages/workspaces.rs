//! `/`: the workspaces that one may see, or the only one.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::address::segment;
use super::fault::Fault;
use super::look::WorkspaceLook;
use super::visitor::{Visitor, viewer, visitor};
use super::{Pages, forms, page, words};

/// Most workspaces of a list.
const MOST: u32 = 500;

struct Row {
    id: String,
    look: WorkspaceLook,
    href: String,
    closes: String,
    asked: String,
    answered: String,
}

#[derive(Template)]
#[template(path = "pages/workspaces.html")]
struct WorkspacesPage {
    rows: Vec<Row>,
    is_anonymous: bool,
    /// The account's name.
    account: Option<String>,
    csrf: String,
}

/// The list; from a list of one straight on to it.
pub async fn get(State(pages): State<Pages>, parts: Parts) -> Result<Response, Fault> {
    let mut ids = pages.database.workspaces(MOST).await?;
    ids.extend(
        pages
            .looks
            .keys()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let theirs = |id: String| {
        let visitor = visitor(&parts, &id).ok()?;
        Some((entrance(&id, &visitor), id))
    };
    let theirs: Vec<_> = ids.into_iter().filter_map(theirs).collect();
    if let [(only, _)] = theirs.as_slice() {
        return Ok(forms::see(only));
    }
    let mut rows = Vec::new();
    for (href, id) in theirs {
        let totals = pages.database.totals(&id).await?;
        rows.push(Row {
            look: pages
                .looks
                .get(&id)
                .cloned()
                .unwrap_or_else(|| WorkspaceLook::of(&id)),
            href,
            closes: words::count(totals.decided),
            asked: words::count(totals.asked),
            answered: words::count(totals.answered),
            id,
        });
    }
    let viewer = viewer(&parts)?;
    page(&WorkspacesPage {
        rows,
        is_anonymous: viewer.is_trying(),
        account: viewer.signed_in().map(|(account, _)| account.name.clone()),
        csrf: viewer.form_token().to_owned(),
    })
}

/// Where somebody begins to look at a workspace.
fn entrance(workspace_id: &str, visitor: &Visitor) -> String {
    let workspace = segment(workspace_id);
    match &visitor.only {
        Some(own) => format!("/{workspace}/teammates/{}", segment(own)),
        None => format!("/{workspace}/summary"),
    }
}

/// `/{workspace}`: its summary.
pub async fn enter(Path(workspace): Path<String>) -> Response {
    forms::see(&format!("/{}/summary", segment(&workspace)))
}
