//! One attempt: what is sent, and what its outcome means for the delivery. Both are functions; the network is between them.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use delivery::{Answer, Sign, Verdict, classify, parse_retry_after};
use domain::log::DeliveryStatus;
use domain::outgoing::MAX_CONNECT_TIMEOUT_SECONDS;
use domain::{Event, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use outbound::{Request, Response, SendError};
use store::queue::DueDelivery;
use store::record::AttemptRow;

use crate::answer;
use crate::headers;
use crate::outgoing::veil::Veil;
use crate::outgoing::{Draft, Unsendable, auth};
use crate::snapshot::Outgoing;

/// How much of an answer is kept in the log.
const MAX_STORED_RESPONSE_BYTES: usize = 16 * 1_024;
/// How much of a body of one's own is kept in the log.
const MAX_STORED_BODY_BYTES: usize = 256 * 1_024;
/// What we call ourselves.
pub(crate) const USER_AGENT: &str = concat!("CloudCusp-Mailer/", env!("CARGO_PKG_VERSION"));

const X_WEBHOOK_EVENT: HeaderName = HeaderName::from_static("x-webhook-event");
const X_WEBHOOK_ID: HeaderName = HeaderName::from_static("x-webhook-id");
const X_WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("x-webhook-timestamp");

/// What is sent of an event, before it is signed.
///
/// # Errors
/// Says what can't be made of it.
pub fn draft(outgoing: &Outgoing, event: &Event) -> Result<Draft, Unsendable> {
    let rendering = outgoing.rendering.as_ref().map_err(|fault| Unsendable::template(fault.clone()))?;
    rendering.draft(&outgoing.webhook.settings, event)
}

/// The request of an attempt that begins now. `token` is that of OAuth, where the webhook has it.
///
/// # Errors
/// If it has not what is to be signed of it.
pub fn sign(
    outgoing: &Outgoing,
    event: &Event,
    draft: Draft,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Request, Unsendable> {
    let settings = &outgoing.webhook.settings;
    let Draft { method, mut url, mut headers, body, .. } = draft;
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    auth::apply(&outgoing.secrets.auth, token, &mut url, &mut headers);
    // The same on every attempt, and on every delivery of this event: receivers recognise it by this.
    let id = event.id.to_string();
    let timestamp = now.seconds().to_string();
    let mut set = |name: HeaderName, value: &str| {
        // All values are ASCII of our own making.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(X_WEBHOOK_EVENT, event.event_type.as_str());
    set(X_WEBHOOK_ID, &id);
    set(X_WEBHOOK_TIMESTAMP, &timestamp);
    let sent =
        signature::Request { method: method.as_str(), url: url.as_str(), headers: &headers, body: &body };
    let signatures = outgoing.signing.headers(sent, &id, now)?;
    headers.extend(signatures);
    let body = if settings.gzip {
        // After the signatures, which are over the body as the receiver's program reads it.
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        compressed(&body)
    } else {
        body
    };
    let timeout = Duration::from_secs(settings.timeout_seconds.into());
    let connect_timeout = (settings.connect_timeout_seconds < MAX_CONNECT_TIMEOUT_SECONDS)
        .then(|| Duration::from_secs(settings.connect_timeout_seconds.into()));
    Ok(Request { method, url, headers, body, timeout, connect_timeout })
}

/// A body in the content coding `gzip` (RFC 9110, section 8.4.1.3).
fn compressed(body: &[u8]) -> Bytes {
    let mut coded = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::default());
    // Writing to memory does not fail.
    let _ = coded.write_all(body);
    coded.finish().unwrap_or_default().into()
}

/// What became of an attempt: when it began and ended, and what came back.
pub struct Exchange {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// With what method and where to, if a template or a script decided that.
    pub target: Option<String>,
    /// The headers that were sent.
    pub request_headers: HeaderMap,
    /// The body that was sent, if it was not the event's envelope.
    pub request_body: Option<Bytes>,
    /// The answer, or why there was none.
    pub result: Result<Response, SendError>,
}

/// What an attempt means for its delivery: the row to record.
pub fn judge(outgoing: &Outgoing, delivery: &DueDelivery, exchange: &Exchange) -> AttemptRow {
    let settings = &outgoing.webhook.settings;
    let (answer, http_status, mut error_code, mut error) = match &exchange.result {
        Ok(response) => {
            let retry_after = response.headers.get(header::RETRY_AFTER);
            let answer = Answer::Http {
                status: response.status,
                json_valid: settings.expect_json.then(|| answer::is_json(response)),
                retry_after_seconds: retry_after
                    .and_then(|v| parse_retry_after(v.as_bytes(), exchange.ended.seconds())),
            };
            (answer, Some(response.status), None, None)
        }
        Err(error) => (Answer::Nothing, None, Some(error.code()), Some(chain(error))),
    };
    let verdict = classify(answer);
    if let (Some(status), true) = (http_status, verdict != Verdict::Delivered) {
        let is_success = (200..300).contains(&status);
        error_code = Some(if is_success { "invalid_json" } else { "http_status" });
        error = Some(match is_success {
            true => format!("the answer was {status}, but its body is not JSON"),
            false => format!("the answer was {status}"),
        });
    }
    let first_attempt_at = delivery.first_attempt_at.unwrap_or(exchange.started);
    let number = delivery.attempts.saturating_add(1);
    let (status, due_at) = match verdict {
        Verdict::Delivered => (DeliveryStatus::Delivered, None),
        Verdict::Gone => (DeliveryStatus::Failed, None),
        Verdict::Retry { retry_after_seconds } => {
            let ended = exchange.ended.millis();
            match outgoing.schedule.next_attempt(
                first_attempt_at.millis(),
                number.saturating_sub(delivery.attempts_before),
                ended,
                retry_after_seconds,
                delivery.id.draw(number),
            ) {
                Some(due) => (DeliveryStatus::Retrying, Some(Timestamp::from_millis(due))),
                None => (DeliveryStatus::Failed, None),
            }
        }
    };
    let veil = Veil::new(&outgoing.secrets.auth, Some(&exchange.request_headers));
    // Of an answer that broke off, what had come: it means nothing, but it tells who answered.
    let came = exchange.result.as_ref().map_or_else(SendError::answer, Some);
    AttemptRow {
        delivery_id: delivery.id,
        webhook_id: delivery.webhook_id.clone(),
        subject: delivery.subject,
        number,
        attempted_at: exchange.started,
        first_attempt_at,
        duration_ms: exchange.ended.millis().saturating_sub(exchange.started.millis()).max(0),
        is_sent: true,
        http_status: came.map(|response| response.status),
        error_code,
        error,
        target: exchange.target.clone().map(|target| veil.over(target)),
        request_headers: headers::to_json(&exchange.request_headers),
        request_body: exchange
            .request_body
            .as_ref()
            .map(|body| headers::text(body, MAX_STORED_BODY_BYTES).into_owned()),
        response_headers: came
            .map_or_else(|| "{}".to_owned(), |response| veil.over(headers::to_json(&response.headers))),
        response_body: came.map_or_else(String::new, |response| stored_answer(&response.body, &veil)),
        status,
        due_at,
        not_before: match verdict {
            Verdict::Retry { retry_after_seconds: Some(seconds) } => {
                Some(exchange.ended.plus_millis(i64::from(seconds) * 1_000))
            }
            _ => None,
        },
        sign: Some(match (verdict, http_status) {
            (Verdict::Delivered, _) => Sign::Works,
            (_, Some(status)) => Sign::of_failure(status),
            (_, None) => Sign::Down,
        }),
    }
}

/// What the log keeps of an answer's body.
fn stored_answer(body: &[u8], veil: &Veil) -> String {
    if veil.is_empty() {
        return headers::text(body, MAX_STORED_RESPONSE_BYTES).into_owned();
    }
    // Cut afterwards: a secret that is cut in two would not be found.
    let mut text = veil.over(headers::text(body, body.len()).into_owned());
    text.truncate(text.floor_char_boundary(MAX_STORED_RESPONSE_BYTES));
    text
}

/// Why nothing was sent, and what that means for the delivery.
pub(crate) struct Unsent {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) what: Then,
}

impl From<Unsendable> for Unsent {
    fn from(Unsendable { code, message }: Unsendable) -> Self {
        Self { code, message, what: Then::Fail }
    }
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is tried again, as after a failure of the destination.
    Retry,
    /// It has failed: the same would happen again.
    Fail,
    /// It is not to be sent.
    Cancel,
    /// It is tried again soon, and this was no attempt: it was this machine that lacked something.
    Wait,
}

/// The row to record of an attempt in which nothing was sent.
pub(crate) fn unsent(
    outgoing: &Outgoing,
    delivery: &DueDelivery,
    (started, ended): (Timestamp, Timestamp),
    unsent: Unsent,
) -> AttemptRow {
    let first_attempt_at = delivery.first_attempt_at.unwrap_or(started);
    let number = delivery.attempts.saturating_add(1);
    let of_schedule = number.saturating_sub(delivery.attempts_before);
    let (first, draw) = (first_attempt_at.millis(), delivery.id.draw(number));
    let next = || outgoing.schedule.next_attempt(first, of_schedule, ended.millis(), None, draw);
    let (status, due_at) = match unsent.what {
        Then::Cancel => (DeliveryStatus::Cancelled, None),
        Then::Fail => (DeliveryStatus::Failed, None),
        // Who does not wait is told that it failed.
        Then::Retry | Then::Wait => match next() {
            Some(due) => (DeliveryStatus::Retrying, Some(Timestamp::from_millis(due))),
            None => (DeliveryStatus::Failed, None),
        },
    };
    AttemptRow {
        delivery_id: delivery.id,
        webhook_id: delivery.webhook_id.clone(),
        subject: delivery.subject,
        number,
        attempted_at: started,
        first_attempt_at,
        duration_ms: ended.millis().saturating_sub(started.millis()).max(0),
        is_sent: false,
        http_status: None,
        error_code: Some(unsent.code),
        error: Some(Veil::new(&outgoing.secrets.auth, None).over(unsent.message.replace('\0', "\u{fffd}"))),
        target: None,
        request_headers: "{}".to_owned(),
        request_body: None,
        response_headers: "{}".to_owned(),
        response_body: String::new(),
        status,
        due_at,
        not_before: None,
        sign: match unsent.what {
            Then::Cancel | Then::Wait => None,
            // Without a token the destination can't be used.
            Then::Retry | Then::Fail if unsent.code == "oauth_token" => Some(Sign::Down),
            Then::Retry | Then::Fail => Some(Sign::Nothing),
        },
    }
}

/// An error with everything behind it, for the log.
fn chain(error: &SendError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text.replace('\0', "\u{fffd}")
}
