//! Tags: known by name, made by hand or by being applied.

use std::str::FromStr;

use domain::Timestamp;

use crate::error::StoreError;
use crate::filter::Conditions;
use crate::params;
use crate::tx::{Row, Tx, Work};

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// Unique.
    pub name: String,
    /// Notes.
    pub description: String,
    /// When it was made, or first applied.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How many subscribers have it.
    pub subscriber_count: i64,
}

/// A tag's place in the list, newest first. Its text form is `milliseconds:name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPlace {
    created_at: Timestamp,
    name: String,
}

impl TagRow {
    /// Where it stands.
    pub fn place(&self) -> TagPlace {
        TagPlace { created_at: self.created_at, name: self.name.clone() }
    }
}

impl std::fmt::Display for TagPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.created_at.millis(), self.name)
    }
}

/// The text is not a place in the list of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the list of tags")]
pub struct TagPlaceError;

impl FromStr for TagPlace {
    type Err = TagPlaceError;

    fn from_str(text: &str) -> Result<Self, TagPlaceError> {
        let (millis, name) = text.split_once(':').ok_or(TagPlaceError)?;
        let millis = millis.parse().map_err(|_| TagPlaceError)?;
        Ok(Self { created_at: Timestamp::from_millis(millis), name: name.to_owned() })
    }
}

const SELECT: &str = "SELECT t.name, t.description, t.created_at, t.updated_at, \
    (SELECT COUNT(*) FROM subscriber_tags s WHERE s.tag = t.name) FROM tags t";

fn read(row: Row) -> Result<TagRow, StoreError> {
    let mut row = row.read();
    Ok(TagRow {
        name: row.text()?,
        description: row.text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        subscriber_count: row.int()?,
    })
}

/// Lists the tags, the newest first.
pub struct Tags {
    /// Those whose name contains this text. The case of letters does not matter; SQLite knows it of ASCII letters only.
    pub contains: Option<String>,
    /// Only those older than this one: the last of the page before.
    pub before: Option<TagPlace>,
    /// The most to return.
    pub limit: usize,
}

impl Work for Tags {
    type Output = Vec<TagRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<TagRow>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(TagPlace { created_at, name }) = self.before.clone() {
            conditions.on("t.created_at <= ?", created_at);
            conditions.on_two("(t.created_at < ? OR t.name < ??)", created_at, name);
        }
        conditions.on_part(&["t.name"], self.contains.as_deref());
        let (sql, params) = conditions.query(SELECT, "t.created_at DESC, t.name DESC", self.limit);
        tx.query(&sql, params).await?.into_iter().map(read).collect()
    }
}

/// Looks up a tag.
pub struct GetTag {
    /// Which.
    pub name: String,
}

impl Work for GetTag {
    type Output = Option<TagRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<TagRow>, StoreError> {
        let sql = format!("{SELECT} WHERE t.name = ?1");
        tx.query(&sql, params![&self.name]).await?.pop().map(read).transpose()
    }
}

/// Makes a tag, unless there is one of that name; tells whether it did.
pub struct InsertTag {
    /// Its name.
    pub name: String,
    /// Notes.
    pub description: String,
    /// Now.
    pub now: Timestamp,
}

impl Work for InsertTag {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO tags (name, description, created_at, updated_at) VALUES (?1, ?2, ?3, ?3) \
                           ON CONFLICT (name) DO NOTHING";
        Ok(tx.execute(SQL, params![&self.name, &self.description, self.now]).await? > 0)
    }
}

/// Changes the notes of a tag; tells whether there is one.
pub struct DescribeTag {
    /// Which.
    pub name: String,
    /// Notes.
    pub description: String,
    /// Now.
    pub now: Timestamp,
}

impl Work for DescribeTag {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE tags SET description = ?2, updated_at = ?3 WHERE name = ?1";
        Ok(tx.execute(SQL, params![&self.name, &self.description, self.now]).await? > 0)
    }
}

/// What became of the deletion of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagDeleted {
    /// It is gone.
    Deleted,
    /// There is none.
    NotFound,
    /// Subscribers have it. To take it off them is a change of each, with an event of its own.
    InUse,
}

/// Deletes a tag that nobody has.
pub struct DeleteTag {
    /// Which.
    pub name: String,
}

impl Work for DeleteTag {
    type Output = TagDeleted;

    async fn run<T: Tx>(&self, tx: &T) -> Result<TagDeleted, StoreError> {
        const USED: &str = "SELECT subscriber_id FROM subscriber_tags WHERE tag = ?1 LIMIT 1";
        if !tx.query(USED, params![&self.name]).await?.is_empty() {
            return Ok(TagDeleted::InUse);
        }
        let deleted = tx.execute("DELETE FROM tags WHERE name = ?1", params![&self.name]).await? > 0;
        Ok(if deleted { TagDeleted::Deleted } else { TagDeleted::NotFound })
    }
}
