//! Who asks.

use std::sync::Arc;

use afterword_readmodel::{ApiToken, ReadModelError, SignedIn};
use axum::http::{HeaderMap, HeaderValue, header};

use super::cookies::Cookie;
use super::origin::not_for_trying;
use super::refusal::Refusal;
use super::secret::{TOKEN_PREFIX, form_token, hash, random};
use super::table::Needed;
use super::viewer::Viewer;
use super::{Access, MINUTE_MS};

/// Longest token that is looked up, in bytes.
const TOKEN_BYTES: usize = 128;
/// How long a form may be open before it is sent, in seconds.
const FORM_SECONDS: u64 = 24 * 3_600;

/// Who asks, and a cookie to set.
pub type Identified = (Viewer, Option<HeaderValue>);

impl From<ReadModelError> for Refusal {
    fn from(error: ReadModelError) -> Refusal {
        tracing::warn!(%error, "who may see what cannot be read");
        Refusal::Unavailable(
            "the report database, which says who may see what, does not answer; try again"
                .to_owned(),
        )
    }
}

impl Access {
    /// Who sent a request with these headers.
    pub(super) async fn identify(
        &self,
        headers: &HeaderMap,
        needed: Needed,
    ) -> Result<Identified, Refusal> {
        if !self.is_guarded().await? {
            return match not_for_trying(headers) {
                None => Ok((Viewer::trying(), None)),
                Some(why) => Err(Refusal::Forbidden(why.to_owned())),
            };
        }
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = self.token(value).await?;
            return Ok((Viewer::token(token), None));
        }
        let cookie = Cookie::Session.read(self.transport(), headers);
        if let Some(cookie) = cookie
            && let Some(signed_in) = self.session(cookie).await?
        {
            let SignedIn { session, account } = signed_in;
            let visibility = Arc::clone(&self.0.visibility);
            let viewer = Viewer::account(account, session, form_token(cookie), visibility);
            return Ok((viewer, None));
        }
        self.nobody(headers, needed)
    }

    /// Somebody who is to fill a form in gets a cookie for it.
    fn nobody(&self, headers: &HeaderMap, needed: Needed) -> Result<Identified, Refusal> {
        match Cookie::Form.read(self.transport(), headers) {
            Some(cookie) => Ok((Viewer::nobody(form_token(cookie)), None)),
            None if needed == Needed::Form => {
                let cookie = random().map_err(Refusal::Unavailable)?;
                let set = Cookie::Form.set(self.transport(), &cookie, FORM_SECONDS);
                Ok((Viewer::nobody(form_token(&cookie)), Some(set)))
            }
            None => Ok((Viewer::nobody(String::new()), None)),
        }
    }

    async fn token(&self, value: &HeaderValue) -> Result<ApiToken, Refusal> {
        let refused = || {
            Refusal::SignIn(
                "expected Authorization: Bearer and an API token that is valid: `afterword accounts token create` makes one",
            )
        };
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(refused)?;
        let token = token.trim();
        let is_ours = scheme.eq_ignore_ascii_case("bearer")
            && token.len() <= TOKEN_BYTES
            && token.starts_with(TOKEN_PREFIX);
        if !is_ours {
            return Err(refused());
        }
        let now_ms = crate::now_ms();
        let found = self.0.database.token(&hash(token), now_ms).await?;
        let found = found.ok_or_else(refused)?;
        if found
            .used_at
            .is_none_or(|used_at| now_ms - used_at >= MINUTE_MS)
        {
            let id = found.token_id.clone();
            self.note(|database| async move { database.token_used(&id, now_ms).await });
        }
        Ok(found)
    }

    async fn session(&self, cookie: &str) -> Result<Option<SignedIn>, Refusal> {
        let now_ms = crate::now_ms();
        let id = hash(cookie);
        let found = self.0.database.session(&id, self.idle_ms(), now_ms);
        let found = found.await?;
        if let Some(SignedIn { session, .. }) = &found
            && now_ms - session.seen_at >= MINUTE_MS
        {
            let id = session.session_id.clone();
            self.note(|database| async move { database.session_seen(&id, now_ms).await });
        }
        Ok(found)
    }
}
