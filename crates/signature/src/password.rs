//! Passwords of people: kept as Argon2id hashes, which cost whoever steals them as much for each guess as a log-in costs us.
//!
//! Both functions take some 20 ms of a core and 19 MiB: call them where that blocks nobody.

use argon2::{Argon2, PasswordHasher, PasswordVerifier};

/// Bytes of a salt: what RFC 9106, section 3.1 recommends.
pub const SALT_BYTES: usize = 16;

/// A hash of a password that [`verify`] takes, in the PHC string format. The cost is what the OWASP Password Storage Cheat
/// Sheet asks of Argon2id at least: 19 MiB, two passes, one lane.
#[expect(
    clippy::expect_used,
    reason = "it fails only for salts and passwords of other lengths, as the tests show"
)]
pub fn hash(password: &str, salt: [u8; SALT_BYTES]) -> String {
    let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.expect("a salt of 16 bytes and a password shorter than 4 GiB").to_string()
}

/// Whether a hash is of this password. What is no hash is of none.
pub fn verify(password: &str, hash: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_fits() {
        let hashed = hash("correct horse battery", [7; SALT_BYTES]);
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse battery", &hashed));
        assert!(!verify("correct horse batterz", &hashed));
        assert!(!verify("", &hashed));
        assert_ne!(hashed, hash("correct horse battery", [8; SALT_BYTES]));
    }

    #[test]
    fn what_is_no_hash_is_of_no_password() {
        for text in [
            "",
            "plain",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
            "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaA",
        ] {
            assert!(!verify("", text), "{text}");
            assert!(!verify("plain", text), "{text}");
        }
    }
}
