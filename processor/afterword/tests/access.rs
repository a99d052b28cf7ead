//! Accounts and API tokens of the real program: without them it listens to nobody else, and with them its own commands go on.

mod common;

use std::process::Stdio;

use common::{Home, facts};

const NETWORK: &str = "reports.listen=0.0.0.0:0";
/// Free ports for the other listeners.
const ELSEWHERE: [&str; 4] = [
    "--survey-listen",
    "127.0.0.1:0",
    "--operations-listen",
    "127.0.0.1:0",
];
const PUBLIC: &str = "reports.public_url=https://ratings.example.com";

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into()
}

#[test]
fn on_a_network_it_does_not_listen_without_accounts() {
    let home = Home::new();
    for (arguments, said) in [
        (
            &["run", "--set", NETWORK, "--set", PUBLIC][..],
            "afterword accounts invite NAME --manager",
        ),
        (
            &["run", "--reports-listen", "0.0.0.0:0"],
            "expected `reports.public_url`",
        ),
        (
            &["demo", "--reports-listen", "0.0.0.0:0"],
            "afterword accounts invite NAME --manager",
        ),
    ] {
        let ended = home.run(&[arguments, &ELSEWHERE].concat());
        assert_eq!(ended.code, Some(78), "{arguments:?} {ended:?}");
        assert!(ended.err.contains(said), "{arguments:?} {ended:?}");
    }
    let invited = home.run(&["accounts", "invite", "anna", "--manager"]);
    assert_eq!(invited.code, Some(0), "{invited:?}");
    let ended = home.run(&[&["run", "--set", NETWORK][..], &ELSEWHERE].concat());
    assert_eq!(
        ended.code,
        Some(78),
        "there is still no public address: {ended:?}"
    );
    let running = home.start_with(
        &["--set", PUBLIC, "--reports-listen", "0.0.0.0:0"],
        Stdio::null(),
    );
    let port = running
        .reports
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    let answer = agent()
        .get(format!("http://127.0.0.1:{port}/api/v1/openapi.json"))
        .call();
    assert_eq!(answer.expect("an answer").status(), 401);
    running.stop();
}

#[test]
fn commands_say_what_they_did_and_what_is_wrong() {
    let home = Home::new();
    let check = |arguments: &[&str], code: i32, said: &str| {
        let ended = home.run(&[&["accounts"], arguments].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        let text = format!("{}{}", ended.out, ended.err);
        assert!(text.contains(said), "{arguments:?} {text}");
        ended
    };
    check(&["invite", "a b", "--manager"], 2, "without white space");
    check(&["invite", "anna"], 2, "--manager");
    check(&["invite", "ben", "--teammate", "ben"], 2, "--workspace");
    check(&["disable", "nobody"], 1, "found none of the name nobody");
    check(
        &["token", "create", "x", "--scope", "everything"],
        2,
        "expected one of events:write",
    );
    check(&["token", "revoke", "x"], 1, "found none of the id x");
    check(&["list"], 0, "no accounts");

    check(
        &["invite", "Anna@Example.com", "--manager"],
        0,
        "http://127.0.0.1:8081/invitation?code=",
    );
    check(
        &["invite", "ben", "--teammate", "ben", "--workspace", "w1"],
        0,
        "For ben, once, until",
    );
    let listed = check(&["list", "--json"], 0, "anna@example.com").json();
    assert_eq!(listed["accounts"], serde_json::json!([]));
    let ben = &listed["invitations"][1]["grants"][0];
    assert_eq!(
        (&ben["workspace"], &ben["role"]),
        (&"w1".into(), &"teammate".into())
    );
    let created = ["token", "create", "x", "--scope", "events:write", "--json"];
    let token = check(&created, 0, "events:write").json();
    let listed = check(&["token", "list"], 0, "valid");
    assert!(
        !listed
            .out
            .contains(&token["token"].as_str().expect("a token")[3..])
    );
    check(
        &["token", "revoke", token["id"].as_str().expect("an id")],
        0,
        "is revoked",
    );
    check(&["token", "list"], 0, "revoked ");
    let hashed = home.run_with_input(&["accounts", "hash"], "correct horse battery\n");
    assert!(hashed.out.starts_with("$argon2id$v=19$"), "{hashed:?}");
    let hashed = home.run_with_input(&["accounts", "hash"], "short\n");
    assert_eq!(hashed.code, Some(1), "{hashed:?}");
}

#[test]
fn commands_of_this_program_go_on_and_no_secret_reaches_the_log_lines() {
    let home = Home::new();
    let created = home.run(&[
        "accounts",
        "token",
        "create",
        "x",
        "--scope",
        "events:write",
        "--json",
    ]);
    let token = created.json()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let path = home.file("log.txt", "");
    let log = std::fs::File::create(&path).expect("a file");
    let more = ["--set", "logging.level=debug"];
    let running = home.start_with(&more, Stdio::from(log));
    let import = home.run_with_input(&["import", "-"], &facts());
    assert_eq!(import.code, Some(0), "{import:?}");
    let explained = home.run(&["explain", "c1"]);
    assert_eq!(explained.code, Some(0), "{explained:?}");
    assert_eq!(home.run(&["tail", "conversation-events"]).lines().len(), 9);

    let url = format!("{}/api/v1/events", running.reports);
    let post = |authorization: &str| {
        let request = agent().post(&url).content_type("application/json");
        let answer = request.header("authorization", authorization).send("[]");
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(post("Bearer aw_wrong-one"), 401);
    assert_eq!(post(&format!("Bearer {token}")), 200);
    let link = home
        .run(&["accounts", "invite", "anna", "--manager", "--json"])
        .json();
    let link = link["link"].as_str().expect("a link").to_owned();
    let code = link.split('=').next_back().expect("a code").to_owned();
    let page = agent()
        .get(format!("{}/invitation?code={code}", running.reports))
        .call();
    assert_eq!(
        page.expect("an answer").status(),
        200,
        "the running service knows it"
    );
    running.stop();
    let lines = std::fs::read_to_string(&path).expect("log lines");
    assert!(lines.contains("the service runs"), "{lines}");
    for secret in [&token[3..], code.as_str(), "wrong-one"] {
        assert!(!lines.contains(secret), "{secret} in {lines}");
    }
}

#[test]
fn an_account_of_the_configuration_signs_in() {
    let home = Home::new();
    let hash = home
        .run_with_input(&["accounts", "hash"], "correct horse battery\n")
        .out;
    let text = format!("[accounts.anna]\npassword_hash = '{}'\n", hash.trim());
    let file = home.file("a.toml", &text);
    let shown = home.run(&["config", "check", "--config", &file]);
    assert!(
        shown.out.contains("accounts.anna.password_hash"),
        "{shown:?}"
    );
    assert!(!shown.out.contains("$argon2id"), "{shown:?}");
    let running = home.start_with(&["--config", &file], Stdio::null());
    let agent = agent();
    let login = format!("{}/login", running.reports);
    let mut page = agent.get(&login).call().expect("an answer");
    let cookie = page.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .to_owned();
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let text = page.body_mut().read_to_string().expect("text");
    let csrf = text.split("name=\"csrf\" value=\"").nth(1).expect("a form");
    let csrf = csrf.split('"').next().expect("a token");
    let form = [
        ("csrf", csrf),
        ("name", "anna"),
        ("password", "correct horse battery"),
    ];
    let answer = agent.post(&login).header("cookie", &cookie).send_form(form);
    assert_eq!(answer.expect("an answer").status(), 303);
    let refused = home.run(&["accounts", "disable", "anna"]);
    assert!(
        refused.err.contains("is of the configuration"),
        "{refused:?}"
    );
    running.stop();
}
