//! A signing secret, prepared for use.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Secret;

/// HMAC (RFC 2104) with SHA-256 (FIPS 180-4).
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// What a Standard Webhooks secret begins with.
/// Source: "Signature scheme" in the Standard Webhooks specification 1.0.0.
pub(crate) const SECRET_PREFIX: &str = "whsec_";

/// Why a secret can't sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Anyone can sign with an empty secret.
    #[error("the signing secret is empty")]
    Empty,
    /// It has not the form that the scheme's keys have.
    #[error("the key does not have the form that the scheme expects")]
    Malformed,
}

/// A signing secret with its HMAC keys expanded: make it once per secret, and keep it.
///
/// One secret serves two schemes, and each reads it differently:
/// - [`x_webhook`](crate::x_webhook) takes the bytes of its text, `whsec_` included;
/// - [`standard_webhooks`](crate::standard_webhooks) takes the bytes that the base64 text after `whsec_`
///   stands for. The prefix and the padding are optional, as in the published libraries. A secret that
///   isn't base64 (someone brought their own) is taken as text there too: the published libraries refuse
///   such a text, but verify with those bytes when they are given as a raw key.
///
/// Expanding a key costs two compressions of SHA-256 for each scheme, where signing a message of 300 bytes
/// takes seven; with a prepared key a message pays a copy of some 150 bytes instead.
#[derive(Clone)]
pub struct SigningKey {
    text: HmacSha256,
    decoded: HmacSha256,
}

impl SigningKey {
    /// Prepares `secret` for both schemes.
    ///
    /// # Errors
    /// [`KeyError::Empty`] if there is nothing to key with.
    pub fn new(secret: &Secret) -> Result<Self, KeyError> {
        let text = secret.expose();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        let decoded = STANDARD_PAD_INDIFFERENT.decode(encoded).ok().filter(|bytes| !bytes.is_empty());
        let decoded = decoded.as_deref().unwrap_or(text.as_bytes());
        Ok(Self { text: expand(text.as_bytes()), decoded: expand(decoded) })
    }

    /// Starts a MAC keyed with the secret's text.
    pub(crate) fn keyed_with_text(&self) -> HmacSha256 {
        self.text.clone()
    }

    /// Starts a MAC keyed with what the secret's base64 stands for.
    pub(crate) fn keyed_with_decoded(&self) -> HmacSha256 {
        self.decoded.clone()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(••••)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length: RFC 2104, section 3")]
fn expand(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The finished MAC.
pub(crate) fn finish(mac: HmacSha256) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(mut keyed: HmacSha256, message: &[u8]) -> String {
        keyed.update(message);
        let mut text = String::new();
        crate::hex::push(&mut text, &finish(keyed));
        text
    }

    /// RFC 4231, section 4: test cases 1, 2 and 6 (a key longer than a block) for HMAC-SHA-256.
    #[test]
    fn hmac_gives_the_values_of_rfc_4231() {
        let long_key_message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                long_key_message,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            let secret = Secret::new(format!("{SECRET_PREFIX}{}", STANDARD_PAD_INDIFFERENT.encode(key)));
            assert_eq!(mac(SigningKey::new(&secret).unwrap().keyed_with_decoded(), message), expected);
        }
        let jefe = SigningKey::new(&Secret::new("Jefe")).unwrap();
        assert_eq!(mac(jefe.keyed_with_text(), cases[1].1), cases[1].2);
    }

    #[test]
    fn prefix_and_padding_are_optional() {
        let keyed = |text: &str| mac(SigningKey::new(&Secret::new(text)).unwrap().keyed_with_decoded(), b"m");
        let reference = mac(expand(b"0123456789"), b"m");
        for text in ["whsec_MDEyMzQ1Njc4OQ==", "whsec_MDEyMzQ1Njc4OQ", "MDEyMzQ1Njc4OQ==", "MDEyMzQ1Njc4OQ"] {
            assert_eq!(keyed(text), reference, "{text}");
        }
    }

    #[test]
    fn what_is_not_base64_is_taken_as_text() {
        for text in ["not base64!", "whsec_not base64!", "whsec_"] {
            let key = SigningKey::new(&Secret::new(text)).unwrap();
            assert_eq!(mac(key.keyed_with_decoded(), b"m"), mac(expand(text.as_bytes()), b"m"), "{text}");
        }
    }

    #[test]
    fn an_empty_secret_is_refused() {
        assert_eq!(SigningKey::new(&Secret::new("")).unwrap_err(), KeyError::Empty);
    }

    #[test]
    fn debug_shows_nothing() {
        let key = SigningKey::new(&Secret::new("whsec_abcd1234")).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(••••)");
    }
}
