//! Whoever follows a link without pressing a button rates nothing.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_followers_of_links_give_no_rating() {
    let world = World::new().await;
    let path = world.asked("c1").await;
    let facts = world.facts();
    let kinds: [(&str, &[(&str, &str)]); 6] = [
        ("HEAD", &[("user-agent", "MailScanner")]),
        ("GET", &[("purpose", "prefetch")]),
        ("GET", &[("sec-purpose", "prefetch;prerender")]),
        ("GET", &[("x-moz", "prefetch")]),
        ("GET", &[("user-agent", "Mozilla/5.0 HeadlessChrome")]),
        (
            "GET",
            &[
                ("accept-language", "de"),
                ("referer", "https://mail.example/"),
            ],
        ),
    ];
    let queries = [
        "",
        "?r=terrible",
        "?r=amazing",
        "?r=amazing&reaction=amazing",
        "?reaction=bad&comment=x",
        "?k=x",
    ];
    for index in 0..10_000 {
        let (method, headers) = kinds[index % kinds.len()];
        let query = queries[index / kinds.len() % queries.len()];
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let page = world
            .ask(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(page.status, StatusCode::OK);
    }
    assert_eq!(world.facts(), facts, "a GET writes nothing");
    let standing = world.standing("c1").await.expect("asked");
    assert_eq!((standing.revision, standing.reaction), (0, None));
    assert_eq!(
        world.count("afterword_survey_pages_total", "form"),
        10_000.0
    );
}
