//! Statistics of an outgoing webhook, from what was counted as attempts were recorded.

use std::collections::BTreeMap;

use domain::log::DeliveryStatus;
use domain::{Timestamp, WebhookId};
use futures_util::try_join;

use crate::error::StoreError;
use crate::params;
use crate::record::{Answers, class_duration_ms};
use crate::tx::{Columns, Row, Tx, Value, Work};

const MINUTE_MS: i64 = 60_000;

/// The time that statistics are about: so many periods, the current one being the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The length of a period in minutes; periods begin at multiples of it since the Unix epoch.
    pub period_minutes: i64,
    /// How many.
    pub periods: i64,
}

/// Counts of one webhook over a [`Window`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Deliveries that arrived.
    pub delivered: i64,
    /// Deliveries that were given up.
    pub failed: i64,
    /// Attempts after the first.
    pub retry_attempts: i64,
    /// Attempts.
    pub attempts: i64,
    /// How long all attempts took together, in milliseconds.
    pub duration_ms: i64,
    /// A duration that half of the attempts did not exceed, in milliseconds; `None` without attempts. At most 19 % off.
    pub p50_ms: Option<i64>,
    /// The same for 95 % of the attempts.
    pub p95_ms: Option<i64>,
    /// Attempts by what was answered.
    pub answers: Answers,
    /// Deliveries that wait for their first attempt, now.
    pub pending: i64,
    /// Deliveries that wait for another attempt, now.
    pub retrying: i64,
    /// The last attempt ever.
    pub last: Option<LastAttempt>,
    /// The periods, in order, also those without attempts.
    pub series: Vec<Period>,
}

/// The last attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAttempt {
    /// How its delivery stood then.
    pub status: DeliveryStatus,
    /// When it began.
    pub at: Timestamp,
    /// The status of the answer, if there was one.
    pub http_status: Option<i64>,
}

/// Counts of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// When it began.
    pub at: Timestamp,
    /// Deliveries that arrived.
    pub delivered: i64,
    /// Deliveries that were given up.
    pub failed: i64,
    /// Attempts.
    pub attempts: i64,
    /// How long all attempts took together, in milliseconds.
    pub duration_ms: i64,
    /// A duration that half of the attempts did not exceed, in milliseconds; `None` without attempts. At most 19 % off.
    pub p50_ms: Option<i64>,
    /// The same for 95 % of the attempts.
    pub p95_ms: Option<i64>,
    /// Attempts by what was answered.
    pub answers: Answers,
}

/// Counts of one webhook in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// Deliveries that arrived.
    pub delivered: i64,
    /// Deliveries that were given up.
    pub failed: i64,
    /// Attempts.
    pub attempts: i64,
    /// How long they took together, in milliseconds.
    pub duration_ms: i64,
}

/// Counts what became of the deliveries to these webhooks, by webhook and hour since the Unix epoch.
pub struct HourlyDeliveries {
    /// The webhooks.
    pub webhooks: Vec<WebhookId>,
    /// The first hour.
    pub since_hour: i64,
}

impl Work for HourlyDeliveries {
    type Output = BTreeMap<(WebhookId, i64), DeliveryCounts>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        const SQL: &str = "SELECT webhook_id, minute / 60, CAST(SUM(delivered) AS INTEGER), CAST(SUM(failed) AS INTEGER), \
               CAST(SUM(attempts) AS INTEGER), CAST(SUM(duration_ms) AS INTEGER) FROM delivery_stats WHERE webhook_id IN ?1 AND minute >= ?2 GROUP BY 1, 2";
        let ids = self.webhooks.iter().map(|id| id.as_str().to_owned()).collect();
        let read = |row: Row| {
            let mut row = row.read();
            let key = (row.parse("a webhook id")?, row.int()?);
            let (delivered, failed) = (row.int()?, row.int()?);
            let (attempts, duration_ms) = (row.int()?, row.int()?);
            Ok((key, DeliveryCounts { delivered, failed, attempts, duration_ms }))
        };
        let rows = tx.query(SQL, vec![Value::Texts(ids), (self.since_hour * 60).into()]).await?;
        rows.into_iter().map(read).collect()
    }
}

/// Finds the last attempt of each of these webhooks, if there was one.
pub struct LastAttempts {
    /// The webhooks.
    pub webhooks: Vec<WebhookId>,
}

impl Work for LastAttempts {
    type Output = BTreeMap<WebhookId, LastAttempt>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        // Of the last minute, and of that the last by class: a few rows of each webhook.
        const SQL: &str = "SELECT d.webhook_id, d.last_status, d.last_at, d.last_http_status FROM outgoing_webhooks w \
               JOIN delivery_stats d ON d.webhook_id = w.id \
                 AND d.minute = (SELECT MAX(minute) FROM delivery_stats m WHERE m.webhook_id = w.id) \
               WHERE w.id IN ?1 ORDER BY d.last_at";
        let ids = self.webhooks.iter().map(|id| id.as_str().to_owned()).collect();
        let read = |row: Row| {
            let mut row = row.read();
            Ok((row.parse("a webhook id")?, read_last(&mut row)?))
        };
        tx.query(SQL, vec![Value::Texts(ids)]).await?.into_iter().map(read).collect()
    }
}

/// Counts what became of the deliveries to a webhook.
pub struct DeliveryStats {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Over which time.
    pub window: Window,
    /// Now.
    pub now: Timestamp,
}

impl Work for DeliveryStats {
    type Output = Stats;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Stats, StoreError> {
        let (counted, open, last) = try_join!(self.counted(tx), self.open(tx), self.last(tx))?;
        let Counted { series, retry_attempts, classes } = counted;
        let sum = |count: fn(&Period) -> i64| series.iter().map(count).sum();
        let mut answers = Answers::default();
        series.iter().for_each(|period| answers += period.answers);
        Ok(Stats {
            delivered: sum(|period| period.delivered),
            failed: sum(|period| period.failed),
            retry_attempts,
            attempts: sum(|period| period.attempts),
            duration_ms: sum(|period| period.duration_ms),
            p50_ms: percentile(&classes, 50),
            p95_ms: percentile(&classes, 95),
            answers,
            pending: open.0,
            retrying: open.1,
            last,
            series,
        })
    }
}

/// Attempts by their duration class, the shortest first.
type Classes = BTreeMap<i64, i64>;

/// What was counted in a window.
struct Counted {
    series: Vec<Period>,
    retry_attempts: i64,
    classes: Classes,
}

impl DeliveryStats {
    /// The first period, counted since the Unix epoch.
    fn first_period(&self) -> i64 {
        let current = self.now.millis().div_euclid(self.window.period_minutes * MINUTE_MS);
        current - self.window.periods + 1
    }

    async fn counted<T: Tx>(&self, tx: &T) -> Result<Counted, StoreError> {
        const SQL: &str = "SELECT minute / ?2, duration_class, CAST(SUM(attempts) AS INTEGER), CAST(SUM(delivered) AS INTEGER), \
               CAST(SUM(failed) AS INTEGER), CAST(SUM(duration_ms) AS INTEGER), CAST(SUM(retry_attempts) AS INTEGER), \
               CAST(SUM(answers_2xx) AS INTEGER), CAST(SUM(answers_3xx) AS INTEGER), CAST(SUM(answers_4xx) AS INTEGER), \
               CAST(SUM(answers_5xx) AS INTEGER), CAST(SUM(no_answer) AS INTEGER) \
             FROM delivery_stats WHERE webhook_id = ?1 AND minute >= ?3 GROUP BY 1, 2";
        let (first, minutes) = (self.first_period(), self.window.period_minutes);
        let last = first + self.window.periods - 1;
        let empty = |number: i64| Period {
            at: Timestamp::from_millis(number * minutes * MINUTE_MS),
            delivered: 0,
            failed: 0,
            attempts: 0,
            duration_ms: 0,
            p50_ms: None,
            p95_ms: None,
            answers: Answers::default(),
        };
        let mut periods: BTreeMap<i64, (Period, Classes)> =
            (first..=last).map(|number| (number, (empty(number), Classes::new()))).collect();
        let (mut retry_attempts, mut all) = (0, Classes::new());
        for row in tx.query(SQL, params![self.webhook_id.as_str(), minutes, first * minutes]).await? {
            let mut row = row.read();
            // Whatever a clock ahead of ours has counted belongs to the last.
            let (number, class, attempts) = (row.int()?.min(last), row.int()?, row.int()?);
            let Some((period, classes)) = periods.get_mut(&number) else { continue };
            *classes.entry(class).or_default() += attempts;
            *all.entry(class).or_default() += attempts;
            period.attempts += attempts;
            period.delivered += row.int()?;
            period.failed += row.int()?;
            period.duration_ms += row.int()?;
            retry_attempts += row.int()?;
            period.answers += Answers {
                success: row.int()?,
                redirect: row.int()?,
                refusal: row.int()?,
                failure: row.int()?,
                none: row.int()?,
            };
        }
        let series = periods.into_values().map(|(period, classes)| Period {
            p50_ms: percentile(&classes, 50),
            p95_ms: percentile(&classes, 95),
            ..period
        });
        Ok(Counted { series: series.collect(), retry_attempts, classes: all })
    }

    /// Deliveries that wait for their first attempt, and for another one. Each count is a look into the index of those few;
    /// the condition on an expression keeps the second from the index of all deliveries of the webhook.
    async fn open<T: Tx>(&self, tx: &T) -> Result<(i64, i64), StoreError> {
        const SQL: &str = "SELECT \
               (SELECT COUNT(*) FROM deliveries WHERE webhook_id = ?1 AND due_at IS NOT NULL AND node IS NULL), \
               (SELECT COUNT(*) FROM deliveries WHERE node IS NOT NULL AND webhook_id || '' = ?1), \
               (SELECT COUNT(*) FROM deliveries WHERE webhook_id = ?1 AND status = 'retrying')";
        let rows = tx.query(SQL, params![self.webhook_id.as_str()]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok((0, 0)) };
        let mut row = row.read();
        let (waiting, leased, retrying) = (row.int()?, row.int()?, row.int()?);
        Ok(((waiting + leased - retrying).max(0), retrying))
    }

    async fn last<T: Tx>(&self, tx: &T) -> Result<Option<LastAttempt>, StoreError> {
        const SQL: &str = "SELECT last_status, last_at, last_http_status FROM delivery_stats WHERE webhook_id = ?1 \
                           ORDER BY minute DESC, last_at DESC LIMIT 1";
        let rows = tx.query(SQL, params![self.webhook_id.as_str()]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        read_last(&mut row.read()).map(Some)
    }
}

fn read_last(row: &mut Columns) -> Result<LastAttempt, StoreError> {
    Ok(LastAttempt {
        status: row.named(DeliveryStatus::from_name, "a delivery status")?,
        at: row.time()?,
        http_status: row.opt_int()?,
    })
}

/// The duration that so many percent of the attempts did not exceed.
fn percentile(classes: &Classes, percent: i64) -> Option<i64> {
    let all: i64 = classes.values().sum();
    let mut seen = 0;
    let class = classes.iter().find(|(_, attempts)| {
        seen += **attempts;
        seen * 100 >= all * percent
    });
    class.map(|(class, _)| class_duration_ms(*class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::duration_class;

    #[test]
    fn the_percentile_is_that_of_the_class_that_reaches_it() {
        let (fast, slow) = (duration_class(10), duration_class(1_000));
        let shown = |class| class_duration_ms(class);
        let of = |classes: &[(i64, i64)], percent| percentile(&classes.iter().copied().collect(), percent);
        assert_eq!(of(&[], 95), None);
        assert_eq!(of(&[(slow, 1)], 95), Some(shown(slow)));
        assert_eq!(of(&[(slow, 5), (fast, 95)], 95), Some(shown(fast)));
        assert_eq!(of(&[(fast, 94), (slow, 6)], 95), Some(shown(slow)));
        assert_eq!(of(&[(fast, 94), (slow, 6)], 50), Some(shown(fast)));
    }
}
