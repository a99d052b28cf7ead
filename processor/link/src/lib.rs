//! Links to surveys: a token that names one request and shows nothing of it.
//!
//! A token is PASETO v4.local (XChaCha20 and BLAKE2b): encrypted and authenticated with a key that only this program has, so
//! whoever holds a link can neither read it, nor change it, nor make one for another request. Keys rotate: the first of the list
//! makes new tokens, all of the list open them. A token has no end of its own; whether its request may still be answered is a
//! matter of the rules.

mod file;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pasetors::Local;
use pasetors::keys::SymmetricKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, V4};
use zeroize::Zeroizing;

pub use file::{KEY_FILE, keys_of_directory};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Longer texts are no token of ours: two ids of 256 bytes each fit well.
pub const TOKEN_BYTES_MOST: usize = 1_024;

/// In front of every PASETO of this version; left out of links, which are long enough.
const HEADER: &str = "v4.local.";
/// Bound into every link: nothing else that the same key seals opens as one.
const LINK: &str = "afterword survey link";
/// Between the ids, which hold no control characters.
const SEPARATOR: char = '\0';

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    pub workspace_id: String,
    pub request_id: String,
}

/// The keys of links: at least one. Prints nothing of them.
#[derive(Clone)]
pub struct LinkKeys(Vec<SymmetricKey<V4>>);

impl std::fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkKeys({} keys)", self.0.len())
    }
}

impl LinkKeys {
    /// Reads keys, each 32 bytes in base64 (as [`LinkKeys::generate`] and `openssl rand -base64 32` make them). The first mints.
    ///
    /// # Errors
    /// When there is none, or one is no such key; the message names its place in the list and never the key.
    pub fn parse(texts: &[String]) -> Result<LinkKeys, String> {
        if texts.is_empty() {
            return Err("expected at least one key, found none".to_owned());
        }
        let keys = texts.iter().enumerate().map(|(index, text)| {
            key_of(text).ok_or_else(|| {
                format!(
                    "key {} of {}: expected {KEY_BYTES} random bytes in base64 (`openssl rand -base64 {KEY_BYTES}` makes some), found another text",
                    index + 1,
                    texts.len()
                )
            })
        });
        keys.collect::<Result<_, _>>().map(LinkKeys)
    }

    /// A new key from the system's random numbers, as [`LinkKeys::parse`] takes it.
    ///
    /// # Panics
    /// When the system has no random numbers to give.
    #[must_use]
    pub fn generate() -> String {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *bytes).expect("the system gives random numbers");
        STANDARD.encode(*bytes)
    }

    /// A token for this request, of letters, digits, `-` and `_`. Two tokens for one request differ, and both open.
    ///
    /// # Panics
    /// When the system has no random numbers to give.
    #[must_use]
    pub fn mint(&self, subject: &Subject) -> String {
        let ids = format!("{}{SEPARATOR}{}", subject.workspace_id, subject.request_id);
        self.seal(LINK, &ids)
    }

    /// What the token is for; `None` when it is none that these keys made, or was changed.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<Subject> {
        let ids = self.unseal(LINK, token)?;
        let (workspace_id, request_id) = ids.split_once(SEPARATOR)?;
        Some(Subject {
            workspace_id: workspace_id.to_owned(),
            request_id: request_id.to_owned(),
        })
    }

    /// A text that is not empty, as a token that nobody else can read, change or make. It unseals for the same purpose alone.
    ///
    /// # Panics
    /// When the text is empty, or the system has no random numbers to give.
    #[must_use]
    pub fn seal(&self, purpose: &str, text: &str) -> String {
        let token =
            LocalToken::encrypt(&self.0[0], text.as_bytes(), None, Some(purpose.as_bytes()))
                .expect("the text is not empty and the system gives random numbers");
        token[HEADER.len()..].to_owned()
    }

    /// The text that was sealed for this purpose; `None` when these keys sealed no such thing, or it was changed.
    #[must_use]
    pub fn unseal(&self, purpose: &str, token: &str) -> Option<String> {
        // A dot would begin a footer, which our tokens do not have and nobody would look at.
        let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if token.len() > TOKEN_BYTES_MOST || !token.bytes().all(is_ours) {
            return None;
        }
        let whole = format!("{HEADER}{token}");
        let untrusted = UntrustedToken::<Local, V4>::try_from(whole.as_str()).ok()?;
        self.0.iter().find_map(|key| {
            let purpose = Some(purpose.as_bytes());
            let trusted = LocalToken::decrypt(key, &untrusted, None, purpose).ok()?;
            Some(trusted.payload().to_owned())
        })
    }
}

fn key_of(text: &str) -> Option<SymmetricKey<V4>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    // All zeros, or the like, is somebody's placeholder.
    let first = bytes.first()?;
    if bytes.iter().all(|byte| byte == first) {
        return None;
    }
    SymmetricKey::from(&bytes).ok()
}

#[cfg(test)]
mod tests;
