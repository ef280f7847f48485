//! A sender's key, prepared for a [`Scheme`].

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_PAD_INDIFFERENT, URL_SAFE};
use ring::{hmac, signature};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scheme::{Algorithm, Scheme};
use crate::token::TokenHash;
use crate::{KeyError, Secret, hex, public_key, token};

/// How the text of a key stands for its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = SignatureKey)]
pub struct KeyForm {
    /// How the bytes are written.
    pub encoding: KeyEncoding,
    /// What may stand in front of them, and is no part of the key.
    #[schema(max_length = 100)]
    pub prefix: String,
}

/// How the bytes of a key are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignatureKeyEncoding)]
pub enum KeyEncoding {
    /// The text itself is the key.
    #[default]
    Utf8,
    /// RFC 4648, section 4; the padding may be missing.
    Base64,
    /// Two digits a byte, in either case.
    Hex,
    /// RFC 7468: a public key, or a certificate that holds it.
    Pem,
}

/// A sender's key with the work that doesn't depend on a message done: make it once per secret, and keep it.
#[derive(Clone)]
pub struct SchemeKey(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Hmac(hmac::Key),
    Ring(&'static dyn signature::VerificationAlgorithm, Vec<u8>),
    Sns(Vec<u8>),
    Token(TokenHash),
    Basic(Secret),
}

impl fmt::Debug for SchemeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemeKey(••••)")
    }
}

impl Scheme {
    /// Prepares `secret`: a shared secret or, for a signature that only the sender can make, its public key.
    ///
    /// # Errors
    /// [`KeyError::Empty`] and [`KeyError::Malformed`].
    pub fn key(&self, secret: &Secret) -> Result<SchemeKey, KeyError> {
        let text = secret.expose();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let hmac_key = |algorithm| Ok(Kind::Hmac(hmac::Key::new(algorithm, &self.key_bytes(text)?)));
        let public_key = || public_key::from_der_or_raw(&self.key_bytes(text)?).ok_or(KeyError::Malformed);
        let kind = match self.algorithm {
            Algorithm::HmacSha1 => hmac_key(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            Algorithm::HmacSha256 => hmac_key(hmac::HMAC_SHA256),
            Algorithm::HmacSha512 => hmac_key(hmac::HMAC_SHA512),
            Algorithm::EcdsaP256Sha256 => Ok(Kind::Ring(&signature::ECDSA_P256_SHA256_ASN1, public_key()?)),
            Algorithm::Ed25519 => Ok(Kind::Ring(&signature::ED25519, public_key()?)),
            Algorithm::RsaSha256 => Ok(Kind::Ring(&signature::RSA_PKCS1_2048_8192_SHA256, public_key()?)),
            Algorithm::RsaSns => Ok(Kind::Sns(public_key()?)),
            Algorithm::Token => Ok(Kind::Token(token::hash(text))),
            Algorithm::Basic => Ok(Kind::Basic(secret.clone())),
        };
        kind.map(SchemeKey)
    }

    fn key_bytes(&self, text: &str) -> Result<Vec<u8>, KeyError> {
        let text = text.strip_prefix(self.key.prefix.as_str()).unwrap_or(text).trim();
        let bytes = match self.key.encoding {
            KeyEncoding::Utf8 => Some(text.as_bytes().to_vec()),
            KeyEncoding::Base64 => {
                STANDARD_PAD_INDIFFERENT.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
            }
            KeyEncoding::Hex => hex::decode(text.as_bytes()),
            KeyEncoding::Pem => public_key::pem(text),
        };
        bytes.filter(|bytes| !bytes.is_empty()).ok_or(KeyError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(algorithm: Algorithm, encoding: &str) -> Scheme {
        let text = format!(
            r#"{{"algorithm":"hmac_sha256","signature":{{"from":"header:x-sig"}},
                "key":{{"encoding":"{encoding}","prefix":"whsec_"}}}}"#
        );
        Scheme { algorithm, ..serde_json::from_str(&text).unwrap() }
    }

    #[test]
    fn a_key_that_is_not_of_its_form_is_refused() {
        let key = |algorithm, encoding, text| scheme(algorithm, encoding).key(&Secret::new(text)).map(|_| ());
        assert_eq!(key(Algorithm::HmacSha256, "utf8", ""), Err(KeyError::Empty));
        assert_eq!(key(Algorithm::HmacSha256, "utf8", "whsec_"), Err(KeyError::Malformed));
        assert_eq!(key(Algorithm::HmacSha256, "base64", "whsec_no base64"), Err(KeyError::Malformed));
        assert_eq!(key(Algorithm::HmacSha256, "base64", "whsec_MDEyMw"), Ok(()));
        assert_eq!(key(Algorithm::HmacSha512, "hex", "0g"), Err(KeyError::Malformed));
        assert_eq!(key(Algorithm::HmacSha512, "hex", "0F"), Ok(()));
        assert_eq!(key(Algorithm::RsaSns, "pem", "-----BEGIN CERTIFICATE-----"), Err(KeyError::Malformed));
        assert_eq!(key(Algorithm::Ed25519, "base64", "MFkw"), Err(KeyError::Malformed));
    }

    #[test]
    fn debug_shows_nothing() {
        let key = scheme(Algorithm::Token, "utf8").key(&Secret::new("abcdefghij")).unwrap();
        assert_eq!(format!("{key:?}"), "SchemeKey(••••)");
    }
}
