//! Who may come in: the token of the URL, then the address, the API key and the signature; and the questions that a sender
//! asks before it sends, which are answered behind the same doors.
//!
//! Invariants: an unknown webhook and a wrong token cost the same work and get the same answer; secrets are compared as
//! hashes or MACs, in constant time. Pure, but for the configuration and the time that are passed in.

use std::sync::Arc;

use domain::Timestamp;
use domain::incoming::{SignatureScheme, WebhookStatus};
use signature::{VerifyError, basic, standard_webhooks, token, x_webhook};

use crate::receive::{Received, Reply, header_text};
use crate::sender;
use crate::snapshot::{Incoming, Snapshot};

/// The answer to what a sender asks before it sends, if the webhook's preset knows the question. Only who has the token gets
/// one.
pub fn handshake(snapshot: &Snapshot, request: &Received, now: Timestamp) -> Option<presets::Answer> {
    let preset = snapshot.incoming.get(request.webhook_id.as_str())?.preset?;
    if preset.handshakes.is_empty() {
        return None;
    }
    let incoming = authenticate(snapshot, request, now).ok()?;
    if incoming.webhook.settings.status == WebhookStatus::Inactive {
        return None;
    }
    sender::handshake(preset, &incoming, request, verify(&incoming, request, now).is_ok())
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
    let expected = found.map_or(token::hash(""), |incoming| incoming.token_hash);
    let old = found.and_then(|incoming| incoming.old_token_hash);
    let is_old = old.is_some_and(|(hash, until)| given == hash && now < until);
    let matches = (given == expected || is_old) && request.token.is_some();
    match found {
        Some(incoming) if matches => Ok(incoming.clone()),
        _ => Err(unknown_webhook()),
    }
}

fn unknown_webhook() -> Reply {
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
    let settings = &incoming.webhook.settings;
    let allowed = &settings.ip_allowlist;
    if !allowed.is_empty() && !allowed.iter().any(|network| network.contains(request.sender_ip)) {
        return Err(Rejection {
            status: 403,
            code: "ip_not_allowed",
            message: "This webhook does not take requests from this address",
        });
    }
    if settings.require_api_key {
        let given = header_text(&request.headers, "x-api-key").unwrap_or_default();
        if token::hash(&given) != incoming.api_key_hash {
            return Err(Rejection {
                status: 401,
                code: "api_key",
                message: "The API key in the header X-API-Key is missing or not valid",
            });
        }
    }
    let value = |name: &str| request.headers.get(name).map(http::HeaderValue::as_bytes);
    let verdict = match settings.signature.scheme {
        SignatureScheme::None => Ok(()),
        SignatureScheme::Preset => sender::verify(incoming, request, now),
        SignatureScheme::Basic => basic::verify(&incoming.secrets.signing, value("authorization")),
        SignatureScheme::HmacSha256 => {
            x_webhook::verify(&incoming.keys, value(&settings.signature.header), &request.body)
        }
        SignatureScheme::StandardWebhooks => {
            let received = standard_webhooks::Received {
                id: value(standard_webhooks::ID_HEADER),
                timestamp: value(standard_webhooks::TIMESTAMP_HEADER),
                signature: value(standard_webhooks::SIGNATURE_HEADER),
            };
            let tolerance = settings.signature.tolerance_seconds;
            standard_webhooks::verify(&incoming.keys, &received, &request.body, now.seconds(), tolerance)
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
