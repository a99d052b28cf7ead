//! The conversations of the toy chat, as its backend remembers them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Conversations remembered; the oldest is forgotten for a new one.
const MOST: usize = 200;

/// What a webhook said of a rating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rated {
    pub reaction: String,
    pub comment: Option<String>,
    pub revision: i64,
}

/// What webhooks said of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chat {
    /// Where the customer is asked.
    pub link: Option<String>,
    pub rating: Option<Rated>,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub struct Chats(Mutex<VecDeque<(String, Chat)>>);

impl Chats {
    /// A new conversation; returns its id, which nobody guesses.
    pub fn begin(&self) -> String {
        let id = format!("toy-{}", uuid::Uuid::new_v4());
        let mut chats = self.lock();
        if chats.len() == MOST {
            chats.pop_front();
        }
        chats.push_back((id.clone(), Chat::default()));
        id
    }

    /// A conversation that is remembered.
    pub fn get(&self, id: &str) -> Option<Chat> {
        let chats = self.lock();
        let found = chats.iter().find(|(known, _)| known == id);
        found.map(|(_, chat)| chat.clone())
    }

    /// The customer is asked. Of a conversation that is not this chat's, nothing is remembered.
    pub fn asked(&self, id: &str, link: &str) {
        self.change(id, |chat| chat.link = Some(link.to_owned()));
    }

    /// The customer has answered; webhooks may come twice and out of their order.
    pub fn rated(&self, id: &str, rated: Rated) {
        self.change(id, |chat| {
            let known = chat.rating.as_ref().map_or(0, |rating| rating.revision);
            if rated.revision > known {
                chat.rating = Some(rated);
            }
        });
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Chat)) {
        let mut chats = self.lock();
        if let Some((_, chat)) = chats.iter_mut().find(|(known, _)| known == id) {
            change(chat);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Chat)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_the_latest() {
        let chats = Chats::default();
        let first = chats.begin();
        chats.asked(&first, "link");
        let rated = |revision| Rated {
            reaction: "great".to_owned(),
            comment: None,
            revision,
        };
        chats.rated(&first, rated(2));
        chats.rated(&first, rated(1));
        let chat = chats.get(&first).expect("remembered");
        assert_eq!(chat.link.as_deref(), Some("link"));
        assert_eq!(chat.rating, Some(rated(2)));
        for _ in 0..MOST {
            chats.begin();
        }
        assert_eq!(chats.get(&first), None);
        assert_eq!(chats.lock().len(), MOST);
    }
}
