//! The listeners' routes, asked as a client asks them, on an embedded log in a temporary directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use afterword_log::{EmbeddedLog, EmbeddedOptions, FreeSpace, Log, Partition, Topic};
use afterword_readmodel::ReportDatabase;
use afterword_web::access::{Access, AccessMetrics, AccessOptions};
use afterword_web::internal::Internal;
use afterword_web::{
    Check, Gate, HttpMetrics, Operations, Places, Readiness, Reports, operations_router,
    reports_router,
};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

const LIMIT: usize = 20_000;
const TOKEN: &str = "a-token";

/// Without accounts.
async fn access(directory: &std::path::Path) -> Access {
    let database = ReportDatabase::open_file(&directory.join("report.db")).await;
    let metrics = AccessMetrics::new(&prometheus::Registry::new()).expect("metrics");
    let options = AccessOptions::default();
    Access::new(database.expect("a database"), options, metrics).expect("access")
}

struct Server {
    reports: Router,
    operations: Router,
    log: Arc<EmbeddedLog>,
    is_full: Arc<AtomicBool>,
    _directory: tempfile::TempDir,
}

impl Server {
    async fn new() -> Server {
        let directory = tempfile::tempdir().expect("a directory");
        let is_full = Arc::new(AtomicBool::new(false));
        let full = Arc::clone(&is_full);
        let free_space: FreeSpace = Arc::new(move |_| {
            Ok(if full.load(Ordering::Relaxed) {
                0
            } else {
                u64::MAX
            })
        });
        let options = EmbeddedOptions {
            partitions: Some(2),
            free_space,
            ..EmbeddedOptions::default()
        };
        let log = EmbeddedLog::open(directory.path(), options).expect("a log");
        let registry = prometheus::Registry::new();
        let metrics = HttpMetrics::new(&registry).expect("metrics");
        let gate = Gate::new(4, Duration::from_secs(10));
        let shared: Arc<dyn Log> = Arc::<EmbeddedLog>::clone(&log);
        let reports = reports_router(Reports {
            log: Arc::clone(&shared),
            schemas: Arc::default(),
            database: None,
            gate: gate.clone(),
            stories: gate.clone(),
            body_limit_bytes: LIMIT,
            body_timeout: Duration::from_millis(200),
            metrics: Arc::clone(&metrics),
            stop: tokio::sync::watch::channel(false).1,
            places: Places::default(),
            access: access(directory.path()).await,
            looks: Arc::default(),
            sources: Arc::default(),
            trace_parents: afterword_web::TraceParents::Ignored,
        });
        let asked = Arc::clone(&log);
        let readiness = move || {
            let impediment = asked.impediment();
            let ok = impediment.is_none();
            Readiness::of(vec![Check {
                name: "log".to_owned(),
                ok,
                detail: impediment.unwrap_or_default(),
            }])
        };
        let operations = Operations {
            registry,
            refresh: Arc::new(|| ()),
            readiness: Arc::new(readiness),
            gate: gate.clone(),
            metrics,
        };
        let internal = Internal {
            log: shared,
            checkpoint: None,
            gate: gate.clone(),
            readers: gate,
            token: TOKEN.into(),
        };
        Server {
            reports,
            operations: operations_router(operations, internal),
            log,
            is_full,
            _directory: directory,
        }
    }

    async fn post(&self, kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post("/api/v1/events")
            .header("content-type", kind)
            .body(body.into())
            .expect("a request");
        read(ask(&self.reports, request).await).await
    }

    fn facts(&self) -> u64 {
        let end = |partition| {
            self.log
                .bounds(Topic::ConversationEvents, Partition(partition))
                .expect("bounds")
                .end
                .0
        };
        end(0) + end(1)
    }
}

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.expect("an answer")
}

async fn get(router: &Router, path: &str) -> Response<Body> {
    ask(
        router,
        Request::get(path).body(Body::empty()).expect("a request"),
    )
    .await
}

async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let kind = response
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().expect("text").to_owned());
        assert_eq!(
            kind.as_deref(),
            Some("application/problem+json"),
            "{status}"
        );
    }
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn event(id: &str) -> Value {
    json!({
        "event_id": id, "workspace_id": "w1", "conversation_id": "c1", "occurred_at": "2026-03-01T09:00:00.000Z",
        "type": "message_added", "author": { "kind": "user", "id": "u1" }, "text": "Hello",
    })
}

#[tokio::test]
async fn an_array_and_lines_are_both_taken() {
    let server = Server::new().await;
    let (status, answer) = server
        .post(
            "application/json",
            json!([event("e1"), event("e2")]).to_string(),
        )
        .await;
    assert_eq!(
        (status, &answer["accepted"], &answer["refused"]),
        (StatusCode::OK, &json!(2), &json!([]))
    );
    let lines = format!("{}\r\n\n{}\n", event("e3"), event("e4"));
    let (status, answer) = server
        .post("application/x-ndjson; charset=utf-8", lines.clone())
        .await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(2)));
    let (status, answer) = server.post("application/json", lines).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(2)));
    assert_eq!(server.facts(), 6);
}

#[tokio::test]
async fn good_facts_are_kept_beside_bad_ones_and_the_answer_says_which() {
    let server = Server::new().await;
    let mut unknown = event("e3");
    unknown["type"] = json!("telepathy");
    let mut more = event("e4");
    more["mood"] = json!("fine");
    let mut bad = event("e2");
    bad["occurred_at"] = json!(true);
    let (status, answer) = server
        .post(
            "application/json",
            json!([event("e1"), bad, unknown, more]).to_string(),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (
            &answer["accepted"],
            &answer["passed_over"],
            &answer["ignored_members"]
        ),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(
        (&answer["refused_total"], &answer["refused"][0]["index"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(answer["refused"][0]["member"], "occurred_at");
    assert_eq!(server.facts(), 2);
    let (status, answer) = server
        .post("application/x-ndjson", format!("{}\n{{\n", event("e5")))
        .await;
    assert_eq!(
        (status, &answer["refused"][0]["line"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!(2))
    );
    assert_eq!(server.facts(), 3);
}

#[tokio::test]
async fn what_is_no_list_of_events_is_refused_whole() {
    let server = Server::new().await;
    let broken = format!("[{},", event("e1"));
    assert_eq!(
        server.post("application/json", broken).await.0,
        StatusCode::BAD_REQUEST
    );
    for kind in ["text/plain", "application/x-www-form-urlencoded", "none"] {
        assert_eq!(
            server.post(kind, event("e1").to_string()).await.0,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{kind}"
        );
    }
    let long = json!([event(&"e".repeat(LIMIT))]).to_string();
    assert_eq!(
        server.post("application/json", long.clone()).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let announced = Request::post("/api/v1/events")
        .header("content-type", "application/json")
        .header("content-length", (LIMIT + 1).to_string())
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        read(ask(&server.reports, announced).await).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(server.facts(), 0);
}

struct Never;

impl hyper::body::Body for Never {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::new().await;
    assert_eq!(
        server.post("application/json", Body::new(Never)).await.0,
        StatusCode::REQUEST_TIMEOUT
    );
}

#[tokio::test]
async fn a_full_disk_is_told_and_passes() {
    let server = Server::new().await;
    server.is_full.store(true, Ordering::Relaxed);
    let body = json!([event("e1")]).to_string();
    let request = Request::post("/api/v1/events")
        .header("content-type", "application/json")
        .body(Body::from(body.clone()));
    let response = ask(&server.reports, request.expect("a request")).await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(read(response).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        get(&server.operations, "/readyz").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        get(&server.operations, "/livez").await.status(),
        StatusCode::OK
    );
    assert_eq!(server.facts(), 0);
    server.is_full.store(false, Ordering::Relaxed);
    for _ in 0..100 {
        if server.post("application/json", body.clone()).await.0 == StatusCode::OK {
            assert_eq!(server.facts(), 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the log did not recover when space returned");
}

#[tokio::test]
async fn wrong_paths_and_methods_are_problems() {
    let server = Server::new().await;
    assert_eq!(
        read(get(&server.reports, "/nothing").await).await.0,
        StatusCode::NOT_FOUND
    );
    let response = get(&server.reports, "/api/v1/events").await;
    assert_eq!(
        response
            .headers()
            .get("allow")
            .map(|allow| allow.as_bytes()),
        Some(&b"POST"[..])
    );
    assert_eq!(read(response).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let request = Request::delete("/metrics")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        read(ask(&server.operations, request).await).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(get(&server.reports, "/").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_story_is_told_by_workspace_and_id() {
    let server = Server::new().await;
    server
        .post("application/json", json!([event("e1")]).to_string())
        .await;
    let (status, story) =
        read(get(&server.reports, "/api/v1/workspaces/w1/conversations/c1").await).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (
            &story["facts"][0]["event_id"],
            &story["decisions"],
            &story["request"]
        ),
        (&json!("e1"), &json!([]), &Value::Null)
    );
    for path in [
        "/api/v1/workspaces/w2/conversations/c1",
        "/api/v1/workspaces/w1/conversations/c2",
    ] {
        assert_eq!(
            read(get(&server.reports, path).await).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_id() {
    let server = Server::new().await;
    get(
        &server.reports,
        "/api/v1/workspaces/w1/conversations/secret-id",
    )
    .await;
    let response = get(&server.operations, "/metrics").await;
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains("afterword_http_requests_total{listener=\"reports\",method=\"GET\",route=\"/api/v1/workspaces/{workspace}/conversations/{conversation}\",status=\"404\"} 1"), "{text}");
    assert!(!text.contains("secret-id"));
}

#[tokio::test]
async fn the_log_is_behind_the_token() {
    let server = Server::new().await;
    let asked = |token: &str| {
        Request::get("/internal/v1/log")
            .header("authorization", token)
            .body(Body::empty())
            .expect("a request")
    };
    for token in [
        "",
        "Bearer ",
        "Bearer a-tokeN",
        "a-token",
        "Bearer a-token2",
    ] {
        assert_eq!(
            read(ask(&server.operations, asked(token)).await).await.0,
            StatusCode::UNAUTHORIZED,
            "{token}"
        );
    }
    let (status, about) = read(ask(&server.operations, asked("Bearer a-token")).await).await;
    assert_eq!((status, &about["partitions"]), (StatusCode::OK, &json!(2)));
    let (status, _) = read(
        get(
            &server.operations,
            "/internal/v1/topics/conversation-events/0?from=0",
        )
        .await,
    )
    .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
