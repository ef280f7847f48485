//! The transaction of a batch: what it loads, what it writes, and that it does all or nothing.

use domain::roster::Changed;
use domain::subscriber::MemberStatus;
use domain::{ListId, Named, Status, Subscriber, SubscriberId};
use serde_json::json;
use store::StoreError;
use store::commit::{DedupeAnswer, DedupeKey, Found, Needs, NewDelivery, RequestRow, Writes};

use crate::samples::{added, delivery, event, full, put_subscribers, request, subscriber, webhook};
use crate::support::{Database, NOW, Run, commit, plan};

conformance!(
    a_new_subscriber_comes_back_whole,
    changes_are_written,
    a_deleted_subscriber_leaves_nothing,
    found_by_id_or_address,
    ids_are_reserved_for_who_is_not_there,
    who_is_only_looked_at_is_loaded_without_an_id,
    logs_are_written,
    an_answer_is_remembered_once,
    another_configuration_is_refused,
    a_failed_batch_leaves_nothing,
);

async fn change(database: &Database, before: &Subscriber, after: Option<Subscriber>) {
    let before = before.clone();
    let changed = move || vec![Changed { before: Some(before.clone()), after: after.clone() }];
    database.put(move || Writes { subscribers: changed(), ..Writes::default() }).await;
}

async fn a_new_subscriber_comes_back_whole(database: &Database) {
    let (ada, bob) = (full(1, "ada@example.com"), subscriber(2, "bob@example.com"));
    put_subscribers(database, vec![ada.clone(), bob.clone()]).await;
    assert_eq!(database.load(&["ada@example.com", "bob@example.com", "eve@example.com"]).await, [ada, bob]);
    assert_eq!(database.texts("SELECT name FROM tags ORDER BY name").await, ["VIP ✓", "web"]);
    assert_eq!(database.ints("SELECT created_at FROM tags").await, [NOW.millis(); 2]);
}

async fn changes_are_written(database: &Database) {
    let before = full(1, "ada@example.com");
    put_subscribers(database, vec![before.clone()]).await;
    let mut after = before.clone();
    after.email = "ada@example.org".parse().unwrap();
    (after.first_name, after.last_name, after.confirmed_at) = (None, Some("King".into()), None);
    after.status = Status::Unsubscribed;
    after.custom_fields = json!({"plan": "free"}).as_object().unwrap().clone();
    after.lists = [(ListId(2), MemberStatus::Unsubscribed), (ListId(3), MemberStatus::Subscribed)].into();
    after.tags = ["web".into(), "new".into()].into();
    after.updated_at = NOW.plus_millis(5);
    change(database, &before, Some(after.clone())).await;
    assert_eq!(database.load(&["ada@example.com", "ada@example.org"]).await, [after.clone()]);
    // Who has nothing any more has nothing stored.
    let bare = Subscriber { lists: [].into(), tags: [].into(), ..after.clone() };
    change(database, &after, Some(bare.clone())).await;
    assert_eq!(database.load(&["ada@example.org"]).await, [bare]);
    assert_eq!(database.int("SELECT COUNT(*) FROM list_members").await, 0);
}

async fn a_deleted_subscriber_leaves_nothing(database: &Database) {
    let (ada, bob) = (full(1, "ada@example.com"), full(2, "bob@example.com"));
    put_subscribers(database, vec![ada.clone(), bob.clone()]).await;
    change(database, &ada, None).await;
    assert_eq!(database.load(&["ada@example.com", "bob@example.com"]).await, [bob]);
    assert_eq!(database.ints("SELECT DISTINCT subscriber_id FROM subscriber_tags").await, [2]);
    assert_eq!(database.ints("SELECT DISTINCT subscriber_id FROM list_members").await, [2]);
    assert_eq!(database.int("SELECT COUNT(*) FROM tags").await, 2);
}

async fn found_by_id_or_address(database: &Database) {
    put_subscribers(database, vec![full(1, "z@x.org"), full(2, "m@x.org"), full(3, "b@x.org")]).await;
    let needs = || Needs {
        emails: vec!["z@x.org".parse().unwrap(), "q@x.org".parse().unwrap()],
        subscribers: vec![SubscriberId(1), SubscriberId(3), SubscriberId(9)],
        ..Needs::default()
    };
    let found =
        commit(&database.store, plan(needs, |found: Found| Ok((Writes::default(), found)))).await.unwrap();
    assert_eq!(found.subscribers, [full(3, "b@x.org"), full(1, "z@x.org")]);
    // One for q@x.org, and one for each address that may become free.
    assert_eq!(found.free_ids.len(), 1 + 3);
}

async fn who_is_only_looked_at_is_loaded_without_an_id(database: &Database) {
    put_subscribers(database, vec![full(1, "z@x.org"), full(2, "m@x.org"), full(3, "b@x.org")]).await;
    let needs = || Needs {
        emails: vec!["b@x.org".parse().unwrap()],
        looked_at: vec![
            Named::Id(SubscriberId(1)),
            Named::Id(SubscriberId(1)),
            Named::Id(SubscriberId(9)),
            Named::Email("m@x.org".parse().unwrap()),
            Named::Email("q@x.org".parse().unwrap()),
        ],
        ..Needs::default()
    };
    let found =
        commit(&database.store, plan(needs, |found: Found| Ok((Writes::default(), found)))).await.unwrap();
    assert_eq!(found.subscribers, [full(3, "b@x.org"), full(2, "m@x.org"), full(1, "z@x.org")]);
    assert_eq!(found.free_ids, []);
}

async fn ids_are_reserved_for_who_is_not_there(database: &Database) {
    let reserve = |emails: &'static [&str]| {
        let needs = move || Needs {
            emails: emails.iter().map(|email| email.parse().unwrap()).collect(),
            ..Needs::default()
        };
        commit(&database.store, plan(needs, |found: Found| Ok((Writes::default(), found.free_ids))))
    };
    let first = reserve(&["a@x.org", "b@x.org"]).await.unwrap();
    put_subscribers(database, vec![subscriber(first[0].0, "a@x.org")]).await;
    let second = reserve(&["a@x.org", "b@x.org"]).await.unwrap();
    assert_eq!((first.len(), second.len()), (2, 1));
    assert!(first.iter().all(|id| id.0 > 0 && *id != second[0]));
    assert!(reserve(&["a@x.org"]).await.unwrap().is_empty());
}

async fn logs_are_written(database: &Database) {
    let mut told = event(database.id(), "order_paid");
    let row = request(database, webhook('a'), r#"{"data":"ü"}"#);
    told.request_id = Some(row.id);
    let waits = delivery(database, &told, webhook('b'), NOW);
    let leased = NewDelivery { node: Some("node-1".into()), ..delivery(database, &told, webhook('c'), NOW) };
    let again = RequestRow { attempts: 2, response_status: 422, response_body: "no".into(), ..row.clone() };
    database
        .put(move || Writes {
            events: vec![told.clone()],
            deliveries: vec![waits.clone(), leased.clone()],
            requests: vec![row.clone()],
            ..Writes::default()
        })
        .await;
    database.put(move || Writes { retried: vec![again.clone()], ..Writes::default() }).await;
    assert_eq!(database.ints("SELECT attempts FROM requests").await, [2]);
    assert_eq!(database.ints("SELECT response_status FROM requests").await, [422]);
    assert_eq!(database.texts("SELECT payload FROM requests").await, [r#"{"data":"ü"}"#]);
    assert_eq!(
        database.texts("SELECT e.event_type FROM events e JOIN requests r ON r.id = e.request_id").await,
        ["order_paid"]
    );
    assert_eq!(
        database.texts("SELECT status FROM deliveries ORDER BY webhook_id").await,
        ["pending", "pending"]
    );
    assert_eq!(
        database.texts("SELECT COALESCE(node, '-') FROM deliveries ORDER BY webhook_id").await,
        ["-", "node-1"]
    );
    assert_eq!(database.ints("SELECT due_at FROM deliveries").await, [NOW.millis(); 2]);
}

async fn an_answer_is_remembered_once(database: &Database) {
    let key = |letter| DedupeKey { webhook_id: webhook(letter), key: "msg_1".into() };
    let remember = move |letter, answer: &'static str| {
        move || Writes {
            dedupe: vec![(key(letter), DedupeAnswer { answer: answer.into(), expires_at: NOW })],
            ..Writes::default()
        }
    };
    database.put(remember('a', "first")).await;
    database.put(remember('b', "other")).await;
    let needs = move || Needs {
        dedupe: vec![key('a'), key('b'), key('c'), DedupeKey { key: "msg_2".into(), ..key('a') }],
        ..Needs::default()
    };
    let found = commit(&database.store, plan(needs, |found: Found| Ok((Writes::default(), found.dedupe))))
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[&key('a')].as_str(), found[&key('b')].as_str()), ("first", "other"));
    let blind = remember('a', "second");
    let again = commit(&database.store, plan(Needs::default, move |_| Ok((blind(), ())))).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    assert_eq!(database.texts("SELECT answer FROM dedupe ORDER BY webhook_id").await, ["first", "other"]);
}

async fn another_configuration_is_refused(database: &Database) {
    let under = |version| {
        let needs = move || Needs { config_version: version, ..Needs::default() };
        let writes = || Writes { subscribers: vec![added(subscriber(1, "a@x.org"))], ..Writes::default() };
        commit(&database.store, plan(needs, move |_| Ok((writes(), ()))))
    };
    assert!(matches!(under(2).await, Err(StoreError::StaleConfig)));
    assert_eq!(database.int("SELECT COUNT(*) FROM subscribers").await, 0);
    database.run("UPDATE meta SET value = '2' WHERE name = 'config_version'", vec![]).await;
    assert!(under(2).await.is_ok());
    assert!(matches!(under(1).await, Err(StoreError::StaleConfig)));
}

async fn a_failed_batch_leaves_nothing(database: &Database) {
    let twice = event(database.id(), "order_paid");
    let row = request(database, webhook('a'), "{}");
    let writes = {
        let (event, row) = (twice.clone(), row.clone());
        move || Writes {
            subscribers: vec![added(full(1, "ada@example.com"))],
            events: vec![event.clone()],
            requests: vec![row.clone()],
            ..Writes::default()
        }
    };
    // Whatever fails, the event, which is there already, or the decision.
    database.put(move || Writes { events: vec![twice.clone()], ..Writes::default() }).await;
    let refused = writes.clone();
    assert!(commit(&database.store, plan(Needs::default, move |_| Ok((refused(), ())))).await.is_err());
    let undecided = plan(Needs::default, |_: Found| Err::<(Writes, ()), _>(StoreError::Conflict));
    assert!(commit(&database.store, undecided).await.is_err());
    for table in
        ["SELECT COUNT(*) FROM subscribers", "SELECT COUNT(*) FROM tags", "SELECT COUNT(*) FROM requests"]
    {
        assert_eq!(database.int(table).await, 0, "{table}");
    }
    // A statement that the database refuses, and then one that it takes, on the same connections.
    let nonsense = Run { sql: "DELETE FROM nowhere", params: vec![] };
    assert!(matches!(database.store.write(nonsense).await, Err(StoreError::Database(_))));
    database.run("DELETE FROM events", vec![]).await;
    database.put(writes).await;
    assert_eq!(database.int("SELECT COUNT(*) FROM subscribers").await, 1);
}
