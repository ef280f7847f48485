//! What the records of a request came to, and what its sender is told.

use domain::RequestId;
use domain::apply::Applied;
use domain::incoming::{OnUnprocessable, Respond};
use domain::log::{ActionLog, ActionStatus, Duplicate, FieldError, Outcome, Place, RequestStatus};
use domain::mapping::Mapped;

use crate::actions::compile::Actions;
use crate::receive::{Accepted, Reply, ReplyBody};

/// What the records of a request came to.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) outcome: Outcome,
    pub(crate) processed: usize,
    /// Why the first ignored record is.
    pub(crate) ignored: Option<String>,
    /// Records that wait for an action that leaves the process.
    waiting: usize,
    /// What of it nothing can be done with, if with nothing of it.
    unprocessable: Option<&'static str>,
}

impl Summary {
    /// Of a request of which these records came before.
    pub(crate) fn of(duplicates: Vec<Duplicate>) -> Self {
        Self { outcome: Outcome { duplicates, ..Outcome::default() }, ..Self::default() }
    }

    /// Takes what tasks did; whether they failed.
    pub(crate) fn take(&mut self, applied: &Applied) -> bool {
        if let (true, Some(last)) = (applied.failed, applied.actions.last()) {
            let field = format!("actions.{}", last.action);
            self.outcome.errors.push(FieldError { field, message: last.detail.clone() });
        }
        applied.failed
    }

    /// A record has no email, and an action needs one.
    pub(crate) fn no_email(&mut self, mapped: &Mapped, field: String) {
        let reason = mapped.email_error.as_ref().map(ToString::to_string);
        self.outcome
            .errors
            .push(FieldError { field, message: reason.unwrap_or_else(|| "no email found".to_owned()) });
        self.unprocessable.get_or_insert(
            "No valid email was found. Mend the mapping, then retry this request from the log",
        );
    }

    /// A record is none.
    pub(crate) fn invalid(&mut self, error: FieldError) {
        self.outcome.errors.push(error);
        self.unprocessable
            .get_or_insert("No record could be used. Mend the webhook, then retry this request from the log");
    }

    /// The webhook's script made nothing of it.
    pub(crate) fn unusable(&mut self, reason: FieldError) {
        self.outcome.errors.push(reason);
        self.unprocessable =
            Some("The webhook's transform failed. Mend it, then retry this request from the log");
    }

    /// A record waits at an action that leaves the process.
    pub(crate) fn leaves(&mut self, place: Place, actions: &Actions) {
        self.waiting += 1;
        let action = actions.get(place.step).map_or("", |compiled| compiled.step.action.name());
        self.outcome.actions.push(ActionLog {
            action: action.to_owned(),
            place,
            status: ActionStatus::Pending,
            detail: "waits for its turn".to_owned(),
            duration_ms: 0,
            output: None,
            passing: false,
        });
    }

    pub(crate) fn answer(&self, id: RequestId, accepted: &Accepted) -> (RequestStatus, Reply) {
        let settings = &accepted.incoming.webhook.settings;
        if self.waiting > 0 {
            return (RequestStatus::Accepted, self.reply(202, "Webhook accepted", 0, id));
        }
        let failed = !self.outcome.errors.is_empty();
        if let (Some(reason), 0, false) = (&self.ignored, self.processed, failed) {
            let message = format!("Ignored: {reason}");
            return (RequestStatus::Ignored, self.reply(200, &message, 0, id));
        }
        if self.processed == 0 && !failed && !self.outcome.duplicates.is_empty() {
            let reply = self.reply(200, "Ignored: all of its records came before", 0, id);
            return (RequestStatus::Ignored, reply.marked_duplicate());
        }
        let nothing_tried = self.processed == 0 && self.outcome.actions.is_empty();
        if let (Some(message), true, OnUnprocessable::Refuse) =
            (self.unprocessable, nothing_tried, settings.on_unprocessable)
        {
            return (RequestStatus::Failed, self.refusal(message, id));
        }
        let status = if failed { RequestStatus::Failed } else { RequestStatus::Processed };
        let nothing_done = failed && self.processed == 0;
        if nothing_done || settings.respond == Respond::Accepted {
            return (status, self.reply(202, "Webhook accepted", 0, id));
        }
        (status, self.reply(200, "Webhook processed successfully", self.processed, id))
    }

    pub(crate) fn reply(&self, status: u16, message: &str, processed: usize, id: RequestId) -> Reply {
        let body = ReplyBody {
            success: true,
            message,
            processed_records: Some(processed),
            request_id: Some(id),
            errors: &[],
        };
        Reply { status, body: body.text(), retry_after: None }
    }

    fn refusal(&self, message: &str, id: RequestId) -> Reply {
        let body = ReplyBody {
            success: false,
            message,
            processed_records: Some(0),
            request_id: Some(id),
            errors: &self.outcome.errors,
        };
        Reply { status: 422, body: body.text(), retry_after: None }
    }
}
