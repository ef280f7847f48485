//! What callers ask for by a key of their own, so that it is done once however often they ask.

use std::sync::Arc;

use store::commit::Commit;
use store::once::{GetKept, Once, OnceKey, OnceOutcome};
use store::{StoreError, Work};

use super::{Engine, executed, to_its_end};
use crate::command::{Command, Executed};
use crate::item::{Decided, Done, Item};

impl Engine {
    /// The same as [`Engine::write`], once for each key.
    ///
    /// # Errors
    /// Those of the transaction and of the database.
    pub async fn write_once<W: Work<Output: Sync>>(
        &self,
        work: W,
        key: OnceKey,
        render: impl Fn(&W::Output) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<OnceOutcome<W::Output>, StoreError> {
        let identity = once_identity(&key);
        let engine = self.clone();
        let seal = identity.clone();
        let render = Box::new(move |output: &W::Output| Some(engine.vault().seal(&seal, &render(output)?)));
        let outcome = self.core.store.write(Once { work, key, render }).await?;
        self.refresh_after_write().await;
        self.opened(&identity, outcome)
    }

    /// The same as [`Engine::execute`], once for each key.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute_once(
        &self,
        command: Command,
        key: OnceKey,
        render: impl Fn(&Executed) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<OnceOutcome<Executed>, StoreError> {
        let engine = self.clone();
        to_its_end(async move { engine.execute_first(command, key, render).await }).await
    }

    async fn execute_first(
        &self,
        command: Command,
        key: OnceKey,
        render: impl Fn(&Executed) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<OnceOutcome<Executed>, StoreError> {
        let render = move |done: &Done| match done {
            Done::Executed(executed) => render(executed),
            Done::Reply(_) => None,
        };
        let outcome = self.item_once(Item::Command(Box::new(command)), key, render).await?;
        outcome.try_map(|done| executed(vec![done]))
    }

    /// Runs an item as a transaction of its own, once for each key.
    pub(super) async fn item_once(
        &self,
        item: Item,
        key: OnceKey,
        render: impl Fn(&Done) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<OnceOutcome<Done>, StoreError> {
        let identity = once_identity(&key);
        let render = Arc::new(render);
        let run = |batch| {
            let (engine, seal, render) = (self.clone(), identity.clone(), render.clone());
            let render = Box::new(move |decided: &Decided| {
                Some(engine.vault().seal(&seal, &render(decided.done.first()?)?))
            });
            self.core.store.write(Once { work: Commit::new(batch), key: key.clone(), render })
        };
        let outcome = self.core.decide(vec![item].into(), run).await?;
        let outcome = outcome
            .try_map(|decided| self.core.settle(decided).into_iter().next().ok_or(StoreError::Defect))?;
        self.opened(&identity, outcome)
    }

    /// The answer that is kept of what was asked under this key, if it was done.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn kept(&self, key: OnceKey) -> Result<Option<Vec<u8>>, StoreError> {
        let identity = once_identity(&key);
        let sealed = self.read(GetKept { key }).await?;
        sealed.map(|sealed| self.open(&identity, &sealed)).transpose()
    }

    fn opened<O>(&self, identity: &str, outcome: OnceOutcome<O>) -> Result<OnceOutcome<O>, StoreError> {
        match outcome {
            OnceOutcome::Again(sealed) => self.open(identity, &sealed).map(OnceOutcome::Again),
            other => Ok(other),
        }
    }

    fn open(&self, identity: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.vault().open(identity, sealed).map_err(|error| StoreError::Database(Box::new(error)))
    }
}

fn once_identity(key: &OnceKey) -> String {
    format!("idempotency/{}/{}", key.scope, key.key)
}
