//! Bad input, request by request: the status and the text that each gets, and that nothing of it reaches the log.

use afterword_link::{LinkKeys, Subject};
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};

use crate::world::{FORM, Setting, WORKSPACE, World, request_id};

const WRONG_FORM: &str = "That was not our form";
const NOT_THERE: &str = "This page is not there";
const MULTIPART: &str = "multipart/form-data; boundary=x";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_gets_its_status_and_its_text() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let page = world.get(&path).await;
    let facts = world.facts();
    let good = page.form(&[("reaction", "great")]);
    let other_keys = LinkKeys::parse(&[LinkKeys::generate()]).expect("a key");
    let subject = |request_id: &str| Subject {
        workspace_id: WORKSPACE.to_owned(),
        request_id: request_id.to_owned(),
    };
    let foreign = format!("/r/{}", other_keys.mint(&subject(&request_id("c1"))));
    let unknown = format!("/r/{}", world.keys.mint(&subject(&request_id("never"))));
    let elsewhere = Subject {
        workspace_id: "w2".to_owned(),
        request_id: request_id("c1"),
    };
    let elsewhere = format!("/r/{}", world.keys.mint(&elsewhere));
    let long = page.form(&[("comment", &"ü".repeat(5_001))]);
    let count = "your comment has 5001 characters, and at most 5000 are possible. Your text is still below; please shorten it by 1.";
    let json = r#"{"reaction":"great"}"#.to_owned();
    let huge = format!("{good}&comment={}", "x".repeat(10 << 20));
    let nothing = page.form(&[]);
    let blank = page.form(&[("comment", " \n\u{3000}\t\u{0}\u{7} ")]);
    let no_such = page.form(&[("reaction", "good")]);
    let tampered = format!("{path}A");
    let cut = path[..path.len() - 1].to_owned();
    let no_stamp = "reaction=great".to_owned();
    let form = FORM;
    #[rustfmt::skip]
    let table: Vec<(&str, &str, &str, String, u16, &str)> = vec![
        ("a tampered token",        &tampered,  form, good.clone(), 404, NOT_THERE),
        ("a cut token",             &cut,       form, good.clone(), 404, NOT_THERE),
        ("a foreign token",         &foreign,   form, good.clone(), 404, NOT_THERE),
        ("no token",                "/r/",      form, good.clone(), 404, NOT_THERE),
        ("bytes that are no text",  "/r/%FF%00", form, good.clone(), 404, NOT_THERE),
        ("an unknown request",      &unknown,   form, good.clone(), 404, NOT_THERE),
        ("another workspace",       &elsewhere, form, good.clone(), 404, NOT_THERE),
        ("a long comment",          &path, form, long,    422, count),
        ("nothing chosen",          &path, form, nothing, 422, "please choose one of the five ratings"),
        ("a reaction that is none", &path, form, no_such, 422, "please choose one of the five ratings"),
        ("an empty comment",        &path, form, blank,   422, "please write something first"),
        ("no stamp",                &path, form, no_stamp, 400, "the form did not arrive complete"),
        ("JSON",                    &path, "application/json", json, 415, WRONG_FORM),
        ("multipart",               &path, MULTIPART, good.clone(), 415, WRONG_FORM),
        ("no content type",         &path, "", good.clone(), 415, WRONG_FORM),
        ("10 MB",                   &path, form, huge, 413, "That was too much"),
    ];
    println!("{:<26} {:<6} text", "bad input", "status");
    for (name, path, kind, body, status, text) in table {
        let page = world.post(path, kind, body).await;
        println!("{name:<26} {:<6} {text}", page.status.as_u16());
        assert_eq!(page.status.as_u16(), status, "{name}: {}", page.words());
        page.says(text);
    }
    assert_eq!(world.facts(), facts, "nothing of it reached the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_are_none_all_get_the_same_page() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let without_nonce = |text: &str| {
        let (_, rest) = text.split_once("nonce=\"").expect("a nonce");
        text.replace(rest.split_once('"').expect("its end").0, "")
    };
    let expected = without_nonce(&world.get("/r/x").await.text);
    for wrong in [
        format!("{path}A"),
        path.replace("/r/", "/r/A"),
        "/other".to_owned(),
    ] {
        let page = world.get(&wrong).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert_eq!(without_nonce(&page.text), expected, "{wrong}");
    }
    let page = world.get_in("/r/x", "ar").await;
    page.says("هذه الصفحة غير موجودة");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_another_request_is_none_of_this() {
    let world = World::new().await;
    let (mine, other) = (world.asked("c1").await, world.asked("c2").await);
    let page = world.get(&other).await;
    let answered = world.send(&mine, &page, &[("reaction", "great")]).await;
    assert_eq!(answered.status, StatusCode::BAD_REQUEST);
    assert!(
        answered.text.contains("value=\"great\" required checked"),
        "kept"
    );
    // With the form that came back it goes.
    let sent = world.send(&mine, &answered, &[("reaction", "great")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_body_is_not_waited_for() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let slow = slow_body(vec![b"reaction=gr".as_slice()]);
    let request = Request::post(&path).header("content-type", FORM);
    let page = world.ask(request.body(slow).expect("a request")).await;
    assert_eq!(page.status, StatusCode::REQUEST_TIMEOUT);
    page.says("your answer did not arrive in time");
}

/// A body that sends these and then nothing, for ever.
fn slow_body(parts: Vec<&'static [u8]>) -> Body {
    struct Slow(Vec<&'static [u8]>);
    impl http_body::Body for Slow {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            match self.0.pop() {
                Some(part) => {
                    let frame = http_body::Frame::data(Bytes::from_static(part));
                    std::task::Poll::Ready(Some(Ok(frame)))
                }
                None => std::task::Poll::Pending,
            }
        }
    }
    Body::new(Slow(parts))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn html_and_control_characters_are_text() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    world.answer(&path, &[("reaction", "bad")]).await;
    let comment = "<script>alert(1)</script>\u{1b}[31m & \"x\"\r\nsecond line\u{0}";
    let page = world.get(&path).await;
    // Too long, so that it comes back in the form.
    let long = format!("{comment}{}", "x".repeat(5_000));
    let back = world.send(&path, &page, &[("comment", &long)]).await;
    assert!(
        !back.text.contains("<script>") && back.text.contains("script&#62;"),
        "escaped"
    );
    let kept = world.answer(&path, &[("comment", comment)]).await;
    kept.says("Saved: your comment.");
    let facts = world.all_facts();
    let expected = "<script>alert(1)</script>[31m & \"x\"\nsecond line".as_bytes();
    let has = |fact: &[u8]| fact.windows(expected.len()).any(|part| part == expected);
    assert_eq!(facts.iter().filter(|(fact, _)| has(fact)).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_answers_of_one_link_are_told_to_wait() {
    let world = World::with(Setting {
        link_posts: 2,
        ..Setting::default()
    })
    .await;
    let path = world.asked("c1").await;
    world.answer(&path, &[("reaction", "bad")]).await;
    world.answer(&path, &[("reaction", "ok")]).await;
    let page = world.get(&path).await;
    let limited = world.send(&path, &page, &[("comment", "Well …")]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.headers["retry-after"], "60");
    limited.says("too many answers came in a short time");
    limited.says("Well …");
    assert_eq!(limited.stamp(), page.stamp(), "sent again, it counts once");
    assert_eq!(world.count("afterword_survey_limited_total", "link"), 1.0);
    let other = world.asked("c2").await;
    world
        .answer(&other, &[("reaction", "bad")])
        .await
        .says("Saved: Bad");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_are_refused() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::builder().method(method).uri(&path);
        let page = world
            .ask(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(page.headers["allow"], "GET, HEAD, POST");
    }
}
