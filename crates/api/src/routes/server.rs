//! The server itself: how it is doing, and what it was started with.

use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::incoming::WebhookStatus;
use serde::Serialize;
use store::backlog::CountBacklog;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Admin, Caller, Read};
use crate::problem::Problem;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(health)).routes(routes!(settings))
}

/// How the server is doing.
#[derive(Serialize, ToSchema)]
struct ServerHealth {
    /// Its version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// What time it is there.
    now: Timestamp,
    /// The database behind it.
    database: DatabaseHealth,
    /// Running servers on this database.
    nodes: u32,
    /// What is stored and not done with.
    waiting: Waiting,
    /// Incoming webhooks by their status.
    incoming_webhooks: WebhookCounts,
    /// Outgoing webhooks by their status.
    outgoing_webhooks: WebhookCounts,
}

/// A database.
#[derive(Serialize, ToSchema)]
struct DatabaseHealth {
    /// Which.
    kind: DatabaseKind,
    /// Its size, in bytes.
    size_bytes: i64,
}

/// A kind of database.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DatabaseKind {
    Sqlite,
    Postgresql,
}

/// What waits: counted up to 100,000 of each kind.
#[derive(Serialize, ToSchema)]
struct Waiting {
    /// Requests whose actions are not done yet, also those to webhooks that are paused.
    requests: i64,
    /// Deliveries that are still to be made, also those to webhooks that are paused.
    deliveries: i64,
}

/// Webhooks by their status.
#[derive(Default, Serialize, ToSchema)]
struct WebhookCounts {
    active: usize,
    paused: usize,
    inactive: usize,
}

impl WebhookCounts {
    fn of(statuses: impl Iterator<Item = WebhookStatus>) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            match status {
                WebhookStatus::Active => counts.active += 1,
                WebhookStatus::Paused => counts.paused += 1,
                WebhookStatus::Inactive => counts.inactive += 1,
            }
        }
        counts
    }
}

/// How the server is doing
///
/// For people and for pages; what watches the server asks `/readyz` and `/metrics`.
#[utoipa::path(
    get, path = "/health", tag = "Server", security(("api_key" = ["read"])),
    responses((status = 200, description = "So.", body = ServerHealth)),
)]
async fn health(State(api): State<Api>, _: Caller<Read>) -> Result<Json<ServerHealth>, Problem> {
    let configuration = api.configuration().await?;
    let incoming = configuration.incoming.keys().cloned().collect();
    let backlog = api.engine().read(CountBacklog { incoming }).await?;
    let of_incoming = configuration.incoming.values().map(|incoming| incoming.webhook.settings.status);
    let of_outgoing = configuration.outgoing.values().map(|outgoing| outgoing.webhook.settings.status);
    Ok(Json(ServerHealth {
        version: env!("CARGO_PKG_VERSION"),
        now: api.engine().now(),
        database: DatabaseHealth { kind: kind(&api), size_bytes: backlog.bytes },
        nodes: api.engine().nodes(),
        waiting: Waiting { requests: backlog.requests, deliveries: backlog.deliveries },
        incoming_webhooks: WebhookCounts::of(of_incoming),
        outgoing_webhooks: WebhookCounts::of(of_outgoing),
    }))
}

fn kind(api: &Api) -> DatabaseKind {
    if api.engine().is_shared() { DatabaseKind::Postgresql } else { DatabaseKind::Sqlite }
}

/// What the server was started with, but for secrets.
#[derive(Serialize, ToSchema)]
struct Settings {
    /// Its version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// How it is reached from outside.
    public_url: String,
    /// The database behind it.
    database: DatabaseKind,
    /// How much of the logs is kept, where a webhook does not keep less.
    log_retention: Retention,
    /// For how many days the audit log is kept; `null` for ever.
    #[schema(required = true)]
    audit_retention_days: Option<i64>,
    /// The most bytes of a request's body.
    max_body_bytes: usize,
    /// Networks that deliveries may go to although they are private.
    allow_private_destinations: Vec<String>,
    /// Proxies whose word about senders counts.
    trusted_proxies: Vec<String>,
    /// Whether requests are taken over plain HTTP although the public URL is https.
    allow_http: bool,
    /// Whether `/metrics` needs no key.
    metrics_public: bool,
}

/// How much of the logs is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerRetention)]
struct Retention {
    /// For how many days; `null` for ever.
    #[schema(required = true)]
    days: Option<i64>,
    /// How many entries of each webhook, the newest; `null` for all.
    #[schema(required = true)]
    entries: Option<u32>,
}

/// What the server was started with
///
/// By its options, the environment and its configuration file: only there it can be changed.
#[utoipa::path(
    get, path = "/settings", tag = "Server", security(("api_key" = ["admin"])),
    responses((status = 200, description = "The settings that hold.", body = Settings)),
)]
async fn settings(State(api): State<Api>, _: Caller<Admin>) -> Json<Settings> {
    let retention = api.engine().log_retention();
    Json(Settings {
        version: env!("CARGO_PKG_VERSION"),
        public_url: api.page_url(""),
        database: kind(&api),
        log_retention: Retention {
            days: retention.age_ms.map(|age| age / DAY_MS),
            entries: retention.entries,
        },
        audit_retention_days: retention.audit_ms.map(|age| age / DAY_MS),
        max_body_bytes: api.max_body(),
        allow_private_destinations: api.engine().allowed_private().iter().map(ToString::to_string).collect(),
        trusted_proxies: api.trusted_proxies().iter().map(ToString::to_string).collect(),
        allow_http: api.allows_http(),
        metrics_public: api.metrics_public(),
    })
}
