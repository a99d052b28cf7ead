//! Every route as every kind of account: the statuses, printed (`--nocapture`), and held against what the table of rights means.

use std::collections::BTreeSet;
use std::path::Path;

use afterword_readmodel::Role;
use afterword_web::access::{Needed, ROUTES, Row, Scope, secret};
use axum::http::{Request, StatusCode};

use crate::world::{HOUR, Signed, World, as_signed, bearer};

/// What a route's right is answered with.
type Rule = fn(Needed) -> Expected;

/// Who asks.
struct Kind {
    name: &'static str,
    with: With,
    /// What the route's right is answered with in the workspace w1.
    expected: Rule,
}

enum With {
    Nothing,
    Session(Signed),
    Token(String),
}

/// What the layer makes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Admitted,
    SignIn,
    Forbidden,
    NotThere,
}

use Expected::{Admitted, Forbidden, NotThere, SignIn};

fn nobody(needed: Needed) -> Expected {
    match needed {
        Needed::Nothing | Needed::Form | Needed::Signed => Admitted,
        _ => SignIn,
    }
}

fn manager(needed: Needed) -> Expected {
    match needed {
        Needed::Some(Scope::EventsWrite) => Forbidden,
        _ => Admitted,
    }
}

fn stranger(needed: Needed) -> Expected {
    match needed {
        Needed::In(_) | Needed::Own(_) => NotThere,
        other => manager(other),
    }
}

/// Ben, where teammates see what is their own; the path or the query names him.
fn teammate(needed: Needed) -> Expected {
    match needed {
        Needed::In(_) | Needed::Some(_) => Forbidden,
        _ => Admitted,
    }
}

/// Carl, of the same workspace: what is asked for is Ben's.
fn other_teammate(needed: Needed) -> Expected {
    match needed {
        Needed::Own(_) => Forbidden,
        other => teammate(other),
    }
}

fn token(scope: Scope, needed: Needed) -> Expected {
    match needed {
        Needed::Account => Forbidden,
        Needed::Some(wanted) | Needed::In(wanted) | Needed::Own(wanted) if wanted != scope => {
            Forbidden
        }
        _ => Admitted,
    }
}

fn foreign_token(needed: Needed) -> Expected {
    match needed {
        Needed::In(_) | Needed::Own(_) => NotThere,
        other => token(Scope::ReportsRead, other),
    }
}

async fn kinds(world: &World) -> Vec<Kind> {
    let session = async |name: &str, grants: &[(&str, Role)], ago_ms: i64| {
        let id = world.account(name, grants).await;
        With::Session(world.session(&id, ago_ms).await)
    };
    let ben = || Role::Teammate("ben".to_owned());
    let kind = |name, with, expected| Kind {
        name,
        with,
        expected,
    };
    let mut kinds = vec![
        kind("nobody", With::Nothing, nobody as Rule),
        kind(
            "manager",
            session("m1", &[("w1", Role::Manager)], 0).await,
            manager,
        ),
        kind(
            "manager of all",
            session("all", &[("", Role::Manager)], 0).await,
            manager,
        ),
        kind(
            "manager of w2",
            session("m2", &[("w2", Role::Manager)], 0).await,
            stranger,
        ),
        kind(
            "teammate",
            session("t1", &[("w1", ben())], 0).await,
            teammate,
        ),
        kind(
            "another",
            session("t2", &[("w1", Role::Teammate("carl".to_owned()))], 0).await,
            other_teammate,
        ),
        kind(
            "session over",
            session("old", &[("w1", Role::Manager)], 25 * HOUR).await,
            nobody,
        ),
    ];
    let off = world.account("off", &[("w1", Role::Manager)]).await;
    let signed = With::Session(world.session(&off, 0).await);
    world.database.disable_account(&off, 1).await.unwrap();
    kinds.push(kind("disabled", signed, nobody));
    let tokens: [(&str, &str, Option<&str>, Rule); 6] = [
        ("events:write", "events:write", Some("w1"), |needed| {
            token(Scope::EventsWrite, needed)
        }),
        ("reports:read", "reports:read", Some("w1"), |needed| {
            token(Scope::ReportsRead, needed)
        }),
        ("of w2", "reports:read", Some("w2"), foreign_token),
        ("ratings:write", "ratings:write", None, |needed| {
            token(Scope::RatingsWrite, needed)
        }),
        ("settings:write", "settings:write", None, |needed| {
            token(Scope::SettingsWrite, needed)
        }),
        ("contacts:write", "contacts:write", None, |needed| {
            token(Scope::ContactsWrite, needed)
        }),
    ];
    for (name, scopes, workspace, expected) in tokens {
        let with = With::Token(world.token(scopes, workspace).await);
        kinds.push(kind(name, with, expected));
    }
    kinds
}

/// The path of a row, as one that asks for what is Ben's in the workspace w1.
fn path_of(row: &Row) -> String {
    let filled = [
        ("{workspace}", "w1"),
        ("{teammate}", "ben"),
        ("{conversation}", "c1"),
        ("{customer}", "u1"),
        ("{request}", "r1"),
        ("{file}", "ratings.csv"),
        ("{source}", "desk"),
    ];
    let mut path = row.pattern.to_owned();
    for (name, value) in filled {
        path = path.replace(name, value);
    }
    match row.needed {
        Needed::Own(_) if !path.contains("ben") => format!("{path}?teammate=ben"),
        _ => path,
    }
}

async fn status(world: &World, row: &Row, with: &With) -> StatusCode {
    let mut request = Request::builder().method(row.method).uri(path_of(row));
    request = match with {
        With::Nothing if row.method != "GET" => {
            let cookie = "a".repeat(43);
            let csrf = secret::form_token(&cookie);
            let cookie = format!("afterword-form={cookie}");
            request
                .header("cookie", cookie)
                .header("x-afterword-csrf", csrf)
        }
        With::Nothing => request,
        With::Session(signed) => {
            as_signed(request, signed).header("x-afterword-csrf", &signed.csrf)
        }
        With::Token(token) => bearer(request, token),
    };
    let is_page = !row.pattern.starts_with("/api/");
    let kind = if is_page {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    let body = if row.pattern.ends_with("/events") {
        "[]"
    } else {
        ""
    };
    world
        .ask(request.header("content-type", kind), body)
        .await
        .status
}

fn refused_with(row: &Row, expected: Expected) -> Option<StatusCode> {
    let is_page = !row.pattern.starts_with("/api/");
    match expected {
        Admitted => None,
        SignIn if is_page && row.method == "GET" => Some(StatusCode::SEE_OTHER),
        SignIn => Some(StatusCode::UNAUTHORIZED),
        Forbidden => Some(StatusCode::FORBIDDEN),
        NotThere => Some(StatusCode::NOT_FOUND),
    }
}

#[tokio::test]
async fn every_route_answers_every_kind_of_account_as_the_table_says() {
    let world = World::new().await;
    let kinds = kinds(&world).await;
    let there = routes_of_the_source();
    let names = kinds.iter().map(|kind| format!(" {:>14}", kind.name));
    println!("{:>79}", names.collect::<String>());
    for row in ROUTES.iter().filter(|row| there.contains(row.pattern)) {
        let mut line = format!("{:<6} {:<72}", row.method, row.pattern);
        for kind in &kinds {
            if is_told_elsewhere(row, kind) {
                line.push_str("              -");
                continue;
            }
            let found = status(&world, row, &kind.with).await;
            line.push_str(&format!(" {:>14}", found.as_u16()));
            let what = format!("{} {} as {}", row.method, row.pattern, kind.name);
            match refused_with(row, (kind.expected)(row.needed)) {
                Some(refused) => assert_eq!(found, refused, "{what}"),
                None => assert!(
                    ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&found)
                        && !found.is_server_error(),
                    "{what}: {found}"
                ),
            }
        }
        println!("{line}");
    }
}

/// What ends the session that the other rows need; and a form of somebody whose session is over, which has another's token.
fn is_told_elsewhere(row: &Row, kind: &Kind) -> bool {
    let is_session = matches!(kind.with, With::Session(_));
    let is_over = ["session over", "disabled"].contains(&kind.name);
    let is_form = row.needed == Needed::Form && row.method == "POST";
    is_session && (row.pattern == "/logout" && !is_over || is_form && is_over)
}

/// Files whose routes are of other listeners.
const ELSEWHERE: [&str; 6] = [
    "demo",
    "internal.rs",
    "messenger",
    "operations.rs",
    "starting.rs",
    "survey",
];

/// The patterns of all routes of the reports listener that stand in the source.
fn routes_of_the_source() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if ELSEWHERE.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for opening in [".route(", "utoipa::path("] {
            for after in text
                .split("#[cfg(test)]")
                .next()
                .unwrap()
                .split(opening)
                .skip(1)
            {
                let mut strings = after.split('"').skip(1).step_by(2);
                let pattern = strings.next().unwrap_or_default();
                assert!(
                    pattern.starts_with('/'),
                    "a route that this test cannot read: {after:.80}"
                );
                found.insert(pattern.to_owned());
            }
        }
    }
}

#[test]
fn every_route_of_the_source_is_in_the_table() {
    let there = routes_of_the_source();
    assert!(there.len() > 10, "{there:?}");
    for pattern in there {
        let known = ROUTES.iter().any(|row| row.pattern == pattern);
        assert!(
            known,
            "{pattern} has no entry in the table of rights (access/table.rs), so everybody is refused"
        );
    }
}

#[tokio::test]
async fn what_is_in_no_table_is_refused_to_everybody() {
    let world = World::new().await;
    for kind in kinds(&world).await {
        for path in ["/api/v1/nothing", "/internal/v1/log", "/a/b/c/d"] {
            let row = Row {
                method: "GET",
                pattern: path,
                needed: Needed::Nothing,
            };
            let found = status(&world, &row, &kind.with).await;
            assert_eq!(found, StatusCode::NOT_FOUND, "{path} as {}", kind.name);
        }
    }
    let answer = world.ask(Request::delete("/login"), "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
}

/// To somebody else a workspace that is there and one that is not are the same.
#[tokio::test]
async fn a_foreign_workspace_is_as_if_it_were_not_there() {
    let world = World::new().await;
    let id = world.account("anna", &[("w1", Role::Manager)]).await;
    let anna = world.session(&id, 0).await;
    let reader = world.token("reports:read", Some("w1")).await;
    let mut texts = BTreeSet::new();
    for workspace in ["w2", "w3", "W1", "w1%20", "w1%2F..%2Fw2"] {
        let path = format!("/api/v1/workspaces/{workspace}/conversations/c1");
        let answer = world.get(&path, &anna).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        texts.insert(answer.text);
        let answer = world.ask(bearer(Request::get(&path), &reader), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        texts.insert(answer.text);
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn a_teammate_sees_what_is_their_own_and_where_the_workspace_says_so() {
    let world = World::new().await;
    let ben = || Role::Teammate("ben".to_owned());
    let id = world.account("ben", &[("w1", ben()), ("w2", ben())]).await;
    let ben = world.session(&id, 0).await;
    for (path, is_seen) in [
        ("w1/summary?teammate=ben", true),
        ("w1/summary", false),
        ("w1/summary?teammate=", false),
        ("w1/summary?teammate=anna", false),
        ("w1/summary?teammate=ben&teammate=anna", false),
        ("w1/summary?teammate=ben&team%6Date=anna", false),
        ("w2/summary?teammate=ben", false),
        ("w1/teammates", false),
        ("w1/conversations/c1", false),
    ] {
        let answer = world.get(&format!("/api/v1/workspaces/{path}"), &ben).await;
        let expected = if is_seen {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(answer.status, expected, "{path} {}", answer.text);
    }
}
