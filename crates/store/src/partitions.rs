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

/// A log table: its name, the column that it is partitioned by, and the smallest value there of a moment.
struct LogTable {
    name: &'static str,
    column: &'static str,
    lowest_at: fn(Timestamp) -> String,
}

const LOG_TABLES: [LogTable; 4] = [
    LogTable { name: "requests", column: "id", lowest_at: |moment| RequestId::lowest_at(moment).to_string() },
    LogTable { name: "events", column: "id", lowest_at: |moment| EventId::lowest_at(moment).to_string() },
    LogTable {
        name: "deliveries",
        column: "id",
        lowest_at: |moment| DeliveryId::lowest_at(moment).to_string(),
    },
    LogTable {
        name: "attempts",
        column: "delivery_id",
        lowest_at: |moment| DeliveryId::lowest_at(moment).to_string(),
    },
];

pub(crate) async fn prepare(postgres: &Postgres, now: Timestamp) -> Result<(), StoreError> {
    // A transaction each, so that none waits for one table while it holds another.
    for table in &LOG_TABLES {
        // The lock of the migrations: whoever makes tables does it alone.
        let statements = statements(table, now);
        let sql = format!("BEGIN; SELECT pg_advisory_xact_lock(1667462000); {statements} COMMIT;");
        postgres.batch(&sql).await?;
    }
    Ok(())
}

/// Makes the partitions that are missing. Rows of a day that had none are in the one for all others, and move.
fn statements(table: &LogTable, now: Timestamp) -> String {
    let LogTable { name, column, lowest_at } = table;
    let today = now.millis().div_euclid(DAY_MS);
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {name}_other PARTITION OF {name} DEFAULT; ");
    for day in today - DAYS_BEHIND..=today + DAYS_AHEAD {
        let (from, to) = (Timestamp::from_millis(day * DAY_MS), Timestamp::from_millis((day + 1) * DAY_MS));
        let partition = format!("{name}_{}", from.to_string()[..10].replace('-', ""));
        let (from, to) = (lowest_at(from), lowest_at(to));
        let _ = write!(
            sql,
            "DO $$ BEGIN IF to_regclass('{partition}') IS NULL THEN \
               CREATE TABLE {partition} (LIKE {name} INCLUDING ALL); \
               WITH moved AS (DELETE FROM {name}_other WHERE {column} >= '{from}' AND {column} < '{to}' RETURNING *) \
                 INSERT INTO {partition} SELECT * FROM moved; \
               ALTER TABLE {name} ATTACH PARTITION {partition} FOR VALUES FROM ('{from}') TO ('{to}'); \
             END IF; END $$; "
        );
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_each_other_without_a_gap() {
        let now: Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        let sql = statements(&LOG_TABLES[1], now);
        let end_of_month = EventId::lowest_at("2026-03-01T00:00:00Z".parse().unwrap());
        assert!(sql.contains("CREATE TABLE events_20260228 (LIKE events"));
        assert_eq!(sql.matches(&format!("TO ('{end_of_month}')")).count(), 1);
        assert_eq!(sql.matches(&format!("FROM ('{end_of_month}')")).count(), 1);
        assert_eq!(sql.matches("CREATE TABLE").count(), 10);
    }
}
