//! Whether what came out is what a scenario states: nothing missing, nothing more, field by field.

use std::fmt::Debug;

use afterword_schemas::records::{
    ActorKind, Criterion, EligibilityDecided, Output, RatingRequested, RatingSubmitted,
};

use super::{Detail, ExpectedOutput, FactStep, OwnedPayload, Scenario, ScenarioError};
use crate::{Note, RULES_VERSION, Rules, request_id};

/// Checks a scenario's outputs, fact by fact, and remembers what later ones must agree with.
///
/// Beside what a scenario states it checks what holds in all of them: ids and times are those of the facts, thresholds are the
/// default, the codes of a decision agree with what it measured, and the submissions of a rating, folded in order, give it.
#[derive(Debug)]
pub struct Checker<'a> {
    scenario: &'a Scenario,
    request: Option<RatingRequested>,
    last: Option<RatingSubmitted>,
}

type Checked = Result<(), String>;

fn same<T: PartialEq + Debug>(what: &str, expected: T, found: T) -> Checked {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, found {found:?}"))
}

impl<'a> Checker<'a> {
    #[must_use]
    pub fn new(scenario: &'a Scenario) -> Self {
        Checker {
            scenario,
            request: None,
            last: None,
        }
    }

    /// Checks everything that a fact brought about, in its order.
    ///
    /// # Errors
    /// [`ScenarioError`] with the fact's line, what was expected and what was found.
    pub fn check(&mut self, step: &FactStep, outputs: &[Output]) -> Result<(), ScenarioError> {
        self.check_outputs(step, outputs).map_err(|message| {
            let found = if outputs.is_empty() {
                String::new()
            } else {
                format!("\n  found {outputs:#?}")
            };
            self.error(step, format!("{message}{found}"))
        })
    }

    /// Checks the notes that a fact left, for a runner that sees them.
    ///
    /// # Errors
    /// [`ScenarioError`] with the fact's line, what was expected and what was found.
    pub fn check_notes(&self, step: &FactStep, notes: &[Note]) -> Result<(), ScenarioError> {
        same("counted", step.expected.counted.as_slice(), notes)
            .map_err(|message| self.error(step, message))
    }

    fn error(&self, step: &FactStep, message: String) -> ScenarioError {
        let Scenario { file, title, .. } = self.scenario;
        ScenarioError {
            file: file.clone(),
            line: step.line,
            message: format!("{title}: {message}"),
        }
    }

    fn check_outputs(&mut self, step: &FactStep, outputs: &[Output]) -> Checked {
        let mut outputs = outputs.iter();
        for expected in &step.expected.outputs {
            self.check_one(step, expected, &mut outputs)?;
        }
        match outputs.next() {
            None => Ok(()),
            Some(_) => Err("an output that is not stated".to_owned()),
        }
    }

    fn check_one<'o>(
        &mut self,
        step: &FactStep,
        expected: &ExpectedOutput,
        outputs: &mut impl Iterator<Item = &'o Output>,
    ) -> Checked {
        match (expected, outputs.next()) {
            (
                ExpectedOutput::Asked {
                    customer_id,
                    teammate_id,
                    details,
                },
                Some(Output::EligibilityDecided(decision)),
            ) => {
                same("failed", &[][..], decision.failed.as_slice())?;
                self.check_decision(step, decision, details)?;
                let Some(Output::RatingRequested(request)) = outputs.next() else {
                    return Err("expected a request after its decision".to_owned());
                };
                same("customer", customer_id, &request.customer.id)?;
                same("teammate", teammate_id, &request.teammate_id)?;
                self.check_request(step, decision, request, details)
            }
            (
                ExpectedOutput::NotAsked { failed, details },
                Some(Output::EligibilityDecided(decision)),
            ) => {
                same("failed", failed, &decision.failed)?;
                self.check_decision(step, decision, details)
            }
            (
                ExpectedOutput::Rated {
                    reaction,
                    comment,
                    details,
                },
                Some(Output::RatingSubmitted(submitted)),
            ) => {
                same("reaction", *reaction, submitted.reaction)?;
                same("comment", comment, &submitted.comment)?;
                self.check_submission(step, submitted, details)
            }
            (ExpectedOutput::Refused { reason }, Some(Output::AnswerRefused(refused))) => {
                same("reason", *reason, refused.reason)?;
                same(
                    "workspace",
                    &self.scenario.workspace_id,
                    &refused.workspace_id,
                )?;
                same(
                    "conversation",
                    &self.scenario.conversation_id,
                    &refused.conversation_id,
                )?;
                same("event", &step.fact.event_id, &refused.event_id)?;
                same(
                    "request",
                    answered_request(&step.fact.payload),
                    Some(refused.request_id.as_str()),
                )?;
                same("refused_at", step.fact.occurred_at, refused.refused_at)
            }
            (expected, found) => Err(format!("expected {expected:?}, found {found:?}")),
        }
    }

    fn request_id(&self) -> String {
        request_id(&self.scenario.workspace_id, &self.scenario.conversation_id)
    }

    fn check_decision(
        &self,
        step: &FactStep,
        decision: &EligibilityDecided,
        details: &[Detail],
    ) -> Checked {
        let requested = decision.failed.is_empty();
        same(
            "workspace",
            &self.scenario.workspace_id,
            &decision.workspace_id,
        )?;
        same(
            "conversation",
            &self.scenario.conversation_id,
            &decision.conversation_id,
        )?;
        same("decided_at", step.fact.occurred_at, decision.decided_at)?;
        same("requested", requested, decision.requested)?;
        same(
            "request_id",
            requested.then(|| self.request_id()),
            decision.request_id.clone(),
        )?;
        same(
            "thresholds",
            Rules::default().thresholds,
            decision.thresholds,
        )?;
        same("rules_version", RULES_VERSION, decision.rules_version)?;
        let measured = &decision.measured;
        same(
            "teammate_replied",
            decision.teammate_id.is_some(),
            measured.teammate_replied,
        )?;
        same(
            "already_requested",
            self.request.is_some(),
            measured.already_requested,
        )?;
        same(
            "whether there is an audience",
            measured.customers == 1,
            measured.audience.is_some(),
        )?;
        check_codes(decision)?;
        details
            .iter()
            .try_for_each(|detail| check_decision_detail(detail, decision))
    }

    fn check_request(
        &mut self,
        step: &FactStep,
        decision: &EligibilityDecided,
        request: &RatingRequested,
        details: &[Detail],
    ) -> Checked {
        same("a request before", None, self.request.take())?;
        same("request_id", &self.request_id(), &request.request_id)?;
        same(
            "workspace",
            &self.scenario.workspace_id,
            &request.workspace_id,
        )?;
        same(
            "conversation",
            &self.scenario.conversation_id,
            &request.conversation_id,
        )?;
        same("requested_at", step.fact.occurred_at, request.requested_at)?;
        same(
            "settings_version",
            decision.settings_version,
            request.settings_version,
        )?;
        same(
            "teammate",
            decision.teammate_id.as_ref(),
            Some(&request.teammate_id),
        )?;
        same(
            "audience",
            decision.measured.audience,
            Some(request.customer.kind),
        )?;
        for detail in details {
            match detail {
                Detail::Kind(kind) => same("kind", *kind, request.customer.kind)?,
                Detail::Channel(channel) => same("channel", *channel, request.channel)?,
                _ => {}
            }
        }
        self.request = Some(request.clone());
        Ok(())
    }

    fn check_submission(
        &mut self,
        step: &FactStep,
        submitted: &RatingSubmitted,
        details: &[Detail],
    ) -> Checked {
        let request = self
            .request
            .as_ref()
            .ok_or("a submission without a request")?;
        same("request_id", &request.request_id, &submitted.request_id)?;
        same("workspace", &request.workspace_id, &submitted.workspace_id)?;
        same(
            "conversation",
            &request.conversation_id,
            &submitted.conversation_id,
        )?;
        same("customer", &request.customer, &submitted.customer)?;
        same("teammate", &request.teammate_id, &submitted.teammate_id)?;
        same("channel", request.channel, submitted.channel)?;
        same("requested_at", request.requested_at, submitted.requested_at)?;
        same(
            "submitted_at",
            step.fact.occurred_at,
            submitted.submitted_at,
        )?;
        let last = self.last.as_ref();
        same(
            "revision",
            last.map_or(1, |last| last.revision + 1),
            submitted.revision,
        )?;
        same(
            "the reaction before",
            last.map(|last| last.reaction),
            submitted.previous_reaction,
        )?;
        let first_rated_at = last.map_or(submitted.submitted_at, |last| last.first_rated_at);
        same("first_rated_at", first_rated_at, submitted.first_rated_at)?;
        same(
            "a submission after a comment",
            false,
            last.is_some_and(|last| last.locked),
        )?;
        same("locked", submitted.comment.is_some(), submitted.locked)?;
        if submitted.comment.is_some() {
            same(
                "the reaction of a comment",
                submitted.previous_reaction,
                Some(submitted.reaction),
            )?;
        }
        let after_reopen = details.contains(&Detail::AfterReopen(true));
        same("after_reopen", after_reopen, submitted.after_reopen)?;
        for detail in details {
            match detail {
                Detail::Revision(revision) => {
                    same("revision", *revision, submitted.revision.into())?
                }
                Detail::Before(before) => same("before", *before, submitted.previous_reaction)?,
                Detail::FirstRated(at) => same("first_rated", *at, submitted.first_rated_at)?,
                Detail::Kind(kind) => same("kind", *kind, submitted.customer.kind)?,
                Detail::Channel(channel) => same("channel", *channel, submitted.channel)?,
                _ => {}
            }
        }
        self.last = Some(submitted.clone());
        Ok(())
    }
}

fn answered_request(payload: &OwnedPayload) -> Option<&str> {
    match payload {
        OwnedPayload::ReactionSelected { request_id, .. }
        | OwnedPayload::CommentLeft { request_id, .. } => Some(request_id),
        _ => None,
    }
}

/// Each code that follows from what was measured, written down a second time on purpose.
fn check_codes(decision: &EligibilityDecided) -> Checked {
    let m = &decision.measured;
    let since = m.milliseconds_since_last_reply;
    let failures = [
        (Criterion::NotLive, !m.live),
        (
            Criterion::ClosedByNonTeammate,
            m.closed_by != ActorKind::Teammate,
        ),
        (Criterion::NoCustomer, m.customers == 0),
        (Criterion::NoTeammateReply, !m.teammate_replied),
        (Criterion::TooShort, m.characters <= 250),
        (
            Criterion::Stale,
            since.is_some_and(|ms| ms > 7 * 24 * 60 * 60 * 1_000),
        ),
        (Criterion::GroupConversation, m.customers > 1),
        (Criterion::AlreadyRequested, m.already_requested),
    ];
    for (code, failed) in failures {
        same(code.symbol(), failed, decision.failed.contains(&code))?;
    }
    same(
        "whether the sum stops at 251",
        true,
        (0..=251).contains(&m.characters),
    )?;
    same(
        "the codes in their order",
        true,
        decision.failed.is_sorted(),
    )
}

fn check_decision_detail(detail: &Detail, decision: &EligibilityDecided) -> Checked {
    let m = &decision.measured;
    match detail {
        Detail::ClosedBy(kind) => same("closed_by", *kind, m.closed_by),
        Detail::Plan(plan) => same("plan", *plan, m.plan),
        Detail::Live(live) => same("live", *live, m.live),
        Detail::Audience(kind) => same("audience", *kind, m.audience),
        Detail::Customers(customers) => same("customers", *customers, m.customers.into()),
        Detail::TeammateReplied(replied) => same("teammate_replied", *replied, m.teammate_replied),
        Detail::Characters(characters) => same("characters", *characters, m.characters.into()),
        Detail::SinceLastReply(ms) => {
            same("since_last_reply", *ms, m.milliseconds_since_last_reply)
        }
        Detail::Origin(origin) => same("origin", *origin, m.origin),
        Detail::AlreadyRequested(already) => {
            same("already_requested", *already, m.already_requested)
        }
        Detail::Settings(version) => same("settings", *version, decision.settings_version),
        Detail::LastTeammate(id) => same("last_teammate", id, &decision.teammate_id),
        _ => Ok(()),
    }
}
