//! Mails to customers, by way of a real mail server.

use std::collections::BTreeSet;
use std::time::Duration;

use afterword_integration_tests::kafka::Certificates;
use serde_json::Value;

use crate::closes::{asked, now_ms, reaction, request_id};
use crate::peers::{Peer, free_port, mail_server};
use crate::place::Place;
use crate::service::Service;

const PATIENCE: Duration = Duration::from_secs(60);

/// A place that sends mails to this port of this machine, soon again after a failure.
fn place(port: u16, security: &str) -> Place {
    Place::new()
        .with("log.partitions", 1)
        .with("deliver.smtp_host", "localhost")
        .with("deliver.smtp_port", port)
        .with("deliver.smtp_security", security)
        .with("deliver.from", "Help <help@shop.example>")
        .with("deliver.first_retry_ms", 100)
        .with("deliver.claim_s", 20)
        .with("workspaces.w1.name", "Acme & Söhne")
}

fn server(place: &Place, port: u16) -> Peer {
    mail_server(port, &place.file("mails"), &["none"])
}

/// What `deliveries list` says of a mail.
fn delivery(place: &Place, conversation: &str) -> Value {
    let id = format!("mail_{}", request_id("w1", conversation));
    let listed = place.must(&["deliveries", "list", "--json", "--limit", "1000"]);
    let rows = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.into_iter()
        .find(|row| row["delivery_id"] == *id)
        .unwrap_or_default()
}

fn wait_for_state(service: &Service, place: &Place, conversation: &str, state: &str) -> Value {
    service.wait_for(&format!("{conversation} to be {state}"), PATIENCE, |_| {
        delivery(place, conversation)["state"] == *state
    });
    delivery(place, conversation)
}

/// A mail's head and body as they came, and its Message-ID.
fn text_of(taken: &Value) -> String {
    let decoded = std::process::Command::new("base64")
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            use std::io::Write;
            let message = taken["message"].as_str().unwrap().to_owned();
            let mut input = child.stdin.take().unwrap();
            let writing = std::thread::spawn(move || input.write_all(message.as_bytes()));
            let output = child.wait_with_output();
            writing.join().unwrap()?;
            output
        });
    String::from_utf8(decoded.unwrap().stdout).unwrap()
}

fn message_id(taken: &Value) -> String {
    let text = text_of(taken);
    let line = text.lines().find(|line| line.starts_with("Message-ID:"));
    line.unwrap().to_owned()
}

#[test]
fn a_customer_is_asked_over_tls_by_a_server_that_wants_a_password() {
    for security in ["starttls", "tls"] {
        let port = free_port();
        let place = place(port, security);
        let certificates = Certificates::make(place.file("certificates"));
        let place = place
            .with("deliver.smtp_ca_file", certificates.file("ca.pem"))
            .with("deliver.smtp_username", "mailer")
            .with("deliver.smtp_password", "s3cret-of-the-mailer");
        let certificate = certificates.file("server.pem");
        let arguments = [security, &certificate, "mailer", "s3cret-of-the-mailer"];
        let server = mail_server(port, &place.file("mails"), &arguments);
        let service = place.serve(&[]);
        service.post(&asked("w1", "c1", "ann@example.com", "email", now_ms()));
        service.post(&asked("w1", "c2", "bea@example.com", "messenger", now_ms()));
        let taken = server.wait_for(1);
        assert_eq!(taken[0]["to"], "ann@example.com");
        assert_eq!(
            (&taken[0]["user"], &taken[0]["tls"]),
            (&"mailer".into(), &true.into()),
            "{security}"
        );
        let mail = text_of(&taken[0]);
        let request = request_id("w1", "c1");
        assert!(
            mail.contains(&format!("Message-ID: <{request}@shop.example>")),
            "{mail}"
        );
        assert!(mail.contains("Auto-Submitted: auto-generated"), "{mail}");
        wait_for_state(&service, &place, "c1", "sent");
        assert_eq!(
            delivery(&place, "c2"),
            Value::Null,
            "who writes in the messenger is asked there"
        );
        assert_eq!(
            service.metric("afterword_deliver_finished_total"),
            Some(1.0)
        );
        assert_eq!(service.times_said("s3cret"), 0);
        assert_eq!(service.times_said("ann@example.com"), 0);
        assert!(service.stop().success());
    }
}

#[test]
fn what_a_server_refuses_for_now_is_tried_again_and_what_it_refuses_for_good_is_not() {
    let port = free_port();
    let place = place(port, "none");
    let server = server(&place, port);
    let service = place.serve(&[]);
    let customers = [
        "later-2@example.com",
        "unknown@example.com",
        "filtered@example.com",
        "ann@example.com",
    ];
    for (index, customer) in customers.iter().enumerate() {
        service.post(&asked(
            "w1",
            &format!("c{index}"),
            customer,
            "email",
            now_ms(),
        ));
    }
    let sent = wait_for_state(&service, &place, "c0", "sent");
    assert_eq!(sent["attempts"], 3);
    for (conversation, code) in [("c1", "550"), ("c2", "554")] {
        let bounced = wait_for_state(&service, &place, conversation, "bounced");
        let detail = bounced["detail"].as_str().unwrap();
        assert!(
            detail.contains(code) && !detail.contains("unknown@"),
            "{detail}"
        );
        assert_eq!(bounced["attempts"], 1);
    }
    wait_for_state(&service, &place, "c3", "sent");
    let to: BTreeSet<String> = server
        .taken()
        .iter()
        .map(|mail| mail["to"].to_string())
        .collect();
    assert_eq!(to.len(), 2, "{to:?}");
    assert_eq!(server.taken().len(), 2);
    // By hand it is tried once more, and bounces once more.
    let id = format!("mail_{}", request_id("w1", "c1"));
    place.must(&["deliveries", "retry", &id]);
    service.wait_for("another bounce", PATIENCE, |service| {
        service.metric("afterword_deliver_finished_total") == Some(5.0)
    });
    assert!(
        !place
            .run(&["deliveries", "retry", "mail_of-nobody"])
            .status
            .success()
    );
}

#[test]
fn a_server_that_is_away_or_relays_nothing_is_waited_for() {
    let port = free_port();
    let place = place(port, "none");
    let service = place.serve(&[]);
    service.post(&asked("w1", "c1", "ann@example.com", "email", now_ms()));
    let told = |service: &Service| {
        let ready = service.get("/readyz").unwrap();
        ready.status == 503 && ready.body.contains("deliver")
    };
    service.wait_for("/readyz to tell", PATIENCE, told);
    let server = server(&place, port);
    server.wait_for(1);
    wait_for_state(&service, &place, "c1", "sent");
    service.wait_until_ready(PATIENCE);
    service.post(&asked("w1", "c2", "relay@example.com", "email", now_ms()));
    service.wait_for("/readyz to tell", PATIENCE, told);
    assert_eq!(
        delivery(&place, "c2")["state"],
        "waiting",
        "not the customer's fault"
    );
}

#[test]
fn a_mail_that_was_cut_off_comes_twice_at_most_under_one_id() {
    let port = free_port();
    let place = place(port, "none");
    let server = server(&place, port);
    let service = place.serve(&[]);
    service.post(&asked("w1", "c1", "cut@example.com", "email", now_ms()));
    let sent = wait_for_state(&service, &place, "c1", "sent");
    assert_eq!(sent["attempts"], 2);
    let taken = server.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(message_id(&taken[0]), message_id(&taken[1]));
}

#[test]
fn a_process_killed_while_it_sends_repeats_one_mail_at_most() {
    let port = free_port();
    let place = place(port, "none").with("deliver.claim_s", 8);
    let server = server(&place, port);
    let mut service = place.serve(&[]);
    // The server has taken it, and says nothing: the moment between sending and saying so, held open.
    service.post(&asked("w1", "c1", "hang@example.com", "email", now_ms()));
    let first = server.wait_for(1);
    service.process().kill();
    let service = place.serve(&[]);
    let taken = server.wait_for(2);
    wait_for_state(&service, &place, "c1", "sent");
    std::thread::sleep(Duration::from_secs(10));
    assert_eq!(server.taken().len(), 2, "once more than once, and no more");
    assert_eq!(message_id(&first[0]), message_id(&taken[1]));
}

#[test]
fn an_address_that_comes_later_is_used() {
    let port = free_port();
    let place = place(port, "none");
    let server = server(&place, port);
    let service = place.serve(&[]);
    for conversation in ["c1", "c2", "c3"] {
        let customer = format!("of-{conversation}");
        service.post(&asked("w1", conversation, &customer, "email", now_ms()));
        wait_for_state(&service, &place, conversation, "no_address");
    }
    let path = "/api/v1/workspaces/w1/contacts/of-c1";
    let put = service.put_report(
        path,
        "{\"email\":\"ann@example.com\",\"name\":\"Ann\",\"locale\":\"de\"}",
    );
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(
        service.get_report(path).unwrap().json()["email"],
        "ann@example.com"
    );
    wait_for_state(&service, &place, "c1", "sent");
    assert!(text_of(&server.wait_for(1)[0]).contains("To: Ann <ann@example.com>"));
    let refused = service.put_report(path, "{\"email\":\"nowhere\"}");
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(!refused.body.contains("nowhere"), "{}", refused.body);
    let file = place.write(
        "contacts.csv",
        "workspace_id,customer_id,email,wants_mail\nw1,of-c2,bea@example.com,\nw1,of-c3,,false\nw1,of-c4,hush,\n",
    );
    let imported = place.run(&["contacts", "import", file.to_str().unwrap(), "--json"]);
    assert_eq!(imported.status.code(), Some(1));
    assert_eq!(imported.stdout.trim(), "{\"kept\":2,\"refused\":1}");
    assert!(
        imported.stderr.contains(":4: email: expected") && !imported.stderr.contains("hush"),
        "{}",
        imported.stderr
    );
    wait_for_state(&service, &place, "c2", "sent");
    wait_for_state(&service, &place, "c3", "opted_out");
    assert_eq!(server.taken().len(), 2);
    assert_eq!(service.delete_report(path).status, 204);
    assert_eq!(service.get_report(path).unwrap().status, 404);
}

#[test]
fn what_is_too_old_or_answered_is_not_sent() {
    let port = free_port();
    let place = place(port, "none").with("deliver.max_age_s", 3_600);
    let server = server(&place, port);
    let hours = |hours: i64| now_ms() - hours * 3_600_000;
    let facts = [
        asked("w1", "c1", "ann@example.com", "email", hours(2)),
        asked("w1", "c2", "bea@example.com", "email", now_ms() - 60_000),
        reaction("w1", "c2", "bea@example.com", "great", now_ms()),
        asked("w1", "c3", "cem@example.com", "email", now_ms()),
    ];
    let file = place.write("facts.ndjson", facts.concat());
    place.import(&file);
    // Decided and projected before anybody delivers, as after a long stop.
    place.drain();
    let service = place.serve(&["--role", "deliver"]);
    wait_for_state(&service, &place, "c1", "too_old");
    wait_for_state(&service, &place, "c2", "answered");
    wait_for_state(&service, &place, "c3", "sent");
    let taken = server.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0]["to"], "cem@example.com");
    let listed = place.must(&["deliveries", "list", "--lane", "mail"]);
    assert!(
        listed.contains("too_old") && !listed.contains("example.com"),
        "{listed}"
    );
}
