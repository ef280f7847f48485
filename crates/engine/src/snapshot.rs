//! The configuration in memory: what the hot paths look up, prepared once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use delivery::{Rate, Schedule};
use domain::custom_field::CustomField;
use domain::incoming::{IncomingSettings, SignatureScheme, SignatureSettings, WebhookStatus};
use domain::outgoing::TlsSettings;
use domain::redact::RedactPath;
use domain::{
    Event, EventPattern, EventType, IncomingWebhook, ListId, OutgoingWebhook, Timestamp, WebhookId,
};
use expression::CustomFields;
use http::HeaderName;
use outbound::TlsOptions;
use presets::Preset;
use serde::Deserialize;
use signature::{Algorithm, KeyError, Scheme, SchemeKey, Secret, SigningKey, Source, TokenHash, token};
use store::config::Config;
use store::presets::PresetRow;

use crate::actions::compile::Actions;
use crate::filter::Filter;
use crate::kinds::Kinds;
use crate::mapping::Mapper;
use crate::outgoing::rendering::Rendering;
use crate::outgoing::signing::Signing;
use crate::outgoing::variables::Asked;
use crate::rotating::Ready;
use crate::vault::{IncomingSecrets, OutgoingSecrets, Vault, VaultError};

/// The senders that the program knows.
static OF_PROGRAM: LazyLock<HashMap<&'static str, Arc<Preset>>> = LazyLock::new(|| {
    presets::all().iter().map(|preset| (preset.id.as_str(), Arc::new(preset.clone()))).collect()
});

/// The preset of senders that are not known: it says no more than a webhook without one.
const GENERIC: &str = "generic";

/// What an API key may do; each scope includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See.
    Read,
    /// Change.
    Write,
    /// Manage keys.
    Admin,
}

impl Scope {
    /// The name as the API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }

    /// The scope of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Scope::Read, Scope::Write, Scope::Admin].into_iter().find(|scope| scope.as_str() == name)
    }
}

/// An API key, without the key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Unique.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The key's last characters.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An incoming webhook, ready to be used.
#[derive(Debug)]
pub struct Incoming {
    /// What is configured.
    pub webhook: IncomingWebhook,
    /// Its secrets.
    pub secrets: IncomingSecrets,
    pub(crate) tokens: Ready<TokenHash>,
    pub(crate) api_keys: Ready<TokenHash>,
    pub(crate) keys: Ready<SigningKey>,
    pub(crate) preset: Option<Arc<Preset>>,
    pub(crate) filter: Option<Filter>,
    pub(crate) mapper: Mapper,
    pub(crate) actions: Actions,
    /// How the sender signs, where its preset or the webhook itself describes it.
    pub(crate) scheme: Option<Scheme>,
    /// Without those secrets that are none of the scheme: by them no signature is right.
    pub(crate) scheme_keys: Ready<SchemeKey>,
    /// Values of the payload that the log does not hold: the user's, and those by which the sender proves who it is.
    pub(crate) redact: Vec<RedactPath>,
    /// Headers that carry such a value, whatever their names look like.
    pub(crate) secret_headers: Vec<HeaderName>,
    /// Whether a condition, a template or a script may ask for the event's name or the headers.
    pub(crate) asks_beside: bool,
}

/// An outgoing webhook, ready to be used.
#[derive(Debug)]
pub struct Outgoing {
    /// What is configured.
    pub webhook: OutgoingWebhook,
    /// Its secrets.
    pub secrets: OutgoingSecrets,
    /// Or why what is stored is not valid: saving checks it, so only another version of the program can have stored that.
    pub(crate) rendering: Result<Rendering, String>,
    pub(crate) signing: Signing,
    /// How TLS is spoken with the destination, if not as with all.
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) schedule: Schedule,
}

impl Outgoing {
    /// Why an event gets no delivery by itself, if it gets none.
    pub(crate) fn skips_any(&self, event: &Event) -> Option<String> {
        let wants = self.webhook.settings.events.iter().any(|pattern| pattern.matches(&event.event_type));
        if wants { self.skips(event) } else { Some(format!("the webhook does not get {}", event.event_type)) }
    }

    /// Why an event of a kind that it wants gets no delivery, if it gets none.
    pub(crate) fn skips(&self, event: &Event) -> Option<String> {
        if self.gets_deliveries() {
            return self.refuses(event);
        }
        Some(self.webhook.disabled_reason.as_ref().map_or_else(
            || "the webhook is inactive".to_owned(),
            |reason| format!("the webhook is inactive: {reason}"),
        ))
    }

    /// Why an event of a kind that it wants is not sent by its filter, lists and tags, if it is not.
    pub(crate) fn refuses(&self, event: &Event) -> Option<String> {
        // What can't be compiled fails when it is sent, where the log shows it.
        self.rendering.as_ref().ok()?.refuses(&self.webhook.settings, event)
    }

    /// What it asks of the subscribers whom events name, if it asks for anything.
    pub(crate) fn asked(&self) -> Option<&Asked> {
        let asked = self.rendering.as_ref().ok()?.asked();
        (!asked.is_nothing()).then_some(asked)
    }

    /// How often its deliveries may be sent, by all nodes together, if that is limited.
    pub(crate) fn rate(&self) -> Option<Rate> {
        let limit = self.webhook.settings.rate_limit?;
        self.is_active().then_some(Rate { count: limit.requests, seconds: limit.per_seconds })
    }

    /// Whether its deliveries are sent now.
    pub fn is_active(&self) -> bool {
        self.webhook.settings.status == WebhookStatus::Active
    }

    /// Whether it gets deliveries, now or when it is active again.
    pub fn gets_deliveries(&self) -> bool {
        self.webhook.settings.status != WebhookStatus::Inactive
    }
}

/// All of it, of one version.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The version of the stored configuration; 0 before the first load.
    pub version: i64,
    /// Incoming webhooks.
    pub incoming: HashMap<WebhookId, Arc<Incoming>>,
    /// Outgoing webhooks.
    pub outgoing: HashMap<WebhookId, Arc<Outgoing>>,
    /// API keys by the hash of the key.
    pub api_keys: HashMap<TokenHash, ApiKey>,
    /// The lists that exist.
    pub lists: HashSet<ListId>,
    /// Senders that users have described, by id.
    pub presets: HashMap<String, Arc<Preset>>,
    /// The custom fields that are declared.
    pub custom_fields: Vec<CustomField>,
    pub(crate) field_types: Arc<CustomFields>,
    /// The custom kinds of events that are declared.
    pub kinds: Kinds,
    subscriptions: HashMap<EventType, Vec<Arc<Outgoing>>>,
    /// Those that want all events whose names begin alike.
    pattern_subscriptions: Vec<Arc<Outgoing>>,
    /// The rows that the presets are from, to be told from those that come next.
    prepared_from: Vec<PresetRow>,
}

impl Snapshot {
    /// Prepares what was loaded.
    ///
    /// # Errors
    /// If a secret can't be opened.
    pub fn new(config: Config, vault: &Vault) -> Result<Self, VaultError> {
        Self::after(&Self::default(), config, vault)
    }

    /// Prepares what has changed, and takes over the rest.
    ///
    /// # Errors
    /// If a secret can't be opened.
    pub fn after(before: &Self, config: Config, vault: &Vault) -> Result<Self, VaultError> {
        // What incoming webhooks are prepared with, beside what is their own.
        let same_around =
            config.presets == before.prepared_from && config.custom_fields == before.custom_fields;
        let mut snapshot = Self {
            version: config.version,
            lists: config.lists.into_iter().collect(),
            field_types: Arc::new(CustomFields::new(&config.custom_fields)),
            custom_fields: config.custom_fields,
            kinds: Kinds::new(config.event_types),
            ..Self::default()
        };
        for row in &config.presets {
            match Preset::from_json(&row.body) {
                Ok(preset) => {
                    snapshot.presets.insert(row.id.clone(), Arc::new(preset));
                }
                // Saving checks it: another version of the program stored it. No signature is right by it then.
                Err(error) => tracing::error!(preset.id = %row.id, error = %error, "a preset can't be used"),
            }
        }
        for id in config.incoming.ids {
            let Some(known) = before.incoming.get(&id) else { continue };
            let incoming = match same_around {
                true => known.clone(),
                false => Arc::new(snapshot.incoming_of(known.webhook.clone(), known.secrets.clone())),
            };
            snapshot.incoming.insert(id, incoming);
        }
        for (webhook, sealed) in config.incoming.changed {
            let (id, secrets) = (webhook.id.clone(), vault.open_incoming(&webhook.id, &sealed)?);
            let incoming = snapshot.incoming_of(webhook, secrets);
            snapshot.incoming.insert(id, Arc::new(incoming));
        }
        for id in &config.outgoing.ids {
            let Some(known) = before.outgoing.get(id) else { continue };
            snapshot.outgoing.insert(id.clone(), known.clone());
        }
        for (webhook, sealed) in config.outgoing.changed {
            let (id, secrets) = (webhook.id.clone(), vault.open_outgoing(&webhook.id, &sealed)?);
            snapshot.outgoing.insert(id, Arc::new(Outgoing::new(webhook, secrets)));
        }
        // In one order on all nodes.
        for id in &config.outgoing.ids {
            if let Some(outgoing) = snapshot.outgoing.get(id).cloned() {
                snapshot.subscribe(&outgoing);
            }
        }
        for key in config.api_keys {
            // A scope or hash of another form can't authorise anything.
            let (Some(scope), Ok(hash)) =
                (Scope::from_name(&key.scope), <[u8; 32]>::try_from(key.hash.as_slice()))
            else {
                continue;
            };
            let api_key =
                ApiKey { id: key.id, name: key.name, scope, hint: key.hint, created_at: key.created_at };
            snapshot.api_keys.insert(TokenHash::from_bytes(hash), api_key);
        }
        snapshot.prepared_from = config.presets;
        Ok(snapshot)
    }

    fn incoming_of(&self, webhook: IncomingWebhook, secrets: IncomingSecrets) -> Incoming {
        let preset = webhook.settings.preset.as_deref().and_then(|id| self.preset(id));
        Incoming::new(webhook, secrets, preset, &self.field_types)
    }

    fn subscribe(&mut self, outgoing: &Arc<Outgoing>) {
        let events: HashSet<&EventPattern> = outgoing.webhook.settings.events.iter().collect();
        // A webhook that names a kind twice gets its events once.
        if events.iter().any(|pattern| matches!(pattern, EventPattern::Beginning(_))) {
            self.pattern_subscriptions.push(outgoing.clone());
            return;
        }
        for pattern in events {
            if let EventPattern::Exactly(event) = pattern {
                self.subscriptions.entry(event.clone()).or_default().push(outgoing.clone());
            }
        }
    }

    /// What is known of a sender: by the user, or else by the program.
    pub fn preset(&self, id: &str) -> Option<Arc<Preset>> {
        self.presets.get(id).or_else(|| OF_PROGRAM.get(id)).cloned()
    }

    /// The outgoing webhooks that want events of this kind, also those that are inactive.
    pub fn subscribers_of<'a>(
        &'a self,
        event_type: &'a EventType,
    ) -> impl Iterator<Item = &'a Arc<Outgoing>> {
        let exact = self.subscriptions.get(event_type).into_iter().flatten();
        let wants = |outgoing: &&Arc<Outgoing>| {
            outgoing.webhook.settings.events.iter().any(|pattern| pattern.matches(event_type))
        };
        exact.chain(self.pattern_subscriptions.iter().filter(wants))
    }
}

impl Incoming {
    /// Whether requests are acted upon now.
    pub fn is_active(&self) -> bool {
        self.webhook.settings.status == WebhookStatus::Active
    }

    /// Whether a record that names another event than the webhook's is not for it. The names that a known sender gives are its
    /// own, unless the user says where to look.
    pub(crate) fn compares_events(&self) -> bool {
        let is_own = |preset: &Preset| preset.id != GENERIC;
        self.webhook.settings.event_path.is_some() || !self.preset.as_deref().is_some_and(is_own)
    }

    /// The sender, if it is one that the program knows.
    pub fn preset(&self) -> Option<&Preset> {
        self.preset.as_deref()
    }

    /// Whether a secret can be the key of the webhook's scheme.
    ///
    /// # Errors
    /// Says why not.
    pub fn check_secret(&self, secret: &Secret) -> Result<(), KeyError> {
        self.scheme.as_ref().map_or(Ok(()), |scheme| scheme.key(secret).map(|_| ()))
    }

    /// The same with other settings.
    pub(crate) fn with(&self, settings: IncomingSettings, snapshot: &Snapshot) -> Self {
        let webhook = IncomingWebhook { settings, ..self.webhook.clone() };
        Self::new(webhook, self.secrets.clone(), self.preset.clone(), &snapshot.field_types)
    }

    /// Prepares one.
    pub(crate) fn new(
        webhook: IncomingWebhook,
        secrets: IncomingSecrets,
        preset: Option<Arc<Preset>>,
        field_types: &Arc<CustomFields>,
    ) -> Self {
        let scheme = scheme(&webhook.settings.signature, preset.as_deref());
        let scheme_key = |secret: &Secret| scheme.as_ref()?.key(secret).ok();
        let hash = |secret: &Secret| Some(token::hash(secret.expose()));
        let (redact, secret_headers) = secrets_of(&webhook.settings, preset.as_deref(), scheme.as_ref());
        Self {
            redact,
            secret_headers,
            asks_beside: asks_beside(&webhook.settings),
            filter: webhook.settings.filter.as_deref().map(Filter::new),
            mapper: Mapper::new(webhook.settings.mapping.as_deref(), preset.as_deref(), field_types),
            preset,
            actions: Actions::compile(&webhook.settings.actions, &secrets.call_headers, field_types),
            tokens: Ready::new(&secrets.token, hash),
            api_keys: Ready::new(&secrets.api_key, hash),
            keys: Ready::new(&secrets.signing, |secret| SigningKey::new(secret).ok()),
            scheme_keys: Ready::new(&secrets.signing, scheme_key),
            scheme,
            webhook,
            secrets,
        }
    }
}

/// Where the secrets of a webhook's sender stand in what it posts, beside what the user redacts.
fn secrets_of(
    settings: &IncomingSettings,
    preset: Option<&Preset>,
    scheme: Option<&Scheme>,
) -> (Vec<RedactPath>, Vec<HeaderName>) {
    let mut paths = settings.redact.clone();
    paths.extend(preset.iter().flat_map(|preset| preset.redact.clone()));
    let mut headers = Vec::new();
    // What other schemes carry proves one message only.
    let sends_secret = |scheme: &&Scheme| matches!(scheme.algorithm, Algorithm::Token | Algorithm::Basic);
    for source in scheme.filter(sends_secret).into_iter().flat_map(|scheme| &scheme.signature.from) {
        match source {
            Source::Header(name) => headers.push(name.clone()),
            Source::Body(path) => paths.push(RedactPath::of_steps(path.steps())),
            Source::Form(name) => {
                paths.push(RedactPath::of_steps(name.split('[').map(|step| step.trim_end_matches(']'))));
            }
            // The log keeps no URL.
            Source::Query(_) => {}
        }
    }
    (paths, headers)
}

/// Whether any text that is worked out has one of these words: a name in it or a text, which costs little.
fn asks_beside(settings: &IncomingSettings) -> bool {
    let asks = |text: &str| text.contains("event") || text.contains("headers");
    let of_actions = || serde_json::to_string(&settings.actions).is_ok_and(|text| asks(&text));
    settings.filter.as_deref().is_some_and(asks) || of_actions()
}

fn scheme(settings: &SignatureSettings, preset: Option<&Preset>) -> Option<Scheme> {
    match settings.scheme {
        SignatureScheme::Preset => preset?.scheme.clone(),
        // Saving checks it, so only a changed database has one that can't be read.
        SignatureScheme::Custom => Scheme::deserialize(settings.custom.as_ref()?).ok(),
        _ => None,
    }
}

impl Outgoing {
    /// Prepares one.
    pub fn new(webhook: OutgoingWebhook, secrets: OutgoingSecrets) -> Self {
        let rendering = Rendering::compile(&webhook.settings).map_err(|faults| {
            let first = faults.into_iter().next();
            first.map_or_else(String::new, |fault| format!("{}: {}", fault.field, fault.message))
        });
        Self {
            rendering,
            signing: Signing::new(&webhook.settings.signing, &secrets),
            tls: webhook.settings.tls.as_ref().map(|tls| tls_options(tls, secrets.client_key.as_ref())),
            schedule: Schedule::new(webhook.settings.retry.schedule_seconds.clone()).unwrap_or_default(),
            webhook,
            secrets,
        }
    }
}

/// What the settings and the key that is kept apart from them make together.
pub fn tls_options(settings: &TlsSettings, client_key: Option<&Secret>) -> TlsOptions {
    TlsOptions {
        client_certificate: settings.client_certificate.clone(),
        client_key: client_key.map(|key| key.expose().to_owned()),
        ca: settings.ca.clone(),
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
