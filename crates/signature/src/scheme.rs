//! How a sender signs, as data: one [`Scheme`] describes what a preset's file or a user says, and one verifier
//! ([`Scheme::verify`]) checks what comes in.
//!
//! A signature is the value of a [`Field`] of the request: in a header, a parameter of the query or a member of a JSON
//! body, alone or in a list (`t=1700000000,v1=…`). It is made over [`Content`], a template such as
//! `{timestamp}.{body}`, with an [`Algorithm`] and a [`SchemeKey`].
//!
//! Invariants: the body is taken as it was sent; what is secret is compared in constant time; every key is tried with
//! every signature, so that a rotation on either side shows neither in the answer nor in its time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::content::Content;
use crate::field::Field;
use crate::scheme_key::{KeyEncoding, KeyForm};
use crate::sns;

/// How far a signed timestamp may be from the receiver's clock, in seconds, unless configured: the value that most
/// senders recommend, the Standard Webhooks libraries among them.
const DEFAULT_TOLERANCE_SECONDS: u32 = 300;

/// The largest tolerance, in seconds: a day, which is how long most senders try again.
const MAX_TOLERANCE_SECONDS: u32 = 86_400;

/// How a sender proves that a request is its own.
///
/// ```
/// # fn main() -> Result<(), toml::de::Error> {
/// let scheme: signature::Scheme = toml::from_str(
///     r#"
///     algorithm = "hmac_sha256"
///     content = "{timestamp}.{body}"
///     signature = { from = "header:Stripe-Signature", separator = ",", prefix = "v1=" }
///     timestamp = { from = "header:Stripe-Signature", separator = ",", prefix = "t=" }
///     "#,
/// )?;
/// assert_eq!(scheme.tolerance_seconds, 300);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomScheme, description = "How a sender proves that a request is its own.")]
pub struct Scheme {
    /// What makes a signature of content and key.
    pub algorithm: Algorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// How the key is written.
    #[serde(default)]
    pub key: KeyForm,
    /// Where the signature stands.
    pub signature: Field,
    /// Where the time of sending stands, for content that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Field>,
    /// How the time of sending is written.
    #[serde(default)]
    pub timestamp_unit: TimestampUnit,
    /// How far the time of sending may be from the receiver's clock, either way, in seconds.
    #[serde(default = "default_tolerance")]
    #[schema(minimum = 1, maximum = 86_400, default = 300)]
    pub tolerance_seconds: u32,
    /// Where the id of the message stands, for content that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Field>,
    /// What is signed: text with the placeholders `{body}`, `{body.PATH}`, `{timestamp}`, `{id}`, `{method}`, `{url}`,
    /// `{decoded_url}`, `{form}` and `{sns}`.
    #[serde(default)]
    #[schema(value_type = String, max_length = 500, default = "{body}", example = "{timestamp}.{body}")]
    pub content: Content,
}

fn default_tolerance() -> u32 {
    DEFAULT_TOLERANCE_SECONDS
}

/// Why a scheme can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// A time that isn't signed proves nothing, and one that is signed has to be somewhere.
    #[error("content must have {{timestamp}} if there is a timestamp, and only then")]
    Timestamp,
    /// The same of the id.
    #[error("content must have {{id}} if there is an id, and only then")]
    Id,
    /// A public key is no text.
    #[error("must be base64, hex or pem for a public key")]
    KeyEncoding,
    /// Too long, or nothing.
    #[error("must be 1 to {MAX_TOLERANCE_SECONDS}")]
    Tolerance,
    /// SNS says by itself what it signs.
    #[error("must be {{sns}} for rsa_sns, and for nothing else")]
    Sns,
}

impl SchemeError {
    /// The member of the scheme that is at fault, as a dotted path.
    pub fn member(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Id => "id",
            Self::KeyEncoding => "key.encoding",
            Self::Tolerance => "tolerance_seconds",
            Self::Sns => "content",
        }
    }
}

impl Scheme {
    /// Whether the parts fit together.
    ///
    /// # Errors
    /// Says what is wrong; see [`SchemeError`].
    pub fn check(&self) -> Result<(), SchemeError> {
        if !(1..=MAX_TOLERANCE_SECONDS).contains(&self.tolerance_seconds) {
            return Err(SchemeError::Tolerance);
        }
        let is_time_signed = match &self.timestamp {
            Some(field) if self.content.is_sns() => sns::is_signed_time(field),
            timestamp => self.content.has_timestamp() == timestamp.is_some(),
        };
        if !is_time_signed {
            return Err(SchemeError::Timestamp);
        }
        if self.content.has_id() != self.id.is_some() {
            return Err(SchemeError::Id);
        }
        if self.content.is_sns() != (self.algorithm == Algorithm::RsaSns) {
            return Err(SchemeError::Sns);
        }
        if self.algorithm.has_public_key() && self.key.encoding == KeyEncoding::Utf8 {
            return Err(SchemeError::KeyEncoding);
        }
        Ok(())
    }
}

/// What makes a signature of content and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignatureAlgorithm)]
pub enum Algorithm {
    /// HMAC (RFC 2104) with SHA-1: old, not broken for this use.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-4), the signature in DER.
    EcdsaP256Sha256,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA PKCS #1 v1.5 (RFC 8017) with SHA-256.
    RsaSha256,
    /// RSA PKCS #1 v1.5 with SHA-1, or with SHA-256 if the body's `SignatureVersion` is 2: Amazon SNS.
    RsaSns,
    /// Nothing is signed: the signature is the secret itself.
    Token,
    /// Nothing is signed: the field holds the credentials of HTTP Basic authentication ([`basic`](crate::basic)).
    Basic,
}

impl Algorithm {
    fn has_public_key(self) -> bool {
        matches!(self, Self::EcdsaP256Sha256 | Self::Ed25519 | Self::RsaSha256 | Self::RsaSns)
    }
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignatureEncoding)]
pub enum Encoding {
    /// Two digits a byte, in either case.
    #[default]
    Hex,
    /// RFC 4648, section 4; the padding may be missing.
    Base64,
    /// RFC 4648, section 5; the padding may be missing.
    Base64url,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimestampUnit {
    /// Whole seconds since the Unix epoch.
    #[default]
    Seconds,
    /// Milliseconds since the Unix epoch.
    Milliseconds,
    /// `2026-01-31T12:00:00Z` (RFC 3339).
    Rfc3339,
    /// `Sat, 31 Jan 2026 12:00:00 GMT` (RFC 9110, section 5.6.7).
    HttpDate,
}

impl TimestampUnit {
    /// Seconds since the Unix epoch; `None` for what isn't of this form.
    pub(crate) fn parse(self, text: &str) -> Option<i64> {
        match self {
            Self::Seconds => digits(text),
            Self::Milliseconds => digits(text).map(|milliseconds| milliseconds / 1_000),
            Self::Rfc3339 => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second),
            Self::HttpDate => {
                let time = httpdate::parse_http_date(text).ok()?;
                let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
                i64::try_from(since_epoch.as_secs()).ok()
            }
        }
    }
}

/// Decimal digits only, without a leading zero: one number has one spelling.
fn digits(text: &str) -> Option<i64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_reads_its_own_form_and_no_other() {
        let forms = [
            (TimestampUnit::Seconds, "1769860800"),
            (TimestampUnit::Milliseconds, "1769860800123"),
            (TimestampUnit::Rfc3339, "2026-01-31T12:00:00.5Z"),
            (TimestampUnit::HttpDate, "Sat, 31 Jan 2026 12:00:00 GMT"),
        ];
        for (unit, text) in forms {
            assert_eq!(unit.parse(text), Some(1_769_860_800), "{text}");
        }
        for text in ["", "-1", "01", "1.5", "1769860800 ", "99999999999999999999", "yesterday"] {
            for (unit, _) in forms {
                assert_eq!(unit.parse(text), None, "{unit:?} {text}");
            }
        }
    }

    #[test]
    fn a_misspelt_member_is_refused() {
        let text = r#"{"algorithm":"hmac_sha256","signature":{"from":"header:X-Sig"},"tolerance":5}"#;
        assert!(serde_json::from_str::<Scheme>(text).is_err());
        let text = r#"{"algorithm":"hmac_md5","signature":{"from":"header:X-Sig"}}"#;
        assert!(serde_json::from_str::<Scheme>(text).is_err());
    }

    #[test]
    fn parts_that_do_not_fit_together_are_found() {
        let check = |members: &str| {
            let text = format!("signature = {{ from = \"header:X-Sig\" }}\n{members}");
            toml::from_str::<Scheme>(&text).unwrap().check()
        };
        let hmac = |more: &str| check(&format!("algorithm = \"hmac_sha256\"\n{more}"));
        assert_eq!(hmac(""), Ok(()));
        assert_eq!(hmac("content = \"{timestamp}{body}\""), Err(SchemeError::Timestamp));
        assert_eq!(hmac("timestamp = { from = \"header:X-Time\" }"), Err(SchemeError::Timestamp));
        assert_eq!(hmac("content = \"{id}.{body}\""), Err(SchemeError::Id));
        assert_eq!(hmac("content = \"{sns}\""), Err(SchemeError::Sns));
        assert_eq!(hmac("tolerance_seconds = 0"), Err(SchemeError::Tolerance));
        assert_eq!(check("algorithm = \"ed25519\""), Err(SchemeError::KeyEncoding));
        assert_eq!(check("algorithm = \"ed25519\"\nkey = { encoding = \"hex\" }"), Ok(()));
        assert_eq!(check("algorithm = \"rsa_sns\""), Err(SchemeError::Sns));
        let sns = |from: &str| {
            check(&format!(
                "algorithm = \"rsa_sns\"\ncontent = \"{{sns}}\"\nkey = {{ encoding = \"pem\" }}\ntimestamp = {{ from = \"{from}\" }}"
            ))
        };
        assert_eq!(sns("body:Timestamp"), Ok(()));
        assert_eq!(sns("header:x-time"), Err(SchemeError::Timestamp), "SNS does not sign it");
    }
}
