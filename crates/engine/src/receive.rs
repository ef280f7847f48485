//! The receive endpoint's use case up to the commit: who is it, what is it, and what does it map to. Pure, but for the
//! configuration and the time that are passed in.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::audit::Actor;
use domain::incoming::WebhookStatus;
use domain::log::{FieldError, RequestStatus};
use domain::redact::{self, Masked};
use domain::{Timestamp, WebhookId};
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use signature::SchemeKey;
use store::commit::RequestRow;

use crate::access::{self, Rejection};
use crate::body;
use crate::handshake;
use crate::headers;
use crate::kept::{self, Kept};
use crate::mapping::RecordTrace;
use crate::names::{self, Names};
use crate::records::{self, Record, Records};
use crate::sender;
use crate::snapshot::{Incoming, Snapshot};

/// How many bytes of the name of an event are kept: as many as a valid one has.
const MAX_EVENT_NAME_BYTES: usize = 64;

/// A request as it came in.
#[derive(Debug)]
pub struct Received {
    /// From the path.
    pub webhook_id: String,
    /// From the query or `X-Webhook-Token`.
    pub token: Option<String>,
    /// The method.
    pub method: &'static str,
    /// The whole URL as the sender was given it: some sign it.
    pub url: String,
    /// The address of the sender.
    pub sender_ip: IpAddr,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The key that the message itself names, fetched from where only its sender can put one; nothing at the edge.
    pub sender_key: Option<SchemeKey>,
    /// How many bytes the body may have once it is decompressed.
    pub max_body: usize,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// When to come again, in seconds.
    pub retry_after: Option<u32>,
}

/// The body of an answer, in the specification's form.
#[derive(Debug, Serialize)]
pub(crate) struct ReplyBody<'a> {
    pub(crate) success: bool,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) processed_records: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<domain::RequestId>,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    pub(crate) errors: &'a [FieldError],
}

impl ReplyBody<'_> {
    pub(crate) fn text(&self) -> String {
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Reply {
    /// A refusal, in the endpoint's own form.
    pub fn refusal(status: u16, message: &str) -> Self {
        let body =
            ReplyBody { success: false, message, processed_records: None, request_id: None, errors: &[] };
        Self { status, body: body.text(), retry_after: None }
    }

    /// The same, marked as the answer to what came before.
    pub(crate) fn marked_duplicate(mut self) -> Self {
        if let Ok(mut body) = serde_json::from_str::<serde_json::Map<String, Value>>(&self.body) {
            body.insert("duplicate".to_owned(), true.into());
            self.body = Value::Object(body).to_string();
        }
        self
    }

    /// Nothing was stored; the sender is to come again.
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(5),
            ..Self::refusal(503, "The request could not be stored. Please send it again.")
        }
    }
}

/// A request that was let in, or is to be logged as rejected: everything that the batch needs of it.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub(crate) incoming: Arc<Incoming>,
    /// As it came in, to be let in again under another configuration.
    pub(crate) request: Option<Arc<Received>>,
    /// The same of a stored request that someone takes in again as a new one.
    pub(crate) stored: Option<Arc<ByHand>>,
    pub(crate) received_at: Timestamp,
    pub(crate) event_type: String,
    pub(crate) sender_ip: String,
    pub(crate) method: String,
    pub(crate) content_type: String,
    pub(crate) headers: String,
    pub(crate) text: String,
    /// By what it and its records are recognised when they come again.
    pub(crate) names: Names,
    pub(crate) content: Content,
    /// The request of which this one is another try with an edited payload.
    pub(crate) resent_from: Option<domain::RequestId>,
    /// What the webhook's script made of it, if that has run.
    pub(crate) transformed: Option<Arc<Transformed>>,
    /// The payload as it came, where `text` is redacted; and the same, sealed.
    pub(crate) original: Option<String>,
    /// What is masked in `text`, and must not be repeated by the rest of the log entry.
    pub(crate) masked: Option<Arc<Masked>>,
    /// Whether values are missing that the log does not hold.
    pub(crate) is_partial: bool,
    pub(crate) sealed: Option<Vec<u8>>,
}

/// A stored request that someone takes in again as a new one.
#[derive(Clone, Debug)]
pub(crate) struct ByHand {
    /// The request, with the payload that it has now.
    pub(crate) row: RequestRow,
    /// Who.
    pub(crate) actor: Actor,
}

/// What a request holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Records to act upon.
    Records(Records),
    /// A payload that the webhook's script has to change before it holds records.
    Raw(Arc<Value>),
    /// A payload of which the script made nothing that holds records: why.
    Unusable(FieldError),
    /// Nothing, but the refusal that it got.
    Rejected { reply: Reply, reason: FieldError },
    /// A question that was answered so.
    Handshake(Reply),
}

/// What a webhook's script made of a payload.
#[derive(Debug)]
pub(crate) struct Transformed {
    pub(crate) code: String,
    /// The payload, or what went wrong.
    pub(crate) result: Result<Arc<Value>, String>,
}

/// Lets a request in, or says what the sender is told instead.
///
/// # Errors
/// The refusal, for a request of which nothing is kept.
pub fn admit(snapshot: &Snapshot, request: &Arc<Received>, now: Timestamp) -> Result<Accepted, Reply> {
    let incoming = access::authenticate(snapshot, request, now)?;
    let_in(incoming, request, now)
}

/// The same of a request that has the token of this webhook.
///
/// # Errors
/// The refusal, for a request of which nothing is kept.
pub(crate) fn let_in(
    incoming: Arc<Incoming>,
    request: &Arc<Received>,
    now: Timestamp,
) -> Result<Accepted, Reply> {
    if incoming.webhook.settings.status == WebhookStatus::Inactive {
        return Err(Reply::refusal(410, "This webhook is inactive"));
    }
    if let Err(reason) = access::verify(&incoming, request, now) {
        return Ok(rejected(incoming, request, reason, now));
    }
    let content_type = header_text(&request.headers, "content-type").unwrap_or_default();
    let body::Payload { value: mut payload, text } =
        body::read(&request.headers, &request.body, request.max_body)?;
    sender::parse_inside(&incoming, &mut payload);
    let payload = Arc::new(payload);
    let kept = Kept::new(&incoming, &payload, text);
    let headers = kept.headers(headers::to_json_without(&request.headers, &incoming.secret_headers));
    let sent = sender::Sent::of(&incoming, request, &headers);
    let (content, event_type) =
        content(&incoming, &sent, &payload).map_err(|message| Reply::refusal(400, &message))?;
    let mut names =
        Names::of(&incoming, &sent, request, &payload).map_err(|message| Reply::refusal(400, &message))?;
    if matches!(content, Content::Raw(_)) {
        // Its records are those that the script makes.
        names.records = Vec::new();
    }
    Ok(Accepted {
        request: Some(request.clone()),
        stored: None,
        received_at: now,
        event_type,
        sender_ip: request.sender_ip.to_string(),
        method: request.method.to_owned(),
        content_type,
        headers,
        text: kept.text,
        original: kept.original,
        names,
        masked: kept.masked,
        content,
        resent_from: None,
        transformed: None,
        is_partial: false,
        sealed: None,
        incoming,
    })
}

/// A stored request, as if it came in again. What was rejected never was ours to act upon.
pub(crate) fn readmit(incoming: &Arc<Incoming>, row: &RequestRow) -> Result<Accepted, String> {
    if row.status == RequestStatus::Rejected {
        return Err("The request was rejected".to_owned());
    }
    if handshake::is_handshake(row) {
        return Err("The request was a handshake, which is answered".to_owned());
    }
    let mut payload = body::json(row.payload.as_bytes())?;
    let is_redacted = redact::take_out(&mut payload);
    sender::parse_inside(incoming, &mut payload);
    let headers = headers::from_json(&row.headers);
    let sent = sender::Sent::stored(incoming, &headers, &row.headers, &row.event_type);
    let payload = Arc::new(payload);
    let (content, event_type) = content(incoming, &sent, &payload)?;
    let kept = match is_redacted {
        true => Kept { text: row.payload.clone(), original: None, masked: None },
        false => Kept::new(incoming, &payload, row.payload.clone()),
    };
    Ok(Accepted {
        incoming: incoming.clone(),
        request: None,
        stored: None,
        received_at: row.received_at,
        event_type,
        sender_ip: row.sender_ip.clone(),
        method: row.method.clone(),
        content_type: row.content_type.clone(),
        headers: kept.headers(row.headers.clone()),
        text: kept.text,
        original: kept.original,
        masked: kept.masked,
        names: Names::default(),
        content,
        resent_from: row.resent_from,
        transformed: None,
        // What proves the sender is of no use to an action.
        is_partial: is_redacted && !incoming.webhook.settings.redact.is_empty(),
        sealed: row.sealed.clone(),
    })
}

/// A stored request, taken in as a new one that is linked to it.
///
/// # Errors
/// The refusal, for one that can't be.
pub(crate) fn resent(snapshot: &Snapshot, by_hand: &Arc<ByHand>) -> Result<Accepted, Reply> {
    let row = &by_hand.row;
    let incoming = snapshot.incoming.get(&row.webhook_id).ok_or_else(access::unknown_webhook)?;
    let accepted = readmit(incoming, row).map_err(|message| Reply::refusal(400, &message))?;
    Ok(Accepted { resent_from: Some(row.id), stored: Some(by_hand.clone()), ..accepted })
}

fn rejected(incoming: Arc<Incoming>, request: &Arc<Received>, reason: Rejection, now: Timestamp) -> Accepted {
    Accepted {
        request: Some(request.clone()),
        stored: None,
        received_at: now,
        event_type: incoming.webhook.settings.event_type.to_string(),
        sender_ip: request.sender_ip.to_string(),
        method: request.method.to_owned(),
        content_type: header_text(&request.headers, "content-type").unwrap_or_default(),
        headers: headers::to_json_without(&request.headers, &incoming.secret_headers),
        text: kept::of_rejected(&incoming, &request.body),
        names: Names::default(),
        content: Content::Rejected {
            reply: Reply::refusal(reason.status, reason.message),
            reason: FieldError { field: reason.code.to_owned(), message: reason.message.to_owned() },
        },
        resent_from: None,
        transformed: None,
        original: None,
        masked: None,
        is_partial: false,
        sealed: None,
        incoming,
    }
}

pub(crate) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| headers::text(value.as_bytes(), 1_024).into_owned())
}

/// What a payload holds, if the webhook's script need not change it first; and the name of its event.
fn content(
    incoming: &Incoming,
    sent: &sender::Sent<'_>,
    payload: &Arc<Value>,
) -> Result<(Content, String), String> {
    if incoming.webhook.settings.transform.is_some() {
        let own = || incoming.webhook.settings.event_type.as_str().into();
        let event = shown(&sent.event_of(payload, payload).unwrap_or_else(own));
        return Ok((Content::Raw(payload.clone()), event));
    }
    let records = records::read(incoming, sent, payload)?;
    let event = records.event.clone();
    Ok((Content::Records(records), event))
}

/// The name of an event as the log shows it: it may be any text, of any length.
pub(crate) fn shown(event_name: &str) -> String {
    headers::text(event_name.as_bytes(), MAX_EVENT_NAME_BYTES).into_owned()
}

impl Accepted {
    /// Where it came in.
    pub fn webhook_id(&self) -> &WebhookId {
        &self.incoming.webhook.id
    }

    /// The same, let in under another configuration; `None` of what nothing lets in again.
    pub(crate) fn anew(&self, snapshot: &Snapshot) -> Option<Result<Self, Reply>> {
        let again = match (&self.request, &self.stored) {
            (Some(request), _) => admit(snapshot, request, self.received_at),
            (None, Some(by_hand)) => resent(snapshot, by_hand),
            (None, None) => return None,
        };
        Some(again.map(|again| match &self.transformed {
            Some(transformed) => again.transformed(transformed),
            None => again,
        }))
    }

    /// What became of each record before any action.
    pub(crate) fn traces(&self) -> Vec<RecordTrace> {
        let Content::Records(records) = &self.content else { return Vec::new() };
        records.list.iter().map(|record| self.trace(record)).collect()
    }

    fn trace(&self, record: &Record) -> RecordTrace {
        let (left_out, mapping) = match record {
            Record::Mapped(record) => (None, self.incoming.mapper.trace(&record.value)),
            Record::Ignored(reason) => (Some(reason.clone()), Vec::new()),
            Record::Invalid(error) => (Some(format!("{}: {}", error.field, error.message)), Vec::new()),
        };
        RecordTrace { left_out, mapping }
    }

    /// A field of the record at this position, as errors name it.
    pub(crate) fn field(&self, position: u32, name: &str) -> String {
        match &self.content {
            Content::Records(records) => records.field(position, name),
            _ => name.to_owned(),
        }
    }

    /// Whether nothing is done with it, now or later.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(&self.content, Content::Rejected { .. } | Content::Handshake(_))
    }

    /// The script that has to run before this can be decided, and what it works on.
    pub(crate) fn to_transform(&self) -> Option<(&str, &Arc<Value>)> {
        match (&self.content, &self.incoming.webhook.settings.transform) {
            (Content::Raw(payload), Some(code)) if self.incoming.is_active() => Some((code, payload)),
            _ => None,
        }
    }

    /// The same after the webhook's script has run; unchanged if that was another one.
    pub(crate) fn transformed(mut self, transformed: &Arc<Transformed>) -> Self {
        if self.to_transform().is_none_or(|(code, _)| code != transformed.code) {
            return self;
        }
        let headers = headers::from_json(&self.headers);
        let sent = match &self.request {
            Some(request) => sender::Sent::of(&self.incoming, request, &self.headers),
            None => sender::Sent::stored(&self.incoming, &headers, &self.headers, &self.event_type),
        };
        let records = transformed.result.as_ref().map_err(String::clone).and_then(|payload| {
            // One that was stored has its names already, or never had any.
            if self.request.is_some() {
                self.names.records = names::of_records(&self.incoming, &sent, payload);
            }
            records::read(&self.incoming, &sent, payload)
        });
        match records {
            Ok(records) => {
                self.event_type = records.event.clone();
                self.content = Content::Records(records);
            }
            Err(message) => {
                self.content = Content::Unusable(FieldError { field: "transform".to_owned(), message });
            }
        }
        self.transformed = Some(transformed.clone());
        self
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
