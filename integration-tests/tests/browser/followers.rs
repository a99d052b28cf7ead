//! Who follows links without being asked: mail scanners, previews, prefetching browsers, robots that run scripts. None of them rates.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use afterword_integration_tests::browser::Script;
use ureq::Agent;
use ureq::http::Request;

use crate::world::World;

const FOLLOWED: usize = 2_000;
const THREADS: usize = 8;
/// Links followed by a browser that runs scripts.
const BY_BROWSER: usize = 30;

/// Method, and a header that tells the kind of follower.
const KINDS: [(&str, &str, &str); 12] = [
    (
        "GET",
        "user-agent",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) BarracudaCentral",
    ),
    ("HEAD", "user-agent", "Microsoft Office Protocol Discovery"),
    (
        "GET",
        "user-agent",
        "Mozilla/5.0 (compatible; Googlebot/2.1)",
    ),
    ("GET", "user-agent", "Slackbot-LinkExpanding 1.0"),
    ("GET", "user-agent", "facebookexternalhit/1.1"),
    ("GET", "sec-purpose", "prefetch;prerender"),
    ("GET", "purpose", "prefetch"),
    ("GET", "x-moz", "prefetch"),
    ("GET", "range", "bytes=0-1023"),
    ("HEAD", "sec-purpose", "prefetch"),
    ("OPTIONS", "access-control-request-method", "POST"),
    ("GET", "content-type", "application/x-www-form-urlencoded"),
];
/// What follows the link's address.
const QUERIES: [&str; 8] = [
    "",
    "?r=terrible",
    "?r=bad",
    "?r=ok",
    "?r=great",
    "?r=amazing",
    "?reaction=great&comment=spam",
    "?r=great&utm_source=mail",
];

#[test]
fn whoever_follows_a_link_rates_nothing() {
    let world = World::new();
    let links: Vec<String> = (0..4).map(|_| world.close_a_conversation().link).collect();
    let facts = world.count("conversation-events");
    let times = crate::number("AFTERWORD_FOLLOWED").unwrap_or(FOLLOWED);

    let (began, next) = (Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let agent = agent();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= times {
                        break;
                    }
                    follow(&agent, &links[number % links.len()], number);
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    println!("{times} links followed in {seconds:.1} s");

    let opened = Script::new("followers", "followers")
        .with("links", links)
        .with("times", BY_BROWSER)
        .run();
    println!("by a browser: {opened}");

    assert_eq!(world.count("conversation-events"), facts, "facts");
    assert_eq!(world.count("rating-submitted"), 0, "ratings");
    assert_eq!(world.count("answer-refused"), 0, "refusals");
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .proxy(None)
        .build();
    Agent::new_with_config(config)
}

fn follow(agent: &Agent, link: &str, number: usize) {
    let (method, header, value) = KINDS[number % KINDS.len()];
    let query = QUERIES[number / KINDS.len() % QUERIES.len()];
    let request = Request::builder()
        .method(method)
        .uri(format!("{link}{query}"))
        .header(header, value)
        .body(())
        .unwrap();
    let mut answer = agent.run(request).unwrap();
    let status = answer.status().as_u16();
    let expected = if method == "OPTIONS" { 405 } else { 200 };
    assert_eq!(status, expected, "{method} {header}: {value} {query}");
    let body = answer.body_mut().read_to_string().unwrap();
    assert_eq!(body.is_empty(), method == "HEAD", "{method}");
    assert!(answer.headers().get("set-cookie").is_none());
}
