//! The reports as a client asks for them, over what a projector made of outputs: figures equal a naive count, over time zones with a
//! clock change; lists, exports, marks, settings and the heart's stream do what docs/api.md says.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support {
    #[path = "../../../readmodel/tests/support/naive.rs"]
    #[allow(dead_code)]
    pub mod naive;
    pub mod server;
    #[path = "../../../readmodel/tests/support/world.rs"]
    #[allow(dead_code)]
    pub mod world;
}

use std::time::Duration;

use afterword_readmodel::figures::{Cursor, Filter, Period};
use afterword_schemas::records::{Channel, Criterion, Reaction};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::{Value, json};
use support::naive::Outputs;
use support::server::{Server, ZONES, body};
use support::world::{DAY, Dice, NOON, World};

fn made(seed: u64) -> World {
    let mut world = World::new(2);
    world.random(&mut Dice::new(seed), 300, 1_500);
    world
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| format!("%{byte:02X}");
    text.bytes().map(byte).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_equal_a_naive_count_of_the_topics() {
    let world = made(1);
    let server = Server::new(&world).await;
    let outputs = Outputs::of(&world.made, &ZONES);
    let days = [
        ("2026-03-29", "2026-03-29"),
        ("2026-03-20", "2026-04-10"),
        ("2026-03-27", "2026-03-30"),
    ];
    for (from, to) in days {
        for (workspace, _) in ZONES {
            for teammate in [None, Some("ann"), Some("b/o%b"), Some("çağla")] {
                for channel in [None, Some(Channel::Messenger), Some(Channel::Email)] {
                    let filter = Filter {
                        workspace_id: workspace.to_owned(),
                        period: Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap(),
                        teammate_id: teammate.map(str::to_owned),
                        channel,
                    };
                    let mut query = format!("from={from}&to={to}");
                    if let Some(teammate) = teammate {
                        query += &format!("&teammate={}", percent(teammate));
                    }
                    if let Some(channel) = channel {
                        query += &format!("&channel={}", channel.symbol());
                    }
                    check(&server, &outputs, &filter, &query).await;
                }
            }
        }
    }
}

/// Compares what the API says of a filter with a count.
async fn check(server: &Server, outputs: &Outputs, filter: &Filter, query: &str) {
    let workspace = percent(&filter.workspace_id);
    let at = |what: &str| format!("/api/v1/workspaces/{workspace}/{what}?{query}");
    let summary = server.get(&at("summary")).await;
    let count = outputs.count(filter);
    let figures = &summary["figures"];
    let reactions: Vec<_> = figures["reactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["count"].as_i64().unwrap())
        .collect();
    assert_eq!(reactions, count.reactions, "{query}");
    assert_eq!(figures["requests"], count.requests);
    assert_eq!(figures["requests_answered"], count.answered);
    assert_eq!(figures["comments"], count.comments);
    let of_days: i64 = summary["over_time"]
        .as_array()
        .unwrap()
        .iter()
        .map(|piece| piece["figures"]["ratings"].as_i64().unwrap())
        .sum();
    assert_eq!(of_days, count.ratings());
    // JSON's numbers are read to within a last bit.
    let is_share = |found: &Value, part: i64, whole: i64| match found.as_f64() {
        None => assert_eq!((found, whole), (&Value::Null, 0)),
        Some(found) => assert!(
            (found - part as f64 / whole as f64).abs() < 1e-12,
            "{found}"
        ),
    };
    is_share(
        &figures["positive_share"],
        count.positive(),
        count.ratings(),
    );
    is_share(&figures["response_rate"], count.answered, count.requests);
    let worst = figures["bounds"].get("worst").unwrap_or(&Value::Null);
    is_share(worst, count.answered_positive, count.requests);
    let ratings = server.all(&at("ratings")).await;
    assert_eq!(ratings.len() as i64, count.ratings());
    let teammates = server.all(&at("teammates")).await;
    let found: i64 = teammates
        .iter()
        .map(|row| row["figures"]["requests"].as_i64().unwrap())
        .sum();
    assert_eq!(found, count.requests);
    if filter.channel.is_none() {
        let funnel = server.get(&at("funnel")).await;
        let closes = outputs.closes(filter, |_| true).len();
        let asked = outputs.closes(filter, |close| close.requested).len();
        let short = outputs
            .closes(filter, |close| close.failed.contains(&Criterion::TooShort))
            .len();
        assert_eq!(
            (&funnel["closes"], &funnel["asked"]),
            (&json!(closes), &json!(asked))
        );
        assert_eq!(
            funnel["held_back"][4],
            json!({"criterion": "too_short", "closes": short, "alone": outputs.closes(filter, |close| close.failed == [Criterion::TooShort]).len()})
        );
        assert_eq!(funnel["answered"], count.answered);
        let listed = server
            .all(&format!(
                "{}&criterion=too_short",
                at("funnel/conversations")
            ))
            .await;
        assert_eq!(listed.len(), short);
    } else {
        assert_eq!(server.status(&at("funnel")).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unchanged_is_not_sent_again() {
    let server = Server::new(&made(2)).await;
    let path = "/api/v1/workspaces/w1/ratings?from=2026-03-20&to=2026-04-10&limit=1";
    let first = server.ask(Request::get(path), "").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = server
        .ask(Request::get(path).header("if-none-match", &tag), "")
        .await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let page = support::server::body(first).await;
    let page: Value = serde_json::from_slice(&page).unwrap();
    let request = page["entries"][0]["request_id"].as_str().unwrap();
    let mark = format!(
        "/api/v1/workspaces/w1/ratings/{}/follow-up",
        percent(request)
    );
    let marked = server
        .json(Request::put(&mark), r#"{"by":"mia"}"#, StatusCode::OK)
        .await;
    assert_eq!(marked["follow_up"]["by"], "mia");
    let again = server
        .ask(Request::get(path).header("if-none-match", &tag), "")
        .await;
    assert_eq!(again.status(), StatusCode::OK, "somebody marked a rating");
    let list = "/api/v1/workspaces/w1/ratings?from=2026-03-20&to=2026-04-10&followed_up=yes";
    assert_eq!(server.all(list).await.len(), 1);
    let open = server
        .json(Request::delete(&mark), "", StatusCode::OK)
        .await;
    assert_eq!(open["follow_up"], Value::Null);
    let none = "/api/v1/workspaces/w1/ratings/nobody/follow-up";
    server
        .json(Request::put(none), "", StatusCode::NOT_FOUND)
        .await;
    server
        .json(
            Request::put(&mark),
            r#"{"bye":"mia"}"#,
            StatusCode::BAD_REQUEST,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_questions_are_problems() {
    let server = Server::new(&World::new(2)).await;
    let wrong = [
        "summary?from=2026-02-30",
        "summary?from=2026-03-02&to=2026-03-01",
        "summary?from=2020-01-01&to=2026-01-01",
        "summary?by=year",
        "summary?form=2026-01-01",
        "summary?channel=fax",
        "summary?teammate=",
        "summary?from=2026-01-01&from=2026-01-02",
        "teammates?limit=0",
        "teammates?cursor=zz",
        "ratings?reaction=good",
        "ratings?commented=1",
        "ratings?limit=501",
        "funnel?channel=email",
        "funnel/conversations?criterion=bored",
        "funnel/conversations?alone=yes",
        "heart?cursor=1",
        "funnel/conversations?asked=yes&criterion=stale",
        "export/decisions.csv?channel=email",
        "heart/stream?from=2026-01-01",
        "settings?version=1",
    ];
    for wrong in wrong {
        let path = format!("/api/v1/workspaces/w1/{wrong}");
        server
            .json(Request::get(&path), "", StatusCode::BAD_REQUEST)
            .await;
    }
    server
        .json(
            Request::get("/api/v1/workspaces/w%07/summary"),
            "",
            StatusCode::BAD_REQUEST,
        )
        .await;
    server
        .json(
            Request::get("/api/v1/workspaces/w1/export/ratings.xlsx"),
            "",
            StatusCode::NOT_FOUND,
        )
        .await;
    let empty = server.get("/api/v1/workspaces/nobody/summary").await;
    assert_eq!(
        (
            &empty["figures"]["ratings"],
            &empty["figures"]["positive_share"]
        ),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        empty["over_time"].as_array().unwrap().len(),
        28,
        "the last four weeks"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_hold_every_row() {
    let world = made(3);
    let server = Server::new(&world).await;
    let query = "from=2026-03-20&to=2026-04-10";
    for (what, expected) in [
        ("ratings", "ratings"),
        ("decisions", "funnel/conversations"),
    ] {
        let expected = server
            .all(&format!("/api/v1/workspaces/w1/{expected}?{query}"))
            .await
            .len();
        assert!(expected > 50);
        let csv = format!("/api/v1/workspaces/w1/export/{what}.csv?{query}");
        let csv = server.ask(Request::get(csv), "").await;
        assert_eq!(
            csv.headers()["afterword-rows"],
            expected.to_string().as_str()
        );
        let text = String::from_utf8(support::server::body(csv).await).unwrap();
        assert_eq!(text.lines().count(), expected + 1, "{text}");
        let file = format!("/api/v1/workspaces/w1/export/{what}.parquet?{query}");
        let file = support::server::body(server.ask(Request::get(file), "").await).await;
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), file).unwrap();
        let reader = SerializedFileReader::new(path.reopen().unwrap()).unwrap();
        assert_eq!(reader.get_row_iter(None).unwrap().count(), expected);
        let row = reader
            .get_row_iter(None)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .to_string();
        assert!(row.contains("conversation_id: \"c"), "{row}");
    }
    let nothing = server
        .ask(
            Request::get("/api/v1/workspaces/w9/export/ratings.parquet"),
            "",
        )
        .await;
    assert!(support::server::body(nothing).await.starts_with(b"PAR1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_of_settings_is_appended_and_then_shown() {
    let server = Server::new(&World::new(2)).await;
    let path = "/api/v1/workspaces/w1/settings";
    let put = async |body: Value, status| {
        let request = Request::put(path).header("content-type", "application/json");
        server.json(request, &body.to_string(), status).await
    };
    let mut version = json!({
        "live_for_users": true, "live_for_leads": false, "plan_includes_ratings": true, "time_zone": "Asia/Tokyo",
        "target": {"positive_share": 0.9, "minimum_ratings": 20}, "teammate_targets": {"ann": {"positive_share": 0.8, "minimum_ratings": 5}},
        "effective_from": "2026-03-01T00:00:00Z", "by": "mia",
    });
    let appended = put(version.clone(), StatusCode::CREATED).await;
    assert_eq!(appended["version"], 2, "after the one that is there");
    version["version"] = json!(2);
    put(version.clone(), StatusCode::OK).await;
    version["time_zone"] = json!("UTC");
    put(version.clone(), StatusCode::CONFLICT).await;
    version["time_zone"] = json!("Mars/Olympus");
    put(version.clone(), StatusCode::BAD_REQUEST).await;
    version["colour"] = json!("red");
    put(version, StatusCode::BAD_REQUEST).await;
    server
        .json(Request::put(path), "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .await;
    server.project().await;
    let shown = server.get(path).await;
    assert_eq!(shown["entries"][0]["appended_by"], "mia");
    assert_eq!(shown["entries"][0]["time_zone"], "Asia/Tokyo");
    assert!(shown["entries"][0]["appended_at"].is_string());
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2);
    let summary = server
        .get("/api/v1/workspaces/w1/summary?teammate=ann")
        .await;
    assert_eq!(summary["target"]["positive_share"], 0.8);
    assert_eq!(summary["target"]["verdict"], "undecided");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn happy_comments_arrive_by_themselves() {
    let mut world = World::new(2);
    for conversation in ["c1", "c2", "c3", "c4"] {
        world.ask("w1", conversation, "ann", NOON);
    }
    world.rate("c1", Reaction::Amazing, NOON + DAY);
    world.comment("c1", "before", NOON + DAY);
    let server = Server::new(&world).await;
    let path = "/api/v1/workspaces/w1/heart/stream";
    let stream = server.ask(Request::get(path), "").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut events = stream.into_body().into_data_stream();
    let mut more = World::continued(&world);
    // Earlier than what is there, a sad one, and one of a later time.
    for (conversation, reaction, at) in [
        ("c2", Reaction::Great, NOON),
        ("c3", Reaction::Bad, NOON + DAY),
        ("c4", Reaction::Great, NOON + 2 * DAY),
    ] {
        more.rate(conversation, reaction, at);
        more.comment(conversation, &format!("of {conversation}"), at);
    }
    server.append(&more).await;
    let mut text = String::new();
    while text.matches("event: comment").count() < 2 || !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_secs(20), events.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        text += std::str::from_utf8(&chunk).unwrap();
    }
    assert!(text.contains("of c2") && text.contains("of c4"), "{text}");
    assert!(
        !text.contains("before") && !text.contains("of c3"),
        "{text}"
    );
    let first = text
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap();
    let again = server
        .ask(Request::get(path).header("last-event-id", first), "")
        .await;
    let mut events = again.into_body().into_data_stream();
    let chunk = tokio::time::timeout(Duration::from_secs(20), events.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    assert!(text.contains("before"), "later than c2's: {text}");
    let bad = Request::get(path).header("last-event-id", "7");
    server.json(bad, "", StatusCode::BAD_REQUEST).await;
}

/// The ids in the table of a page, and where its links to others lead.
fn rows_and_link<'a>(page: &'a str, link: &str) -> (Vec<&'a str>, Option<String>) {
    let ids = page.split("<th scope=\"row\"><a").skip(1);
    let ids = ids.map(|row| row.split(['>', '<']).nth(1).unwrap());
    let link = format!("\" rel=\"{link}\"");
    let href = page
        .split(&link)
        .next()
        .filter(|before| before.len() < page.len());
    let href = href.map(|before| before.rsplit("href=\"").next().unwrap());
    (
        ids.collect(),
        href.map(|href| href.replace("&#38;", "&").replace("&amp;", "&")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_teammates_goes_on_to_the_next_hundred() {
    let mut world = World::new(2);
    for number in 0..230 {
        let conversation = format!("c{number}");
        world.ask("w1", &conversation, &format!("t{number:03}"), NOON);
        let reaction = if number % 3 == 0 {
            Reaction::Bad
        } else {
            Reaction::Great
        };
        world.rate(&conversation, reaction, NOON + number);
    }
    let server = Server::new(&world).await;
    let first = "/w1/teammates?from=2026-03-27&to=2026-03-30&sort=-share";
    let (mut address, mut found, mut sizes) = (Some(first.to_owned()), Vec::new(), Vec::new());
    while let Some(at) = address {
        let page = body(server.ask(Request::get(&at), "").await).await;
        let page = String::from_utf8(page).unwrap();
        let (ids, next) = rows_and_link(&page, "next");
        assert_eq!(rows_and_link(&page, "prev").1.is_some(), !sizes.is_empty());
        sizes.push(ids.len());
        found.extend(ids.into_iter().map(str::to_owned));
        address = next;
    }
    assert_eq!(sizes, [100, 100, 30]);
    // As sorted over all pages: the happy first, and by name among equals.
    let is_bad = |number: &usize| number.is_multiple_of(3);
    let happy = (0..230).filter(|number| !is_bad(number));
    let expected = happy.chain((0..230).filter(is_bad));
    let expected: Vec<_> = expected.map(|number| format!("t{number:03}")).collect();
    assert_eq!(found, expected);
    // A place behind the end is the beginning.
    let behind = Cursor::numbered(230).encode();
    let page = server.ask(Request::get(format!("{first}&cursor={behind}")), "");
    let page = String::from_utf8(body(page.await).await).unwrap();
    assert_eq!(rows_and_link(&page, "next").0.len(), 100);
}
