//! What is secret, and how it is kept: random values by their hash, passwords by Argon2id.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Shortest password, in characters.
pub const PASSWORD_LEAST: usize = 12;
/// Longest password, in bytes.
pub const PASSWORD_MOST: usize = 1_024;
/// Before every API token, so that people and scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "aw_";

/// Passwords that are hashed at a time: each takes 19 MiB and a few hundredths of a second of one core.
const HASHED_AT_A_TIME: usize = 2;

/// A new random value of 256 bits, in base64 as addresses have it.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A new API token.
///
/// # Errors
/// As [`random`].
pub fn new_token() -> Result<String, String> {
    random().map(|random| format!("{TOKEN_PREFIX}{random}"))
}

/// What is kept of a random value: its SHA-256, in hexadecimal. The value is too long to be guessed, so a slow hash would
/// add nothing.
#[must_use]
pub fn hash(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a form must send with this cookie: nobody can make it who does not know the cookie, and the cookie cannot be found
/// from it.
#[must_use]
pub fn form_token(cookie: &str) -> String {
    hash(&format!("afterword form {cookie}"))
}

/// Compares without telling by its time where they differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |differing, (x, y)| {
        std::hint::black_box(differing | (x ^ y))
    });
    a.len() == b.len() && differing == 0
}

/// What is wrong with a new password, if anything.
///
/// # Errors
/// With what was expected.
pub fn check_password(password: &str, name: &str) -> Result<(), String> {
    let characters = password.chars().count();
    if characters < PASSWORD_LEAST {
        return Err(format!(
            "The password needs at least {PASSWORD_LEAST} characters; this one has {characters}."
        ));
    }
    if password.len() > PASSWORD_MOST {
        return Err(format!(
            "The password may have at most {PASSWORD_MOST} bytes."
        ));
    }
    let first = password.chars().next();
    let is_one_character = password.chars().all(|c| Some(c) == first);
    if is_one_character || password.to_lowercase().contains(&name.to_lowercase()) {
        return Err("The password is too easy to guess: it must not be one character again and again, nor contain the name.".to_owned());
    }
    Ok(())
}

/// The hash of a password as PHC has it: Argon2id, 19 MiB, two passes, one lane, as OWASP advises.
///
/// # Errors
/// When the system gives no random bytes.
pub fn hash_password(password: &str) -> Result<String, String> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed
        .map(|hash| hash.to_string())
        .map_err(|error| format!("a password could not be hashed: {error}"))
}

/// Whether a text is such a hash.
#[must_use]
pub fn is_password_hash(text: &str) -> bool {
    text.starts_with("$argon2id$") && PasswordHash::new(text).is_ok()
}

fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

/// Passwords, some at a time, away from the threads that answer.
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Nobody's.
    decoy: Arc<str>,
}

impl Passwords {
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> Result<Passwords, String> {
        Ok(Passwords {
            places: Arc::new(Semaphore::new(HASHED_AT_A_TIME)),
            decoy: hash_password(&random()?)?.into(),
        })
    }

    /// Whether the password is the one of this hash. Without a hash (there is no such account) it takes as long, and is not.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let decoy = Arc::clone(&self.decoy);
        self.run(move || match hash {
            Some(hash) => verify(&password, &hash),
            None => {
                std::hint::black_box(verify(&password, &decoy));
                false
            }
        })
        .await
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        let hashed = self.run(move || hash_password(&password)).await?;
        hashed.map_err(|error| Problem::unavailable(error, 1))
    }

    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let again = || Problem::unavailable("the sign-in could not be checked; try again", 1);
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| again())?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = call();
            drop(place);
            answer
        });
        done.await.map_err(|_| again())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easy_passwords_are_refused() {
        for (password, name) in [
            ("", "anna"),
            ("eleven char", "anna"),
            ("aaaaaaaaaaaaaaaaaaaa", "anna"),
            ("xx Anna@Example.com", "anna@example.com"),
            (&"long".repeat(300), "anna"),
        ] {
            assert!(check_password(password, name).is_err(), "{password}");
        }
        assert_eq!(check_password("correct horse battery", "anna"), Ok(()));
    }

    #[test]
    fn hashes_tell_passwords_apart() {
        let hash = hash_password("correct horse battery").expect("hashed");
        assert!(is_password_hash(&hash), "{hash}");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(verify("correct horse battery", &hash));
        assert!(!verify("correct horse battery ", &hash));
        assert!(!verify("", "") && !verify("", "$argon2id$"));
        for other in [
            "",
            "correct horse battery",
            "$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(!is_password_hash(other), "{other}");
        }
    }

    #[test]
    fn random_values_differ_and_are_kept_by_their_hash() {
        let (a, b) = (new_token().expect("random"), new_token().expect("random"));
        assert!(a != b && a.len() == 46 && a.starts_with(TOKEN_PREFIX));
        assert!(hash(&a).len() == 64 && hash(&a) != hash(&b));
        assert!(form_token(&a) != hash(&a));
    }
}
