//! Who asks, and what they may.

use std::collections::BTreeMap;
use std::sync::Arc;

use afterword_readmodel::{Account, ApiToken, Grant, Role, Session};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::scope::Scope;
use crate::problem::Problem;

/// What teammates see of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TeammatesSee {
    #[default]
    Nothing,
    /// Each their own scorecard and ratings.
    Own,
}

/// What teammates see, by workspace.
#[derive(Clone, Debug, Default)]
pub struct Visibility(pub BTreeMap<String, TeammatesSee>);

/// Who asks: an extension of every request that reaches a handler of the reports listener, and an extractor.
#[derive(Clone)]
pub struct Viewer {
    who: Who,
    form_token: Arc<str>,
    visibility: Arc<Visibility>,
}

#[derive(Clone)]
enum Who {
    /// Not known. Reaches only what needs nothing.
    Nobody,
    /// There are no accounts, and only this machine is listened to.
    Trying,
    Account(Arc<Account>, Arc<Session>),
    Token(Arc<ApiToken>),
}

/// What of a workspace somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sees {
    /// They have nothing to do with it: to them it is not there.
    Nothing,
    /// What is this teammate's own.
    Own(String),
    /// They belong to it, and see nothing of it.
    Closed,
    Everything,
}

impl Viewer {
    pub(super) fn nobody(form_token: String) -> Viewer {
        Viewer::new(Who::Nobody, form_token, Arc::default())
    }

    pub(super) fn trying() -> Viewer {
        Viewer::new(Who::Trying, String::new(), Arc::default())
    }

    pub(super) fn account(
        account: Account,
        session: Session,
        form_token: String,
        visibility: Arc<Visibility>,
    ) -> Viewer {
        let who = Who::Account(Arc::new(account), Arc::new(session));
        Viewer::new(who, form_token, visibility)
    }

    pub(super) fn token(token: ApiToken) -> Viewer {
        Viewer::new(Who::Token(Arc::new(token)), String::new(), Arc::default())
    }

    fn new(who: Who, form_token: String, visibility: Arc<Visibility>) -> Viewer {
        Viewer {
            who,
            form_token: form_token.into(),
            visibility,
        }
    }

    /// Whether there are no accounts, so that whoever reaches this machine's loopback address may do everything: pages say so
    /// in a banner.
    #[must_use]
    pub fn is_trying(&self) -> bool {
        matches!(self.who, Who::Trying)
    }

    /// Whether it is known who asks, or nobody need be.
    #[must_use]
    pub fn is_somebody(&self) -> bool {
        !matches!(self.who, Who::Nobody)
    }

    /// What to call them, in what is kept (such as who followed a rating up) and on pages.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Nobody => "nobody",
            Who::Trying => "somebody without an account",
            Who::Account(account, _) => &account.name,
            Who::Token(token) => &token.name,
        }
    }

    /// For the field `csrf` of every form, or the header `X-Afterword-Csrf` of what a script sends. Empty where none is asked.
    #[must_use]
    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    /// The account, for those who are signed in, and the session.
    #[must_use]
    pub fn signed_in(&self) -> Option<(&Account, &Session)> {
        match &self.who {
            Who::Account(account, session) => Some((account, session)),
            _ => None,
        }
    }

    /// Whether it is a program.
    #[must_use]
    pub fn is_token(&self) -> bool {
        matches!(self.who, Who::Token(_))
    }

    /// The workspaces they have to do with, in order; `None`: every one there is.
    #[must_use]
    pub fn workspaces(&self) -> Option<Vec<&str>> {
        match &self.who {
            Who::Nobody => Some(Vec::new()),
            Who::Trying => None,
            Who::Account(..) | Who::Token(_) => {
                let ids = self
                    .grants()
                    .iter()
                    .map(|grant| grant.workspace_id.as_deref());
                ids.collect()
            }
        }
    }

    /// Whether they may do this in a workspace.
    #[must_use]
    pub fn may(&self, scope: Scope, workspace_id: &str) -> bool {
        match &self.who {
            Who::Nobody => false,
            Who::Trying => true,
            Who::Token(token) => has(token, scope) && self.grant(workspace_id).is_some(),
            Who::Account(..) => {
                let role = self.grant(workspace_id).map(|grant| &grant.role);
                role == Some(&Role::Manager) && scope != Scope::EventsWrite
            }
        }
    }

    /// Whether they may do this in some workspace.
    #[must_use]
    pub fn may_somewhere(&self, scope: Scope) -> bool {
        match &self.who {
            Who::Nobody => false,
            Who::Trying => true,
            Who::Token(token) => has(token, scope) && !token.grants.is_empty(),
            Who::Account(account, _) => {
                let mut grants = account.grants.iter();
                scope != Scope::EventsWrite && grants.any(|grant| grant.role == Role::Manager)
            }
        }
    }

    /// What they see of a workspace.
    #[must_use]
    pub fn sees(&self, workspace_id: &str) -> Sees {
        if self.may(Scope::ReportsRead, workspace_id) {
            return Sees::Everything;
        }
        match self.grant(workspace_id).map(|grant| &grant.role) {
            None => Sees::Nothing,
            Some(Role::Teammate(id)) if self.teammates_see(workspace_id) == TeammatesSee::Own => {
                Sees::Own(id.clone())
            }
            Some(_) => Sees::Closed,
        }
    }

    fn teammates_see(&self, workspace_id: &str) -> TeammatesSee {
        let known = self.visibility.0.get(workspace_id);
        known.copied().unwrap_or_default()
    }

    fn grants(&self) -> &[Grant] {
        match &self.who {
            Who::Nobody | Who::Trying => &[],
            Who::Account(account, _) => &account.grants,
            Who::Token(token) => &token.grants,
        }
    }

    /// One that names the workspace counts before one for all.
    fn grant(&self, workspace_id: &str) -> Option<&Grant> {
        let of = |wanted: Option<&str>| {
            let mut grants = self.grants().iter();
            grants.find(|grant| grant.workspace_id.as_deref() == wanted)
        };
        of(Some(workspace_id)).or_else(|| of(None))
    }
}

fn has(token: &ApiToken, scope: Scope) -> bool {
    token
        .scopes
        .split(' ')
        .any(|symbol| symbol == scope.symbol())
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Viewer, Problem> {
        let viewer = parts.extensions.get::<Viewer>().cloned();
        viewer.ok_or_else(|| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(
                status,
                "nobody asked who may see this; it is a fault of this program",
            )
        })
    }
}
