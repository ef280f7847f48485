//! The verifier of a [`Scheme`].

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::{digest, hmac, signature};
use subtle::{Choice, ConstantTimeEq};

use crate::content::Values;
use crate::field::Field;
use crate::message::{Message, Request};
use crate::scheme::{Algorithm, Encoding, Scheme};
use crate::scheme_key::{Kind, SchemeKey};
use crate::sns::{self, Version};
use crate::{Part, VerifyError, basic, hex, token};

/// URL-safe base64, with or without padding.
const URL_SAFE_PAD_INDIFFERENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Scheme {
    /// Checks that `request` comes from whoever has one of `keys`: several while a secret is being rotated.
    ///
    /// `now` is the receiver's time in seconds since the Unix epoch.
    ///
    /// # Errors
    /// Says what is wrong; see [`VerifyError`].
    pub fn verify(&self, keys: &[SchemeKey], request: Request<'_>, now: i64) -> Result<(), VerifyError> {
        let message = Message::new(request);
        let values = self.values(&message, now)?;
        let given = self.signature.values(&message, Part::Signature)?;
        if matches!(self.algorithm, Algorithm::Token | Algorithm::Basic) {
            return verify_secret(keys, &given);
        }
        let given: Vec<_> = given.iter().filter_map(|text| self.encoding.decode(text)).collect();
        let given: Vec<_> = given.into_iter().filter(|bytes| fits(keys, bytes)).collect();
        if given.is_empty() {
            return Err(VerifyError::Malformed(Part::Signature));
        }
        let mut matches = Choice::from(0);
        for key in keys {
            matches |= self.matches(key, &message, &values, &given)?;
        }
        if matches.into() { Ok(()) } else { Err(VerifyError::Mismatch) }
    }

    /// What names a message by what its sender signed: its id or, without one, all that was signed with the time of sending.
    /// `None` where neither is signed: then nothing tells the same message from another one that says the same.
    pub fn name(&self, request: Request<'_>) -> Option<String> {
        let message = Message::new(request);
        let text = |field: &Option<Field>, part| field.as_ref()?.value(&message, part).ok();
        let values =
            Values { id: text(&self.id, Part::Id), timestamp: text(&self.timestamp, Part::Timestamp) };
        if values.id.is_some() || values.timestamp.is_none() {
            return values.id;
        }
        let mut context = digest::Context::new(&digest::SHA256);
        self.content.write(&message, &values, &mut |piece| context.update(piece)).ok()?;
        let mut name = String::new();
        hex::push(&mut name, context.finish().as_ref());
        Some(name)
    }

    /// Whether the signature stands for all of the body, so that whatever names a message in it was signed, too.
    pub fn covers_body(&self) -> bool {
        !matches!(self.algorithm, Algorithm::Token | Algorithm::Basic) && self.content.covers_body()
    }

    /// The id and the time of sending, as far as the scheme has them, and not too far from `now`.
    fn values(&self, message: &Message<'_>, now: i64) -> Result<Values, VerifyError> {
        let mut values = Values::default();
        if let Some(field) = &self.id {
            let id = field.value(message, Part::Id)?;
            self.content.check_id(&id)?;
            values.id = Some(id);
        }
        let Some(field) = &self.timestamp else { return Ok(values) };
        let text = field.value(message, Part::Timestamp)?;
        let timestamp = self.timestamp_unit.parse(&text).ok_or(VerifyError::Malformed(Part::Timestamp))?;
        if now.abs_diff(timestamp) > u64::from(self.tolerance_seconds) {
            let tolerance_seconds = self.tolerance_seconds;
            return Err(VerifyError::TimestampOutOfTolerance { timestamp, now, tolerance_seconds });
        }
        values.timestamp = Some(text);
        Ok(values)
    }

    fn matches(
        &self,
        key: &SchemeKey,
        message: &Message<'_>,
        values: &Values,
        given: &[Vec<u8>],
    ) -> Result<Choice, VerifyError> {
        match &key.0 {
            Kind::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                self.content.write(message, values, &mut |piece| context.update(piece))?;
                let expected = context.sign();
                let compared = given.iter().map(|given| expected.as_ref().ct_eq(given));
                Ok(compared.fold(Choice::from(0), |any, one| any | one))
            }
            Kind::Ring(algorithm, key) => {
                let signed = self.signed(message, values)?;
                Ok(verifies(*algorithm, key, &signed, given))
            }
            Kind::Sns(key) => {
                let version = message.json().and_then(sns::version);
                let algorithm: &dyn signature::VerificationAlgorithm =
                    match version.ok_or(VerifyError::Malformed(Part::Signature))? {
                        Version::Sha1 => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                        Version::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    };
                Ok(verifies(algorithm, key, &self.signed(message, values)?, given))
            }
            // Handled before: a scheme's keys are all of its algorithm.
            Kind::Token(_) | Kind::Basic(_) => Ok(Choice::from(0)),
        }
    }

    fn signed(&self, message: &Message<'_>, values: &Values) -> Result<Vec<u8>, VerifyError> {
        let mut signed = Vec::new();
        self.content.write(message, values, &mut |piece| signed.extend_from_slice(piece))?;
        Ok(signed)
    }
}

/// Nothing here is secret: whoever has the public key can do the same.
fn verifies(
    algorithm: &dyn signature::VerificationAlgorithm,
    key: &[u8],
    signed: &[u8],
    given: &[Vec<u8>],
) -> Choice {
    let verified = given.iter().any(|given| {
        let verdict = algorithm.verify(key.into(), signed.into(), given.as_slice().into());
        verdict.is_ok()
    });
    Choice::from(u8::from(verified))
}

/// Whether a signature can be one: what has not the length of a MAC is malformed.
fn fits(keys: &[SchemeKey], given: &[u8]) -> bool {
    keys.is_empty()
        || keys.iter().any(|key| match &key.0 {
            Kind::Hmac(key) => key.algorithm().digest_algorithm().output_len() == given.len(),
            _ => !given.is_empty(),
        })
}

/// Compares what was sent with the secrets themselves.
fn verify_secret(keys: &[SchemeKey], given: &[String]) -> Result<(), VerifyError> {
    let mut verdict = Err(VerifyError::Mismatch);
    for key in keys {
        for given in given {
            let found = match &key.0 {
                Kind::Token(hash) if token::hash(given) == *hash => Ok(()),
                Kind::Basic(secret) => basic::verify([secret], Some(given.as_bytes())),
                _ => Err(VerifyError::Mismatch),
            };
            // Every key is tried with every value, whatever came out before.
            verdict = match (verdict, found) {
                (Ok(()), _) | (_, Ok(())) => Ok(()),
                (_, Err(error)) => Err(error),
            };
        }
    }
    verdict
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text.as_bytes()),
            Self::Base64 => base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT.decode(text).ok(),
            Self::Base64url => URL_SAFE_PAD_INDIFFERENT.decode(text).ok(),
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
