//! Who looks at a page, as far as pages need to know: one function, so that there is one place to ask.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::fault::Fault;

/// Who asks, and what a form of theirs must carry.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// As marks and versions of settings name them.
    pub name: String,
    /// Without accounts anybody on this machine may do everything: pages say so.
    pub is_anonymous: bool,
    /// Whether they may mark ratings as followed up.
    pub may_mark: bool,
    /// Whether they may save settings.
    pub may_set: bool,
    /// A teammate who sees their own page and nothing else.
    pub only: Option<String>,
    /// In each form; empty where there are no sessions to be abused.
    pub csrf: String,
}

/// Who asks for something of this workspace.
///
/// # Errors
/// When it is not theirs to see.
pub fn visitor(_parts: &Parts, _workspace_id: &str) -> Result<Visitor, Fault> {
    Ok(Visitor {
        name: "this machine".to_owned(),
        is_anonymous: true,
        may_mark: true,
        may_set: true,
        only: None,
        csrf: String::new(),
    })
}

/// Whether a form was sent from one of these pages and not from a stranger's: browsers say where a form comes from.
///
/// # Errors
/// When it comes from elsewhere.
pub fn same_site(headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_own = match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(header::HOST.as_str())
        }
        // No browser: nobody's session or place behind a firewall is abused.
        (None, None) => true,
    };
    match is_own {
        true => Ok(()),
        false => Err(Fault::Forbidden(
            "The form was not sent from a page of this program.".to_owned(),
        )),
    }
}
