//! A copy of the report database while it is written.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use afterword_log::{EmbeddedLog, EmbeddedOptions};
use afterword_readmodel::{Contact, ReadModelError, ReportDatabase};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

fn contact(number: u32) -> (String, String, Contact) {
    let contact = Contact {
        email: Some("u@example.com".to_owned()),
        name: Some("x".repeat(100)),
        locale: None,
        wants_mail: true,
    };
    ("w".to_owned(), format!("u{number}"), contact)
}

async fn count(file: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM contacts");
    let count = count.fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

/// Waits until somebody has written more than so many.
async fn more_than(file: &Path, contacts: i64) {
    while count(file).await <= contacts {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_database_as_it_was_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let (file, copy) = (
        directory.path().join("report.db"),
        directory.path().join("copy.db"),
    );
    let database = ReportDatabase::open_file(&file).await.unwrap();
    let is_over = AtomicBool::new(false);
    let writing = async {
        let mut written = 0;
        while !is_over.load(Ordering::Relaxed) {
            database.put_contacts(&[contact(written)], 1).await.unwrap();
            written += 1;
        }
        i64::from(written)
    };
    let copying = async {
        more_than(&file, 0).await;
        let meanwhile = async {
            let before = count(&file).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
            (before, count(&file).await)
        };
        let (before, after) = ReportDatabase::copy_file(&file, &copy, meanwhile)
            .await
            .unwrap();
        more_than(&file, after).await;
        is_over.store(true, Ordering::Relaxed);
        (before, after)
    };
    let (written, (before, after)) = tokio::join!(writing, copying);
    assert!(before > 0);
    assert_eq!(before, after, "somebody wrote meanwhile");
    assert_eq!(count(&copy).await, before);
    assert!(written > before, "nobody wrote afterwards");
    let there = ReportDatabase::copy_file(&file, &copy, async {})
        .await
        .unwrap_err();
    assert!(
        there.to_string().contains("copying the report database"),
        "{there}"
    );
    database.close().await;
    // The copy is a database like any other.
    let copied = ReportDatabase::open_file(&copy).await.unwrap();
    assert!(copied.contact("w", "u0").await.unwrap().is_some());
    copied.close().await;
}

#[tokio::test]
async fn damage_is_found_and_a_log_that_does_not_fit() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.db");
    let log = EmbeddedLog::open(&directory.path().join("log"), EmbeddedOptions::default()).unwrap();
    let database = ReportDatabase::open_file(&file).await.unwrap();
    for number in 0..200 {
        database.put_contacts(&[contact(number)], 1).await.unwrap();
    }
    database.close().await;
    ReportDatabase::check_file(&file, &*log).await.unwrap();

    let options = SqliteConnectOptions::new().filename(&file);
    let mut connection = options.connect().await.unwrap();
    let ahead = "INSERT INTO projector_positions (topic, partition_number, next_offset) VALUES ('rating-requested', 0, 5)";
    sqlx::query(ahead).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let ahead = ReportDatabase::check_file(&file, &*log).await.unwrap_err();
    assert!(
        ahead
            .to_string()
            .contains("up to offset 5, but the log ends at 0"),
        "{ahead}"
    );

    let mut bytes = std::fs::read(&file).unwrap();
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 4096].fill(0xee);
    std::fs::write(&file, bytes).unwrap();
    let damaged = ReportDatabase::check_file(&file, &*log).await;
    assert!(
        matches!(&damaged, Err(ReadModelError::Stop(_))),
        "{damaged:?}"
    );
}
