//! What the cases share: databases, running servers, and the short ways to ask them.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::http::{BASE, Response};
use testkit::{Api, Program, ProgramBuilder, TestDatabase, eventually, python_tool};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::process::Command;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_ccsp-mailer");
/// Long enough for anything that happens by itself within a second or two, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The payload of the specification's section "Payload Structure", to the letter.
pub const SPEC_PAYLOAD: &str = r#"{
  "event": "subscriber_added",
  "timestamp": "2024-01-15T10:30:00Z",
  "data": {
    "subscriber_id": 123,
    "email": "john@example.com",
    "first_name": "John",
    "last_name": "Doe",
    "list_id": 1,
    "status": "subscribed",
    "source": "form_submission",
    "custom_fields": {
      "company": "Acme Corp",
      "phone": "+1234567890"
    }
  }
}"#;

/// Makes a test of each case for each database.
macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::support::Kind::Sqlite).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::support::Kind::Postgres).await;
            })+
        }
    };
}

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database, and folders for the servers on it; gone with the case.
pub struct World {
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl World {
    pub async fn new(kind: Kind) -> World {
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(TestDatabase::create().await.unwrap()),
        };
        World { folder: tempfile::tempdir().unwrap(), database }
    }

    /// A folder of its own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of the PostgreSQL database.
    pub fn database_url(&self) -> &str {
        self.database.as_ref().unwrap().url()
    }

    /// How to start a server of that name, which has a data folder of that name, and may deliver to loopback.
    pub fn node(&self, name: &str) -> ProgramBuilder {
        self.bare_node(name).allow_loopback()
    }

    /// The same without leave to deliver to loopback.
    pub fn bare_node(&self, name: &str) -> ProgramBuilder {
        let builder = Program::builder(BINARY, self.folder.path().join(name));
        match &self.database {
            Some(database) => builder.database_url(database.url()),
            None => builder,
        }
    }

    /// A running server.
    pub async fn serve(&self) -> Server {
        Server::start(&self.node("data")).await
    }

    /// One whose port stays free while nobody listens there: below those that Linux gives to outgoing connections.
    pub async fn serve_for_a_restart(&self) -> Server {
        // Every test is a process of its own, and so begins at another one.
        let mut ports = 20_000 + std::process::id() % 10_000..32_000;
        let address = ports.find_map(|port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap()));
            std::net::TcpListener::bind(address).is_ok().then_some(address)
        });
        Server::start(&self.node("data").listen(address.unwrap())).await
    }
}

/// A running server, and a client with an admin key that the command line made.
pub struct Server {
    pub program: Program,
    pub key: String,
    api: Api,
}

impl Deref for Server {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Server {
    pub async fn start(builder: &ProgramBuilder) -> Server {
        let program = builder.start().await.unwrap();
        let key = program.api_key("admin").await.unwrap();
        Server::of(program, key)
    }

    /// A server that knows the key already.
    pub fn of(program: Program, key: String) -> Server {
        let api = Api::new(program.address(), &key).unwrap();
        Server { program, key, api }
    }

    /// A client of the same server with another key.
    pub fn with_key(&self, key: &str) -> Api {
        Api::new(self.program.address(), key).unwrap()
    }

    /// What a GET shows.
    pub async fn show(&self, path: &str) -> Value {
        self.get(path).await.unwrap().expect(StatusCode::OK).unwrap()
    }

    /// The items of the first page of a list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        items(self.show(path).await)
    }

    /// The items of all pages of a list.
    pub async fn list_all(&self, path: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.show(&format!("{path}{separator}limit=200{cursor}")).await;
            let next = page["next_cursor"].as_str().map(str::to_owned);
            all.extend(items(page));
            match next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// Makes something, and gives it as it was answered.
    pub async fn make(&self, path: &str, body: Value) -> Value {
        self.post(path, &body).await.unwrap().expect(StatusCode::CREATED).unwrap()
    }

    /// Changes something, and gives it as it was answered.
    pub async fn change(&self, path: &str, body: Value) -> Value {
        self.patch(path, &body).await.unwrap().expect(StatusCode::OK).unwrap()
    }

    /// An incoming webhook that adds subscribers, changed by `settings`.
    pub async fn incoming(&self, settings: Value) -> Value {
        let base = json!({
            "name": "Signup form",
            "event_type": "subscriber_added",
            "actions": [{"type": "add_subscriber", "tags": ["web"]}],
        });
        self.make("/incoming-webhooks", merged(base, settings)).await
    }

    /// An outgoing webhook to that URL for all events of subscribers, changed by `settings`.
    pub async fn outgoing(&self, url: &str, settings: Value) -> Value {
        let base = json!({
            "name": "Receiver",
            "url": url,
            "events": ["subscriber_added", "subscriber_updated", "subscriber_deleted", "subscriber_status_changed",
                "subscriber_tagged", "subscriber_untagged"],
            "retry": {"schedule_seconds": [1, 2]},
        });
        self.make("/outgoing-webhooks", merged(base, settings)).await
    }

    /// What a sender does: POST of JSON to the address that an incoming webhook shows.
    pub async fn receive(&self, webhook: &Value, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.raw(Method::POST, &target(webhook), &headers, body.to_owned()).await.unwrap()
    }

    /// A POST of the API with more headers.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        let authorization = format!("Bearer {}", self.key);
        let own = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let headers = [&own, headers].concat();
        self.raw(Method::POST, &format!("{BASE}{path}"), &headers, body.to_string()).await.unwrap()
    }

    /// The only subscriber of that email, if there is one.
    pub async fn subscriber(&self, email: &str) -> Option<Value> {
        let mut found = self.list(&format!("/subscribers?email={email}")).await;
        assert!(found.len() <= 1, "{found:?}");
        found.pop()
    }

    /// Waits until no delivery of an outgoing webhook is due any more, and gives its statistics.
    pub async fn settled(&self, webhook: &Value, timeout: Duration) -> Value {
        let path = format!("/outgoing-webhooks/{}/stats", text(&webhook["id"]));
        eventually("all deliveries to be done with", timeout, async || {
            let stats = self.show(&path).await;
            (stats["pending"] == 0 && stats["retrying"] == 0).then_some(stats)
        })
        .await
        .unwrap()
    }
}

/// An address that refuses connections, and nobody else's for as long as the socket is there.
pub fn deaf_address() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// The path and query of an incoming webhook's address.
pub fn target(webhook: &Value) -> String {
    let url = text(&webhook["url"]);
    url[url.find(BASE).unwrap()..].to_owned()
}

/// The text that a JSON value is.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The items of a page.
fn items(mut page: Value) -> Vec<Value> {
    match page["data"].take() {
        Value::Array(items) => items,
        other => panic!("not a list: {other}"),
    }
}

/// The members of one object over those of another.
pub fn merged(mut base: Value, over: Value) -> Value {
    for (name, value) in over.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// Runs a script of this folder with Python, feeds it JSON, and reads the JSON that it prints.
pub async fn python(script: &str, input: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e").join(script);
    let mut child = Command::new(python_tool("python").unwrap())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
