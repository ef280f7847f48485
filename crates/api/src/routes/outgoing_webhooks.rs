//! Outgoing webhooks: which events go where, and how.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::incoming::{LogRetention, RateLimit, WebhookStatus};
use domain::log::FieldError;
use domain::outgoing::{BodyFormat, MAX_CONNECT_TIMEOUT_SECONDS, Method, Ordering, OutgoingSettings};
use domain::{Auth, EventPattern, ListId, OutgoingWebhook, RedactPath, Timestamp, WebhookId};
use engine::{Outgoing, OutgoingSecrets, RunError, Snapshot};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::audit::Noted;
use store::webhooks::{DeleteWebhook, Direction, InsertOutgoing, UpdateOutgoing};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::outgoing_health::{HealthView, Healths};
use super::outgoing_signing::{self, OutgoingSigning};
use super::outgoing_tls::{self, OutgoingTls};
use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path, Query};
use crate::once::{Answer, OnceRequest};
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem};
use crate::recent;
use crate::retry::Retry;
use crate::secret::{self, Reveal};
use crate::version::{IfMatch, Version, Versioned};
use crate::webhook::WebhookFilter;
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .merge(outgoing_signing::routes())
}

/// What a user sets of an outgoing webhook.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutgoingWebhookInput {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "HubSpot")]
    name: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
    /// Where deliveries go: `https`, or `http`. Private and local addresses are refused unless the server allows them.
    #[schema(
        max_length = 2048,
        pattern = "^[Hh][Tt][Tt][Pp][Ss]?://.",
        example = "https://example.com/hook"
    )]
    url: String,
    /// The method of a delivery.
    #[serde(default)]
    method: Method,
    /// The events that are sent: names, `*` for all, or beginnings such as `subscriber_*`.
    #[schema(min_items = 1, max_items = 200)]
    events: Vec<EventPattern>,
    /// A condition on them, such as `subscriber_status == 'subscribed'`; those for which it does not hold are not sent. It
    /// sees the variables of `payload`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4096, example = "subscriber_status == 'subscribed'")]
    filter: Option<String>,
    /// Only events about subscribers who are on one of these lists; all if empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    lists: Vec<ListId>,
    /// Only events about subscribers who have one of these tags; all if empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    tags: Vec<String>,
    /// Whether it gets deliveries.
    #[serde(default)]
    status: WebhookStatus,
    /// How deliveries prove who sends them, beside their signature.
    #[serde(default)]
    auth: Auth,
    /// More headers, whose values may have placeholders. Those that the program sets itself can't be set here.
    #[serde(default)]
    #[schema(example = json!({"X-Env": "prod"}))]
    headers: BTreeMap<String, String>,
    /// What is sent: a template whose texts may have placeholders such as `{subscriber_email}`, `{custom_field_plan}` or
    /// `{data.campaign_name}`. A text that is one whole placeholder becomes the value with its type. Without a template the
    /// envelope of the event is sent.
    #[serde(default)]
    #[schema(example = json!({"id": "{subscriber_id}", "phone?": "{subscriber_phone}"}))]
    payload: Option<Value>,
    /// How the payload is written.
    #[serde(default)]
    format: BodyFormat,
    /// JavaScript with `function transform(event, request)`: it returns the request, changed, or `{cancel: "why"}`, within 100
    /// ms.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 262_144)]
    transform: Option<String>,
    /// How deliveries are signed.
    #[serde(default)]
    signing: OutgoingSigning,
    /// How TLS is spoken with the destination, if not as with all: a certificate that deliveries show, authorities of its own.
    #[serde(default)]
    tls: Option<OutgoingTls>,
    /// When a delivery that failed is tried again.
    #[serde(default)]
    retry: Retry,
    /// How long one attempt may take, answer included, in seconds.
    #[serde(default = "default_timeout")]
    #[schema(minimum = 1, maximum = 30)]
    timeout_seconds: u32,
    /// How long it may take until a connection is there (name, TCP and TLS), in seconds.
    #[serde(default = "default_connect_timeout")]
    #[schema(minimum = 1, maximum = 10)]
    connect_timeout_seconds: u32,
    /// Whether bodies are sent compressed, as `Content-Encoding: gzip`. Signatures are over the body before that.
    #[serde(default)]
    gzip: bool,
    /// Whether an answer must be JSON to count as success.
    #[serde(default)]
    expect_json: bool,
    /// How many deliveries may be under way at once.
    #[serde(default = "default_concurrency")]
    #[schema(minimum = 1, maximum = 64)]
    concurrency: u32,
    /// How many deliveries may be sent in a time, retries included, by all nodes together. What is over it waits, and is spread
    /// evenly.
    #[serde(default)]
    rate_limit: Option<RateLimit>,
    /// In which order deliveries are made: `none`, or `subscriber` for one after the other of each subscriber. Then a failed
    /// delivery holds back that subscriber's later ones until it arrives or is given up, and nobody else's.
    #[serde(default)]
    ordering: Ordering,
    /// After how many seconds of nothing but failure the program deactivates it: 0 for never, `null` as the server does it,
    /// which is 5 days by default. `webhook_failing` is told before.
    #[serde(default)]
    #[schema(maximum = 31_536_000)]
    disable_after_seconds: Option<u32>,
    /// Values of what is sent that its log does not show: names and positions in the body as it is sent.
    #[serde(default)]
    #[schema(max_items = 100)]
    redact: Vec<RedactPath>,
    /// How much of its log is kept, if that is less than of others.
    #[serde(default)]
    log_retention: Option<LogRetention>,
}

/// The specification's: how long an attempt may take.
fn default_timeout() -> u32 {
    30
}

/// As long as for every other connection of the program.
fn default_connect_timeout() -> u32 {
    MAX_CONNECT_TIMEOUT_SECONDS
}

/// The contract's: enough for a receiver that takes a second to get 16 deliveries a second.
fn default_concurrency() -> u32 {
    16
}

/// An outgoing webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = OutgoingWebhook)]
pub(super) struct OutgoingWebhookView {
    /// Unique.
    id: WebhookId,
    /// Why the program deactivated it; `null` if it did not.
    #[schema(required = true)]
    disabled_reason: Option<String>,
    /// How its destination does.
    health: HealthView,
    /// What receivers verify the signatures of `ed25519` with, the newest first: two while a private key is being replaced.
    #[schema(max_items = 2, example = json!(["whpk_…"]))]
    public_keys: Vec<String>,
    /// When the certificate that deliveries show expires; `null` without one.
    #[schema(required = true)]
    client_certificate_expires_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    #[serde(flatten)]
    settings: OutgoingWebhookInput,
}

impl OutgoingWebhookInput {
    fn settings(&self) -> OutgoingSettings {
        let input = self.clone();
        OutgoingSettings {
            name: input.name.trim().to_owned(),
            description: input.description,
            url: input.url,
            method: input.method,
            events: input.events,
            filter: input.filter,
            lists: input.lists,
            tags: input.tags,
            status: input.status,
            headers: input.headers,
            payload: input.payload,
            format: input.format,
            transform: input.transform,
            signing: input.signing.settings(),
            tls: input.tls.as_ref().map(OutgoingTls::settings),
            retry: input.retry.settings(),
            timeout_seconds: input.timeout_seconds,
            connect_timeout_seconds: input.connect_timeout_seconds,
            gzip: input.gzip,
            expect_json: input.expect_json,
            concurrency: input.concurrency,
            rate_limit: input.rate_limit,
            ordering: input.ordering,
            disable_after_seconds: input.disable_after_seconds,
            redact: input.redact,
            log_retention: input.log_retention,
        }
    }

    fn shown(settings: OutgoingSettings, secrets: &OutgoingSecrets, reveal: Reveal) -> Self {
        Self {
            name: settings.name,
            description: settings.description,
            url: settings.url,
            method: settings.method,
            events: settings.events,
            filter: settings.filter,
            lists: settings.lists,
            tags: settings.tags,
            status: settings.status,
            auth: secret::shown_auth(&secrets.auth, reveal),
            headers: settings.headers,
            payload: settings.payload,
            format: settings.format,
            transform: settings.transform,
            signing: OutgoingSigning::shown(settings.signing, secrets, reveal),
            tls: settings.tls.map(|tls| OutgoingTls::shown(tls, secrets.client_key.as_ref(), reveal)),
            retry: Retry::shown(settings.retry),
            timeout_seconds: settings.timeout_seconds,
            connect_timeout_seconds: settings.connect_timeout_seconds,
            gzip: settings.gzip,
            expect_json: settings.expect_json,
            concurrency: settings.concurrency,
            rate_limit: settings.rate_limit,
            ordering: settings.ordering,
            disable_after_seconds: settings.disable_after_seconds,
            redact: settings.redact,
            log_retention: settings.log_retention,
        }
    }

    /// Its settings, and the secrets that are to hold instead of `current`. `url_before` may be kept whatever it is: the
    /// rules for destinations may have changed since, and must not keep a webhook from being changed otherwise.
    fn decided(
        &self,
        api: &Api,
        current: &OutgoingSecrets,
        url_before: Option<&str>,
    ) -> Result<(OutgoingSettings, OutgoingSecrets), Problem> {
        let secret = self.signing.choose(api.engine().vault(), current);
        let destination = match url_before {
            Some(before) if before == self.url => Ok(()),
            _ => api.engine().check_destination(&self.url),
        };
        let destination = destination.map_err(|message| FieldError { field: "url".to_owned(), message });
        let token_url = match self.auth.token_url() {
            Some(url) if current.auth.token_url() != Some(url) => api.engine().check_destination(url),
            _ => Ok(()),
        };
        let token_url =
            token_url.map_err(|message| FieldError { field: "auth.token_url".to_owned(), message });
        let auth = secret::choose_auth(&self.auth, &current.auth);
        let key = self.tls.as_ref().map_or(Ok(None), |tls| tls.choose(current.client_key.as_ref()));
        match (secret, destination, token_url, auth, key) {
            (Ok((signing, private_key)), Ok(()), Ok(()), Ok(auth), Ok(client_key)) => {
                Ok((self.settings(), OutgoingSecrets { signing, private_key, auth, client_key }))
            }
            (secret, destination, token_url, auth, key) => {
                let errors =
                    destination.err().into_iter().chain(secret.err()).chain(token_url.err()).chain(key.err());
                let errors = errors.chain(auth.err().into_iter().flatten()).collect();
                Err(Problem::with_errors(Code::InvalidBody, errors))
            }
        }
    }
}

impl Input for OutgoingWebhookInput {
    fn check(&self) -> Vec<FieldError> {
        let settings = self.settings();
        let mut errors = settings.check();
        errors.extend(engine::outgoing::check(&settings));
        errors.extend(self.signing.check());
        errors.extend(outgoing_tls::check(&settings));
        errors.extend(self.retry.fault());
        errors
    }

    fn make_way(current: &mut Value, patch: &Value) {
        Retry::make_way(current, patch);
    }
}

impl OutgoingWebhookView {
    pub(super) fn new(
        api: &Api,
        webhook: &OutgoingWebhook,
        secrets: &OutgoingSecrets,
        reveal: Reveal,
        healths: &Healths,
    ) -> Self {
        let health = healths.view(api, webhook);
        let OutgoingWebhook { id, settings, disabled_reason, created_at, updated_at } = webhook.clone();
        let client_certificate_expires_at = outgoing_tls::expires_at(&settings);
        let settings = OutgoingWebhookInput::shown(settings, secrets, reveal);
        let public_keys = secrets.public_keys(api.engine().now());
        Self {
            id,
            disabled_reason,
            health,
            public_keys,
            client_certificate_expires_at,
            created_at,
            updated_at,
            settings,
        }
    }

    fn of(api: &Api, outgoing: &Outgoing, healths: &Healths) -> Self {
        Self::new(api, &outgoing.webhook, &outgoing.secrets, Reveal::Nothing, healths)
    }
}

/// All outgoing webhooks
#[utoipa::path(
    get, path = "/outgoing-webhooks", tag = "Outgoing webhooks", security(("api_key" = ["read"])),
    params(PageParams, WebhookFilter),
    responses((status = 200, description = "A page of them.", body = Page<OutgoingWebhookView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(filter): Query<WebhookFilter>,
) -> Result<Json<Page<OutgoingWebhookView>>, Problem> {
    let configuration = api.configuration().await?;
    let wanted = |outgoing: &&Outgoing| {
        let settings = &outgoing.webhook.settings;
        filter.takes(settings.status, &settings.name)
    };
    let page = recent::page(configuration.outgoing.values().map(AsRef::as_ref).filter(wanted), &paging)?;
    let healths =
        Healths::of(&api, page.data.iter().map(|outgoing| outgoing.webhook.id.clone()).collect()).await?;
    Ok(Json(page.map(|outgoing| OutgoingWebhookView::of(&api, outgoing, &healths))))
}

/// One outgoing webhook
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}", tag = "Outgoing webhooks", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = OutgoingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Versioned<OutgoingWebhookView>, Problem> {
    let configuration = api.configuration().await?;
    let outgoing = find(&configuration, &id)?;
    let healths = Healths::of(&api, vec![id.clone()]).await?;
    Ok(Versioned(version(&outgoing.webhook), OutgoingWebhookView::of(&api, outgoing, &healths)))
}

/// Make an outgoing webhook
///
/// The answer shows its secret in clear, this once.
#[utoipa::path(
    post, path = "/outgoing-webhooks", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    request_body = OutgoingWebhookInput,
    responses((status = 201, description = "The webhook.", body = OutgoingWebhookView)),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<OutgoingWebhookInput>,
) -> Result<Response, Problem> {
    insert(&api, &caller, once, &input, |webhook, secrets| {
        let view = OutgoingWebhookView::new(&api, webhook, secrets, Reveal::All, &Healths::none());
        Answer::created(Some(format!("{BASE}/outgoing-webhooks/{}", webhook.id)), &view)
    })
    .await
}

/// Makes one, once for each `Idempotency-Key`.
pub(super) async fn insert(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    input: &OutgoingWebhookInput,
    answer: impl Fn(&OutgoingWebhook, &OutgoingSecrets) -> Result<Answer, Problem>,
) -> Result<Response, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let made = OutgoingSecrets::new(vault.new_signing_secret());
    let (settings, secrets) = input.decided(api, &made, None)?;
    check_transform(api, &settings).await?;
    let id = vault.new_webhook_id();
    let webhook = OutgoingWebhook { id, settings, disabled_reason: None, created_at: now, updated_at: now };
    let sealed = vault.seal_outgoing(&webhook.id, &secrets);
    api.decide_once(caller, once, |configuration| {
        let answer = answer(&webhook, &secrets)?;
        let act = act(&webhook, Verb::Created).making(&known(&webhook.settings, &secrets));
        let (webhook, secrets) = (webhook.clone(), sealed.clone());
        let work = InsertOutgoing { version: configuration.version, webhook, secrets };
        Ok((api.noted(caller, work, act.always()), answer))
    })
    .await
}

/// Change an outgoing webhook
#[utoipa::path(
    patch, path = "/outgoing-webhooks/{id}", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), IfMatch),
    request_body = OutgoingWebhookInput,
    responses((status = 200, description = "The webhook as it is now.", body = OutgoingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    if_match: IfMatch,
    patch: Patch<OutgoingWebhookInput>,
) -> Result<Versioned<OutgoingWebhookView>, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let merged = |configuration: &Snapshot| {
        let Outgoing { webhook, secrets, .. } = find(configuration, &id)?;
        let current = OutgoingWebhookInput::shown(webhook.settings.clone(), secrets, Reveal::Nothing);
        patch.merged_onto(&api, &current)
    };
    let configuration = api.configuration().await?;
    check_transform(&api, &merged(&configuration)?.settings()).await?;
    let found = api
        .decide(|configuration| {
            let Outgoing { webhook, secrets, .. } = find(configuration, &id)?;
            if_match.check(&version(webhook))?;
            let input = merged(configuration)?;
            let url_before = Some(webhook.settings.url.as_str());
            let before = known(&webhook.settings, secrets);
            let (settings, secrets) = input.decided(&api, secrets, url_before)?;
            // Who activates it again has read why it was not.
            let disabled_reason =
                webhook.disabled_reason.clone().filter(|_| settings.status == WebhookStatus::Inactive);
            let webhook = OutgoingWebhook { settings, disabled_reason, updated_at: now, ..webhook.clone() };
            let act = act(&webhook, Verb::Updated).changing(&before, &known(&webhook.settings, &secrets));
            let secrets = vault.seal_outgoing(&id, &secrets);
            let work = UpdateOutgoing { version: configuration.version, webhook, secrets };
            Ok(api.noted(&caller, work, act.if_done()))
        })
        .await?;
    if !found {
        return Err(not_found());
    }
    let configuration = api.engine().snapshot();
    let healths = Healths::of(&api, vec![id.clone()]).await?;
    let outgoing = find(&configuration, &id)?;
    Ok(Versioned(version(&outgoing.webhook), OutgoingWebhookView::of(&api, outgoing, &healths)))
}

/// Delete an outgoing webhook
///
/// What is not delivered yet is cancelled. Its log stays as long as logs are kept.
#[utoipa::path(
    delete, path = "/outgoing-webhooks/{id}", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), IfMatch),
    responses((status = 204, description = "It is gone.")),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let deleted = api.decide(|configuration| {
        if_match.check(&version(&find(configuration, &id)?.webhook))?;
        deletion(&api, &caller, configuration, &id)
    });
    if deleted.await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

/// Deletes one, and notes it.
pub(super) fn deletion(
    api: &Api,
    caller: &Caller<Write>,
    configuration: &Snapshot,
    id: &WebhookId,
) -> Result<Noted<DeleteWebhook>, Problem> {
    let Outgoing { webhook, secrets, .. } = find(configuration, id)?;
    let act = act(webhook, Verb::Deleted).ending(&known(&webhook.settings, secrets));
    let work =
        DeleteWebhook { version: configuration.version, direction: Direction::Outgoing, id: id.clone() };
    Ok(api.noted(caller, work, act.if_done()))
}

/// What is done to a webhook.
pub(super) fn act(webhook: &OutgoingWebhook, verb: Verb) -> Act {
    Act::new(TargetKind::OutgoingWebhook, verb).on(&webhook.id).named(&webhook.settings.name)
}

/// What everyone may know of it.
fn known(settings: &OutgoingSettings, secrets: &OutgoingSecrets) -> OutgoingWebhookInput {
    OutgoingWebhookInput::shown(settings.clone(), secrets, Reveal::Nothing)
}

/// What is configured of it. A secret that is replaced shows in the time of the change.
fn version(webhook: &OutgoingWebhook) -> Version {
    Version::of(&(&webhook.settings, &webhook.disabled_reason, webhook.updated_at))
}

/// A script that is none is refused when it is saved.
async fn check_transform(api: &Api, settings: &OutgoingSettings) -> Result<(), Problem> {
    let errors = api.engine().check_transform(settings.transform.as_deref()).await.map_err(RunError::from)?;
    if errors.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}

pub(super) fn find<'a>(configuration: &'a Snapshot, id: &WebhookId) -> Result<&'a Outgoing, Problem> {
    configuration.outgoing.get(id).map(AsRef::as_ref).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("an outgoing webhook")
}
