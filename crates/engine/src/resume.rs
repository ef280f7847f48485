//! Runs what came in while a webhook was paused, once it is active again: the oldest first.

use std::collections::HashMap;

use domain::{Timestamp, WebhookId};
use store::StoreError;
use store::requests::ListAccepted;

use crate::command::Command;
use crate::core::Core;
use crate::item::Item;
use crate::rerun::Rerun;

/// Requests run in one transaction.
const CHUNK: usize = 100;

/// The webhooks of which nothing waits to be run, each as it was last changed: what is not changed was not paused.
#[derive(Default)]
pub(crate) struct Resumed(HashMap<WebhookId, Timestamp>);

impl Resumed {
    /// Looks at each active webhook that was changed since, or that nobody has looked at in this process.
    pub(crate) async fn look(&mut self, core: &Core) -> Result<(), StoreError> {
        let snapshot = core.snapshot();
        self.0.retain(|id, _| snapshot.incoming.contains_key(id));
        for (id, incoming) in &snapshot.incoming {
            let changed_at = incoming.webhook.updated_at;
            if incoming.is_active() && self.0.get(id) != Some(&changed_at) {
                run_accepted(core, id).await?;
                self.0.insert(id.clone(), changed_at);
            }
        }
        Ok(())
    }
}

async fn run_accepted(core: &Core, webhook_id: &WebhookId) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let list = ListAccepted { webhook_id: webhook_id.clone(), after, limit: CHUNK };
        let waiting = core.store.read(list).await?;
        after = waiting.last().map(|row| row.id);
        if after.is_none() || core.is_stopping() {
            return Ok(());
        }
        let count = waiting.len();
        let mut items = Vec::with_capacity(count);
        for row in waiting {
            let Ok(rerun) = core.prepared(Rerun::all(row)).await else {
                tracing::warn!(webhook = %webhook_id, "requests that came in during a pause wait for the scripts of others");
                return Err(StoreError::Conflict);
            };
            items.push(Item::Command(Box::new(Command::Rerun(Box::new(rerun)))));
        }
        // Another node may be at it: then this fails as a whole, and is looked at again.
        core.commit(items.into()).await?;
        tracing::info!(webhook = %webhook_id, requests = count, "requests were run that came in during a pause");
    }
}
