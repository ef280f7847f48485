//! How the destination of an outgoing webhook does.

use std::collections::HashMap;

use delivery::Circuit;
use domain::incoming::WebhookStatus;
use domain::{OutgoingWebhook, Timestamp, WebhookId};
use serde::Serialize;
use store::health::HealthRow;
use utoipa::ToSchema;

use crate::Api;
use crate::problem::Problem;

/// How a destination does, in a word.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HealthState {
    /// It takes deliveries, as far as is known.
    Healthy,
    /// Nothing has arrived for a while: every attempt failed.
    Failing,
    /// It can't be reached, or can't do its work: deliveries wait, and it is probed with one at a time.
    Open,
    /// The program has deactivated the webhook.
    Disabled,
}

/// How the destination of an outgoing webhook does.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookHealth)]
pub(super) struct HealthView {
    /// In a word.
    state: HealthState,
    /// Since when every attempt has failed; `null` if the last one did not.
    #[schema(required = true)]
    failing_since: Option<Timestamp>,
    /// How many attempts in a row have failed.
    failed_attempts: u32,
    /// The status that the last of them was answered with; `null` if there was none.
    #[schema(required = true)]
    last_http_status: Option<i64>,
    /// Why the last of them failed, as a stable code.
    #[schema(required = true)]
    last_error_code: Option<String>,
    /// When a delivery is sent as a probe; `null` if that is not needed, or as soon as one is due.
    #[schema(required = true)]
    next_probe_at: Option<Timestamp>,
    /// When the webhook is deactivated if nothing arrives until then; `null` if it is not.
    #[schema(required = true)]
    disabled_at_the_earliest: Option<Timestamp>,
    /// Why the program deactivated the webhook; `null` if it did not.
    #[schema(required = true)]
    disabled_reason: Option<String>,
}

impl HealthView {
    /// Of a webhook, by its row, if it has one.
    pub(super) fn new(
        webhook: &OutgoingWebhook,
        row: Option<&HealthRow>,
        disable_after: Option<i64>,
        now: Timestamp,
    ) -> Self {
        let disabled_reason =
            webhook.disabled_reason.clone().filter(|_| webhook.settings.status == WebhookStatus::Inactive);
        let row = row.filter(|row| row.health.recovered_at.is_none());
        let health = row.map(|row| row.health.clone()).unwrap_or_default();
        let state = match (&disabled_reason, health.circuit()) {
            (Some(_), _) => HealthState::Disabled,
            (None, Circuit::Open | Circuit::HalfOpen) => HealthState::Open,
            (None, Circuit::Closed) if health.is_failing() => HealthState::Failing,
            (None, Circuit::Closed) => HealthState::Healthy,
        };
        let disabled_at = health.failing_since.zip(disable_after).map(|(since, after)| since + after);
        let probe_at = health.probe_at.filter(|at| health.circuit() == Circuit::Open && *at > now.millis());
        Self {
            state,
            failing_since: health.failing_since.map(Timestamp::from_millis),
            failed_attempts: health.failures,
            last_http_status: row.and_then(|row| row.last_http_status),
            last_error_code: row.and_then(|row| row.last_error_code.clone()),
            next_probe_at: probe_at.map(Timestamp::from_millis),
            disabled_at_the_earliest: disabled_at.map(Timestamp::from_millis),
            disabled_reason,
        }
    }
}

/// How destinations do, by webhook.
pub(super) struct Healths(HashMap<WebhookId, HealthRow>);

impl Healths {
    /// Of nobody: of webhooks that have sent nothing yet.
    pub(super) fn none() -> Self {
        Self(HashMap::new())
    }

    /// Of these webhooks.
    pub(super) async fn of(api: &Api, webhooks: Vec<WebhookId>) -> Result<Self, Problem> {
        Ok(Self::from_rows(api.engine().health(webhooks).await?))
    }

    pub(super) fn from_rows(rows: Vec<HealthRow>) -> Self {
        Self(rows.into_iter().map(|row| (row.webhook_id.clone(), row)).collect())
    }

    /// If a destination is down and gets probes only: when it is probed next, `None` for as soon as something is due.
    pub(super) fn probed_at(&self, webhook_id: &WebhookId) -> Option<Option<Timestamp>> {
        let health = &self.0.get(webhook_id)?.health;
        health.is_open().then(|| health.probe_at.map(Timestamp::from_millis))
    }

    /// How that of a webhook does.
    pub(super) fn view(&self, api: &Api, webhook: &OutgoingWebhook) -> HealthView {
        let disable_after = api.engine().operations().disable_after(&webhook.settings);
        HealthView::new(webhook, self.0.get(&webhook.id), disable_after, api.engine().now())
    }
}
