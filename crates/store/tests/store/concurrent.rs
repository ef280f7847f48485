//! Many at once, on the same rows.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use domain::roster::Changed;
use domain::subscriber::MemberStatus;
use domain::{ListId, Roster, Subscriber};
use futures_util::try_join;
use store::commit::{DedupeAnswer, DedupeKey, Found, Needs, Writes};
use store::tasks::{InsertTasks, RUNNING, TaskRow};
use store::{Sequence, StoreError, Tx, Work};

use crate::samples::{subscriber, webhook};
use crate::support::{Database, Look, NOW, commit, plan, turns};

/// How many at once.
const TASKS: usize = 64;

conformance!(
    the_same_new_subscriber_is_added_once,
    no_change_of_a_subscriber_is_lost,
    many_new_subscribers_in_one_order,
    the_same_request_is_acted_upon_once,
    a_number_is_given_out_once,
    one_task_begins_on_a_log,
    reads_see_one_state,
    what_is_asked_at_once_arrives_in_that_order,
);

/// Adds who is not there, and gives everyone of them a tag.
fn tag_all(emails: Vec<String>, tag: String) -> impl store::commit::Decide<Answer = Vec<i64>> {
    let emails: Arc<[domain::Email]> = emails.iter().map(|email| email.parse().unwrap()).collect();
    let wanted = emails.clone();
    let needs = move || Needs { emails: wanted.to_vec(), ..Needs::default() };
    plan(needs, move |found: Found| {
        let mut roster = Roster::new(found.subscribers, found.free_ids);
        let mut ids = Vec::new();
        for email in emails.iter() {
            let mut one = match roster.find(email) {
                Some(known) => Subscriber::clone(known),
                None => subscriber(roster.take_id().ok_or(StoreError::Conflict)?.0, email.as_str()),
            };
            one.tags.insert(tag.clone());
            one.lists.insert(ListId(1), MemberStatus::Subscribed);
            ids.push(one.id.0);
            roster.put(one);
        }
        let subscribers: Vec<Changed> = roster.into_changes();
        Ok((Writes { subscribers, ..Writes::default() }, ids))
    })
}

async fn all_at_once(database: &Database, task: impl Fn(usize) -> (Vec<String>, String)) -> Vec<Vec<i64>> {
    let turns = turns();
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let (store, turns, (emails, tag)) = (database.store.clone(), turns.clone(), task(number));
            tokio::spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                commit(&store, tag_all(emails, tag)).await.unwrap()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn one_task_begins_on_a_log(database: &Database) {
    let begin = |number: usize| {
        let task = TaskRow {
            id: format!("task_{number}"),
            kind: "send_missed".to_owned(),
            params: "{}".to_owned(),
            webhook_id: Some(webhook('a')),
            state: RUNNING.to_owned(),
            total: 1,
            done: 0,
            failed: 0,
            cursor: None,
            detail: None,
            created_at: NOW,
            updated_at: NOW,
        };
        let store = database.store.clone();
        let insert = InsertTasks { tasks: vec![task], alone_among: &["send_missed"] };
        tokio::spawn(async move { store.write(insert).await.unwrap().tasks.len() })
    };
    let tasks: Vec<_> = (0..8).map(begin).collect();
    let mut begun = 0;
    for task in tasks {
        begun += task.await.unwrap();
    }
    assert_eq!(begun, 1);
}

async fn the_same_new_subscriber_is_added_once(database: &Database) {
    let answers = all_at_once(database, |_| (vec!["ada@example.com".into()], "web".into())).await;
    let ids: HashSet<i64> = answers.into_iter().flatten().collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(database.ints("SELECT id FROM subscribers").await, ids.into_iter().collect::<Vec<_>>());
    assert_eq!(database.texts("SELECT tag FROM subscriber_tags").await, ["web"]);
    assert_eq!(database.int("SELECT COUNT(*) FROM list_members").await, 1);
}

async fn no_change_of_a_subscriber_is_lost(database: &Database) {
    all_at_once(database, |number| (vec!["ada@example.com".into()], format!("tag-{number}"))).await;
    let [ada] = database.load(&["ada@example.com"]).await.try_into().unwrap();
    let expected: BTreeSet<String> = (0..TASKS).map(|number| format!("tag-{number}")).collect();
    assert_eq!(ada.tags, expected);
}

async fn many_new_subscribers_in_one_order(database: &Database) {
    // Each batch shares most of its addresses with its neighbours.
    all_at_once(database, |number| {
        let emails = (number..number + 8).map(|n| format!("user{n:03}@example.com")).collect();
        (emails, format!("tag-{}", number % 4))
    })
    .await;
    assert_eq!(database.int("SELECT COUNT(*) FROM subscribers").await, TASKS as i64 + 7);
    assert_eq!(database.int("SELECT COUNT(*) FROM tags").await, 4);
    // The middle ones were in eight batches in a row, and so have all four tags.
    let [middle] = database.load(&["user032@example.com"]).await.try_into().unwrap();
    assert_eq!(middle.tags.len(), 4);
}

async fn the_same_request_is_acted_upon_once(database: &Database) {
    let key = || DedupeKey { webhook_id: webhook('a'), key: "msg_1".into() };
    let turns = turns();
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let (store, turns) = (database.store.clone(), turns.clone());
            let needs = move || Needs { dedupe: vec![key()], ..Needs::default() };
            let batch = plan(needs, move |found: Found| {
                if let Some(first) = found.dedupe.get(&key()) {
                    return Ok((Writes::default(), first.clone()));
                }
                let answer = format!("answer {number}");
                let remembered = DedupeAnswer { answer: answer.clone(), expires_at: NOW };
                Ok((Writes { dedupe: vec![(key(), remembered)], ..Writes::default() }, answer))
            });
            tokio::spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                commit(&store, batch).await.unwrap()
            })
        })
        .collect();
    let mut answers = HashSet::new();
    for task in tasks {
        answers.insert(task.await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(database.int("SELECT COUNT(*) FROM dedupe").await, 1);
}

struct Reserve(Sequence, usize);

impl Work for Reserve {
    type Output = Vec<i64>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<i64>, StoreError> {
        tx.reserve(self.0, self.1).await
    }
}

async fn a_number_is_given_out_once(database: &Database) {
    let other = store::Store::open(&database.location).unwrap();
    let turns = turns();
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
            let turns = turns.clone();
            tokio::spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                store.write(Reserve(Sequence::Subscribers, 1 + number * 10)).await.unwrap()
            })
        })
        .collect();
    let (mut given, mut count) = (HashSet::new(), 0);
    for (number, task) in tasks.into_iter().enumerate() {
        let numbers = task.await.unwrap();
        assert_eq!(numbers.len(), 1 + number * 10);
        assert!(numbers.iter().all(|number| *number > 0));
        count += numbers.len();
        given.extend(numbers);
    }
    assert_eq!(given.len(), count);
    let lists = database.store.write(Reserve(Sequence::Lists, 2)).await.unwrap();
    assert_eq!(lists.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));
}

/// Reads the same twice, with others writing in between.
struct ReadTwice;

impl Work for ReadTwice {
    type Output = (i64, i64);

    async fn run<T: Tx>(&self, tx: &T) -> Result<(i64, i64), StoreError> {
        const SQL: &str = "SELECT COUNT(*) FROM subscribers";
        let count = async || {
            let rows = tx.query(SQL, vec![]).await?;
            rows.into_iter().next().map_or(Ok(-1), |row| row.read().int())
        };
        let first = count().await?;
        // Something slow in between.
        tx.query("SELECT COUNT(*) FROM meta a, meta b, migrations c", vec![]).await?;
        Ok((first, count().await?))
    }
}

async fn reads_see_one_state(database: &Database) {
    let writer = {
        let store = database.store.clone();
        tokio::spawn(async move {
            for number in 0..100 {
                let batch = tag_all(vec![format!("user{number}@example.com")], "web".into());
                commit(&store, batch).await.unwrap();
            }
        })
    };
    let mut last = 0;
    while !writer.is_finished() {
        let (first, second) = database.store.read(ReadTwice).await.unwrap();
        assert_eq!(first, second);
        assert!(first >= last, "what was read once stays");
        last = first;
    }
    writer.await.unwrap();
    // What a write has returned, the next read sees.
    let count =
        Look { sql: "SELECT COUNT(*) FROM subscribers", params: vec![], read: |row| row.read().int() };
    assert_eq!(database.store.read(count).await.unwrap(), [100]);
    // A read can't write.
    let write = crate::support::Run { sql: "DELETE FROM subscribers", params: vec![] };
    assert!(database.store.read(write).await.is_err());
}

/// Asks for two statements at once, of which only the second is prepared.
struct AtOnce;

impl Work for AtOnce {
    type Output = i64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<i64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM tags";
        const ADD: &str =
            "INSERT INTO tags (name, description, created_at, updated_at) VALUES (?1, 'at once', 0, 0)";
        tx.query(COUNT, vec![]).await?;
        let (_, rows) = try_join!(tx.execute(ADD, vec!["fresh".into()]), tx.query(COUNT, vec![]))?;
        rows.into_iter().next().map_or(Ok(-1), |row| row.read().int())
    }
}

async fn what_is_asked_at_once_arrives_in_that_order(database: &Database) {
    assert_eq!(database.store.write(AtOnce).await.unwrap(), 1);
}
