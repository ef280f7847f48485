//! How deliveries are signed: every scheme of a webhook at once, each with the key of now and, in a time of grace, with the
//! one before it.

use domain::Timestamp;
use domain::outgoing::{SigningScheme, SigningSettings};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use signature::{
    Algorithm, PrivateKey, Request, Scheme, Signer, SigningKey, Source, ed25519, standard_webhooks, x_webhook,
};

use crate::outgoing::Unsendable;
use crate::rotating::Ready;
use crate::vault::OutgoingSecrets;

const X_WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static(x_webhook::SIGNATURE_HEADER);
const WEBHOOK_ID: HeaderName = HeaderName::from_static(standard_webhooks::ID_HEADER);
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static(standard_webhooks::TIMESTAMP_HEADER);
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static(standard_webhooks::SIGNATURE_HEADER);

/// What signs the deliveries of a webhook, prepared once.
#[derive(Debug)]
pub(crate) struct Signing {
    schemes: Vec<SigningScheme>,
    keys: Ready<SigningKey>,
    private_keys: Option<Ready<PrivateKey>>,
    /// `None` if what is stored is no scheme: saving checks it, so only another version of the program can have stored that.
    custom: Option<(Scheme, Ready<Signer>)>,
}

impl Signing {
    /// Prepares what signs.
    pub(crate) fn new(settings: &SigningSettings, secrets: &OutgoingSecrets) -> Self {
        let custom = settings.custom.as_ref().and_then(|custom| Scheme::deserialize(custom).ok());
        Self {
            schemes: settings.schemes.clone(),
            keys: Ready::new(&secrets.signing, |secret| SigningKey::new(secret).ok()),
            private_keys: secrets
                .private_key
                .as_ref()
                .map(|key| Ready::new(key, |text| PrivateKey::new(text).ok())),
            custom: custom.and_then(|scheme| {
                let signers = signers(&scheme, secrets)?;
                Some((scheme, signers))
            }),
        }
    }

    /// The headers that sign a request. The id is the same on every attempt, the time is that of this one.
    ///
    /// # Errors
    /// If the request has not what is to be signed of it.
    pub(crate) fn headers(
        &self,
        request: Request<'_>,
        id: &str,
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Unsendable> {
        let (keys, seconds) = (self.keys.at(now), now.seconds());
        let mut headers = Vec::with_capacity(4);
        let mut standard = String::new();
        for scheme in &self.schemes {
            match scheme {
                SigningScheme::XWebhookSignature => {
                    let Some(key) = keys.first() else { continue };
                    headers.push((X_WEBHOOK_SIGNATURE, value(x_webhook::sign(key, request.body))?));
                }
                SigningScheme::StandardWebhooks => {
                    append(&mut standard, &standard_webhooks::sign(keys, id, seconds, request.body));
                }
                SigningScheme::Ed25519 => {
                    let keys = self.private_keys.as_ref().map_or(&[][..], |keys| keys.at(now));
                    append(&mut standard, &ed25519::sign(keys, id, seconds, request.body));
                }
                SigningScheme::Custom => headers.extend(self.custom(request, id, now)?),
            }
        }
        if !standard.is_empty() {
            headers.push((WEBHOOK_ID, value(id)?));
            headers.push((WEBHOOK_TIMESTAMP, value(seconds.to_string())?));
            headers.push((WEBHOOK_SIGNATURE, value(standard)?));
        }
        Ok(headers)
    }

    fn custom(
        &self,
        request: Request<'_>,
        id: &str,
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Unsendable> {
        let (scheme, signers) =
            self.custom.as_ref().ok_or_else(|| unsigned("its description can't be used"))?;
        let parts = scheme.sign_with(signers.at(now), request, id, now.seconds());
        let parts = parts.map_err(|error| unsigned(&crate::error::chain(&error)))?;
        let header = |(source, text)| {
            let Source::Header(name) = source else { return Err(unsigned("it does not stand in a header")) };
            let mut value = value(text)?;
            // So that the log masks what is the secret itself, whatever its name is.
            value.set_sensitive(matches!(scheme.algorithm, Algorithm::Token | Algorithm::Basic));
            Ok((name, value))
        };
        parts.into_iter().map(header).collect()
    }
}

fn append(list: &mut String, signatures: &str) {
    if !list.is_empty() && !signatures.is_empty() {
        list.push(' ');
    }
    list.push_str(signatures);
}

fn value(text: impl AsRef<str>) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_str(text.as_ref()).map_err(|_| unsigned("it is not visible ASCII characters"))
}

fn unsigned(why: &str) -> Unsendable {
    Unsendable { code: "signing", message: format!("the custom signature can't be made: {why}") }
}

/// What signs by a scheme of the webhook's own: its private key or its secret. `None` if it has no private key.
fn signers(scheme: &Scheme, secrets: &OutgoingSecrets) -> Option<Ready<Signer>> {
    if scheme.algorithm != Algorithm::Ed25519 {
        return Some(Ready::new(&secrets.signing, |secret| scheme.signer(secret).ok()));
    }
    let signer = |text: &signature::Secret| PrivateKey::new(text).ok().map(Signer::with_private_key);
    secrets.private_key.as_ref().map(|key| Ready::new(key, signer))
}

#[cfg(test)]
#[path = "signing_tests.rs"]
mod tests;
