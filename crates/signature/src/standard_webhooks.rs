//! The Standard Webhooks scheme: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64>`.
//!
//! The signature is the HMAC-SHA256 of `{id}.{timestamp}.{body}`, so it covers the time and the id too, and
//! a replay is found out. Source: the Standard Webhooks specification 1.0.0, "Signature scheme" and "Webhook
//! headers" (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
//! What we send verifies with its published libraries; what they sign verifies here.
//!
//! Stricter than those libraries in one point: an id that contains a `.` is refused, as the specification
//! asks of senders. With it there are several ways to cut one signed text into id, timestamp and body, and
//! whoever holds one signed message could present it as another.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};
use hmac::Mac;
use subtle::{Choice, ConstantTimeEq};

use crate::key::{HmacSha256, finish};
use crate::{Part, SigningKey, VerifyError};

/// The header with the message's id: the same on every attempt.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of the attempt, in seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the list of signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far a timestamp may be from the receiver's clock, in seconds, unless configured.
/// Source: the value in the published libraries of Standard Webhooks.
pub const DEFAULT_TOLERANCE_SECONDS: u32 = 300;

/// Marks a symmetric signature in the list; `v1a`, the asymmetric one, is passed over.
const VERSION_PREFIX: &str = "v1,";

/// The length of one entry of the list: the version and 32 bytes in base64.
const ENTRY_LENGTH: usize = VERSION_PREFIX.len() + 44;

/// How many `v1` signatures of a received list are looked at. A rotation sends two; the limit keeps a
/// hostile header from buying work.
const MAX_SIGNATURES: usize = 16;

/// The value of `webhook-signature`: one signature for each of `keys`, the current secret first.
///
/// `id` must not contain a `.` (the ids that this program makes don't). `timestamp` is the time of this
/// attempt, in seconds since the Unix epoch, and goes into `webhook-timestamp` as decimal text.
pub fn sign(keys: &[SigningKey], id: &str, timestamp: i64, body: &[u8]) -> String {
    debug_assert!(!id.contains('.'), "a message id with a dot makes the signed text ambiguous");
    let mut list = String::with_capacity(keys.len() * (ENTRY_LENGTH + 1));
    for key in keys {
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(VERSION_PREFIX);
        STANDARD.encode_string(mac(key, id, timestamp, body), &mut list);
    }
    list
}

/// The three headers as they were received; `None` for one that wasn't.
#[derive(Debug, Clone, Copy, Default)]
pub struct Received<'a> {
    /// The value of `webhook-id`.
    pub id: Option<&'a [u8]>,
    /// The value of `webhook-timestamp`.
    pub timestamp: Option<&'a [u8]>,
    /// The value of `webhook-signature`.
    pub signature: Option<&'a [u8]>,
}

/// Checks the headers of a received message against its raw `body`.
///
/// Any `v1` signature of the list, by any of `keys`, will do: both sides may be rotating a secret.
/// `now` is the receiver's time in seconds since the Unix epoch; a timestamp further from it than
/// `tolerance_seconds`, either way, is refused.
///
/// # Errors
/// Says what is wrong; see [`VerifyError`].
pub fn verify(
    keys: &[SigningKey],
    received: &Received<'_>,
    body: &[u8],
    now: i64,
    tolerance_seconds: u32,
) -> Result<(), VerifyError> {
    let id = part(received.id, Part::Id)?;
    let timestamp = part(received.timestamp, Part::Timestamp)?;
    let signature = part(received.signature, Part::Signature)?;

    if id.contains('.') {
        return Err(VerifyError::Malformed(Part::Id));
    }
    let timestamp = parse_timestamp(timestamp).ok_or(VerifyError::Malformed(Part::Timestamp))?;
    if now.abs_diff(timestamp) > u64::from(tolerance_seconds) {
        return Err(VerifyError::TimestampOutOfTolerance { timestamp, now, tolerance_seconds });
    }
    let signatures = parse_signatures(signature);
    if signatures.is_empty() {
        return Err(VerifyError::Malformed(Part::Signature));
    }

    let mut matches = Choice::from(0);
    for key in keys {
        let expected = mac(key, id, timestamp, body);
        for given in &signatures {
            matches |= expected.ct_eq(given);
        }
    }
    if matches.into() { Ok(()) } else { Err(VerifyError::Mismatch) }
}

fn part(value: Option<&[u8]>, part: Part) -> Result<&str, VerifyError> {
    let value = value.filter(|value| !value.is_empty()).ok_or(VerifyError::Missing(part))?;
    str::from_utf8(value).map_err(|_| VerifyError::Malformed(part))
}

/// Decimal digits only, without a leading zero: the one spelling that signs as it is written.
fn parse_timestamp(text: &str) -> Option<i64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// The well-formed `v1` signatures of the list.
fn parse_signatures(list: &str) -> Vec<[u8; 32]> {
    list.split(' ').filter_map(parse_signature).take(MAX_SIGNATURES).collect()
}

fn parse_signature(entry: &str) -> Option<[u8; 32]> {
    // Longer text can't be a signature, and isn't worth decoding.
    let encoded = entry.strip_prefix(VERSION_PREFIX).filter(|_| entry.len() <= ENTRY_LENGTH)?;
    STANDARD_PAD_INDIFFERENT.decode(encoded).ok()?.try_into().ok()
}

fn mac(key: &SigningKey, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
    let mut mac = MacWriter(key.keyed_with_decoded());
    // Writing into a MAC can't fail: see `MacWriter`.
    let _ = write!(mac, "{id}.{timestamp}.");
    mac.0.update(body);
    finish(mac.0)
}

/// Formats straight into a MAC, so that signing needs no buffer.
struct MacWriter(HmacSha256);

impl Write for MacWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
#[path = "standard_webhooks_tests.rs"]
mod tests;
