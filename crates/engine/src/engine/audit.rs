//! What is to be told in the audit log.

use std::sync::Arc;

use domain::audit::{Act, Actor, Entry};
use store::audit::Noted;
use store::commit::Commit;
use store::{StoreError, Work};

use super::{Engine, executed, to_its_end};
use crate::command::{Command, Executed};
use crate::item::{Decided, Done, Item};

impl Engine {
    /// The transaction, which also writes into the audit log that someone did this; `act` makes of its outcome what was done.
    pub fn noted<W: Work>(
        &self,
        actor: &Actor,
        work: W,
        act: impl Fn(&W::Output) -> Option<Act> + Send + Sync + 'static,
    ) -> Noted<W> {
        let actor = actor.clone();
        self.noted_as(work, move |output| act(output).map(|act| (actor.clone(), act)))
    }

    /// The same where the outcome says who did it.
    pub fn noted_as<W: Work>(
        &self,
        work: W,
        told: impl Fn(&W::Output) -> Option<(Actor, Act)> + Send + Sync + 'static,
    ) -> Noted<W> {
        let id = self.core.shared.ids.lock().next(self.core.now());
        let note = move |output: &W::Output| told(output).map(|(actor, act)| Entry { id, actor, act });
        Noted { work, note: Box::new(note) }
    }

    /// [`Engine::execute`], and writes into the audit log that someone did it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute_noted(
        &self,
        command: Command,
        actor: &Actor,
        act: impl Fn(&Executed) -> Option<Act> + Send + Sync + 'static,
    ) -> Result<Executed, StoreError> {
        let (engine, actor, act) = (self.clone(), actor.clone(), Arc::new(act));
        to_its_end(async move {
            let run = |batch| {
                let act = act.clone();
                let told = move |decided: &Decided| match decided.done.first() {
                    Some(Done::Executed(executed)) => act(executed),
                    _ => None,
                };
                engine.core.store.write(engine.noted(&actor, Commit::new(batch), told))
            };
            let decided = engine.core.decide(vec![Item::Command(Box::new(command))].into(), run).await?;
            executed(engine.core.settle(decided))
        })
        .await
    }
}
