//! What must hold of a conversation's outputs whatever the fold says.

use afterword_log::Offset;
use afterword_schemas::records::Output;

use super::pass::Held;
use super::report::Kind;

/// One request a conversation, no rating without it, revisions one after the other.
/// Where outputs are not those of the fold that is told already, and this would only follow from it.
pub fn follow(held: &mut Held, source: Offset, output: &Output) -> Option<(Kind, String)> {
    if held.is_told {
        return None;
    }
    match output {
        Output::RatingRequested(_) => {
            let before = held.asked.replace(source)?;
            let detail = format!("the conversation was asked before, at fact {before}");
            Some((Kind::AskedTwice, detail))
        }
        Output::RatingSubmitted(submitted) => {
            let expected = held.revision + 1;
            held.revision = submitted.revision;
            if held.asked.is_none() {
                let detail = "no request of the conversation stands before it".to_owned();
                return Some((Kind::WithoutRequest, detail));
            }
            let detail = format!("expected revision {expected}, found {}", submitted.revision);
            (submitted.revision != expected).then_some((Kind::Revision, detail))
        }
        Output::EligibilityDecided(_) | Output::AnswerRefused(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use afterword_schemas::records::{
        ActorKind, Channel, OwnedActor, RatingRequested, RatingSubmitted, Reaction, Timestamp,
    };

    fn customer() -> OwnedActor {
        OwnedActor {
            kind: ActorKind::User,
            id: "u".to_owned(),
        }
    }

    fn requested() -> Output {
        Output::RatingRequested(RatingRequested {
            request_id: "r".to_owned(),
            workspace_id: "w".to_owned(),
            conversation_id: "c".to_owned(),
            customer: customer(),
            teammate_id: "t".to_owned(),
            channel: Channel::Email,
            requested_at: Timestamp(0),
            settings_version: 0,
        })
    }

    fn submitted(revision: i32) -> Output {
        Output::RatingSubmitted(RatingSubmitted {
            request_id: "r".to_owned(),
            workspace_id: "w".to_owned(),
            conversation_id: "c".to_owned(),
            customer: customer(),
            teammate_id: "t".to_owned(),
            channel: Channel::Email,
            requested_at: Timestamp(0),
            first_rated_at: Timestamp(0),
            submitted_at: Timestamp(0),
            revision,
            previous_reaction: None,
            reaction: Reaction::Ok,
            comment: None,
            locked: false,
            after_reopen: false,
        })
    }

    /// What a fold that was wrong itself would bring about.
    #[test]
    fn what_no_fold_may_give_is_found_without_one() {
        let kinds = |outputs: &[Output]| -> Vec<Kind> {
            let mut held = Held::default();
            let found = (0..).map(Offset).zip(outputs);
            found
                .filter_map(|(source, output)| follow(&mut held, source, output))
                .map(|(kind, _)| kind)
                .collect()
        };
        assert_eq!(kinds(&[requested(), submitted(1), submitted(2)]), []);
        assert_eq!(kinds(&[requested(), requested()]), [Kind::AskedTwice]);
        assert_eq!(kinds(&[submitted(1)]), [Kind::WithoutRequest]);
        assert_eq!(kinds(&[requested(), submitted(2)]), [Kind::Revision]);
        let repeated = [requested(), submitted(1), submitted(1)];
        assert_eq!(kinds(&repeated), [Kind::Revision]);
    }
}
