//! How long each query of the reports takes on SQLite, over a year in one workspace. A few thousand ratings by default, so that it
//! always runs; `AFTERWORD_REPORT_RATINGS=10000000` makes it a benchmark (about 2 KB of disk a rating, in the folder for temporary
//! files, `TMPDIR`), with three decisions a rating, 500 teammates, a table of p50 and p95, and how fast more is projected:
//!
//! `AFTERWORD_REPORT_RATINGS=1000000 cargo test -p afterword-readmodel --test report_speed -- --nocapture`
//!
//! With `AFTERWORD_REPORT_KEEP=1` the data directory stays, for `afterword run` to serve its pages.
//!
//! The rows are made in SQL before the sums are: so it measures the migration of such a database, too.
#![allow(clippy::unwrap_used, clippy::disallowed_macros, reason = "a benchmark")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use afterword_readmodel::ReportDatabase;
use afterword_readmodel::figures::{
    ConversationFilter, Filter, HeartFilter, Outcome, Period, RatingFilter, Step,
};
use afterword_schemas::records::{Channel, Criterion, Reaction};
use jiff::civil::date;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqlSafeStr};
use support::world::{World, append};
use support::{Kind, Place};

/// No query may take longer, at p95, on two cores of a small machine. Held against when the number of ratings is given: a test that
/// runs beside others can promise no time.
const LIMIT: Duration = Duration::from_millis(300);
const ROUNDS: usize = 20;
const TEAMMATES: i64 = 500;
/// 2025, in milliseconds.
const YEAR_BEGINS: i64 = 1_735_689_600_000;
const YEAR_MS: i64 = 31_536_000_000;
/// Half of the requests are answered.
const REQUESTS_A_RATING: i64 = 2;
const DECISIONS_A_RATING: i64 = 3;

const FIRST: &str = include_str!("../migrations/0001_report_database.sql");
const INDEXES: [&str; 4] = [
    "requests_by_day",
    "ratings_by_day",
    "comments_by_time",
    "decisions_by_day",
];

/// The numbers 0 to N - 1, and noise from each.
fn numbers(count: i64) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}), \
         d AS (SELECT i, i * 2654435761 % 4294967296 / 65536 AS a, i * 40503 % 65536 * 31 % 65537 AS b, \
         i * 69621 % 65521 AS c, \
         {YEAR_BEGINS} + i * ({YEAR_MS} - 1) / {count} AS at FROM n) "
    )
}

fn requests(ratings: i64) -> String {
    let day = "date(at / 1000, 'unixepoch')";
    format!(
        "{} INSERT INTO requests SELECT 'request-' || i, 'w', 'conversation-' || i, 'user', 'customer-' || i, \
         'teammate-' || (c % {TEAMMATES}), CASE WHEN b % 10 = 0 THEN 'email' ELSE 'messenger' END, at, {day}, 1, i % 4 + 4, i, 1, \
         CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN at END, CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN {day} END, \
         CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN CASE WHEN a % 100 < 4 THEN 'terrible' WHEN a % 100 < 9 THEN 'bad' \
         WHEN a % 100 < 17 THEN 'ok' WHEN a % 100 < 57 THEN 'great' ELSE 'amazing' END END, \
         CASE WHEN i % {REQUESTS_A_RATING} = 0 AND b % 4 = 0 THEN 'Quick, friendly, and it works now. Thank you!' END, \
         CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN b % 4 = 0 END, CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN 1 ELSE 0 END, \
         CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN 0 END, CASE WHEN i % {REQUESTS_A_RATING} = 0 THEN at END FROM d",
        numbers(ratings * REQUESTS_A_RATING)
    )
}

/// Two in three closes are asked about; of the others each criterion holds some back.
fn decisions(ratings: i64) -> String {
    let mask = "CASE WHEN i % 3 < 2 THEN 0 WHEN a % 100 < 40 THEN 16 WHEN a % 100 < 55 THEN 2 WHEN a % 100 < 70 THEN 8 \
         WHEN a % 100 < 80 THEN 24 WHEN a % 100 < 90 THEN 128 WHEN a % 100 < 97 THEN 32 ELSE a % 512 END";
    format!(
        "{} INSERT INTO decisions SELECT 'w', 'conversation-' || i, i % 4 + 4, i, 0, at, date(at / 1000, 'unixepoch'), \
         {mask} = 0, CASE WHEN {mask} = 0 THEN '' ELSE 'too_short' END, {mask}, 'teammate', 1, 1, 'user', 1, 1, \
         CASE WHEN {mask} & 16 THEN b % 251 ELSE 251 END, a * 9000, 'customer_initiated', 0, 250, 604800000, 1, 1, \
         'teammate-' || (c % {TEAMMATES}), CASE WHEN {mask} = 0 THEN 'request-' || i END FROM d",
        numbers(ratings * DECISIONS_A_RATING)
    )
}

/// A database as the first migration left it, filled.
async fn fill(file: &Path, ratings: i64) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let first = Migration::new(
        1,
        "report database".into(),
        MigrationType::Simple,
        FIRST.into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![first])
        .run_direct(None, &mut connection, false)
        .await
        .unwrap();
    for index in INDEXES {
        let drop = format!("DROP INDEX {index}");
        connection.execute(AssertSqlSafe(drop)).await.unwrap();
    }
    for sql in [
        "PRAGMA synchronous = OFF".to_owned(),
        "PRAGMA cache_size = -1000000".to_owned(),
        requests(ratings),
        decisions(ratings),
        "INSERT INTO decision_days SELECT workspace_id, decided_day, failed_mask, COUNT(*), SUM(requested) FROM decisions \
         GROUP BY workspace_id, decided_day, failed_mask".to_owned(),
    ] {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    // The migration takes them away.
    for index in INDEXES {
        let table = if index == "decisions_by_day" {
            "decisions"
        } else {
            "requests"
        };
        let create =
            format!("CREATE INDEX {index} ON {table} (workspace_id) WHERE workspace_id = ''");
        connection.execute(AssertSqlSafe(create)).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Takes a query's time, some rounds of it.
async fn take(
    name: &str,
    over: &mut Vec<String>,
    limit: Duration,
    mut query: impl AsyncFnMut(usize) -> usize,
) {
    let mut times = Vec::new();
    let mut entries = 0;
    for round in 0..ROUNDS {
        let began = Instant::now();
        entries = query(round).await;
        times.push(began.elapsed());
    }
    times.sort();
    let (p50, p95) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
    println!(
        "{name:<44} {entries:>8} {:>9.1} {:>9.1}",
        p50.as_secs_f64() * 1e3,
        p95.as_secs_f64() * 1e3
    );
    if p95 > limit {
        over.push(format!("{name}: {p95:?}"));
    }
}

fn filter(days: i32, round: usize) -> Filter {
    let to = date(2025, 12, 31 - (round % 7) as i8);
    Filter {
        workspace_id: "w".to_owned(),
        period: Period::ending(to, days),
        teammate_id: None,
        channel: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_is_quick_over_a_year() {
    let ratings: i64 =
        std::env::var("AFTERWORD_REPORT_RATINGS").map_or(3_000, |count| count.parse().unwrap());
    let mut place = Place::new(Kind::Sqlite, 1);
    if std::env::var("AFTERWORD_REPORT_KEEP").is_ok() {
        place.directory.disable_cleanup(true);
    }
    let file = place.file();
    let began = Instant::now();
    fill(&file, ratings).await;
    println!(
        "{ratings} ratings, {} decisions: filled in {:.0?}",
        ratings * DECISIONS_A_RATING,
        began.elapsed()
    );
    let began = Instant::now();
    let database = place.database().await;
    println!(
        "migrated in {:.0?}, {} MB",
        began.elapsed(),
        std::fs::metadata(&file).unwrap().len() >> 20
    );
    println!(
        "{:<44} {:>8} {:>9} {:>9}",
        "query", "entries", "p50 ms", "p95 ms"
    );
    let mut over = Vec::new();
    figures(&database, &mut over).await;
    lists(&database, &mut over).await;
    closes(&database, &mut over).await;
    database.close().await;
    let is_measured = std::env::var("AFTERWORD_REPORT_RATINGS").is_ok();
    projected(&place, if is_measured { 100_000 } else { 1_000 }).await;
    if std::env::var("AFTERWORD_REPORT_KEEP").is_ok() {
        let data = place.directory.path().join("log");
        std::fs::rename(&file, data.join("report.db")).unwrap();
        println!("kept: --data-dir {}", data.display());
    }
    assert!(
        over.is_empty() || !is_measured,
        "over {LIMIT:?} at p95: {over:?}"
    );
}

/// So many closes more, spread over the year, half of them rated: into this database, and into an empty one.
async fn projected(place: &Place, closes: i64) {
    let mut world = World::new(1);
    for number in 0..closes {
        let conversation = format!("another-{number}");
        let at = YEAR_BEGINS + number * YEAR_MS / closes;
        let teammate = format!("teammate-{}", number % TEAMMATES);
        world.ask("w", &conversation, &teammate, at);
        if number % REQUESTS_A_RATING == 0 {
            world.rate(&conversation, Reaction::Great, at);
        }
    }
    append(place.log.as_ref(), &world.made);
    let outputs = world.made.len() as f64;
    for (name, place) in [("this", place), ("an empty", &place.beside(Kind::Sqlite))] {
        let began = Instant::now();
        place.drain().await.unwrap();
        let rate = outputs / began.elapsed().as_secs_f64();
        println!("projected into {name} database: {rate:.0} outputs/s");
    }
}

async fn figures(database: &ReportDatabase, over: &mut Vec<String>) {
    for days in [7, 28, 92, 365] {
        take(
            &format!("summary, {days} days"),
            over,
            LIMIT,
            async |round| {
                let step = Step::fitting(&filter(days, round).period);
                let summary = database
                    .summary(&filter(days, round), step, None)
                    .await
                    .unwrap();
                summary.over_time.len()
            },
        )
        .await;
        take(
            &format!("summary of a teammate, {days} days"),
            over,
            LIMIT,
            async |round| {
                let filter = Filter {
                    teammate_id: Some(format!("teammate-{round}")),
                    channel: Some(Channel::Email),
                    ..filter(days, round)
                };
                database
                    .summary(&filter, Step::Week, None)
                    .await
                    .unwrap()
                    .over_time
                    .len()
            },
        )
        .await;
        take(
            &format!("teammates, first hundred, {days} days"),
            over,
            LIMIT,
            async |round| {
                database
                    .teammates(&filter(days, round), None, None, 100)
                    .await
                    .unwrap()
                    .entries
                    .len()
            },
        )
        .await;
        take(
            &format!("funnel, {days} days"),
            over,
            LIMIT,
            async |round| database.funnel(&filter(days, round)).await.unwrap().closes as usize,
        )
        .await;
        take(
            &format!("funnel of a teammate, {days} days"),
            over,
            LIMIT,
            async |round| {
                let filter = Filter {
                    teammate_id: Some(format!("teammate-{round}")),
                    ..filter(days, round)
                };
                database.funnel(&filter).await.unwrap().closes as usize
            },
        )
        .await;
    }
    take("state, for ETag", over, LIMIT, async |_| {
        database.state("w").await.unwrap().len()
    })
    .await;
}

async fn lists(database: &ReportDatabase, over: &mut Vec<String>) {
    let year = |round| filter(365, round);
    let all = |round| RatingFilter {
        filter: year(round),
        reactions: Vec::new(),
        commented: None,
        followed_up: None,
    };
    let bad = vec![Reaction::Terrible, Reaction::Bad];
    let page = async |wanted: RatingFilter| {
        database
            .ratings(&wanted, None, 50)
            .await
            .unwrap()
            .entries
            .len()
    };
    take("ratings", over, LIMIT, async |round| page(all(round)).await).await;
    take("ratings, terrible and bad", over, LIMIT, async |round| {
        page(RatingFilter {
            reactions: bad.clone(),
            ..all(round)
        })
        .await
    })
    .await;
    take(
        "ratings, terrible, email, commented, open",
        over,
        LIMIT,
        async |round| {
            let filter = Filter {
                channel: Some(Channel::Email),
                ..year(round)
            };
            let reactions = vec![Reaction::Terrible];
            page(RatingFilter {
                filter,
                reactions,
                commented: Some(true),
                followed_up: Some(false),
            })
            .await
        },
    )
    .await;
    for commented in [None, Some(true)] {
        take(
            &format!("ratings of a teammate, bad, commented {commented:?}"),
            over,
            LIMIT,
            async |round| {
                let filter = Filter {
                    teammate_id: Some(format!("teammate-{round}")),
                    ..year(round)
                };
                page(RatingFilter {
                    filter,
                    reactions: bad.clone(),
                    commented,
                    followed_up: None,
                })
                .await
            },
        )
        .await;
    }
    let mut after = None;
    for _ in 0..9 {
        let before = database.ratings(&all(0), after.as_ref(), 50).await;
        after = before.unwrap().next;
    }
    take("ratings, the tenth page", over, LIMIT, async |_| {
        let page = database.ratings(&all(0), after.as_ref(), 50).await;
        page.unwrap().entries.len()
    })
    .await;
    for channel in [None, Some(Channel::Email)] {
        take(&format!("heart, {channel:?}"), over, LIMIT, async |round| {
            let teammate_id = channel.map(|_| format!("teammate-{round}"));
            let wanted = HeartFilter {
                workspace_id: "w".to_owned(),
                teammate_id,
                channel,
            };
            database
                .hearts(&wanted, None, 50)
                .await
                .unwrap()
                .entries
                .len()
        })
        .await;
    }
}

async fn closes(database: &ReportDatabase, over: &mut Vec<String>) {
    let year = |round| filter(365, round);
    let outcomes = [
        Outcome::All,
        Outcome::NotAsked,
        Outcome::HeldBackBy(Criterion::TooShort),
        Outcome::HeldBackByAlone(Criterion::Stale),
    ];
    for outcome in outcomes {
        for teammate in [None, Some(7)] {
            let of = teammate.map_or("", |_| " of a teammate");
            take(
                &format!("closes{of}, {outcome:?}"),
                over,
                LIMIT,
                async |round| {
                    let teammate_id = teammate.map(|number| format!("teammate-{}", number + round));
                    let wanted = ConversationFilter {
                        filter: Filter {
                            teammate_id,
                            ..year(round)
                        },
                        outcome,
                    };
                    database
                        .closes(&wanted, None, 50)
                        .await
                        .unwrap()
                        .entries
                        .len()
                },
            )
            .await;
        }
    }
    take("export, the first rows", over, LIMIT, async |round| {
        let mut export = database.export_ratings(&filter(28, round)).await.unwrap();
        export.page().await.unwrap().unwrap_or_default().len()
    })
    .await;
}
