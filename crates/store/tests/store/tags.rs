//! Tags: made, described, deleted.

use store::tags::{DeleteTag, DescribeTag, GetTag, InsertTag, TagDeleted, TagRow, Tags};

use crate::samples::{full, put_subscribers};
use crate::support::{Database, NOW};

conformance!(made_described_and_deleted, listed_in_pages);

async fn made_described_and_deleted(database: &Database) {
    let insert = |name: &str| {
        database.store.write(InsertTag { name: name.into(), description: "first".into(), now: NOW })
    };
    let delete = |name: &str| database.store.write(DeleteTag { name: name.into() });
    let get = |name: &str| database.store.read(GetTag { name: name.into() });
    assert!(insert("web").await.unwrap());
    assert!(!insert("web").await.unwrap());
    assert!(insert("Web").await.unwrap());
    put_subscribers(database, vec![full(1, "ada@example.com"), full(2, "bob@example.com")]).await;
    let later = NOW.plus_millis(1);
    let describe = |name: &str| {
        database.store.write(DescribeTag { name: name.into(), description: "second".into(), now: later })
    };
    assert!(describe("web").await.unwrap());
    assert!(!describe("nothing").await.unwrap());
    let expected = TagRow {
        name: "web".into(),
        description: "second".into(),
        created_at: NOW,
        updated_at: later,
        subscriber_count: 2,
    };
    assert_eq!(get("web").await.unwrap(), Some(expected));
    assert_eq!(get("nothing").await.unwrap(), None);
    assert_eq!(delete("web").await.unwrap(), TagDeleted::InUse);
    assert_eq!(delete("Web").await.unwrap(), TagDeleted::Deleted);
    assert_eq!(delete("Web").await.unwrap(), TagDeleted::NotFound);
    assert!(get("web").await.unwrap().is_some());
}

async fn listed_in_pages(database: &Database) {
    for (name, millis) in [("a:b", 0), ("b", 0), ("c", 5), ("d", -5)] {
        let work = InsertTag { name: name.into(), description: String::new(), now: NOW.plus_millis(millis) };
        database.store.write(work).await.unwrap();
    }
    let (mut before, mut names) = (None, Vec::new());
    loop {
        let page = database.store.read(Tags { contains: None, before, limit: 1 }).await.unwrap();
        let [tag] = page.as_slice() else { break };
        names.push(tag.name.clone());
        before = Some(tag.place().to_string().parse().unwrap());
    }
    assert_eq!(names, ["c", "b", "a:b", "d"]);
    let found = Tags { contains: Some(":B".into()), before: None, limit: 9 };
    assert_eq!(database.store.read(found).await.unwrap().len(), 1);
}
