//! What the projector queues. It needs no configuration for that: a request in a conversation by email is always a mail to be
//! sent, and every request and submission always an event. Who is told of an event is decided where endpoints are known, when
//! it is shared out; where nobody is told, the row goes again. So projectors and deliverers on different machines cannot
//! disagree about what is queued.

use afterword_schemas::records::{Channel, RatingRequested, RatingSubmitted};

use super::{DeliveryState, EventKind, Lane};
use crate::sql::{Row, Table, Values};

/// What was sent once is not queued again by a repetition, so a row that is there stays.
pub(crate) const QUEUED: Table = Table {
    name: "deliveries",
    columns: COLUMNS,
    conflict: "ON CONFLICT (delivery_id) DO NOTHING",
};

pub(crate) const COLUMNS: &[&str] = &[
    "delivery_id",
    "lane",
    "workspace_id",
    "customer_id",
    "request_id",
    "revision",
    "counted_from",
    "state",
    "due_at",
    "claim",
    "attempts",
    "finished_at",
    "detail",
];

/// A delivery that has not been tried.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub delivery_id: String,
    pub lane: Lane,
    pub workspace_id: String,
    pub customer_id: String,
    pub request_id: String,
    /// 0: the request.
    pub revision: i64,
    pub counted_from: i64,
}

impl Queued {
    /// What a request queues.
    pub fn of_request(requested: &RatingRequested) -> Vec<Queued> {
        let queued = |delivery_id, lane| Queued {
            delivery_id,
            lane,
            workspace_id: requested.workspace_id.clone(),
            customer_id: requested.customer.id.clone(),
            request_id: requested.request_id.clone(),
            revision: 0,
            counted_from: requested.requested_at.0,
        };
        let event = EventKind::RatingRequested.message_id(&requested.request_id, 0);
        let mut all = vec![queued(event, Lane::Events)];
        if requested.channel == Channel::Email {
            all.push(queued(format!("mail_{}", requested.request_id), Lane::Mail));
        }
        all
    }

    /// What a submission queues.
    pub fn of_submission(submitted: &RatingSubmitted) -> Queued {
        let revision = i64::from(submitted.revision);
        Queued {
            delivery_id: EventKind::RatingSubmitted.message_id(&submitted.request_id, revision),
            lane: Lane::Events,
            workspace_id: submitted.workspace_id.clone(),
            customer_id: submitted.customer.id.clone(),
            request_id: submitted.request_id.clone(),
            revision,
            counted_from: submitted.submitted_at.0,
        }
    }
}

impl Row for Queued {
    fn values(&self, values: &mut Values) {
        values.text(&self.delivery_id);
        values.text(&self.lane.name());
        values.text(&self.workspace_id);
        values.text(&self.customer_id);
        values.text(&self.request_id);
        values.integer(self.revision);
        values.integer(self.counted_from);
        values.text(DeliveryState::Waiting.symbol());
        // At once. Not the fact's own time, which may lie ahead of every clock here.
        values.integer(0);
        values.text_or_null(None);
        values.integer(0);
        values.integer_or_null(None);
        values.text("");
    }
}
