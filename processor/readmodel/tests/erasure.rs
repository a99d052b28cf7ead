//! One customer taken out of the report database, on both databases.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use afterword_readmodel::{Contact, DeliveryFilter, ErasedRows, Erasing, Known, ReportDatabase};
use afterword_schemas::records::Reaction;
use support::world::{NOON, World, append};
use support::{Kind, Place};

const EMAIL: &str = "anna.mustermann@example.com";

/// Two requests to u1, one of them by email, one rated with a comment; and a contact.
async fn world(kind: Kind) -> (Place, ReportDatabase) {
    let place = Place::new(kind, 2);
    let mut world = World::new(2);
    world.ask("w1", "c1", "ben", NOON);
    world.ask("w1", "c12", "ben", NOON);
    world.rate("c1", Reaction::Great, NOON);
    world.comment("c1", "What a distinctive comment", NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let database = place.database().await;
    let contact = |name: &str| Contact {
        email: Some(EMAIL.to_owned()),
        name: Some(name.to_owned()),
        locale: None,
        wants_mail: true,
    };
    let contacts = [
        ("w1", "u1", "Anna"),
        ("w2", "u1", "Another"),
        ("w1", "u2", "Bert"),
    ];
    let contacts = contacts.map(|(workspace, customer, name)| {
        (workspace.to_owned(), customer.to_owned(), contact(name))
    });
    database.put_contacts(&contacts, NOON).await.unwrap();
    (place, database)
}

/// Takes u1 out, by this name.
async fn erase(database: &ReportDatabase, pseudonym: &str) -> ErasedRows {
    let requests = BTreeMap::from([("r-w1-c1".to_owned(), "c1".to_owned())]);
    let erasing = Erasing {
        workspace_id: "w1",
        customer_id: "u1",
        pseudonym,
        requests: &requests,
        asked: &["r-w1-c1".to_owned(), "r-w1-c12".to_owned()],
        now_ms: NOON,
    };
    let mut comment = |conversation: &str, text: &str| format!("({conversation}, {})", text.len());
    database.erase(&erasing, &mut comment).await.unwrap()
}

async fn a_customer_goes_and_rows_stay(kind: Kind) {
    let (_place, database) = world(kind).await;
    let before = database
        .deliveries(&DeliveryFilter::default(), 99)
        .await
        .unwrap();
    let mut known = database.known_of("w1", "u1").await.unwrap();
    known.conversations.sort();
    assert_eq!(
        (known.conversations, known.contacts, known.deliveries),
        (vec!["c1".to_owned(), "c12".to_owned()], 1, 5)
    );
    assert_eq!(known.texts, [EMAIL, "Anna"]);
    let expected = ErasedRows {
        requests: 2,
        comments: 1,
        contacts: 1,
        deliveries: 5,
        cancelled: 1,
    };
    assert_eq!(erase(&database, "erased-1").await, expected);
    assert!(database.known_of("w1", "u1").await.unwrap().is_nothing());
    let (submitted, _) = database.submission("r-w1-c1", 2).await.unwrap().unwrap();
    assert_eq!(submitted.comment.as_deref(), Some("(c1, 26)"));
    assert_eq!(submitted.customer.id, "erased-1");
    let after = database
        .deliveries(&DeliveryFilter::default(), 99)
        .await
        .unwrap();
    assert_eq!(after.len(), before.len());
    let mail = after.iter().find(|row| row.lane == "mail").unwrap();
    assert_eq!(mail.state, "opted_out");
    // Whoever only has the same id, or the same address.
    for (workspace, customer) in [("w2", "u1"), ("w1", "u2")] {
        assert!(
            database
                .contact(workspace, customer)
                .await
                .unwrap()
                .is_some()
        );
    }
    // One that was cut off on a server before the log counted has given another name.
    let again = erase(&database, "erased-2").await;
    assert_eq!((again.requests, again.contacts), (0, 0));
    let renamed = database.known_of("w1", "erased-2").await.unwrap();
    assert_eq!((renamed.conversations.len(), renamed.deliveries), (2, 5));
    assert_eq!(
        database.known_of("w1", "erased-1").await.unwrap(),
        Known::default()
    );
}

on_both_databases! {
    a_customer_goes_and_rows_stay,
}

/// What the bytes of a file have after it: nothing, once it was copied without its free pages.
#[tokio::test]
async fn a_copy_of_a_file_has_no_page_that_was_freed() {
    let directory = tempfile::tempdir().unwrap();
    let [was, draft, copy] = ["was", "draft", "copy"].map(|name| directory.path().join(name));
    let database = ReportDatabase::open_file(&was).await.unwrap();
    let contact = Contact {
        email: Some(EMAIL.to_owned()),
        name: None,
        locale: None,
        wants_mail: true,
    };
    let contacts = [("w1".to_owned(), "u1".to_owned(), contact)];
    database.put_contacts(&contacts, NOON).await.unwrap();
    database.close().await;
    let still = ReportDatabase::hold_file(&was).await.unwrap();
    ReportDatabase::compact_file(&was, &draft).await.unwrap();
    let other = ReportDatabase::open_file(&draft).await.unwrap();
    assert_eq!(erase(&other, "erased-1").await.contacts, 1);
    other.close().await;
    ReportDatabase::compact_file(&draft, &copy).await.unwrap();
    still.release().await.unwrap();
    let has = |path| {
        let bytes = std::fs::read(path).unwrap();
        bytes
            .windows(EMAIL.len())
            .any(|window| window == EMAIL.as_bytes())
    };
    assert!(has(&was) && !has(&copy));
}
