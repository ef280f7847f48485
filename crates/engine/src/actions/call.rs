//! The action `call_api`: what is sent, and what the answer means.

use std::time::Duration;

use bytes::Bytes;
use delivery::parse_retry_after;
use domain::action::CallMethod;
use domain::log::ActionStatus;
use domain::{Action, RequestId, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use outbound::{Request, Response, SendError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use url::Url;

use super::compile::Call;
use super::context::Context;
use super::script::Ran;
use crate::answer;
use crate::error::chain;
use crate::headers;
use crate::send::USER_AGENT;

/// How much of an answer that is no JSON is kept.
const MAX_TEXT_BYTES: usize = 16 * 1_024;
/// How much of an answer that is JSON is kept: as much as is read.
const MAX_JSON_BYTES: usize = outbound::MAX_RESPONSE_BODY;
/// What stays as it is in a URL: the unreserved characters of RFC 3986, section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The request of a call. `key` is the same each time that this call is made.
///
/// # Errors
/// Says what of it can't be made.
pub(crate) fn request(action: &Action, call: &Call, context: &Context, key: &str) -> Result<Request, String> {
    let Action::CallApi { method, timeout_seconds, .. } = action else {
        return Err("is not a call".to_owned());
    };
    let payload = context.payload();
    let url = call
        .url
        .render_text(payload, escape_url)
        .map_err(|error| format!("the URL can't be made: {error}"))?;
    if climb(&call.url, &url) {
        return Err(CLIMBS.to_owned());
    }
    let url = Url::parse(&url).map_err(|_| "the URL is not valid with the values of this record")?;
    let body = call.body.as_ref().map(|body| body.render(payload));
    if let Some(error) = body.as_ref().and_then(|(_, errors)| errors.first()) {
        return Err(format!("the body can't be made: {error}"));
    }
    let mut sent = HeaderMap::new();
    sent.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    sent.extend(HeaderValue::from_str(key).ok().map(|key| (IDEMPOTENCY_KEY, key)));
    if let Some((body, _)) = &body {
        let kind = if body.is_string() { "text/plain; charset=utf-8" } else { "application/json" };
        sent.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, template) in &call.headers {
        let value = template.render_text(payload, str::to_owned);
        let value = value.map_err(|error| format!("the header {name} can't be made: {error}"))?;
        let value = HeaderValue::from_str(&value);
        sent.insert(
            name,
            value.map_err(|_| format!("the header {name} would not be visible ASCII characters"))?,
        );
    }
    let body = match body {
        Some((Value::String(text), _)) => Bytes::from(text),
        Some((json, _)) => Bytes::from(json.to_string()),
        None => Bytes::new(),
    };
    let timeout = Duration::from_secs((*timeout_seconds).into());
    Ok(Request { method: http_method(*method), url, headers: sent, body, timeout, connect_timeout: None })
}

/// What is wrong with a URL whose values [`climb`].
pub(crate) const CLIMBS: &str =
    "the URL would lead to another path with the values of this event: a part of it is . or ..";

/// Whether values make a part of a path `.` or `..`, which leads out of the place where they stand. Percent-encoded they mean the
/// same (URL Standard, section 4.1), so that they can't be escaped.
pub(crate) fn climb(template: &expression::Template, url: &str) -> bool {
    let found = dots(url);
    found > 0 && found > dots(&template.outline('x'))
}

fn dots(url: &str) -> usize {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |part: &&str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.split(['/', '\\']).filter(is_dots).count()
}

/// A value in a URL.
pub(crate) fn escape_url(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn http_method(method: CallMethod) -> Method {
    match method {
        CallMethod::Get => Method::GET,
        CallMethod::Post => Method::POST,
        CallMethod::Put => Method::PUT,
        CallMethod::Patch => Method::PATCH,
        CallMethod::Delete => Method::DELETE,
        CallMethod::Head => Method::HEAD,
        CallMethod::Options => Method::OPTIONS,
    }
}

/// What names a call, always the same, so that the other system can tell that it is made again.
pub(crate) fn idempotency_key(request: RequestId, place: domain::log::Place) -> String {
    format!("{request}-{}-{}", place.record, place.step)
}

/// What an answer means. Past is what may go better later: no connection, no answer in time, 408, 425, 429 and 5xx.
pub(crate) fn judge(result: Result<Response, SendError>, now: Timestamp) -> Ran {
    let response = match result {
        Ok(response) => answer::decoded(response),
        Err(error) => {
            let passing = error.is_passing().then_some(0);
            return Ran { passing, ..Ran::failed(format!("{}: {}", error.code(), chain(&error))) };
        }
    };
    let status = response.status;
    let output = Some(json!({"status": status, "body": body(&response)}));
    if (200..300).contains(&status) {
        return Ran {
            status: ActionStatus::Done,
            detail: format!("answered {status}"),
            output,
            passing: None,
        };
    }
    let retry_after = response.headers.get(header::RETRY_AFTER);
    let wait = retry_after.and_then(|value| parse_retry_after(value.as_bytes(), now.seconds())).unwrap_or(0);
    let is_passing = matches!(status, 408 | 425 | 429) || status >= 500;
    Ran { output, passing: is_passing.then_some(wait), ..Ran::failed(format!("answered {status}")) }
}

/// JSON if it is that, or else a text.
fn body(response: &Response) -> Value {
    if response.body.is_empty() {
        return Value::Null;
    }
    let is_short = response.body.len() <= MAX_JSON_BYTES && !response.truncated;
    let parsed = is_short.then(|| serde_json::from_slice(&response.body).ok()).flatten();
    parsed.map_or_else(|| headers::text(&response.body, MAX_TEXT_BYTES).into(), without_nulls)
}

/// PostgreSQL takes no null characters.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        Value::Object(members) => {
            let clean =
                |(name, value): (String, Value)| (name.replace('\0', "\u{fffd}"), without_nulls(value));
            Value::Object(members.into_iter().map(clean).collect())
        }
        other => other,
    }
}
