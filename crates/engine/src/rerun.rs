//! A stored request that is run again: by hand, after a pause, or because its actions had to leave the process.

use std::sync::Arc;

use delivery::Schedule;
use domain::log::{ActionLog, ActionStatus, Duplicate, Outcome, RequestStatus};
use domain::{Action, Email, RequestId, Timestamp, redact};
use store::commit::RequestRow;
use store::jobs::JobRow;

use crate::actions::plan::Ended;
use crate::actions::script::Returned;
use crate::receive::{self, Accepted, Transformed};
use crate::records;
use crate::snapshot::{Incoming, Snapshot};

/// A stored request, and what is known of how far it came.
#[derive(Clone, Debug)]
pub struct Rerun {
    pub(crate) row: RequestRow,
    /// How its actions ended in the runs before; what was done is not done again.
    pub(crate) recorded: Vec<ActionLog>,
    /// How actions ended that left the process, of which the log does not know yet.
    pub(crate) fresh: Vec<ActionLog>,
    /// Which of its records had come before: nothing is done with them in any run.
    pub(crate) duplicates: Vec<Duplicate>,
    /// What the webhook's script made of it.
    pub(crate) transformed: Option<Arc<Transformed>>,
    /// Its webhook as someone wants to try it; without one, as it is saved.
    pub(crate) draft: Option<Arc<Incoming>>,
    /// The job that runs it, if one does.
    pub(crate) job: Option<JobRun>,
}

/// A run of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobRun {
    /// How many runs before this one failed for a passing reason.
    pub(crate) failures: u32,
    /// When the first of them began.
    pub(crate) first_attempt_at: Timestamp,
    /// For how many seconds the other side of a call that failed asked to be left alone.
    pub(crate) wait: u32,
    /// When to go on at the earliest, if there was no place for a script: nothing has failed by that.
    pub(crate) not_before: Option<Timestamp>,
}

impl Rerun {
    /// Runs what has not been done yet.
    pub(crate) fn rest(row: RequestRow) -> Self {
        let mut outcome: Outcome = serde_json::from_str(&row.outcome).unwrap_or_default();
        // What the log must not hold of what an action gave is missing from here on.
        outcome.actions.iter_mut().filter_map(|log| log.output.as_mut()).for_each(|output| {
            redact::take_out(output);
        });
        Self { recorded: outcome.actions, ..Self::all(row) }
    }

    /// Runs everything, also what was done before.
    pub(crate) fn all(row: RequestRow) -> Self {
        let outcome: Outcome = serde_json::from_str(&row.outcome).unwrap_or_default();
        Self {
            row,
            recorded: Vec::new(),
            fresh: Vec::new(),
            duplicates: outcome.duplicates,
            transformed: None,
            draft: None,
            job: None,
        }
    }

    /// What a user means who retries a request: what was not done, or `all`; of one that did not fail, all as well.
    pub(crate) fn by_hand(row: RequestRow, all: bool) -> Self {
        let has_ended = matches!(row.status, RequestStatus::Processed | RequestStatus::Ignored);
        if all || has_ended { Self::all(row) } else { Self::rest(row) }
    }

    /// Goes on with what a job has not done yet.
    pub(crate) fn job(row: RequestRow, run: JobRun) -> Self {
        Self { job: Some(run), ..Self::rest(row) }
    }

    /// The request.
    pub(crate) fn id(&self) -> RequestId {
        self.row.id
    }

    /// How its actions have ended so far.
    pub(crate) fn ended(&self) -> Ended<'_> {
        Ended::new(&self.recorded, self.job.is_some(), &self.fresh)
    }

    /// An action left the process and came back.
    pub(crate) fn came_back(&mut self, log: ActionLog, wait: u32) {
        self.fresh.push(log);
        if let Some(run) = &mut self.job {
            run.wait = run.wait.max(wait);
        }
    }

    /// The request under this configuration; `None` if its webhook is gone, or nothing of it can be run.
    pub(crate) fn admit(&self, snapshot: &Snapshot) -> Option<Accepted> {
        let saved = || snapshot.incoming.get(&self.row.webhook_id);
        let incoming = self.draft.as_ref().or_else(saved)?;
        let accepted = receive::readmit(incoming, &self.row).ok()?;
        Some(match &self.transformed {
            Some(transformed) => accepted.transformed(transformed),
            None => accepted,
        })
    }

    /// Whether a job may wait for it.
    pub(crate) fn has_job(&self) -> bool {
        self.job.is_some() || matches!(self.row.status, RequestStatus::Accepted | RequestStatus::Retrying)
    }

    /// Keeps of the entry as it was what this run did not change: events told before, the answer that the sender got, and how often
    /// it was tried, if this run only goes on.
    pub(crate) fn keep(&self, row: &mut RequestRow) {
        if self.job.is_some() {
            row.response_status = self.row.response_status;
            row.response_body = self.row.response_body.clone();
        }
        let before: Outcome = serde_json::from_str(&self.row.outcome).unwrap_or_default();
        let goes_on = self.row.status == RequestStatus::Accepted && self.row.attempts > 0;
        let tries = before.tries.unwrap_or(self.row.attempts) + i64::from(!goes_on);
        if before.events.is_empty() && tries == row.attempts {
            return;
        }
        let mut outcome: Outcome = serde_json::from_str(&row.outcome).unwrap_or_default();
        outcome.events.splice(0..0, before.events);
        outcome.tries = (tries != row.attempts).then_some(tries);
        row.outcome = serde_json::to_string(&outcome).unwrap_or_default();
    }

    /// The job that goes on with it, if one has to: at once where an action waits, later where one failed for a passing reason.
    pub(crate) fn next_job(&self, row: &mut RequestRow, now: Timestamp) -> Option<JobRow> {
        let new = JobRow::new(row.id, row.webhook_id.clone(), now);
        let Some(run) = self.job else {
            return (row.status == RequestStatus::Accepted).then_some(new);
        };
        let (failures, first_attempt_at) = (run.failures, run.first_attempt_at);
        if row.status == RequestStatus::Accepted {
            let due_at = run.not_before.unwrap_or(now);
            return Some(JobRow { failures, first_attempt_at: Some(first_attempt_at), due_at, ..new });
        }
        if !self.fresh.iter().any(|log| log.passing) {
            return None;
        }
        let (failures, wait) = (failures + 1, run.wait);
        let due_at = Schedule::default().next_attempt(
            first_attempt_at.millis(),
            failures,
            now.millis(),
            (wait > 0).then_some(wait),
            row.id.draw(failures),
        )?;
        row.status = RequestStatus::Retrying;
        row.sealed.clone_from(&self.row.sealed);
        let due_at = Timestamp::from_millis(due_at);
        Some(JobRow { failures, first_attempt_at: Some(first_attempt_at), due_at, ..new })
    }

    /// The emails of records that scripts have changed.
    pub(crate) fn emails_of_scripts(&self, incoming: &Incoming) -> Vec<Email> {
        let name = Action::CustomCode { code: String::new() };
        let scripts = self.recorded.iter().chain(&self.fresh).filter(|log| {
            log.action == name.name() && log.status == ActionStatus::Done && log.output.is_some()
        });
        let payloads = scripts.filter_map(|log| Returned::read(log.output.clone()?).ok()?.payload);
        payloads.filter_map(|payload| records::map(incoming, &payload).fields.email).collect()
    }
}
