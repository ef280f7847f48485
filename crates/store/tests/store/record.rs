//! Attempts, as they are recorded.

use domain::log::DeliveryStatus;
use store::health::HealthRow;
use store::record::{AttemptRow, Record, duration_class};

use crate::samples::{attempt, leased, record, webhook};
use crate::support::{Database, NOW};

conformance!(
    attempts_are_recorded,
    who_lost_the_lease_decides_nothing,
    statistics_are_counted,
    the_same_again_is_not_counted_again,
    the_last_attempt_is_the_latest,
    at_the_same_time,
);

async fn attempts_are_recorded(database: &Database) {
    let a = webhook('a');
    let (first, second) = (leased(database, &a, "n1").await, leased(database, &a, "n1").await);
    let failed = AttemptRow {
        http_status: None,
        error_code: Some("timeout"),
        error: Some("no answer in time".into()),
        ..attempt(second, a.clone(), 1, DeliveryStatus::Retrying)
    };
    record(database, "n1", vec![attempt(first, a.clone(), 1, DeliveryStatus::Delivered), failed]).await;
    assert_eq!(database.texts("SELECT status FROM deliveries ORDER BY id").await, ["delivered", "retrying"]);
    assert_eq!(
        database.ints("SELECT COALESCE(due_at, 0) FROM deliveries ORDER BY id").await,
        [0, NOW.millis() + 300_000]
    );
    assert_eq!(database.ints("SELECT first_attempt_at FROM deliveries").await, [NOW.millis(); 2]);
    assert_eq!(database.int("SELECT COUNT(*) FROM deliveries WHERE node IS NULL AND attempts = 1").await, 2);
    assert_eq!(
        database.ints("SELECT COALESCE(http_status, 0) FROM attempts ORDER BY delivery_id").await,
        [200, 0]
    );
    assert_eq!(
        database.texts("SELECT COALESCE(error_code, '') FROM attempts ORDER BY delivery_id").await,
        ["", "timeout"]
    );
    assert_eq!(database.texts("SELECT response_headers FROM attempts").await, [r#"{"x":"ü"}"#; 2]);
}

async fn who_lost_the_lease_decides_nothing(database: &Database) {
    let a = webhook('a');
    let id = leased(database, &a, "n2").await;
    record(database, "n1", vec![attempt(id, a.clone(), 1, DeliveryStatus::Delivered)]).await;
    assert_eq!(database.texts("SELECT status FROM deliveries").await, ["pending"]);
    assert_eq!(database.int("SELECT COUNT(*) FROM attempts").await, 1);
    // The new holder makes the same attempt: its verdict counts, the log keeps the first.
    record(database, "n2", vec![attempt(id, a, 1, DeliveryStatus::Failed)]).await;
    assert_eq!(database.texts("SELECT status FROM deliveries").await, ["failed"]);
    assert_eq!(database.int("SELECT COUNT(*) FROM attempts").await, 1);
    assert_eq!(counted(database).await, [1, 0, 1, 100]);
}

/// Attempts, deliveries that arrived, deliveries that were given up, and milliseconds, as they are counted.
async fn counted(database: &Database) -> [i64; 4] {
    const SQL: &str = "SELECT counted FROM ( \
         SELECT 1 AS place, CAST(SUM(attempts) AS INTEGER) AS counted FROM delivery_stats \
         UNION ALL SELECT 2, CAST(SUM(delivered) AS INTEGER) FROM delivery_stats \
         UNION ALL SELECT 3, CAST(SUM(failed) AS INTEGER) FROM delivery_stats \
         UNION ALL SELECT 4, CAST(SUM(duration_ms) AS INTEGER) FROM delivery_stats) AS figures ORDER BY place";
    database.ints(SQL).await.try_into().unwrap()
}

async fn the_same_again_is_not_counted_again(database: &Database) {
    let a = webhook('a');
    let (old, new) = (leased(database, &a, "n1").await, leased(database, &a, "n1").await);
    let first = attempt(old, a.clone(), 1, DeliveryStatus::Delivered);
    record(database, "n1", vec![first.clone()]).await;
    assert_eq!(counted(database).await, [1, 1, 0, 100]);
    // As after a commit whose answer was lost; what is new in the batch counts.
    let second = attempt(new, a, 1, DeliveryStatus::Failed);
    record(database, "n1", vec![first.clone(), second.clone()]).await;
    assert_eq!(counted(database).await, [2, 1, 1, 200]);
    record(database, "n1", vec![first, second]).await;
    assert_eq!(counted(database).await, [2, 1, 1, 200]);
}

/// Whatever is recorded first: nodes are not equally fast, and what is recorded once more is old.
async fn the_last_attempt_is_the_latest(database: &Database) {
    let a = webhook('a');
    let (early, late) = (leased(database, &a, "n1").await, leased(database, &a, "n1").await);
    let at = |id, millis, status| AttemptRow {
        attempted_at: NOW.plus_millis(millis),
        ..attempt(id, a.clone(), 1, status)
    };
    record(database, "n1", vec![at(late, 2, DeliveryStatus::Failed)]).await;
    record(database, "n1", vec![at(early, 1, DeliveryStatus::Delivered)]).await;
    record(database, "n1", vec![at(early, 1, DeliveryStatus::Delivered)]).await;
    assert_eq!(database.int("SELECT last_at FROM delivery_stats").await, NOW.millis() + 2);
    assert_eq!(database.texts("SELECT last_status FROM delivery_stats").await, ["failed"]);
}

async fn statistics_are_counted(database: &Database) {
    let a = webhook('a');
    for (number, status, duration_ms) in [
        (1, DeliveryStatus::Delivered, 100),
        (2, DeliveryStatus::Delivered, 101),
        (4, DeliveryStatus::Failed, 100),
        (1, DeliveryStatus::Retrying, 30_000),
    ] {
        let id = leased(database, &a, "n1").await;
        record(database, "n1", vec![AttemptRow { duration_ms, ..attempt(id, a.clone(), number, status) }])
            .await;
    }
    let other = leased(database, &webhook('b'), "n1").await;
    record(database, "n1", vec![attempt(other, webhook('b'), 1, DeliveryStatus::Delivered)]).await;
    let of_a = async |column: &'static str| database.ints(column).await;
    assert_eq!(of_a("SELECT minute FROM delivery_stats").await, [NOW.millis() / 60_000; 3]);
    assert_eq!(
        of_a("SELECT duration_class FROM delivery_stats WHERE webhook_id = 'aaaaaaaaaaaa' ORDER BY 1").await,
        [duration_class(100), duration_class(30_000)]
    );
    assert_eq!(
        of_a("SELECT attempts FROM delivery_stats WHERE webhook_id = 'aaaaaaaaaaaa' ORDER BY duration_class")
            .await,
        [3, 1]
    );
    assert_eq!(of_a("SELECT retry_attempts FROM delivery_stats WHERE webhook_id = 'aaaaaaaaaaaa' ORDER BY duration_class").await, [2, 0]);
    assert_eq!(
        of_a(
            "SELECT delivered FROM delivery_stats WHERE webhook_id = 'aaaaaaaaaaaa' ORDER BY duration_class"
        )
        .await,
        [2, 0]
    );
    assert_eq!(
        of_a("SELECT failed FROM delivery_stats WHERE webhook_id = 'aaaaaaaaaaaa' ORDER BY duration_class")
            .await,
        [1, 0]
    );
    assert_eq!(
        of_a(
            "SELECT duration_ms FROM delivery_stats WHERE webhook_id = 'aaaaaaaaaaaa' ORDER BY duration_class"
        )
        .await,
        [301, 30_000]
    );
}

async fn at_the_same_time(database: &Database) {
    let mut tasks = Vec::new();
    for node in ["n1", "n2", "n3", "n4"] {
        for _ in 0..4 {
            let mut attempts = Vec::new();
            for letter in ['c', 'a', 'b'] {
                let id = leased(database, &webhook(letter), node).await;
                attempts.push(attempt(id, webhook(letter), 1, DeliveryStatus::Delivered));
            }
            let store = database.store.clone();
            let judge = |row: &HealthRow, _: &AttemptRow| row.clone();
            let work = Record { node: node.into(), attempts: attempts.into(), judge };
            tasks.push(tokio::spawn(async move { store.write(work).await.unwrap() }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(database.ints("SELECT delivered FROM delivery_stats").await, [16; 3]);
    assert_eq!(database.int("SELECT COUNT(*) FROM deliveries WHERE status = 'delivered'").await, 48);
}
