//! Which entries of a log a recovery works on.

use domain::log::{DeliveryStatus, FieldError, RequestStatus};
use domain::network::Network;
use domain::{DeliveryId, HttpStatuses, RequestId, Timestamp, WebhookId};
use engine::UNDELIVERED;
use serde::Deserialize;
use store::LogFilter;
use store::deliveries::DeliveriesOf;
use store::requests::RequestsOf;
use utoipa::ToSchema;

use crate::extract::Input;
use crate::problem::Problem;

/// The most ids of one selection.
const MAX_IDS: usize = 1_000;
/// The most that may be started in a second.
const MAX_RATE: u32 = 10_000;
/// What has come to its end.
pub(super) const FINISHED: [DeliveryStatus; 3] =
    [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Cancelled];
/// What can be sent again: also what would be by itself, but later.
const REPEATABLE: [DeliveryStatus; 4] =
    [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Cancelled, DeliveryStatus::Retrying];
/// What can be cancelled.
const OPEN: [DeliveryStatus; 2] = [DeliveryStatus::Pending, DeliveryStatus::Retrying];
/// What can be run again.
const LET_IN: [RequestStatus; 5] = [
    RequestStatus::Processed,
    RequestStatus::Accepted,
    RequestStatus::Ignored,
    RequestStatus::Failed,
    RequestStatus::Retrying,
];

/// One status, or several.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged)]
enum OneOrMore<T> {
    /// One.
    One(T),
    /// Several.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// Which requests to run again: those of a filter, or those of these ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestSelection {
    /// Only those of these statuses; without it, those that failed.
    #[serde(default)]
    status: Option<OneOrMore<RequestStatus>>,
    /// Only those from this address, or this network.
    #[serde(default)]
    sender_ip: Option<Network>,
    /// Only those of this kind of event.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    event_type: Option<String>,
    /// Only those received then or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Only those received before; now if not given.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Only those that contain this text.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    q: Option<String>,
    /// These, whatever their status.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<RequestId>>,
    /// Also the actions that were done.
    #[serde(default)]
    pub(super) all: bool,
    /// The most to start in a second.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub(super) per_second: Option<u32>,
    /// Only to say how many it would be.
    #[serde(default)]
    pub(super) dry_run: bool,
}

impl Input for RequestSelection {
    fn check(&self) -> Vec<FieldError> {
        let has_filter = self.status.is_some()
            || self.sender_ip.is_some()
            || self.event_type.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.q.is_some();
        let mut errors = check(self.ids.as_ref().map(Vec::len), has_filter, self.per_second);
        let statuses = self.status.clone().map(OneOrMore::into_vec).unwrap_or_default();
        if statuses.contains(&RequestStatus::Rejected) {
            errors.push(fault("status", "what was rejected can't be run"));
        }
        errors
    }
}

impl RequestSelection {
    pub(super) fn log(self, webhook_id: WebhookId, now: Timestamp) -> RequestsOf {
        let statuses = match &self.ids {
            Some(_) => LET_IN.to_vec(),
            None => self.status.map_or_else(|| vec![RequestStatus::Failed], OneOrMore::into_vec),
        };
        let filter = LogFilter {
            statuses,
            event_type: self.event_type,
            since: self.since,
            until: Some(self.until.unwrap_or(now)),
            contains: self.q,
            ids: self.ids,
        };
        RequestsOf { webhook_id, filter, sender: self.sender_ip, done: false }
    }
}

/// Which deliveries: those of a filter, or those of these ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliverySelection {
    /// Only those of these statuses. Without it, to be sent again: those that failed, and those that were cancelled because
    /// the webhook was deactivated (`retrying` has those tried now that wait for their next try); to be cancelled: those that are
    /// not finished.
    #[serde(default)]
    status: Option<OneOrMore<DeliveryStatus>>,
    /// Only those of this kind of event.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    event_type: Option<String>,
    /// Only those made then or later.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Only those made before; now if not given.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Only those that contain this text.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    q: Option<String>,
    /// Only those with an attempt that was answered so: `503` or `5xx`.
    #[serde(default)]
    #[schema(max_items = 20)]
    http_status: Vec<HttpStatuses>,
    /// Only those with an attempt that failed for this reason.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64, example = "timeout")]
    error_code: Option<String>,
    /// These.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<DeliveryId>>,
    /// The most to send in a second; as fast as the destination takes them if not given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub(super) per_second: Option<u32>,
    /// Only to say how many it would be.
    #[serde(default)]
    pub(super) dry_run: bool,
}

impl Input for DeliverySelection {
    fn check(&self) -> Vec<FieldError> {
        let has_filter = self.status.is_some()
            || self.event_type.is_some()
            || self.since.is_some()
            || self.until.is_some()
            || self.q.is_some()
            || !self.http_status.is_empty()
            || self.error_code.is_some();
        check(self.ids.as_ref().map(Vec::len), has_filter, self.per_second)
    }
}

impl DeliverySelection {
    /// Those to be sent again, or those to be cancelled.
    pub(super) fn log(
        self,
        webhook_id: WebhookId,
        now: Timestamp,
        again: bool,
    ) -> Result<DeliveriesOf, Problem> {
        let (possible, default, message) = match again {
            true => (
                &REPEATABLE[..],
                UNDELIVERED.to_vec(),
                "what is pending is sent by itself as soon as it can be",
            ),
            false => (&OPEN[..], OPEN.to_vec(), "only what is not finished can be cancelled"),
        };
        let undelivered = again && self.ids.is_none() && self.status.is_none();
        let statuses = match (&self.ids, self.status) {
            (Some(_), _) => possible.to_vec(),
            (None, Some(statuses)) => statuses.into_vec(),
            (None, None) => default,
        };
        if statuses.iter().any(|status| !possible.contains(status)) {
            return Err(Problem::field("status", message));
        }
        let finished = match again {
            true => (!statuses.contains(&DeliveryStatus::Retrying)).then_some(true),
            false => Some(false),
        };
        let filter = LogFilter {
            statuses,
            event_type: self.event_type,
            since: self.since,
            until: Some(self.until.unwrap_or(now)),
            contains: self.q,
            ids: self.ids,
        };
        Ok(DeliveriesOf {
            http_statuses: self.http_status,
            error_code: self.error_code,
            undelivered,
            ..deliveries(webhook_id, filter, finished)
        })
    }
}

/// What recoveries work on.
pub(super) fn deliveries(
    webhook_id: WebhookId,
    filter: LogFilter<DeliveryId, DeliveryStatus>,
    finished: Option<bool>,
) -> DeliveriesOf {
    let (http_statuses, error_code) = (Vec::new(), None);
    // What was sent to try a webhook is not sent again.
    DeliveriesOf {
        webhook_id,
        filter,
        test: Some(false),
        http_statuses,
        error_code,
        finished,
        undelivered: false,
    }
}

fn check(ids: Option<usize>, has_filter: bool, per_second: Option<u32>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if ids.is_some() && has_filter {
        errors.push(fault("ids", "can't be beside a filter"));
    }
    if ids.is_some_and(|ids| !(1..=MAX_IDS).contains(&ids)) {
        errors.push(fault("ids", "must be 1 to 1,000 ids"));
    }
    if per_second.is_some_and(|rate| !(1..=MAX_RATE).contains(&rate)) {
        errors.push(fault("per_second", "must be 1 to 10,000"));
    }
    errors
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}
