//! A whole conversation of each desk, from its webhooks to the request for a rating.

use afterword_log::Topic;
use afterword_schemas::records::{
    ActorKind, Channel, Criterion, EligibilityDecided, RatingRequested, Timestamp,
};
use afterword_web::sources::SourceKind;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;
use crate::{folder, webhooks};

async fn send_all(world: &World, kind: SourceKind) {
    for webhook in webhooks(&folder(kind)) {
        let answer = world.send(kind, &webhook.body).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{} {}",
            webhook.name,
            answer.text
        );
    }
}

#[tokio::test]
async fn a_conversation_of_each_desk_ends_in_a_request() {
    for (kind, conversation, customer, teammate, channel, at) in [
        (
            SourceKind::Intercom,
            "215469000000123",
            (ActorKind::User, "65f2a1c49d0e7b0012ab34cd"),
            "814860",
            Channel::Messenger,
            1_772_612_400_000,
        ),
        (
            SourceKind::Chatwoot,
            "128",
            (ActorKind::User, "411"),
            "7",
            Channel::Messenger,
            1_772_442_460_734,
        ),
        (
            SourceKind::Zendesk,
            "5158",
            (ActorKind::User, "8447388090494"),
            "8447388099999",
            Channel::Email,
            1_772_443_205_987,
        ),
    ] {
        let world = World::new().await;
        send_all(&world, kind).await;
        let decided: Vec<EligibilityDecided> = world.outputs(Topic::EligibilityDecided).await;
        let [decision] = decided.as_slice() else {
            panic!("one decision: {decided:?}");
        };
        assert_eq!(decision.failed, [], "{kind:?}: {decision:?}");
        let requested: Vec<RatingRequested> = world.outputs(Topic::RatingRequested).await;
        let [request] = requested.as_slice() else {
            panic!("one request: {requested:?}");
        };
        assert_eq!(request.workspace_id, format!("of-{}", kind.name()));
        assert_eq!(request.conversation_id, conversation);
        let asked = (request.customer.kind, request.customer.id.as_str());
        assert_eq!(asked, customer);
        assert_eq!(
            (request.teammate_id.as_str(), request.channel),
            (teammate, channel)
        );
        assert_eq!(request.requested_at, Timestamp(at));
    }
}

/// Sends a desk's conversation with one webhook changed, and says why nobody was asked.
async fn why_not(kind: SourceKind, name: &str, change: impl Fn(&mut Value)) -> Vec<Criterion> {
    let world = World::new().await;
    for webhook in webhooks(&folder(kind)) {
        let mut value = webhook.value();
        if webhook.name == name {
            change(&mut value);
        }
        let answer = world.send(kind, value.to_string().as_bytes()).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{} {}",
            webhook.name,
            answer.text
        );
    }
    let decided: Vec<EligibilityDecided> = world.outputs(Topic::EligibilityDecided).await;
    assert_eq!(decided.len(), 1, "{kind:?} {name}: {decided:?}");
    decided.into_iter().flat_map(|one| one.failed).collect()
}

#[tokio::test]
async fn what_a_desk_says_decides_who_is_asked() {
    let part = |value: &mut Value, author: Value| {
        let parts = "/data/item/conversation_parts/conversation_parts/0";
        value.pointer_mut(parts).unwrap()["author"] = author;
    };
    let bot = || json!({"type": "bot", "id": "5017690"});
    let failed = why_not(SourceKind::Intercom, "07-admin-closed", |value| {
        part(value, bot())
    });
    assert_eq!(failed.await, [Criterion::ClosedByNonTeammate]);
    let failed = why_not(SourceKind::Intercom, "04-admin-replied", |value| {
        part(value, bot())
    });
    // The text that comes with the close is a reply.
    assert_eq!(failed.await, [Criterion::TooShort]);
    let failed = why_not(SourceKind::Intercom, "01-user-created", |value| {
        value["data"]["item"]["source"]["delivered_as"] = json!("automated");
    });
    assert_eq!(failed.await, [Criterion::OriginNotCustomer]);
    let failed = why_not(SourceKind::Chatwoot, "07-status-resolved", |value| {
        value["meta"]["assignee"] = Value::Null;
    });
    assert_eq!(failed.await, [Criterion::ClosedByNonTeammate]);
    let failed = why_not(SourceKind::Chatwoot, "05-message-outgoing", |value| {
        value["sender"]["type"] = json!("agent_bot");
    });
    assert_eq!(
        failed.await,
        [Criterion::NoTeammateReply, Criterion::TooShort]
    );
    let failed = why_not(SourceKind::Zendesk, "05-status-solved", |value| {
        value["detail"]["actor_id"] = json!("-1");
    });
    assert_eq!(failed.await, [Criterion::ClosedByNonTeammate]);
    let failed = why_not(SourceKind::Zendesk, "01-ticket-created", |value| {
        value["detail"]["submitter_id"] = json!("8447388099999");
    });
    assert_eq!(failed.await, [Criterion::OriginNotCustomer]);
}
