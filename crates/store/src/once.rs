//! Idempotency keys: the same POST twice is carried out once, and answered twice.

use domain::Timestamp;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Work};

/// What names a POST.
#[derive(Clone, Debug)]
pub struct OnceKey {
    /// Whose keys these are: two callers may choose the same.
    pub scope: String,
    /// The caller's name for the POST.
    pub key: String,
    /// What was asked, hashed: the same key with another request is a mistake.
    pub fingerprint: Vec<u8>,
    /// When the answer may be forgotten.
    pub expires_at: Timestamp,
}

/// From the outcome of a transaction to the answer to keep, sealed; `None` for an outcome that changed nothing and may be
/// tried again under the same key.
pub type Render<O> = Box<dyn Fn(&O) -> Option<Vec<u8>> + Send + Sync>;

/// Runs a transaction unless it was run before under the same key, and keeps its answer in the same transaction.
pub struct Once<W: Work> {
    /// What to run.
    pub work: W,
    /// Its name.
    pub key: OnceKey,
    /// The answer to keep.
    pub render: Render<W::Output>,
}

/// What became of it.
#[derive(Debug)]
pub enum OnceOutcome<O> {
    /// It was run.
    First(O),
    /// It was run before, with this answer.
    Again(Vec<u8>),
    /// The key was used for another request.
    Mismatch,
}

impl<O> OnceOutcome<O> {
    /// The same with what was run made into something else.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn try_map<P, E>(self, make: impl FnOnce(O) -> Result<P, E>) -> Result<OnceOutcome<P>, E> {
        Ok(match self {
            OnceOutcome::First(output) => OnceOutcome::First(make(output)?),
            OnceOutcome::Again(answer) => OnceOutcome::Again(answer),
            OnceOutcome::Mismatch => OnceOutcome::Mismatch,
        })
    }
}

impl<W: Work> Work for Once<W>
where
    W::Output: Sync,
{
    type Output = OnceOutcome<W::Output>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        const KEEP: &str = "INSERT INTO idempotency (scope, idempotency_key, fingerprint, answer, expires_at) \
                            VALUES (?1, ?2, ?3, ?4, ?5)";
        let key = &self.key;
        if let Some(kept) = find(tx, key).await? {
            return Ok(kept.map_or(OnceOutcome::Mismatch, OnceOutcome::Again));
        }
        let output = self.work.run(tx).await?;
        if let Some(answer) = (self.render)(&output) {
            tx.execute(
                KEEP,
                params![&key.scope, &key.key, key.fingerprint.as_slice(), answer, key.expires_at],
            )
            .await?;
        }
        Ok(OnceOutcome::First(output))
    }
}

/// The answer that is kept of a POST, if it was run.
pub struct GetKept {
    /// Its name.
    pub key: OnceKey,
}

impl Work for GetKept {
    type Output = Option<Vec<u8>>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Self::Output, StoreError> {
        Ok(find(tx, &self.key).await?.flatten())
    }
}

/// What is kept under this key; `Some(None)` is the answer to another request.
async fn find<T: Tx>(tx: &T, key: &OnceKey) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    const FIND: &str =
        "SELECT fingerprint, answer FROM idempotency WHERE scope = ?1 AND idempotency_key = ?2";
    let Some(row) = tx.query(FIND, params![&key.scope, &key.key]).await?.pop() else { return Ok(None) };
    let mut row = row.read();
    let is_same = row.blob()? == key.fingerprint;
    Ok(Some(if is_same { Some(row.blob()?) } else { None }))
}

/// Forgets what has expired, of idempotency keys and of dedupe keys. Returns how many; to be called until that is 0.
pub struct Forget {
    /// Now.
    pub now: Timestamp,
    /// The most to forget of each in one transaction.
    pub limit: i64,
}

impl Work for Forget {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const ANSWERS: &str = "DELETE FROM idempotency WHERE (scope, idempotency_key) IN ( \
               SELECT scope, idempotency_key FROM idempotency WHERE expires_at <= ?1 LIMIT ?2)";
        const DEDUPE: &str = "DELETE FROM dedupe WHERE (webhook_id, dedupe_key) IN ( \
               SELECT webhook_id, dedupe_key FROM dedupe WHERE expires_at <= ?1 LIMIT ?2)";
        let answers = tx.execute(ANSWERS, params![self.now, self.limit]).await?;
        Ok(answers + tx.execute(DEDUPE, params![self.now, self.limit]).await?)
    }
}
