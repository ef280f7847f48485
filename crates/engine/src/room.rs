//! The dispatcher's memory, as a batch sees it: places that are taken before a commit, and go back by themselves if it fails.

use std::sync::Arc;

use domain::WebhookId;

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
