//! How destinations do: those that are down steadily get a probe instead of the full stream, and what becomes of them is told.
//!
//! The rules are in [`delivery::Health`], and the table `webhook_health` says how it stands, the same to all nodes. It is
//! written with each batch of attempts ([`judge`]). In memory is only who gets nothing at this moment ([`Gate`]); [`watch`]
//! keeps that up to date, makes probes, and has told what is to be told, which [`settle`] decides.

mod letter;
mod settle;
pub(crate) mod watch;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use delivery::{Sign, Tried};
use domain::outgoing::OutgoingSettings;
use domain::{Timestamp, WebhookId};
use parking_lot::RwLock;
use store::health::HealthRow;
use store::record::AttemptRow;
use tokio::sync::Notify;

pub use letter::Alerts;

/// After how long nothing but failure deactivates a webhook, if nobody says otherwise, in seconds: the 5 days that the Standard
/// Webhooks specification suggests, so that an outage over a long weekend is survived.
pub const DISABLE_AFTER_SECONDS: u32 = 5 * 24 * 3_600;

/// What the operator sets of it.
#[derive(Clone, Debug)]
pub struct Operations {
    /// After how long nothing but failure deactivates a webhook that does not say so itself, in seconds; 0 for never.
    pub disable_after_seconds: u32,
    /// Who gets mails about it.
    pub alerts: Alerts,
}

impl Default for Operations {
    fn default() -> Self {
        Self { disable_after_seconds: DISABLE_AFTER_SECONDS, alerts: Alerts::default() }
    }
}

impl Operations {
    /// After how long nothing but failure deactivates a webhook, in milliseconds; `None` for never.
    pub fn disable_after(&self, settings: &OutgoingSettings) -> Option<i64> {
        let seconds = settings.disable_after_seconds.unwrap_or(self.disable_after_seconds);
        (seconds > 0).then(|| i64::from(seconds) * 1_000)
    }
}

/// What an attempt makes of how its destination does.
pub fn judge(row: &HealthRow, attempt: &AttemptRow) -> HealthRow {
    let started = attempt.attempted_at.millis();
    let ended = started.saturating_add(attempt.duration_ms);
    let Some(sign) = attempt.sign else {
        return HealthRow { health: row.health.clone().unprobed(started, ended), ..row.clone() };
    };
    let draw = attempt.delivery_id.draw(attempt.number);
    let not_before = attempt.not_before.map(Timestamp::millis);
    let health = row.health.after(Tried { started, ended, sign, not_before, draw });
    let webhook_id = row.webhook_id.clone();
    if sign == Sign::Works {
        return HealthRow { health, ..row.clone() };
    }
    HealthRow {
        webhook_id,
        health,
        last_http_status: attempt.http_status.map(i64::from),
        last_error_code: attempt.error_code.map(str::to_owned),
    }
}

/// Who gets nothing at this moment.
#[derive(Default)]
pub struct Gate {
    open: RwLock<HashSet<WebhookId>>,
    /// How many that are: most of the time none, and then nobody looks further.
    count: AtomicUsize,
    probes: AtomicUsize,
    /// Says that something has changed.
    pub(crate) changed: Notify,
    /// Says that a probe has ended.
    ended: Notify,
}

impl Gate {
    /// Whether deliveries of this webhook wait until its destination is well again.
    pub fn holds(&self, webhook_id: &WebhookId) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.open.read().contains(webhook_id)
    }

    /// Takes in what attempts have changed.
    pub(crate) fn learn(&self, rows: &[HealthRow]) {
        if rows.is_empty() {
            return;
        }
        let mut open = self.open.write();
        for row in rows {
            // One that closes lets go of what waits where it is noticed: by the watch.
            if row.health.is_open() {
                open.insert(row.webhook_id.clone());
            }
        }
        self.count.store(open.len(), Ordering::Release);
        drop(open);
        self.changed.notify_one();
    }

    /// Takes in how it stands, and tells who may go on.
    fn set(&self, rows: &[HealthRow]) -> Vec<WebhookId> {
        let now: HashSet<WebhookId> =
            rows.iter().filter(|row| row.health.is_open()).map(|row| row.webhook_id.clone()).collect();
        let mut open = self.open.write();
        let closed = open.difference(&now).cloned().collect();
        *open = now;
        self.count.store(open.len(), Ordering::Release);
        closed
    }

    /// Waits until no probe is under way.
    pub(crate) async fn idle(&self) {
        loop {
            let ended = self.ended.notified();
            if self.probes.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}
