//! Answers that come as no person sends them: mail scanners that follow links and press buttons. They are marked and never
//! dropped, since a scanner can only be guessed.
//!
//! A mark stands in two places. In a header of the fact (`afterword-mark`), because the log is what everything else can be made
//! from again; a fact's own fields are fixed, and no fold looks at headers, so a mark can change no decision. And in the table
//! `answer_marks` of the report database, because only there can figures be asked for with or without marked answers, and
//! because the first of several quick reactions is in the log already when the second shows what it was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::stamps::{Sent, Stamp};

/// Sooner after its page was made than this, nobody has read it.
pub const READING: Duration = Duration::from_secs(1);
/// Nobody changes their mind more than once in it.
pub const CHANGING: Duration = Duration::from_secs(1);

/// In the header and in the table, in this order, separated by commas.
pub const UNREAD: &str = "unread";
pub const RAPID: &str = "rapid";
/// The header of a marked fact.
pub const HEADER: &str = "afterword-mark";

/// Reactions remembered at a time: those of the last second.
const REMEMBERED: usize = 16_384;

/// The reactions of the last moment, by request.
#[derive(Debug, Default)]
pub struct Recent(Mutex<HashMap<String, (Instant, Sent)>>);

impl Recent {
    /// Whether another reaction to this request came within a second before.
    #[must_use]
    pub fn is_rapid(&self, request_id: &str, event_id: &str) -> bool {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = recent.get(request_id);
        before.is_some_and(|(at, before)| is_other(*at, before, event_id))
    }

    /// Remembers a reaction, and tells the one that came within a second before it, if that was another.
    pub fn remember(&self, request_id: &str, sent: &Sent) -> Option<Sent> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if recent.len() >= REMEMBERED {
            recent.retain(|_, (at, _)| at.elapsed() < CHANGING);
        }
        let before = match recent.len() < REMEMBERED {
            true => recent.insert(request_id.to_owned(), (now, sent.clone())),
            false => recent.get(request_id).cloned(),
        };
        let (at, before) = before?;
        is_other(at, &before, &sent.event_id).then_some(before)
    }
}

fn is_other(at: Instant, before: &Sent, event_id: &str) -> bool {
    before.event_id != event_id && at.elapsed() < CHANGING
}

/// Whether the form was sent before a person could have read its page. A clock that was put back tells nothing.
#[must_use]
pub fn is_unread(stamp: &Stamp, now_ms: i64) -> bool {
    let reading = i64::try_from(READING.as_millis()).unwrap_or(i64::MAX);
    (0..reading).contains(&now_ms.saturating_sub(stamp.made_ms))
}

#[cfg(test)]
mod tests {
    use super::super::stamps::Kind;
    use super::*;
    use afterword_log::{Offset, Partition};

    #[test]
    fn two_reactions_in_a_moment_are_noticed_and_one_sent_twice_is_not() {
        let recent = Recent::default();
        let sent = |event_id: &str| Sent {
            kind: Kind::Reaction("ok"),
            event_id: event_id.to_owned(),
            partition: Partition(0),
            offset: Offset(7),
        };
        assert!(!recent.is_rapid("r1", "a"));
        assert_eq!(recent.remember("r1", &sent("a")), None);
        assert!(!recent.is_rapid("r1", "a"), "sent twice");
        assert_eq!(recent.remember("r1", &sent("a")), None);
        assert!(!recent.is_rapid("r2", "b"), "another request");
        assert!(recent.is_rapid("r1", "b"));
        assert_eq!(recent.remember("r1", &sent("b")), Some(sent("a")));
    }

    #[test]
    fn nobody_reads_in_less_than_a_second() {
        let stamp = Stamp::new("r1", 10_000);
        let check = |now_ms, expected| assert_eq!(is_unread(&stamp, now_ms), expected, "{now_ms}");
        check(10_000, true);
        check(10_999, true);
        check(11_000, false);
        check(9_000, false);
    }
}
