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
    /// What a day must not hold to be dropped, as a condition on its partition `%1$I` of the day `%2$s`.
    is_needed: &'static str,
}

/// In the order in which they are dropped: what belongs to deliveries stays as long as they do.
const LOG_TABLES: [LogTable; 4] = [
    LogTable {
        name: "requests",
        column: "id",
        lowest_at: |moment| RequestId::lowest_at(moment).to_string(),
        is_needed: "EXISTS (SELECT 1 FROM %1$I WHERE status IN (''accepted'', ''retrying''))",
    },
    LogTable {
        name: "deliveries",
        column: "id",
        lowest_at: |moment| DeliveryId::lowest_at(moment).to_string(),
        is_needed: "EXISTS (SELECT 1 FROM %1$I WHERE due_at IS NOT NULL)",
    },
    LogTable {
        name: "attempts",
        column: "delivery_id",
        lowest_at: |moment| DeliveryId::lowest_at(moment).to_string(),
        is_needed: "to_regclass(''deliveries_%2$s'') IS NOT NULL",
    },
    LogTable {
        name: "events",
        column: "id",
        lowest_at: |moment| EventId::lowest_at(moment).to_string(),
        is_needed: "to_regclass(''deliveries_%2$s'') IS NOT NULL",
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

/// Drops the days before that of `before` of which nothing is needed any more.
pub(crate) async fn drop_before(postgres: &Postgres, before: Timestamp) -> Result<(), StoreError> {
    for table in &LOG_TABLES {
        let statement = drop_statement(table, before);
        postgres
            .batch(&format!("BEGIN; SELECT pg_advisory_xact_lock(1667462000); {statement} COMMIT;"))
            .await?;
    }
    Ok(())
}

fn drop_statement(table: &LogTable, before: Timestamp) -> String {
    let LogTable { name, is_needed, .. } = table;
    let first_kept = partition(name, before);
    format!(
        "DO $$ DECLARE part TEXT; needed BOOLEAN; BEGIN \
           FOR part IN SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid \
             WHERE inhparent = '{name}'::regclass AND relname ~ '^{name}_[0-9]{{8}}$' AND relname < '{first_kept}' LOOP \
             EXECUTE format('SELECT {is_needed}', part, right(part, 8)) INTO needed; \
             IF NOT needed THEN EXECUTE format('DROP TABLE %I', part); END IF; \
           END LOOP; END $$; "
    )
}

/// The name of the partition of a day.
fn partition(table: &str, moment: Timestamp) -> String {
    format!("{table}_{}", moment.to_string()[..10].replace('-', ""))
}

/// Makes the partitions that are missing. Rows of a day that had none are in the one for all others, and move.
fn statements(table: &LogTable, now: Timestamp) -> String {
    let LogTable { name, column, lowest_at, .. } = table;
    let today = now.millis().div_euclid(DAY_MS);
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {name}_other PARTITION OF {name} DEFAULT; ");
    for day in today - DAYS_BEHIND..=today + DAYS_AHEAD {
        let (from, to) = (Timestamp::from_millis(day * DAY_MS), Timestamp::from_millis((day + 1) * DAY_MS));
        let partition = partition(name, from);
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
        let sql = statements(&LOG_TABLES[3], now);
        let end_of_month = EventId::lowest_at("2026-03-01T00:00:00Z".parse().unwrap());
        assert!(sql.contains("CREATE TABLE events_20260228 (LIKE events"));
        assert_eq!(sql.matches(&format!("TO ('{end_of_month}')")).count(), 1);
        assert_eq!(sql.matches(&format!("FROM ('{end_of_month}')")).count(), 1);
        assert_eq!(sql.matches("CREATE TABLE").count(), 10);
    }
}
