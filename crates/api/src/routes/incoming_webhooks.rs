//! Incoming webhooks: who may post, and what is done with what is posted.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::incoming::{
    Dedupe, IncomingSettings, LogRetention, OnUnprocessable, RateLimit, Respond, WebhookStatus,
};
use domain::log::FieldError;
use domain::mapping::Rule;
use domain::network::Network;
use domain::{EventPath, EventType, IncomingWebhook, RedactPath, Step, Timestamp, WebhookId};
use engine::{Incoming, IncomingSecrets, Rotating, RunError, Snapshot};
use expression::Expression;
use http::StatusCode;
use presets::Preset;
use serde::{Deserialize, Serialize};
use signature::Secret;
use store::webhooks::{DeleteWebhook, Direction, InsertIncoming, UpdateIncoming};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::call_headers;
use crate::extract::{Create, Input, Patch, Path, Query};
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem};
use crate::recent;
use crate::routes::incoming_secrets;
use crate::routes::incoming_signature::IncomingSignature;
use crate::secret::{self, Reveal};
use crate::version::{IfMatch, Version, Versioned};
use crate::webhook::{WebhookFilter, unknown_lists};
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .merge(incoming_secrets::routes())
}

/// What a user sets of an incoming webhook.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IncomingWebhookInput {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Signup form")]
    name: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    description: String,
    /// Whether it takes requests.
    #[serde(default)]
    status: WebhookStatus,
    /// The event it is for: a record that names another one is ignored. Capitals and punctuation don't count: `Order.Paid` is
    /// `order_paid`. Senders with a preset name events of their own.
    event_type: EventType,
    /// The sender, if it is one that the program knows: see the presets. Its requests are mapped, named and recognised as it
    /// makes them, where nothing else is set.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_]+$", example = "stripe")]
    preset: Option<String>,
    /// The key for `X-API-Key`. Made at random if it is not given, and shown only then; later masked. The masked form leaves it unchanged.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 500)]
    api_key: Option<String>,
    /// Whether a request must carry the API key as `X-API-Key`.
    #[serde(default)]
    require_api_key: bool,
    /// How requests are signed.
    #[serde(default)]
    signature: IncomingSignature,
    /// Who may post: addresses and networks. Empty means everyone.
    #[serde(default)]
    #[schema(max_items = 200)]
    ip_allowlist: Vec<Network>,
    /// How often all senders together may post; past it they get 429. Several nodes share it.
    #[serde(default)]
    rate_limit: Option<RateLimit>,
    /// How often each sender may post, by its address; past it the sender gets 429. Several nodes share it.
    #[serde(default)]
    sender_rate_limit: Option<RateLimit>,
    /// By what a request is recognised that comes again; without it, by the headers `webhook-id` and `Idempotency-Key`, for a
    /// day.
    #[serde(default)]
    dedupe: Option<Dedupe>,
    /// Texts of the payload that are JSON, to be parsed before anything else is looked at; one that is none stays a text.
    #[serde(default)]
    #[schema(max_items = 20)]
    parse_json: Vec<domain::mapping::Path>,
    /// Where the array of records stands, such as `data.contacts`; without it the payload is one record, or an array of them.
    #[serde(default)]
    records: Option<domain::mapping::Path>,
    /// Where the name of the event stands: a path such as `data.type`, which counts from the record, or
    /// `header:X-GitHub-Event`; without it, in `event`, or where the preset says. A record without a name is of the webhook's.
    #[serde(default)]
    event_path: Option<EventPath>,
    /// A condition on each record, such as `data.status == 'subscribed'`; those for which it does not hold are ignored.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4096, example = "data.status == 'subscribed'")]
    filter: Option<String>,
    /// JavaScript with `function transform(payload, headers)`: what it returns within 100 ms is filtered and mapped instead of
    /// the payload. The log keeps the payload as it came.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 262_144,
        example = "function transform(payload, headers) { return payload }"
    )]
    transform: Option<String>,
    /// From payload to subscriber; without it, a payload in the specification's own form maps itself.
    #[serde(default)]
    #[schema(max_items = 200)]
    mapping: Option<Vec<Rule>>,
    /// What to do, in order.
    #[serde(default)]
    #[schema(max_items = 50)]
    actions: Vec<Step>,
    /// Values of the payload that are not stored in clear, such as `card.number` or `items[*].card`. A request is acted upon
    /// with them; run again by hand it is without them.
    #[serde(default)]
    #[schema(max_items = 100)]
    redact: Vec<RedactPath>,
    /// How much of its log is kept, if that is less than the server keeps of all.
    #[serde(default)]
    log_retention: Option<LogRetention>,
    /// When the sender gets its answer.
    #[serde(default)]
    respond: Respond,
    /// What a sender is told whose request has no valid email; as the preset says if not given, or else `refuse`.
    #[serde(default)]
    #[schema(required = false)]
    on_unprocessable: Option<OnUnprocessable>,
}

/// An incoming webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = IncomingWebhook)]
pub(crate) struct IncomingWebhookView {
    /// Unique.
    id: WebhookId,
    /// Where senders post to. For a caller that may not change webhooks, with its token masked.
    #[schema(
        format = "uri",
        example = "https://example.com/wp-json/ccsp-mailer/v1/webhooks/a1b2c3d4e5f6?token=…"
    )]
    url: String,
    /// What is in the URL, also accepted as the header `X-Webhook-Token`.
    token: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    #[serde(flatten)]
    settings: IncomingWebhookInput,
}

impl IncomingWebhookInput {
    fn settings(&self, preset: Option<&Preset>) -> IncomingSettings {
        let input = self.clone();
        IncomingSettings {
            name: input.name.trim().to_owned(),
            description: input.description,
            status: input.status,
            event_type: input.event_type,
            on_unprocessable: input
                .on_unprocessable
                .unwrap_or_else(|| preset.map(|preset| preset.on_unprocessable).unwrap_or_default()),
            preset: input.preset,
            require_api_key: input.require_api_key,
            signature: input.signature.settings(preset),
            ip_allowlist: input.ip_allowlist,
            rate_limit: input.rate_limit,
            sender_rate_limit: input.sender_rate_limit,
            dedupe: input.dedupe,
            parse_json: input.parse_json,
            records: input.records,
            event_path: input.event_path,
            filter: input.filter,
            transform: input.transform,
            mapping: input.mapping,
            actions: call_headers::masked(input.actions),
            redact: input.redact,
            log_retention: input.log_retention,
            respond: input.respond,
        }
    }

    fn shown(settings: IncomingSettings, secrets: &IncomingSecrets, reveal: Reveal) -> Self {
        Self {
            name: settings.name,
            description: settings.description,
            status: settings.status,
            event_type: settings.event_type,
            preset: settings.preset,
            api_key: Some(reveal.secret(&secrets.api_key.current)),
            require_api_key: settings.require_api_key,
            signature: IncomingSignature::shown(settings.signature, secrets, reveal),
            ip_allowlist: settings.ip_allowlist,
            rate_limit: settings.rate_limit,
            sender_rate_limit: settings.sender_rate_limit,
            dedupe: settings.dedupe,
            parse_json: settings.parse_json,
            records: settings.records,
            event_path: settings.event_path,
            filter: settings.filter,
            transform: settings.transform,
            mapping: settings.mapping,
            actions: settings.actions,
            redact: settings.redact,
            log_retention: settings.log_retention,
            respond: settings.respond,
            on_unprocessable: Some(settings.on_unprocessable),
        }
    }

    /// The secrets that are to hold, instead of those of the webhook as it was.
    fn secrets(
        &self,
        current: IncomingSecrets,
        preset: Option<&Preset>,
        preset_before: Option<&str>,
    ) -> Result<IncomingSecrets, Problem> {
        let api_key = secret::choose("api_key", self.api_key.as_deref(), current.api_key.clone());
        let signing = self.signature.choose(preset, current.signing.clone());
        let headers = call_headers::chosen(&self.actions, &current.call_headers);
        let (api_key, signing, call_headers) = match (api_key, signing, headers) {
            (Ok(api_key), Ok(signing), Ok(headers)) => (api_key, signing, headers),
            (api_key, signing, headers) => {
                let errors = api_key.err().into_iter().chain(signing.err()).chain(headers.err()).collect();
                return Err(Problem::with_errors(Code::InvalidBody, errors));
            }
        };
        let is_given = signing.current != current.signing.current;
        let is_other_sender = self.preset.as_deref() != preset_before;
        let hands_over = preset.is_some_and(Preset::learns_secret);
        let learns = hands_over && !is_given && (current.learns || is_other_sender);
        Ok(IncomingSecrets { api_key, signing, learns, call_headers, ..current })
    }

    /// What is known of its sender.
    ///
    /// # Errors
    /// If nothing is, or the signature is not one of that sender.
    fn sender(&self, configuration: &Snapshot) -> Result<Option<Arc<Preset>>, Problem> {
        let preset = self.preset.as_deref().and_then(|id| configuration.preset(id));
        if self.preset.is_some() && preset.is_none() {
            return Err(Problem::field("preset", "there is no preset of this name: GET /presets lists them"));
        }
        let errors = self.signature.check(preset.as_deref());
        if errors.is_empty() { Ok(preset) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
    }
}

impl Input for IncomingWebhookInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = self.settings(None).check();
        errors.extend(engine::actions::check(&self.actions));
        errors.extend(rule_faults(self.mapping.as_deref(), self.filter.as_deref()));
        errors
    }
}

impl IncomingWebhookView {
    pub(crate) fn new(
        api: &Api,
        webhook: &IncomingWebhook,
        secrets: &IncomingSecrets,
        reveal: Reveal,
    ) -> Self {
        let IncomingWebhook { id, settings, created_at, updated_at } = webhook.clone();
        let token = reveal.token(&secrets.token.current);
        Self {
            url: api.public_url(&format!("/webhooks/{id}?token={token}")),
            id,
            token,
            created_at,
            updated_at,
            settings: IncomingWebhookInput::shown(settings, secrets, reveal),
        }
    }

    /// The same with these secrets in clear, this once.
    pub(crate) fn revealing(mut self, api_key: Option<&Secret>, signing: Option<&Secret>) -> Self {
        let clear = |secret: &Secret| secret.expose().to_owned();
        if let Some(api_key) = api_key {
            self.settings.api_key = Some(clear(api_key));
        }
        if let Some(signing) = signing {
            self.settings.signature.secret = Some(clear(signing));
        }
        self
    }

    fn of(api: &Api, incoming: &Incoming, reveal: Reveal) -> Self {
        Self::new(api, &incoming.webhook, &incoming.secrets, reveal)
    }
}

/// All incoming webhooks
#[utoipa::path(
    get, path = "/incoming-webhooks", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    params(PageParams, WebhookFilter),
    responses((status = 200, description = "A page of them.", body = Page<IncomingWebhookView>)),
)]
async fn list(
    State(api): State<Api>,
    caller: Caller<Read>,
    paging: Paging,
    Query(filter): Query<WebhookFilter>,
) -> Result<Json<Page<IncomingWebhookView>>, Problem> {
    let configuration = api.configuration().await?;
    let wanted = |incoming: &&Incoming| {
        let settings = &incoming.webhook.settings;
        filter.takes(settings.status, &settings.name)
    };
    let page = recent::page(configuration.incoming.values().map(AsRef::as_ref).filter(wanted), &paging)?;
    Ok(Json(page.map(|incoming| IncomingWebhookView::of(&api, incoming, Reveal::to(&caller)))))
}

/// One incoming webhook
#[utoipa::path(
    get, path = "/incoming-webhooks/{id}", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = IncomingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn show(
    State(api): State<Api>,
    caller: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Versioned<IncomingWebhookView>, Problem> {
    let configuration = api.configuration().await?;
    let incoming = find(&configuration, &id)?;
    Ok(Versioned(version(&incoming.webhook), IncomingWebhookView::of(&api, incoming, Reveal::to(&caller))))
}

/// Make an incoming webhook
///
/// The answer shows its secrets in clear, this once.
#[utoipa::path(
    post, path = "/incoming-webhooks", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    request_body = IncomingWebhookInput,
    responses((status = 201, description = "The webhook.", body = IncomingWebhookView)),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<IncomingWebhookInput>,
) -> Result<Response, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let made = IncomingSecrets {
        token: Rotating::new(vault.new_token()),
        api_key: Rotating::new(vault.new_api_key()),
        signing: Rotating::new(vault.new_signing_secret()),
        learns: false,
        call_headers: BTreeMap::new(),
    };
    let preset = input.sender(&*api.configuration().await?)?;
    let secrets = input.secrets(made, preset.as_deref(), None)?;
    let (id, settings) = (vault.new_webhook_id(), input.settings(preset.as_deref()));
    check_scripts(&api, &settings).await?;
    let webhook = IncomingWebhook { id, settings, created_at: now, updated_at: now };
    let sealed = vault.seal_incoming(&webhook.id, &secrets);
    api.decide_once(&caller, once, |configuration| {
        check_lists(configuration, &[], &webhook.settings)?;
        input.sender(configuration)?;
        let view = IncomingWebhookView::new(&api, &webhook, &secrets, Reveal::All);
        let answer = Answer::created(Some(format!("{BASE}/incoming-webhooks/{}", webhook.id)), &view)?;
        let act = act(&webhook, Verb::Created).making(&known(&webhook.settings, &secrets));
        let (webhook, secrets) = (webhook.clone(), sealed.clone());
        let work = InsertIncoming { version: configuration.version, webhook, secrets };
        Ok((api.noted(&caller, work, act.always()), answer))
    })
    .await
}

/// Change an incoming webhook
#[utoipa::path(
    patch, path = "/incoming-webhooks/{id}", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), IfMatch),
    request_body = IncomingWebhookInput,
    responses((status = 200, description = "The webhook as it is now.", body = IncomingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    if_match: IfMatch,
    patch: Patch<IncomingWebhookInput>,
) -> Result<Versioned<IncomingWebhookView>, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let merged = |configuration: &Snapshot| {
        let Incoming { webhook, secrets, .. } = find(configuration, &id)?;
        let current = IncomingWebhookInput::shown(webhook.settings.clone(), secrets, Reveal::Nothing);
        patch.merged_onto(&api, &current)
    };
    let configuration = api.configuration().await?;
    check_scripts(&api, &merged(&configuration)?.settings(None)).await?;
    let found = api
        .decide(|configuration| {
            let Incoming { webhook, secrets, .. } = find(configuration, &id)?;
            if_match.check(&version(webhook))?;
            let input = merged(configuration)?;
            let preset = input.sender(configuration)?;
            let settings = input.settings(preset.as_deref());
            check_lists(configuration, &webhook.settings.actions, &settings)?;
            let preset_before = webhook.settings.preset.as_deref();
            let before = known(&webhook.settings, secrets);
            let secrets = input.secrets(secrets.clone(), preset.as_deref(), preset_before)?;
            let webhook = IncomingWebhook { settings, updated_at: now, ..webhook.clone() };
            let after = known(&webhook.settings, &secrets);
            let act = act(&webhook, Verb::Updated).changing(&before, &after);
            let secrets = vault.seal_incoming(&id, &secrets);
            let work = UpdateIncoming { version: configuration.version, webhook, secrets };
            Ok(api.noted(&caller, work, act.if_done()))
        })
        .await?;
    if !found {
        return Err(not_found());
    }
    let configuration = api.engine().snapshot();
    let incoming = find(&configuration, &id)?;
    Ok(Versioned(version(&incoming.webhook), IncomingWebhookView::of(&api, incoming, Reveal::to(&caller))))
}

/// Delete an incoming webhook
///
/// Its log stays as long as logs are kept.
#[utoipa::path(
    delete, path = "/incoming-webhooks/{id}", tag = "Incoming webhooks", security(("api_key" = ["write"])),
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
        let Incoming { webhook, secrets, .. } = find(configuration, &id)?;
        if_match.check(&version(webhook))?;
        let act = act(webhook, Verb::Deleted).ending(&known(&webhook.settings, secrets));
        let (version, id) = (configuration.version, id.clone());
        let work = DeleteWebhook { version, direction: Direction::Incoming, id };
        Ok(api.noted(&caller, work, act.if_done()))
    });
    if deleted.await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

/// What is done to a webhook.
pub(super) fn act(webhook: &IncomingWebhook, verb: Verb) -> Act {
    Act::new(TargetKind::IncomingWebhook, verb).on(&webhook.id).named(&webhook.settings.name)
}

/// What everyone may know of it.
fn known(settings: &IncomingSettings, secrets: &IncomingSecrets) -> IncomingWebhookInput {
    IncomingWebhookInput::shown(settings.clone(), secrets, Reveal::Nothing)
}

/// What is configured of it. A secret that is replaced shows in the time of the change.
fn version(webhook: &IncomingWebhook) -> Version {
    Version::of(&(&webhook.settings, webhook.updated_at))
}

pub(crate) fn find<'a>(configuration: &'a Snapshot, id: &WebhookId) -> Result<&'a Incoming, Problem> {
    configuration.incoming.get(id).map(AsRef::as_ref).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("an incoming webhook")
}

/// Everything that is wrong with a mapping and a filter.
pub(super) fn rule_faults(mapping: Option<&[Rule]>, filter: Option<&str>) -> Vec<FieldError> {
    let mut errors = mapping.map(engine::mapping::check).unwrap_or_default();
    if let Some(Err(error)) = filter.map(Expression::compile) {
        errors.push(FieldError { field: "filter".to_owned(), message: error.to_string() });
    }
    errors
}

/// A script that is none is refused when it is saved.
pub(super) async fn check_scripts(api: &Api, settings: &IncomingSettings) -> Result<(), Problem> {
    let errors = api.engine().check_scripts(settings).await.map_err(RunError::from)?;
    if errors.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}

pub(super) fn check_lists(
    configuration: &Snapshot,
    before: &[Step],
    settings: &IncomingSettings,
) -> Result<(), Problem> {
    let errors = unknown_lists(configuration, before, &settings.actions);
    if errors.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}
