//! What a request leaves behind: its entry in the log, and the answer that is remembered for when it comes again.

use std::borrow::Cow;

use domain::audit::{Act, Entry, TargetKind, Verb};
use domain::log::{Duplicate, Outcome, RequestStatus};
use domain::redact::Masked;
use domain::{AuditId, RequestId};
use serde::{Deserialize, Serialize};
use store::commit::RequestRow;

use crate::receive::{Accepted, ByHand, Reply};
use crate::summary::Summary;

/// The answer of the first time, for when the same request comes again.
#[derive(Serialize, Deserialize)]
struct Remembered {
    status: u16,
    body: serde_json::Map<String, serde_json::Value>,
}

/// An answer as it is remembered, without what the log must not hold.
pub(super) fn remembered(accepted: &Accepted, reply: &Reply) -> Option<String> {
    let mut body = reply.body.clone();
    if let Some(masked) = &accepted.masked {
        masked.hide_json(&mut body);
    }
    let body = serde_json::from_str(&body).ok()?;
    serde_json::to_string(&Remembered { status: reply.status, body }).ok()
}

/// A request to a webhook that is paused: stored, and run when it is active again.
pub(super) fn put_off(id: RequestId, accepted: &Accepted, duplicates: Vec<Duplicate>) -> (RequestRow, Reply) {
    let summary = Summary::of(duplicates);
    let reply = summary.reply(202, "Webhook accepted", 0, id);
    (row(id, accepted, RequestStatus::Accepted, 0, &summary.outcome, &reply), reply)
}

/// What the audit log says of a request that someone has taken in again as this one.
pub(super) fn told(id: AuditId, by_hand: &ByHand, made: RequestId) -> Entry {
    let act = Act::new(TargetKind::Request, Verb::Resent).on(by_hand.row.id);
    Entry { id, actor: by_hand.actor.clone(), act: act.making(&serde_json::json!({"request": made})) }
}

/// The entry of a request that has come to this.
pub(super) fn row(
    id: RequestId,
    accepted: &Accepted,
    status: RequestStatus,
    attempts: i64,
    outcome: &Outcome,
    reply: &Reply,
) -> RequestRow {
    let mut event_type = accepted.event_type.clone();
    let mut response_body = reply.body.clone();
    let outcome = match accepted.masked.as_ref().filter(|masked| !masked.is_empty()) {
        Some(masked) => {
            masked.hide(&mut event_type);
            masked.hide_json(&mut response_body);
            Cow::Owned(without(masked, outcome.clone()))
        }
        None => Cow::Borrowed(outcome),
    };
    RequestRow {
        id,
        webhook_id: accepted.webhook_id().clone(),
        received_at: accepted.received_at,
        event_type,
        sender_ip: accepted.sender_ip.clone(),
        method: accepted.method.clone(),
        content_type: accepted.content_type.clone(),
        headers: accepted.headers.clone(),
        payload: accepted.text.clone(),
        status,
        attempts,
        // Texts and numbers always have a JSON form.
        outcome: serde_json::to_string(outcome.as_ref()).unwrap_or_default(),
        response_status: reply.status,
        response_body,
        resent_from: accepted.resent_from,
        sealed: accepted.sealed.clone().filter(|_| status == RequestStatus::Accepted),
    }
}

/// What it came to, without repeating what the log must not hold.
fn without(masked: &Masked, mut outcome: Outcome) -> Outcome {
    for action in &mut outcome.actions {
        masked.hide(&mut action.detail);
        if let Some(output) = &mut action.output {
            masked.hide_in(output);
        }
    }
    outcome.errors.iter_mut().for_each(|error| masked.hide(&mut error.message));
    outcome.warnings.iter_mut().for_each(|warning| masked.hide(warning));
    outcome
}

/// The request to which this was the answer.
pub(super) fn first_request(remembered: &str) -> Option<RequestId> {
    let first: Remembered = serde_json::from_str(remembered).ok()?;
    first.body.get("request_id")?.as_str()?.parse().ok()
}

/// The answer of the first time, marked as such.
pub(super) fn again(remembered: &str) -> Option<Reply> {
    let first: Remembered = serde_json::from_str(remembered).ok()?;
    let body = serde_json::Value::Object(first.body).to_string();
    Some(Reply { status: first.status, body, retry_after: None }.marked_duplicate())
}
