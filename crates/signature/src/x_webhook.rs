//! The program's own scheme: `X-Webhook-Signature: sha256=<hex>`.
//!
//! The value is the HMAC-SHA256 of the raw body, keyed with the text of the secret as it is shown
//! (`whsec_` included). It is the form that many senders and receivers have already. It covers the body
//! only, so it doesn't stop a replay: that takes [`standard_webhooks`](crate::standard_webhooks), or the
//! receiver's own memory of ids.

use hmac::Mac;
use subtle::{Choice, ConstantTimeEq};

use crate::key::finish;
use crate::{Part, SigningKey, VerifyError, hex};

/// The header that carries the signature (names of headers have no case).
pub const SIGNATURE_HEADER: &str = "x-webhook-signature";

/// Names the hash in front of the signature.
const PREFIX: &str = "sha256=";

/// The length of a header value: the prefix and 32 bytes in hex.
const VALUE_LENGTH: usize = PREFIX.len() + 64;

/// The header's value for `body`.
pub fn sign(key: &SigningKey, body: &[u8]) -> String {
    let mut value = String::with_capacity(VALUE_LENGTH);
    value.push_str(PREFIX);
    hex::push(&mut value, &mac(key, body));
    value
}

/// Checks the header's value as it was received (`None` if it wasn't) against `body`.
/// Any of `keys` will do: while a secret is being rotated there are two.
///
/// # Errors
/// Says what is wrong; see [`VerifyError`].
pub fn verify(keys: &[SigningKey], value: Option<&[u8]>, body: &[u8]) -> Result<(), VerifyError> {
    let value = value.filter(|value| !value.is_empty()).ok_or(VerifyError::Missing(Part::Signature))?;
    let given = parse(value).ok_or(VerifyError::Malformed(Part::Signature))?;
    let mut matches = Choice::from(0);
    for key in keys {
        matches |= mac(key, body).ct_eq(&given);
    }
    if matches.into() { Ok(()) } else { Err(VerifyError::Mismatch) }
}

fn mac(key: &SigningKey, body: &[u8]) -> [u8; 32] {
    let mut mac = key.keyed_with_text();
    mac.update(body);
    finish(mac)
}

fn parse(value: &[u8]) -> Option<[u8; 32]> {
    let (prefix, digits) = value.split_at_checked(PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX.as_bytes()) {
        return None;
    }
    hex::decode_32(digits)
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::Secret;
    use proptest::prelude::*;

    fn key(text: &str) -> SigningKey {
        SigningKey::new(&Secret::new(text)).unwrap()
    }

    /// RFC 4231, section 4.3: test case 2, whose key is text.
    #[test]
    fn the_value_is_that_of_rfc_4231() {
        assert_eq!(
            sign(&key("Jefe"), b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn the_prefix_of_the_secret_is_part_of_the_key() {
        let value = sign(&key("whsec_MDEyMzQ1Njc4OQ=="), b"{}");
        assert_ne!(value, sign(&key("MDEyMzQ1Njc4OQ=="), b"{}"));
        assert_eq!(value.len(), VALUE_LENGTH);
    }

    #[test]
    fn either_case_is_accepted() {
        let key = key("secret");
        let upper = sign(&key, b"{}").to_uppercase();
        assert_eq!(verify(slice::from_ref(&key), Some(upper.as_bytes()), b"{}"), Ok(()));
    }

    #[test]
    fn nothing_sent_is_missing() {
        let keys = [key("secret")];
        assert_eq!(verify(&keys, None, b"{}"), Err(VerifyError::Missing(Part::Signature)));
        assert_eq!(verify(&keys, Some(b""), b"{}"), Err(VerifyError::Missing(Part::Signature)));
    }

    #[test]
    fn another_form_is_malformed() {
        let key = key("secret");
        let good = sign(&key, b"{}");
        let cases = [
            good.replace("sha256=", ""),
            good.replace("sha256=", "sha1="),
            good.replace("sha256=", "sha256:"),
            "sha256=".to_owned(),
            "sha".to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good}0"),
            format!("{good} "),
            "sha256=é".to_owned(),
        ];
        for value in cases {
            assert_eq!(
                verify(slice::from_ref(&key), Some(value.as_bytes()), b"{}"),
                Err(VerifyError::Malformed(Part::Signature)),
                "{value}"
            );
        }
    }

    #[test]
    fn any_key_of_a_rotation_verifies_and_none_refuses() {
        let (old, new, other) = (key("old"), key("new"), key("other"));
        let value = sign(&old, b"{}");
        assert_eq!(verify(&[new.clone(), old.clone()], Some(value.as_bytes()), b"{}"), Ok(()));
        assert_eq!(verify(&[old, new.clone()], Some(value.as_bytes()), b"{}"), Ok(()));
        assert_eq!(verify(&[new, other], Some(value.as_bytes()), b"{}"), Err(VerifyError::Mismatch));
        assert_eq!(verify(&[], Some(value.as_bytes()), b"{}"), Err(VerifyError::Mismatch));
    }

    proptest! {
        #[test]
        fn prop_what_is_signed_verifies(secret in ".{1,80}", body: Vec<u8>) {
            let key = key(&secret);
            let value = sign(&key, &body);
            prop_assert_eq!(verify(slice::from_ref(&key), Some(value.as_bytes()), &body), Ok(()));
        }

        #[test]
        fn prop_a_changed_body_is_refused(
            mut body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0..8
        ) {
            let key = key("secret");
            let value = sign(&key, &body);
            let at = at.index(body.len());
            body[at] ^= 1_u8 << bit;
            let answer = verify(slice::from_ref(&key), Some(value.as_bytes()), &body);
            prop_assert_eq!(answer, Err(VerifyError::Mismatch));
        }

        #[test]
        fn prop_another_secret_is_refused(ours in "[a-z]{1,9}", theirs in "[A-Z]{1,9}", body: Vec<u8>) {
            let value = sign(&key(&theirs), &body);
            let answer = verify(&[key(&ours)], Some(value.as_bytes()), &body);
            prop_assert_eq!(answer, Err(VerifyError::Mismatch));
        }

        #[test]
        fn prop_any_bytes_get_an_answer(value: Vec<u8>, body: Vec<u8>) {
            prop_assert!(verify(&[key("secret")], Some(&value), &body).is_err());
        }
    }
}
