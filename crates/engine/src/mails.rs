//! Sends mails to those who run the server: at least once, also after a restart, by whichever node is first.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use domain::Timestamp;
use mail::{Mail, SendError, Server};
use store::StoreError;
use store::mails::{ClaimMails, EndMail, MailRow};
use tokio::time::MissedTickBehavior;

use crate::core::Core;
use crate::error::chain;

/// How often it is looked whether a mail is due. What is new wakes us.
const LOOK: Duration = Duration::from_secs(5);
/// Mails that are sent one after the other before it is looked again.
const AT_ONCE: i64 = 10;
/// How long a mail is with who sends it before somebody else does: longer than so many take with a slow server.
const LEASE_MS: i64 = 15 * 60_000;
/// When a mail is tried again that could not be sent; the wait doubles each time.
const FIRST_WAIT_MS: i64 = 30_000;
/// The longest wait between two tries.
const MAX_WAIT_MS: i64 = 3_600_000;
/// A mail is given up that could not be sent for so long: what it tells of is old by then.
const GIVE_UP_MS: i64 = 3 * 24 * 3_600_000;

/// Runs until the engine stops.
pub(crate) async fn run(core: Arc<Core>, server: Server) {
    let mut timer = tokio::time::interval(LOOK);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !core.is_stopping() {
        tokio::select! {
            _ = timer.tick() => {}
            () = core.mails_due.notified() => {}
        }
        if let Err(error) = look(&core, &server).await {
            tracing::warn!(error = %chain(&error), "mails could not be looked for and will be again");
        }
    }
}

async fn look(core: &Core, server: &Server) -> Result<(), StoreError> {
    loop {
        let now = core.now();
        let claim = ClaimMails { now, until: now.plus_millis(LEASE_MS), limit: AT_ONCE };
        let mails = core.store.write(claim).await?;
        if mails.is_empty() {
            return Ok(());
        }
        for mail in mails {
            // At a stop the others are due again when the lease ends.
            if core.is_stopping() {
                return Ok(());
            }
            let again_at = send(core, server, &mail).await;
            core.store.write(EndMail { id: mail.id, again_at }).await?;
        }
    }
}

/// Sends a mail; when it is to be tried again, if it is.
async fn send(core: &Core, server: &Server, row: &MailRow) -> Option<Timestamp> {
    let error = match server.send(&mail(row)).await {
        Ok(()) => {
            count("sent");
            return None;
        }
        Err(error) => error,
    };
    let again_at = again_at(row, core.now()).filter(|_| matches!(error, SendError::Passing(_)));
    let told = chain(&error);
    match again_at {
        Some(_) => {
            count("failed");
            tracing::warn!(error = %told, mail.id = %row.id, "a mail could not be sent and will be tried again");
        }
        None => {
            count("given_up");
            tracing::error!(error = %told, mail.id = %row.id, "a mail could not be sent and is given up");
        }
    }
    again_at
}

fn count(outcome: &'static str) {
    metrics::counter!("ccsp_mails_total", "outcome" => outcome).increment(1);
}

fn again_at(row: &MailRow, now: Timestamp) -> Option<Timestamp> {
    let doublings = u32::try_from(row.attempts.saturating_sub(1)).unwrap_or(0).min(16);
    let wait = FIRST_WAIT_MS.saturating_mul(1 << doublings).min(MAX_WAIT_MS);
    (now.millis().saturating_sub(row.created_at.millis()) < GIVE_UP_MS).then(|| now.plus_millis(wait))
}

fn mail(row: &MailRow) -> Mail {
    let written = Duration::from_millis(row.created_at.millis().max(0).unsigned_abs());
    Mail {
        id: row.id.clone(),
        to: row.recipient.clone(),
        subject: row.subject.clone(),
        text: row.body.clone(),
        written_at: UNIX_EPOCH + written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_less_and_less_often_and_then_given_up() {
        let created_at = Timestamp::from_millis(1_792_000_000_000);
        let row = |attempts| MailRow {
            id: "mail".into(),
            recipient: "ada@example.com".into(),
            subject: String::new(),
            body: String::new(),
            created_at,
            attempts,
        };
        let wait =
            |attempts| again_at(&row(attempts), created_at).map(|at| at.millis() - created_at.millis());
        assert_eq!([1, 2, 3, 8, 100].map(wait), [30_000, 60_000, 120_000, 3_600_000, 3_600_000].map(Some));
        assert_eq!(again_at(&row(80), created_at.plus_millis(GIVE_UP_MS)), None);
    }
}
