//! The command `demo`: the main job with sample data, on a temporary database, live in the terminal.
//!
//! Everything is set up through the public REST API, as a user would.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use clap::Args;
use domain::Timestamp;
use engine::Scope;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use signature::{Secret, SigningKey, standard_webhooks};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

use crate::config::{CommonOptions, LogFormat, ServeOptions};
use crate::timeline::{Arrival, Timeline};
use crate::{api_key, entry, logging, serve, server, setup};

const BASE: &str = "/wp-json/ccsp-mailer/v1";
/// How often the log is looked at for new requests.
const LOOK: Duration = Duration::from_millis(50);
/// Arrivals at the receiver that wait to be shown.
const ARRIVALS: usize = 256;

/// Options of the demo.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// The address to listen on; if it is taken, any free port
    #[arg(long, env = "CCSP_DEMO_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8025")]
    demo_listen: SocketAddr,
}

/// Runs the demo until it is interrupted.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder can't be made")?;
    let options = serve_options(options, folder.path().to_owned()).await?;
    logging::start(&options.common)?;
    let engine = setup::start_engine(&options).await?;
    let key = api_key::create(&engine, "demo", Scope::Admin).await?;
    let listening = serve::listen(&options).await?;
    let address = listening.local_addr()?;
    let router = serve::router(&options, &engine, &listening)?;
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(server::serve(listening, router.clone(), stopped));

    let api = Api { router, key };
    let (arrived, arrivals) = mpsc::channel(ARRIVALS);
    let receiver = Receiver::start(arrived).await?;
    let webhooks = set_up(&api, &receiver).await?;
    introduce(address, &entry::demo(&engine).await?, &api.key, &webhooks.url);
    tokio::select! {
        shown = show(&api, &webhooks.id, arrivals) => shown?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    println!("\nThe demo has ended, and its data is gone.");
    Ok(())
}

async fn serve_options(options: DemoOptions, folder: PathBuf) -> anyhow::Result<ServeOptions> {
    let taken = TcpListener::bind(options.demo_listen).await.is_err();
    let listen = if taken { SocketAddr::new(options.demo_listen.ip(), 0) } else { options.demo_listen };
    Ok(ServeOptions {
        common: CommonOptions {
            data_dir: folder,
            database_url: None,
            log_format: LogFormat::Human,
            log_level: "warn".to_owned(),
            config: None,
        },
        listen,
        public_url: None,
        trusted_proxies: Vec::new(),
        allow_http: false,
        log_retention_days: 0,
        log_retention_entries: 0,
        audit_retention_days: 0,
        allow_private_destinations: vec!["127.0.0.0/8".parse()?],
        max_body_bytes: 1_048_576,
        max_waiting_requests: 8_192,
        disable_after_days: 0,
        smtp_url: None,
        mail_from: None,
        alert_email: Vec::new(),
        metrics_public: false,
    })
}

struct Webhooks {
    id: String,
    url: String,
}

async fn set_up(api: &Api, receiver: &Receiver) -> anyhow::Result<Webhooks> {
    let list = api.call("POST", "/lists", json!({"name": "Newsletter"})).await?;
    let incoming = json!({
        "name": "Signup form",
        "event_type": "subscriber_added",
        "description": "A form on a web site posts here",
        "mapping": [
            {"to": "email", "from": "data.contact_email"},
            {"to": "first_name", "from": "data.first_name"},
            {"to": "custom_field.company", "from": "data.company_name"},
        ],
        "actions": [{"type": "add_subscriber", "lists": [list["id"]], "tags": ["web"]}],
    });
    let incoming = api.call("POST", "/incoming-webhooks", incoming).await?;
    let outgoing = json!({
        "name": "Demo receiver",
        "url": receiver.url,
        "events": ["subscriber_added", "subscriber_updated", "subscriber_tagged"],
        "signing": {"secret": receiver.secret.expose()},
    });
    api.call("POST", "/outgoing-webhooks", outgoing).await?;
    let text = |name: &str| {
        incoming[name].as_str().map(str::to_owned).context("the API answered without an id or a URL")
    };
    Ok(Webhooks { id: text("id")?, url: text("url")? })
}

fn introduce(address: SocketAddr, link: &str, key: &str, url: &str) {
    println!(
        "CloudCusp Mailer is running at http://{address}\n\
         Web admin, logged in: http://{address}{link}\n\
         API key: {key}\n\
         Reference: http://{address}/docs\n\n\
         An incoming webhook, an outgoing webhook and a receiver are set up. Paste this into another terminal:\n\n\
         curl -X POST '{url}' \\\n  -H 'Content-Type: application/json' \\\n  \
         -d '{{\"event\":\"subscriber_added\",\"data\":{{\"contact_email\":\"john@example.com\",\"first_name\":\"John\",\"company_name\":\"Acme Corp\"}}}}'\n\n\
         Then watch here. Ctrl-C ends the demo.\n"
    );
}

/// Shows each request with what it led to.
async fn show(api: &Api, webhook_id: &str, mut arrivals: mpsc::Receiver<Arrival>) -> anyhow::Result<()> {
    let mut timeline = Timeline::default();
    let mut timer = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = timer.tick() => {
                let log = api.call("GET", &format!("/incoming-webhooks/{webhook_id}/requests?limit=50"), Value::Null).await?;
                // Newest first in the log, oldest first on the screen.
                for entry in log["data"].as_array().into_iter().flatten().rev() {
                    timeline.request(entry);
                }
            }
            Some(arrival) = arrivals.recv() => timeline.arrival(arrival),
        }
    }
}

/// The REST API, called without a network between.
struct Api {
    router: Router,
    key: String,
}

impl Api {
    async fn call(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            // It comes from nowhere but this process.
            .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 0))))
            .body(body)?;
        let answer = self.router.clone().oneshot(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("{method} {path}: {status} {}", String::from_utf8_lossy(&body));
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// A system that gets webhooks, as an integrator would build it: it verifies the signature.
struct Receiver {
    url: String,
    secret: Secret,
}

#[derive(Clone)]
struct ReceiverState {
    key: Arc<SigningKey>,
    arrived: mpsc::Sender<Arrival>,
}

impl Receiver {
    async fn start(arrived: mpsc::Sender<Arrival>) -> anyhow::Result<Self> {
        use rand::SeedableRng;
        let mut random = rand::rngs::StdRng::from_seed(crate::data_dir::seed()?);
        let secret = signature::token::generate_signing_secret(&mut random);
        let key = Arc::new(SigningKey::new(&secret)?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/webhook", listener.local_addr()?);
        let router =
            Router::new().route("/webhook", post(receive)).with_state(ReceiverState { key, arrived });
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            // Held so that the server goes on until the program ends.
            let _stop = stop;
            server::serve(listener, router, stopped).await;
        });
        Ok(Self { url, secret })
    }
}

async fn receive(State(state): State<ReceiverState>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let value = |name: &str| headers.get(name).map(|value| value.as_bytes());
    let text =
        |name: &str| value(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default();
    let received = standard_webhooks::Received {
        id: value(standard_webhooks::ID_HEADER),
        timestamp: value(standard_webhooks::TIMESTAMP_HEADER),
        signature: value(standard_webhooks::SIGNATURE_HEADER),
    };
    let now: Timestamp = setup::now();
    let tolerance = standard_webhooks::DEFAULT_TOLERANCE_SECONDS;
    let verdict = standard_webhooks::verify(
        std::slice::from_ref(&state.key),
        &received,
        &body,
        now.seconds(),
        tolerance,
    );
    let verified = verdict.is_ok();
    let arrival = Arrival { at: now, event: text("x-webhook-event"), event_id: text("webhook-id"), verified };
    // The demo has ended if nobody takes it.
    let _ = state.arrived.send(arrival).await;
    if verified { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}
