//! What docs/verify.md says for Rust, word for word.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

pub fn is_standard_webhook(
    secret: &str,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: i64,
) -> bool {
    let recent = timestamp.parse::<i64>().is_ok_and(|timestamp| now.abs_diff(timestamp) <= 300);
    let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) else { return false };
    let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    let head = format!("{id}.{timestamp}.");
    let is_ours = |given: Vec<u8>| {
        mac(&key, &[head.as_bytes(), body]).is_some_and(|mac| mac.verify_slice(&given).is_ok())
    };
    recent && given.into_iter().any(is_ours)
}

pub fn is_x_webhook(secret: &str, signature: &str, body: &[u8]) -> bool {
    let hex = |text: &str| {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
    };
    let given: Option<Vec<u8>> = signature.strip_prefix("sha256=").and_then(hex);
    let mac = mac(secret.as_bytes(), &[body]);
    given.zip(mac).is_some_and(|(given, mac)| mac.verify_slice(&given).is_ok())
}
