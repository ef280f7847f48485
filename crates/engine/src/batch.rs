//! A batch: requests and commands that are decided and written in one transaction.
//!
//! Deciding is a function of what was loaded; it may run several times, and only the last run counts. The one thing it takes
//! from outside is room in the dispatcher's memory, which goes back by itself if the run comes to nothing.

use std::sync::Arc;

use store::StoreError;
use store::commit::{Decide, DedupeKey, Found, Needs};

use crate::actions::plan::Ended;
use crate::command::Command;
use crate::decide::Decision;
pub use crate::item::{Decided, Done, Item, Items, Shared};
use crate::receive::{Accepted, Content};
use crate::records::Record;
pub use crate::room::{Reservation, Room};
use crate::snapshot::Snapshot;

/// A batch.
pub struct Batch {
    /// What all batches share.
    pub shared: Arc<Shared>,
    /// The configuration to decide by.
    pub snapshot: Arc<Snapshot>,
    /// The items.
    pub items: Items,
}

impl Decide for Batch {
    type Answer = Decided;

    fn needs(&self) -> Needs {
        let mut needs = Needs { config_version: self.snapshot.version, ..Needs::default() };
        for item in self.items.iter() {
            match item {
                Item::Request(accepted) => self.need_request(&mut needs, accepted, &Ended::default()),
                Item::Refused(_) => {}
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

impl Batch {
    fn need_request(&self, needs: &mut Needs, accepted: &Accepted, ended: &Ended<'_>) {
        if let Content::Records(records) = &accepted.content
            && !accepted.incoming.webhook.settings.actions.is_empty()
        {
            needs.emails.extend(records.list.iter().filter_map(|record| match record {
                Record::Mapped(record) => record.mapped.fields.email.clone(),
                Record::Ignored(_) | Record::Invalid(_) => None,
            }));
        }
        let webhook_id = accepted.webhook_id();
        let key = |name: &String| DedupeKey { webhook_id: webhook_id.clone(), key: name.clone() };
        needs.dedupe.extend(accepted.names.all().map(key));
        needs.looked_at.extend(self.snapshot.named_by(accepted, ended));
    }

    fn need_command(&self, needs: &mut Needs, command: &Command) {
        match command {
            Command::CreateSubscriber(new) => needs.emails.extend(new.fields.email.clone()),
            Command::UpdateSubscriber(id, change) => {
                needs.subscribers.push(*id);
                needs.emails.extend(change.fields.email.clone());
            }
            Command::DeleteSubscriber(id, _) => needs.subscribers.push(*id),
            Command::Rerun(rerun) => {
                if let Some(accepted) = rerun.admit(&self.snapshot) {
                    self.need_request(needs, &accepted, &rerun.ended());
                    needs.emails.extend(rerun.emails_of_scripts(&accepted.incoming));
                }
            }
            Command::Import(piece) => {
                let new = piece.lines.iter().filter_map(|line| line.entry.as_ref().ok());
                needs.emails.extend(new.filter_map(|new| new.fields.email.clone()));
            }
            Command::Publish(events) => {
                let asked = events.iter().filter_map(|e| self.snapshot.asked_about(&e.event_type, &e.data));
                needs.looked_at.extend(asked);
            }
            Command::Resend(resend) => needs.looked_at.extend(resend.newly_named(&self.snapshot)),
            Command::Settle(webhook_id) => needs.health.push(webhook_id.clone()),
        }
    }
}
