//! What senders tell the recorder.

use std::sync::Arc;

use domain::{DeliveryId, Event};
use store::record::AttemptRow;
use tokio::sync::oneshot;

/// Outcomes that wait to be recorded. When it is full, senders wait: the database sets the pace.
pub(crate) const OUTCOME_QUEUE: usize = 4_096;

/// What became of a delivery that was taken from a queue.
pub(crate) enum Outcome {
    /// It was tried; with the event that it is of.
    Attempted(Box<AttemptRow>, Arc<Event>),
    /// It was not: its webhook gets none any more. What is to be done with it is for the sweep to say.
    GivenBack(DeliveryId),
    /// Everything before this is to be recorded, and then said so.
    Flush(oneshot::Sender<()>),
}
