//! Made-up outputs that are right by the rules: closes, requests, submissions and refusals of a few conversations.

use std::collections::BTreeMap;

use afterword_log::{Log, Partition, Record, Topic, partition_for};
use afterword_schemas::records::{
    ActorKind, AnswerRefused, Channel, Criterion, EligibilityDecided, Measured, Origin, Output,
    OwnedActor, RatingRequested, RatingSubmitted, Reaction, RefusalReason, Thresholds, Timestamp,
    WorkspaceSettings,
};
use afterword_schemas::{Framing, encode};

/// 2026-03-28T12:00:00Z, the day before clocks change in Europe.
pub const NOON: i64 = 1_774_699_200_000;
pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

/// Small numbers from a seed: xorshift64*.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    pub fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// An output with where it goes and what caused it.
#[derive(Clone, Debug)]
pub struct Made {
    pub topic: Topic,
    pub partition: Partition,
    pub source_offset: u64,
    pub index: u32,
    pub output: Output,
}

impl Made {
    pub fn record(&self) -> Record {
        let mut value = Vec::new();
        encode(&self.output, Framing::SingleObject, &mut value);
        let source = format!(
            "conversation-events/{}/{}",
            self.partition, self.source_offset
        );
        Record::new(conversation_of(&self.output), value, 0)
            .with_header("afterword-source", source)
            .with_header("afterword-index", self.index.to_string())
    }
}

pub fn conversation_of(output: &Output) -> &str {
    match output {
        Output::RatingRequested(record) => &record.conversation_id,
        Output::RatingSubmitted(record) => &record.conversation_id,
        Output::EligibilityDecided(record) => &record.conversation_id,
        Output::AnswerRefused(record) => &record.conversation_id,
    }
}

/// Appends these, in their order.
pub fn append(log: &dyn Log, made: &[Made]) {
    for topic in Topic::ALL {
        let records: Vec<_> = made
            .iter()
            .filter(|made| made.topic == topic)
            .map(|made| (made.partition, made.record()))
            .collect();
        if !records.is_empty() {
            log.append(topic, records).unwrap();
        }
    }
}

pub fn append_settings(log: &dyn Log, settings: &WorkspaceSettings) {
    let mut value = Vec::new();
    encode(settings, Framing::SingleObject, &mut value);
    let key = format!("{}/{}", settings.workspace_id, settings.version);
    let record = Record::new(key, value, 0);
    log.append(Topic::WorkspaceSettings, vec![(Partition(0), record)])
        .unwrap();
}

pub fn settings(workspace: &str, version: i64, from: i64, zone: &str) -> WorkspaceSettings {
    WorkspaceSettings {
        workspace_id: workspace.to_owned(),
        version,
        effective_from: Timestamp(from),
        live_for_users: true,
        live_for_leads: true,
        plan_includes_ratings: true,
        time_zone: zone.to_owned(),
        target: None,
        teammate_targets: BTreeMap::new(),
    }
}

/// Writes outputs as the fold would, fact after fact.
pub struct World {
    partitions: u32,
    offsets: BTreeMap<u32, u64>,
    pub made: Vec<Made>,
    rated: BTreeMap<String, RatingSubmitted>,
    asked: BTreeMap<String, RatingRequested>,
}

impl World {
    pub fn new(partitions: u32) -> World {
        World {
            partitions,
            offsets: BTreeMap::new(),
            made: Vec::new(),
            rated: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// What happens after it, with none of its outputs.
    pub fn continued(before: &World) -> World {
        World {
            partitions: before.partitions,
            offsets: before.offsets.clone(),
            made: Vec::new(),
            rated: before.rated.clone(),
            asked: before.asked.clone(),
        }
    }

    /// One fact of this conversation happened, and these are its outputs.
    fn fact(&mut self, conversation: &str, outputs: Vec<Output>) {
        let partition = partition_for(conversation.as_bytes(), self.partitions);
        let next = self.offsets.entry(partition.0).or_default();
        let source_offset = *next;
        *next += 1;
        for (index, output) in outputs.into_iter().enumerate() {
            let topic = match &output {
                Output::RatingRequested(_) => Topic::RatingRequested,
                Output::RatingSubmitted(_) => Topic::RatingSubmitted,
                Output::EligibilityDecided(_) => Topic::EligibilityDecided,
                Output::AnswerRefused(_) => Topic::AnswerRefused,
            };
            let index = index as u32;
            self.made.push(Made {
                topic,
                partition,
                source_offset,
                index,
                output,
            });
        }
    }

    /// A close that was asked about, unless one was before.
    pub fn ask(&mut self, workspace: &str, conversation: &str, teammate: &str, at: i64) {
        let mut decision = decision(workspace, conversation, at);
        decision.teammate_id = Some(teammate.to_owned());
        if self.asked.contains_key(conversation) {
            decision.failed = vec![Criterion::AlreadyRequested];
            decision.measured.already_requested = true;
            return self.fact(conversation, vec![Output::EligibilityDecided(decision)]);
        }
        let request = RatingRequested {
            request_id: format!("r-{workspace}-{conversation}"),
            workspace_id: workspace.to_owned(),
            conversation_id: conversation.to_owned(),
            customer: OwnedActor {
                kind: ActorKind::User,
                id: "u1".to_owned(),
            },
            teammate_id: teammate.to_owned(),
            channel: if conversation.len().is_multiple_of(2) {
                Channel::Email
            } else {
                Channel::Messenger
            },
            requested_at: Timestamp(at),
            settings_version: 0,
        };
        decision.requested = true;
        decision.request_id = Some(request.request_id.clone());
        self.asked.insert(conversation.to_owned(), request.clone());
        let outputs = vec![
            Output::EligibilityDecided(decision),
            Output::RatingRequested(request),
        ];
        self.fact(conversation, outputs);
    }

    /// A close that was not asked about.
    pub fn decline(&mut self, workspace: &str, conversation: &str, failed: &[Criterion], at: i64) {
        let mut decision = decision(workspace, conversation, at);
        decision.failed = failed.to_vec();
        self.fact(conversation, vec![Output::EligibilityDecided(decision)]);
    }

    /// A reaction, or another one; nothing when it is locked, the same, or was never asked for.
    pub fn rate(&mut self, conversation: &str, reaction: Reaction, at: i64) {
        self.submit(conversation, Some(reaction), None, at);
    }

    /// A comment, where one may be left.
    pub fn comment(&mut self, conversation: &str, comment: &str, at: i64) {
        self.submit(conversation, None, Some(comment), at);
    }

    fn submit(
        &mut self,
        conversation: &str,
        reaction: Option<Reaction>,
        comment: Option<&str>,
        at: i64,
    ) {
        let Some(request) = self.asked.get(conversation) else {
            return;
        };
        let before = self.rated.get(conversation);
        let locked = before.is_some_and(|before| before.locked);
        let previous = before.map(|before| before.reaction);
        let Some(reaction_now) = reaction.or(previous) else {
            return;
        };
        if locked || (comment.is_none() && previous == Some(reaction_now)) {
            return;
        }
        let submission = RatingSubmitted {
            request_id: request.request_id.clone(),
            workspace_id: request.workspace_id.clone(),
            conversation_id: conversation.to_owned(),
            customer: request.customer.clone(),
            teammate_id: request.teammate_id.clone(),
            channel: request.channel,
            requested_at: request.requested_at,
            first_rated_at: before.map_or(Timestamp(at), |before| before.first_rated_at),
            submitted_at: Timestamp(at),
            revision: before.map_or(1, |before| before.revision + 1),
            previous_reaction: previous,
            reaction: reaction_now,
            comment: comment.map(str::to_owned),
            locked: comment.is_some(),
            after_reopen: false,
        };
        self.rated
            .insert(conversation.to_owned(), submission.clone());
        self.fact(conversation, vec![Output::RatingSubmitted(submission)]);
    }

    /// An answer that was refused.
    pub fn refuse(&mut self, workspace: &str, conversation: &str, reason: RefusalReason, at: i64) {
        let event = self.made.len();
        let refusal = AnswerRefused {
            request_id: format!("r-{workspace}-{conversation}"),
            workspace_id: workspace.to_owned(),
            conversation_id: conversation.to_owned(),
            event_id: format!("e{event}"),
            reason,
            refused_at: Timestamp(at),
        };
        self.fact(conversation, vec![Output::AnswerRefused(refusal)]);
    }

    /// So many facts about some conversations, as the dice fall, over two weeks around a clock change.
    pub fn random(&mut self, dice: &mut Dice, conversations: usize, facts: usize) {
        let workspaces = ["w1", "w/2%"];
        let teammates = ["ann", "b/o%b", "çağla"];
        for _ in 0..facts {
            let number = dice.below(conversations);
            let (workspace, conversation) = (workspaces[number % 2], format!("c{number}"));
            let at = NOON + dice.below(14 * 24 * 60) as i64 * 60_000 - 7 * DAY;
            match dice.below(10) {
                0..=2 => self.ask(workspace, &conversation, dice.of::<&str>(&teammates), at),
                3 => {
                    let failed = [Criterion::TooShort, Criterion::OriginNotCustomer];
                    self.decline(workspace, &conversation, &failed[dice.below(2)..], at);
                }
                4 => self.refuse(workspace, &conversation, RefusalReason::Locked, at),
                5 => self.comment(&conversation, "so so", at),
                _ => self.rate(&conversation, *dice.of(Reaction::ALL), at),
            }
        }
    }
}

/// A decision with everything in order.
pub fn decision(workspace: &str, conversation: &str, at: i64) -> EligibilityDecided {
    EligibilityDecided {
        workspace_id: workspace.to_owned(),
        conversation_id: conversation.to_owned(),
        decided_at: Timestamp(at),
        requested: false,
        failed: Vec::new(),
        measured: Measured {
            closed_by: ActorKind::Teammate,
            plan: true,
            live: true,
            audience: Some(ActorKind::User),
            customers: 1,
            teammate_replied: true,
            characters: 251,
            milliseconds_since_last_reply: Some(-5),
            origin: Some(Origin::CustomerInitiated),
            already_requested: false,
        },
        thresholds: Thresholds {
            characters: 250,
            milliseconds: 604_800_000,
        },
        rules_version: 1,
        settings_version: 0,
        teammate_id: None,
        request_id: None,
    }
}
