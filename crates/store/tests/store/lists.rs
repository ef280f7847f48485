//! Lists: made, changed, deleted.

use domain::subscriber::MemberStatus;
use domain::{ListId, Subscriber};
use store::StoreError;
use store::config::LoadConfig;
use store::lists::{DeleteList, EmptyList, GetList, InsertList, ListRow, Lists, UpdateList};

use crate::samples::{full, put_subscribers};
use crate::support::{Database, NOW};

conformance!(made_and_listed, changed_if_nobody_else_did, deleted_with_its_members);

async fn make(database: &Database, name: &str) -> ListRow {
    let work = InsertList { name: name.into(), description: "ü".into(), now: NOW };
    database.store.write(work).await.unwrap()
}

async fn version(database: &Database) -> i64 {
    database.int("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'config_version'").await
}

async fn made_and_listed(database: &Database) {
    let (first, second) = (make(database, "News").await, make(database, "100% Offers").await);
    assert_eq!((first.id, second.id), (ListId(1), ListId(2)));
    assert_eq!(version(database).await, 3);
    let config = database.store.read(LoadConfig { known: 0 }).await.unwrap().unwrap();
    assert_eq!(config.lists.len(), 2);
    let mut left = full(1, "left@example.com");
    left.lists = [(ListId(1), MemberStatus::Unsubscribed)].into();
    let people = vec![left, full(2, "ada@example.com"), full(3, "bob@example.com")];
    put_subscribers_after(database, people).await;
    // On the second they are pending.
    let counted = ListRow { subscriber_count: 2, ..first.clone() };
    assert_eq!(database.store.read(GetList { id: ListId(1) }).await.unwrap(), Some(counted.clone()));
    assert_eq!(database.store.read(GetList { id: ListId(3) }).await.unwrap(), None);
    let list = async |contains: Option<&str>, before: Option<i64>| {
        let work = Lists { contains: contains.map(Into::into), before: before.map(ListId), limit: 10 };
        database.store.read(work).await.unwrap()
    };
    assert_eq!(list(None, None).await, [second.clone(), counted.clone()]);
    assert_eq!(list(None, Some(2)).await, [counted]);
    assert_eq!(list(Some("% off"), None).await, [second]);
}

/// Adds subscribers under the configuration that the lists have left.
async fn put_subscribers_after(database: &Database, people: Vec<Subscriber>) {
    let version = version(database).await;
    database.run("UPDATE meta SET value = '1' WHERE name = 'config_version'", vec![]).await;
    put_subscribers(database, people).await;
    let restore = "UPDATE meta SET value = ?1 WHERE name = 'config_version'";
    database.run(restore, store::params![version.to_string()]).await;
}

async fn changed_if_nobody_else_did(database: &Database) {
    let list = make(database, "News").await;
    let later = NOW.plus_millis(1);
    let rename = |before: &ListRow, name: &str| {
        let work =
            UpdateList { before: before.clone(), name: name.into(), description: "new".into(), now: later };
        database.store.write(work)
    };
    assert!(rename(&list, "Offers").await.unwrap());
    assert!(!rename(&list, "Other").await.unwrap());
    assert_eq!(version(database).await, 4);
    let stored = database.store.read(GetList { id: list.id }).await.unwrap().unwrap();
    let expected = ListRow { name: "Offers".into(), description: "new".into(), updated_at: later, ..list };
    assert_eq!(stored, expected);
}

async fn deleted_with_its_members(database: &Database) {
    let list = make(database, "News").await;
    let people = (1..=5).map(|id| full(id, &format!("user{id}@example.com"))).collect();
    put_subscribers_after(database, people).await;
    let empty = async || database.store.write(EmptyList { id: list.id, limit: 3 }).await.unwrap();
    assert_eq!((empty().await, empty().await, empty().await), (3, 2, 0));
    assert_eq!(database.ints("SELECT DISTINCT list_id FROM list_members").await, [2]);
    let delete = async |version, id| database.store.write(DeleteList { version, id }).await;
    assert!(matches!(delete(1, list.id).await, Err(StoreError::StaleConfig)));
    assert!(delete(2, list.id).await.unwrap());
    assert!(!delete(3, list.id).await.unwrap());
    // What was not taken off before goes with it.
    assert!(!delete(4, ListId(2)).await.unwrap());
    assert_eq!(database.int("SELECT COUNT(*) FROM list_members").await, 0);
    let config = database.store.read(LoadConfig { known: 0 }).await.unwrap().unwrap();
    assert!(config.lists.is_empty());
}
