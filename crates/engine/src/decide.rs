//! One run of deciding a batch: from what was loaded to what is to be written and answered.

mod entry;

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::apply::{self, OutOfIds};
use domain::change::Draft;
use domain::log::{Duplicate, RequestStatus};
use domain::outgoing::Ordering;
use domain::{DeliveryId, Event, EventId, RequestId, Roster, Timestamp, WebhookId};
use store::StoreError;
use store::commit::{DedupeAnswer, DedupeKey, Found, NewDelivery, RequestRow, Skipped, Skips, Writes};
use store::health::HealthRow;
use store::jobs::JobRow;
use store::queue::DueDelivery;

use crate::actions::context::Facts;
use crate::actions::plan::{self, Ended, Rest};
use crate::command::{self, Command, Executed, NewEvent};
use crate::feed::Entry;
use crate::handshake;
use crate::imports;
use crate::item::{Decided, Done, Item, Shared};
use crate::kept;
use crate::receive::{Accepted, Content, Reply};
use crate::records::{self, Record};
use crate::rerun::Rerun;
use crate::room::Reservation;
use crate::snapshot::{Outgoing, Snapshot};
use crate::summary::Summary;

/// How long a request that carries a name of its own is recognised, in seconds: as long as senders retry, which is a day for
/// most.
const DEDUPE_SECONDS: u32 = 86_400;

/// Webhooks that want an event's kind and did not get it which are named with it; more are counted. One page of a list.
const MAX_SKIPPED: usize = 200;

pub(crate) struct Decision<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) now: Timestamp,
    pub(crate) roster: Roster,
    dedupe: HashMap<DedupeKey, String>,
    /// How destinations do that are to be looked at.
    pub(crate) health: HashMap<WebhookId, HealthRow>,
    pub(crate) writes: Writes,
    /// Events with the webhooks that get them; deliveries are made of them at the end, when it is known how many.
    pub(crate) fan_out: Vec<(Arc<Event>, Arc<Outgoing>)>,
}

impl<'a> Decision<'a> {
    pub(crate) fn new(shared: &'a Shared, snapshot: &'a Snapshot, found: Found) -> Self {
        Self {
            now: shared.clock.now(),
            roster: Roster::new(found.subscribers, found.free_ids),
            dedupe: found.dedupe,
            health: found.health,
            writes: Writes::default(),
            fan_out: Vec::new(),
            shared,
            snapshot,
        }
    }

    pub(crate) fn item(&mut self, item: &Item) -> Result<Done, StoreError> {
        match item {
            Item::Request(accepted) => self.request(accepted).map(Done::Reply),
            Item::Refused(reply) => Ok(Done::Reply(reply.clone())),
            Item::Command(command) => {
                self.command(command).map(|executed| Done::Executed(Box::new(executed)))
            }
        }
    }

    pub(crate) fn finish(mut self, done: Vec<Done>) -> (Writes, Decided) {
        let mut reservation = Reservation::new(self.shared.room.clone());
        let (mut jobs, mut spilled) = (Vec::with_capacity(self.fan_out.len()), Vec::new());
        // One webhook after the other, each in the order of the events: room is asked for once a webhook.
        self.fan_out.sort_by(|(_, a), (_, b)| a.webhook.id.cmp(&b.webhook.id));
        for group in self.fan_out.chunk_by(|(_, a), (_, b)| a.webhook.id == b.webhook.id) {
            let webhook_id = &group[0].1.webhook.id;
            // What a webhook gets that is paused waits in the table until it is active again.
            let is_active = group[0].1.is_active();
            // What follows each other waits there, too: only the table knows whose turn it is.
            let in_order = group[0].1.webhook.settings.ordering == Ordering::Subscriber;
            let room = if is_active && !in_order { reservation.take(webhook_id, group.len()) } else { 0 };
            if is_active && room < group.len() {
                spilled.push(webhook_id.clone());
            }
            for (position, (event, _)) in group.iter().enumerate() {
                let id = self.delivery_id(event);
                let leased = position < room;
                self.writes.deliveries.push(NewDelivery {
                    id,
                    webhook_id: webhook_id.clone(),
                    event_id: event.id,
                    event_type: event.event_type.clone(),
                    created_at: self.now,
                    node: leased.then(|| self.shared.node.clone()),
                    subject: in_order.then(|| event.subscriber_id()).flatten(),
                });
                if leased {
                    let event = event.clone();
                    jobs.push(DueDelivery {
                        id,
                        webhook_id: webhook_id.clone(),
                        event,
                        attempts: 0,
                        attempts_before: 0,
                        first_attempt_at: None,
                        subject: None,
                    });
                }
            }
        }
        // One order for all who lock.
        self.writes.dedupe.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.writes.subscribers = self.roster.into_changes();
        let has_jobs = !self.writes.jobs.is_empty();
        let told = self.shared.feed.heard(|| told(&self.writes)).unwrap_or_default();
        (self.writes, Decided { done, jobs, spilled, reservation, has_jobs, told })
    }

    /// The id of a delivery of this event: it was told already if the event was edited for it.
    fn delivery_id(&self, event: &Event) -> DeliveryId {
        match &self.writes.resent {
            Some(resent) if resent.event.id == event.id => resent.delivery,
            _ => self.shared.ids.lock().next(self.now),
        }
    }

    fn request(&mut self, accepted: &Accepted) -> Result<Reply, StoreError> {
        let key = |name: &String| DedupeKey { webhook_id: accepted.webhook_id().clone(), key: name.clone() };
        let keys: Vec<DedupeKey> = accepted.names.of_request().map(key).collect();
        if let Some(reply) = keys.iter().find_map(|key| entry::again(self.dedupe.get(key)?)) {
            return Ok(reply);
        }
        let id = self.shared.ids.lock().next(self.now);
        let (duplicates, new) = self.duplicates(accepted, id);
        let (row, reply) = match &accepted.content {
            Content::Rejected { .. } => self.run(id, accepted, 1, &Ended::default(), duplicates)?,
            _ if !accepted.incoming.is_active() => entry::put_off(id, accepted, duplicates),
            _ => self.run(id, accepted, 1, &Ended::default(), duplicates)?,
        };
        if row.status == RequestStatus::Accepted && accepted.incoming.is_active() {
            self.writes.jobs.push(JobRow::new(id, accepted.webhook_id().clone(), self.now));
        }
        self.writes.requests.push(row);
        if let Some(by_hand) = &accepted.stored {
            let told = self.shared.ids.lock().next(self.now);
            self.writes.audit.push(entry::told(told, by_hand, id));
        }
        if reply.status < 300 {
            self.remember(keys.into_iter().chain(new), accepted, &reply);
        }
        Ok(reply)
    }

    /// Which records came before, with another request or with this one; and the keys of the others.
    fn duplicates(&self, accepted: &Accepted, id: RequestId) -> (Vec<Duplicate>, Vec<DedupeKey>) {
        let (mut duplicates, mut new) = (Vec::new(), HashSet::new());
        for (record, name) in (0..).zip(&accepted.names.records) {
            let Some(name) = name else { continue };
            let key = DedupeKey { webhook_id: accepted.webhook_id().clone(), key: name.clone() };
            if let Some(of) = self.dedupe.get(&key).and_then(|answer| entry::first_request(answer)) {
                duplicates.push(Duplicate { record, of });
            } else if !new.insert(key) {
                duplicates.push(Duplicate { record, of: id });
            }
        }
        (duplicates, new.into_iter().collect())
    }

    /// Remembers an answer by all of these names.
    fn remember(&mut self, keys: impl Iterator<Item = DedupeKey>, accepted: &Accepted, reply: &Reply) {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return;
        }
        let Some(answer) = entry::remembered(accepted, reply) else { return };
        let dedupe = accepted.incoming.webhook.settings.dedupe.as_ref();
        let seconds = dedupe.map_or(DEDUPE_SECONDS, |dedupe| dedupe.window_seconds);
        let expires_at = self.now.plus_millis(i64::from(seconds) * 1_000);
        for key in keys {
            // A request may be called what one of its records is.
            if let Place::Vacant(free) = self.dedupe.entry(key.clone()) {
                free.insert(answer.clone());
                self.writes.dedupe.push((key, DedupeAnswer { answer: answer.clone(), expires_at }));
            }
        }
    }

    /// Acts upon a request: the entry of the log and the answer. What ended before is not done again.
    fn run(
        &mut self,
        id: RequestId,
        accepted: &Accepted,
        attempts: i64,
        ended: &Ended<'_>,
        duplicates: Vec<Duplicate>,
    ) -> Result<(RequestRow, Reply), StoreError> {
        let mut summary = Summary::of(duplicates);
        if accepted.is_partial {
            let warning = "this run was without the values that the log does not keep";
            summary.outcome.warnings.push(warning.to_owned());
        }
        let (status, reply) = match &accepted.content {
            Content::Rejected { reply, reason } => {
                let body = accepted.request.as_ref().map(|request| &request.body);
                let missing = body.and_then(|body| kept::missing_of_rejected(&accepted.text, body));
                summary.outcome.warnings.extend(missing);
                summary.outcome.errors.push(reason.clone());
                (RequestStatus::Rejected, reply.clone())
            }
            Content::Unusable(reason) => {
                summary.unusable(reason.clone());
                summary.answer(id, accepted)
            }
            // The script is another one than that which has run: it has to run first.
            Content::Raw(_) => return Err(StoreError::StaleConfig),
            Content::Handshake(reply) => {
                summary.outcome.actions.push(handshake::action());
                (RequestStatus::Processed, reply.clone())
            }
            Content::Records(records) => {
                for (position, record) in (0..).zip(&records.list) {
                    let request = (id, accepted);
                    self.record(request, record, position, ended, &mut summary)
                        .map_err(|OutOfIds| StoreError::Conflict)?;
                }
                summary.answer(id, accepted)
            }
        };
        Ok((entry::row(id, accepted, status, attempts, &summary.outcome, &reply), reply))
    }

    fn record(
        &mut self,
        (id, accepted): (RequestId, &Accepted),
        record: &Record,
        position: u32,
        ended: &Ended<'_>,
        summary: &mut Summary,
    ) -> Result<(), OutOfIds> {
        if Duplicate::is_among(&summary.outcome.duplicates, position) {
            return Ok(());
        }
        let record = match record {
            Record::Ignored(reason) => {
                summary.ignored.get_or_insert_with(|| reason.clone());
                return Ok(());
            }
            Record::Invalid(error) => {
                summary.invalid(error.clone());
                return Ok(());
            }
            Record::Mapped(record) => record,
        };
        summary.outcome.warnings.extend(record.mapped.warnings.iter().cloned());
        let incoming = &accepted.incoming;
        let facts = Facts { request_id: id, received_at: accepted.received_at };
        let remap = |record: &serde_json::Value| records::map(incoming, record);
        let lists = &self.snapshot.lists;
        let plan = plan::plan(&incoming.actions, self.snapshot, record, (position, facts), ended, &remap);
        for segment in plan.segments {
            let fields = &segment.mapped.fields;
            let applied = apply::apply(
                &mut self.roster,
                lists,
                segment.tasks,
                fields.email.as_ref(),
                fields,
                self.now,
            )?;
            let has_failed = summary.take(&applied);
            summary.outcome.actions.extend(applied.actions);
            summary.outcome.warnings.extend(applied.warnings);
            summary.outcome.events.extend(self.tell(applied.events, Some(id)));
            if has_failed {
                return Ok(());
            }
        }
        match plan.rest {
            Rest::Nothing => summary.processed += 1,
            Rest::NoEmail(mapped) => summary.no_email(&mapped, accepted.field(position, "email")),
            Rest::Leave(leave) => summary.leaves(leave.place, &incoming.actions),
        }
        Ok(())
    }

    /// Makes events of drafts, with deliveries to everyone who gets them.
    fn tell(&mut self, drafts: Vec<Draft>, request_id: Option<RequestId>) -> Vec<EventId> {
        drafts.into_iter().map(|draft| self.tell_one(draft, self.now, request_id, None)).collect()
    }

    /// The same of one that is about an outgoing webhook: to everyone else.
    pub(crate) fn tell_about(&mut self, draft: Draft, webhook_id: &WebhookId) -> EventId {
        self.tell_one(draft, self.now, None, Some(webhook_id))
    }

    fn tell_one(
        &mut self,
        draft: Draft,
        occurred_at: Timestamp,
        request_id: Option<RequestId>,
        about: Option<&WebhookId>,
    ) -> EventId {
        let id = self.shared.ids.lock().next(self.now);
        let known = if draft.is_whole { None } else { self.known(&draft.event_type, &draft.data) };
        let event = Event {
            id,
            event_type: draft.event_type,
            occurred_at,
            data: draft.data.into(),
            request_id,
            subscriber: known,
        };
        self.writes.subjects.extend(draft.subject.map(|subject| (id, subject)));
        let mut shared = None;
        let mut skipped = Skips::default();
        for outgoing in self.snapshot.subscribers_of(&event.event_type) {
            let refusal = match about == Some(&outgoing.webhook.id) {
                true => Some("it is about this webhook itself".to_owned()),
                false => outgoing.skips(&event),
            };
            match refusal {
                Some(_) if skipped.first.len() >= MAX_SKIPPED => skipped.more += 1,
                Some(reason) => {
                    skipped.first.push(Skipped { webhook_id: outgoing.webhook.id.clone(), reason });
                }
                None => {
                    let shared = shared.get_or_insert_with(|| Arc::new(event.clone()));
                    self.fan_out.push((shared.clone(), outgoing.clone()));
                }
            }
        }
        if !skipped.first.is_empty() {
            self.writes.skipped.insert(id, skipped);
        }
        self.writes.events.push(event);
        id
    }

    fn command(&mut self, command: &Command) -> Result<Executed, StoreError> {
        let (executed, drafts) = match command {
            Command::CreateSubscriber(new) => {
                command::create(&mut self.roster, self.snapshot, new, self.now)?
            }
            Command::UpdateSubscriber(id, change) => {
                command::update(&mut self.roster, self.snapshot, *id, change, self.now)
            }
            Command::DeleteSubscriber(id, only_if) => {
                command::delete(&mut self.roster, *id, only_if.as_deref())
            }
            Command::Publish(events) => return Ok(self.publish(events)),
            Command::Rerun(rerun) => return self.rerun(rerun),
            Command::Resend(resend) => return Ok(self.resend(resend)),
            Command::Settle(webhook_id) => return Ok(self.settle(webhook_id)),
            Command::Import(piece) => {
                let (imported, drafts) = imports::take_in(&mut self.roster, self.snapshot, piece, self.now)?;
                self.writes.import = piece.step(&imported, self.now);
                let task = self.writes.import.as_ref().map(|step| step.task.clone());
                (Executed::Imported(imported, task), drafts)
            }
        };
        self.tell(drafts, None);
        Ok(executed)
    }

    fn publish(&mut self, events: &[NewEvent]) -> Executed {
        let unfit = self.snapshot.kinds.faults_of(events);
        if !unfit.is_empty() {
            return Executed::UnfitEvents(unfit);
        }
        let first = self.writes.events.len();
        for event in events {
            let draft = Draft::told(event.event_type.clone(), event.data.clone());
            self.tell_one(draft, event.occurred_at.unwrap_or(self.now), None, None);
        }
        Executed::Published(self.writes.events[first..].to_vec())
    }

    fn rerun(&mut self, rerun: &Rerun) -> Result<Executed, StoreError> {
        let stored = &rerun.row;
        let is_gone = !self.snapshot.incoming.contains_key(&stored.webhook_id);
        let Some(accepted) = rerun.admit(self.snapshot) else {
            self.writes.ended_jobs.extend(rerun.has_job().then_some(stored.id));
            let executed = if is_gone { Executed::WebhookGone } else { Executed::Rerun(stored.clone()) };
            return Ok(executed);
        };
        let (mut row, _) =
            self.run(stored.id, &accepted, stored.attempts + 1, &rerun.ended(), rerun.duplicates.clone())?;
        rerun.keep(&mut row);
        match rerun.next_job(&mut row, self.now) {
            Some(job) => self.writes.jobs.push(job),
            None => self.writes.ended_jobs.extend(rerun.has_job().then_some(stored.id)),
        }
        self.writes.retried.push(row.clone());
        Ok(Executed::Rerun(row))
    }
}

/// What those who listen are told of a batch.
fn told(writes: &Writes) -> Vec<Entry> {
    let requests = writes.requests.iter().chain(&writes.retried).map(Entry::from);
    let events = writes.events.iter().map(Entry::from);
    requests.chain(events).chain(writes.events.iter().filter_map(Entry::health)).collect()
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
