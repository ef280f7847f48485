//! The small trait that both databases implement, and the values that go in and out.

use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

use crate::error::StoreError;

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// A text, without null characters.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
    /// Numbers, for `IN ?1`.
    Ints(Vec<i64>),
    /// Texts, for `IN ?1`.
    Texts(Vec<String>),
}

impl Value<'_> {
    /// The same, whoever owned it.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Int(value) => Value::Int(value),
            Value::Text(value) => Value::Text(value.into_owned().into()),
            Value::Blob(value) => Value::Blob(value.into_owned().into()),
            Value::Ints(values) => Value::Ints(values),
            Value::Texts(values) => Value::Texts(values),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Blob(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Value::Blob(Cow::Owned(value))
    }
}

impl From<domain::Timestamp> for Value<'_> {
    fn from(value: domain::Timestamp) -> Self {
        Value::Int(value.millis())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// The parameters of a statement, from anything that becomes a [`Value`].
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::tx::Value::from($value)),*] };
}

/// Parameters for many runs of one statement, all of the same width, one row behind the other.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    width: usize,
    values: Vec<Value<'a>>,
}

impl<'a> Rows<'a> {
    /// Room for so many rows.
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        Self { width, values: Vec::with_capacity(rows * width) }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [Value<'a>; N]) {
        debug_assert!(self.width == 0 || self.width == N, "rows of one width");
        self.width = N;
        self.values.extend(row);
    }

    /// The rows, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[Value<'a>]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// One parameter of all rows.
    pub fn column(&self, index: usize) -> impl Iterator<Item = &Value<'a>> {
        self.values.iter().skip(index).step_by(self.width.max(1))
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// A row of a result.
#[derive(Debug)]
pub struct Row(pub(crate) Vec<Value<'static>>);

impl Row {
    /// Reads its columns from the left.
    pub fn read(self) -> Columns {
        Columns { values: self.0.into_iter(), position: 0 }
    }
}

/// The columns of a row, taken one by one.
pub struct Columns {
    values: std::vec::IntoIter<Value<'static>>,
    position: usize,
}

impl Columns {
    fn next(&mut self) -> Result<Value<'static>, StoreError> {
        self.position += 1;
        self.values.next().ok_or(StoreError::Column { position: self.position, expected: "a column" })
    }

    fn wrong(&self, expected: &'static str) -> StoreError {
        StoreError::Column { position: self.position, expected }
    }

    /// A number.
    pub fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?.ok_or_else(|| self.wrong("a number"))
    }

    /// A number, if there is one.
    pub fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Value::Int(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(self.wrong("a number")),
        }
    }

    /// A text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        self.opt_text()?.ok_or_else(|| self.wrong("a text"))
    }

    /// A text, if there is one.
    pub fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Value::Text(value) => Ok(Some(value.into_owned())),
            Value::Null => Ok(None),
            _ => Err(self.wrong("a text")),
        }
    }

    /// Bytes.
    pub fn blob(&mut self) -> Result<Vec<u8>, StoreError> {
        match self.next()? {
            Value::Blob(value) => Ok(value.into_owned()),
            _ => Err(self.wrong("bytes")),
        }
    }

    /// Bytes, if there are any.
    pub fn opt_blob(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.next()? {
            Value::Blob(value) => Ok(Some(value.into_owned())),
            Value::Null => Ok(None),
            _ => Err(self.wrong("bytes")),
        }
    }

    /// A moment.
    pub fn time(&mut self) -> Result<domain::Timestamp, StoreError> {
        self.int().map(domain::Timestamp::from_millis)
    }

    /// A moment, if there is one.
    pub fn opt_time(&mut self) -> Result<Option<domain::Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(domain::Timestamp::from_millis))
    }

    /// A text that has a meaning of its own, such as an id.
    pub fn parse<T: std::str::FromStr>(&mut self, expected: &'static str) -> Result<T, StoreError> {
        let text = self.text()?;
        text.parse().map_err(|_| self.wrong(expected))
    }

    /// A text that names one of a few things.
    pub fn named<T>(
        &mut self,
        from_name: impl Fn(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, StoreError> {
        let text = self.text()?;
        from_name(&text).ok_or_else(|| self.wrong(expected))
    }

    /// A text that is JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|source| StoreError::Json { position: self.position, source })
    }
}

/// What gives out whole numbers, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// Ids of subscribers.
    Subscribers,
    /// Ids of lists.
    Lists,
}

impl Sequence {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Sequence::Subscribers => "subscriber_ids",
            Sequence::Lists => "list_ids",
        }
    }
}

/// A transaction. Statements are portable SQL (see [`crate::dialect`]).
///
/// Futures of one transaction may be joined: PostgreSQL gets their statements in one go. On SQLite each future is ready at
/// once, so nothing but the transaction may be awaited while it is open.
pub trait Tx: Send + Sync {
    /// Runs a query.
    fn query<'a>(
        &'a self,
        sql: &'a str,
        params: Vec<Value<'a>>,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send + 'a;

    /// Runs a statement and tells how many rows it touched.
    fn execute<'a>(
        &'a self,
        sql: &'a str,
        params: Vec<Value<'a>>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + 'a;

    /// Runs a statement once for each row of parameters and tells how many rows it touched in all. No two rows may touch
    /// the same row of the table: PostgreSQL runs it as one statement. See [`crate::dialect::postgres_many`] for its form.
    fn execute_many<'a>(
        &'a self,
        sql: &'a str,
        rows: Rows<'a>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + 'a;

    /// The same, and tells of which rows of parameters: it gives back the first `keys` of each that touched a row. On
    /// PostgreSQL the statement says so itself, with `/*pg: RETURNING … */`; SQLite counts, which costs it less: each run of a
    /// statement with RETURNING makes a table.
    fn touch_many<'a>(
        &'a self,
        sql: &'a str,
        rows: Rows<'a>,
        keys: usize,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send + 'a;

    /// Takes numbers that nobody else gets.
    fn reserve(
        &self,
        sequence: Sequence,
        count: usize,
    ) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send;
}

/// A whole transaction. It may be run again after a conflict, so it keeps nothing of a run but what it returns.
pub trait Work: Send + Sync + 'static {
    /// What it comes to.
    type Output: Send + 'static;

    /// Runs it. An error rolls it back.
    fn run<T: Tx>(&self, tx: &T) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;

    /// How long it may take on a server before its connection is taken to be dead.
    fn time_limit(&self) -> Duration {
        TIME_LIMIT
    }
}

/// Transactions take milliseconds, and senders wait some tens of seconds for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Two transactions, one after the other, as one.
pub struct Both<A, B>(pub A, pub B);

impl<A: Work, B: Work> Work for Both<A, B> {
    type Output = (A::Output, B::Output);

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        Ok((self.0.run(tx).await?, self.1.run(tx).await?))
    }
}
