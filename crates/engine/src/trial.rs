//! Trying an incoming webhook for real: a request is made as its sender would make it, with the webhook's token, key and
//! signature, and then goes the way of every other one.
//!
//! So whoever may change a webhook can try it without being shown its secrets.

use domain::incoming::SignatureScheme;
use domain::{Timestamp, WebhookId};
use http::{HeaderName, HeaderValue};
use signature::{Secret, SignError, SigningKey, Source, standard_webhooks, x_webhook};

use crate::engine::Engine;
use crate::receive::Received;
use crate::snapshot::Incoming;

/// How a request that is made up is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialSignature {
    /// As the webhook asks.
    Right,
    /// Nearly so: to see it refused.
    Wrong,
    /// Not at all, and without the API key.
    None,
}

/// Why a request can't be made as its sender would make it.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// There is no such webhook.
    #[error("there is no such webhook")]
    NotFound,
    /// There is nothing that could be wrong.
    #[error("the webhook asks for neither a signature nor an API key: there is nothing that could be wrong")]
    Unsigned,
    /// Only its sender can.
    #[error("the request can't be signed here")]
    Sign(#[source] SignError),
    /// The secret is none of the scheme's.
    #[error("the secret of the webhook can't sign: give it the one that the sender has")]
    Secret,
}

impl Engine {
    /// The request with what its sender would add to it.
    ///
    /// # Errors
    /// Says why that can't be done.
    pub fn as_sender(
        &self,
        id: &WebhookId,
        mut request: Received,
        how: TrialSignature,
    ) -> Result<Received, TrialError> {
        let snapshot = self.snapshot();
        let incoming = snapshot.incoming.get(id).ok_or(TrialError::NotFound)?;
        request.token = Some(incoming.secrets.token.current.expose().to_owned());
        if how == TrialSignature::None {
            return Ok(request);
        }
        let message_id = format!("msg_{}", self.vault().new_webhook_id());
        let mut parts = proof(incoming, &mut request, &message_id, self.now())?;
        if how == TrialSignature::Wrong {
            spoil(&mut parts.last_mut().ok_or(TrialError::Unsigned)?.1);
        }
        add(&mut request, parts)?;
        Ok(request)
    }
}

/// What proves that a request comes from the webhook's sender: names and values, the signature itself last. What is signed of
/// the body and is not there is put into it.
fn proof(
    incoming: &Incoming,
    request: &mut Received,
    id: &str,
    now: Timestamp,
) -> Result<Vec<(Source, String)>, TrialError> {
    let settings = &incoming.webhook.settings;
    let secret = &incoming.secrets.signing.current;
    let header = |name: &str| HeaderName::try_from(name).map(Source::Header).map_err(|_| TrialError::Secret);
    let mut parts = Vec::new();
    if settings.require_api_key {
        parts.push((header("x-api-key")?, incoming.secrets.api_key.current.expose().to_owned()));
    }
    match settings.signature.scheme {
        SignatureScheme::None => {}
        SignatureScheme::HmacSha256 => {
            parts.push((header(&settings.signature.header)?, x_webhook::sign(&key(secret)?, &request.body)));
        }
        SignatureScheme::StandardWebhooks => {
            let signature = standard_webhooks::sign(&[key(secret)?], id, now.seconds(), &request.body);
            parts.push((header(standard_webhooks::ID_HEADER)?, id.to_owned()));
            parts.push((header(standard_webhooks::TIMESTAMP_HEADER)?, now.seconds().to_string()));
            parts.push((header(standard_webhooks::SIGNATURE_HEADER)?, signature));
        }
        SignatureScheme::Basic => {
            parts.push((header("authorization")?, signature::basic::credentials(secret)))
        }
        SignatureScheme::Preset | SignatureScheme::Custom => {
            let scheme = incoming.scheme.as_ref().ok_or(TrialError::Secret)?;
            let body = scheme.with_signed_members(&request.body, id).map_err(TrialError::Sign)?;
            request.body = body.into();
            let signed = scheme.sign(secret, request.method, &request.url, &request.body, id, now.seconds());
            parts.extend(signed.map_err(TrialError::Sign)?);
        }
    }
    Ok(parts)
}

fn key(secret: &Secret) -> Result<SigningKey, TrialError> {
    SigningKey::new(secret).map_err(|_| TrialError::Secret)
}

fn add(request: &mut Received, parts: Vec<(Source, String)>) -> Result<(), TrialError> {
    request.body = signature::put_in_body(&request.body, &parts).map_err(TrialError::Sign)?.into();
    for (source, value) in parts {
        match source {
            Source::Header(name) => {
                let value = HeaderValue::try_from(value).map_err(|_| TrialError::Secret)?;
                request.headers.insert(name, value);
            }
            Source::Query(name) => {
                let separator = if request.url.contains('?') { '&' } else { '?' };
                let pair =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
                request.url.extend([separator.to_string(), pair]);
            }
            // It is there.
            Source::Body(_) => {}
            Source::Form(_) => return Err(TrialError::Sign(SignError::InBody)),
        }
    }
    Ok(())
}

/// Where to spoil a value, counted from its end: past the padding and the last bits of base64, which may mean nothing.
const SPOILED_FROM_END: usize = 8;

/// Changes one character.
fn spoil(value: &mut String) {
    let at = value.len().saturating_sub(SPOILED_FROM_END);
    match value.get(at..=at) {
        Some("0") => value.replace_range(at..=at, "1"),
        Some(_) => value.replace_range(at..=at, "0"),
        None => value.push('0'),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::access;
    use crate::testing::{NOW, SECRET, request, snapshot};

    /// The status that a request gets that was signed in that way.
    fn status(settings: serde_json::Value, how: TrialSignature) -> Option<u16> {
        let snapshot = snapshot(settings, &[]);
        let incoming: &Arc<Incoming> = snapshot.incoming.values().next()?;
        let mut request = request(r#"{"data":{"email":"ada@example.com"},"value":[{}]}"#);
        if how != TrialSignature::None {
            let mut parts = proof(incoming, &mut request, "msg_1", NOW).ok()?;
            if how == TrialSignature::Wrong {
                spoil(&mut parts.last_mut()?.1);
            }
            add(&mut request, parts).ok()?;
        }
        Some(access::verify(incoming, &request, NOW).map_or_else(|rejection| rejection.status, |()| 200))
    }

    #[test]
    fn each_scheme_takes_the_right_one_and_no_other() {
        let mut all = vec![
            json!({"signature": {"scheme": "hmac_sha256", "header": "X-Own"}}),
            json!({"signature": {"scheme": "standard_webhooks"}}),
            json!({"signature": {"scheme": "basic"}}),
            json!({"require_api_key": true}),
            json!({"require_api_key": true, "signature": {"scheme": "hmac_sha256"}}),
        ];
        let signs_with_text = |preset: &&presets::Preset| {
            let can_sign = |scheme: &signature::Scheme| {
                // Those of a signature in the body have more to be signed.
                let body = br#"{"signature":{"token":"t"}}"#;
                scheme.sign(&Secret::new(SECRET), "POST", "", body, "", 0).is_ok()
            };
            preset.scheme.as_ref().is_some_and(can_sign)
        };
        let known = presets::all().iter().filter(signs_with_text);
        all.extend(known.map(|preset| json!({"preset": preset.id, "signature": {"scheme": "preset"}})));
        assert!(all.len() > 15, "{}", all.len());
        for settings in all {
            for (how, expected) in
                [(TrialSignature::Right, 200), (TrialSignature::Wrong, 401), (TrialSignature::None, 401)]
            {
                assert_eq!(status(settings.clone(), how), Some(expected), "{settings} {how:?}");
            }
        }
        assert_eq!(status(json!({}), TrialSignature::Right), Some(200));
        assert_eq!(status(json!({}), TrialSignature::Wrong), None);
    }

    #[test]
    fn a_spoiled_value_is_another_one() {
        for text in ["", "a", "0", "sha256=00000000", "v1,AAAAAAAAAA==", "é-é-é-é"] {
            let mut spoiled = text.to_owned();
            spoil(&mut spoiled);
            assert_ne!(spoiled, text);
        }
    }
}
