//! A server without a socket: the router on an engine on a database of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use api::{ApiState, BASE};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use domain::Timestamp;
use engine::{Clock, Engine, Scope};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use signature::{MasterKey, token};
use store::api_keys::InsertApiKey;
use store::config::ApiKeyRow;
use store::{Location, Store};
use tempfile::TempDir;
use testkit::TestDatabase;
use tower::ServiceExt;

/// Far longer than anything takes, on a machine that stands still at times, too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The most bytes of a body that the tests' servers take.
pub const MAX_BODY: usize = 64 * 1024;

/// What the tests' servers seal secrets with.
pub fn master_key() -> MasterKey {
    MasterKey::generate(&mut StdRng::seed_from_u64(1))
}

/// A server, and a key of each scope.
pub struct Server {
    /// What is behind it.
    pub engine: Engine,
    router: Router,
    location: Location,
    place: Option<Place>,
}

/// What a server's data goes away with.
enum Place {
    Folder(#[expect(dead_code, reason = "held for its drop")] TempDir),
    Database(#[expect(dead_code, reason = "held for its drop")] TestDatabase),
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON, `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The fields at fault of a problem, each with its message.
    pub fn faults(&self) -> Vec<(String, String)> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        errors.iter().map(|error| (text(&error["field"]), text(&error["message"]))).collect()
    }

    /// The stable code of a problem.
    pub fn code(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.strip_prefix("/docs/errors#").unwrap_or_default().to_owned()
    }
}

impl Server {
    /// One on SQLite.
    pub async fn start() -> Server {
        Self::start_with(|_| {}).await
    }

    /// One on SQLite, set up otherwise.
    pub async fn start_with(change: impl FnOnce(&mut ApiState)) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::File(folder.path().join("test.db"));
        Self::start_on(location, Place::Folder(folder), Vec::new(), change).await
    }

    /// One on SQLite that delivers to receivers on this machine.
    pub async fn start_beside_receivers() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::File(folder.path().join("test.db"));
        let local = "127.0.0.0/8".parse().unwrap();
        Self::start_on(location, Place::Folder(folder), vec![local], |_| {}).await
    }

    /// One on PostgreSQL that delivers to receivers on this machine.
    pub async fn start_on_postgres_beside_receivers() -> Server {
        let database = TestDatabase::create().await.unwrap();
        let location = Location::Server(database.url().to_owned());
        let local = "127.0.0.0/8".parse().unwrap();
        Self::start_on(location, Place::Database(database), vec![local], |_| {}).await
    }

    /// One on PostgreSQL.
    pub async fn start_on_postgres() -> Server {
        let database = TestDatabase::create().await.unwrap();
        let location = Location::Server(database.url().to_owned());
        Self::start_on(location, Place::Database(database), Vec::new(), |_| {}).await
    }

    async fn start_on(
        location: Location,
        place: Place,
        allow_private: Vec<outbound::IpNet>,
        change: impl FnOnce(&mut ApiState),
    ) -> Server {
        let store = Store::open(&location).unwrap();
        store.migrate(Clock::System.now()).await.unwrap();
        let engine = start_engine(store, allow_private, [7; 32]).await;
        for scope in [Scope::Read, Scope::Write, Scope::Admin] {
            engine.write(InsertApiKey { row: api_key(&key_of(scope), scope) }).await.unwrap();
        }
        let mut state = ApiState {
            engine,
            public_url: Arc::from("https://mail.example.com"),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            metrics_public: false,
            max_body: MAX_BODY,
            trusted_proxies: Vec::new(),
            allow_http: true,
        };
        change(&mut state);
        Server { engine: state.engine.clone(), router: api::router(state), location, place: Some(place) }
    }

    /// Takes its database away.
    pub fn lose_database(&mut self) {
        self.place = None;
    }

    /// Another node on the same database.
    pub async fn second_engine(&self) -> Engine {
        start_engine(self.second_store(), Vec::new(), [8; 32]).await
    }

    /// The database, as another process opens it.
    pub fn second_store(&self) -> Store {
        Store::open(&self.location).unwrap()
    }

    /// A GET below the base path, by an administrator.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// A POST below the base path, by an administrator.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A PATCH below the base path, by an administrator.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// A DELETE below the base path, by an administrator.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, Some(Scope::Admin), body)).await
    }

    /// Any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        read(self.open(request).await).await
    }

    /// Any request, with its answer as it begins.
    pub async fn open(&self, mut request: Request<Body>) -> Response<Body> {
        let sender = SocketAddr::from((Ipv4Addr::new(203, 0, 113, 7), 40_000));
        request.extensions_mut().insert(ConnectInfo(sender));
        self.router.clone().oneshot(request).await.unwrap()
    }
}

async fn start_engine(store: Store, allow_private: Vec<outbound::IpNet>, seed: [u8; 32]) -> Engine {
    let client_options =
        outbound::Options { allow_private: allow_private.clone(), ..outbound::Options::default() };
    let options = engine::Options {
        store,
        master_key: master_key(),
        client: outbound::Client::new(client_options).unwrap(),
        allow_private,
        log_retention: engine::Retention::default(),
        operations: engine::Operations::default(),
        clock: Clock::System,
        seed,
        mail: None,
        sandbox: sandbox::Settings::new("/nowhere".into(), Vec::new()),
        under_way: engine::MAX_UNDER_WAY,
        max_waiting: engine::MAX_WAITING,
    };
    Engine::start(options).await.unwrap()
}

/// A request below the base path, with the key of a scope.
pub fn request(method: Method, path: &str, scope: Option<Scope>, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("{BASE}{path}"));
    if let Some(scope) = scope {
        request = request.header("authorization", format!("Bearer {}", key_of(scope)));
    }
    match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

/// The key of a scope.
pub fn key_of(scope: Scope) -> String {
    format!("ccsp_key_of_the_tests_with_scope_{}", scope.as_str())
}

/// The row of a key.
pub fn api_key(key: &str, scope: Scope) -> ApiKeyRow {
    ApiKeyRow {
        id: key.to_owned(),
        name: format!("tests, {}", scope.as_str()),
        scope: scope.as_str().to_owned(),
        hash: token::hash(key).as_bytes().to_vec(),
        hint: "••••".to_owned(),
        created_at: Timestamp::from_millis(0),
    }
}

async fn read(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}
