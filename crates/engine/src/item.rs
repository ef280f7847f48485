//! What goes into a batch and what comes out.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use domain::{Ids, WebhookId};
use parking_lot::Mutex;
use store::queue::DueDelivery;

use crate::clock::Clock;
use crate::command::{Command, Executed};
use crate::feed::{Entry, Feed};
use crate::receive::{Accepted, Reply};
use crate::room::{Reservation, Room};
use crate::snapshot::Snapshot;

/// One thing to decide.
#[derive(Clone, Debug)]
pub enum Item {
    /// A request from outside.
    Request(Box<Accepted>),
    /// A request that is not let in any more, and what its sender is told.
    Refused(Reply),
    /// A command.
    Command(Box<Command>),
}

impl Item {
    /// The same item under another configuration: a request is let in anew, or refused.
    pub fn under(&mut self, snapshot: &Snapshot) {
        let Item::Request(accepted) = self else { return };
        match accepted.anew(snapshot) {
            None => {}
            // Another script has to run first, which takes time that a batch does not have.
            Some(Ok(again)) if again.to_transform().is_some() => *self = Item::Refused(Reply::unavailable()),
            Some(Ok(again)) => **accepted = Accepted { sealed: accepted.sealed.take(), ..again },
            Some(Err(reply)) => *self = Item::Refused(reply),
        }
    }
}

type Gather = Box<dyn FnOnce() -> Vec<Item> + Send>;

/// The items of a batch, in the order in which they came. They may be gathered as late as when its transaction begins, so
/// that what comes in until then comes along.
#[derive(Clone)]
pub struct Items(Arc<LazyLock<Vec<Item>, Gather>>);

impl Items {
    /// Items that are gathered when someone looks at them, once.
    pub fn gathered(gather: impl FnOnce() -> Vec<Item> + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(gather))))
    }
}

impl From<Vec<Item>> for Items {
    fn from(items: Vec<Item>) -> Self {
        Self::gathered(|| items)
    }
}

impl Deref for Items {
    type Target = [Item];

    fn deref(&self) -> &[Item] {
        &self.0
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
    /// Whether requests wait for actions that leave the process.
    pub has_jobs: bool,
    /// What is to be told of it, if anybody listens.
    pub told: Vec<Entry>,
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
    /// Who listens.
    pub feed: Arc<Feed>,
}
