//! How destinations do: a row for each that does not do well, kept up to date in the transaction that records attempts, so
//! that all nodes see the same. What follows from an attempt is the caller's to say ([`Judge`]).

use std::collections::HashMap;

use delivery::Health;
use domain::{OutgoingWebhook, WebhookId};

use crate::error::StoreError;
use crate::params;
use crate::queue::{Claim, DueDelivery};
use crate::record::AttemptRow;
use crate::tx::{Row, Rows, Tx, Value, Work};
use crate::webhooks::{bump_from, json};

/// How the destination of a webhook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthRow {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// How it does.
    pub health: Health,
    /// The status that the last attempt was answered with that failed, if it was.
    pub last_http_status: Option<i64>,
    /// Why that failed, as a stable code.
    pub last_error_code: Option<String>,
}

impl HealthRow {
    /// Of a webhook that does well.
    pub fn well(webhook_id: WebhookId) -> Self {
        Self { webhook_id, health: Health::default(), last_http_status: None, last_error_code: None }
    }
}

/// What an attempt makes of it.
pub type Judge = fn(&HealthRow, &AttemptRow) -> HealthRow;

/// A webhook that is deactivated, as it is then.
#[derive(Clone, Debug)]
pub struct Disabled {
    /// The configuration that this was decided by.
    pub version: i64,
    /// The webhook.
    pub webhook: OutgoingWebhook,
}

const COLUMNS: &str = "webhook_id, failing_since, failures, last_failure_at, last_http_status, last_error_code, down_since, \
                       down, opened_at, probes, probe_at, probing_since, warned_at, recovered_at, is_gone";

/// The rows of these webhooks, or all there are: those of webhooks that do not do well.
pub struct LoadHealth {
    /// The webhooks.
    pub webhooks: Option<Vec<WebhookId>>,
}

impl Work for LoadHealth {
    type Output = Vec<HealthRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<HealthRow>, StoreError> {
        let rows = match &self.webhooks {
            Some(webhooks) => {
                let sql = format!("SELECT {COLUMNS} FROM webhook_health WHERE webhook_id IN ?1");
                let ids = webhooks.iter().map(|id| id.as_str().to_owned()).collect();
                tx.query(&sql, vec![Value::Texts(ids)]).await?
            }
            None => tx.query(&format!("SELECT {COLUMNS} FROM webhook_health"), vec![]).await?,
        };
        rows.into_iter().map(read).collect()
    }
}

/// Leases the delivery that is due the longest as a probe, if nobody else does: over all nodes there is one at a time.
pub struct ClaimProbe {
    /// The webhook's row as it was seen.
    pub seen: HealthRow,
    /// As it is while the probe is under way.
    pub probing: Health,
    /// What leases the delivery.
    pub claim: Claim,
}

impl Work for ClaimProbe {
    type Output = Option<DueDelivery>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<DueDelivery>, StoreError> {
        let found = lock(tx, std::slice::from_ref(&self.seen.webhook_id)).await?;
        if found.get(&self.seen.webhook_id).map(|row| &row.health) != Some(&self.seen.health) {
            return Ok(None);
        }
        let Some(delivery) = self.claim.run(tx).await?.pop() else { return Ok(None) };
        write(tx, &[HealthRow { health: self.probing.clone(), ..self.seen.clone() }]).await?;
        Ok(Some(delivery))
    }
}

/// Counts the deliveries that wait in the table for these webhooks, up to a number for each.
pub struct CountWaiting {
    /// The webhooks.
    pub webhooks: Vec<WebhookId>,
    /// The most to count of each.
    pub most: i64,
}

impl Work for CountWaiting {
    type Output = HashMap<WebhookId, i64>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<HashMap<WebhookId, i64>, StoreError> {
        const SQL: &str = "SELECT COUNT(*) FROM (SELECT id FROM deliveries WHERE webhook_id = ?1 AND due_at IS NOT NULL \
                           AND node IS NULL LIMIT ?2) AS waiting";
        let mut counts = HashMap::with_capacity(self.webhooks.len());
        for webhook_id in &self.webhooks {
            let rows = tx.query(SQL, params![webhook_id.as_str(), self.most]).await?;
            let count = rows.into_iter().next().map_or(Ok(0), |row| row.read().int())?;
            counts.insert(webhook_id.clone(), count);
        }
        Ok(counts)
    }
}

/// Has the destination probed as soon as something is due: there is reason to think that it is well again.
pub struct ProbeSoon {
    /// The webhook.
    pub webhook_id: WebhookId,
}

impl Work for ProbeSoon {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        probe_soon(tx, &self.webhook_id).await
    }
}

pub(crate) async fn probe_soon<T: Tx>(tx: &T, webhook_id: &WebhookId) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE webhook_health SET probe_at = 0, probes = 0 \
                       WHERE webhook_id = ?1 AND opened_at IS NOT NULL AND probing_since IS NULL";
    tx.execute(SQL, params![webhook_id.as_str()]).await.map(|_| ())
}

pub(crate) async fn forget<T: Tx>(tx: &T, webhook_id: &WebhookId) -> Result<(), StoreError> {
    let sql = "DELETE FROM webhook_health WHERE webhook_id = ?1";
    tx.execute(sql, params![webhook_id.as_str()]).await.map(|_| ())
}

/// What attempts make of the webhooks that they are of. Returns those that changed.
pub(crate) async fn judge<T: Tx>(
    tx: &T,
    attempts: &[AttemptRow],
    judge: Judge,
) -> Result<Vec<HealthRow>, StoreError> {
    let mut webhooks: Vec<WebhookId> = attempts.iter().map(|attempt| attempt.webhook_id.clone()).collect();
    webhooks.sort_unstable();
    webhooks.dedup();
    let mut found = lock(tx, &webhooks).await?;
    let mut changed = Vec::new();
    for webhook_id in webhooks {
        let before = found.remove(&webhook_id).unwrap_or_else(|| HealthRow::well(webhook_id.clone()));
        let mut after = before.clone();
        for attempt in attempts.iter().filter(|attempt| attempt.webhook_id == webhook_id) {
            after = judge(&after, attempt);
        }
        if after != before {
            changed.push(after);
        }
    }
    write(tx, &changed).await?;
    Ok(changed)
}

/// The rows of these webhooks, locked in one order for all nodes until the transaction ends.
pub(crate) async fn lock<T: Tx>(
    tx: &T,
    webhooks: &[WebhookId],
) -> Result<HashMap<WebhookId, HealthRow>, StoreError> {
    if webhooks.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM webhook_health WHERE webhook_id IN ?1 ORDER BY webhook_id /*pg: FOR UPDATE */"
    );
    let ids = webhooks.iter().map(|id| id.as_str().to_owned()).collect();
    let rows = tx.query(&sql, vec![Value::Texts(ids)]).await?;
    rows.into_iter().map(|row| read(row).map(|row| (row.webhook_id.clone(), row))).collect()
}

/// Writes rows; those of webhooks that do well are deleted.
pub(crate) async fn write<T: Tx>(tx: &T, rows: &[HealthRow]) -> Result<(), StoreError> {
    const UPSERT: &str = "INSERT INTO webhook_health (webhook_id, failing_since, failures, last_failure_at, last_http_status, \
                          last_error_code, down_since, down, opened_at, probes, probe_at, probing_since, warned_at, recovered_at, \
                          is_gone) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
                          ON CONFLICT (webhook_id) DO UPDATE SET failing_since = excluded.failing_since, \
                          failures = excluded.failures, last_failure_at = excluded.last_failure_at, \
                          last_http_status = excluded.last_http_status, last_error_code = excluded.last_error_code, \
                          down_since = excluded.down_since, down = excluded.down, opened_at = excluded.opened_at, \
                          probes = excluded.probes, probe_at = excluded.probe_at, probing_since = excluded.probing_since, \
                          warned_at = excluded.warned_at, recovered_at = excluded.recovered_at, is_gone = excluded.is_gone";
    let (well, ill): (Vec<&HealthRow>, Vec<&HealthRow>) = rows.iter().partition(|row| row.health.is_well());
    for row in well {
        forget(tx, &row.webhook_id).await?;
    }
    if ill.is_empty() {
        return Ok(());
    }
    let mut values = Rows::with_capacity(ill.len(), 15);
    for HealthRow { webhook_id, health, last_http_status, last_error_code } in ill {
        values.push([
            webhook_id.as_str().into(),
            health.failing_since.into(),
            i64::from(health.failures).into(),
            health.last_failure_at.into(),
            (*last_http_status).into(),
            last_error_code.as_deref().into(),
            health.down_since.into(),
            i64::from(health.down).into(),
            health.opened_at.into(),
            i64::from(health.probes).into(),
            health.probe_at.into(),
            health.probing_since.into(),
            health.warned_at.into(),
            health.recovered_at.into(),
            i64::from(health.is_gone).into(),
        ]);
    }
    tx.execute_many(UPSERT, values).await.map(|_| ())
}

fn read(row: Row) -> Result<HealthRow, StoreError> {
    let mut row = row.read();
    let webhook_id = row.parse("a webhook id")?;
    let failing_since = row.opt_int()?;
    let failures = count(row.int()?);
    let last_failure_at = row.opt_int()?;
    let last_http_status = row.opt_int()?;
    let last_error_code = row.opt_text()?;
    let health = Health {
        failing_since,
        failures,
        last_failure_at,
        down_since: row.opt_int()?,
        down: count(row.int()?),
        opened_at: row.opt_int()?,
        probes: count(row.int()?),
        probe_at: row.opt_int()?,
        probing_since: row.opt_int()?,
        warned_at: row.opt_int()?,
        recovered_at: row.opt_int()?,
        is_gone: row.int()? != 0,
    };
    Ok(HealthRow { webhook_id, health, last_http_status, last_error_code })
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Deactivates webhooks.
pub(crate) async fn disable<T: Tx>(tx: &T, disabled: &[Disabled]) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE outgoing_webhooks SET settings = ?2, disabled_reason = ?3, updated_at = ?4, config_version = ?5 \
                       WHERE id = ?1";
    let Some(first) = disabled.first() else { return Ok(()) };
    // All of a batch are decided by one configuration.
    let version = bump_from(tx, first.version).await?;
    for Disabled { webhook, .. } in disabled {
        let OutgoingWebhook { id, settings, disabled_reason, updated_at, .. } = webhook;
        let (settings, reason) = (json(settings)?, disabled_reason.as_deref());
        tx.execute(SQL, params![id.as_str(), settings, reason, *updated_at, version]).await?;
    }
    Ok(())
}
