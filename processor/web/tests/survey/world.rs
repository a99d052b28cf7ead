//! A whole service in one process, without listeners: requests go straight to the router.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use afterword_engine::{Engine, EngineMetrics, TaskOptions};
use afterword_link::{LinkKeys, Subject};
use afterword_log::{
    Batch, EmbeddedLog, EmbeddedOptions, FreeSpace, Log, Offset, Partition, Topic,
};
use afterword_readmodel::{Projector, ProjectorOptions, ReportDatabase};
use afterword_schemas::{RecordKind, Schemas};
use afterword_web::intake::{self, Taken};
use afterword_web::{Gate, HttpMetrics, Look, SurveyMetrics, SurveyParts, survey_router};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

pub const WORKSPACE: &str = "w1";
pub const CUSTOMER: &str = "anna";
pub const FORM: &str = "application/x-www-form-urlencoded";
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8);
const PATIENCE: Duration = Duration::from_secs(60);

/// What differs between tests.
pub struct Setting {
    pub link_posts: u32,
    pub outcome_timeout: Duration,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            link_posts: 1_000,
            outcome_timeout: Duration::from_secs(20),
        }
    }
}

pub struct World {
    pub router: Router,
    pub log: Arc<EmbeddedLog>,
    pub database: ReportDatabase,
    pub keys: LinkKeys,
    pub registry: prometheus::Registry,
    is_full: Arc<AtomicBool>,
    schemas: Arc<Schemas>,
    engine: Option<Engine>,
    _stop: watch::Sender<bool>,
    _directory: tempfile::TempDir,
}

/// An answer of the server.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl World {
    pub async fn new() -> World {
        World::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> World {
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
        let schemas = Arc::<Schemas>::default();
        let registry = prometheus::Registry::new();
        let tasks = (0..2).map(|partition| log.task(Partition(partition)));
        let engine = Engine::start(
            tasks.collect(),
            TaskOptions::default(),
            Arc::clone(&schemas),
            EngineMetrics::new(&registry).expect("metrics"),
        );
        let path = directory.path().join("report.db");
        let database = ReportDatabase::open_file(&path);
        let database = database.await.expect("a database");
        let shared: Arc<dyn Log> = Arc::<EmbeddedLog>::clone(&log);
        let projector = Projector::start(
            database.clone(),
            Arc::clone(&shared),
            ProjectorOptions::default(),
        );
        let mut projector = projector.await.expect("a projector");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move { projector.run(stopped).await });
        let keys = LinkKeys::parse(&[LinkKeys::generate()]).expect("a key");
        let look = Look {
            name: "Acme & Söhne".to_owned(),
            colour: "#ffd400".to_owned(),
            locale: "en".to_owned(),
        };
        let router = survey_router(SurveyParts {
            log: shared,
            schemas: Arc::clone(&schemas),
            database: database.clone(),
            gate: Gate::new(32, Duration::from_secs(10)),
            keys: keys.clone(),
            looks: [(WORKSPACE.to_owned(), look)].into(),
            outcome_timeout: setting.outcome_timeout,
            body_timeout: Duration::from_millis(300),
            link_posts: setting.link_posts,
            address_requests: 1_000_000,
            trusted_proxies: Vec::new(),
            frame_ancestors: Vec::new(),
            beside: Router::new(),
            metrics: SurveyMetrics::new(&registry).expect("metrics"),
            http: HttpMetrics::new(&registry).expect("metrics"),
        });
        World {
            router,
            log,
            database,
            keys,
            registry,
            is_full,
            schemas,
            engine: Some(engine.expect("tasks")),
            _stop: stop,
            _directory: directory,
        }
    }

    pub fn stop_deciding(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop().expect("a clean stop");
        }
    }

    pub fn fill_disk(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// A conversation that is closed and asked about; returns the path of its survey.
    pub async fn asked(&self, conversation: &str) -> String {
        let user = json!({"kind": "user", "id": CUSTOMER});
        let ben = json!({"kind": "teammate", "id": "ben"});
        let long = "My order has not arrived, and nobody can tell me where it is. ".repeat(3);
        let facts = [
            json!({"type": "conversation_started", "origin": "customer_initiated", "initiator": user, "channel": "email"}),
            json!({"type": "message_added", "author": user, "text": long}),
            json!({"type": "message_added", "author": ben, "text": long}),
            json!({"type": "conversation_closed", "by": ben}),
        ];
        for (index, fact) in facts.into_iter().enumerate() {
            self.append(conversation, index, fact);
        }
        let request_id = request_id(conversation);
        let until = Instant::now() + PATIENCE;
        while self.standing(conversation).await.is_none() {
            assert!(
                Instant::now() < until,
                "{conversation} was never asked about"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let subject = Subject {
            workspace_id: WORKSPACE.to_owned(),
            request_id,
        };
        format!("/r/{}", self.keys.mint(&subject))
    }

    pub fn append(&self, conversation: &str, index: usize, mut fact: Value) {
        let at = i64::try_from(index).expect("few") * 60_000 + 1_772_442_000_000;
        for (name, value) in [
            ("event_id", json!(format!("{conversation}-{index}"))),
            ("workspace_id", json!(WORKSPACE)),
            ("conversation_id", json!(conversation)),
            ("occurred_at", json!(at)),
        ] {
            fact[name] = value;
        }
        let framing = self.schemas.framing(RecordKind::ConversationEvent);
        let framing = framing.expect("a framing");
        let taken = intake::take(fact.to_string().as_bytes(), 2, framing, at);
        let Ok(Taken::Fact {
            partition, record, ..
        }) = taken
        else {
            panic!("expected a fact, found {fact}");
        };
        let appended = self
            .log
            .append(Topic::ConversationEvents, vec![(partition, record)]);
        appended.expect("appended");
    }

    pub async fn standing(&self, conversation: &str) -> Option<afterword_readmodel::Standing> {
        let id = request_id(conversation);
        let found = self.database.standings(&[&id]).await.expect("a look");
        found.into_iter().next()
    }

    pub async fn get(&self, path: &str) -> Page {
        self.ask(Request::get(path).body(Body::empty()).expect("a request"))
            .await
    }

    pub async fn get_in(&self, path: &str, language: &str) -> Page {
        let request = Request::get(path).header("accept-language", language);
        self.ask(request.body(Body::empty()).expect("a request"))
            .await
    }

    /// Sends the form of this page with these fields.
    pub async fn send(&self, path: &str, page: &Page, fields: &[(&str, &str)]) -> Page {
        self.post(path, FORM, page.form(fields)).await
    }

    pub async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Page {
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        self.ask(request.body(body.into()).expect("a request"))
            .await
    }

    /// Opens the page, sends the form, and goes where the answer says.
    pub async fn answer(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(path).await;
        let sent = self.send(path, &page, fields).await;
        self.follow(path, sent).await
    }

    /// The page that an answer sends the browser on to.
    pub async fn follow(&self, path: &str, sent: Page) -> Page {
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let place = sent.headers[header::LOCATION].to_str().expect("text");
        let (query, fragment) = place.split_once('#').expect("a fragment");
        assert_eq!(fragment, "said");
        self.get(&format!("{path}{query}")).await
    }

    pub async fn ask(&self, request: Request<Body>) -> Page {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).expect("UTF-8"),
        }
    }

    /// How many facts the log holds.
    pub fn facts(&self) -> u64 {
        let end = |partition| {
            let bounds = self
                .log
                .bounds(Topic::ConversationEvents, Partition(partition));
            bounds.expect("bounds").end.0
        };
        end(0) + end(1)
    }

    /// Every fact as bytes, with its headers.
    pub fn all_facts(&self) -> Vec<(Vec<u8>, Vec<String>)> {
        let mut found = Vec::new();
        for partition in [Partition(0), Partition(1)] {
            let mut from = Offset(0);
            loop {
                let mut batch = Batch::default();
                let read = self.log.read(
                    Topic::ConversationEvents,
                    partition,
                    from,
                    1 << 20,
                    &mut batch,
                );
                read.expect("a batch");
                let Some(last) = batch.iter().last().map(|record| record.offset) else {
                    break;
                };
                found.extend(batch.iter().map(|record| {
                    let headers = record.headers.map(|(name, value)| {
                        let value = String::from_utf8_lossy(value.unwrap_or_default());
                        format!("{name}={value}")
                    });
                    (record.value.unwrap_or_default().to_vec(), headers.collect())
                }));
                from = last.next();
            }
        }
        found
    }

    /// The value of a counter with these labels; all of them summed when none is named.
    pub fn count(&self, name: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let of_name = families.iter().filter(|family| family.name() == name);
        let metrics = of_name.flat_map(|family| family.get_metric());
        let wanted = metrics.filter(|metric| {
            label.is_empty() || metric.get_label().iter().any(|pair| pair.value() == label)
        });
        wanted.map(|metric| metric.get_counter().get_value()).sum()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.fill_disk(false);
        self.stop_deciding();
    }
}

impl Page {
    /// The body of a POST of this page's form.
    pub fn form(&self, fields: &[(&str, &str)]) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("form", self.stamp());
        body.extend_pairs(fields);
        body.finish()
    }

    pub fn stamp(&self) -> &str {
        let mark = "name=\"form\" value=\"";
        let at = self.text.find(mark).expect("a form") + mark.len();
        self.text[at..].split('"').next().expect("a value")
    }

    /// What the page says, without markup, characters unescaped and marks of direction left out.
    pub fn words(&self) -> String {
        let body = self.text.split_once("<body>").map_or("", |(_, body)| body);
        let mut words = String::new();
        for part in body.split('<') {
            words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
            words.push(' ');
        }
        let words = words.replace(['\u{2068}', '\u{2069}'], "");
        let words = words.replace("&#38;", "&").replace("&#39;", "'");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub fn says(&self, text: &str) {
        let words = self.words();
        assert!(words.contains(text), "expected {text:?} in {words:?}");
    }

    pub fn has_field(&self, name: &str) -> bool {
        self.text.contains(&format!("name=\"{name}\""))
    }
}

pub fn request_id(conversation: &str) -> String {
    let name = format!("afterword\0{WORKSPACE}\0{conversation}");
    uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}
