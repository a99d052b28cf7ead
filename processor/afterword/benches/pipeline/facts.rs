//! Lifelike facts as encoded records: conversations that overlap in time, about twelve facts each.

use afterword_domain::request_id;
use afterword_log::{Record, partition_for};
use afterword_schemas::records::{
    Actor, ActorKind, Channel, ConversationEvent, Format, Origin, Payload, Reaction, Timestamp,
    Visibility,
};
use afterword_schemas::{Framing, encode};

/// How many partitions the facts are spread over.
pub const PARTITIONS: u32 = 2;
const OVERLAP: usize = 500;
const QUESTION: &str = "Hello, since this morning the export of our invoices ends with an error after some seconds. Could you have a look?";
const REPLY: &str = "Thank you for writing in. I can see the export in our logs and am looking into it right now, one moment please.";

/// Facts in log order, each with the record it is.
pub struct Facts {
    pub records: Vec<Record>,
    pub conversations: usize,
    pub bytes: usize,
}

/// Makes the facts of so many conversations.
pub fn lifelike(conversations: usize) -> Facts {
    let mut records = Vec::with_capacity(conversations * 12);
    let mut bytes = 0;
    // Conversations of one group take turns, so that their facts are mixed as in a log.
    for first in (0..conversations).step_by(OVERLAP) {
        let group: Vec<Vec<Record>> = (first..(first + OVERLAP).min(conversations))
            .map(conversation)
            .collect();
        let longest = group.iter().map(Vec::len).max().unwrap_or(0);
        for turn in 0..longest {
            for record in group.iter().filter_map(|records| records.get(turn)) {
                bytes += record.value.as_ref().map_or(0, Vec::len);
                records.push(record.clone());
            }
        }
    }
    Facts {
        records,
        conversations,
        bytes,
    }
}

/// The partition of a record.
pub fn partition(record: &Record) -> afterword_log::Partition {
    partition_for(record.key.as_deref().unwrap_or_default(), PARTITIONS)
}

fn conversation(number: usize) -> Vec<Record> {
    let id = format!("conversation-{number}");
    let (user, mate) = (
        format!("user-{}", number % 9_973),
        format!("teammate-{}", number % 12),
    );
    let customer = Actor {
        kind: ActorKind::User,
        id: &user,
    };
    let teammate = Actor {
        kind: ActorKind::Teammate,
        id: &mate,
    };
    let request = request_id("bench", &id);
    let message = |author, text| Payload::MessageAdded {
        author,
        text,
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    let mut payloads = vec![
        Payload::ConversationStarted {
            origin: Origin::CustomerInitiated,
            initiator: customer,
            channel: Channel::Messenger,
        },
        message(customer, QUESTION),
        Payload::ParticipantJoined {
            participant: teammate,
        },
        message(teammate, REPLY),
    ];
    for turn in 0..2 + number % 5 {
        payloads.push(message(
            if turn % 2 == 0 { customer } else { teammate },
            &QUESTION[..40],
        ));
    }
    payloads.push(message(teammate, "It works again. Anything else?"));
    payloads.push(Payload::ConversationClosed { by: teammate });
    if number.is_multiple_of(3) {
        let reaction = Reaction::ALL[number % 5];
        payloads.push(Payload::ReactionSelected {
            request_id: &request,
            customer_id: &user,
            reaction,
        });
    }
    let at =
        |turn: usize| Timestamp(1_772_000_000_000 + number as i64 * 1_000 + turn as i64 * 60_000);
    let record = |(turn, payload): (usize, &Payload<'_>)| {
        let event_id = format!("event-{number}-{turn}");
        let event = ConversationEvent {
            event_id: &event_id,
            workspace_id: "bench",
            conversation_id: &id,
            occurred_at: at(turn),
            payload: *payload,
        };
        let mut value = Vec::with_capacity(256);
        encode(&event, Framing::SingleObject, &mut value);
        Record::new(id.as_bytes(), value, at(turn).0)
    };
    payloads.iter().enumerate().map(record).collect()
}
