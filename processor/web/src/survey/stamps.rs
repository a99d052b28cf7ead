//! What the page seals and gets back: the stamp of a form and the receipt of an answer. Sealed, because both come back
//! through the customer's browser.

use afterword_link::LinkKeys;
use afterword_log::{Offset, Partition};
use uuid::Uuid;

const FORM: &str = "afterword survey form";
const RECEIPT: &str = "afterword survey receipt";
const SEPARATOR: char = '\0';

/// The namespace of the survey's event ids, drawn once.
const NAMESPACE: Uuid = Uuid::from_u128(0x5b0f_a0a4_9c4e_5b8f_8f4e_3c1a_0d52_7b61);

/// One form as it was shown once. Whatever is sent from it more than once is one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub request_id: String,
    /// When the page was made, in milliseconds since 1970.
    pub made_ms: i64,
    nonce: String,
}

impl Stamp {
    /// A stamp for a page that is made now.
    #[must_use]
    pub fn new(request_id: &str, now_ms: i64) -> Stamp {
        Stamp {
            request_id: request_id.to_owned(),
            made_ms: now_ms,
            nonce: Uuid::new_v4().simple().to_string(),
        }
    }

    /// As it stands in the form.
    #[must_use]
    pub fn seal(&self, keys: &LinkKeys) -> String {
        let Stamp {
            request_id,
            made_ms,
            nonce,
        } = self;
        keys.seal(
            FORM,
            &format!("{request_id}{SEPARATOR}{made_ms}{SEPARATOR}{nonce}"),
        )
    }

    /// The stamp of a form for this request, if it is one of ours.
    #[must_use]
    pub fn unseal(keys: &LinkKeys, text: &str, request_id: &str) -> Option<Stamp> {
        let text = keys.unseal(FORM, text)?;
        let mut parts = text.split(SEPARATOR);
        let stamp = Stamp {
            request_id: parts.next()?.to_owned(),
            made_ms: parts.next()?.parse().ok()?,
            nonce: parts.next()?.to_owned(),
        };
        (stamp.request_id == request_id).then_some(stamp)
    }

    /// The event id of what this form says: the same whenever it is sent.
    #[must_use]
    pub fn event_id(&self, kind: &str, value: &str) -> String {
        let name = format!(
            "{}{SEPARATOR}{}{SEPARATOR}{kind}{SEPARATOR}{value}",
            self.request_id, self.nonce
        );
        format!("survey-{}", Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

/// What the customer answered with one fact, and where the fact lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub kind: Kind,
    pub event_id: String,
    pub partition: Partition,
    pub offset: Offset,
}

/// A reaction or a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With the symbol.
    Reaction(&'static str),
    Comment,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the first rating, or the comment.
    Saved,
    /// There was a rating, and now it is another.
    Changed,
    /// It was so already.
    Unchanged,
    /// It was sent before, and something else was said since.
    SentBefore,
    /// The rules refused it; the symbol of the reason.
    Refused(String),
    /// In the log, and not decided yet.
    Pending,
}

/// What the address of the page after an answer carries: reloading it asks again and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub request_id: String,
    pub sent: Vec<Sent>,
    pub outcome: Outcome,
    /// When it was sent, in milliseconds since 1970.
    pub sent_ms: i64,
}

impl Receipt {
    /// As it stands in the address.
    #[must_use]
    pub fn seal(&self, keys: &LinkKeys) -> String {
        let mut text = format!(
            "{}{SEPARATOR}{}{SEPARATOR}{}",
            self.request_id,
            self.outcome.word(),
            self.sent_ms
        );
        for sent in &self.sent {
            let kind = match sent.kind {
                Kind::Reaction(symbol) => symbol,
                Kind::Comment => "comment",
            };
            let (event, partition, offset) = (&sent.event_id, sent.partition, sent.offset);
            for part in [kind, event, &partition.to_string(), &offset.to_string()] {
                text.push(SEPARATOR);
                text.push_str(part);
            }
        }
        keys.seal(RECEIPT, &text)
    }

    /// The receipt of an answer to this request, if it is one of ours.
    #[must_use]
    pub fn unseal(keys: &LinkKeys, text: &str, request_id: &str) -> Option<Receipt> {
        let text = keys.unseal(RECEIPT, text)?;
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        let (head, sent) = parts.split_at_checked(3)?;
        let receipt = Receipt {
            request_id: head[0].to_owned(),
            outcome: Outcome::of(head[1])?,
            sent_ms: head[2].parse().ok()?,
            sent: sent.chunks_exact(4).map(Sent::of).collect::<Option<_>>()?,
        };
        (receipt.request_id == request_id).then_some(receipt)
    }
}

impl Sent {
    fn of(parts: &[&str]) -> Option<Sent> {
        let kind = match parts[0] {
            "comment" => Kind::Comment,
            symbol => Kind::Reaction(super::reaction(symbol)?.symbol()),
        };
        Some(Sent {
            kind,
            event_id: parts[1].to_owned(),
            partition: Partition(parts[2].parse().ok()?),
            offset: Offset(parts[3].parse().ok()?),
        })
    }
}

impl Outcome {
    /// For receipts and for metrics; of a refusal without its reason.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Saved => "saved",
            Outcome::Changed => "changed",
            Outcome::Unchanged => "unchanged",
            Outcome::SentBefore => "sent_before",
            Outcome::Refused(_) => "refused",
            Outcome::Pending => "pending",
        }
    }

    /// Refusals are answered at once and need no receipt.
    fn of(word: &str) -> Option<Outcome> {
        let all = [
            Outcome::Saved,
            Outcome::Changed,
            Outcome::Unchanged,
            Outcome::SentBefore,
            Outcome::Pending,
        ];
        all.into_iter().find(|outcome| outcome.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> LinkKeys {
        LinkKeys::parse(&[LinkKeys::generate()]).expect("a key")
    }

    #[test]
    fn a_stamp_is_for_its_request_alone() {
        let keys = keys();
        let stamp = Stamp::new("r1", 7);
        let sealed = stamp.seal(&keys);
        assert_eq!(Stamp::unseal(&keys, &sealed, "r2"), None);
        assert_eq!(Stamp::unseal(&keys, &sealed[1..], "r1"), None);
        let read = Stamp::unseal(&keys, &sealed, "r1").expect("ours");
        assert_eq!(
            read.event_id("reaction", "great"),
            stamp.event_id("reaction", "great")
        );
        assert_ne!(
            stamp.event_id("reaction", "bad"),
            stamp.event_id("reaction", "great")
        );
        let other = Stamp::new("r1", 7);
        assert_ne!(
            other.event_id("reaction", "bad"),
            stamp.event_id("reaction", "bad")
        );
    }

    #[test]
    fn a_receipt_comes_back_as_it_was() {
        let keys = keys();
        let receipt = Receipt {
            request_id: "r1".to_owned(),
            sent: vec![
                Sent {
                    kind: Kind::Reaction("great"),
                    event_id: "survey-1".to_owned(),
                    partition: Partition(3),
                    offset: Offset(u64::MAX),
                },
                Sent {
                    kind: Kind::Comment,
                    event_id: "survey-2".to_owned(),
                    partition: Partition(3),
                    offset: Offset(9),
                },
            ],
            outcome: Outcome::Pending,
            sent_ms: 5,
        };
        let sealed = receipt.seal(&keys);
        assert!(sealed.len() < 500, "{}", sealed.len());
        assert_eq!(Receipt::unseal(&keys, &sealed, "r1"), Some(receipt));
        assert_eq!(Receipt::unseal(&keys, &sealed, "r2"), None);
    }
}
