//! An incoming webhook: who may post to it, and what is done with what is posted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::action::MAX_ACTIONS;
use crate::event::EventType;
use crate::event_path::EventPath;
use crate::id::WebhookId;
use crate::log::{FieldError, named_enum};
use crate::mapping::{Path, Rule};
use crate::network::Network;
use crate::redact::RedactPath;
use crate::step::Step;
use crate::text;
use crate::time::Timestamp;

/// The most networks that may post to one webhook: senders with many addresses publish some dozens of networks.
pub const MAX_NETWORKS: usize = 200;
/// The most texts of one payload that are parsed as JSON: senders that do so have one or two.
pub const MAX_PARSE_JSON: usize = 20;
/// The most characters of a description.
pub const MAX_DESCRIPTION_CHARS: usize = 5_000;

named_enum!(
    /// Whether a webhook works.
    #[derive(Default)]
    WebhookStatus {
        /// It does.
        #[default]
        Active = "active",
        /// It waits: what comes in is stored, and acted upon or sent when it is active again.
        Paused = "paused",
        /// It does not: an incoming one answers 410, an outgoing one gets no deliveries.
        Inactive = "inactive",
    }
);

/// The most requests that a limit names.
pub const MAX_RATE: u32 = 1_000_000;
/// The longest time of a limit, in seconds: a day.
pub const MAX_RATE_SECONDS: u32 = 86_400;

/// So many requests in so much time; all of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000, example = 100)]
    pub requests: u32,
    /// In how many seconds.
    #[schema(minimum = 1, maximum = 86_400, example = 1)]
    pub per_seconds: u32,
}

impl RateLimit {
    /// What is wrong with the member of this name.
    pub fn faults(&self, name: &str) -> Vec<FieldError> {
        let members =
            [("requests", self.requests, MAX_RATE), ("per_seconds", self.per_seconds, MAX_RATE_SECONDS)];
        let is_wrong = |(_, value, most): &(&str, u32, u32)| !(1..=*most).contains(value);
        let fault = |(member, _, most): (&str, u32, u32)| FieldError {
            field: format!("{name}.{member}"),
            message: format!("must be 1 to {most}"),
        };
        members.into_iter().filter(is_wrong).map(fault).collect()
    }
}

/// The longest time for which a request is recognised, in seconds: 30 days.
pub const MAX_DEDUPE_SECONDS: u32 = 30 * 86_400;

/// By what a request is recognised that comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dedupe {
    /// Where the payload names the request or, if it is an array, where each record has its name: one that came before is passed
    /// over. Without a value there, what the preset knows and the headers `webhook-id` and `Idempotency-Key` count.
    #[schema(example = "data.event_id")]
    pub key: Path,
    /// For how long, in seconds: as long as senders retry, which is a day for most.
    #[serde(default = "default_dedupe_seconds")]
    #[schema(minimum = 1, maximum = 2_592_000, default = 86_400)]
    pub window_seconds: u32,
}

fn default_dedupe_seconds() -> u32 {
    86_400
}

/// The most days that a webhook's log is kept by its own setting.
pub const MAX_RETENTION_DAYS: u32 = 3_650;
/// The most values that a webhook keeps out of its log.
pub const MAX_REDACTIONS: usize = 100;

/// How much of a log is kept; what is not done yet is kept in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogRetention {
    /// Entries of so many days.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    pub days: Option<u32>,
    /// So many entries, the newest.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub entries: Option<u32>,
}

impl LogRetention {
    /// What is wrong with it, beyond what its type says.
    pub fn check(self) -> Option<FieldError> {
        let fault = |field: &str, message: String| {
            Some(FieldError { field: format!("log_retention.{field}"), message })
        };
        match self {
            Self { days: Some(days), .. } if !(1..=MAX_RETENTION_DAYS).contains(&days) => {
                fault("days", format!("must be 1 to {MAX_RETENTION_DAYS}"))
            }
            Self { entries: Some(0), .. } => fault("entries", "must be at least 1".to_owned()),
            _ => None,
        }
    }
}

/// How requests are proved to come from the sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureScheme {
    /// By the token alone.
    #[default]
    None,
    /// A header `sha256=<hex HMAC-SHA256 of the raw body>`, keyed with the secret's text.
    HmacSha256,
    /// The Standard Webhooks specification.
    StandardWebhooks,
    /// No signature: HTTP Basic authentication. The secret is `user:password`, or a password for any user.
    Basic,
    /// As the preset says.
    Preset,
    /// As the webhook's own description says.
    Custom,
}

/// How requests are signed. The secret is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignatureSettings {
    /// The scheme.
    pub scheme: SignatureScheme,
    /// The header that carries the signature of `hmac_sha256`.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
    pub header: String,
    /// How old or how far ahead a signed timestamp may be, in seconds. The Standard Webhooks libraries use 300.
    #[schema(minimum = 1, maximum = 86400)]
    pub tolerance_seconds: u32,
    /// How the sender signs, for `custom`; what reads it knows its form.
    #[schema(value_type = Option<Object>)]
    pub custom: Option<serde_json::Value>,
    /// The Amazon SNS topic whose messages are taken.
    pub topic_arn: Option<String>,
}

impl Default for SignatureSettings {
    fn default() -> Self {
        Self {
            scheme: SignatureScheme::None,
            header: "X-Webhook-Signature".into(),
            tolerance_seconds: 300,
            custom: None,
            topic_arn: None,
        }
    }
}

/// When the sender gets its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Respond {
    /// 200, with the number of processed records.
    #[default]
    Processed,
    /// 202, as soon as the request is stored.
    Accepted,
}

/// What a sender is told whose request has no valid email where an action needs one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnprocessable {
    /// 422.
    #[default]
    Refuse,
    /// 202: some senders retry a 422 for hours.
    Accept,
}

/// What a user sets of an incoming webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncomingSettings {
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Signup form")]
    pub name: String,
    /// Notes.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub description: String,
    /// Whether it takes requests.
    #[serde(default)]
    pub status: WebhookStatus,
    /// The event it is for: a record that names another one is ignored. Capitals and punctuation don't count: `Order.Paid` is
    /// `order_paid`. Senders with a preset name events of their own, which are looked at only where `event_path` says so.
    pub event_type: EventType,
    /// The sender, if it is one that the program knows.
    #[serde(default)]
    pub preset: Option<String>,
    /// Whether a request must carry the API key as `X-API-Key`.
    #[serde(default)]
    pub require_api_key: bool,
    /// How requests are signed.
    #[serde(default)]
    pub signature: SignatureSettings,
    /// Who may post: addresses and networks. Empty means everyone.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub ip_allowlist: Vec<Network>,
    /// How often all senders together may post.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// How often each sender may post, by its address.
    #[serde(default)]
    pub sender_rate_limit: Option<RateLimit>,
    /// By what a request is recognised that comes again; without it, by the headers `webhook-id` and `Idempotency-Key`, for a
    /// day.
    #[serde(default)]
    pub dedupe: Option<Dedupe>,
    /// Texts of the payload that are JSON, to be parsed before anything else is looked at; one that is none stays a text.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub parse_json: Vec<Path>,
    /// Where the array of records stands; without it the payload is one record, or an array of them.
    #[serde(default)]
    pub records: Option<Path>,
    /// Where the name of the event stands; without it, in `event`, or where the preset says.
    #[serde(default)]
    pub event_path: Option<EventPath>,
    /// A condition on each record; those for which it does not hold are ignored. It sees `event`, the name of the event, and
    /// `headers` as well, unless the record has members of these names.
    #[serde(default)]
    pub filter: Option<String>,
    /// JavaScript, `function transform(payload, headers)`: what it returns is mapped instead of the payload.
    #[serde(default)]
    pub transform: Option<String>,
    /// From payload to subscriber; without it, a payload in the specification's own form maps itself.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub mapping: Option<Vec<Rule>>,
    /// What to do, in order.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub actions: Vec<Step>,
    /// Values of the payload that are not stored in clear. A request is acted upon with them; run again it is without them.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub redact: Vec<RedactPath>,
    /// How much of its log is kept, if that is less than of others.
    #[serde(default)]
    pub log_retention: Option<LogRetention>,
    /// When the sender gets its answer.
    #[serde(default)]
    pub respond: Respond,
    /// What a sender is told whose request has no valid email.
    #[serde(default)]
    pub on_unprocessable: OnUnprocessable,
}

impl IncomingSettings {
    /// Everything that is wrong with it, beyond what its types say.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: String, message: String| errors.push(FieldError { field, message });
        if let Err(error) = text::required_line(&self.name) {
            wrong("name".into(), error.to_string());
        }
        if self.description.chars().count() > MAX_DESCRIPTION_CHARS {
            wrong("description".into(), format!("must have at most {MAX_DESCRIPTION_CHARS} characters"));
        }
        if self.description.contains('\0') {
            wrong("description".into(), "must not contain null characters".into());
        }
        if !is_header_name(&self.signature.header) {
            wrong("signature.header".into(), "must be the name of an HTTP header".into());
        }
        if !(1..=86_400).contains(&self.signature.tolerance_seconds) {
            wrong("signature.tolerance_seconds".into(), "must be 1 to 86400 seconds".into());
        }
        for (name, limit) in [("rate_limit", self.rate_limit), ("sender_rate_limit", self.sender_rate_limit)]
        {
            for FieldError { field, message } in limit.iter().flat_map(|limit| limit.faults(name)) {
                wrong(field, message);
            }
        }
        if self
            .dedupe
            .as_ref()
            .is_some_and(|dedupe| !(1..=MAX_DEDUPE_SECONDS).contains(&dedupe.window_seconds))
        {
            wrong("dedupe.window_seconds".into(), format!("must be 1 to {MAX_DEDUPE_SECONDS}"));
        }
        if self.redact.len() > MAX_REDACTIONS {
            wrong("redact".into(), format!("must have at most {MAX_REDACTIONS} paths"));
        }
        if let Some(error) = self.log_retention.and_then(LogRetention::check) {
            errors.push(error);
        }
        let mut wrong = |field: String, message: String| errors.push(FieldError { field, message });
        if self.ip_allowlist.len() > MAX_NETWORKS {
            wrong("ip_allowlist".into(), format!("must have at most {MAX_NETWORKS} networks"));
        }
        if self.parse_json.len() > MAX_PARSE_JSON {
            wrong("parse_json".into(), format!("must have at most {MAX_PARSE_JSON} paths"));
        }
        if self.actions.len() > MAX_ACTIONS {
            wrong("actions".into(), format!("must have at most {MAX_ACTIONS} actions"));
        }
        for (index, step) in self.actions.iter().enumerate() {
            for (member, message) in step.action.check() {
                wrong(format!("actions.{index}.{member}"), message);
            }
        }
        errors
    }
}

/// Whether this is a field name of RFC 9110, section 5.1.
pub fn is_header_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=100).contains(&name.len()) && name.bytes().all(token)
}

/// An incoming webhook. Its secrets are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingWebhook {
    /// Unique.
    pub id: WebhookId,
    /// What a user sets.
    pub settings: IncomingSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
