//! Mails that are to be sent.

use domain::Timestamp;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Rows, Tx, Work};

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRow {
    /// Unique.
    pub id: String,
    /// To whom.
    pub recipient: String,
    /// What about.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often sending was begun.
    pub attempts: i64,
}

pub(crate) async fn put<T: Tx>(tx: &T, mails: &[MailRow]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO mails (id, recipient, subject, body, created_at, due_at, attempts) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)";
    let mut rows = Rows::with_capacity(mails.len(), 6);
    for mail in mails {
        rows.push([
            (&mail.id).into(),
            (&mail.recipient).into(),
            (&mail.subject).into(),
            (&mail.body).into(),
            mail.created_at.into(),
            mail.attempts.into(),
        ]);
    }
    tx.execute_many(SQL, rows).await.map(|_| ())
}

/// Takes mails that are due, the longest due first: nobody else gets them until a moment.
pub struct ClaimMails {
    /// Now.
    pub now: Timestamp,
    /// Until when they are taken.
    pub until: Timestamp,
    /// The most to take.
    pub limit: i64,
}

impl Work for ClaimMails {
    type Output = Vec<MailRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<MailRow>, StoreError> {
        const SQL: &str = "UPDATE mails SET due_at = ?2, attempts = attempts + 1 WHERE id IN ONCE ( \
               SELECT id FROM mails WHERE due_at <= ?1 ORDER BY due_at LIMIT ?3 /*pg: FOR UPDATE SKIP LOCKED */) \
             RETURNING id, recipient, subject, body, created_at, attempts";
        let rows = tx.query(SQL, params![self.now, self.until, self.limit]).await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Row) -> Result<MailRow, StoreError> {
    let mut row = row.read();
    Ok(MailRow {
        id: row.text()?,
        recipient: row.text()?,
        subject: row.text()?,
        body: row.text()?,
        created_at: row.time()?,
        attempts: row.int()?,
    })
}

/// Says when a mail is tried again, or that it is done with.
pub struct EndMail {
    /// Which.
    pub id: String,
    /// When it is tried again; `None` if it is done with.
    pub again_at: Option<Timestamp>,
}

impl Work for EndMail {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        match self.again_at {
            Some(at) => {
                tx.execute("UPDATE mails SET due_at = ?2 WHERE id = ?1", params![&self.id, at]).await?
            }
            None => tx.execute("DELETE FROM mails WHERE id = ?1", params![&self.id]).await?,
        };
        Ok(())
    }
}
