//! Lists: made, changed, deleted. They are part of the configuration, because what is written names them.

use domain::{ListId, Timestamp};

use crate::config::bump;
use crate::error::StoreError;
use crate::filter::Conditions;
use crate::params;
use crate::tx::{Row, Sequence, Tx, Work};
use crate::webhooks::bump_from;

/// A list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// Unique.
    pub id: ListId,
    /// What people call it.
    pub name: String,
    /// Notes.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How many subscribers are on it: those who left or have not confirmed are not.
    pub subscriber_count: i64,
}

const SELECT: &str = "SELECT l.id, l.name, l.description, l.created_at, l.updated_at, \
    (SELECT COUNT(*) FROM list_members m WHERE m.list_id = l.id AND m.status = 'subscribed') FROM lists l";

fn read(row: Row) -> Result<ListRow, StoreError> {
    let mut row = row.read();
    Ok(ListRow {
        id: ListId(row.int()?),
        name: row.text()?,
        description: row.text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        subscriber_count: row.int()?,
    })
}

/// Lists the lists, the newest first.
pub struct Lists {
    /// Those whose name contains this text. The case of letters does not matter; SQLite knows it of ASCII letters only.
    pub contains: Option<String>,
    /// Only those older than this one: the last of the page before.
    pub before: Option<ListId>,
    /// The most to return.
    pub limit: usize,
}

impl Work for Lists {
    type Output = Vec<ListRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<ListRow>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.on_some("l.id < ?", self.before.map(|before| before.0));
        conditions.on_part(&["l.name"], self.contains.as_deref());
        let (sql, params) = conditions.query(SELECT, "l.id DESC", self.limit);
        tx.query(&sql, params).await?.into_iter().map(read).collect()
    }
}

/// Looks up a list.
pub struct GetList {
    /// Which.
    pub id: ListId,
}

impl Work for GetList {
    type Output = Option<ListRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<ListRow>, StoreError> {
        let sql = format!("{SELECT} WHERE l.id = ?1");
        tx.query(&sql, params![self.id.0]).await?.pop().map(read).transpose()
    }
}

/// Makes a list.
pub struct InsertList {
    /// What people call it.
    pub name: String,
    /// Notes.
    pub description: String,
    /// Now.
    pub now: Timestamp,
}

impl Work for InsertList {
    type Output = ListRow;

    async fn run<T: Tx>(&self, tx: &T) -> Result<ListRow, StoreError> {
        const SQL: &str =
            "INSERT INTO lists (id, name, description, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)";
        let id = tx.reserve(Sequence::Lists, 1).await?;
        let id = *id.first().ok_or(StoreError::Column { position: 1, expected: "a free id" })?;
        tx.execute(SQL, params![id, &self.name, &self.description, self.now]).await?;
        bump(tx).await?;
        Ok(ListRow {
            id: ListId(id),
            name: self.name.clone(),
            description: self.description.clone(),
            created_at: self.now,
            updated_at: self.now,
            subscriber_count: 0,
        })
    }
}

/// Changes a list, if it still is as it was when the change was decided; tells whether it did.
pub struct UpdateList {
    /// The list as it was.
    pub before: ListRow,
    /// What people are to call it.
    pub name: String,
    /// Notes.
    pub description: String,
    /// Now.
    pub now: Timestamp,
}

impl Work for UpdateList {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE lists SET name = ?2, description = ?3, updated_at = ?4 \
                           WHERE id = ?1 AND name = ?5 AND description = ?6";
        let before = &self.before;
        let params =
            params![before.id.0, &self.name, &self.description, self.now, &before.name, &before.description,];
        let changed = tx.execute(SQL, params).await? > 0;
        bump(tx).await?;
        Ok(changed)
    }
}

/// Takes members off a list, whatever their status there. Returns how many; to be called until that is 0, before
/// [`DeleteList`], so that no transaction has to touch them all.
pub struct EmptyList {
    /// Which.
    pub id: ListId,
    /// The most to take off in one transaction.
    pub limit: usize,
}

impl Work for EmptyList {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM list_members WHERE list_id = ?1 AND subscriber_id IN ( \
               SELECT subscriber_id FROM list_members WHERE list_id = ?1 ORDER BY subscriber_id LIMIT ?2)";
        tx.execute(SQL, params![self.id.0, i64::try_from(self.limit).unwrap_or(i64::MAX)]).await
    }
}

/// Deletes a list with what members it still has; tells whether there was one.
pub struct DeleteList {
    /// The configuration by which nothing names it; another one is [`StoreError::StaleConfig`].
    pub version: i64,
    /// Which.
    pub id: ListId,
}

impl Work for DeleteList {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        bump_from(tx, self.version).await?;
        let deleted = tx.execute("DELETE FROM lists WHERE id = ?1", params![self.id.0]).await? > 0;
        tx.execute("DELETE FROM list_members WHERE list_id = ?1", params![self.id.0]).await?;
        Ok(deleted)
    }
}
