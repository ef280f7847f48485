//! An outgoing webhook: which events go where, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::action::MAX_NAMES;
use crate::event::EventPattern;
use crate::id::{ListId, WebhookId};
use crate::incoming::{
    LogRetention, MAX_DESCRIPTION_CHARS, MAX_REDACTIONS, RateLimit, WebhookStatus, is_header_name,
};
use crate::log::FieldError;
use crate::redact::RedactPath;
use crate::text;
use crate::time::Timestamp;

mod retry;

pub use retry::{EXTENDED_SECONDS, RetrySchedule, RetrySettings};

/// The most headers of one webhook's own.
pub const MAX_HEADERS: usize = 50;
/// The most bytes of a URL: what common servers take.
pub const MAX_URL_BYTES: usize = 2_048;
/// The most retries of one schedule: as many as `delivery` takes.
pub const MAX_RETRIES: usize = 18;
/// The longest time from the first attempt to the last: a week.
pub const MAX_RETRY_SECONDS: u32 = 7 * 24 * 3_600;
/// The longest time for a connection to be there, and the default: as `outbound` does it for everyone.
pub const MAX_CONNECT_TIMEOUT_SECONDS: u32 = 10;
/// The longest time of nothing but failure before a webhook is deactivated: a year. Longer is never.
pub const MAX_DISABLE_AFTER_SECONDS: u32 = 365 * 24 * 3_600;
/// The most event types of one webhook.
pub const MAX_EVENTS: usize = 200;

/// The method of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// What webhooks use.
    #[default]
    Post,
    /// For interfaces that upsert.
    Put,
    /// For interfaces that update.
    Patch,
}

/// How deliveries are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SigningScheme {
    /// `X-Webhook-Signature: sha256=<hex>`.
    XWebhookSignature,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` of the Standard Webhooks specification.
    StandardWebhooks,
    /// The same headers with an asymmetric signature (`v1a`), which receivers verify with the webhook's public key.
    Ed25519,
    /// As `custom` says: for receivers that expect the signatures of another system.
    Custom,
}

/// How deliveries are signed. The secrets are kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSettings {
    /// The schemes, all at once.
    #[schema(max_items = 4)]
    pub schemes: Vec<SigningScheme>,
    /// What `custom` is; what reads it knows its form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub custom: Option<Value>,
}

impl Default for SigningSettings {
    fn default() -> Self {
        Self {
            schemes: vec![SigningScheme::XWebhookSignature, SigningScheme::StandardWebhooks],
            custom: None,
        }
    }
}

/// The most bytes of certificates as PEM: a bundle of some dozen.
pub const MAX_PEM_BYTES: usize = 32 * 1_024;

/// How TLS is spoken with a destination. The private key is kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The certificate that deliveries show, with its chain behind it, as PEM.
    pub client_certificate: Option<String>,
    /// Certificates of authorities that this destination is trusted with, besides those that everybody trusts, as PEM.
    pub ca: Option<String>,
}

/// How the body of a delivery is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// `application/json`.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`; members nest by brackets.
    Form,
    /// `application/xml`: the payload is a text, in which values of placeholders are escaped.
    Xml,
    /// `text/plain`: the payload is a text.
    Text,
}

impl BodyFormat {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// In which order deliveries are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// The oldest first, several at once; what failed comes later.
    #[default]
    None,
    /// Of each subscriber one after the other: what failed holds back this subscriber's later ones, and nobody else's.
    Subscriber,
}

/// What a user sets of an outgoing webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutgoingSettings {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "HubSpot")]
    pub name: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub description: String,
    /// Where deliveries go: `https`, or `http`.
    #[schema(format = "uri", min_length = 1, max_length = 2048, example = "https://example.com/hook")]
    pub url: String,
    /// The method of a delivery.
    #[serde(default)]
    pub method: Method,
    /// The events that are sent.
    #[schema(min_items = 1, max_items = 200)]
    pub events: Vec<EventPattern>,
    /// A condition on events of these kinds; those for which it does not hold are not sent.
    #[serde(default)]
    pub filter: Option<String>,
    /// Only events about subscribers who are on one of these lists; all if empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub lists: Vec<ListId>,
    /// Only events about subscribers who have one of these tags; all if empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub tags: Vec<String>,
    /// Whether it gets deliveries.
    #[serde(default)]
    pub status: WebhookStatus,
    /// What is sent: a template; without one, the envelope of the event.
    #[serde(default)]
    pub payload: Option<Value>,
    /// How it is written.
    #[serde(default)]
    pub format: BodyFormat,
    /// JavaScript, `function transform(event, request)`: it may change what is sent, or cancel the delivery.
    #[serde(default)]
    pub transform: Option<String>,
    /// More headers. Those that the program sets itself can't be set here.
    #[serde(default)]
    #[schema(example = json!({"X-Env": "prod"}))]
    pub headers: BTreeMap<String, String>,
    /// How deliveries are signed.
    #[serde(default)]
    pub signing: SigningSettings,
    /// How TLS is spoken with the destination, if not as with all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub tls: Option<TlsSettings>,
    /// When a delivery that failed is tried again.
    #[serde(default)]
    pub retry: RetrySettings,
    /// How long one attempt may take, answer included, in seconds.
    #[serde(default = "default_timeout")]
    #[schema(minimum = 1, maximum = 30)]
    pub timeout_seconds: u32,
    /// How long a connection may take to be there, in seconds: look-up, TCP and TLS.
    #[serde(default = "default_connect_timeout")]
    #[schema(minimum = 1, maximum = 10)]
    pub connect_timeout_seconds: u32,
    /// Whether bodies are sent compressed.
    #[serde(default)]
    pub gzip: bool,
    /// Whether an answer must be JSON to count as success.
    #[serde(default)]
    pub expect_json: bool,
    /// How many deliveries may be under way at once.
    #[serde(default = "default_concurrency")]
    #[schema(minimum = 1, maximum = 64)]
    pub concurrency: u32,
    /// How many deliveries may be sent in a time, by all nodes together.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// In which order deliveries are made.
    #[serde(default)]
    pub ordering: Ordering,
    /// After how long nothing but failure deactivates it, in seconds: 0 for never, as the server does it if not given.
    #[serde(default)]
    #[schema(maximum = 31_536_000)]
    pub disable_after_seconds: Option<u32>,
    /// Values of what is sent that its log does not show: names and positions in the body as it is sent.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub redact: Vec<RedactPath>,
    /// How much of its log is kept, if that is less than of others.
    #[serde(default)]
    pub log_retention: Option<LogRetention>,
}

fn default_timeout() -> u32 {
    30
}

fn default_connect_timeout() -> u32 {
    MAX_CONNECT_TIMEOUT_SECONDS
}

fn default_concurrency() -> u32 {
    16
}

/// Headers that the program or the protocol sets: a user's would break the delivery or forge a signature.
const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-webhook-event",
    "x-webhook-id",
    "x-webhook-signature",
    "x-webhook-timestamp",
];

impl OutgoingSettings {
    /// Everything that is wrong with it, beyond what its types say. Whether the URL may be called is for `outbound` to say.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong =
            |field: &str, message: String| errors.push(FieldError { field: field.into(), message });
        if let Err(error) = text::required_line(&self.name) {
            wrong("name", error.to_string());
        }
        if self.description.chars().count() > MAX_DESCRIPTION_CHARS {
            wrong("description", format!("must have at most {MAX_DESCRIPTION_CHARS} characters"));
        }
        if self.description.contains('\0') {
            wrong("description", "must not contain null characters".into());
        }
        if self.url.len() > MAX_URL_BYTES {
            wrong("url", format!("must have at most {MAX_URL_BYTES} bytes"));
        }
        if self.events.is_empty() || self.events.len() > MAX_EVENTS {
            wrong("events", format!("must name 1 to {MAX_EVENTS} event types"));
        }
        if self.lists.len() > MAX_NAMES || self.tags.len() > MAX_NAMES {
            wrong("lists", format!("must be at most {MAX_NAMES} lists, and as many tags"));
        }
        let is_text = matches!(self.format, BodyFormat::Xml | BodyFormat::Text);
        match &self.payload {
            None if self.format != BodyFormat::Json => {
                wrong("payload", "is required for a format that is not json".into());
            }
            Some(payload) if is_text && !payload.is_string() => {
                wrong("payload", "must be a text in this format".into());
            }
            Some(payload) if self.format == BodyFormat::Form && !payload.is_object() => {
                wrong("payload", "must be an object in this format".into());
            }
            _ => {}
        }
        if self.headers.len() > MAX_HEADERS {
            wrong("headers", format!("must have at most {MAX_HEADERS} headers"));
        }
        for (name, value) in &self.headers {
            if let Some(message) = header_fault(name, value) {
                wrong(&format!("headers.{name}"), message.into());
            }
        }
        let schedule = &self.retry.schedule_seconds;
        let grows = schedule.windows(2).all(|pair| pair[0] < pair[1]) && schedule.first() != Some(&0);
        if !grows
            || schedule.len() > MAX_RETRIES
            || schedule.last().is_some_and(|last| *last > MAX_RETRY_SECONDS)
        {
            let message = format!(
                "must be at most {MAX_RETRIES} growing numbers of seconds from 1 to {MAX_RETRY_SECONDS}"
            );
            wrong("retry.schedule_seconds", message);
        }
        if !(1..=30).contains(&self.timeout_seconds) {
            wrong("timeout_seconds", "must be 1 to 30 seconds".into());
        }
        if !(1..=MAX_CONNECT_TIMEOUT_SECONDS).contains(&self.connect_timeout_seconds) {
            wrong("connect_timeout_seconds", format!("must be 1 to {MAX_CONNECT_TIMEOUT_SECONDS} seconds"));
        }
        if !(1..=64).contains(&self.concurrency) {
            wrong("concurrency", "must be 1 to 64".into());
        }
        for FieldError { field, message } in
            self.rate_limit.iter().flat_map(|limit| limit.faults("rate_limit"))
        {
            wrong(&field, message);
        }
        if self.disable_after_seconds.is_some_and(|seconds| seconds > MAX_DISABLE_AFTER_SECONDS) {
            wrong("disable_after_seconds", format!("must be at most {MAX_DISABLE_AFTER_SECONDS} seconds"));
        }
        if self.redact.len() > MAX_REDACTIONS {
            wrong("redact", format!("must have at most {MAX_REDACTIONS} paths"));
        }
        errors.extend(self.log_retention.and_then(LogRetention::check));
        errors
    }
}

/// Why a header can't be one of the user's, if it can't.
pub fn header_fault(name: &str, value: &str) -> Option<&'static str> {
    if !is_header_name(name) {
        return Some("is not the name of an HTTP header");
    }
    if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Some("is set by the program itself");
    }
    let visible = |b: u8| (0x20..=0x7e).contains(&b);
    (!value.bytes().all(visible) || value.len() > 4_096)
        .then_some("must be at most 4096 visible ASCII characters")
}

/// An outgoing webhook. Its secrets are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingWebhook {
    /// Unique.
    pub id: WebhookId,
    /// What a user sets.
    pub settings: OutgoingSettings,
    /// Why the program deactivated it, if it did.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: serde_json::Value) -> OutgoingSettings {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn defaults_are_the_contracts() {
        let settings = settings(
            serde_json::json!({"name": "a", "url": "https://example.com/", "events": ["subscriber_added"]}),
        );
        assert_eq!(settings.retry.schedule_seconds, [300, 1800, 7200]);
        assert_eq!((settings.timeout_seconds, settings.concurrency, settings.expect_json), (30, 16, false));
        assert_eq!(settings.signing.schemes.len(), 2);
        assert_eq!(settings.check(), []);
    }

    #[test]
    fn every_fault_is_named() {
        let settings = settings(serde_json::json!({
            "name": " ", "url": format!("https://example.com/{}", "a".repeat(3000)), "events": [], "timeout_seconds": 31, "connect_timeout_seconds": 11, "concurrency": 0,
            "headers": {"X A": "1", "Host": "x", "X-Ok": "fine", "X-Bad": "a\r\nb"}, "retry": {"schedule_seconds": [5, 5]},
        }));
        let fields: Vec<String> = settings.check().into_iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "url",
                "events",
                "headers.Host",
                "headers.X A",
                "headers.X-Bad",
                "retry.schedule_seconds",
                "timeout_seconds",
                "connect_timeout_seconds",
                "concurrency"
            ]
        );
    }
}
