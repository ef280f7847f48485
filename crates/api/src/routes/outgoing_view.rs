//! An outgoing webhook as it is set and shown.

use std::collections::BTreeMap;

use domain::incoming::{LogRetention, RateLimit, WebhookStatus};
use domain::log::FieldError;
use domain::outgoing::{BodyFormat, MAX_CONNECT_TIMEOUT_SECONDS, Method, Ordering, OutgoingSettings};
use domain::{Auth, EventPattern, ListId, OutgoingWebhook, RedactPath, Timestamp, WebhookId};
use engine::{Outgoing, OutgoingSecrets};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::outgoing_health::{HealthView, Healths};
use super::outgoing_signing::OutgoingSigning;
use super::outgoing_tls::{self, OutgoingTls};
use crate::Api;
use crate::extract::Input;
use crate::problem::{Code, Problem};
use crate::retry::Retry;
use crate::secret::{self, Reveal};

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
    pub(super) fn settings(&self) -> OutgoingSettings {
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

    pub(super) fn shown(settings: OutgoingSettings, secrets: &OutgoingSecrets, reveal: Reveal) -> Self {
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

    /// Its settings, and the secrets that are to hold instead of `current`. What stands in the settings `before` may be kept: the
    /// rules for destinations and secrets may have changed since, and must not keep a webhook from being changed otherwise.
    pub(super) fn decided(
        &self,
        api: &Api,
        current: &OutgoingSecrets,
        before: Option<&OutgoingSettings>,
    ) -> Result<(OutgoingSettings, OutgoingSecrets), Problem> {
        let signing_before = before.map(|before| &before.signing);
        let secret = self.signing.choose(api.engine().vault(), current, signing_before);
        let destination = match before {
            Some(before) if before.url == self.url => Ok(()),
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
        let taken = settings.headers.keys().map(String::as_str).chain(self.auth.header_names()).collect();
        errors.extend(self.signing.check(taken));
        errors.extend(outgoing_tls::check(&settings));
        errors.extend(self.retry.fault());
        errors
    }

    const VALUES: &[&str] = &["payload"];

    fn make_way(current: &mut Value, patch: &Value) {
        Retry::make_way(current, patch);
        // The members of one method are none of another's.
        let method = |settings: &Value| settings.pointer("/auth/method").cloned();
        if method(patch).is_some_and(|method_then| Some(method_then) != method(current)) {
            current["auth"].take();
        }
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

    pub(super) fn of(api: &Api, outgoing: &Outgoing, healths: &Healths) -> Self {
        Self::new(api, &outgoing.webhook, &outgoing.secrets, Reveal::Nothing, healths)
    }
}
