//! What the program makes and hands out: webhook ids, URL tokens, API keys, signing secrets.
//!
//! Tokens and API keys are stored as their [`hash`] only, and looked up by it. A plain SHA-256 is enough for
//! that, because each carries 256 random bits: there is nothing to guess, so nothing to slow down.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ed25519::PrivateKey;
use crate::key::SECRET_PREFIX;
use crate::{Secret, hex};

/// What an API key begins with, so that people and secret scanners know one when they see it.
pub const API_KEY_PREFIX: &str = "ccsp_";

/// How many random bytes a token and a signing secret carry: 256 bits, which nobody guesses.
/// The Standard Webhooks specification asks for 24 to 64.
const RANDOM_BYTES: usize = 32;

/// The length of a webhook's id: 36¹² ids, so that two never meet by chance.
pub const WEBHOOK_ID_LENGTH: usize = 12;

/// How many random characters an API key has: 43 of 62 carry 256 bits.
const API_KEY_LENGTH: usize = 43;

const LOWER_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A token for a webhook's URL: 32 random bytes as 43 URL-safe characters.
pub fn generate_token(rng: &mut (impl CryptoRng + ?Sized)) -> String {
    URL_SAFE_NO_PAD.encode(random_bytes(rng))
}

/// A webhook's id: 12 characters of `[a-z0-9]`, each as likely as the other.
pub fn generate_webhook_id(rng: &mut (impl CryptoRng + ?Sized)) -> String {
    random_text(rng, LOWER_AND_DIGITS, WEBHOOK_ID_LENGTH)
}

/// A signing secret in the form of the Standard Webhooks specification: `whsec_` and 32 random bytes in
/// base64.
pub fn generate_signing_secret(rng: &mut (impl CryptoRng + ?Sized)) -> Secret {
    Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(random_bytes(rng))))
}

/// A private key in the form of the Standard Webhooks specification: `whsk_` and, in base64, the seed and the public key.
#[expect(clippy::expect_used, reason = "every 32 bytes are the seed of a key: RFC 8032, section 5.1.5")]
pub fn generate_private_key(rng: &mut (impl CryptoRng + ?Sized)) -> Secret {
    PrivateKey::text_of_seed(random_bytes(rng)).expect("a private key")
}

/// An API key: `ccsp_` and 43 characters of `[A-Za-z0-9]`, which a double click selects as a whole.
pub fn generate_api_key(rng: &mut (impl CryptoRng + ?Sized)) -> Secret {
    Secret::new(format!("{API_KEY_PREFIX}{}", random_text(rng, LETTERS_AND_DIGITS, API_KEY_LENGTH)))
}

/// The hash under which a token or an API key is stored and looked up.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

fn random_bytes(rng: &mut (impl CryptoRng + ?Sized)) -> [u8; RANDOM_BYTES] {
    let mut bytes = [0; RANDOM_BYTES];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// `length` characters of `alphabet` (at most 64). Six bits choose a character; a choice past the end of
/// the alphabet is drawn again rather than folded back, so that no character is likelier.
fn random_text(rng: &mut (impl CryptoRng + ?Sized), alphabet: &[u8], length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let choices = random_bytes(rng).map(|byte| usize::from(byte & 0x3f));
        let characters = choices.iter().filter_map(|choice| alphabet.get(*choice));
        text.extend(characters.take(length - text.len()).map(|byte| char::from(*byte)));
    }
    text
}

/// The SHA-256 of a token. Two are compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash as it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A hash as [`to_hex`](Self::to_hex) wrote it; `None` if it isn't 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode_32(text.as_bytes()).map(Self)
    }

    /// The hash to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash as 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        let mut text = String::with_capacity(64);
        hex::push(&mut text, &self.0);
        text
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl Hash for TokenHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for TokenHash {
    /// Enough of it to follow one through a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}…)", &self.to_hex()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    proptest! {
        #[test]
        fn prop_everything_made_has_its_form(seed: u64) {
            let rng = &mut StdRng::seed_from_u64(seed);
            let token = generate_token(rng);
            prop_assert_eq!(token.len(), 43);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));

            let id = generate_webhook_id(rng);
            prop_assert_eq!(id.len(), 12);
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));

            let key = generate_api_key(rng);
            let random = key.expose().strip_prefix("ccsp_").unwrap();
            prop_assert_eq!(random.len(), 43);
            prop_assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));

            let secret = generate_signing_secret(rng);
            let encoded = secret.expose().strip_prefix("whsec_").unwrap();
            prop_assert_eq!(STANDARD.decode(encoded).unwrap().len(), 32);

            prop_assert!(PrivateKey::new(&generate_private_key(rng)).is_ok());
        }

        #[test]
        fn prop_a_hash_survives_its_hex_form(token: String) {
            let hashed = hash(&token);
            prop_assert_eq!(TokenHash::from_hex(&hashed.to_hex()), Some(hashed));
            prop_assert_eq!(TokenHash::from_bytes(*hashed.as_bytes()), hashed);
        }

        #[test]
        fn prop_hashes_of_different_tokens_differ(a: String, b: String) {
            prop_assert_eq!(hash(&a) == hash(&b), a == b);
        }
    }

    /// 360,000 draws of 36 characters: each is expected 10,000 times with a standard deviation of 99, so a
    /// count that is off by 500 is no accident. Folding a byte with a remainder would be off by 1,250.
    #[test]
    fn every_character_is_as_likely() {
        let rng = &mut StdRng::seed_from_u64(1);
        let mut counts = [0_u32; 128];
        for _ in 0..30_000 {
            for byte in generate_webhook_id(rng).bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        for character in LOWER_AND_DIGITS {
            let count = counts[usize::from(*character)];
            assert!((9_500..10_500).contains(&count), "{}: {count}", char::from(*character));
        }
    }

    #[test]
    fn two_draws_differ() {
        let rng = &mut StdRng::seed_from_u64(1);
        assert_ne!(generate_token(rng), generate_token(rng));
        assert_ne!(generate_webhook_id(rng), generate_webhook_id(rng));
        assert_ne!(generate_api_key(rng), generate_api_key(rng));
        assert_ne!(generate_signing_secret(rng), generate_signing_secret(rng));
    }

    /// The value for "abc" in FIPS 180-2, appendix B.1.
    #[test]
    fn the_hash_is_sha_256() {
        let hashed = hash("abc");
        assert_eq!(hashed.to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(format!("{hashed:?}"), "TokenHash(ba7816bf…)");
        assert_eq!(TokenHash::from_hex("ba78"), None);
    }
}
