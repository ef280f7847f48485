//! Public keys out of what senders publish: a certificate, a `SubjectPublicKeyInfo`, or the bare key.
//!
//! Only the way to the key is read (DER, ITU-T X.690; the structures of RFC 5280, section 4.1). Whether a certificate
//! can be trusted is not asked here: whoever hands it in has got it from a place that is trusted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest key or certificate, in bytes: a certificate with an RSA key of 8,192 bits has less than half of it.
const MAX_BYTES: usize = 16 * 1_024;

/// The tags of DER that stand on the way.
pub(crate) const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
pub(crate) const VERSION: u8 = 0xa0;

/// The length of a bare Ed25519 key, and of a bare point on P-256 (uncompressed: SEC 1, section 2.3.3).
const BARE_LENGTHS: [usize; 2] = [32, 65];

/// The bytes of the first block of a PEM text.
pub(crate) fn pem(text: &str) -> Option<Vec<u8>> {
    let (_, behind) = text.split_once("-----BEGIN ")?;
    let (label, behind) = behind.split_once("-----")?;
    let (encoded, _) = behind.split_once(&format!("-----END {label}-----"))?;
    if encoded.len() > 2 * MAX_BYTES {
        return None;
    }
    let encoded: String = encoded.split_ascii_whitespace().collect();
    STANDARD.decode(encoded).ok()
}

/// The key in a certificate, in a `SubjectPublicKeyInfo` or by itself: for RSA an `RSAPublicKey`, for a curve its point.
pub(crate) fn from_der_or_raw(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    if BARE_LENGTHS.contains(&bytes.len()) {
        return Some(bytes.to_vec());
    }
    let content = whole(bytes, SEQUENCE)?;
    let key = from_key_info(content).or_else(|| from_certificate(content))?;
    Some(key.to_vec())
}

/// `SubjectPublicKeyInfo ::= SEQUENCE { algorithm SEQUENCE, subjectPublicKey BIT STRING }`
fn from_key_info(content: &[u8]) -> Option<&[u8]> {
    let (_, rest) = take(content, SEQUENCE)?;
    match whole(rest, BIT_STRING)? {
        // The first byte counts the unused bits of the last one: a key has none.
        [0, key @ ..] if !key.is_empty() => Some(key),
        _ => None,
    }
}

/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer, validity,
/// subject, subjectPublicKeyInfo, … }, … }`
fn from_certificate(content: &[u8]) -> Option<&[u8]> {
    let (mut rest, _) = take(content, SEQUENCE)?;
    if let Some((_, behind)) = take(rest, VERSION) {
        rest = behind;
    }
    for _ in ["serialNumber", "signature", "issuer", "validity", "subject"] {
        (_, _, rest) = element(rest)?;
    }
    from_key_info(take(rest, SEQUENCE)?.0)
}

/// The content of the one element that `bytes` are.
pub(crate) fn whole(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    take(bytes, tag).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// The content of the first element, which must have this tag, and what stands behind it.
pub(crate) fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(bytes).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Tag and content of the first element, and what stands behind it.
pub(crate) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bare_key_and_its_key_info_are_the_same() {
        // RFC 8410, section 10.1: the example of an Ed25519 public key.
        let text = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                    -----END PUBLIC KEY-----\n";
        let info = pem(text).unwrap();
        let key = from_der_or_raw(&info).unwrap();
        assert_eq!(key.len(), 32);
        assert_eq!(from_der_or_raw(&key), Some(key));
    }

    #[test]
    fn other_text_is_no_pem() {
        for text in [
            "",
            "-----BEGIN A-----",
            "-----BEGIN A-----AA==-----END B-----",
            "-----BEGIN A-----?-----END A-----",
        ] {
            assert_eq!(pem(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn prop_any_bytes_get_an_answer(bytes: Vec<u8>, inner: Vec<u8>) {
            let _ = from_der_or_raw(&bytes);
            let length = u8::try_from(inner.len() & 0x7f).unwrap();
            let wrapped = [&[SEQUENCE, length], &inner[..usize::from(length)]].concat();
            let _ = from_der_or_raw(&wrapped);
        }
    }
}
