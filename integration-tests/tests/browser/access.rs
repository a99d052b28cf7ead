//! Somebody with an account, on a telephone.

use std::time::Duration;

use afterword_integration_tests::browser::Script;
use serde_json::Value;

use crate::place::Place;

#[test]
fn somebody_who_is_invited_sees_their_workspace() {
    let place = Place::new();
    let service = place.serve(&[]);
    service.wait_until_ready(Duration::from_secs(60));
    place.must(&["simulate", "--conversations", "300", "--days", "5"]);
    let address = service.events_url().unwrap().replace("/api/v1/events", "");
    let invited = place.must(&[
        "accounts",
        "invite",
        "anna@example.com",
        "--manager",
        "--workspace",
        "acme",
        "--set",
        &format!("reports.public_url={address}"),
    ]);
    let link = invited.lines().next().unwrap();
    assert!(link.starts_with(&address), "{invited}");
    let _: Value = Script::new("access", "access")
        .with("address", address.as_str())
        .with("invitation", link)
        .with("password", "correct horse battery")
        .run();
}
