//! The reports listener over a temporary directory, with accounts.

use std::sync::Arc;
use std::time::Duration;

use afterword_log::{EmbeddedLog, EmbeddedOptions, Log, Partition, Topic};
use afterword_readmodel::{Accepted, ApiToken, Grant, Invitation, ReportDatabase, Role, Session};
use afterword_web::access::{
    Access, AccessMetrics, AccessOptions, TeammatesSee, Visibility, secret,
};
use afterword_web::{Gate, HttpMetrics, Places, Reports, WorkspaceLook, now_ms, reports_router};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";
pub const HOUR: i64 = 3_600_000;

pub struct World {
    router: Router,
    pub log: Arc<dyn Log>,
    pub database: ReportDatabase,
    pub registry: prometheus::Registry,
    /// Of [`PASSWORD`]: it takes its time.
    hash: String,
    _directory: tempfile::TempDir,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

/// Somebody with a session: the cookie and what forms must carry.
#[derive(Clone, Debug)]
pub struct Signed {
    pub cookie: String,
    pub csrf: String,
}

impl World {
    /// Nobody has an account.
    pub async fn new() -> World {
        World::with(AccessOptions::default()).await
    }

    pub async fn with(options: AccessOptions) -> World {
        let directory = tempfile::tempdir().unwrap();
        let embedded = EmbeddedOptions {
            partitions: Some(1),
            ..EmbeddedOptions::default()
        };
        let log: Arc<dyn Log> = EmbeddedLog::open(&directory.path().join("log"), embedded).unwrap();
        let file = directory.path().join("report.db");
        let database = ReportDatabase::open_file(&file).await.unwrap();
        let registry = prometheus::Registry::new();
        let metrics = AccessMetrics::new(&registry).unwrap();
        let visibility = [("w1".to_owned(), TeammatesSee::Own)].into();
        let options = AccessOptions {
            visibility: Visibility(visibility),
            ..options
        };
        let looks = ["w1", "w2"].map(|id| (id.to_owned(), WorkspaceLook::of(id)));
        let gate = Gate::new(4, Duration::from_secs(10));
        let router = reports_router(Reports {
            log: Arc::clone(&log),
            schemas: Arc::default(),
            access: Access::new(database.clone(), options, metrics).unwrap(),
            database: Some(database.clone()),
            gate: gate.clone(),
            stories: gate,
            body_limit_bytes: 100_000,
            body_timeout: Duration::from_secs(5),
            metrics: HttpMetrics::new(&prometheus::Registry::new()).unwrap(),
            stop: tokio::sync::watch::channel(false).1,
            places: Places::default(),
            looks: Arc::new(looks.into()),
            sources: Arc::default(),
            trace_parents: afterword_web::TraceParents::Ignored,
        });
        World {
            router,
            log,
            database,
            registry,
            hash: secret::hash_password(PASSWORD).unwrap(),
            _directory: directory,
        }
    }

    /// An account of this name and with [`PASSWORD`].
    pub async fn account(&self, name: &str, grants: &[(&str, Role)]) -> String {
        let invitation = self.invitation(name, grants).await;
        let id = format!("id of {name}");
        let accepted = self.database.accept(&invitation, &id, &self.hash, now_ms());
        assert_eq!(accepted.await.unwrap(), Accepted::Done);
        id
    }

    /// An invitation by the code `code of NAME`.
    pub async fn invitation(&self, name: &str, grants: &[(&str, Role)]) -> Invitation {
        let invitation = Invitation {
            invitation_id: secret::hash(&format!("code of {name}")),
            name: name.to_owned(),
            account_id: None,
            created_at: now_ms(),
            expires_at: now_ms() + HOUR,
            grants: grants_of(grants),
        };
        self.database.invite(&invitation).await.unwrap();
        invitation
    }

    /// A session of an account that began so long ago and ends after a day.
    pub async fn session(&self, account_id: &str, ago_ms: i64) -> Signed {
        let cookie = secret::random().unwrap();
        let began = now_ms() - ago_ms;
        let session = Session {
            session_id: secret::hash(&cookie),
            account_id: account_id.to_owned(),
            client: "a test".to_owned(),
            created_at: began,
            seen_at: began,
            expires_at: began + 24 * HOUR,
        };
        assert!(
            self.database
                .begin_session(&session, i64::MAX)
                .await
                .unwrap()
        );
        Signed {
            csrf: secret::form_token(&cookie),
            cookie: format!("afterword={cookie}"),
        }
    }

    /// A token with these scopes in a workspace, or in every one.
    pub async fn token(&self, scopes: &str, workspace: Option<&str>) -> String {
        let token = secret::new_token().unwrap();
        let row = ApiToken {
            token_id: token[3..15].to_owned(),
            name: format!("token for {scopes}"),
            scopes: scopes.to_owned(),
            created_at: now_ms(),
            expires_at: None,
            revoked_at: None,
            used_at: None,
            grants: vec![Grant {
                workspace_id: workspace.map(str::to_owned),
                role: Role::Token,
            }],
        };
        let hash = secret::hash(&token);
        self.database.add_token(&row, &hash).await.unwrap();
        token
    }

    pub async fn ask(&self, request: Builder, body: &str) -> Answer {
        let request: Request<Body> = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_stream = parts.headers.get(header::CONTENT_TYPE);
        let is_stream = is_stream.is_some_and(|kind| kind == "text/event-stream");
        let body = match is_stream {
            true => Vec::new(),
            false => axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec(),
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub async fn get(&self, path: &str, signed: &Signed) -> Answer {
        self.ask(as_signed(Request::get(path), signed), "").await
    }

    /// A form, with the token that belongs to it.
    pub async fn send(&self, path: &str, signed: &Signed, fields: &str) -> Answer {
        let request = as_signed(form(path), signed);
        self.ask(request, &format!("csrf={}&{fields}", signed.csrf))
            .await
    }

    /// The cookie and token of a form that is sent before there is a session.
    pub async fn open(&self, path: &str) -> Signed {
        let answer = self.ask(Request::get(path), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        Signed {
            cookie: answer.cookie("afterword-form"),
            csrf: csrf_of(&answer.text),
        }
    }

    /// Signs in by the form.
    pub async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let form = self.open("/login").await;
        let password = password.replace(' ', "+");
        let fields = format!("name={name}&password={password}");
        self.send("/login", &form, &fields).await
    }

    pub fn facts(&self) -> u64 {
        let bounds = self.log.bounds(Topic::ConversationEvents, Partition(0));
        bounds.unwrap().end.0
    }
}

impl Answer {
    /// `name=value` of a cookie that is set.
    pub fn cookie(&self, name: &str) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter();
        let pairs = set.filter_map(|value| value.to_str().unwrap().split(';').next());
        let mut wanted = pairs.filter(|pair| pair.starts_with(&format!("{name}=")));
        wanted
            .next()
            .unwrap_or_else(|| panic!("no cookie {name}: {self:?}"))
            .to_owned()
    }

    /// The session that it begins.
    pub fn signed(&self) -> Signed {
        let cookie = self.cookie("afterword");
        let value = cookie.split_once('=').unwrap().1;
        Signed {
            csrf: secret::form_token(value),
            cookie,
        }
    }

    pub fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub fn grants_of(grants: &[(&str, Role)]) -> Vec<Grant> {
    let grants = grants.iter();
    grants
        .map(|(workspace, role)| Grant {
            workspace_id: Some((*workspace).to_owned()).filter(|id| !id.is_empty()),
            role: role.clone(),
        })
        .collect()
}

pub fn as_signed(request: Builder, signed: &Signed) -> Builder {
    request.header("cookie", &signed.cookie)
}

pub fn form(path: &str) -> Builder {
    Request::post(path).header("content-type", "application/x-www-form-urlencoded")
}

pub fn bearer(request: Builder, token: &str) -> Builder {
    request.header("authorization", format!("Bearer {token}"))
}

pub fn csrf_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}
