//! The program under measurement: started on a fresh database, and set up over its REST API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use signature::{MasterKey, Secret, SigningKey, x_webhook};
use tempfile::TempDir;
use testkit::{Api, Program, ProgramBuilder, TestDatabase, eventually};

use crate::load::{Expected, Load, Make, Pace};
use crate::process;
use crate::{Database, Options, clock};

/// How long the last deliveries may take to be recorded after the load has ended.
const DRAIN: Duration = Duration::from_secs(60);

/// Numbers that make every email of a run another one.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Where the program keeps its data: gone when this is dropped.
pub struct Place {
    folder: TempDir,
    database: Option<TestDatabase>,
    binary: PathBuf,
}

impl Place {
    /// A new place.
    pub async fn new(options: &Options, database: Database) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-data-").tempdir_in(&options.folder)?;
        let database = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(TestDatabase::create().await?),
        };
        Ok(Self {
            folder,
            database,
            binary: options.binary.canonicalize().context("the program is not built: --binary")?,
        })
    }

    /// Where its database is.
    pub fn location(&self) -> store::Location {
        match &self.database {
            None => store::Location::File(self.folder.path().join("ccsp-mailer.sqlite")),
            Some(database) => store::Location::Server(database.url().to_owned()),
        }
    }

    /// What its folder holds, in bytes.
    fn bytes(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(self.folder.path())? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    fn builder(&self) -> ProgramBuilder {
        let builder = Program::builder(&self.binary, self.folder.path()).allow_loopback();
        match &self.database {
            None => builder,
            Some(database) => builder.database_url(database.url()),
        }
    }

    /// Starts the program here.
    pub async fn start(&self) -> anyhow::Result<Subject> {
        let began = clock::instant();
        let program = self.builder().start().await?;
        let started_in = began.elapsed();
        let key = program.api_key("admin").await?;
        let api = Api::new(program.address(), &key)?;
        Ok(Subject { program, api, on_server: self.database.is_some(), started_in })
    }

    /// The key that its secrets are sealed with, once it was started.
    pub fn master_key(&self) -> anyhow::Result<MasterKey> {
        let text = std::fs::read_to_string(self.folder.path().join("master.key"))?;
        Ok(MasterKey::parse(text.trim())?)
    }
}

/// The program, running.
pub struct Subject {
    program: Program,
    /// Its API.
    pub api: Api,
    on_server: bool,
    /// How long it took until it was ready.
    pub started_in: Duration,
}

/// Processor time at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Of the program.
    pub program: f64,
    /// Of the database server, if there is one.
    pub database: f64,
}

impl Subject {
    /// Processor time used so far.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        let database = if self.on_server { process::cpu_seconds_of("postgres") } else { 0.0 };
        Ok(Cpu { program: process::cpu_seconds(self.program.pid())?, database })
    }

    /// Memory in MiB: see [`process::memory_mib`].
    pub fn memory(&self, figure: &str) -> anyhow::Result<f64> {
        process::memory_mib(self.program.pid(), figure)
    }

    /// What its data takes on the disk, in MiB: its folder, and the database if that is elsewhere.
    pub async fn disk_mib(&self, place: &Place) -> anyhow::Result<f64> {
        let mut bytes = place.bytes()?;
        if self.on_server {
            let health = self.api.get("/health").await?.expect(StatusCode::OK)?;
            bytes += health["database"]["size_bytes"].as_u64().context("/health tells no size")?;
        }
        Ok(bytes as f64 / 1_048_576.0)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.program.address()
    }

    /// Makes a webhook and returns what the API answers.
    pub async fn create(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.api.post(path, &body).await?.expect(StatusCode::CREATED)
    }

    /// Lets the peak of the program's memory begin anew.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        process::forget_peak(self.program.pid())
    }

    /// A load of requests that are stored and not acted upon.
    pub async fn ingest(&self, connections: usize) -> anyhow::Result<Load> {
        let webhook = self
            .create("/incoming-webhooks", json!({"name": "plain", "event_type": "subscriber_added"}))
            .await?;
        self.load(connections, Pace::Closed, &webhook, requests, None)
    }

    /// A load of unsigned requests to a webhook that asks for a signature, and that webhook's id.
    pub async fn flood(&self, connections: usize, pace: Pace, count: u64) -> anyhow::Result<(Load, String)> {
        let settings = json!({
            "name": "flooded", "event_type": "subscriber_added", "signature": {"scheme": "hmac_sha256"},
            "actions": [{"type": "add_subscriber"}],
        });
        let webhook = self.create("/incoming-webhooks", settings).await?;
        let load = self.load(connections, pace, &webhook, requests, None)?;
        let last = load.next.load(Ordering::Relaxed) + count - 1;
        let id = webhook["id"].as_str().context("no id")?.to_owned();
        Ok((Load { last, expected: Expected::Refused, ..load }, id))
    }

    /// A load of signed requests that are mapped and acted upon.
    pub async fn act(&self, connections: usize, pace: Pace) -> anyhow::Result<Load> {
        let settings = json!({
            "name": "signup", "event_type": "subscriber_added", "signature": {"scheme": "hmac_sha256"},
            "mapping": [
                {"to": "email", "from": "data.contact_email"}, {"to": "first_name", "from": "data.first_name"},
                {"to": "last_name", "from": "data.last_name"}, {"to": "custom_field.company", "from": "data.company_name"},
                {"to": "custom_field.sent_at", "from": "data.sent_at"},
            ],
            "actions": [{"type": "add_subscriber", "tags": ["web"]}],
        });
        let webhook = self.create("/incoming-webhooks", settings).await?;
        let secret = webhook["signature"]["secret"].as_str().context("no secret")?.to_owned();
        self.load(connections, pace, &webhook, requests, Some(SigningKey::new(&Secret::new(secret))?))
    }

    /// A load of requests to a webhook, signed if there is a key.
    pub fn load(
        &self,
        connections: usize,
        pace: Pace,
        webhook: &Value,
        requests: fn(String, Option<SigningKey>) -> Make,
        key: Option<SigningKey>,
    ) -> anyhow::Result<Load> {
        let url: http::Uri = webhook["url"].as_str().context("no url")?.parse()?;
        let path = url.path_and_query().context("no path")?.to_string();
        Ok(Load {
            address: self.program.address(),
            connections,
            pace,
            make: requests(path, key),
            next: Arc::new(AtomicU64::new(NEXT.fetch_add(1 << 32, Ordering::Relaxed))),
            last: u64::MAX,
            expected: Expected::Taken,
            stop: Default::default(),
        })
    }

    /// An outgoing webhook for new subscribers; returns its id.
    pub async fn subscribe(&self, url: &str) -> anyhow::Result<String> {
        let settings = json!({"name": "receiver", "url": url, "events": ["subscriber_added"]});
        let webhook = self.create("/outgoing-webhooks", settings).await?;
        Ok(webhook["id"].as_str().context("no id")?.to_owned())
    }

    /// Waits until so many deliveries of a webhook are recorded as delivered.
    pub async fn delivered(&self, webhook_id: &str, count: u64) -> anyhow::Result<()> {
        let path = format!("/outgoing-webhooks/{webhook_id}/stats");
        eventually("the deliveries to be recorded", DRAIN, async || {
            let stats = self.api.get(&path).await.ok()?.json().ok()?;
            (stats["delivered"].as_u64()? >= count).then_some(())
        })
        .await
    }
}

/// Requests like those of a sign-up form, signed if there is a key. The bare handler gets the same.
pub fn requests(path: String, key: Option<SigningKey>) -> Make {
    signed(path, key, |number| {
        format!(
            r#"{{"event":"subscriber_added","timestamp":"2024-01-15T10:30:00Z","data":{{"contact_email":"john.doe.{number}@example.com","first_name":"John","last_name":"Doe","company_name":"Acme Corp","sent_at":{}}}}}"#,
            clock::micros()
        )
    })
}

/// Requests with bodies of their numbers, signed if there is a key.
pub fn signed(path: String, key: Option<SigningKey>, body: fn(u64) -> String) -> Make {
    Arc::new(move |number| {
        let body = body(number);
        let mut request =
            Request::post(&path).header("host", "bench").header("content-type", "application/json");
        if let Some(key) = &key {
            request = request.header("x-webhook-signature", x_webhook::sign(key, body.as_bytes()));
        }
        request.body(Full::new(Bytes::from(body))).unwrap_or_default()
    })
}
