//! How TLS is spoken with a destination, as a user writes it.

use domain::Timestamp;
use domain::log::FieldError;
use domain::outgoing::{MAX_PEM_BYTES, OutgoingSettings, TlsSettings};
use engine::tls_options;
use serde::{Deserialize, Serialize};
use signature::{Secret, certificate};
use utoipa::ToSchema;

use crate::secret::{Reveal, is_mask};

/// What stands for a key that is there: its last characters would be those of every key.
const MASK: &str = "••••";

/// How TLS is spoken with the destination. Certificates are always checked.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OutgoingTls {
    /// The certificate that deliveries show (mutual TLS), with its chain behind it if it has one, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 32_768, example = "-----BEGIN CERTIFICATE-----\n…")]
    client_certificate: Option<String>,
    /// Its private key as PEM, without a password. Shown masked; the masked form leaves it unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 32_768, example = "-----BEGIN PRIVATE KEY-----\n…")]
    client_key: Option<String>,
    /// Certificates of authorities as PEM, which are trusted for this destination besides those that everybody trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 32_768, example = "-----BEGIN CERTIFICATE-----\n…")]
    ca: Option<String>,
}

impl OutgoingTls {
    /// As it is kept.
    pub(crate) fn settings(&self) -> TlsSettings {
        TlsSettings { client_certificate: self.client_certificate.clone(), ca: self.ca.clone() }
    }

    /// As it is shown.
    pub(crate) fn shown(settings: TlsSettings, client_key: Option<&Secret>, reveal: Reveal) -> Self {
        let TlsSettings { client_certificate, ca } = settings;
        let shown = |key: &Secret| match reveal {
            Reveal::All => key.expose().to_owned(),
            Reveal::Tokens | Reveal::Nothing => MASK.to_owned(),
        };
        Self { client_certificate, client_key: client_key.map(shown), ca }
    }

    /// The private key that is to hold: the given one, or the one that was kept if it was given masked.
    ///
    /// # Errors
    /// If the whole can't be used.
    pub(crate) fn choose(&self, current: Option<&Secret>) -> Result<Option<Secret>, FieldError> {
        let key = match &self.client_key {
            Some(given) if is_mask(given) => Some(current.cloned().ok_or_else(|| {
                fault("client_key", "is the masked form of a key that is not there: send the key itself")
            })?),
            given => given.as_ref().map(Secret::new),
        };
        let options = tls_options(&self.settings(), key.as_ref());
        options.check().map_err(|error| fault(error.member(), &error.to_string()))?;
        Ok(key)
    }
}

/// What is wrong with the settings beside their PEM, if anything is.
pub(crate) fn check(settings: &OutgoingSettings) -> Vec<FieldError> {
    let Some(tls) = &settings.tls else { return Vec::new() };
    let mut errors = Vec::new();
    if !settings.url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
        errors.push(fault_of("tls", "needs a url with https"));
    }
    for (name, pem) in [("client_certificate", &tls.client_certificate), ("ca", &tls.ca)] {
        if pem.as_ref().is_some_and(|pem| pem.len() > MAX_PEM_BYTES) {
            errors.push(fault(name, &format!("must have at most {MAX_PEM_BYTES} bytes")));
        }
    }
    errors
}

/// When the certificate that deliveries show expires.
pub(crate) fn expires_at(settings: &OutgoingSettings) -> Option<Timestamp> {
    let pem = settings.tls.as_ref()?.client_certificate.as_ref()?;
    let seconds = certificate::expires_at(pem)?;
    seconds.checked_mul(1_000).map(Timestamp::from_millis)
}

fn fault(field: &str, message: &str) -> FieldError {
    fault_of(&format!("tls.{field}"), message)
}

fn fault_of(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}
