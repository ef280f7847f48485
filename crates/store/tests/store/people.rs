//! Subscribers, looked up and listed.

use domain::subscriber::MemberStatus;
use domain::{ListId, Named, Status, Subscriber, SubscriberId};
use serde_json::json;
use store::people::{GetNamed, GetSubscriber, ListSubscribers, SubscriberFilter};

use crate::samples::{full, put_subscribers, subscriber};
use crate::support::Database;

conformance!(looked_up, listed_in_pages, filtered, filters_together, found_by_custom_field);

async fn looked_up(database: &Database) {
    let ada = full(7, "ada@example.com");
    put_subscribers(database, vec![ada.clone(), subscriber(8, "bob@example.com")]).await;
    let get = |id| database.store.read(GetSubscriber { id: SubscriberId(id) });
    assert_eq!(get(7).await.unwrap(), Some(ada.clone()));
    assert_eq!(get(9).await.unwrap(), None);
    let named = |named| database.store.read(GetNamed { named });
    assert_eq!(named(Named::Id(SubscriberId(7))).await.unwrap(), Some(ada.clone()));
    assert_eq!(named(Named::Email("Ada@example.com".parse().unwrap())).await.unwrap(), Some(ada));
    assert_eq!(named(Named::Email("eve@example.com".parse().unwrap())).await.unwrap(), None);
}

async fn list(
    database: &Database,
    filter: SubscriberFilter,
    before: Option<i64>,
    limit: usize,
) -> Vec<Subscriber> {
    let work = ListSubscribers { filter, before: before.map(SubscriberId), limit };
    database.store.read(work).await.unwrap()
}

async fn ids(database: &Database, filter: SubscriberFilter) -> Vec<i64> {
    list(database, filter, None, 10).await.iter().map(|subscriber| subscriber.id.0).collect()
}

async fn listed_in_pages(database: &Database) {
    let all: Vec<Subscriber> = (1..=5).map(|id| full(id, &format!("user{id}@example.com"))).collect();
    put_subscribers(database, all.clone()).await;
    for filter in [
        SubscriberFilter::default(),
        SubscriberFilter { tag: Some("web".into()), ..Default::default() },
        SubscriberFilter { list: Some(ListId(1)), ..Default::default() },
    ] {
        assert_eq!(list(database, filter.clone(), None, 2).await, [all[4].clone(), all[3].clone()]);
        assert_eq!(list(database, filter.clone(), Some(4), 2).await, [all[2].clone(), all[1].clone()]);
        assert_eq!(list(database, filter.clone(), Some(2), 2).await, [all[0].clone()]);
        assert!(list(database, filter, Some(1), 2).await.is_empty());
    }
}

async fn filtered(database: &Database) {
    let mut ada = full(1, "ada@example.com");
    ada.tags = ["vip".into()].into();
    let mut bob = subscriber(2, "bob_50%@example.org");
    bob.status = Status::Bounced;
    bob.lists = [(ListId(2), MemberStatus::Unsubscribed)].into();
    let eve = subscriber(3, "eve@example.com");
    put_subscribers(database, vec![ada, bob, eve]).await;
    let by = SubscriberFilter::default;
    assert_eq!(ids(database, by()).await, [3, 2, 1]);
    assert_eq!(ids(database, SubscriberFilter { email: "eve@example.com".parse().ok(), ..by() }).await, [3]);
    assert_eq!(ids(database, SubscriberFilter { status: Some(Status::Bounced), ..by() }).await, [2]);
    assert_eq!(ids(database, SubscriberFilter { status: Some(Status::Subscribed), ..by() }).await, [3, 1]);
    assert_eq!(ids(database, SubscriberFilter { list: Some(ListId(2)), ..by() }).await, [2, 1]);
    assert_eq!(ids(database, SubscriberFilter { list: Some(ListId(9)), ..by() }).await, [0; 0]);
    assert_eq!(ids(database, SubscriberFilter { tag: Some("vip".into()), ..by() }).await, [1]);
    for (part, expected) in [
        ("EXAMPLE.COM", vec![3, 1]),
        ("Lovelace", vec![1]),
        ("da lov", vec![1]),
        ("_50%", vec![2]),
        ("%", vec![2]),
        ("_", vec![2]),
        ("\\", vec![]),
        ("'", vec![]),
    ] {
        let contains = Some(part.to_owned());
        assert_eq!(ids(database, SubscriberFilter { contains, ..by() }).await, expected, "{part}");
    }
}

async fn filters_together(database: &Database) {
    let mut gone = full(2, "gone@example.com");
    gone.status = Status::Unsubscribed;
    let mut untagged = full(3, "untagged@example.com");
    untagged.tags.clear();
    put_subscribers(database, vec![full(1, "ada@example.com"), gone, untagged]).await;
    let all = SubscriberFilter {
        email: None,
        status: Some(Status::Unsubscribed),
        list: Some(ListId(1)),
        tag: Some("web".into()),
        contains: Some("example".into()),
        custom_field: None,
    };
    assert_eq!(ids(database, all.clone()).await, [2]);
    assert_eq!(ids(database, SubscriberFilter { status: None, ..all.clone() }).await, [2, 1]);
    assert_eq!(ids(database, SubscriberFilter { list: Some(ListId(3)), ..all }).await, [0; 0]);
}

async fn found_by_custom_field(database: &Database) {
    let with = |id: i64, name: &str, value: serde_json::Value| {
        let mut subscriber = subscriber(id, &format!("user{id}@example.com"));
        subscriber.custom_fields.insert(name.to_owned(), value);
        subscriber
    };
    let all = vec![
        with(1, "plan", json!("Pro")),
        with(2, "plan", json!(["pro", "beta \"x\""])),
        with(3, "plan", json!("professional")),
        with(4, "seats", json!(7)),
        with(5, "vip", json!(true)),
        with(6, "plan", json!("nul \u{0}")),
        with(7, "it's (odd) $x", json!("50%")),
    ];
    put_subscribers(database, all).await;
    for (name, value, expected) in [
        ("plan", Some("pro"), vec![2, 1]),
        ("plan", Some("beta \"x\""), vec![2]),
        ("plan", Some("%"), vec![]),
        ("seats", Some("7"), vec![4]),
        ("vip", Some("true"), vec![5]),
        ("vip", Some("1"), vec![]),
        ("seats", None, vec![4]),
        ("it's (odd) $x", Some("50%"), vec![7]),
        ("nothing", None, vec![]),
    ] {
        let custom_field = Some((name.to_owned(), value.map(str::to_owned)));
        let filter = SubscriberFilter { custom_field, ..SubscriberFilter::default() };
        assert_eq!(ids(database, filter).await, expected, "{name} {value:?}");
    }
}
