//! A delivery made once more, of an event that was edited by hand.
//!
//! It is not a new fact. The edited event stands in no list of events, nobody is told of it, and no other webhook gets it; only
//! the delivery that is made of it is one like any other. The webhook's events and filter are not asked: who edits it has said
//! to whom it is to go.

use std::sync::Arc;

use domain::audit::{Act, Actor, Entry, TargetKind, Verb};
use domain::log::DeliveryStatus;
use domain::{DeliveryId, Event, Named, WebhookId};
use serde_json::json;
use store::deliveries::DeliveryEntry;
use store::resend::Resent;

use crate::command::{Executed, NewEvent};
use crate::decide::Decision;
use crate::snapshot::Snapshot;

/// What is sent once more.
#[derive(Clone, Debug)]
pub struct Resend {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Where it went.
    pub webhook_id: WebhookId,
    /// Its event.
    pub event: Event,
    /// The data to send, a JSON object; those of the event if not given.
    pub data: Option<String>,
    /// Who asks for it.
    pub actor: Actor,
}

impl Resend {
    /// Whom the event names after it was edited, if that is someone else than before and is asked for.
    pub(crate) fn newly_named(&self, snapshot: &Snapshot) -> Option<Named> {
        let named = snapshot.asked_about(&self.event.event_type, self.data.as_deref()?)?;
        (Some(&named) != named_in(&self.event.data).as_ref()).then_some(named)
    }
}

fn named_in(data: &str) -> Option<Named> {
    Named::in_data(&serde_json::from_str(data).ok()?)
}

impl Decision<'_> {
    /// Makes the event and its one delivery.
    pub(crate) fn resend(&mut self, resend: &Resend) -> Executed {
        let Resend { delivery: from, webhook_id, event: first, data, actor } = resend;
        let snapshot = self.snapshot;
        let Some(outgoing) = snapshot.outgoing.get(webhook_id).filter(|to| to.gets_deliveries()) else {
            return Executed::WebhookGone;
        };
        let data = data.clone().unwrap_or_else(|| first.data.to_string());
        let new = NewEvent { event_type: first.event_type.clone(), occurred_at: None, data };
        let unfit = snapshot.kinds.faults_of(std::slice::from_ref(&new));
        if !unfit.is_empty() {
            return Executed::UnfitEvents(unfit);
        }
        let (event_id, delivery, told) = {
            let mut ids = self.shared.ids.lock();
            (ids.next(self.now), ids.next(self.now), ids.next(self.now))
        };
        // What was known then of the same subscriber stays.
        let subscriber = match named_in(&new.data) == named_in(&first.data) {
            true => first.subscriber.clone(),
            false => self.known(&new.event_type, &new.data),
        };
        let event = Event { id: event_id, data: new.data.into(), subscriber, ..first.clone() };
        let act =
            Act::new(TargetKind::Delivery, Verb::Resent).on(from).making(&json!({"delivery": delivery}));
        self.writes.audit.push(Entry { id: told, actor: actor.clone(), act });
        self.writes.resent = Some(Resent { event: event.clone(), from: *from, delivery });
        self.fan_out.push((Arc::new(event.clone()), outgoing.clone()));
        Executed::Resent(Box::new(DeliveryEntry {
            id: delivery,
            webhook_id: webhook_id.clone(),
            event,
            created_at: self.now,
            status: DeliveryStatus::Pending,
            cancel_reason: None,
            due_at: Some(self.now),
            test: false,
            resent_from: Some(*from),
            attempts: Vec::new(),
        }))
    }
}

#[cfg(test)]
#[path = "resend_tests.rs"]
mod tests;
