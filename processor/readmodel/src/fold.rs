//! One transaction's outputs folded into rows, in memory. It needs the rows of the requests that they are about, and the days
//! of the workspaces' zones; what it makes is written by `apply.rs`.

use std::collections::HashMap;

use afterword_schemas::records::{
    AnswerRefused, Criterion, EligibilityDecided, Output, RatingRequested, RatingSubmitted,
    Reaction,
};

use crate::deliveries::Queued;
use crate::error::ReadModelError;
use crate::figures::closes::Closes;
use crate::figures::sums::Changes;
use crate::output::{Source, Sourced, place};
use crate::request::{Request, Sent};
use crate::settings::Zones;

/// A close's decision and its day.
#[derive(Debug)]
pub(crate) struct Decision {
    pub source: Source,
    pub day: String,
    pub decided: EligibilityDecided,
}

/// Workspace, day, and exactly which criteria failed.
pub(crate) type FunnelKey = (String, String, i64);

/// How many closes, and how many of them were followed by a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FunnelSums {
    pub decided: i64,
    pub requested: i64,
}

/// What one transaction writes.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// The requests that the outputs are about, and whether they changed. Filled with the stored ones before folding.
    pub requests: HashMap<String, (Request, bool)>,
    pub submissions: Vec<(Source, RatingSubmitted)>,
    pub decisions: Vec<Decision>,
    pub refusals: Vec<(Source, AnswerRefused)>,
    pub sums: Changes,
    pub closes: Closes,
    /// Mails and webhooks to be sent.
    pub deliveries: Vec<Queued>,
    /// Submissions with a revision that the row has already.
    pub revisions_repeated: u64,
}

/// The criteria as bits, in the order of the rules.
pub(crate) fn mask(failed: &[Criterion]) -> i64 {
    failed
        .iter()
        .fold(0, |mask, criterion| mask | 1 << *criterion as i64)
}

impl Fold {
    /// Folds outputs of one topic partition in their order; those of different topics in any.
    pub fn all(&mut self, outputs: Vec<Sourced>, zones: &Zones) -> Result<(), ReadModelError> {
        for sourced in outputs {
            let (source, topic, at) = (sourced.source, sourced.topic, sourced.at);
            match sourced.output {
                Output::RatingRequested(requested) => self.requested(source, &requested, zones),
                Output::RatingSubmitted(submitted) => {
                    let folded = self.submitted(source, submitted, zones);
                    folded.map_err(|why| {
                        let place = place(topic, at, source);
                        ReadModelError::Stop(format!("{place}: {why}"))
                    })?;
                }
                Output::EligibilityDecided(decided) => self.decided(source, decided, zones),
                Output::AnswerRefused(refused) => self.refusals.push((source, refused)),
            }
        }
        Ok(())
    }

    fn requested(&mut self, source: Source, requested: &RatingRequested, zones: &Zones) {
        let sent = Sent {
            settings_version: requested.settings_version,
            source,
        };
        let made = || {
            let day = zones.day(&requested.workspace_id, requested.requested_at.0);
            Request::of_request(requested, day)
        };
        let (request, changed) = Self::entry(
            &mut self.requests,
            &mut self.sums,
            &requested.request_id,
            made,
        );
        // A request is sent once; a second record of it (headers lost, a log restored) says nothing new.
        if request.sent.is_none() {
            *changed = true;
            self.deliveries.extend(Queued::of_request(requested));
        }
        request.sent.get_or_insert(sent);
    }

    /// The row, made when there is none: then its request is counted, whichever record told of it.
    fn entry<'a>(
        requests: &'a mut HashMap<String, (Request, bool)>,
        sums: &mut Changes,
        request_id: &str,
        made: impl FnOnce() -> Request,
    ) -> (&'a mut Request, &'a mut bool) {
        let entry = requests.entry(request_id.to_owned()).or_insert_with(|| {
            let request = made();
            sums.of(&request, &request.requested_day).requests += 1;
            (request, true)
        });
        (&mut entry.0, &mut entry.1)
    }

    fn submitted(
        &mut self,
        source: Source,
        submitted: RatingSubmitted,
        zones: &Zones,
    ) -> Result<(), String> {
        let made = || {
            let day = zones.day(&submitted.workspace_id, submitted.requested_at.0);
            Request::of_submission(&submitted, day)
        };
        let sums = &mut self.sums;
        let (request, changed) = Self::entry(&mut self.requests, sums, &submitted.request_id, made);
        let expected = request.next_revision();
        let found = i64::from(submitted.revision);
        if found < expected {
            self.revisions_repeated += 1;
            return Ok(());
        }
        let before = request.rating.as_ref().map(|rating| rating.reaction);
        if found > expected || submitted.previous_reaction != before {
            return Err(format!(
                "expected revision {expected} of request {} after reaction {}, found revision {found} after {}: \
                 a submission is missing from the log",
                submitted.request_id,
                symbol(before),
                symbol(submitted.previous_reaction),
            ));
        }
        let day = || zones.day(&submitted.workspace_id, submitted.first_rated_at.0);
        let rating = request.rated(&submitted, day);
        sums.count(request, &rating);
        request.rating = Some(rating);
        *changed = true;
        self.deliveries.push(Queued::of_submission(&submitted));
        self.submissions.push((source, submitted));
        Ok(())
    }

    fn decided(&mut self, source: Source, decided: EligibilityDecided, zones: &Zones) {
        let day = zones.day(&decided.workspace_id, decided.decided_at.0);
        self.closes.count(&decided, &day);
        self.decisions.push(Decision {
            source,
            day,
            decided,
        });
    }
}

fn symbol(reaction: Option<Reaction>) -> &'static str {
    reaction.map_or("none", Reaction::symbol)
}
