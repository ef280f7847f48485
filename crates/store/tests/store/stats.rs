//! Statistics of an outgoing webhook.

use domain::log::DeliveryStatus;
use domain::{DeliveryId, Timestamp};
use store::deliveries::RetryDelivery;
use store::queue::Claim;
use store::record::{Answers, AttemptRow, class_duration_ms, duration_class};
use store::stats::{DeliveryStats, LastAttempt, Stats, Window};

use crate::samples::{attempt, leased, record, webhook};
use crate::support::{Database, NOW};

conformance!(
    nothing_yet,
    counted,
    by_period,
    what_is_open,
    what_was_not_sent_took_no_time,
    what_is_put_back_counts_once,
);

const DAY: Window = Window { period_minutes: 60, periods: 24 };
const HOUR_MS: i64 = 3_600_000;

async fn stats(database: &Database, window: Window) -> Stats {
    database.store.read(DeliveryStats { webhook_id: webhook('a'), window, now: NOW }).await.unwrap()
}

/// An attempt of a delivery of its own.
async fn tried(database: &Database, number: u32, status: DeliveryStatus, change: impl Fn(&mut AttemptRow)) {
    let id = leased(database, &webhook('a'), "n1").await;
    let mut row = attempt(id, webhook('a'), number, status);
    change(&mut row);
    record(database, "n1", vec![row]).await;
}

/// Both are claimed, and arrive.
async fn tried_again(database: &Database, ids: [DeliveryId; 2]) {
    let claim = Claim { wants: vec![(webhook('a'), 2)], node: "n1".into(), now: NOW };
    database.store.write(claim).await.unwrap();
    let rows = ids.map(|id| attempt(id, webhook('a'), 2, DeliveryStatus::Delivered));
    record(database, "n1", rows.into()).await;
}

async fn nothing_yet(database: &Database) {
    let stats = stats(database, DAY).await;
    assert_eq!((stats.attempts, stats.pending, stats.p95_ms, stats.last), (0, 0, None, None));
    assert_eq!(stats.series.len(), 24);
    let hour = Timestamp::from_millis(NOW.millis() - NOW.millis() % HOUR_MS);
    assert_eq!(stats.series[23].at, hour);
    assert_eq!(stats.series[0].at, hour.plus_millis(-23 * HOUR_MS));
}

async fn counted(database: &Database) {
    for status in 0..19 {
        let change = |row: &mut AttemptRow| row.http_status = Some(if status == 0 { 302 } else { 200 });
        tried(database, 1, DeliveryStatus::Delivered, change).await;
    }
    tried(database, 4, DeliveryStatus::Failed, |row| {
        (row.duration_ms, row.http_status) = (2_000, None);
        row.attempted_at = NOW.plus_millis(7);
    })
    .await;
    tried(database, 2, DeliveryStatus::Retrying, |row| {
        row.http_status = Some(503);
        row.attempted_at = NOW.plus_millis(-60_000);
    })
    .await;
    let stats = stats(database, DAY).await;
    assert_eq!((stats.delivered, stats.failed, stats.attempts, stats.retry_attempts), (19, 1, 21, 2));
    assert_eq!(stats.duration_ms, 20 * 100 + 2_000);
    assert_eq!(stats.p50_ms, Some(class_duration_ms(duration_class(100))));
    assert_eq!(stats.p95_ms, Some(class_duration_ms(duration_class(100))));
    assert_eq!(stats.answers, Answers { success: 18, redirect: 1, refusal: 0, failure: 1, none: 1 });
    let slow = stats.series.iter().filter_map(|period| period.p95_ms).max();
    assert_eq!(slow, Some(class_duration_ms(duration_class(100))));
    let last = LastAttempt { status: DeliveryStatus::Failed, at: NOW.plus_millis(7), http_status: None };
    assert_eq!(stats.last, Some(last));
}

async fn by_period(database: &Database) {
    for hours in [0, 0, -1, -23, -24, -100] {
        tried(database, 1, DeliveryStatus::Delivered, |row| {
            row.attempted_at = NOW.plus_millis(hours * HOUR_MS)
        })
        .await;
    }
    // A clock ahead of ours.
    tried(database, 1, DeliveryStatus::Failed, |row| row.attempted_at = NOW.plus_millis(HOUR_MS)).await;
    let day = stats(database, DAY).await;
    assert_eq!((day.delivered, day.failed, day.series.len()), (4, 1, 24));
    let counts = |period: &store::stats::Period| {
        (period.delivered, period.failed, period.attempts, period.duration_ms)
    };
    assert_eq!(counts(&day.series[23]), (2, 1, 3, 300));
    assert_eq!(counts(&day.series[22]), (1, 0, 1, 100));
    assert_eq!(counts(&day.series[0]), (1, 0, 1, 100));
    assert_eq!(counts(&day.series[5]), (0, 0, 0, 0));
    let week = stats(database, Window { period_minutes: 24 * 60, periods: 7 }).await;
    assert_eq!((week.delivered, week.failed, week.series.len()), (6, 1, 7));
}

async fn what_is_open(database: &Database) {
    tried(database, 1, DeliveryStatus::Retrying, |_| ()).await;
    tried(database, 1, DeliveryStatus::Delivered, |_| ()).await;
    leased(database, &webhook('a'), "n1").await;
    leased(database, &webhook('a'), "n2").await;
    leased(database, &webhook('b'), "n2").await;
    database.store.write(store::queue::Leave { node: "n2".into() }).await.unwrap();
    let stats = stats(database, DAY).await;
    assert_eq!((stats.pending, stats.retrying), (2, 1));
}

async fn what_was_not_sent_took_no_time(database: &Database) {
    tried(database, 1, DeliveryStatus::Delivered, |row| row.duration_ms = 1_000).await;
    tried(database, 1, DeliveryStatus::Failed, |row| {
        (row.is_sent, row.http_status, row.error_code) = (false, None, Some("template"));
    })
    .await;
    let stats = stats(database, DAY).await;
    assert_eq!((stats.delivered, stats.failed), (1, 1));
    assert_eq!((stats.attempts, stats.duration_ms, stats.answers.none), (1, 1_000, 0));
    assert_eq!(stats.p50_ms, Some(class_duration_ms(duration_class(1_000))));
}

async fn what_is_put_back_counts_once(database: &Database) {
    let ids = [leased(database, &webhook('a'), "n1").await, leased(database, &webhook('a'), "n1").await];
    let status = [DeliveryStatus::Failed, DeliveryStatus::Delivered];
    let rows = std::iter::zip(ids, status).map(|(id, status)| attempt(id, webhook('a'), 1, status)).collect();
    record(database, "n1", rows).await;
    for id in ids {
        // The second time there is nothing to be taken back.
        for _ in 0..2 {
            database.store.write(RetryDelivery { id, now: NOW }).await.unwrap();
        }
    }
    let open = stats(database, DAY).await;
    assert_eq!((open.delivered, open.failed, open.attempts, open.pending), (0, 0, 2, 2));

    tried_again(database, ids).await;
    let done = stats(database, DAY).await;
    assert_eq!((done.delivered, done.failed, done.attempts, done.pending), (2, 0, 4, 0));
}
