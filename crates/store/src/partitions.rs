//! The days of the log tables on PostgreSQL: each a partition, bounded by the smallest id of the day and of the next.

use std::fmt::Write;

use domain::{DeliveryId, EventId, RequestId, Timestamp};

use crate::error::StoreError;
use crate::postgres::Postgres;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Days made ahead: as long as a program may go without a moment for it and still find today's partition.
const DAYS_AHEAD: i64 = 7;
/// Days made behind: clocks of several nodes differ around midnight.
const DAYS_BEHIND: i64 = 1;

/// A log table, and the smallest id of a moment in it.
type LogTable = (&'static str, fn(Timestamp) -> String);

const LOG_TABLES: [LogTable; 4] = [
    ("requests", |moment| RequestId::lowest_at(moment).to_string()),
    ("events", |moment| EventId::lowest_at(moment).to_string()),
    ("deliveries", |moment| DeliveryId::lowest_at(moment).to_string()),
    ("attempts", |moment| DeliveryId::lowest_at(moment).to_string()),
];

pub(crate) async fn prepare(postgres: &Postgres, now: Timestamp) -> Result<(), StoreError> {
    // The lock of the migrations: whoever makes tables does it alone.
    postgres
        .batch(&format!("BEGIN; SELECT pg_advisory_xact_lock(1667462000); {} COMMIT;", statements(now)))
        .await
}

fn statements(now: Timestamp) -> String {
    let today = now.millis().div_euclid(DAY_MS);
    let mut sql = String::new();
    for (table, lowest_at) in LOG_TABLES {
        let _ = write!(sql, "CREATE TABLE IF NOT EXISTS {table}_other PARTITION OF {table} DEFAULT; ");
        for day in today - DAYS_BEHIND..=today + DAYS_AHEAD {
            let (from, to) =
                (Timestamp::from_millis(day * DAY_MS), Timestamp::from_millis((day + 1) * DAY_MS));
            let name = from.to_string()[..10].replace('-', "");
            let _ = write!(
                sql,
                "CREATE TABLE IF NOT EXISTS {table}_{name} PARTITION OF {table} FOR VALUES FROM ('{}') TO ('{}'); ",
                lowest_at(from),
                lowest_at(to)
            );
        }
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_each_other_without_a_gap() {
        let now: Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        let sql = statements(now);
        let end_of_month = EventId::lowest_at("2026-03-01T00:00:00Z".parse().unwrap());
        assert!(sql.contains("events_20260228 PARTITION OF events"));
        assert_eq!(sql.matches(&format!("'{end_of_month}'")).count(), 2);
        assert_eq!(sql.matches("CREATE TABLE").count(), 4 * 10);
    }
}
