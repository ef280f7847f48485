//! Requests that are run or taken in once more.

use std::sync::Arc;

use domain::audit::{Act, Actor, TargetKind, Verb};
use domain::log::RequestStatus;
use store::StoreError;
use store::commit::RequestRow;
use store::once::{OnceKey, OnceOutcome};

use super::{Engine, RunError, to_its_end};
use crate::command::{Command, Executed};
use crate::item::{Done, Item};
use crate::receive::{self, Accepted, ByHand, Reply};
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
    /// answers for it in the sender's place. What comes of it is what a sender would get; that is kept under the key, if there is
    /// one, as its body.
    ///
    /// # Errors
    /// The refusal, if nothing was stored.
    pub async fn resend(
        &self,
        row: RequestRow,
        payload: Option<String>,
        actor: &Actor,
        key: Option<OnceKey>,
    ) -> Result<OnceOutcome<Reply>, Reply> {
        let now = self.now();
        let payload = payload.unwrap_or_else(|| row.payload.clone());
        let status = RequestStatus::Accepted;
        let row = RequestRow { payload, received_at: now, status, sealed: None, ..row };
        let by_hand = Arc::new(ByHand { row, actor: actor.clone() });
        let accepted = Box::new(receive::resent(&self.snapshot(), &by_hand)?);
        let accepted = self.core.transformed(accepted).await.map_err(|_| Reply::unavailable())?;
        let accepted = self.core.sealed(accepted);
        let outcome = match key {
            Some(key) => self.submit_once(accepted, key).await.map_err(|_| Reply::unavailable())?,
            None => OnceOutcome::First(self.ingest.submit(accepted).await),
        };
        match outcome {
            OnceOutcome::First(reply) if reply.status == 503 => Err(reply),
            outcome => Ok(outcome),
        }
    }

    async fn submit_once(
        &self,
        accepted: Box<Accepted>,
        key: OnceKey,
    ) -> Result<OnceOutcome<Reply>, StoreError> {
        let body = |done: &Done| match done {
            Done::Reply(reply) => Some(reply.body.clone().into_bytes()),
            Done::Executed(_) => None,
        };
        let engine = self.clone();
        let submitted =
            to_its_end(async move { engine.item_once(Item::Request(accepted), key, body).await }).await?;
        submitted.try_map(|done| match done {
            Done::Reply(reply) => Ok(reply),
            Done::Executed(_) => Err(StoreError::Defect),
        })
    }
}
