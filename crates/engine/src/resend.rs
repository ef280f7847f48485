//! A delivery made once more, of an event that was edited by hand.
//!
//! It is not a new fact. The edited event stands in no list of events, nobody is told of it, and no other webhook gets it; only
//! the delivery that is made of it is one like any other. The webhook's events and filter are not asked: who edits it has said
//! to whom it is to go.

use std::sync::Arc;

use domain::audit::{Act, Actor, Entry, TargetKind, Verb};
use domain::log::DeliveryStatus;
use domain::{DeliveryId, Event, WebhookId};
use serde_json::json;
use store::deliveries::DeliveryEntry;
use store::resend::Resent;

use crate::command::{Executed, NewEvent};
use crate::decide::Decision;

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
        let event = Event { id: event_id, data: new.data.into(), ..first.clone() };
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
