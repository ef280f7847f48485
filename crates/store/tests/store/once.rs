//! Idempotency keys.

use store::once::{Forget, Once, OnceKey, OnceOutcome};
use store::{StoreError, Tx, Work, params};

use crate::support::{Database, NOW, turns};

conformance!(
    again_and_mismatch,
    at_the_same_time,
    what_changed_nothing_may_be_tried_again,
    a_failure_keeps_no_answer,
    forgetting
);

/// Adds a tag, and tells how many there are.
struct AddTag(String);

impl Work for AddTag {
    type Output = i64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<i64, StoreError> {
        const SQL: &str =
            "INSERT INTO tags (name, description, created_at, updated_at) VALUES (?1, '', 0, 0)";
        tx.execute(SQL, params![&self.0]).await?;
        let count = tx.query("SELECT COUNT(*) FROM tags", vec![]).await?;
        count.into_iter().next().map_or(Ok(0), |row| row.read().int())
    }
}

fn once(scope: &str, key: &str, fingerprint: &[u8], tag: &str) -> Once<AddTag> {
    let key =
        OnceKey { scope: scope.into(), key: key.into(), fingerprint: fingerprint.to_vec(), expires_at: NOW };
    Once { work: AddTag(tag.into()), key, render: Box::new(|count| Some(format!("{count} \0").into_bytes())) }
}

async fn again_and_mismatch(database: &Database) {
    let run = |scope, key, fingerprint: &[u8], tag| database.store.write(once(scope, key, fingerprint, tag));
    assert!(matches!(run("a", "k", b"\x00\xff", "t1").await.unwrap(), OnceOutcome::First(1)));
    assert!(
        matches!(run("a", "k", b"\x00\xff", "t1").await.unwrap(), OnceOutcome::Again(answer) if answer == b"1 \0")
    );
    assert!(matches!(run("a", "k", b"\x00\xfe", "t1").await.unwrap(), OnceOutcome::Mismatch));
    // Another scope, or another key, is another POST.
    assert!(matches!(run("b", "k", b"\x00\xff", "t2").await.unwrap(), OnceOutcome::First(2)));
    assert!(matches!(run("a", "l", b"\x00\xff", "t3").await.unwrap(), OnceOutcome::First(3)));
}

async fn at_the_same_time(database: &Database) {
    let turns = turns();
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let (store, turns) = (database.store.clone(), turns.clone());
            tokio::spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                store.write(once("a", "k", b"f", &format!("t{number}"))).await.unwrap()
            })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        match task.await.unwrap() {
            OnceOutcome::First(count) => {
                assert_eq!(count, 1);
                first += 1;
            }
            OnceOutcome::Again(answer) => assert_eq!(answer, b"1 \0"),
            OnceOutcome::Mismatch => panic!("the same request"),
        }
    }
    assert_eq!(first, 1);
    assert_eq!(database.int("SELECT COUNT(*) FROM tags").await, 1);
}

async fn what_changed_nothing_may_be_tried_again(database: &Database) {
    let unrendered = |tag| Once { render: Box::new(|_| None), ..once("a", "k", b"f", tag) };
    assert!(matches!(database.store.write(unrendered("t1")).await.unwrap(), OnceOutcome::First(1)));
    assert!(matches!(database.store.write(unrendered("t2")).await.unwrap(), OnceOutcome::First(2)));
}

async fn a_failure_keeps_no_answer(database: &Database) {
    database.store.write(AddTag("t1".into())).await.unwrap();
    assert!(database.store.write(once("a", "k", b"f", "t1")).await.is_err());
    assert_eq!(database.int("SELECT COUNT(*) FROM idempotency").await, 0);
    assert!(matches!(database.store.write(once("a", "k", b"f", "t2")).await.unwrap(), OnceOutcome::First(2)));
}

async fn forgetting(database: &Database) {
    for (key, expires_at) in [("a", NOW), ("b", NOW), ("c", NOW), ("d", NOW.plus_millis(1))] {
        let mut once = once("s", key, b"f", key);
        once.key.expires_at = expires_at;
        database.store.write(once).await.unwrap();
    }
    const SQL: &str =
        "INSERT INTO dedupe (webhook_id, dedupe_key, answer, expires_at) VALUES ('w', ?1, '', ?2)";
    database.run(SQL, params!["old", NOW]).await;
    database.run(SQL, params!["new", NOW.plus_millis(1)]).await;
    let forget = || database.store.write(Forget { now: NOW, limit: 2 });
    assert_eq!((forget().await.unwrap(), forget().await.unwrap(), forget().await.unwrap()), (3, 1, 0));
    assert_eq!(database.texts("SELECT idempotency_key FROM idempotency").await, ["d"]);
    assert_eq!(database.texts("SELECT dedupe_key FROM dedupe").await, ["new"]);
}
