//! How destinations do, as it is kept.

use std::sync::Arc;

use delivery::Health;
use domain::log::{CancelReason, DeliveryStatus};
use domain::outgoing::OutgoingSettings;
use domain::{OutgoingWebhook, Timestamp};
use store::commit::{NewDelivery, Writes};
use store::health::{ClaimProbe, Disabled, HealthRow, LoadHealth, ProbeSoon};
use store::params;
use store::queue::{CancelWaiting, Claim};
use store::record::{AttemptRow, Record};

use crate::samples::{attempt, delivery, event, leased, webhook};
use crate::support::{Database, NOW};

conformance!(
    what_attempts_change_is_kept,
    nodes_that_record_at_once_count_together,
    one_node_probes,
    nothing_due_is_no_probe,
    a_webhook_is_deactivated_by_the_configuration_it_was_decided_by,
);

async fn rows(database: &Database) -> Vec<HealthRow> {
    database.store.read(LoadHealth { webhooks: None }).await.unwrap()
}

/// Counts failures, and forgets them when one arrives.
fn count(row: &HealthRow, attempt: &AttemptRow) -> HealthRow {
    if attempt.status == DeliveryStatus::Delivered {
        return HealthRow::well(row.webhook_id.clone());
    }
    let failures = row.health.failures + 1;
    HealthRow {
        health: Health { failures, ..row.health.clone() },
        last_error_code: Some("timeout".into()),
        ..row.clone()
    }
}

async fn record(database: &Database, attempts: Vec<AttemptRow>) -> Vec<HealthRow> {
    database.store.write(Record { node: "n1".into(), attempts: attempts.into(), judge: count }).await.unwrap()
}

async fn what_attempts_change_is_kept(database: &Database) {
    let (a, b) = (webhook('a'), webhook('b'));
    let attempt = async |to, status| attempt(leased(database, to, "n1").await, to.clone(), 1, status);
    let (failed, well) = (DeliveryStatus::Retrying, DeliveryStatus::Delivered);
    let batch = vec![attempt(&a, failed).await, attempt(&b, well).await, attempt(&a, failed).await];
    let changed = record(database, batch).await;
    assert_eq!((changed.len(), changed[0].health.failures), (1, 2), "of those that do well there is nothing");
    assert_eq!(rows(database).await, changed);
    let full = HealthRow {
        webhook_id: a.clone(),
        health: Health {
            failing_since: Some(1),
            failures: 2,
            last_failure_at: Some(3),
            down_since: Some(4),
            down: 5,
            opened_at: Some(6),
            probes: 7,
            probe_at: Some(8),
            probing_since: Some(9),
            warned_at: Some(10),
            recovered_at: Some(11),
            is_gone: true,
        },
        last_http_status: Some(503),
        last_error_code: Some("http_status".into()),
    };
    let written = full.clone();
    database.put(move || Writes { health: vec![written.clone()], ..Writes::default() }).await;
    assert_eq!(rows(database).await, [full]);
    assert_eq!(record(database, vec![attempt(&a, well).await]).await, [HealthRow::well(a)]);
    assert_eq!(rows(database).await, []);
}

async fn nodes_that_record_at_once_count_together(database: &Database) {
    let mut tasks = Vec::new();
    // There is a row: whoever is the first to fail may be counted once for two.
    let id = leased(database, &webhook('a'), "n1").await;
    record(database, vec![attempt(id, webhook('a'), 1, DeliveryStatus::Retrying)]).await;
    for node in ["n1", "n2", "n3", "n4"] {
        for _ in 0..4 {
            let id = leased(database, &webhook('a'), node).await;
            let attempts = vec![attempt(id, webhook('a'), 1, DeliveryStatus::Retrying)];
            let (store, work) = (
                database.store.clone(),
                Record { node: node.into(), attempts: attempts.into(), judge: count },
            );
            tasks.push(tokio::spawn(async move { store.write(work).await.unwrap() }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(rows(database).await[0].health.failures, 17);
}

async fn enqueue(database: &Database, due_at: Timestamp) {
    let told = event(database.id(), "order_paid");
    let new: NewDelivery = delivery(database, &told, webhook('a'), due_at);
    database
        .put(move || Writes {
            events: vec![told.clone()],
            deliveries: vec![new.clone()],
            ..Writes::default()
        })
        .await;
}

/// With an open circuit, and a probe due now.
async fn open(database: &Database) -> HealthRow {
    let health = Health { opened_at: Some(1), probe_at: Some(NOW.millis()), ..Health::default() };
    let row = HealthRow { health, ..HealthRow::well(webhook('a')) };
    let written = row.clone();
    database.put(move || Writes { health: vec![written.clone()], ..Writes::default() }).await;
    row
}

fn claim_probe(seen: &HealthRow, node: &str) -> ClaimProbe {
    let claim = Claim { wants: vec![(webhook('a'), 1)], node: node.into(), now: NOW };
    ClaimProbe { seen: seen.clone(), probing: seen.health.probing(NOW.millis()), claim }
}

async fn one_node_probes(database: &Database) {
    for _ in 0..3 {
        enqueue(database, NOW).await;
    }
    let seen = open(database).await;
    let store = Arc::new(database.store.clone());
    let claims = ["n1", "n2", "n3", "n4"].map(|node| {
        let (store, work) = (store.clone(), claim_probe(&seen, node));
        tokio::spawn(async move { store.write(work).await.unwrap() })
    });
    let mut probes = 0;
    for claim in claims {
        probes += usize::from(claim.await.unwrap().is_some());
    }
    assert_eq!(probes, 1);
    assert_eq!(database.int("SELECT COUNT(*) FROM deliveries WHERE node IS NOT NULL").await, 1);
    assert_eq!(rows(database).await[0].health, seen.health.probing(NOW.millis()));
    // Who is at it is not told to hurry.
    database.store.write(ProbeSoon { webhook_id: webhook('a') }).await.unwrap();
    assert_eq!(rows(database).await[0].health, seen.health.probing(NOW.millis()));
}

async fn nothing_due_is_no_probe(database: &Database) {
    enqueue(database, NOW.plus_millis(1)).await;
    let seen = open(database).await;
    assert!(database.store.write(claim_probe(&seen, "n1")).await.unwrap().is_none());
    assert_eq!(rows(database).await, [seen]);
    database.store.write(ProbeSoon { webhook_id: webhook('a') }).await.unwrap();
    assert_eq!(rows(database).await[0].health.probe_at, Some(0));
}

async fn a_webhook_is_deactivated_by_the_configuration_it_was_decided_by(database: &Database) {
    const SQL: &str = "INSERT INTO outgoing_webhooks (id, settings, secrets, created_at, updated_at) VALUES (?1, ?2, ?3, 0, 0)";
    let settings =
        r#"{"name":"Shop","url":"https://example.com/","events":["order_paid"],"status":"inactive"}"#;
    database
        .run(SQL, params![webhook('a').to_string(), settings.replace("inactive", "active"), vec![1_u8]])
        .await;
    enqueue(database, NOW).await;
    let webhook = OutgoingWebhook {
        id: webhook('a'),
        settings: serde_json::from_str::<OutgoingSettings>(settings).unwrap(),
        disabled_reason: Some("Nothing but failure".into()),
        created_at: NOW,
        updated_at: NOW,
    };
    let version = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'config_version'";
    let before = database.int(version).await;
    let disabled = Disabled { version: before, webhook: webhook.clone() };
    database.put(move || Writes { disabled: vec![disabled.clone()], ..Writes::default() }).await;
    assert_eq!(database.int(version).await, before + 1);
    let reasons = "SELECT COALESCE(disabled_reason, '') FROM outgoing_webhooks";
    assert_eq!(database.texts(reasons).await, ["Nothing but failure"]);
    let cancel = async |seen| {
        let reason = CancelReason::WebhookDisabled;
        let cancel = CancelWaiting { webhook_id: webhook.id.clone(), seen, reason, limit: 10 };
        database.store.write(cancel).await.unwrap()
    };
    assert_eq!(cancel(Some(NOW.plus_millis(-1))).await, 0, "it is not as it was seen any more");
    assert_eq!(cancel(None).await, 0, "it is there");
    assert_eq!(cancel(Some(NOW)).await, 1);
    assert_eq!(database.texts("SELECT cancel_reason FROM deliveries").await, ["webhook_disabled"]);
}
