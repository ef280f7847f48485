//! Who may come in: the token of the URL, then the address, the API key and the signature; and the questions that a sender
//! asks before it sends, which are answered behind the same doors.
//!
//! Invariants: an unknown webhook and a wrong token cost the same work and get the same answer; secrets are compared as
//! hashes or MACs, in constant time. Nothing of a request is looked at before its token is right: what comes after takes the
//! webhook that only [`authenticate`] gives. Pure, but for the configuration and the time that are passed in.

use std::sync::Arc;

use domain::Timestamp;
use domain::incoming::{SignatureScheme, WebhookStatus};
use signature::{Algorithm, TokenHash, VerifyError, basic, sns, standard_webhooks, token, x_webhook};

use crate::receive::{Received, Reply, header_text};
use crate::sender;
use crate::snapshot::{Incoming, Snapshot};

/// A sender's question that is answered.
pub(crate) struct Known {
    /// Its webhook.
    pub(crate) incoming: Arc<Incoming>,
    /// What it wants to hear.
    pub(crate) answer: presets::Answer,
}

/// The answer to what a sender asks before it sends, if the webhook's preset knows the question. Only who has the token (the
/// webhook is what [`authenticate`] gave), and an address from which requests are taken, gets one.
pub(crate) fn handshake(incoming: &Arc<Incoming>, request: &Received, now: Timestamp) -> Option<Known> {
    let preset = incoming.preset.as_ref().filter(|preset| !preset.handshakes.is_empty())?;
    if incoming.webhook.settings.status == WebhookStatus::Inactive {
        return None;
    }
    check_address(incoming, request).ok()?;
    let verified = || verify(incoming, request, now).is_ok();
    let answer = sender::handshake(preset, incoming, request, now, verified)?;
    Some(Known { incoming: incoming.clone(), answer })
}

/// The webhook, if there is one and the request has its token.
///
/// # Errors
/// The same refusal in both cases.
pub(crate) fn authenticate(
    snapshot: &Snapshot,
    request: &Received,
    now: Timestamp,
) -> Result<Arc<Incoming>, Reply> {
    // The same work and the same answer whether the id or the token is wrong: hash first, look up then, compare always.
    let given = token::hash(request.token.as_deref().unwrap_or_default());
    let found = snapshot.incoming.get(request.webhook_id.as_str());
    let nobody = [token::hash("")];
    let expected = found.map_or(&nobody[..], |incoming| incoming.tokens.at(now));
    let matches = is_one_of(&given, expected) && request.token.is_some();
    match found {
        Some(incoming) if matches => Ok(incoming.clone()),
        _ => Err(unknown_webhook()),
    }
}

/// Compares with all of them, whichever it is.
fn is_one_of(given: &TokenHash, expected: &[TokenHash]) -> bool {
    expected.iter().fold(false, |any, hash| any | (hash == given))
}

pub(crate) fn unknown_webhook() -> Reply {
    Reply::refusal(404, "There is no webhook at this address, or its token is not valid")
}

/// Why a request is not let in.
pub(crate) struct Rejection {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

/// Checks the address, the API key and the signature of a request that has the token.
///
/// # Errors
/// The first of them that is not right.
pub(crate) fn verify(incoming: &Incoming, request: &Received, now: Timestamp) -> Result<(), Rejection> {
    check_address(incoming, request)?;
    check_api_key(incoming, request, now)?;
    check_signature(incoming, request, now)?;
    check_topic(incoming, request)
}

fn check_address(incoming: &Incoming, request: &Received) -> Result<(), Rejection> {
    let allowed = &incoming.webhook.settings.ip_allowlist;
    if allowed.is_empty() || allowed.iter().any(|network| network.contains(request.sender_ip)) {
        return Ok(());
    }
    Err(Rejection {
        status: 403,
        code: "ip_not_allowed",
        message: "This webhook does not take requests from this address",
    })
}

fn check_api_key(incoming: &Incoming, request: &Received, now: Timestamp) -> Result<(), Rejection> {
    if !incoming.webhook.settings.require_api_key {
        return Ok(());
    }
    let given = header_text(&request.headers, "x-api-key").unwrap_or_default();
    if is_one_of(&token::hash(&given), incoming.api_keys.at(now)) {
        return Ok(());
    }
    Err(Rejection {
        status: 401,
        code: "api_key",
        message: "The API key in the header X-API-Key is missing or not valid",
    })
}

/// That Amazon SNS signed a message says that some topic of somebody's sent it: only the one that was confirmed counts.
fn check_topic(incoming: &Incoming, request: &Received) -> Result<(), Rejection> {
    if incoming.scheme.as_ref().is_none_or(|scheme| scheme.algorithm != Algorithm::RsaSns) {
        return Ok(());
    }
    let is_taken = match (&incoming.webhook.settings.signature.topic_arn, sns::topic(&request.body)) {
        (Some(pinned), Some(topic)) => *pinned == topic,
        (None, _) => sns::is_confirmation(&request.body),
        (Some(_), None) => false,
    };
    if is_taken {
        return Ok(());
    }
    Err(Rejection {
        status: 401,
        code: "topic",
        message: "The message is of a topic that was not confirmed for this webhook",
    })
}

fn check_signature(incoming: &Incoming, request: &Received, now: Timestamp) -> Result<(), Rejection> {
    let settings = &incoming.webhook.settings;
    let value = |name: &str| request.headers.get(name).map(http::HeaderValue::as_bytes);
    let verdict = match settings.signature.scheme {
        SignatureScheme::None => Ok(()),
        SignatureScheme::Preset | SignatureScheme::Custom => sender::verify(incoming, request, now),
        SignatureScheme::Basic => basic::verify(incoming.secrets.signing.at(now), value("authorization")),
        SignatureScheme::HmacSha256 => {
            x_webhook::verify(incoming.keys.at(now), value(&settings.signature.header), &request.body)
        }
        SignatureScheme::StandardWebhooks => {
            // Svix, from which the specification came, still sends its own names.
            let either = |name: &str, of_svix: &str| value(name).or_else(|| value(of_svix));
            let received = standard_webhooks::Received {
                id: either(standard_webhooks::ID_HEADER, "svix-id"),
                timestamp: either(standard_webhooks::TIMESTAMP_HEADER, "svix-timestamp"),
                signature: either(standard_webhooks::SIGNATURE_HEADER, "svix-signature"),
            };
            let tolerance = settings.signature.tolerance_seconds;
            standard_webhooks::verify(
                incoming.keys.at(now),
                &received,
                &request.body,
                now.seconds(),
                tolerance,
            )
        }
    };
    verdict.map_err(|error| {
        let message = match settings.signature.scheme {
            SignatureScheme::Basic => "The user name and password are missing or not valid",
            _ => rejection_message(&error),
        };
        Rejection { status: 401, code: error.code(), message }
    })
}

fn rejection_message(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Missing(_) => "The signature is missing",
        VerifyError::Malformed(_) => "The signature does not have the form that this webhook expects",
        VerifyError::Mismatch => "The signature does not match the body",
        VerifyError::TimestampOutOfTolerance { .. } => "The signed timestamp is too far from the present",
    }
}
