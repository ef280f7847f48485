//! The asymmetric scheme of Standard Webhooks: `webhook-signature: v1a,<base64>`.
//!
//! The sender has a private key (`whsk_…`), receivers its public key (`whpk_…`), so that no receiver can sign in the
//! sender's name. The signature is Ed25519 (RFC 8032) over the same text as that of
//! [`standard_webhooks`](crate::standard_webhooks), in the same three headers; both may stand in one list. Source: the
//! Standard Webhooks specification 1.0.0, "Signature scheme", "Asymmetric signatures".

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::{KeyError, Secret};

/// What a private key begins with.
pub(crate) const PRIVATE_PREFIX: &str = "whsk_";
/// What a public key begins with.
const PUBLIC_PREFIX: &str = "whpk_";
/// Marks an asymmetric signature in the list.
const VERSION_PREFIX: &str = "v1a,";
/// The bytes of a seed, and of a public key: RFC 8032, section 5.1.5.
const KEY_BYTES: usize = 32;
/// The length of one entry of the list: the version and 64 bytes in base64.
const ENTRY_LENGTH: usize = VERSION_PREFIX.len() + 88;

/// A private key, ready to sign. Clones share it.
#[derive(Clone)]
pub struct PrivateKey(Arc<Ed25519KeyPair>);

impl PrivateKey {
    /// Reads `whsk_` and, in base64, the seed of 32 bytes, alone or with the public key of 32 bytes behind it.
    ///
    /// # Errors
    /// [`KeyError::Empty`] and [`KeyError::Malformed`], also if the public key is that of another seed.
    pub fn new(secret: &Secret) -> Result<Self, KeyError> {
        let text = secret.expose();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let encoded = text.strip_prefix(PRIVATE_PREFIX).ok_or(KeyError::Malformed)?;
        let bytes = STANDARD_PAD_INDIFFERENT.decode(encoded).map_err(|_| KeyError::Malformed)?;
        let pair = match bytes.split_at_checked(KEY_BYTES) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(KeyError::Malformed),
        };
        Ok(Self(Arc::new(pair.map_err(|_| KeyError::Malformed)?)))
    }

    /// The text of the private key that grows from this seed.
    pub(crate) fn text_of_seed(seed: [u8; KEY_BYTES]) -> Option<Secret> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let bytes = [&seed, pair.public_key().as_ref()].concat();
        Some(Secret::new(format!("{PRIVATE_PREFIX}{}", STANDARD.encode(bytes))))
    }

    /// What receivers verify with: `whpk_` and 32 bytes in base64. It is no secret.
    pub fn public_key(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.0.public_key()))
    }

    /// The 64 bytes of a signature of `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(••••)")
    }
}

/// The entries of `webhook-signature`: one for each of `keys`, the current one first.
///
/// `id` and `timestamp` are as in [`standard_webhooks::sign`](crate::standard_webhooks::sign).
pub fn sign(keys: &[PrivateKey], id: &str, timestamp: i64, body: &[u8]) -> String {
    debug_assert!(!id.contains('.'), "a message id with a dot makes the signed text ambiguous");
    // Ed25519 reads a message twice, so it has to stand in one piece.
    let message = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    let mut list = String::with_capacity(keys.len() * (ENTRY_LENGTH + 1));
    for key in keys {
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(VERSION_PREFIX);
        STANDARD.encode_string(key.sign(&message), &mut list);
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;
    use crate::hex;

    fn decoded(text: &str) -> Vec<u8> {
        STANDARD.decode(text).unwrap()
    }

    /// RFC 8032, section 7.1: test 3.
    #[test]
    fn keys_and_signatures_are_those_of_rfc_8032() {
        let seed =
            hex::decode_32(b"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7").unwrap();
        let key = PrivateKey::new(&PrivateKey::text_of_seed(seed).unwrap()).unwrap();
        let public =
            hex::decode(b"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025").unwrap();
        assert_eq!(decoded(key.public_key().strip_prefix("whpk_").unwrap()), public);
        let signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
        assert_eq!(key.sign(&[0xaf, 0x82]), hex::decode(signature.as_bytes()).unwrap());
    }

    #[test]
    fn a_key_has_one_of_two_forms() {
        let whole = PrivateKey::text_of_seed([7; 32]).unwrap();
        let seed = Secret::new(format!("whsk_{}", STANDARD.encode([7; 32])));
        let public = |text: &Secret| PrivateKey::new(text).map(|key| key.public_key());
        assert_eq!(public(&whole), public(&seed));
        assert_eq!(public(&Secret::new("")), Err(KeyError::Empty));
        let other = format!("whsk_{}", STANDARD.encode([7; 64]));
        for text in ["whsk_", "whsk_AAAA", "whsk_?", "whsec_AAAA", &whole.expose()[5..], &other] {
            assert_eq!(public(&Secret::new(text)), Err(KeyError::Malformed), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let key = PrivateKey::new(&PrivateKey::text_of_seed([7; 32]).unwrap()).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(••••)");
    }

    proptest! {
        #[test]
        fn prop_each_key_signs_the_text_of_the_specification(
            seeds in prop::collection::vec(any::<[u8; 32]>(), 1..3), id in "[a-z0-9_]{1,30}", now in 0_i64..9_999_999_999,
            body: Vec<u8>,
        ) {
            let key = |seed: &[u8; 32]| PrivateKey::new(&PrivateKey::text_of_seed(*seed).unwrap()).unwrap();
            let keys: Vec<PrivateKey> = seeds.iter().map(key).collect();
            let list = sign(&keys, &id, now, &body);
            let message = [id.as_bytes(), b".", now.to_string().as_bytes(), b".", &body].concat();
            prop_assert_eq!(list.split(' ').count(), keys.len());
            for (entry, key) in list.split(' ').zip(&keys) {
                let public = UnparsedPublicKey::new(&ED25519, decoded(&key.public_key()[5..]));
                let signature = decoded(entry.strip_prefix("v1a,").unwrap());
                prop_assert!(public.verify(&message, &signature).is_ok());
                prop_assert!(public.verify(&[&message[..], b"!"].concat(), &signature).is_err());
            }
        }
    }
}
