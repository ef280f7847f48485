//! The schema comes into a database once, whoever starts first.

use domain::{RequestId, Timestamp};
use store::commit::Writes;
use store::{Store, StoreError};

use crate::samples::{event, request, webhook};
use crate::support::{Database, NOW};

conformance!(from_several_handles_at_once, a_newer_schema_is_refused, rows_of_any_day_find_their_place);

async fn from_several_handles_at_once(database: &Database) {
    let fresh = Database::empty(database.store.is_shared()).await;
    for is_first in [true, false] {
        let handles: Vec<Store> = (0..4).map(|_| Store::open(&fresh.location).unwrap()).collect();
        let tasks: Vec<_> = handles
            .into_iter()
            .map(|store| tokio::spawn(async move { store.migrate(NOW).await.unwrap() }))
            .collect();
        let mut steps = 0;
        for task in tasks {
            steps += task.await.unwrap();
        }
        let applied = fresh.int("SELECT COUNT(*) FROM migrations").await;
        assert_eq!(steps as i64, if is_first { applied } else { 0 });
    }
    fresh.store.ping().await.unwrap();
}

async fn a_newer_schema_is_refused(database: &Database) {
    database.run("INSERT INTO migrations (version, applied_at) VALUES (1000, 0)", vec![]).await;
    let error = database.store.migrate(NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 1000, known } if known < 1000));
    assert!(!error.is_passing());
}

/// Also of days for which nobody made a partition.
async fn rows_of_any_day_find_their_place(database: &Database) {
    let days: Vec<Timestamp> =
        [-400, -1, 0, 1, 7, 8, 400].map(|day| NOW.plus_millis(day * 86_400_000)).into();
    let count = days.len() as i64;
    let rows: Vec<_> = days
        .into_iter()
        .map(|day| {
            let mut row = request(database, webhook('a'), "{}");
            (row.id, row.received_at) = (RequestId::lowest_at(day), day);
            (row, event(domain::EventId::lowest_at(day), "order_paid"))
        })
        .collect();
    database
        .put(move || Writes {
            requests: rows.iter().map(|(request, _)| request.clone()).collect(),
            events: rows.iter().map(|(_, event)| event.clone()).collect(),
            ..Writes::default()
        })
        .await;
    assert_eq!(database.int("SELECT COUNT(*) FROM requests").await, count);
    assert_eq!(database.int("SELECT COUNT(*) FROM events").await, count);
    // A partition of their own comes later, and takes them in.
    database.store.prepare_days(NOW.plus_millis(3 * 86_400_000)).await.unwrap();
    assert_eq!(database.int("SELECT COUNT(*) FROM requests").await, count);
    assert_eq!(database.int("SELECT COUNT(*) FROM events").await, count);
}
