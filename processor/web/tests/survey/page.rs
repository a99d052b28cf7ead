//! The page itself: headers, size, languages, and what a screen reader, a keyboard and a small screen need of the markup.

use axum::http::StatusCode;

use crate::world::World;

/// All told, as the browser gets it.
const PAGE_BYTES: usize = 30_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_kept_found_framed_or_loaded_from_elsewhere() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    world.answer(&path, &[("reaction", "bad")]).await;
    for path in [path.as_str(), "/r/x", "/"] {
        let page = world.get(path).await;
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("x-robots-tag", "noindex, nofollow"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("vary", "accept-language"),
        ] {
            assert_eq!(page.headers[name], value, "{path}");
        }
        assert!(!page.headers.contains_key("set-cookie"));
        let policy = page.headers["content-security-policy"]
            .to_str()
            .expect("text");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'nonce-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let nonce = policy
            .split_once("'nonce-")
            .and_then(|(_, rest)| rest.split_once('\''));
        let nonce = nonce.expect("a nonce").0;
        for kind in ["style", "script"] {
            let own = format!("<{kind} nonce=\"{nonce}\">");
            let [own, all] = [own, format!("<{kind}")].map(|tag| page.text.matches(&tag).count());
            assert_eq!(own, all, "{kind}");
            assert!(policy.contains(&format!("{kind}-src 'nonce-{nonce}'")));
        }
        assert!(page.text.len() < PAGE_BYTES, "{} bytes", page.text.len());
        for elsewhere in [
            "http:", "https:", "@import", "url(", " style=", " on", "src=",
        ] {
            let found = page.text.find(elsewhere);
            let around =
                found.map(|at| &page.text[at.saturating_sub(20)..(at + 20).min(page.text.len())]);
            let is_text = elsewhere == " on" && !page.text.contains("onclick");
            assert!(found.is_none() || is_text, "{elsewhere}: {around:?}");
        }
        println!("{path:.4} {} bytes", page.text.len());
    }
    let robots = world.get("/robots.txt").await;
    assert_eq!(robots.text, "User-agent: *\nDisallow: /\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_the_customers_language() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    for (language, direction, text) in [
        ("en", "ltr", "Send rating"),
        ("de", "ltr", "Wie war Ihr Gespräch mit Acme & Söhne?"),
        ("fr", "ltr", "Envoyer l’évaluation"),
        ("es", "ltr", "¿Cómo fue su conversación con Acme & Söhne?"),
        ("ar", "rtl", "إرسال التقييم"),
        ("ja", "ltr", "評価を送信"),
    ] {
        let page = world.get_in(&path, language).await;
        page.says(text);
        let html = format!("<html lang=\"{language}\" dir=\"{direction}\"");
        assert!(page.text.contains(&html), "{language}");
        assert_eq!(page.headers["content-language"], language);
    }
    let page = world.get_in(&path, "nl, xx;q=0.5").await;
    page.says("Send rating");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preselected_reaction_is_only_that() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&format!("{path}?r=great")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("value=\"great\" required checked"));
    assert_eq!(page.text.matches(" checked>").count(), 1);
    let page = world.get(&format!("{path}?r=%3Cb%3Egreat")).await;
    assert!(!page.text.contains(" checked>") && !page.text.contains("<b>"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_labels_and_status_are_there_for_everybody() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    assert_eq!(page.text.matches("type=\"radio\"").count(), 5);
    assert_eq!(
        page.text.matches("aria-hidden=\"true\"").count(),
        5,
        "faces"
    );
    let mut at = 0;
    for word in ["Terrible", "Bad", "OK", "Great", "Amazing"] {
        let found = page.text[at..].find(&format!("<span>{word}</span><input type=\"radio\""));
        at += found.unwrap_or_else(|| panic!("{word} in its order, in its label"));
    }
    assert!(page.text.contains("<fieldset>") && page.text.contains("<legend"));
    let saved = world.answer(&path, &[("reaction", "bad")]).await;
    assert!(
        saved
            .text
            .contains("id=\"said\" role=\"status\" tabindex=\"-1\" autofocus>")
    );
    assert!(saved.text.contains("<label for=\"comment\">"));
    assert!(saved.text.contains("aria-describedby=\"comment-note\""));
    let wrong = world.send(&path, &saved, &[("comment", " ")]).await;
    assert!(wrong.text.contains("role=\"alert\""));
    assert!(
        wrong
            .text
            .contains("aria-describedby=\"said comment-note\" aria-invalid=\"true\" autofocus")
    );
    assert!(wrong.text.matches(" autofocus").count() == 1);
}
