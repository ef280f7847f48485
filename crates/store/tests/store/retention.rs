//! How long logs are kept.

use domain::Timestamp;
use domain::log::{DeliveryStatus, RequestStatus};
use store::commit::{NewDelivery, RequestRow, Writes};
use store::params;
use store::retention::{OwnLog, Retain, RetainOf, RetainStatistics};
use ulid::Ulid;

use crate::samples::{attempt, event, request, webhook};
use crate::support::{Database, NOW};

conformance!(
    what_is_old_goes,
    what_is_not_done_stays,
    old_days_go_as_a_whole,
    statistics_that_nobody_is_shown_go,
    a_webhook_keeps_less_of_its_own,
    an_outgoing_webhook_keeps_less_of_its_own,
);

const DAY_MS: i64 = 24 * 3_600 * 1_000;

fn days_ago(days: i64) -> Timestamp {
    NOW.plus_millis(-days * DAY_MS)
}

/// The first id of a moment: each has a moment of its own here.
fn id<Id: From<Ulid>>(moment: Timestamp) -> Id {
    Ulid::from_parts(moment.millis().unsigned_abs(), 1).into()
}

/// An event with its delivery, and a request, of a day.
async fn put(database: &Database, days: i64, status: RequestStatus) -> NewDelivery {
    let moment = days_ago(days);
    let event = event(id(moment), "subscriber_added");
    let delivery = NewDelivery {
        id: id(moment),
        webhook_id: webhook('a'),
        event_id: event.id,
        event_type: event.event_type.clone(),
        created_at: moment,
        node: Some("node".into()),
        subject: None,
    };
    let request = RequestRow { id: id(moment), status, ..request(database, webhook('a'), "{}") };
    let made = delivery.clone();
    let writes = move || Writes {
        events: vec![event.clone()],
        deliveries: vec![delivery.clone()],
        requests: vec![request.clone()],
        ..Writes::default()
    };
    database.put(writes).await;
    made
}

async fn deliver(database: &Database, delivery: &NewDelivery) {
    let attempts = vec![attempt(delivery.id, delivery.webhook_id.clone(), 1, DeliveryStatus::Delivered)];
    crate::samples::record(database, "node", attempts).await;
}

/// Runs it to its end, a few at a time.
async fn retain(database: &Database, days: i64) {
    database.store.drop_days(days_ago(days)).await.unwrap();
    let work = || Retain { before: days_ago(days), limit: 2 };
    while database.store.write(work()).await.unwrap() > 0 {}
}

async fn left(database: &Database) -> [i64; 4] {
    [
        database.int("SELECT COUNT(*) FROM requests").await,
        database.int("SELECT COUNT(*) FROM events").await,
        database.int("SELECT COUNT(*) FROM deliveries").await,
        database.int("SELECT COUNT(*) FROM attempts").await,
    ]
}

async fn what_is_old_goes(database: &Database) {
    for days in [40, 35, 32, 31, 29, 0] {
        let delivery = put(database, days, RequestStatus::Processed).await;
        deliver(database, &delivery).await;
    }
    assert_eq!(left(database).await, [6, 6, 6, 6]);
    retain(database, 30).await;
    assert_eq!(left(database).await, [2, 2, 2, 2]);
    retain(database, 30).await;
    assert_eq!(left(database).await, [2, 2, 2, 2]);
}

async fn what_is_not_done_stays(database: &Database) {
    let done = put(database, 50, RequestStatus::Failed).await;
    deliver(database, &done).await;
    put(database, 40, RequestStatus::Accepted).await;
    let newer = put(database, 35, RequestStatus::Retrying).await;
    deliver(database, &newer).await;
    retain(database, 30).await;
    // The event of the delivery that waits stays, and the one after it, until that is done.
    assert_eq!(left(database).await, [2, 2, 1, 0]);
}

async fn old_days_go_as_a_whole(database: &Database) {
    database.store.prepare_days(days_ago(40)).await.unwrap();
    let done = put(database, 40, RequestStatus::Processed).await;
    deliver(database, &done).await;
    put(database, 39, RequestStatus::Accepted).await;
    put(database, 0, RequestStatus::Processed).await;
    retain(database, 30).await;
    assert_eq!(left(database).await, [2, 2, 2, 0]);
    if database.store.is_shared() {
        // Of nine old days only the one is left on which something waits, beside the nine around today.
        const DAYS: &str = "SELECT COUNT(*) FROM pg_class WHERE relname ~ '^(requests|deliveries|attempts|events)_[0-9]{8}$'";
        assert_eq!(database.int(DAYS).await, 4 * 10);
    }
    // And again, when there is nothing to drop.
    database.store.drop_days(days_ago(30)).await.unwrap();
}

async fn statistics_that_nobody_is_shown_go(database: &Database) {
    const DELIVERIES: &str = "INSERT INTO delivery_stats (webhook_id, minute, duration_class, attempts, retry_attempts, delivered, \
         failed, duration_ms, last_at, last_status) VALUES (?1, ?2, 1, 1, 0, 1, 0, 1, 0, 'delivered')";
    const REQUESTS: &str = "INSERT INTO request_stats (webhook_id, hour, slot, received, processed, ignored, failed, rejected) \
         VALUES (?1, ?2, 0, 1, 1, 0, 0, 0)";
    for (webhook, days) in [("a", 40), ("b", 33), ("a", 33), ("a", 31), ("b", 0)] {
        let minute = days_ago(days).millis() / 60_000;
        database.run(DELIVERIES, params![webhook, minute]).await;
        database.run(REQUESTS, params![webhook, minute / 60]).await;
    }
    let counted = async || database.int("SELECT COUNT(*) FROM delivery_stats").await;
    let received = async || database.int("SELECT COUNT(*) FROM request_stats").await;
    assert_eq!((counted().await, received().await), (5, 5));
    let mut steps = Vec::new();
    loop {
        let deleted = database.store.write(RetainStatistics { now: NOW, limit: 2 }).await.unwrap();
        if deleted == 0 {
            break;
        }
        steps.push(deleted);
    }
    assert_eq!(steps, [4, 2], "at most two of each table at once");
    assert_eq!((counted().await, received().await), (2, 2));
}

/// By its own setting a webhook keeps less, and what is not done yet in any case.
async fn a_webhook_keeps_less_of_its_own(database: &Database) {
    for days in [9, 7, 5, 3] {
        put(database, days, RequestStatus::Processed).await;
    }
    put(database, 8, RequestStatus::Retrying).await;
    let kept = |before: Option<i64>, entries| RetainOf {
        log: OwnLog::Requests,
        webhook_id: webhook('a'),
        before: before.map(days_ago),
        entries,
        limit: 1,
    };
    for (before, entries, left) in
        [(Some(8), None, 4), (None, Some(2), 3), (Some(4), Some(9), 2), (None, None, 2)]
    {
        while database.store.write(kept(before, entries)).await.unwrap() > 0 {}
        assert_eq!(database.int("SELECT COUNT(*) FROM requests").await, left, "{before:?} {entries:?}");
    }
    let other = RetainOf { webhook_id: webhook('b'), ..kept(Some(0), Some(1)) };
    assert_eq!(database.store.write(other).await.unwrap(), 0);
}

/// The same of deliveries, with their attempts.
async fn an_outgoing_webhook_keeps_less_of_its_own(database: &Database) {
    for days in [9, 7, 5, 3] {
        let delivery = put(database, days, RequestStatus::Processed).await;
        deliver(database, &delivery).await;
    }
    put(database, 8, RequestStatus::Processed).await;
    for (before, entries, left) in [(Some(8), None, 4), (None, Some(2), 3), (Some(4), Some(9), 2)] {
        let kept = || RetainOf {
            log: OwnLog::Deliveries,
            webhook_id: webhook('a'),
            before: before.map(days_ago),
            entries,
            limit: 1,
        };
        while database.store.write(kept()).await.unwrap() > 0 {}
        assert_eq!(database.int("SELECT COUNT(*) FROM deliveries").await, left, "{before:?} {entries:?}");
        assert_eq!(database.int("SELECT COUNT(*) FROM attempts").await, left - 1, "one waits");
    }
}
