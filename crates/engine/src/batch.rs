//! A batch: requests and commands that are decided and written in one transaction.
//!
//! Deciding is a function of what was loaded; it may run several times, and only the last run counts. The one thing it takes
//! from outside is room in the dispatcher's memory, which goes back by itself if the run comes to nothing.

use std::sync::Arc;

use domain::{Ids, WebhookId};
use parking_lot::Mutex;
use store::StoreError;
use store::commit::{Decide, DedupeKey, Found, Needs};
use store::queue::DueDelivery;

use crate::clock::Clock;
use crate::command::{Command, Executed};
use crate::decide::Decision;
use crate::receive::{self, Accepted, Content, Record, Reply};
use crate::snapshot::Snapshot;

/// The dispatcher's memory, as a batch sees it.
pub trait Room: Send + Sync {
    /// Takes up to so many places for deliveries to this webhook, and says how many it got.
    fn reserve(&self, webhook: &WebhookId, want: usize) -> usize;
    /// Gives places back.
    fn release(&self, webhook: &WebhookId, count: usize);
}

/// Places that were taken. Dropped, they go back.
pub struct Reservation {
    room: Arc<dyn Room>,
    held: Vec<(WebhookId, usize)>,
}

impl Reservation {
    pub(crate) fn new(room: Arc<dyn Room>) -> Self {
        Self { room, held: Vec::new() }
    }

    pub(crate) fn take(&mut self, webhook: &WebhookId, want: usize) -> usize {
        let granted = self.room.reserve(webhook, want);
        if granted > 0 {
            self.held.push((webhook.clone(), granted));
        }
        granted
    }

    /// Leaves the places to the jobs that they were taken for.
    pub fn hand_over(mut self) {
        self.held.clear();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        for (webhook, count) in self.held.drain(..) {
            self.room.release(&webhook, count);
        }
    }
}

/// One thing to decide.
#[derive(Clone, Debug)]
pub enum Item {
    /// A request from outside.
    Request(Box<Accepted>),
    /// A command.
    Command(Box<Command>),
}

impl Item {
    /// The same item under another configuration.
    pub fn under(&mut self, snapshot: &Snapshot) {
        if let Item::Request(accepted) = self
            && let Some(incoming) = snapshot.incoming.get(accepted.webhook_id())
        {
            receive::remap(incoming, accepted);
        }
    }
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Done {
    /// The sender's answer.
    Reply(Reply),
    /// What the command came to.
    Executed(Box<Executed>),
}

/// What a batch came to.
pub struct Decided {
    /// One for each item.
    pub done: Vec<Done>,
    /// Deliveries that have a place in memory.
    pub jobs: Vec<DueDelivery>,
    /// Webhooks for which deliveries wait in the table.
    pub spilled: Vec<WebhookId>,
    /// The places of the jobs.
    pub reservation: Reservation,
}

/// What all batches of a node share.
pub struct Shared {
    /// The present.
    pub clock: Clock,
    /// Ids of log entries.
    pub ids: Mutex<Ids>,
    /// This node.
    pub node: Arc<str>,
    /// The dispatcher's memory.
    pub room: Arc<dyn Room>,
}

/// A batch.
pub struct Batch {
    /// What all batches share.
    pub shared: Arc<Shared>,
    /// The configuration to decide by.
    pub snapshot: Arc<Snapshot>,
    /// The items, in the order in which they came.
    pub items: Arc<Vec<Item>>,
}

impl Decide for Batch {
    type Answer = Decided;

    fn needs(&self) -> Needs {
        let mut needs = Needs { config_version: self.snapshot.version, ..Needs::default() };
        for item in self.items.iter() {
            match item {
                Item::Request(accepted) => need_request(&mut needs, accepted),
                Item::Command(command) => self.need_command(&mut needs, command),
            }
        }
        // One order for all who lock.
        needs.emails.sort_unstable();
        needs.emails.dedup();
        needs
    }

    fn decide(&self, found: Found) -> Result<(store::commit::Writes, Decided), StoreError> {
        let mut decision = Decision::new(&self.shared, &self.snapshot, found);
        let done = self.items.iter().map(|item| decision.item(item)).collect::<Result<_, _>>()?;
        Ok(decision.finish(done))
    }
}

fn need_request(needs: &mut Needs, accepted: &Accepted) {
    if let Content::Records { records, .. } = &accepted.content
        && !accepted.incoming.webhook.settings.actions.is_empty()
    {
        needs.emails.extend(records.iter().filter_map(|record| match record {
            Record::Mapped(mapped) => mapped.fields.email.clone(),
            Record::OtherEvent(_) => None,
        }));
    }
    if let Some(key) = &accepted.dedupe_key {
        needs.dedupe.push(DedupeKey { webhook_id: accepted.webhook_id().clone(), key: key.clone() });
    }
}

impl Batch {
    fn need_command(&self, needs: &mut Needs, command: &Command) {
        match command {
            Command::CreateSubscriber(new) => needs.emails.extend(new.fields.email.clone()),
            Command::UpdateSubscriber(id, change) => {
                needs.subscribers.push(*id);
                needs.emails.extend(change.fields.email.clone());
            }
            Command::DeleteSubscriber(id) => needs.subscribers.push(*id),
            Command::Rerun(row) => {
                if let Some(incoming) = self.snapshot.incoming.get(&row.webhook_id)
                    && let Ok(accepted) = receive::readmit(incoming, row)
                {
                    need_request(needs, &accepted);
                }
            }
            Command::Publish(_) => {}
        }
    }
}
