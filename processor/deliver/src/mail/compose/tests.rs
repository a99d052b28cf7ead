//! Mails as they are read: their headers, both parts, and what must not be in them.

use afterword_readmodel::{Asked, Contact};
use afterword_schemas::records::{ActorKind, Channel, OwnedActor, RatingRequested, Timestamp};

use super::*;
use crate::mail::Security;

fn asked() -> Asked {
    let requested = RatingRequested {
        request_id: "b139f598-a267-5ce6-86df-efde7935a099".to_owned(),
        workspace_id: "w1".to_owned(),
        conversation_id: "c1".to_owned(),
        customer: OwnedActor {
            kind: ActorKind::User,
            id: "u1".to_owned(),
        },
        teammate_id: "ben".to_owned(),
        channel: Channel::Email,
        requested_at: Timestamp(0),
        settings_version: 0,
    };
    Asked {
        requested,
        source: None,
        is_answered: false,
    }
}

fn options() -> MailOptions {
    MailOptions {
        host: "localhost".to_owned(),
        port: 25,
        security: Security::None,
        credentials: None,
        ca_file: None,
        from: "support@example.com".to_owned(),
        reply_to: Some("Help <help@example.com>".to_owned()),
        connections: 1,
    }
}

fn mail(name: &str, locale: Option<&str>) -> String {
    let contact = Contact {
        email: Some("ann@example.com".to_owned()),
        name: Some("Änne \"Q\" O'Neil".to_owned()),
        locale: locale.map(str::to_owned),
        wants_mail: true,
    };
    let letter = Letter {
        asked: asked(),
        contact: Some(contact),
        to: "ann@example.com".parse().expect("an address"),
        look: Look {
            name: name.to_owned(),
            colour: "#0f766e".to_owned(),
            locale: "fr".to_owned(),
        },
        link: "https://survey.example.com/r/token".to_owned(),
    };
    String::from_utf8(letter.compose(&options()).expect("a mail")).expect("ASCII")
}

/// Quoted-printable and base64 undone, as far as these mails need it.
fn html_of(name: &str, locale: Option<&str>) -> String {
    let texts = Texts::of(locale);
    let choice = |reaction: &Reaction| Choice {
        word: texts.say(reaction.symbol(), name),
        face: appearance(*reaction).0,
        background: appearance(*reaction).1,
        text: appearance(*reaction).2,
        url: format!("https://survey.example.com/r/token?r={}", reaction.symbol()),
    };
    let choices: Vec<_> = Reaction::ALL.iter().map(choice).collect();
    let html = Html {
        lang: texts.lang,
        dir: if texts.is_right_to_left() {
            "rtl"
        } else {
            "ltr"
        },
        start: if texts.is_right_to_left() {
            "right"
        } else {
            "left"
        },
        font: FONT,
        colour: "#0f766e",
        subject: &texts.say("subject", name),
        preview: "",
        heading: &texts.say("heading", name),
        question: "",
        why: "",
        choices: &choices,
    };
    render(&html).expect("a template that is right")
}

#[test]
fn a_name_cannot_break_out_of_the_mail() {
    let html = html_of("<script>alert(1)</script> & \"Co\"", Some("en"));
    assert!(!html.contains("<script"), "{html}");
    assert!(
        html.contains("&#60;script") || html.contains("&lt;script"),
        "{html}"
    );
    let mail = mail("Acme\r\nBcc: victim@example.com", Some("en"));
    let head = mail.split("\r\n\r\n").next().unwrap_or_default();
    assert!(!head.contains("\nBcc:"), "{head}");
}

#[test]
fn nothing_is_fetched_from_anybody() {
    let html = html_of("Acme", Some("en"));
    for foreign in ["googleapis", "<link", "<script", "@import", "<img"] {
        assert!(!html.contains(foreign), "{foreign} in {html}");
    }
    let hosts: Vec<_> = html
        .match_indices("https://")
        .map(|(at, _)| &html[at..at + 26])
        .collect();
    assert!(
        hosts
            .iter()
            .all(|host| *host == "https://survey.example.com"),
        "{hosts:?}"
    );
}

#[test]
fn five_links_preselect_in_the_fixed_order() {
    let html = html_of("Acme", Some("de"));
    let places: Vec<_> = Reaction::ALL
        .iter()
        .map(|reaction| html.find(&format!("?r={}", reaction.symbol())))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?}"
    );
    assert!(
        html.contains("Furchtbar 😠") && html.contains("Großartig 😍"),
        "{html}"
    );
}

#[test]
fn arabic_is_read_from_right_to_left() {
    let html = html_of("Acme", Some("ar"));
    assert!(
        html.contains("dir=\"rtl\"") && html.contains("lang=\"ar\""),
        "{html}"
    );
    assert!(html.contains("text-align:right"), "{html}");
    assert!(
        !html.contains("direction:ltr"),
        "full stops stand at the left end: {html}"
    );
}

#[test]
fn headers_say_what_it_is() {
    let mail = mail("Acme", None);
    let head = mail.split("\r\n\r\n").next().unwrap_or_default();
    for expected in [
        "Message-ID: <b139f598-a267-5ce6-86df-efde7935a099@example.com>",
        "Auto-Submitted: auto-generated",
        "From: Acme <support@example.com>",
        "Reply-To: Help <help@example.com>",
        "Content-Type: multipart/alternative",
        "MIME-Version: 1.0",
    ] {
        assert!(head.contains(expected), "{expected} in {head}");
    }
    assert!(!head.contains("List-Unsubscribe"), "{head}");
    // The workspace's language, as the customer's is not known.
    assert!(head.contains("Subject: ") && head.contains("?"), "{head}");
    assert!(
        mail.lines().all(|line| line.len() <= 998),
        "lines fit into SMTP"
    );
    assert!(mail.is_ascii(), "and need no extension of it");
}
