//! Subscribers inside a batch: loaded and locked, then written as what changed.

use std::collections::HashMap;

use domain::roster::Changed;
use domain::subscriber::{MemberStatus, Status};
use domain::{ListId, Subscriber, SubscriberId};
use futures_util::try_join;

use crate::error::StoreError;
use crate::tx::{Row, Rows, Tx, Value};

/// The columns that `read` reads, in its order.
pub const COLUMNS: &str = "id, email, first_name, last_name, phone, company, source, status, custom_fields, created_at, updated_at, confirmed_at";

/// Loads subscribers by address and by id, with lists and tags, and locks them. Whoever locks, locks in the order of the
/// addresses, so that no two wait for each other.
pub(crate) async fn lock<T: Tx>(
    tx: &T,
    emails: Vec<String>,
    ids: Vec<i64>,
) -> Result<Vec<Subscriber>, StoreError> {
    if ids.is_empty() {
        return by_email(tx, emails).await;
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM subscribers WHERE id IN ?1 OR email IN ?2 ORDER BY email /*pg: FOR UPDATE */"
    );
    let rows = tx.query(&sql, vec![Value::Ints(ids), Value::Texts(emails)]).await?;
    complete(tx, rows).await
}

async fn by_email<T: Tx>(tx: &T, emails: Vec<String>) -> Result<Vec<Subscriber>, StoreError> {
    const SUBSCRIBERS: &str = "SELECT id, email, first_name, last_name, phone, company, source, status, custom_fields, created_at, \
                               updated_at, confirmed_at FROM subscribers WHERE email IN ?1 ORDER BY email /*pg: FOR UPDATE */";
    const TAGS: &str = "SELECT subscriber_id, tag FROM subscriber_tags \
                        WHERE subscriber_id IN (SELECT id FROM subscribers WHERE email IN ?1)";
    const LISTS: &str = "SELECT subscriber_id, list_id, status FROM list_members \
                         WHERE subscriber_id IN (SELECT id FROM subscribers WHERE email IN ?1)";
    if emails.is_empty() {
        return Ok(Vec::new());
    }
    // Sent in one go, and run in this order: tags and lists are read after the rows are locked.
    let (rows, tags, lists) = try_join!(
        tx.query(SUBSCRIBERS, vec![Value::Texts(emails.clone())]),
        tx.query(TAGS, vec![Value::Texts(emails.clone())]),
        tx.query(LISTS, vec![Value::Texts(emails)]),
    )?;
    assemble(rows, tags, lists)
}

/// Adds lists and tags to rows of [`COLUMNS`].
///
/// # Errors
/// Those of the database.
pub async fn complete<T: Tx>(tx: &T, rows: Vec<Row>) -> Result<Vec<Subscriber>, StoreError> {
    let subscribers: Vec<Subscriber> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    let ids: Vec<i64> = subscribers.iter().map(|subscriber| subscriber.id.0).collect();
    let (tags, lists) = try_join!(
        tx.query(
            "SELECT subscriber_id, tag FROM subscriber_tags WHERE subscriber_id IN ?1",
            vec![Value::Ints(ids.clone())]
        ),
        tx.query(
            "SELECT subscriber_id, list_id, status FROM list_members WHERE subscriber_id IN ?1",
            vec![Value::Ints(ids)]
        ),
    )?;
    attach(subscribers, tags, lists)
}

fn assemble(rows: Vec<Row>, tags: Vec<Row>, lists: Vec<Row>) -> Result<Vec<Subscriber>, StoreError> {
    attach(rows.into_iter().map(read).collect::<Result<_, _>>()?, tags, lists)
}

fn attach(
    mut subscribers: Vec<Subscriber>,
    tags: Vec<Row>,
    lists: Vec<Row>,
) -> Result<Vec<Subscriber>, StoreError> {
    let positions: HashMap<i64, usize> =
        subscribers.iter().enumerate().map(|(i, subscriber)| (subscriber.id.0, i)).collect();
    for row in tags {
        let mut row = row.read();
        if let Some(position) = positions.get(&row.int()?) {
            subscribers[*position].tags.insert(row.text()?);
        }
    }
    for row in lists {
        let mut row = row.read();
        if let Some(position) = positions.get(&row.int()?) {
            let (list, status) = (ListId(row.int()?), row.named(MemberStatus::from_name, "a list status")?);
            subscribers[*position].lists.insert(list, status);
        }
    }
    Ok(subscribers)
}

fn read(row: Row) -> Result<Subscriber, StoreError> {
    let mut row = row.read();
    Ok(Subscriber {
        id: SubscriberId(row.int()?),
        email: row.parse("an email address")?,
        first_name: row.opt_text()?,
        last_name: row.opt_text()?,
        phone: row.opt_text()?,
        company: row.opt_text()?,
        source: row.opt_text()?,
        status: row.named(Status::from_name, "a status")?,
        custom_fields: row.json()?,
        lists: Default::default(),
        tags: Default::default(),
        created_at: row.time()?,
        updated_at: row.time()?,
        confirmed_at: row.opt_time()?,
    })
}

/// Writes what changed.
pub(crate) async fn write<T: Tx>(tx: &T, changes: &[Changed]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let new =
        changes.iter().filter(|change| change.before.is_none()).filter_map(|change| change.after.as_ref());
    let gone =
        changes.iter().filter(|change| change.after.is_none()).filter_map(|change| change.before.as_ref());
    try_join!(
        insert(tx, new),
        update(tx, changes),
        delete(tx, gone),
        write_tags(tx, changes),
        write_lists(tx, changes),
    )?;
    Ok(())
}

async fn insert<T: Tx>(
    tx: &T,
    subscribers: impl Iterator<Item = &Subscriber> + Send,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO subscribers (id, email, first_name, last_name, phone, company, source, status, custom_fields, \
                       created_at, updated_at, confirmed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
                       ON CONFLICT (email) DO NOTHING";
    let mut rows = Rows::default();
    for subscriber in subscribers {
        rows.push(values(subscriber));
    }
    let wanted = rows.len() as u64;
    let written = tx.execute_many(SQL, rows).await?;
    // Someone else has added one of them since we looked.
    if written == wanted { Ok(()) } else { Err(StoreError::Conflict) }
}

fn values(subscriber: &Subscriber) -> [Value<'_>; 12] {
    [
        subscriber.id.0.into(),
        subscriber.email.as_str().into(),
        subscriber.first_name.as_deref().into(),
        subscriber.last_name.as_deref().into(),
        subscriber.phone.as_deref().into(),
        subscriber.company.as_deref().into(),
        subscriber.source.as_deref().into(),
        subscriber.status.as_str().into(),
        serde_json::Value::Object(subscriber.custom_fields.clone()).to_string().into(),
        subscriber.created_at.into(),
        subscriber.updated_at.into(),
        subscriber.confirmed_at.into(),
    ]
}

async fn update<T: Tx>(tx: &T, changes: &[Changed]) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE subscribers SET email = ?2, first_name = ?3, last_name = ?4, phone = ?5, company = ?6, source = ?7, \
                       status = ?8, custom_fields = ?9, created_at = ?10, updated_at = ?11, confirmed_at = ?12 WHERE id = ?1";
    let mut rows = Rows::default();
    for change in changes {
        if let (Some(_), Some(after)) = (&change.before, &change.after) {
            rows.push(values(after));
        }
    }
    tx.execute_many(SQL, rows).await.map(|_| ())
}

async fn delete<T: Tx>(
    tx: &T,
    subscribers: impl Iterator<Item = &Subscriber> + Send,
) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for subscriber in subscribers {
        rows.push([subscriber.id.0.into()]);
    }
    tx.execute_many("DELETE FROM subscribers WHERE id = ?1", rows).await.map(|_| ())
}

async fn write_tags<T: Tx>(tx: &T, changes: &[Changed]) -> Result<(), StoreError> {
    let (mut added, mut removed, mut names) =
        (Rows::default(), Rows::default(), std::collections::BTreeMap::new());
    for change in changes {
        let (id, before, after) = sides(change, |subscriber| &subscriber.tags);
        for tag in after
            .iter()
            .flat_map(|tags| tags.iter())
            .filter(|tag| !before.is_some_and(|tags| tags.contains(*tag)))
        {
            added.push([id.0.into(), tag.into()]);
            names
                .entry(tag.as_str())
                .or_insert(change.after.as_ref().map(|subscriber| subscriber.updated_at));
        }
        for tag in before
            .iter()
            .flat_map(|tags| tags.iter())
            .filter(|tag| !after.is_some_and(|tags| tags.contains(*tag)))
        {
            removed.push([id.0.into(), tag.into()]);
        }
    }
    // A tag that is applied exists.
    let mut known = Rows::default();
    for (name, at) in names {
        known.push([name.into(), at.into()]);
    }
    try_join!(
        tx.execute_many("INSERT INTO subscriber_tags (subscriber_id, tag) VALUES (?1, ?2)", added),
        tx.execute_many("DELETE FROM subscriber_tags WHERE subscriber_id = ?1 AND tag = ?2", removed),
        tx.execute_many(
            "INSERT INTO tags (name, description, created_at, updated_at) VALUES (?1, '', ?2, ?2) ON CONFLICT (name) DO NOTHING",
            known
        ),
    )?;
    Ok(())
}

async fn write_lists<T: Tx>(tx: &T, changes: &[Changed]) -> Result<(), StoreError> {
    let (mut set, mut removed) = (Rows::default(), Rows::default());
    for change in changes {
        let (id, before, after) = sides(change, |subscriber| &subscriber.lists);
        for (list, status) in after.iter().flat_map(|lists| lists.iter()) {
            if before.and_then(|lists| lists.get(list)) != Some(status) {
                set.push([id.0.into(), list.0.into(), status.as_str().into()]);
            }
        }
        for list in before
            .iter()
            .flat_map(|lists| lists.keys())
            .filter(|list| !after.is_some_and(|l| l.contains_key(list)))
        {
            removed.push([id.0.into(), list.0.into()]);
        }
    }
    try_join!(
        tx.execute_many(
            "INSERT INTO list_members (subscriber_id, list_id, status) VALUES (?1, ?2, ?3) \
             ON CONFLICT (subscriber_id, list_id) DO UPDATE SET status = excluded.status",
            set
        ),
        tx.execute_many("DELETE FROM list_members WHERE subscriber_id = ?1 AND list_id = ?2", removed),
    )?;
    Ok(())
}

/// One aspect of a subscriber before and after a change.
fn sides<'a, A>(
    change: &'a Changed,
    aspect: impl Fn(&'a Subscriber) -> &'a A,
) -> (SubscriberId, Option<&'a A>, Option<&'a A>) {
    let id =
        change.after.as_ref().or(change.before.as_ref()).map_or(SubscriberId(0), |subscriber| subscriber.id);
    (id, change.before.as_ref().map(&aspect), change.after.as_ref().map(&aspect))
}
