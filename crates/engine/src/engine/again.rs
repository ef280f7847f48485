//! Requests that are run or taken in once more.

use std::sync::Arc;

use domain::audit::{Act, Actor, TargetKind, Verb};
use domain::log::RequestStatus;
use store::commit::RequestRow;

use super::{Engine, RunError};
use crate::command::{Command, Executed};
use crate::receive::{self, ByHand, Reply};
use crate::rerun::Rerun;

impl Engine {
    /// Runs a stored request again, through today's configuration: the actions that were not done, or `all`. If it did not
    /// fail, that is all as well.
    ///
    /// # Errors
    /// Those of the database, or the webhook's script could not be run now.
    pub async fn retry(&self, row: RequestRow, all: bool, actor: &Actor) -> Result<Executed, RunError> {
        let act = Act::new(TargetKind::Request, Verb::Retried).on(row.id);
        let retried = move |executed: &Executed| matches!(executed, Executed::Rerun(_)).then(|| act.clone());
        let rerun = self.core.prepared(Rerun::by_hand(row, all)).await?;
        Ok(self.execute_noted(Command::Rerun(Box::new(rerun)), actor, retried).await?)
    }

    /// Takes in a stored request once more, with another payload: a new entry of the log, linked to the first. The caller
    /// answers for it in the sender's place. Its answer is what a sender would get.
    ///
    /// # Errors
    /// The refusal, if nothing was stored.
    pub async fn resend(
        &self,
        row: RequestRow,
        payload: Option<String>,
        actor: &Actor,
    ) -> Result<Reply, Reply> {
        let now = self.now();
        let payload = payload.unwrap_or_else(|| row.payload.clone());
        let status = RequestStatus::Accepted;
        let row = RequestRow { payload, received_at: now, status, sealed: None, ..row };
        let by_hand = Arc::new(ByHand { row, actor: actor.clone() });
        let accepted = Box::new(receive::resent(&self.snapshot(), &by_hand)?);
        let accepted = self.core.transformed(accepted).await.map_err(|_| Reply::unavailable())?;
        let reply = self.ingest.submit(self.core.sealed(accepted)).await;
        if reply.status == 503 { Err(reply) } else { Ok(reply) }
    }
}
