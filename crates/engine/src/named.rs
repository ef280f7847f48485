//! Whom events name, where a webhook asks for more of them than the events say: that is loaded with the batch that tells of the
//! events, all of it at once, and kept beside them as it is at that moment. What nobody asks for is neither loaded nor kept.

use std::sync::Arc;

use domain::apply::What;
use domain::{Action, EventType, Named, RequestId, change};
use serde_json::Value;

use crate::actions::context::Facts;
use crate::actions::plan::{self, Ended};
use crate::decide::Decision;
use crate::receive::{Accepted, Content};
use crate::records::{self, Record};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Whom an event's data name, if a webhook that wants its kind asks for more of them than the data say. Those that are
    /// inactive count: they may be sent later what they missed.
    pub(crate) fn asked_about(&self, event_type: &EventType, data: &str) -> Option<Named> {
        let mut asked = self.subscribers_of(event_type).filter_map(|outgoing| outgoing.asked()).peekable();
        asked.peek()?;
        let data: Value = serde_json::from_str(data).ok()?;
        let named = Named::in_data(&data)?;
        asked.any(|asked| asked.exceeds(&data)).then_some(named)
    }

    /// Whom the events name that the actions of a request will publish. What its transaction plans is planned here as well: the
    /// names may come out of templates.
    pub(crate) fn named_by(&self, accepted: &Accepted, ended: &Ended<'_>) -> Vec<Named> {
        let Content::Records(records) = &accepted.content else { return Vec::new() };
        let incoming = &accepted.incoming;
        if !incoming.actions.iter().any(|compiled| self.may_ask(&compiled.step.action)) {
            return Vec::new();
        }
        // The id is drawn later, and names nobody.
        let request_id = RequestId::lowest_at(accepted.received_at);
        let facts = Facts { request_id, received_at: accepted.received_at };
        let remap = |record: &Value| records::map(incoming, record);
        let mut named = Vec::new();
        for (position, record) in (0..).zip(&records.list) {
            let Record::Mapped(record) = record else { continue };
            let plan = plan::plan(&incoming.actions, self, record, (position, facts), ended, &remap);
            for task in plan.segments.iter().flat_map(|segment| &segment.tasks) {
                if let What::Tell(draft) = &task.what {
                    named.extend(self.asked_about(&draft.event_type, &draft.data));
                }
            }
        }
        named
    }

    /// Whether an action may publish an event of a kind of which a webhook asks for the subscriber.
    fn may_ask(&self, action: &Action) -> bool {
        match action {
            Action::PublishEvent { event_type, .. } => {
                self.subscribers_of(event_type).any(|outgoing| outgoing.asked().is_some())
            }
            // It may return such actions.
            Action::CustomCode { .. } => true,
            _ => false,
        }
    }
}

impl Decision<'_> {
    /// What is known now of the subscriber whom an event's data name, if that is asked for.
    pub(crate) fn known(&self, event_type: &EventType, data: &str) -> Option<Arc<str>> {
        let subscriber = match self.snapshot.asked_about(event_type, data)? {
            Named::Id(id) => self.roster.get(id),
            Named::Email(email) => self.roster.find(&email),
        };
        Some(change::data(subscriber?).into())
    }
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
