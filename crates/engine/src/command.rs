//! Changes asked for over REST: they go the same way as those of incoming webhooks, and so cause the same events.

use std::sync::Arc;

use domain::change::{self, Draft};
use domain::log::FieldError;
use domain::subscriber::{Fields, MemberStatus};
use domain::{Event, EventType, ListId, Roster, Status, Subscriber, SubscriberId, Timestamp, WebhookId};
use store::StoreError;
use store::commit::RequestRow;
use store::deliveries::DeliveryEntry;
use store::tasks::TaskRow;

use crate::imports::{Imported, Piece};
use crate::rerun::Rerun;
use crate::resend::Resend;
use crate::snapshot::Snapshot;

/// A change.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds a subscriber.
    CreateSubscriber(NewSubscriber),
    /// Changes a subscriber.
    UpdateSubscriber(SubscriberId, SubscriberChange),
    /// Removes a subscriber; if one is given, only if they are still as this.
    DeleteSubscriber(SubscriberId, Option<Box<Subscriber>>),
    /// Tells events.
    Publish(Vec<NewEvent>),
    /// Runs a stored request through today's configuration.
    Rerun(Box<Rerun>),
    /// Makes a delivery once more, of an edited event.
    Resend(Box<Resend>),
    /// Tells what is to be told of how an outgoing webhook's destination does, and deactivates it if that is it.
    Settle(WebhookId),
    /// Takes in rows of a file.
    Import(Box<Piece>),
}

/// A subscriber to be added.
#[derive(Clone, Debug)]
pub struct NewSubscriber {
    /// The email, and what else is known.
    pub fields: Fields,
    /// `subscribed` if not given.
    pub status: Option<Status>,
    /// The lists.
    pub lists: Vec<ListId>,
    /// The tags.
    pub tags: Vec<String>,
}

/// What is to change of a subscriber.
#[derive(Clone, Debug, Default)]
pub struct SubscriberChange {
    /// If it is given, only a subscriber who is still as this is changed.
    pub only_if: Option<Box<Subscriber>>,
    /// Fields to set; a new email among them.
    pub fields: Fields,
    /// The new status.
    pub status: Option<Status>,
    /// The lists, all of them.
    pub lists: Option<Vec<ListId>>,
    /// The tags, all of them.
    pub tags: Option<Vec<String>>,
}

/// An event to be told.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What kind.
    pub event_type: EventType,
    /// When it happened; now if not given.
    pub occurred_at: Option<Timestamp>,
    /// A JSON object.
    pub data: String,
}

/// What became of a command.
#[derive(Clone, Debug)]
pub enum Executed {
    /// Added or changed.
    Subscriber(Subscriber),
    /// Removed; this was the last state.
    Deleted(Subscriber),
    /// There is no such subscriber.
    NotFound,
    /// The subscriber is no longer as the command said.
    ChangedMeanwhile,
    /// Another subscriber has this email.
    EmailTaken(SubscriberId),
    /// There are no such lists.
    UnknownLists(Vec<ListId>),
    /// Values that don't fit their custom fields: why, by dotted path.
    UnfitFields(Vec<FieldError>),
    /// Events whose data are not as their kind is declared: the position of each, and why.
    UnfitEvents(Vec<(usize, FieldError)>),
    /// Told.
    Published(Vec<Event>),
    /// Run again; this is the entry of the log as it is now.
    Rerun(RequestRow),
    /// The delivery that was made.
    Resent(Box<DeliveryEntry>),
    /// The webhook of that request or delivery was deleted, or gets no deliveries.
    WebhookGone,
    /// Told, if there was anything to tell.
    Settled,
    /// Rows of a file were taken in; the task as it is behind them.
    Imported(Imported, Option<TaskRow>),
}

pub(crate) fn create(
    roster: &mut Roster,
    snapshot: &Snapshot,
    new: &NewSubscriber,
    now: Timestamp,
) -> Result<(Executed, Vec<Draft>), StoreError> {
    let Some(email) = &new.fields.email else { return Ok((Executed::NotFound, Vec::new())) };
    if let Some(taken) = roster.find(email) {
        return Ok((Executed::EmailTaken(taken.id), Vec::new()));
    }
    if let Some(unknown) = unknown_lists(snapshot, &new.lists) {
        return Ok((unknown, Vec::new()));
    }
    let fields = match fitting(snapshot, &new.fields) {
        Ok(fields) => fields,
        Err(unfit) => return Ok((Executed::UnfitFields(unfit), Vec::new())),
    };
    let id = roster.take_id().ok_or(StoreError::Conflict)?;
    let mut subscriber = Subscriber::new(id, email.clone(), new.status.unwrap_or(Status::Subscribed), now);
    subscriber.set(&fields);
    subscriber.lists = new.lists.iter().map(|list| (*list, MemberStatus::Subscribed)).collect();
    subscriber.tags = new.tags.iter().cloned().collect();
    roster.put(subscriber.clone());
    let events = change::events(None, Some(&subscriber));
    Ok((Executed::Subscriber(subscriber), events))
}

pub(crate) fn update(
    roster: &mut Roster,
    snapshot: &Snapshot,
    id: SubscriberId,
    change: &SubscriberChange,
    now: Timestamp,
) -> (Executed, Vec<Draft>) {
    let Some(before) = roster.get(id).cloned() else { return (Executed::NotFound, Vec::new()) };
    if change.only_if.as_ref().is_some_and(|seen| **seen != *before) {
        return (Executed::ChangedMeanwhile, Vec::new());
    }
    let mut after = Subscriber::clone(&before);
    if let Some(email) = &change.fields.email {
        if let Some(other) = roster.find(email).filter(|other| other.id != id) {
            return (Executed::EmailTaken(other.id), Vec::new());
        }
        after.email = email.clone();
    }
    match fitting(snapshot, &change.fields) {
        Ok(fields) => after.set(&fields),
        Err(unfit) => return (Executed::UnfitFields(unfit), Vec::new()),
    }
    if let Some(status) = change.status {
        after.status = status;
    }
    if let Some(lists) = &change.lists {
        let new: Vec<ListId> =
            lists.iter().filter(|list| !before.lists.contains_key(list)).copied().collect();
        if let Some(unknown) = unknown_lists(snapshot, &new) {
            return (unknown, Vec::new());
        }
        let status = |list: &ListId| before.lists.get(list).copied().unwrap_or(MemberStatus::Subscribed);
        after.lists = lists.iter().map(|list| (*list, status(list))).collect();
    }
    if let Some(tags) = &change.tags {
        after.tags = tags.iter().cloned().collect();
    }
    let events = change::events(Some(&before), Some(&after));
    if *before != after {
        after.updated_at = now;
        roster.put(after.clone());
    }
    (Executed::Subscriber(after), events)
}

pub(crate) fn delete(
    roster: &mut Roster,
    id: SubscriberId,
    only_if: Option<&Subscriber>,
) -> (Executed, Vec<Draft>) {
    let current = roster.get(id);
    if current.zip(only_if).is_some_and(|(current, seen)| **current != *seen) {
        return (Executed::ChangedMeanwhile, Vec::new());
    }
    match roster.remove(id) {
        Some(gone) => {
            let events = change::events(Some(&gone), None);
            (Executed::Deleted(Arc::unwrap_or_clone(gone)), events)
        }
        None => (Executed::NotFound, Vec::new()),
    }
}

fn unknown_lists(snapshot: &Snapshot, lists: &[ListId]) -> Option<Executed> {
    let unknown: Vec<ListId> = lists.iter().filter(|list| !snapshot.lists.contains(list)).copied().collect();
    (!unknown.is_empty()).then_some(Executed::UnknownLists(unknown))
}

/// Custom fields as they are declared. Who writes them himself can mend them, so what does not fit is refused.
fn fitting(snapshot: &Snapshot, fields: &Fields) -> Result<Fields, Vec<FieldError>> {
    let mut fields = fields.clone();
    let mut unfit = Vec::new();
    for (name, value) in &mut fields.custom_fields {
        let Some(value) = value else { continue };
        match snapshot.field_types.conform(name, value) {
            Ok(fitting) => *value = fitting,
            Err(error) => {
                unfit.push(FieldError { field: format!("custom_fields.{name}"), message: error.to_string() });
            }
        }
    }
    if unfit.is_empty() { Ok(fields) } else { Err(unfit) }
}
