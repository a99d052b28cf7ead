//! The fields of a fact as a table, by which the readers of Avro and of JSON go, and the values that they fill in.
//!
//! A test keeps the table equal to `conversation-event.avsc`.

use crate::records::{
    Actor, ActorKind, Channel, ConversationEvent, Format, Origin, Payload, Reaction, Timestamp,
    Visibility,
};

/// A field of a record, as the reader's schema has it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    /// Whether a writer may leave it out. The default itself is what an untouched slot holds.
    pub(crate) has_default: bool,
}

/// What a field's value becomes.
pub(crate) enum Need {
    Id(IdSlot),
    Text,
    OccurredAt,
    Until,
    Symbol(SymbolSlot),
    Record(&'static [Field]),
    Payload,
}

const fn required(name: &'static str, need: Need) -> Field {
    Field {
        name,
        need,
        has_default: false,
    }
}

const fn defaulted(name: &'static str, need: Need) -> Field {
    Field {
        name,
        need,
        has_default: true,
    }
}

pub(crate) const EVENT: &[Field] = &[
    required("event_id", Need::Id(IdSlot::Event)),
    required("workspace_id", Need::Id(IdSlot::Workspace)),
    required("conversation_id", Need::Id(IdSlot::Conversation)),
    required("occurred_at", Need::OccurredAt),
    required("payload", Need::Payload),
];

const ACTOR: &[Field] = &[
    required("kind", Need::Symbol(SymbolSlot::ActorKind)),
    required("id", Need::Id(IdSlot::Actor)),
];

const BY: Field = required("by", Need::Record(ACTOR));
const PARTICIPANT: Field = required("participant", Need::Record(ACTOR));
const REQUEST_ID: Field = required("request_id", Need::Id(IdSlot::Request));
const CUSTOMER_ID: Field = required("customer_id", Need::Id(IdSlot::Customer));

/// The kinds of payload: branches of the reader's union, told apart by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ConversationStarted,
    MessageAdded,
    ParticipantJoined,
    ParticipantLeft,
    ConversationClosed,
    ConversationSnoozed,
    ConversationReopened,
    ConversationDeleted,
    ReactionSelected,
    CommentLeft,
}

pub(crate) const KINDS: &[(&str, Kind, &[Field])] = &[
    (
        "ConversationStarted",
        Kind::ConversationStarted,
        &[
            required("origin", Need::Symbol(SymbolSlot::Origin)),
            required("initiator", Need::Record(ACTOR)),
            required("channel", Need::Symbol(SymbolSlot::Channel)),
        ],
    ),
    (
        "MessageAdded",
        Kind::MessageAdded,
        &[
            required("author", Need::Record(ACTOR)),
            required("text", Need::Text),
            defaulted("format", Need::Symbol(SymbolSlot::Format)),
            defaulted("visibility", Need::Symbol(SymbolSlot::Visibility)),
        ],
    ),
    ("ParticipantJoined", Kind::ParticipantJoined, &[PARTICIPANT]),
    ("ParticipantLeft", Kind::ParticipantLeft, &[PARTICIPANT]),
    ("ConversationClosed", Kind::ConversationClosed, &[BY]),
    (
        "ConversationSnoozed",
        Kind::ConversationSnoozed,
        &[BY, defaulted("until", Need::Until)],
    ),
    ("ConversationReopened", Kind::ConversationReopened, &[BY]),
    ("ConversationDeleted", Kind::ConversationDeleted, &[BY]),
    (
        "ReactionSelected",
        Kind::ReactionSelected,
        &[
            REQUEST_ID,
            CUSTOMER_ID,
            required("reaction", Need::Symbol(SymbolSlot::Reaction)),
        ],
    ),
    (
        "CommentLeft",
        Kind::CommentLeft,
        &[REQUEST_ID, CUSTOMER_ID, required("text", Need::Text)],
    ),
];

/// The ids of a fact. A fact has one actor at most, whatever its field is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IdSlot {
    Event,
    Workspace,
    Conversation,
    Actor,
    Request,
    Customer,
}

impl IdSlot {
    /// How many there are.
    pub(crate) const COUNT: usize = IdSlot::Customer as usize + 1;
}

/// The enums of a fact.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SymbolSlot {
    Origin,
    ActorKind,
    Channel,
    Format,
    Visibility,
    Reaction,
}

/// The values of a fact that are no strings, starting from the defaults of the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    pub(crate) occurred_at: Timestamp,
    pub(crate) until: Option<Timestamp>,
    pub(crate) origin: Origin,
    pub(crate) actor_kind: ActorKind,
    pub(crate) channel: Channel,
    pub(crate) format: Format,
    pub(crate) visibility: Visibility,
    pub(crate) reaction: Reaction,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            occurred_at: Timestamp(0),
            until: None,
            origin: Origin::CustomerInitiated,
            actor_kind: ActorKind::User,
            channel: Channel::Messenger,
            format: Format::Plain,
            visibility: Visibility::Public,
            reaction: Reaction::Terrible,
        }
    }
}

impl Values {
    /// Takes a symbol by its name; false when it is nothing here.
    pub(crate) fn take_symbol(&mut self, slot: SymbolSlot, symbol: &str) -> bool {
        fn take<T>(found: Option<T>, value: &mut T) -> bool {
            found.map(|found| *value = found).is_some()
        }
        match slot {
            SymbolSlot::Origin => take(Origin::from_symbol(symbol), &mut self.origin),
            SymbolSlot::ActorKind => take(ActorKind::from_symbol(symbol), &mut self.actor_kind),
            SymbolSlot::Channel => take(Channel::from_symbol(symbol), &mut self.channel),
            SymbolSlot::Format => take(Format::from_symbol(symbol), &mut self.format),
            SymbolSlot::Visibility => take(Visibility::from_symbol(symbol), &mut self.visibility),
            SymbolSlot::Reaction => take(Reaction::from_symbol(symbol), &mut self.reaction),
        }
    }

    /// The fact of this kind with these ids and this text, once every field has been read.
    #[inline]
    pub(crate) fn event<'a>(
        &self,
        kind: Kind,
        ids: &[&'a str; IdSlot::COUNT],
        text: &'a str,
    ) -> ConversationEvent<'a> {
        let id = |slot: IdSlot| ids[slot as usize];
        let actor = || Actor {
            kind: self.actor_kind,
            id: id(IdSlot::Actor),
        };
        let payload = match kind {
            Kind::ConversationStarted => Payload::ConversationStarted {
                origin: self.origin,
                initiator: actor(),
                channel: self.channel,
            },
            Kind::MessageAdded => Payload::MessageAdded {
                author: actor(),
                text,
                format: self.format,
                visibility: self.visibility,
            },
            Kind::ParticipantJoined => Payload::ParticipantJoined {
                participant: actor(),
            },
            Kind::ParticipantLeft => Payload::ParticipantLeft {
                participant: actor(),
            },
            Kind::ConversationClosed => Payload::ConversationClosed { by: actor() },
            Kind::ConversationSnoozed => Payload::ConversationSnoozed {
                by: actor(),
                until: self.until,
            },
            Kind::ConversationReopened => Payload::ConversationReopened { by: actor() },
            Kind::ConversationDeleted => Payload::ConversationDeleted { by: actor() },
            Kind::ReactionSelected => Payload::ReactionSelected {
                request_id: id(IdSlot::Request),
                customer_id: id(IdSlot::Customer),
                reaction: self.reaction,
            },
            Kind::CommentLeft => Payload::CommentLeft {
                request_id: id(IdSlot::Request),
                customer_id: id(IdSlot::Customer),
                text,
            },
        };
        ConversationEvent {
            event_id: id(IdSlot::Event),
            workspace_id: id(IdSlot::Workspace),
            conversation_id: id(IdSlot::Conversation),
            occurred_at: self.occurred_at,
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordKind;
    use apache_avro::Schema;
    use apache_avro::schema::RecordField;

    fn names(fields: &[Field]) -> Vec<(&str, bool)> {
        fields
            .iter()
            .map(|field| (field.name, field.has_default))
            .collect()
    }

    fn schema_names(fields: &[RecordField]) -> Vec<(&str, bool)> {
        assert!(
            fields.iter().all(|field| field.aliases.is_empty()),
            "aliases are not resolved"
        );
        fields
            .iter()
            .map(|field| (field.name.as_str(), field.default.is_some()))
            .collect()
    }

    #[test]
    fn the_table_is_the_schema() {
        let Schema::Record(event) = RecordKind::ConversationEvent.schema() else {
            panic!("no record")
        };
        assert_eq!(names(EVENT), schema_names(&event.fields));
        let Schema::Union(payload) = &event.fields[4].schema else {
            panic!("no union")
        };
        assert_eq!(payload.variants().len(), KINDS.len());
        for (schema, (name, _, fields)) in payload.variants().iter().zip(KINDS) {
            let Schema::Record(record) = schema else {
                panic!("no record")
            };
            assert_eq!(record.name.name(), *name);
            assert_eq!(names(fields), schema_names(&record.fields), "{name}");
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (index, (_, kind, _)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, index);
            assert_eq!(
                Values::default()
                    .event(*kind, &[""; IdSlot::COUNT], "")
                    .payload
                    .kind_index(),
                index
            );
        }
    }
}
