//! Recording what became of attempts, in batches, with the statistics in the same transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use delivery::Sign;
use domain::log::DeliveryStatus;
use domain::{DeliveryId, SubscriberId, Timestamp, WebhookId};
use futures_util::try_join;

use crate::error::StoreError;
use crate::health::{self, HealthRow, Judge};
use crate::tx::{Row, Rows, Tx, Value, Work};

const MINUTE_MS: i64 = 60_000;

/// One attempt, and what it means for its delivery.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Where it went.
    pub webhook_id: WebhookId,
    /// Counted from 1.
    pub number: u32,
    /// When it began.
    pub attempted_at: Timestamp,
    /// When the first attempt of this delivery began.
    pub first_attempt_at: Timestamp,
    /// Until the answer was complete, or the failure.
    pub duration_ms: i64,
    /// Whether the destination was asked at all: how long it took else says nothing of it.
    pub is_sent: bool,
    /// The status of the answer, if there was one.
    pub http_status: Option<u16>,
    /// Why it failed, as a stable code.
    pub error_code: Option<&'static str>,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// With what method and where to, if a template or a script decided that: `PUT https://crm.example.com/contacts/7`.
    pub target: Option<String>,
    /// What was sent, as a JSON object, secrets masked.
    pub request_headers: String,
    /// What was sent, as much as is kept, if it was not the event's envelope.
    pub request_body: Option<String>,
    /// What came back, as a JSON object.
    pub response_headers: String,
    /// What came back, as much as is kept.
    pub response_body: String,
    /// How the delivery stands now.
    pub status: DeliveryStatus,
    /// When it is due again, if it is.
    pub due_at: Option<Timestamp>,
    /// Until when the destination asks not to be tried again, if it does.
    pub not_before: Option<Timestamp>,
    /// What it says of the destination; `None` if that was not asked.
    pub sign: Option<Sign>,
    /// The subscriber whose deliveries follow each other, if they do.
    pub subject: Option<SubscriberId>,
}

/// Records attempts made by a node. Returns how those destinations do for which that is not as before.
pub struct Record {
    /// The node. A delivery whose lease it lost meanwhile is someone else's to decide about.
    pub node: Arc<str>,
    /// The attempts, each of another delivery.
    pub attempts: Arc<[AttemptRow]>,
    /// What they say of their destinations.
    pub judge: Judge,
}

impl Work for Record {
    type Output = Vec<HealthRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<HealthRow>, StoreError> {
        // Sent in one go. Nearly always all of it is new, so that is counted, and what was not is taken back.
        let (made, decided, changed, ()) = try_join!(
            insert_attempts(tx, &self.attempts),
            self.update_deliveries(tx),
            health::judge(tx, &self.attempts, self.judge),
            count(tx, self.all()),
        )?;
        self.hold_back(tx, &decided).await?;
        count(tx, self.not_so(made, decided)).await?;
        Ok(changed)
    }
}

/// Gives the attempts that were not in the log yet, each by its delivery and number.
pub(crate) async fn insert_attempts<T: Tx>(
    tx: &T,
    attempts: &[AttemptRow],
) -> Result<HashSet<(DeliveryId, i64)>, StoreError> {
    const SQL: &str = "INSERT INTO attempts (delivery_id, number, attempted_at, duration_ms, http_status, error_code, error, \
                       request_headers, response_headers, response_body, request_body, target) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
                       ON CONFLICT (delivery_id, number) DO NOTHING /*pg: RETURNING delivery_id, number */";
    let mut rows = Rows::with_capacity(attempts.len(), 12);
    for attempt in attempts {
        rows.push([
            attempt.delivery_id.to_string().into(),
            i64::from(attempt.number).into(),
            attempt.attempted_at.into(),
            attempt.duration_ms.into(),
            attempt.http_status.map(i64::from).into(),
            attempt.error_code.into(),
            attempt.error.as_deref().into(),
            (&attempt.request_headers).into(),
            (&attempt.response_headers).into(),
            (&attempt.response_body).into(),
            attempt.request_body.as_deref().into(),
            attempt.target.as_deref().into(),
        ]);
    }
    let read = |row: Row| {
        let mut row = row.read();
        Ok((row.parse("a delivery id")?, row.int()?))
    };
    tx.touch_many(SQL, rows, 2).await?.into_iter().map(read).collect()
}

impl Record {
    /// Gives the deliveries of which this node decided.
    async fn update_deliveries<T: Tx>(&self, tx: &T) -> Result<HashSet<DeliveryId>, StoreError> {
        // By the id: written like this, the index of what a node holds is of no use, which is longer with each lease.
        const SQL: &str = "UPDATE deliveries SET status = ?2, attempts = ?3, first_attempt_at = ?4, due_at = ?5, node = NULL \
                           WHERE id = ?1 AND COALESCE(node, '') = ?6 /*pg: RETURNING id */";
        let mut rows = Rows::with_capacity(self.attempts.len(), 6);
        for attempt in self.attempts.iter() {
            rows.push([
                attempt.delivery_id.to_string().into(),
                attempt.status.as_str().into(),
                i64::from(attempt.number).into(),
                attempt.first_attempt_at.into(),
                attempt.due_at.into(),
                self.node.as_ref().into(),
            ]);
        }
        let decided = tx.touch_many(SQL, rows, 1).await?;
        decided.into_iter().map(|row| row.read().parse("a delivery id")).collect()
    }

    /// What follows a delivery that failed can't be due before it. It would not be claimed before anyway: this keeps the claims
    /// from looking at it until then.
    async fn hold_back<T: Tx>(&self, tx: &T, decided: &HashSet<DeliveryId>) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE deliveries SET due_at = ?3 WHERE webhook_id = ?1 AND subject = ?2 AND id > ?4 AND due_at < ?3 \
                           AND node IS NULL";
        let mut rows = Rows::with_capacity(0, 4);
        for attempt in self.attempts.iter().filter(|attempt| decided.contains(&attempt.delivery_id)) {
            if let (Some(subject), Some(due_at)) = (attempt.subject, attempt.due_at) {
                let id = attempt.delivery_id.to_string();
                rows.push([attempt.webhook_id.as_str().into(), subject.0.into(), due_at.into(), id.into()]);
            }
        }
        tx.execute_many(SQL, rows).await.map(|_| ())
    }

    /// Every attempt, as one that is new and decides about its delivery.
    fn all(&self) -> impl Iterator<Item = Counted<'_>> {
        self.attempts.iter().map(|attempt| Counted { attempt, made: 1, decided: 1 })
    }

    /// What that says and is not so: an attempt that is in the log already was counted, and so was what became of a delivery
    /// that is not this node's any more. So the same again counts nothing.
    fn not_so(
        &self,
        mut made: HashSet<(DeliveryId, i64)>,
        mut decided: HashSet<DeliveryId>,
    ) -> impl Iterator<Item = Counted<'_>> {
        self.attempts.iter().filter_map(move |attempt| {
            // Once each: who lost a delivery and got it again may have tried it twice.
            let is_new = made.remove(&(attempt.delivery_id, i64::from(attempt.number)));
            let decides = decided.remove(&attempt.delivery_id);
            let counted = Counted { attempt, made: i64::from(is_new) - 1, decided: i64::from(decides) - 1 };
            (!is_new || !decides).then_some(counted)
        })
    }
}

/// An attempt, and how often it counts.
struct Counted<'a> {
    attempt: &'a AttemptRow,
    /// As one more.
    made: i64,
    /// As what becomes of its delivery.
    decided: i64,
}

/// Counts attempts.
async fn count<T: Tx>(tx: &T, counted: impl Iterator<Item = Counted<'_>>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO delivery_stats (webhook_id, minute, duration_class, attempts, retry_attempts, delivered, \
                       failed, duration_ms, last_at, last_status, last_http_status, \
                       answers_2xx, answers_3xx, answers_4xx, answers_5xx, no_answer) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
                       ON CONFLICT (webhook_id, minute, duration_class) DO UPDATE SET \
                       attempts = delivery_stats.attempts + excluded.attempts, \
                       retry_attempts = delivery_stats.retry_attempts + excluded.retry_attempts, \
                       delivered = delivery_stats.delivered + excluded.delivered, \
                       failed = delivery_stats.failed + excluded.failed, \
                       duration_ms = delivery_stats.duration_ms + excluded.duration_ms, \
                       answers_2xx = delivery_stats.answers_2xx + excluded.answers_2xx, \
                       answers_3xx = delivery_stats.answers_3xx + excluded.answers_3xx, \
                       answers_4xx = delivery_stats.answers_4xx + excluded.answers_4xx, \
                       answers_5xx = delivery_stats.answers_5xx + excluded.answers_5xx, \
                       no_answer = delivery_stats.no_answer + excluded.no_answer, \
                       last_at = CASE WHEN excluded.last_at < delivery_stats.last_at \
                         THEN delivery_stats.last_at ELSE excluded.last_at END, \
                       last_status = CASE WHEN excluded.last_at < delivery_stats.last_at \
                         THEN delivery_stats.last_status ELSE excluded.last_status END, \
                       last_http_status = CASE WHEN excluded.last_at < delivery_stats.last_at \
                         THEN delivery_stats.last_http_status ELSE excluded.last_http_status END";
    let counts = counts(counted);
    let mut rows = Rows::with_capacity(counts.len(), 16);
    for ((webhook, minute, class), count) in counts {
        rows.push([
            webhook.into(),
            minute.into(),
            class.into(),
            count.attempts.into(),
            count.retry_attempts.into(),
            count.delivered.into(),
            count.failed.into(),
            count.duration_ms.into(),
            count.last.attempted_at.into(),
            count.last.status.as_str().into(),
            count.last.http_status.map(i64::from).into(),
            count.answers.success.into(),
            count.answers.redirect.into(),
            count.answers.refusal.into(),
            count.answers.failure.into(),
            count.answers.none.into(),
        ]);
    }
    tx.execute_many(SQL, rows).await.map(|_| ())
}

/// Takes back what was counted of deliveries that are finished and are put back: each counts as what becomes of it in the end.
pub(crate) async fn take_back<T: Tx>(tx: &T, ids: &[String]) -> Result<(), StoreError> {
    const FIND: &str = "SELECT d.webhook_id, d.status, a.attempted_at, a.duration_ms FROM deliveries d \
                        JOIN attempts a ON a.delivery_id = d.id AND a.number = d.attempts \
                        WHERE d.id IN ?1 AND d.status IN ('delivered', 'failed') AND d.test_event IS NULL \
                        ORDER BY d.id /*pg: FOR UPDATE OF d */";
    const SQL: &str = "UPDATE delivery_stats SET delivered = delivered - ?4, failed = failed - ?5 \
                       WHERE webhook_id = ?1 AND minute = ?2 AND duration_class = ?3";
    let mut counts: BTreeMap<(String, i64, i64), (i64, i64)> = BTreeMap::new();
    for row in tx.query(FIND, vec![Value::Texts(ids.to_vec())]).await? {
        let mut row = row.read();
        let (webhook, status) = (row.text()?, row.text()?);
        let key = (webhook, row.int()?.div_euclid(MINUTE_MS), duration_class(row.int()?));
        let (delivered, failed) = counts.entry(key).or_default();
        *if status == DeliveryStatus::Delivered.as_str() { delivered } else { failed } += 1;
    }
    let mut rows = Rows::with_capacity(counts.len(), 5);
    for ((webhook, minute, class), (delivered, failed)) in counts {
        rows.push([webhook.into(), minute.into(), class.into(), delivered.into(), failed.into()]);
    }
    tx.execute_many(SQL, rows).await.map(|_| ())
}

/// By webhook, minute and duration class, in one order for all nodes: no two wait for each other.
fn counts<'a>(counted: impl Iterator<Item = Counted<'a>>) -> BTreeMap<(&'a str, i64, i64), Count<'a>> {
    let mut counts = BTreeMap::new();
    for Counted { attempt, made, decided } in counted {
        let minute = attempt.attempted_at.millis().div_euclid(MINUTE_MS);
        let class = duration_class(attempt.duration_ms);
        let count = counts.entry((attempt.webhook_id.as_str(), minute, class)).or_insert(Count::new(attempt));
        count.retry_attempts += if attempt.number > 1 { made } else { 0 };
        let sent = if attempt.is_sent { made } else { 0 };
        count.attempts += sent;
        count.duration_ms += attempt.duration_ms * sent;
        *count.answers.of(attempt.http_status) += sent;
        match attempt.status {
            DeliveryStatus::Delivered => count.delivered += decided,
            DeliveryStatus::Failed => count.failed += decided,
            _ => {}
        }
        if attempt.attempted_at >= count.last.attempted_at {
            count.last = attempt;
        }
    }
    counts
}

/// What is counted of a batch.
struct Count<'a> {
    attempts: i64,
    retry_attempts: i64,
    delivered: i64,
    failed: i64,
    duration_ms: i64,
    answers: Answers,
    last: &'a AttemptRow,
}

/// Attempts by the class of the answer's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// 2xx.
    pub success: i64,
    /// 3xx.
    pub redirect: i64,
    /// 4xx.
    pub refusal: i64,
    /// 5xx, and what is no status that HTTP knows.
    pub failure: i64,
    /// Without an answer.
    pub none: i64,
}

impl Answers {
    fn of(&mut self, http_status: Option<u16>) -> &mut i64 {
        match http_status {
            Some(200..300) => &mut self.success,
            Some(300..400) => &mut self.redirect,
            Some(400..500) => &mut self.refusal,
            Some(_) => &mut self.failure,
            None => &mut self.none,
        }
    }
}

impl std::ops::AddAssign for Answers {
    fn add_assign(&mut self, other: Self) {
        self.success += other.success;
        self.redirect += other.redirect;
        self.refusal += other.refusal;
        self.failure += other.failure;
        self.none += other.none;
    }
}

impl<'a> Count<'a> {
    fn new(last: &'a AttemptRow) -> Self {
        let answers = Answers::default();
        Self { attempts: 0, retry_attempts: 0, delivered: 0, failed: 0, duration_ms: 0, answers, last }
    }
}

/// The class of a duration: classes grow by a quarter of a power of two, so a percentile read from them is at most 19 % off.
pub fn duration_class(duration_ms: i64) -> i64 {
    let ms = duration_ms.max(0) as f64;
    ((ms + 1.0).log2() * 4.0).round() as i64
}

/// The duration in the middle of a class, in milliseconds.
pub fn class_duration_ms(class: i64) -> i64 {
    ((class as f64 / 4.0).exp2() - 1.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_near_its_durations() {
        for ms in [0, 1, 7, 50, 234, 1_000, 29_999] {
            let shown = class_duration_ms(duration_class(ms));
            assert!((shown - ms).abs() as f64 <= 0.19 * ms as f64 + 0.5, "{ms} shown as {shown}");
        }
        assert!(duration_class(30_000) < 64);
    }
}
