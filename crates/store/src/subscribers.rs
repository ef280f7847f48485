//! Subscribers inside a batch: read, then written as what changed.
//!
//! Most of what a batch reads it leaves as it is. So nothing is locked while it decides: before it writes, [`write`] locks
//! what changes, and sees whether that is still what was read. If not, the batch runs again, and that time locks before it
//! reads, so that nobody waits for ever while others are faster.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use domain::roster::Changed;
use domain::subscriber::{MemberStatus, Status};
use domain::{ListId, Subscriber, SubscriberId};
use futures_util::try_join;

use crate::error::StoreError;
use crate::tx::{Columns, Row, Rows, Tx, Value};

/// What [`read`] reads of `subscribers s`, in its order. Between tags, and between lists, stands a character that no tag has.
pub const COLUMNS: &str = "s.id, s.email, s.first_name, s.last_name, s.phone, s.company, s.source, s.status, s.custom_fields, \
    s.created_at, s.updated_at, s.confirmed_at, \
    (SELECT /*pg: string_agg(t.tag, chr(31)) */ /*sqlite: group_concat(t.tag, char(31)) */ \
     FROM subscriber_tags t WHERE t.subscriber_id = s.id), \
    (SELECT /*pg: string_agg(m.list_id || ' ' || m.status, chr(31)) */ \
     /*sqlite: group_concat(m.list_id || ' ' || m.status, char(31)) */ FROM list_members m WHERE m.subscriber_id = s.id)";

/// Where the lists stand in them, counted from 1.
const LISTS: usize = 14;
/// What stands between tags and between lists in [`COLUMNS`].
const BETWEEN: char = '\u{1f}';

/// Which state of a row one has: the transaction that wrote it. SQLite has one writer, and needs none.
const VERSION: &str = "/*pg: CAST(s.xmin AS TEXT) */ /*sqlite: '' */";

/// The state of each subscriber that was read.
pub(crate) type Versions = HashMap<SubscriberId, String>;

/// Locks subscribers by address and by id, and tells which there are. Whoever locks, locks in the order of the addresses, so that no
/// two wait for each other.
pub(crate) async fn lock<T: Tx>(
    tx: &T,
    emails: &[String],
    ids: &[i64],
) -> Result<HashSet<SubscriberId>, StoreError> {
    const SQL: &str =
        "SELECT id FROM subscribers WHERE id IN ?1 OR email IN ?2 ORDER BY email /*pg: FOR UPDATE */";
    let rows = tx.query(SQL, vec![Value::Ints(ids.to_vec()), Value::Texts(emails.to_vec())]).await?;
    rows.into_iter().map(|row| row.read().int().map(SubscriberId)).collect()
}

/// Loads subscribers by address and by id, with lists and tags.
pub(crate) async fn load<T: Tx>(
    tx: &T,
    emails: Vec<String>,
    ids: Vec<i64>,
) -> Result<(Vec<Subscriber>, Versions), StoreError> {
    static BY_EMAIL: LazyLock<String> = LazyLock::new(|| {
        format!("SELECT {COLUMNS}, {VERSION} FROM subscribers s WHERE s.email IN ?1 ORDER BY s.email")
    });
    static BY_EITHER: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {COLUMNS}, {VERSION} FROM subscribers s WHERE s.id IN ?1 OR s.email IN ?2 ORDER BY s.email"
        )
    });
    let rows = match (emails.is_empty(), ids.is_empty()) {
        (true, true) => Vec::new(),
        (false, true) => tx.query(&BY_EMAIL, vec![Value::Texts(emails)]).await?,
        (_, false) => tx.query(&BY_EITHER, vec![Value::Ints(ids), Value::Texts(emails)]).await?,
    };
    let mut versions = Versions::with_capacity(rows.len());
    let mut subscribers = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = row.read();
        let subscriber = read_one(&mut row)?;
        versions.insert(subscriber.id, row.text()?);
        subscribers.push(subscriber);
    }
    Ok((subscribers, versions))
}

/// Reads rows of [`COLUMNS`].
///
/// # Errors
/// If they are not what was written.
pub fn read(rows: Vec<Row>) -> Result<Vec<Subscriber>, StoreError> {
    rows.into_iter().map(|row| read_one(&mut row.read())).collect()
}

fn read_one(row: &mut Columns) -> Result<Subscriber, StoreError> {
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
        created_at: row.time()?,
        updated_at: row.time()?,
        confirmed_at: row.opt_time()?,
        tags: row.opt_text()?.iter().flat_map(|tags| tags.split(BETWEEN)).map(str::to_owned).collect(),
        lists: row
            .opt_text()?
            .iter()
            .flat_map(|lists| lists.split(BETWEEN))
            .map(read_list)
            .collect::<Result<_, _>>()?,
    })
}

fn read_list(text: &str) -> Result<(ListId, MemberStatus), StoreError> {
    let list = text
        .split_once(' ')
        .and_then(|(id, status)| Some((ListId(id.parse().ok()?), MemberStatus::from_name(status)?)));
    list.ok_or(StoreError::Column { position: LISTS, expected: "lists with a status" })
}

/// Locks what is to be changed, if that is still what was read.
async fn claim<T: Tx>(tx: &T, changes: &[Changed], versions: &Versions) -> Result<(), StoreError> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT s.id, {VERSION} FROM subscribers s WHERE s.id IN ?1 ORDER BY s.email /*pg: FOR UPDATE */"
        )
    });
    let known: Vec<i64> =
        changes.iter().filter_map(|change| change.before.as_ref()).map(|before| before.id.0).collect();
    if known.is_empty() {
        return Ok(());
    }
    let wanted = known.len();
    let rows = tx.query(&SQL, vec![Value::Ints(known)]).await?;
    let mut same = 0;
    for row in rows {
        let mut row = row.read();
        let (id, version) = (SubscriberId(row.int()?), row.text()?);
        same += usize::from(versions.get(&id) == Some(&version));
    }
    if same == wanted { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Writes what changed, unless someone else has changed it since it was read: then it is a conflict.
pub(crate) async fn write<T: Tx>(tx: &T, changes: &[Changed], versions: &Versions) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let new =
        changes.iter().filter(|change| change.before.is_none()).filter_map(|change| change.after.as_ref());
    let gone =
        changes.iter().filter(|change| change.after.is_none()).filter_map(|change| change.before.as_ref());
    // Sent in one go, and run in this order: what follows is written to what is locked, or rolled back.
    try_join!(
        claim(tx, changes, versions),
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
