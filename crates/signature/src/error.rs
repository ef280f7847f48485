//! Why a received signature is refused: the same reasons for every scheme.

use std::fmt;

/// The part of a signed message that an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The message's id (`webhook-id`).
    Id,
    /// The time of the attempt (`webhook-timestamp`).
    Timestamp,
    /// The signature itself (`X-Webhook-Signature`, `webhook-signature`).
    Signature,
    /// Another part that is signed, such as a member of the body.
    Content,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "message id",
            Self::Timestamp => "timestamp",
            Self::Signature => "signature",
            Self::Content => "signed content",
        })
    }
}

/// Why a received signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A part was not sent, or sent empty.
    #[error("the {0} is missing")]
    Missing(Part),
    /// A part was sent in a form that the scheme doesn't have.
    #[error("the {0} is malformed")]
    Malformed(Part),
    /// Well formed, but made with another secret, or over another message.
    #[error("the signature doesn't match")]
    Mismatch,
    /// Sent too long ago (a replay, or a clock that is behind), or in the future (a clock that is ahead).
    #[error("the timestamp {timestamp} is more than {tolerance_seconds} s away from {now}")]
    TimestampOutOfTolerance {
        /// What the message says, in seconds since the Unix epoch.
        timestamp: i64,
        /// The receiver's time, in seconds since the Unix epoch.
        now: i64,
        /// The largest distance that would have been accepted, in seconds.
        tolerance_seconds: u32,
    },
}

impl VerifyError {
    /// A stable name for logs and answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "signature_missing",
            Self::Malformed(_) => "signature_malformed",
            Self::Mismatch => "signature_mismatch",
            Self::TimestampOutOfTolerance { .. } => "timestamp_out_of_tolerance",
        }
    }
}
