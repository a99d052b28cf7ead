//! PostgreSQL as surroundings: servers that refuse, vanish and come back, and transactions of unknown outcome.
#![allow(clippy::unwrap_used, clippy::disallowed_macros, reason = "tests")]

mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_readmodel::{Projector, ProjectorOptions, ReadModelError, ReportDatabase};
use afterword_schemas::records::Reaction;
use sqlx::Connection;
use support::postgres::{PASSWORD, Server, USER};
use support::proxy::{Cut, Proxy};
use support::world::{Dice, NOON, World, append};
use support::{Kind, Place};
use tokio::sync::watch;

/// Waits until it holds, at most thirty seconds.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it never came true"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn refused(url: &str) -> ReadModelError {
    let began = Instant::now();
    let error = ReportDatabase::open(url).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(15), "{error}");
    let text = format!("{error} {error:?}");
    for secret in [PASSWORD, "s3cret", "guessed"] {
        assert!(!text.contains(secret), "{text}");
    }
    error
}

#[tokio::test]
async fn refusals_say_what_to_do_and_no_password() {
    let server = Server::shared();
    let database = server.database();
    let wrong = server.url(USER, "guessed", database.name());
    let missing = database.url().replace(database.name(), "elsewhere");
    let misspelt = format!("{}?passwort=guessed", database.url());
    let tls = format!("{}?sslmode=require", database.url());
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let away_port = away.local_addr().unwrap().port();
    drop(away);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let cases = [
        (wrong, "stopped", "check the user and the password"),
        (missing, "stopped", "createdb"),
        (misspelt, "stopped", "unknown parameter \"passwort\""),
        (tls, "stopped", "check sslmode"),
        (
            database.url_at(away_port),
            "waiting",
            "is the server running",
        ),
        (
            database.url_at(silent_port),
            "waiting",
            "did not answer within 10 s",
        ),
    ];
    for (url, what, hint) in cases {
        let error = refused(&url).await.to_string();
        assert!(error.starts_with(what) && error.contains(hint), "{error}");
        assert!(error.contains("opening the report database"), "{error}");
    }
    let opened = ReportDatabase::open(&database.url()).await.unwrap();
    assert!(!format!("{opened:?}").contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_may_start_together() {
    let place = Place::new(Kind::Postgres, 2);
    let url = place.server.as_ref().unwrap().url();
    let opening = (0..6).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { ReportDatabase::open(&url).await })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    assert_eq!(
        place
            .rows("SELECT version FROM _sqlx_migrations ORDER BY 1")
            .await,
        ["1", "2", "3", "4", "5"]
    );
}

async fn a_comment_may_hold_any_character(kind: Kind) {
    let place = Place::new(kind, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    world.rate("c1", Reaction::Ok, NOON);
    world.comment("c1", "a\0b \u{1f642} '\"\\ \u{202e}", NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let comment = place.rows("SELECT comment FROM requests").await;
    assert_eq!(comment, ["a\u{fffd}b \u{1f642} '\"\\ \u{202e}"]);
}

mod characters {
    crate::on_both_databases! { a_comment_may_hold_any_character }
    use super::a_comment_may_hold_any_character;
}

/// Outputs in two partitions, and what they come to.
async fn outputs(seed: u64) -> (World, Place) {
    let mut world = World::new(2);
    world.random(&mut Dice::new(seed), 30, 300);
    let plain = Place::new(Kind::Sqlite, 2);
    append(plain.log.as_ref(), &world.made);
    plain.drain().await.unwrap();
    (world, plain)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_unknown_outcome_is_settled_by_what_is_stored() {
    let (_, plain) = outputs(1).await;
    for cut in [Cut::Before, Cut::After, Cut::Held] {
        let place = plain.beside(Kind::Postgres);
        let server = place.server.as_ref().unwrap();
        let proxy = Proxy::start(server.port());
        let options = ProjectorOptions {
            batch_bytes: 20_000,
            ..ProjectorOptions::default()
        };
        let database = ReportDatabase::open(&server.url_at(proxy.port))
            .await
            .unwrap();
        let mut projector = Projector::start(database, Arc::clone(&place.log), options)
            .await
            .unwrap();
        proxy.set(cut);
        projector.drain().await.unwrap();
        assert!(proxy.has_cut());
        assert_eq!(place.tables().await, plain.tables().await, "{cut:?}");
        let snapshot = projector.statistics().snapshot();
        // The transaction that the server had not noticed to be dead was waited for, and found to have moved both.
        let expected = if cut == Cut::Held { 2 } else { 0 };
        assert_eq!(snapshot.partitions_lost, expected, "{cut:?}");
        println!(
            "{cut:?}: {} transactions, waiting {:?}",
            snapshot.transactions, snapshot.waiting
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_is_waited_for() {
    let server = Server::own();
    let (world, plain) = outputs(2).await;
    let mut place = Place::new(Kind::Sqlite, 2);
    place.server = Some(server.database());
    let mut projector = place
        .projector_with(ProjectorOptions {
            batch_bytes: 2_000,
            publish_interval: Duration::from_millis(10),
            ..ProjectorOptions::default()
        })
        .await;
    let statistics = projector.statistics();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { projector.run(stopped).await });
    let pieces: Vec<_> = world.made.chunks(world.made.len().div_ceil(8)).collect();
    for (round, pieces) in pieces.chunks(2).enumerate() {
        append(place.log.as_ref(), pieces[0]);
        // In the middle of its work, or after it.
        tokio::time::sleep(Duration::from_millis(40 * round as u64)).await;
        server.kill();
        append(place.log.as_ref(), pieces[1]);
        until(async || statistics.snapshot().waiting.is_some()).await;
        server.restart();
        until(async || statistics.snapshot().waiting.is_none()).await;
    }
    let lag = || statistics.lag(place.log.as_ref()).unwrap();
    until(async || lag().iter().all(|(_, lag)| *lag == 0)).await;
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(place.tables().await, plain.tables().await);
    place.publications();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_tried_again() {
    let place = Place::new(Kind::Postgres, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    append(place.log.as_ref(), &world.made);
    place.drain().await.unwrap();
    let mut other = place.server.as_ref().unwrap().connect().await;
    let mut transaction = other.begin().await.unwrap();
    // Whoever has waited for long enough looks for a circle, and is the one to give in: not this one.
    for execute in [
        "SET LOCAL deadlock_timeout = '60s'",
        "UPDATE scorecards SET revision = revision",
    ] {
        sqlx::query(execute)
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    let written = world.made.len();
    world.ask("w1", "c2", "ann", NOON);
    append(place.log.as_ref(), &world.made[written..]);
    let mut projector = place.projector().await;
    let draining = tokio::spawn(async move {
        let drained = projector.drain().await;
        (drained, projector.statistics().snapshot())
    });
    // It holds its positions, and waits for the scorecard; this one waits for the positions, which closes the circle.
    let blocked = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted";
    until(async || place.rows(blocked).await != ["0"]).await;
    let execute = "UPDATE projector_positions SET next_offset = next_offset";
    sqlx::query(execute)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let (drained, snapshot) = draining.await.unwrap();
    drained.unwrap();
    assert_eq!((snapshot.transactions, snapshot.partitions_lost), (1, 0));
    assert_eq!(place.rows("SELECT requests FROM scorecards").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_never_let_go_is_told_and_waited_for() {
    let place = Place::new(Kind::Postgres, 1);
    let mut projector = place.projector().await;
    let mut other = place.server.as_ref().unwrap().connect().await;
    let mut transaction = other.begin().await.unwrap();
    let lock = "SELECT * FROM projector_positions FOR UPDATE";
    sqlx::query(lock).execute(&mut *transaction).await.unwrap();
    let statistics = projector.statistics();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { projector.run(stopped).await });
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    append(place.log.as_ref(), &world.made);
    until(async || statistics.snapshot().waiting.is_some()).await;
    let why = statistics.snapshot().waiting.unwrap();
    assert!(why.contains("lock timeout"), "{why}");
    transaction.rollback().await.unwrap();
    until(async || statistics.snapshot().waiting.is_none()).await;
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(place.rows("SELECT COUNT(*) FROM decisions").await, ["1"]);
}
