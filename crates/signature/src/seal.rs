//! Sealing of secrets at rest.
//!
//! A sealed value is `version (1 byte) ‖ nonce (24 bytes) ‖ ciphertext and tag`, with XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03 over RFC 8439). We take the extended nonce because nonces are drawn at random:
//! with 24 bytes a repeat is out of reach however many values are sealed, while the 12 bytes of
//! ChaCha20-Poly1305 would oblige us to count.
//!
//! The identity of the row and column is authenticated along with the value, so that a sealed value
//! copied to another row doesn't open there.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::CryptoRng;

use crate::{Secret, hex};

/// The only form so far. A later one gets the next number, and this one stays readable.
const VERSION: u8 = 1;

/// Source: draft-irtf-cfrg-xchacha-03, section 2.3.
const NONCE_LENGTH: usize = 24;

/// Why a text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// A key is 32 bytes, as 64 hex digits or as 43 or 44 characters of base64.
    #[error("the master key is neither 64 hex digits nor 32 bytes in base64")]
    Malformed,
}

/// Why a sealed value doesn't open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short to be a sealed value.
    #[error("the sealed value is cut short")]
    Truncated,
    /// Sealed by a later version of this program, or never sealed at all.
    #[error("the sealed value has the unknown version {0}")]
    UnknownVersion(u8),
    /// Sealed with another key or for another row, or changed since; which of them can't be told.
    #[error("the sealed value doesn't open with this master key")]
    Refused,
}

/// The key that seals every other secret: 32 bytes, from a file or the environment.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A new key.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads a key: 64 hex digits, or base64 of 32 bytes (standard or URL-safe, padded or not).
    /// Space around it is ignored, because key files end in a newline.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let base64 =
            || STANDARD_PAD_INDIFFERENT.decode(text).or_else(|_| URL_SAFE_PAD_INDIFFERENT.decode(text));
        let bytes = hex::decode_32(text.as_bytes()).or_else(|| base64().ok()?.try_into().ok());
        bytes.map(Self).ok_or(MasterKeyError::Malformed)
    }

    /// The text to write into a key file: base64, which [`parse`](Self::parse) reads.
    pub fn to_text(&self) -> Secret {
        Secret::new(STANDARD.encode(self.0))
    }

    /// Seals `plaintext` for the place named by `identity`, such as
    /// `outgoing_webhook/f6e5d4c3b2a1/signing_secret`.
    pub fn seal(&self, identity: &str, plaintext: &[u8], rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        rng.fill_bytes(&mut nonce);
        let ciphertext = self.encrypt(&nonce, identity, plaintext);

        let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what [`seal`](Self::seal) made for the same `identity`.
    ///
    /// # Errors
    /// Says why it doesn't open; see [`OpenError`].
    pub fn open(&self, identity: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::Truncated)?;
        if *version != VERSION {
            return Err(OpenError::UnknownVersion(*version));
        }
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(OpenError::Truncated)?;
        let payload = Payload { msg: ciphertext, aad: identity.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError::Refused)
    }

    #[expect(clippy::expect_used, reason = "only a plaintext of 256 GiB or more is refused: RFC 8439, 2.8")]
    fn encrypt(&self, nonce: &[u8; NONCE_LENGTH], identity: &str, plaintext: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: plaintext, aad: identity.as_bytes() };
        self.cipher().encrypt(&XNonce::from(*nonce), payload).expect("a secret is shorter than 256 GiB")
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(••••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const HERE: &str = "outgoing_webhook/f6e5d4c3b2a1/signing_secret";

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_cipher_gives_the_value_of_the_draft() {
        let mut key = [0; 32];
        let mut nonce = [0; NONCE_LENGTH];
        for (byte, value) in key.iter_mut().zip(0x80..) {
            *byte = value;
        }
        for (byte, value) in nonce.iter_mut().zip(0x40..) {
            *byte = value;
        }
        let associated = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let plaintext = b"Ladies and Gentlemen of the class of '99: \
            If I could offer you only one tip for the future, sunscreen would be it.";

        let payload = Payload { msg: plaintext, aad: &associated };
        let sealed = MasterKey(key).cipher().encrypt(&XNonce::from(nonce), payload).unwrap();

        let mut text = String::new();
        hex::push(&mut text, &sealed);
        assert!(text.starts_with("bd6d179d3e83d43b9576579493c0e939"), "{text}");
        assert!(text.ends_with("c0875924c1c7987947deafd8780acf49"), "{text}");
    }

    #[test]
    fn a_value_opens_only_in_its_own_place_and_with_its_own_key() {
        let rng = &mut StdRng::seed_from_u64(1);
        let key = MasterKey::generate(rng);
        let sealed = key.seal(HERE, b"whsec_1", rng);
        assert_eq!(key.open(HERE, &sealed).unwrap(), b"whsec_1");
        assert_eq!(key.open("outgoing_webhook/other/signing_secret", &sealed), Err(OpenError::Refused));
        assert_eq!(MasterKey::generate(rng).open(HERE, &sealed), Err(OpenError::Refused));
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let rng = &mut StdRng::seed_from_u64(1);
        let key = MasterKey::generate(rng);
        assert_ne!(key.seal(HERE, b"whsec_1", rng), key.seal(HERE, b"whsec_1", rng));
    }

    #[test]
    fn what_was_never_sealed_is_named() {
        let rng = &mut StdRng::seed_from_u64(1);
        let key = MasterKey::generate(rng);
        assert_eq!(key.open(HERE, b""), Err(OpenError::Truncated));
        assert_eq!(key.open(HERE, &[VERSION; 20]), Err(OpenError::Truncated));
        assert_eq!(key.open(HERE, &[VERSION; 1 + NONCE_LENGTH]), Err(OpenError::Refused));
        assert_eq!(key.open(HERE, b"whsec_1"), Err(OpenError::UnknownVersion(b'w')));
    }

    #[test]
    fn a_key_is_read_from_hex_and_from_base64() {
        let key = MasterKey([0xfb; 32]);
        let base64 = key.to_text();
        let cases = [
            "fb".repeat(32),
            "FB".repeat(32),
            base64.expose().to_owned(),
            format!("{}\n", base64.expose()),
            base64.expose().replace('=', ""),
            base64.expose().replace('+', "-").replace('/', "_"),
        ];
        for text in cases {
            assert_eq!(MasterKey::parse(&text).unwrap().0, key.0, "{text}");
        }
        for text in ["", "secret", &"fb".repeat(31), &"fb".repeat(33), &base64.expose()[4..]] {
            assert_eq!(MasterKey::parse(text).unwrap_err(), MasterKeyError::Malformed, "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", MasterKey([7; 32])), "MasterKey(••••)");
    }

    proptest! {
        #[test]
        fn prop_what_is_sealed_opens(seed: u64, identity: String, plaintext: Vec<u8>) {
            let rng = &mut StdRng::seed_from_u64(seed);
            let key = MasterKey::generate(rng);
            let sealed = key.seal(&identity, &plaintext, rng);
            prop_assert_eq!(key.open(&identity, &sealed), Ok(plaintext));
            let reread = MasterKey::parse(key.to_text().expose()).unwrap();
            prop_assert_eq!(reread.0, key.0);
        }

        #[test]
        fn prop_a_changed_bit_anywhere_is_refused(
            seed: u64, plaintext: Vec<u8>, at: prop::sample::Index, bit in 0..8
        ) {
            let rng = &mut StdRng::seed_from_u64(seed);
            let key = MasterKey::generate(rng);
            let mut sealed = key.seal(HERE, &plaintext, rng);
            let at = at.index(sealed.len());
            sealed[at] ^= 1_u8 << bit;
            prop_assert!(key.open(HERE, &sealed).is_err());
        }
    }
}
