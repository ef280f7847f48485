//! The audit log: an entry stands and falls with the transaction that it tells of, and goes with time.

use domain::audit::{Act, Actor, ActorKind, Entry, TargetKind, Verb};
use domain::{AuditId, Timestamp};
use store::audit::{AuditById, Noted, Nothing, RetainAudit};
use store::lists::InsertList;
use store::{StoreError, Tx, Work};
use ulid::Ulid;

use crate::support::{Database, NOW};

conformance!(an_entry_falls_with_its_transaction, what_is_read_is_what_was_written, what_is_old_goes);

fn entry(moment: Timestamp) -> Entry {
    let id = AuditId::from(Ulid::from_parts(moment.millis().unsigned_abs(), 1));
    let actor = Actor {
        kind: ActorKind::User,
        id: Some("usr_1".into()),
        name: Some("ada@example.com".into()),
        address: None,
        request_id: Some("call_1".into()),
    };
    let act = Act::new(TargetKind::List, Verb::Created).on(7).named("News").making(&[("name", "News")]);
    Entry { id, actor, act }
}

fn noted<W: Work>(work: W, moment: Timestamp) -> Noted<W> {
    Noted { work, note: Box::new(move |_| Some(entry(moment))) }
}

async fn count(database: &Database) -> i64 {
    database.int("SELECT COUNT(*) FROM audit_log").await
}

/// Fails behind what it was given.
struct Failing<W>(W);

impl<W: Work> Work for Failing<W> {
    type Output = W::Output;

    async fn run<T: Tx>(&self, tx: &T) -> Result<W::Output, StoreError> {
        self.0.run(tx).await?;
        Err(StoreError::StaleConfig)
    }
}

async fn an_entry_falls_with_its_transaction(database: &Database) {
    let list = || InsertList { name: "News".into(), description: String::new(), now: NOW };
    let failed = database.store.write(Failing(noted(list(), NOW))).await;
    assert!(matches!(failed, Err(StoreError::StaleConfig)));
    assert_eq!((count(database).await, database.int("SELECT COUNT(*) FROM lists").await), (0, 0));
    database.store.write(noted(list(), NOW)).await.unwrap();
    assert_eq!((count(database).await, database.int("SELECT COUNT(*) FROM lists").await), (1, 1));
}

async fn what_is_read_is_what_was_written(database: &Database) {
    database.store.write(noted(Nothing, NOW)).await.unwrap();
    let read = database.store.read(AuditById { ids: vec![entry(NOW).id] }).await.unwrap();
    assert_eq!(read, [entry(NOW)]);
}

async fn what_is_old_goes(database: &Database) {
    for day in 0..5 {
        database.store.write(noted(Nothing, NOW.plus_millis(-day * 86_400_000))).await.unwrap();
    }
    let before = NOW.plus_millis(-2 * 86_400_000);
    while database.store.write(RetainAudit { before, limit: 1 }).await.unwrap() > 0 {}
    assert_eq!(count(database).await, 3);
}
