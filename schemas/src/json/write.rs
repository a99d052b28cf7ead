//! From records to JSON objects.

use super::time::write_time;
use crate::encode::Record;
use crate::records::{
    Actor, AnswerRefused, ConversationEvent, EligibilityDecided, Measured, Output, OwnedActor,
    Payload, RatingRequested, RatingSubmitted, Target, TeammateScorecard, Timestamp,
    WorkspaceSettings,
};

/// Where a record comes from: a member that `tail` adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// An output's place among those of one fact, from 0; left out when there is none.
    pub index: Option<u32>,
}

/// Appends `record` as one flat JSON object without a line feed: `type` first, then every field in the order of the schema,
/// then `source` when there is one. Times are RFC 3339 with milliseconds and Z (see [`write_time`]).
pub fn write(record: &impl Record, source: Option<&Source<'_>>, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    object.string("type", record.json_type());
    record.write_members(&mut object);
    if let Some(source) = source {
        object.object("source", |inner| {
            inner.string("topic", source.topic);
            inner.integer("partition", source.partition);
            inner.integer("offset", source.offset);
            if let Some(index) = source.index {
                inner.integer("index", index);
            }
        });
    }
    object.end();
}

/// A record's members. Nobody outside can name, and so implement, this.
pub trait JsonMembers {
    /// Writes every field.
    fn write_members(&self, object: &mut Object<'_>);
}

/// A JSON object that is being written.
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    fn end(self) {
        self.out.push(b'}');
    }

    /// Begins a member, and says where its value goes.
    fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        write_string(name, self.out);
        self.out.push(b':');
        self.out
    }

    fn string(&mut self, name: &str, text: &str) {
        write_string(text, self.member(name));
    }

    fn integer(&mut self, name: &str, value: impl Into<i64>) {
        let digits = value.into().to_string();
        self.member(name).extend_from_slice(digits.as_bytes());
    }

    fn double(&mut self, name: &str, value: f64) {
        serde_json::to_writer(self.member(name), &value).expect("a vector takes everything");
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.member(name)
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn time(&mut self, name: &str, time: Timestamp) {
        write_time(time, self.member(name));
    }

    fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let mut inner = Object::begin(self.member(name));
        write(&mut inner);
        inner.end();
    }

    fn nullable<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        write: impl FnOnce(&mut Self, &str, T),
    ) {
        match value {
            Some(value) => write(self, name, value),
            None => self.member(name).extend_from_slice(b"null"),
        }
    }

    fn actor(&mut self, name: &str, actor: Actor<'_>) {
        self.object(name, |inner| {
            inner.string("kind", actor.kind.symbol());
            inner.string("id", actor.id);
        });
    }

    fn owned_actor(&mut self, name: &str, owned: &OwnedActor) {
        self.actor(
            name,
            Actor {
                kind: owned.kind,
                id: &owned.id,
            },
        );
    }

    fn target(&mut self, name: &str, target: Target) {
        self.object(name, |inner| {
            inner.double("positive_share", target.positive_share);
            inner.integer("minimum_ratings", target.minimum_ratings);
        });
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a vector takes everything");
}

impl JsonMembers for ConversationEvent<'_> {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("event_id", self.event_id);
        object.string("workspace_id", self.workspace_id);
        object.string("conversation_id", self.conversation_id);
        object.time("occurred_at", self.occurred_at);
        match &self.payload {
            Payload::ConversationStarted {
                origin,
                initiator,
                channel,
            } => {
                object.string("origin", origin.symbol());
                object.actor("initiator", *initiator);
                object.string("channel", channel.symbol());
            }
            Payload::MessageAdded {
                author,
                text,
                format,
                visibility,
            } => {
                object.actor("author", *author);
                object.string("text", text);
                object.string("format", format.symbol());
                object.string("visibility", visibility.symbol());
            }
            Payload::ParticipantJoined { participant }
            | Payload::ParticipantLeft { participant } => {
                object.actor("participant", *participant);
            }
            Payload::ConversationClosed { by }
            | Payload::ConversationReopened { by }
            | Payload::ConversationDeleted { by } => object.actor("by", *by),
            Payload::ConversationSnoozed { by, until } => {
                object.actor("by", *by);
                object.nullable("until", *until, Object::time);
            }
            Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            } => {
                object.string("request_id", request_id);
                object.string("customer_id", customer_id);
                object.string("reaction", reaction.symbol());
            }
            Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            } => {
                object.string("request_id", request_id);
                object.string("customer_id", customer_id);
                object.string("text", text);
            }
        }
    }
}

impl JsonMembers for RatingRequested {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("request_id", &self.request_id);
        object.string("workspace_id", &self.workspace_id);
        object.string("conversation_id", &self.conversation_id);
        object.owned_actor("customer", &self.customer);
        object.string("teammate_id", &self.teammate_id);
        object.string("channel", self.channel.symbol());
        object.time("requested_at", self.requested_at);
        object.integer("settings_version", self.settings_version);
    }
}

impl JsonMembers for RatingSubmitted {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("request_id", &self.request_id);
        object.string("workspace_id", &self.workspace_id);
        object.string("conversation_id", &self.conversation_id);
        object.owned_actor("customer", &self.customer);
        object.string("teammate_id", &self.teammate_id);
        object.string("channel", self.channel.symbol());
        object.time("requested_at", self.requested_at);
        object.time("first_rated_at", self.first_rated_at);
        object.time("submitted_at", self.submitted_at);
        object.integer("revision", self.revision);
        object.nullable(
            "previous_reaction",
            self.previous_reaction,
            |object, name, reaction| {
                object.string(name, reaction.symbol());
            },
        );
        object.string("reaction", self.reaction.symbol());
        object.nullable("comment", self.comment.as_deref(), Object::string);
        object.boolean("locked", self.locked);
        object.boolean("after_reopen", self.after_reopen);
    }
}

impl JsonMembers for EligibilityDecided {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("workspace_id", &self.workspace_id);
        object.string("conversation_id", &self.conversation_id);
        object.time("decided_at", self.decided_at);
        object.boolean("requested", self.requested);
        let failed = self
            .failed
            .iter()
            .map(|criterion| format!("\"{criterion}\""))
            .collect::<Vec<_>>()
            .join(",");
        object
            .member("failed")
            .extend_from_slice(format!("[{failed}]").as_bytes());
        object.object("measured", |inner| measured(&self.measured, inner));
        object.object("thresholds", |inner| {
            inner.integer("characters", self.thresholds.characters);
            inner.integer("milliseconds", self.thresholds.milliseconds);
        });
        object.integer("rules_version", self.rules_version);
        object.integer("settings_version", self.settings_version);
        object.nullable("teammate_id", self.teammate_id.as_deref(), Object::string);
        object.nullable("request_id", self.request_id.as_deref(), Object::string);
    }
}

fn measured(measured: &Measured, object: &mut Object<'_>) {
    object.string("closed_by", measured.closed_by.symbol());
    object.boolean("plan", measured.plan);
    object.boolean("live", measured.live);
    object.nullable("audience", measured.audience, |object, name, kind| {
        object.string(name, kind.symbol())
    });
    object.integer("customers", measured.customers);
    object.boolean("teammate_replied", measured.teammate_replied);
    object.integer("characters", measured.characters);
    object.nullable(
        "milliseconds_since_last_reply",
        measured.milliseconds_since_last_reply,
        Object::integer,
    );
    object.string(
        "origin",
        measured.origin.map_or("unknown", |origin| origin.symbol()),
    );
    object.boolean("already_requested", measured.already_requested);
}

impl JsonMembers for AnswerRefused {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("request_id", &self.request_id);
        object.string("conversation_id", &self.conversation_id);
        object.string("workspace_id", &self.workspace_id);
        object.string("event_id", &self.event_id);
        object.string("reason", self.reason.symbol());
        object.time("refused_at", self.refused_at);
    }
}

impl JsonMembers for WorkspaceSettings {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("workspace_id", &self.workspace_id);
        object.integer("version", self.version);
        object.time("effective_from", self.effective_from);
        object.boolean("live_for_users", self.live_for_users);
        object.boolean("live_for_leads", self.live_for_leads);
        object.boolean("plan_includes_ratings", self.plan_includes_ratings);
        object.string("time_zone", &self.time_zone);
        object.nullable("target", self.target, Object::target);
        object.object("teammate_targets", |inner| {
            for (teammate, target) in &self.teammate_targets {
                inner.target(teammate, *target);
            }
        });
    }
}

impl JsonMembers for TeammateScorecard {
    fn write_members(&self, object: &mut Object<'_>) {
        object.string("workspace_id", &self.workspace_id);
        object.string("teammate_id", &self.teammate_id);
        object.string("day", &self.day);
        object.integer("requests", self.requests);
        object.integer("requests_answered", self.requests_answered);
        object.integer("terrible", self.terrible);
        object.integer("bad", self.bad);
        object.integer("ok", self.ok);
        object.integer("great", self.great);
        object.integer("amazing", self.amazing);
        object.integer("comments", self.comments);
        object.integer("revision", self.revision);
    }
}

impl JsonMembers for Output {
    fn write_members(&self, object: &mut Object<'_>) {
        match self {
            Output::EligibilityDecided(record) => record.write_members(object),
            Output::RatingRequested(record) => record.write_members(object),
            Output::RatingSubmitted(record) => record.write_members(object),
            Output::AnswerRefused(record) => record.write_members(object),
        }
    }
}
