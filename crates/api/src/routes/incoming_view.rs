//! An incoming webhook as it is set and shown.

use std::sync::Arc;

use domain::incoming::{
    Dedupe, IncomingSettings, LogRetention, OnUnprocessable, RateLimit, Respond, WebhookStatus,
};
use domain::log::FieldError;
use domain::mapping::Rule;
use domain::network::Network;
use domain::{EventPath, EventType, IncomingWebhook, RedactPath, Step, Timestamp, WebhookId};
use engine::{Incoming, IncomingSecrets, Snapshot};
use presets::Preset;
use serde::{Deserialize, Serialize};
use signature::Secret;
use utoipa::ToSchema;

use super::incoming_signature::IncomingSignature;
use super::incoming_webhooks::rule_faults;
use crate::Api;
use crate::call_headers;
use crate::extract::Input;
use crate::problem::{Code, Problem};
use crate::secret::{self, Reveal};

/// What a user sets of an incoming webhook.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncomingWebhookInput {
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
    pub(super) fn settings(&self, preset: Option<&Preset>) -> IncomingSettings {
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

    pub(super) fn shown(settings: IncomingSettings, secrets: &IncomingSecrets, reveal: Reveal) -> Self {
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
    pub(super) fn secrets(
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
    pub(super) fn sender(&self, configuration: &Snapshot) -> Result<Option<Arc<Preset>>, Problem> {
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

    pub(super) fn of(api: &Api, incoming: &Incoming, reveal: Reveal) -> Self {
        Self::new(api, &incoming.webhook, &incoming.secrets, reveal)
    }
}
