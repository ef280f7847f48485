//! How the requests of an incoming webhook are signed, as a user writes it.

use domain::incoming::{SignatureScheme, SignatureSettings};
use domain::log::FieldError;
use engine::{IncomingSecrets, Rotating};
use presets::Preset;
use serde::{Deserialize, Serialize};
use signature::{Algorithm, Scheme, Secret};
use utoipa::ToSchema;

use crate::secret::{self, Reveal};

/// How requests of senders are signed.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IncomingSignature {
    /// The scheme; `preset` if not given and the preset has one, or else `none`.
    pub(crate) scheme: Option<SignatureScheme>,
    /// The secret. Made at random if it is not given, and shown only then; later masked. The masked form leaves it unchanged.
    /// For a sender that signs with a key of its own, its public key.
    #[schema(min_length = 8, max_length = 4000)]
    pub(crate) secret: Option<String>,
    /// The header that carries the signature of `hmac_sha256`.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
    header: String,
    /// How old or how far ahead a signed timestamp of `standard_webhooks` may be, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    tolerance_seconds: u32,
    /// For `custom`: how the sender signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Scheme>,
    /// For Amazon SNS: the topic whose messages are taken; if not given, the first one that is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 300,
        pattern = "^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$",
        example = "arn:aws:sns:eu-west-1:111122223333:mail"
    )]
    topic_arn: Option<String>,
}

impl Default for IncomingSignature {
    fn default() -> Self {
        let SignatureSettings { header, tolerance_seconds, .. } = SignatureSettings::default();
        Self { scheme: None, secret: None, header, tolerance_seconds, custom: None, topic_arn: None }
    }
}

impl IncomingSignature {
    /// As it is kept.
    pub(crate) fn settings(&self, preset: Option<&Preset>) -> SignatureSettings {
        let signs = preset.is_some_and(|preset| preset.scheme.is_some());
        let default = if signs { SignatureScheme::Preset } else { SignatureScheme::None };
        SignatureSettings {
            scheme: self.scheme.unwrap_or(default),
            header: self.header.clone(),
            tolerance_seconds: self.tolerance_seconds,
            // Texts and numbers always have a JSON form.
            custom: self.custom.as_ref().and_then(|scheme| serde_json::to_value(scheme).ok()),
            topic_arn: self.topic_arn.clone(),
        }
    }

    /// As it is shown.
    pub(crate) fn shown(settings: SignatureSettings, secrets: &IncomingSecrets, reveal: Reveal) -> Self {
        let SignatureSettings { scheme, header, tolerance_seconds, custom, topic_arn } = settings;
        Self {
            scheme: Some(scheme),
            secret: Some(reveal.secret(&secrets.signing.current)),
            header,
            tolerance_seconds,
            custom: custom.and_then(|custom| Scheme::deserialize(custom).ok()),
            topic_arn,
        }
    }

    /// Everything that is wrong with it, beyond what its schema says.
    pub(crate) fn check(&self, preset: Option<&Preset>) -> Vec<FieldError> {
        let fault = |field: &str, message: String| FieldError { field: field.to_owned(), message };
        let mut errors = Vec::new();
        match (self.scheme, &self.custom, preset) {
            (Some(SignatureScheme::Preset), _, None) => {
                errors.push(fault(
                    "signature.scheme",
                    "there is no preset: name one, or choose another scheme".to_owned(),
                ));
            }
            (Some(SignatureScheme::Preset), _, Some(preset)) if preset.scheme.is_none() => {
                errors.push(fault(
                    "signature.scheme",
                    "the preset has none: its sender signs nothing".to_owned(),
                ));
            }
            (Some(SignatureScheme::Custom), None, _) => {
                errors
                    .push(fault("signature.custom", "is required: it says how the sender signs".to_owned()));
            }
            _ => {}
        }
        if let Some(custom) = &self.custom {
            if let Err(error) = custom.check() {
                errors.push(fault(&format!("signature.custom.{}", error.member()), error.to_string()));
            }
            if custom.algorithm == Algorithm::RsaSns {
                errors.push(fault(
                    "signature.custom.algorithm",
                    "needs the preset ses, which knows where its keys are".to_owned(),
                ));
            }
        }
        errors
    }

    /// The secret that is to hold: the given one, which must be a key of the scheme, or else `current`.
    ///
    /// # Errors
    /// If what was given is no secret.
    pub(crate) fn choose(&self, preset: Option<&Preset>, current: Rotating) -> Result<Rotating, FieldError> {
        let kind = self.settings(preset).scheme;
        let scheme = match kind {
            SignatureScheme::Custom => self.custom.as_ref(),
            SignatureScheme::Preset => preset.and_then(|preset| preset.scheme.as_ref()),
            _ => None,
        };
        let before = current.current.clone();
        let chosen = secret::choose("signature.secret", self.secret.as_deref(), current)?;
        if chosen.current == before {
            return Ok(chosen);
        }
        let fault = match scheme {
            Some(scheme) => scheme.key(&chosen.current).err().map(|error| error.to_string()),
            None => secret_fault(kind, &chosen.current),
        };
        match fault {
            Some(message) => Err(FieldError { field: "signature.secret".to_owned(), message }),
            None => Ok(chosen),
        }
    }
}

/// What is wrong with a secret for a scheme that is not described as data.
pub(crate) fn secret_fault(scheme: SignatureScheme, secret: &Secret) -> Option<String> {
    (scheme == SignatureScheme::StandardWebhooks).then(|| secret::standard_fault(secret.expose()))?
}
