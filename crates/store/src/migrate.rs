//! The schema, and how it comes into a database: forward only, each step once, whoever starts first.

use std::time::Duration;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Work};

/// All steps in order; the position is the version.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_foundation.sql"),
    include_str!("../migrations/0002_action_jobs.sql"),
    include_str!("../migrations/0003_payloads_of_ones_own.sql"),
    include_str!("../migrations/0004_log.sql"),
    include_str!("../migrations/0005_presets.sql"),
    include_str!("../migrations/0006_custom_fields.sql"),
    include_str!("../migrations/0007_redaction.sql"),
    include_str!("../migrations/0008_recovery.sql"),
    include_str!("../migrations/0009_event_type_versions.sql"),
    include_str!("../migrations/0010_users.sql"),
    include_str!("../migrations/0011_feed_and_request_stats.sql"),
    include_str!("../migrations/0014_webhook_health.sql"),
    include_str!("../migrations/0015_mails.sql"),
    include_str!("../migrations/0016_more_statistics.sql"),
    include_str!("../migrations/0017_people.sql"),
    // Came after those behind its number: the place is the version.
    include_str!("../migrations/0013_order.sql"),
    include_str!("../migrations/0019_audit_log.sql"),
    include_str!("../migrations/0020_missed_events.sql"),
    include_str!("../migrations/0021_resent_deliveries.sql"),
    include_str!("../migrations/0022_webhook_versions.sql"),
    include_str!("../migrations/0023_subscribers_beside_events.sql"),
    include_str!("../migrations/0024_targets_of_attempts.sql"),
];

/// Brings the schema up to date; tells how many steps that took. Runs under a lock: nodes may start at once.
pub(crate) struct Migrate {
    pub(crate) now: domain::Timestamp,
    /// A function from the portable form of a step to the database's.
    pub(crate) dialect: fn(&str) -> String,
}

/// A step may have to rewrite all data, and another node may be at it.
const TIME_LIMIT: Duration = Duration::from_secs(24 * 3_600);

impl Work for Migrate {
    type Output = usize;

    fn time_limit(&self) -> Duration {
        TIME_LIMIT
    }

    async fn run<T: Tx>(&self, tx: &T) -> Result<usize, StoreError> {
        // The number is arbitrary, and ours: 'ccsp' in ASCII. SQLite's lock is its one writer.
        tx.query(
            "/*pg: SELECT CAST(pg_advisory_xact_lock(1667462000) AS TEXT) */ /*sqlite: SELECT '' */",
            vec![],
        )
        .await?;
        tx.execute("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)", vec![]).await?;
        let found = tx.query("SELECT COALESCE(MAX(version), 0) FROM migrations", vec![]).await?;
        let found = found.into_iter().next().map_or(Ok(0), |row| row.read().int())?;
        let known = MIGRATIONS.len() as i64;
        if found > known {
            return Err(StoreError::TooNew { found, known });
        }
        let missing = &MIGRATIONS[usize::try_from(found).unwrap_or(0)..];
        for (step, sql) in missing.iter().enumerate() {
            for statement in statements(&(self.dialect)(sql)) {
                tx.execute(statement, vec![]).await?;
            }
            tx.execute(
                "INSERT INTO migrations (version, applied_at) VALUES (?1, ?2)",
                params![found + step as i64 + 1, self.now],
            )
            .await?;
        }
        Ok(missing.len())
    }
}

/// The statements of a step. Ours have no semicolon inside a statement.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(';').map(str::trim).filter(|statement| {
        statement.lines().any(|line| {
            !line.trim().is_empty() && !line.trim_start().starts_with("--") && !line.trim().starts_with("/*")
        })
    })
}
