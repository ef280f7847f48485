//! What is to be done with a record, by what was done already: a function of both.
//!
//! A record goes through its actions in order. What changes a subscriber or tells an event is a task of the transaction. An
//! action that leaves the process is a task only once it is known how it ended; until then the record stops before it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use domain::apply::{Task, What, missing_list};
use domain::change::Draft;
use domain::log::{ActionLog, ActionStatus, Place};
use domain::mapping::Mapped;
use domain::{Action, OnError};
use serde_json::Value;

use super::compile::{Actions, Compiled, Ready, Work};
use super::context::{Context, Facts};
use super::script::Returned;
use crate::snapshot::Snapshot;

/// How actions ended: those that a transaction has recorded, and those of which only this run knows.
#[derive(Debug, Default)]
pub(crate) struct Ended<'a> {
    recorded: HashMap<Place, &'a ActionLog>,
    fresh: HashMap<Place, &'a ActionLog>,
}

impl<'a> Ended<'a> {
    /// What was recorded as done is not done again, nor, if `by_itself`, what failed for a reason that does not pass.
    pub(crate) fn new(recorded: &'a [ActionLog], by_itself: bool, fresh: &'a [ActionLog]) -> Self {
        let is_final = |log: &&ActionLog| match log.status {
            ActionStatus::Done => true,
            ActionStatus::Failed => by_itself && !log.passing,
            ActionStatus::Skipped | ActionStatus::Pending => false,
        };
        Self {
            recorded: recorded.iter().filter(is_final).map(|log| (log.place, log)).collect(),
            fresh: fresh.iter().map(|log| (log.place, log)).collect(),
        }
    }

    fn recorded(&self, place: Place, action: &Action) -> Option<&'a ActionLog> {
        // The configuration may have changed since.
        self.recorded.get(&place).copied().filter(|log| log.action == action.name())
    }
}

/// What is to be done with a record.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    /// Tasks, in order; those of one segment work on the same mapped fields.
    pub(crate) segments: Vec<Segment<'a>>,
    /// How it goes on.
    pub(crate) rest: Rest,
}

/// Tasks that work on the same mapped fields.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) mapped: Arc<Mapped>,
    pub(crate) tasks: Vec<Task<'a>>,
}

/// How a plan goes on after its tasks.
#[derive(Debug, Default)]
pub(crate) enum Rest {
    /// Not: that is all.
    #[default]
    Nothing,
    /// An action leaves the process before it can go on.
    Leave(Box<Leave>),
    /// An action needs an email, and there is none.
    NoEmail(Arc<Mapped>),
}

/// An action that leaves the process.
#[derive(Debug)]
pub(crate) struct Leave {
    pub(crate) place: Place,
    pub(crate) context: Context,
}

/// A record, ready for its actions.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// The record.
    pub(crate) value: Arc<Value>,
    /// What was mapped.
    pub(crate) mapped: Arc<Mapped>,
    /// The name of the event and the headers, if anything asks for them.
    pub(crate) beside: Option<Arc<Value>>,
}

/// Plans a record. `remap` maps a record that a script has changed.
pub(crate) fn plan<'a>(
    actions: &'a Actions,
    snapshot: &Snapshot,
    record: &Prepared,
    (position, facts): (u32, Facts),
    ended: &Ended<'_>,
    remap: &dyn Fn(&Value) -> Mapped,
) -> Plan<'a> {
    let context = Context::new(record, facts);
    let mut planner = Planner { plan: Plan::default(), context, snapshot, remap };
    for (step, compiled) in (0..).zip(actions.iter()) {
        let place = Place { record: position, step, part: None };
        if !planner.step(place, compiled, ended) {
            break;
        }
    }
    planner.plan
}

struct Planner<'a, 'p> {
    plan: Plan<'a>,
    context: Context,
    snapshot: &'p Snapshot,
    remap: &'p dyn Fn(&Value) -> Mapped,
}

impl<'a> Planner<'a, '_> {
    /// Plans one action; false if the record stops there.
    fn step(&mut self, place: Place, compiled: &'a Compiled, ended: &Ended<'_>) -> bool {
        let action = &compiled.step.action;
        if let Some(log) = ended.recorded(place, action) {
            return self.came_back(place, compiled, log, false, ended);
        }
        let ready = match &compiled.ready {
            Ok(ready) => ready,
            Err(fault) => return self.ended(place, compiled, ActionStatus::Failed, fault.clone()),
        };
        match ready.when.as_ref().map(|when| when.is_true(self.context.payload())) {
            Some(Ok(false)) => {
                let detail = "the condition does not hold".to_owned();
                return self.ended(place, compiled, ActionStatus::Skipped, detail);
            }
            Some(Err(error)) => {
                let detail = format!("the condition can't be evaluated: {error}");
                return self.ended(place, compiled, ActionStatus::Failed, detail);
            }
            Some(Ok(true)) | None => {}
        }
        if action.is_slow() {
            return match ended.fresh.get(&place).filter(|log| log.action == action.name()) {
                Some(log) => self.came_back(place, compiled, log, true, ended),
                None => {
                    let context = self.context.clone();
                    self.plan.rest = Rest::Leave(Box::new(Leave { place, context }));
                    false
                }
            };
        }
        self.local(place, Cow::Borrowed(action), compiled.step.on_error, Some(ready))
    }

    /// An action that is done in the transaction.
    fn local(
        &mut self,
        place: Place,
        action: Cow<'a, Action>,
        on_error: OnError,
        ready: Option<&Ready>,
    ) -> bool {
        let name = action.name();
        if let Action::PublishEvent { event_type, data } = action.as_ref() {
            let data = match (ready.map(|ready| &ready.work), data) {
                (Some(Work::Tell(Some(template))), _) => template.render(self.context.payload()).0,
                (_, Some(data)) => Value::Object(data.clone()),
                (_, None) => own_data(&self.context.record),
            };
            if let Some(fault) = self.snapshot.kinds.faults(event_type, &data).into_iter().next() {
                let detail =
                    format!("{event_type} is declared with another form: {} {}", fault.field, fault.message);
                return self.ended_as(place, (name, on_error), ActionStatus::Failed, detail);
            }
            let draft = Draft { event_type: event_type.clone(), data: data.to_string() };
            self.push(Task { place, name, on_error, what: What::Tell(draft) });
            return true;
        }
        if self.context.mapped.fields.email.is_none() {
            self.plan.rest = Rest::NoEmail(self.context.mapped.clone());
            return false;
        }
        let goes_on = on_error == OnError::Continue || missing_list(&action, &self.snapshot.lists).is_none();
        self.push(Task { place, name, on_error, what: What::Change(action) });
        goes_on
    }

    /// An action that left the process and came back, now or in a run before this one.
    fn came_back(
        &mut self,
        place: Place,
        compiled: &'a Compiled,
        log: &ActionLog,
        is_fresh: bool,
        ended: &Ended<'_>,
    ) -> bool {
        let on_error = compiled.step.on_error;
        let output = log.output.as_ref().filter(|_| log.status == ActionStatus::Done);
        let brought = match (&compiled.ready, output) {
            (Ok(Ready { work: Work::Call(call), .. }), Some(output)) => {
                if let Action::CallApi { name, .. } = &compiled.step.action {
                    self.context.answered(name.as_deref(), output);
                }
                call.save.as_ref().filter(|_| is_fresh).map(|save| save.map(output).fields)
            }
            _ => None,
        };
        let what = match brought {
            Some(fields) => What::Brought(log.clone(), fields),
            None => What::Ended(log.clone()),
        };
        self.push(Task { place, name: compiled.step.action.name(), on_error, what });
        if log.status == ActionStatus::Failed && on_error == OnError::Stop {
            return false;
        }
        match (&compiled.step.action, output) {
            (Action::CustomCode { .. }, Some(output)) => self.returned(place, on_error, output, ended),
            _ => true,
        }
    }

    /// What a script returned: a changed record, and actions in its place.
    fn returned(&mut self, place: Place, on_error: OnError, output: &Value, ended: &Ended<'_>) -> bool {
        // It was checked when the script ran.
        let Ok(Returned { payload, actions, .. }) = Returned::read(output.clone()) else { return true };
        if let Some(record) = payload {
            let mapped = (self.remap)(&record);
            self.context.replace(record, mapped);
        }
        for (part, action) in (0..).zip(actions) {
            let place = Place { part: Some(part), ..place };
            let goes_on = match ended.recorded(place, &action) {
                Some(log) => {
                    self.push(Task { place, name: action.name(), on_error, what: What::Ended(log.clone()) });
                    true
                }
                None => self.local(place, Cow::Owned(action), on_error, None),
            };
            if !goes_on {
                return false;
            }
        }
        true
    }

    fn ended(&mut self, place: Place, compiled: &Compiled, status: ActionStatus, detail: String) -> bool {
        self.ended_as(place, (compiled.step.action.name(), compiled.step.on_error), status, detail)
    }

    fn ended_as(
        &mut self,
        place: Place,
        (name, on_error): (&'static str, OnError),
        status: ActionStatus,
        detail: String,
    ) -> bool {
        let log = ActionLog {
            action: name.to_owned(),
            place,
            status,
            detail,
            duration_ms: 0,
            output: None,
            passing: false,
        };
        self.push(Task { place, name, on_error, what: What::Ended(log) });
        status != ActionStatus::Failed || on_error == OnError::Continue
    }

    fn push(&mut self, task: Task<'a>) {
        match self.plan.segments.last_mut() {
            Some(segment) if Arc::ptr_eq(&segment.mapped, &self.context.mapped) => segment.tasks.push(task),
            _ => {
                let mapped = self.context.mapped.clone();
                self.plan.segments.push(Segment { mapped, tasks: vec![task] });
            }
        }
    }
}

/// The data of a record in the specification's own form, or else all of it.
fn own_data(record: &Value) -> Value {
    record.get("data").filter(|data| data.is_object()).unwrap_or(record).clone()
}
