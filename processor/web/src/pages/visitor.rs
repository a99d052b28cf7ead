//! Who looks at a page, as far as pages need to know: one function, so that there is one place to ask.

use axum::http::request::Parts;

use super::fault::Fault;
use crate::access::{Scope, Sees, Viewer};

/// Who asks, and what a form of theirs must carry.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// As marks and versions of settings name them.
    pub name: String,
    /// Without accounts anybody on this machine may do everything: pages say so.
    pub is_anonymous: bool,
    /// Signed in, so that there is an account to show and to leave.
    pub is_signed_in: bool,
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
pub fn visitor(parts: &Parts, workspace_id: &str) -> Result<Visitor, Fault> {
    let viewer = viewer(parts)?;
    let only = match viewer.sees(workspace_id) {
        Sees::Everything => None,
        Sees::Own(teammate_id) => Some(teammate_id),
        Sees::Nothing | Sees::Closed => {
            return Err(Fault::NotFound("Nothing is here for you.".to_owned()));
        }
    };
    Ok(Visitor {
        name: viewer.name().to_owned(),
        is_anonymous: viewer.is_trying(),
        is_signed_in: viewer.signed_in().is_some(),
        may_mark: viewer.may(Scope::RatingsWrite, workspace_id),
        may_set: viewer.may(Scope::SettingsWrite, workspace_id),
        only,
        csrf: viewer.form_token().to_owned(),
    })
}

/// Who asks.
///
/// # Errors
/// When nobody looked who that is: the layer of rights stands before every page.
pub fn viewer(parts: &Parts) -> Result<&Viewer, Fault> {
    parts.extensions.get::<Viewer>().ok_or(Fault::Broken)
}
