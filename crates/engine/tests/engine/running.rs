//! Running engines, on a database of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use domain::WebhookId;
use engine::{Answered, Clock, Engine, IncomingSecrets, Options, Received, Reply, Rotating};
use http::{HeaderMap, HeaderName, HeaderValue};
use outbound::Client;
use serde_json::Value;
use signature::Secret;
use store::{Location, Row, Store};
use tempfile::TempDir;

use crate::support::{Look, NOW, Run, bump, master_key, put_incoming, vault, webhook_id};

/// The token of every incoming webhook.
pub const TOKEN: &str = "a-token-of-more-than-32-characters-as-it-should-be";
/// The secret of every incoming webhook that has one.
pub const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A database in a file.
pub struct File {
    pub store: Store,
    _folder: TempDir,
}

impl File {
    pub async fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::File(folder.path().join("engine.sqlite"))).unwrap();
        store.migrate(NOW).await.unwrap();
        Self { store, _folder: folder }
    }
}

/// A clock that stands still until somebody moves it.
pub fn clock() -> (Arc<AtomicI64>, Clock) {
    let millis = Arc::new(AtomicI64::new(NOW.millis()));
    (millis.clone(), Clock::Virtual(millis))
}

/// Starts an engine; each of one database has a number of its own.
pub async fn start(store: &Store, clock: Clock, client: Client, number: u8) -> Engine {
    start_with(store, clock, client, number, (engine::Operations::default(), None)).await
}

/// The same, with what the operator says of it.
pub async fn start_with(
    store: &Store,
    clock: Clock,
    client: Client,
    number: u8,
    (operations, mail): (engine::Operations, Option<mail::Server>),
) -> Engine {
    let options = Options {
        store: store.clone(),
        master_key: master_key(),
        client,
        allow_private: Vec::new(),
        log_retention: engine::Retention::default(),
        operations,
        mail,
        clock,
        seed: [number; 32],
        // Nobody runs a script here.
        sandbox: sandbox::Settings::new("/nowhere".into(), Vec::new()),
        under_way: engine::MAX_UNDER_WAY,
        max_waiting: engine::MAX_WAITING,
    };
    Engine::start(options).await.unwrap()
}

/// Stores an incoming webhook with these settings over the least that it must have.
pub async fn put(store: &Store, name: &str, settings: Value, learns: bool) -> WebhookId {
    let id = webhook_id(name);
    let mut whole = serde_json::json!({"name": "Hook", "event_type": "subscriber_added"});
    for (name, value) in settings.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let rotating = |text| Rotating::new(Secret::new(text));
    let (token, api_key, signing) = (rotating(TOKEN), rotating("api-key"), rotating(SECRET));
    let call_headers = BTreeMap::new();
    let secrets = IncomingSecrets { token, api_key, signing, learns, call_headers };
    let put = put_incoming(&vault(), &id, &serde_json::from_value(whole).unwrap(), &secrets);
    store.write(Run(vec![put, bump()])).await.unwrap();
    id
}

/// A POST to a webhook.
pub fn post(id: &WebhookId, headers: &[(&str, &str)], body: impl Into<String>) -> Received {
    let mut all = HeaderMap::new();
    all.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        all.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Received {
        webhook_id: id.to_string(),
        token: Some(TOKEN.to_owned()),
        method: "POST",
        url: format!("https://mail.example.com/webhooks/{id}?token={TOKEN}"),
        sender_ip: [203, 0, 113, 7].into(),
        headers: all,
        body: body.into().into(),
        sender_key: None,
        max_body: 1_048_576,
    }
}

/// What an ordinary request got.
pub async fn reply(engine: &Engine, request: Received) -> Reply {
    match engine.receive(request).await {
        Answered::Reply(reply) => reply,
        Answered::Handshake(answer) => panic!("a handshake: {answer:?}"),
    }
}

/// The entries of the log, the oldest first: status and outcome.
pub async fn log(store: &Store) -> Vec<(String, Value)> {
    let read = |row: Row| {
        let mut row = row.read();
        Ok((row.text()?, row.json()?))
    };
    store.read(Look { sql: "SELECT status, outcome FROM requests ORDER BY id", read }).await.unwrap()
}
