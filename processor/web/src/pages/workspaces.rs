//! `/`: the workspaces that one may see, or the only one.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::address::segment;
use super::fault::Fault;
use super::look::WorkspaceLook;
use super::visitor::visitor;
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
    ids.retain(|id| visitor(&parts, id).is_ok());
    if let [only] = ids.as_slice() {
        return Ok(forms::see(&format!("/{}/summary", segment(only))));
    }
    let mut rows = Vec::new();
    for id in ids {
        let totals = pages.database.totals(&id).await?;
        rows.push(Row {
            look: pages
                .looks
                .get(&id)
                .cloned()
                .unwrap_or_else(|| WorkspaceLook::of(&id)),
            href: format!("/{}/summary", segment(&id)),
            closes: words::count(totals.decided),
            asked: words::count(totals.asked),
            answered: words::count(totals.answered),
            id,
        });
    }
    let is_anonymous = visitor(&parts, "").is_ok_and(|visitor| visitor.is_anonymous);
    page(&WorkspacesPage { rows, is_anonymous })
}

/// `/{workspace}`: its summary.
pub async fn enter(Path(workspace): Path<String>) -> Response {
    forms::see(&format!("/{}/summary", segment(&workspace)))
}
