//! From a mail that a real server received to a rating.

use std::io::Write;
use std::process::{Command, Stdio};

use afterword_integration_tests::browser::Script;
use serde_json::Value;

use crate::peers::{free_port, mail_server};
use crate::place::Place;
use crate::world::World;

/// The two parts of a message, as JSON. Python's own library reads what the program's own wrote.
const PARTS: &str = "import base64, email, email.policy, json, sys
mail = email.message_from_bytes(base64.b64decode(sys.stdin.read()), policy=email.policy.default)
part = lambda kind: mail.get_body((kind,)).get_content()
print(json.dumps({'html': part('html'), 'text': part('plain')}))";

#[test]
fn a_mails_links_lead_to_a_rating() {
    let port = free_port();
    let place = Place::new()
        .with("deliver.smtp_host", "localhost")
        .with("deliver.smtp_port", port)
        .with("deliver.smtp_security", "none")
        .with("deliver.from", "Help <help@shop.example>");
    let server = mail_server(port, &place.file("mails"), &["none"]);
    let world = World::at(place);
    let asked = world.close("ann@example.com", "email");
    let mail = parts(&server.wait_for(1)[0]);
    let _: Value = Script::new("mail", "mail")
        .with("html", mail["html"].clone())
        .with("text", mail["text"].clone())
        .run();
    let submissions = world.submissions(&asked);
    let told: Vec<_> = submissions
        .iter()
        .map(|one| one["reaction"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["great", "bad"]);
}

fn parts(taken: &Value) -> Value {
    let mut python = Command::new("python3")
        .args(["-c", PARTS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let message = taken["message"].as_str().unwrap();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(message.as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}
