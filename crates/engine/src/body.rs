//! From the bytes of a request to the payload that they say: by `Content-Encoding`, then by `Content-Type`, then by the
//! attributes of CloudEvents in headers.
//!
//! Invariants: whatever comes in, a payload is JSON, and the log keeps it as a text that is JSON, so that it can be run
//! again; neither decompressing nor parsing takes more than a few times the largest body that is taken. Signatures are
//! checked elsewhere ([`access`](crate::access)), over the bytes as they were sent.

mod cloud_event;
pub(crate) mod encoding;
mod fields;
mod form;
mod json;
mod lines;
mod multipart;

use std::borrow::Cow;

use encoding_rs::Encoding;
use http::{HeaderMap, header};
use serde_json::Value;

use crate::receive::{Reply, header_text};

pub(crate) use json::parse as json;

/// What some editors and libraries put in front of UTF-8. RFC 8259, section 8.1: it may be ignored.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The types of newline-delimited JSON: none is registered, so senders write any of these.
const LINE_TYPES: [&str; 8] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/x-jsonl",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
    "application/x-json-lines",
    "application/json-lines",
];

/// A payload, and how the log keeps it.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) value: Value,
    pub(crate) text: String,
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self { text: value.to_string(), value }
    }
}

/// Why a body is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is of another type.
    #[error(
        "The content type must be application/json or another type of JSON, application/x-ndjson, \
         application/x-www-form-urlencoded, multipart/form-data, or text/plain with JSON in it"
    )]
    Type,
    /// It is compressed in another way.
    #[error("The content encoding must be one of gzip, deflate and identity, and only one")]
    Encoding,
    /// It is larger than it says.
    #[error("The body has more than {0} bytes once it is decompressed")]
    TooLarge(usize),
    /// It is not what it is said to be: where.
    #[error("{0}")]
    Malformed(String),
}

impl From<BodyError> for Reply {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::Type | BodyError::Encoding => 415,
            BodyError::TooLarge(_) => 413,
            BodyError::Malformed(_) => 400,
        };
        Reply::refusal(status, &error.to_string())
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Lines,
    Urlencoded,
    Multipart,
}

impl Form {
    /// The form of a media type without its parameters, in lower case. `application/json` and the types that end in `+json`
    /// (RFC 6839) are JSON, and so is plain text, as which some senders post it.
    fn of(essence: &str) -> Option<Self> {
        match essence {
            "application/json" | "text/json" | "text/plain" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Urlencoded),
            "multipart/form-data" => Some(Self::Multipart),
            _ if essence.starts_with("application/") && essence.ends_with("+json") => Some(Self::Json),
            _ if LINE_TYPES.contains(&essence) => Some(Self::Lines),
            _ => None,
        }
    }
}

/// Reads the body of a request with these headers. Decompressed it may have `limit` bytes.
///
/// # Errors
/// If it is nothing that is taken.
pub(crate) fn read(headers: &HeaderMap, body: &[u8], limit: usize) -> Result<Payload, BodyError> {
    let body = encoding::decode(headers, body, limit)?;
    let content_type = header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let attributes = cloud_event::attributes(headers)?;
    match attributes {
        // An event may have no data at all.
        Some(attributes) if body.is_empty() => Ok(Value::Object(attributes).into()),
        Some(attributes) => {
            let data = parse(&content_type, &body)?.value;
            Ok(cloud_event::with_data(attributes, &content_type, data).into())
        }
        None => parse(&content_type, &body),
    }
}

fn parse(content_type: &str, body: &[u8]) -> Result<Payload, BodyError> {
    let essence = essence(content_type);
    let form = match essence.as_str() {
        // Who doesn't say what it is, and posts JSON, means JSON.
        "" if looks_like_json(body) => Form::Json,
        essence => Form::of(essence).ok_or(BodyError::Type)?,
    };
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BodyError::Malformed("The body is empty".to_owned()));
    }
    let charset = parameter(content_type, "charset").and_then(Encoding::for_label);
    let payload = match form {
        Form::Json => {
            let mut payload = json::read(&utf8(body, charset))?;
            if essence.starts_with("application/cloudevents") {
                cloud_event::unpack(&mut payload);
            }
            payload
        }
        Form::Lines => lines::read(&utf8(body, charset))?,
        // `curl -d` and its like post JSON under this type. No form begins so: its encoding has no braces.
        Form::Urlencoded
            if looks_like_json(body)
                && let Ok(payload) = json::read(body) =>
        {
            payload
        }
        Form::Urlencoded => form::read(body, charset)?,
        Form::Multipart => multipart::read(content_type, body, charset)?,
    };
    Ok(payload)
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The value of a parameter of a media type.
fn parameter<'a>(content_type: &'a str, name: &str) -> Option<&'a [u8]> {
    let mut pairs = content_type.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(given, _)| given.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').as_bytes())
}

fn looks_like_json(body: &[u8]) -> bool {
    let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii_start();
    text.starts_with(b"{") || text.starts_with(b"[")
}

/// The bytes in UTF-8, without a byte order mark, as far as that can be had: what is UTF-8 already stays, whatever was
/// declared, for senders that declare another set of characters and send UTF-8 are many.
fn utf8<'a>(bytes: &'a [u8], charset: Option<&'static Encoding>) -> Cow<'a, [u8]> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if str::from_utf8(bytes).is_ok() {
        return bytes.into();
    }
    let text = charset.and_then(|set| set.decode_without_bom_handling_and_without_replacement(bytes));
    text.map_or(bytes.into(), |text| text.into_owned().into_bytes().into())
}

#[cfg(test)]
#[path = "body/tests.rs"]
mod tests;
