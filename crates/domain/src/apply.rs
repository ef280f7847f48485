//! Applying actions to one record: the rules by which a subscriber changes.
//!
//! Invariant: a subscriber who opted out (unsubscribed, bounced, complained, taken out by hand) gets another status only
//! from an action that names one. What the data says never brings anyone back.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::action::Action;
use crate::change::{self, Draft};
use crate::email::Email;
use crate::id::{ListId, SubscriberId};
use crate::log::{ActionLog, ActionStatus, Place};
use crate::roster::Roster;
use crate::step::OnError;
use crate::subscriber::{Fields, MemberStatus, Status, Subscriber};
use crate::time::Timestamp;

/// What the actions of one record did.
#[derive(Debug, Default)]
pub struct Applied {
    /// Each action that ran, and how it ended.
    pub actions: Vec<ActionLog>,
    /// What did not go as the data or the configuration said, without being a failure.
    pub warnings: Vec<String>,
    /// The events, to be stored with the change.
    pub events: Vec<Draft>,
    /// Whether an action failed; those behind it did not run.
    pub failed: bool,
}

/// Fewer ids were reserved for new subscribers than the batch needs.
#[derive(Debug, thiserror::Error)]
#[error("no id left for a new subscriber")]
pub struct OutOfIds;

/// What is done at one place: an action of the configuration, or what became of it elsewhere.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// Which action of which record.
    pub place: Place,
    /// The action's type.
    pub name: &'static str,
    /// What follows if it fails.
    pub on_error: OnError,
    /// What to do.
    pub what: What<'a>,
}

/// What a task is.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// A change of the subscriber.
    Change(Cow<'a, Action>),
    /// An event to be told.
    Tell(Draft),
    /// Nothing any more: how it ended.
    Ended(ActionLog),
    /// The same, and fields that it brought for the subscriber.
    Brought(ActionLog, Fields),
}

/// Runs tasks in order, on the subscriber with this email.
///
/// They only change what is in memory: each takes less than a millisecond, the unit of the log, and is logged with none.
/// `now` is when what changes is said to have changed.
///
/// # Errors
/// Only if the roster has no id for a new subscriber: then nothing of the batch may be written.
pub fn apply(
    roster: &mut Roster,
    lists: &HashSet<ListId>,
    tasks: Vec<Task<'_>>,
    email: Option<&Email>,
    fields: &Fields,
    now: Timestamp,
) -> Result<Applied, OutOfIds> {
    let before = email.and_then(|email| roster.find(email)).cloned();
    let mut applied = Applied::default();
    let mut work =
        Work { current: before.clone(), new_id: None, roster, lists, email, fields, warnings: Vec::new() };
    for task in tasks {
        let ended = |status, detail| ActionLog {
            action: task.name.into(),
            place: task.place,
            status,
            detail,
            duration_ms: 0,
            output: None,
            passing: false,
        };
        let log = match task.what {
            What::Change(action) => match work.run(&action, now)? {
                Did::Done(detail) => ended(ActionStatus::Done, detail),
                Did::Skipped(detail) => ended(ActionStatus::Skipped, detail),
                Did::Failed(detail) => ended(ActionStatus::Failed, detail),
            },
            What::Tell(draft) => {
                let log = ended(ActionStatus::Done, format!("{} told", draft.event_type));
                applied.events.push(draft);
                log
            }
            What::Ended(log) => log,
            What::Brought(log, brought) => {
                work.existing(|subscriber| {
                    subscriber.set(&brought);
                    String::new()
                });
                log
            }
        };
        let has_failed = log.status == ActionStatus::Failed;
        if has_failed && task.on_error == OnError::Continue {
            work.warn(format!("{}: {}", log.action, log.detail));
        }
        applied.failed = has_failed && task.on_error == OnError::Stop;
        applied.actions.push(log);
        if applied.failed {
            break;
        }
    }
    applied.warnings = work.warnings;
    let after = roster_after(work.roster, before.as_ref(), work.current, now);
    // What happened to the subscriber comes before what is said about it.
    applied.events.splice(0..0, change::events(before.as_deref(), after.as_deref()));
    Ok(applied)
}

/// The first list that an action names and that does not exist.
pub fn missing_list(action: &Action, lists: &HashSet<ListId>) -> Option<ListId> {
    action.lists().iter().find(|list| !lists.contains(list)).copied()
}

/// Writes the outcome into the roster; the time of the last change moves only if something changed.
fn roster_after(
    roster: &mut Roster,
    before: Option<&Arc<Subscriber>>,
    after: Option<Arc<Subscriber>>,
    now: Timestamp,
) -> Option<Arc<Subscriber>> {
    let mut after = after?;
    if before == Some(&after) {
        return before.cloned();
    }
    Arc::make_mut(&mut after).updated_at = now;
    roster.put(after.clone());
    Some(after)
}

enum Did {
    Done(String),
    Skipped(String),
    Failed(String),
}

struct Work<'a> {
    /// Shared with the roster until it is changed.
    current: Option<Arc<Subscriber>>,
    new_id: Option<SubscriberId>,
    roster: &'a mut Roster,
    lists: &'a HashSet<ListId>,
    email: Option<&'a Email>,
    fields: &'a Fields,
    warnings: Vec<String>,
}

impl Work<'_> {
    fn run(&mut self, action: &Action, now: Timestamp) -> Result<Did, OutOfIds> {
        if let Some(missing) = missing_list(action, self.lists) {
            return Ok(Did::Failed(format!(
                "list {missing} does not exist: choose another one in the webhook's actions"
            )));
        }
        match action {
            Action::AddSubscriber { lists, tags, status, update_existing } => {
                self.add_subscriber(lists, tags, *status, *update_existing, now)
            }
            Action::UpdateSubscriber { create_if_missing, add_tags, remove_tags } => {
                self.update_subscriber(*create_if_missing, add_tags, remove_tags, now)
            }
            Action::AddToList { list_id, .. } => Ok(self.existing(|s| {
                if join(s, *list_id) {
                    format!("added to list {list_id}")
                } else {
                    format!("was on list {list_id} already")
                }
            })),
            Action::RemoveFromList { list_id, unsubscribe } => {
                Ok(self.existing(|s| leave(s, *list_id, *unsubscribe)))
            }
            Action::ApplyTag { tags } => Ok(self.existing(|s| {
                s.tags.extend(tags.iter().cloned());
                format!("tagged {}", tags.join(", "))
            })),
            Action::RemoveTag { tags } => Ok(self.existing(|s| {
                s.tags.retain(|tag| !tags.contains(tag));
                format!("untagged {}", tags.join(", "))
            })),
            Action::ChangeStatus { status } => Ok(self.existing(|s| {
                let old = std::mem::replace(&mut s.status, *status);
                format!("status {} to {}", old.as_str(), status.as_str())
            })),
            // These are other kinds of tasks.
            Action::PublishEvent { .. } | Action::CallApi { .. } | Action::CustomCode { .. } => {
                Ok(Did::Skipped("is not a change of a subscriber".to_owned()))
            }
        }
    }

    fn existing(&mut self, change: impl FnOnce(&mut Subscriber) -> String) -> Did {
        match &mut self.current {
            Some(subscriber) => Did::Done(change(Arc::make_mut(subscriber))),
            None => Did::Skipped("no subscriber has this email".to_owned()),
        }
    }

    fn add_subscriber(
        &mut self,
        lists: &[ListId],
        tags: &[String],
        status: Option<Status>,
        update_existing: bool,
        now: Timestamp,
    ) -> Result<Did, OutOfIds> {
        let is_new = self.current.is_none();
        let mut shared = match (self.current.take(), self.email) {
            (Some(subscriber), _) => subscriber,
            (None, Some(email)) => self.create(email, now)?.into(),
            (None, None) => return Ok(Did::Failed("no email found".to_owned())),
        };
        let subscriber = Arc::make_mut(&mut shared);
        if is_new || update_existing {
            self.set_fields(subscriber);
        }
        if let Some(status) = status {
            subscriber.status = status;
        }
        for list in lists {
            join(subscriber, *list);
        }
        subscriber.tags.extend(tags.iter().cloned());
        let detail = match (is_new, update_existing) {
            (true, _) => format!("subscriber {} added", subscriber.id),
            (false, true) => format!("subscriber {} exists: updated", subscriber.id),
            (false, false) => format!("subscriber {} exists: fields left as they are", subscriber.id),
        };
        self.current = Some(shared);
        Ok(Did::Done(detail))
    }

    fn update_subscriber(
        &mut self,
        create: bool,
        add: &[String],
        remove: &[String],
        now: Timestamp,
    ) -> Result<Did, OutOfIds> {
        let is_new = self.current.is_none();
        let mut shared = match (self.current.take(), self.email) {
            (Some(subscriber), _) => subscriber,
            (None, Some(email)) if create => self.create(email, now)?.into(),
            (None, _) => return Ok(Did::Skipped("no subscriber has this email".to_owned())),
        };
        let subscriber = Arc::make_mut(&mut shared);
        self.set_fields(subscriber);
        subscriber.tags.extend(add.iter().cloned());
        subscriber.tags.retain(|tag| !remove.contains(tag));
        let verb = if is_new { "added" } else { "updated" };
        let detail = format!("subscriber {} {verb}", subscriber.id);
        self.current = Some(shared);
        Ok(Did::Done(detail))
    }

    fn create(&mut self, email: &Email, now: Timestamp) -> Result<Subscriber, OutOfIds> {
        let id = match self.new_id {
            Some(id) => id,
            None => self.roster.take_id().ok_or(OutOfIds)?,
        };
        self.new_id = Some(id);
        Ok(Subscriber::new(id, email.clone(), self.fields.status.unwrap_or(Status::Subscribed), now))
    }

    fn set_fields(&mut self, subscriber: &mut Subscriber) {
        subscriber.set(self.fields);
        self.set_status_of_data(subscriber);
        match self.fields.list {
            Some(list) if self.lists.contains(&list) => {
                join(subscriber, list);
            }
            Some(list) => self.warn(format!("list {list} does not exist: not added to it")),
            None => {}
        }
    }

    fn set_status_of_data(&mut self, subscriber: &mut Subscriber) {
        let Some(wanted) = self.fields.status.filter(|wanted| *wanted != subscriber.status) else { return };
        if subscriber.status.is_opted_out() && !wanted.is_opted_out() {
            let (is, wanted) = (subscriber.status.as_str(), wanted.as_str());
            self.warn(format!("the subscriber is {is} and stays so: the data's status {wanted} brings nobody back, an action's does"));
        } else {
            subscriber.status = wanted;
        }
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

fn join(subscriber: &mut Subscriber, list: ListId) -> bool {
    subscriber.lists.insert(list, MemberStatus::Subscribed) != Some(MemberStatus::Subscribed)
}

fn leave(subscriber: &mut Subscriber, list: ListId, unsubscribe: bool) -> String {
    let was_on = subscriber.lists.remove(&list).is_some();
    if unsubscribe && !subscriber.status.is_opted_out() {
        subscriber.status = Status::Unsubscribed;
    }
    match was_on {
        true => format!("removed from list {list}"),
        false => format!("was not on list {list}"),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
