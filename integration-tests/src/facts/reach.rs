//! What logs get to: how often each criterion fails alone, each refusal occurs, each edge is hit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;

use afterword_schemas::records::{EligibilityDecided, Origin, Output, RatingSubmitted};

use super::plan::WEEK_MS;
use super::{Entry, GeneratedLog};
use crate::model::{
    DEFAULT_THRESHOLDS, Folding, NaiveFold, OwnedFact, is_answer, settings_in_force,
};

/// How often each thing, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub counts: BTreeMap<String, usize>,
}

impl Reach {
    /// What a log gets to, as the model folds it.
    #[must_use]
    pub fn of_log(log: &GeneratedLog) -> Self {
        let mut reach = Reach::default();
        reach.count("log");
        let mut fold = NaiveFold::new(DEFAULT_THRESHOLDS);
        let mut seen = BTreeSet::new();
        for entry in log.entries() {
            match entry {
                Entry::Settings(settings) => {
                    let accepted = fold.learn(settings);
                    reach.count(if accepted {
                        "settings"
                    } else {
                        "settings refused"
                    });
                }
                Entry::Poison(_) => reach.count("poison"),
                Entry::Fact(_, fact) => {
                    let folding = fold.fold(fact);
                    reach.count_fact(fact, &folding);
                    let is_again = !seen.insert(&fact.event_id);
                    let is_decided = matches!(folding.outputs[..], [Output::EligibilityDecided(_)]);
                    reach.count_if(is_again && is_decided, "forgotten close decided again");
                    if matches!(folding.outputs[..], [Output::EligibilityDecided(_), ..]) {
                        reach.count_surroundings(fact, &fold);
                    }
                }
            }
        }
        reach
    }

    /// How often; 0 for what never was.
    #[must_use]
    pub fn of(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or(0)
    }

    fn count(&mut self, name: impl Into<String>) {
        *self.counts.entry(name.into()).or_default() += 1;
    }

    fn count_if(&mut self, holds: bool, name: &str) {
        if holds {
            self.count(name);
        }
    }

    fn count_fact(&mut self, fact: &OwnedFact, folding: &Folding) {
        self.count(format!("fact {}", fact.payload.as_payload().kind()));
        for note in &folding.notes {
            self.count(format!("note {note:?}"));
        }
        let is_passed_over = !folding.notes.is_empty();
        self.count_if(
            is_answer(fact) && folding.outputs.is_empty() && !is_passed_over,
            "answer that changes nothing",
        );
        for output in &folding.outputs {
            match output {
                Output::EligibilityDecided(decision) => self.count_decision(decision),
                Output::RatingRequested(request) => {
                    self.count("request");
                    self.count(format!("request to {}", request.customer.kind));
                    self.count(format!("request by {}", request.channel));
                    self.count_if(request.settings_version > 0, "request by own settings");
                }
                Output::RatingSubmitted(submission) => self.count_submission(submission),
                Output::AnswerRefused(refused) => self.count(format!("refused {}", refused.reason)),
            }
        }
    }

    fn count_decision(&mut self, decision: &EligibilityDecided) {
        self.count("decision");
        for criterion in &decision.failed {
            self.count(format!("failed {criterion}"));
        }
        if let [only] = decision.failed[..] {
            self.count(format!("alone {only}"));
        }
        let measured = &decision.measured;
        let customers = measured.customers.min(3);
        self.count(format!("customers {customers}"));
        self.count(format!("closed by {}", measured.closed_by));
        self.count(format!(
            "origin {}",
            measured.origin.map_or("unknown", Origin::symbol)
        ));
        self.count_if(measured.characters == 250, "250 characters");
        self.count_if(!measured.plan, "no plan");
        self.count_if(measured.plan && !measured.live, "switched off");
        match measured.milliseconds_since_last_reply {
            None => self.count("no reply"),
            Some(0) => self.count("in the millisecond of the last reply"),
            Some(WEEK_MS) => self.count("a week since the last reply"),
            Some(since) if since == WEEK_MS + 1 => self.count("a week and a millisecond"),
            Some(since) if since < 0 => self.count("before the last reply"),
            Some(_) => {}
        }
    }

    fn count_submission(&mut self, submission: &RatingSubmitted) {
        self.count("submission");
        self.count(format!("reaction {}", submission.reaction));
        self.count_if(submission.comment.is_some(), "comment");
        self.count_if(submission.after_reopen, "after_reopen");
        self.count_if(
            submission.previous_reaction.is_some() && !submission.locked,
            "reaction changed",
        );
        self.count_if(
            submission.submitted_at < submission.first_rated_at,
            "change earlier than the first reaction",
        );
    }

    /// What a decision's outputs do not tell.
    fn count_surroundings(&mut self, close: &OwnedFact, fold: &NaiveFold) {
        let Some(conversation) = fold.conversation(&close.workspace_id, &close.conversation_id)
        else {
            return;
        };
        let history = conversation.history();
        self.count_if(history.character_sum() == 251, "251 characters");
        let replies = history.teammate_replies();
        let last = replies.iter().map(|reply| reply.at).max();
        let of_last: Vec<&str> = replies
            .iter()
            .filter(|reply| Some(reply.at) == last)
            .map(|reply| reply.author.id.as_str())
            .collect();
        let several = of_last.iter().any(|id| *id != of_last[0]);
        self.count_if(several, "last teammates of one millisecond");
        let settings = settings_in_force(fold.known(), &close.workspace_id, close.occurred_at);
        let at_the_close = settings.effective_from == close.occurred_at;
        self.count_if(at_the_close, "settings in force from the close on");
        let tie = fold.known().iter().any(|each| {
            each.workspace_id == settings.workspace_id
                && each.effective_from == settings.effective_from
                && each.version < settings.version
        });
        self.count_if(tie, "settings in force by their higher version");
    }
}

impl AddAssign for Reach {
    fn add_assign(&mut self, other: Reach) {
        for (name, count) in other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.counts {
            writeln!(f, "{count:>8}  {name}")?;
        }
        Ok(())
    }
}
