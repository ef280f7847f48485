//! HTTP Basic authentication (RFC 7617), for senders that can put a user name and a password into a URL and no more.
//!
//! The secret is `user:password`; without a colon it is a password, for any user name. It proves who sends, and nothing
//! about the body.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};

use crate::{Part, Secret, VerifyError, token};

/// The scheme's name, in any case, and the space behind it.
const PREFIX: &[u8] = b"basic ";

/// Checks the value of the header `Authorization` as it was received (`None` if it wasn't). Any of `secrets` will do: while
/// one is being rotated there are two.
///
/// # Errors
/// Says what is wrong; see [`VerifyError`].
pub fn verify<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    authorization: Option<&[u8]>,
) -> Result<(), VerifyError> {
    let value =
        authorization.filter(|value| !value.is_empty()).ok_or(VerifyError::Missing(Part::Signature))?;
    let given = parse(value).ok_or(VerifyError::Malformed(Part::Signature))?;
    let (_, password) = given.split_once(':').ok_or(VerifyError::Malformed(Part::Signature))?;
    // Hashes are compared, in constant time: neither contents nor lengths show.
    let matches = secrets.into_iter().fold(false, |any, secret| {
        let compared = if secret.expose().contains(':') { given.as_str() } else { password };
        any | (token::hash(compared) == token::hash(secret.expose()))
    });
    if matches { Ok(()) } else { Err(VerifyError::Mismatch) }
}

/// The value of the header `Authorization` that `verify` takes for a secret.
pub fn credentials(secret: &Secret) -> String {
    let text = secret.expose();
    let user = if text.contains(':') { "" } else { "webhook:" };
    format!("Basic {}", STANDARD.encode(format!("{user}{text}")))
}

fn parse(value: &[u8]) -> Option<String> {
    let (name, credentials) = value.split_at_checked(PREFIX.len())?;
    if !name.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    String::from_utf8(STANDARD_PAD_INDIFFERENT.decode(credentials.trim_ascii()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(secret: &str, value: &str) -> Result<(), &'static str> {
        verify([&Secret::new(secret)], Some(value.as_bytes())).map_err(|error| error.code())
    }

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 7617, section 2.
        assert_eq!(outcome("Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Ok(()));
        assert_eq!(outcome("Aladdin:open sesame", "bAsIc QWxhZGRpbjpvcGVuIHNlc2FtZQ"), Ok(()));
        assert_eq!(outcome("open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Ok(()), "any user");
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert_eq!(outcome("Aladdin:open", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Err("signature_mismatch"));
        assert_eq!(
            outcome("Eve:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            Err("signature_mismatch")
        );
        for malformed in ["Bearer abc", "Basic", "Basic !", "Basic QWxhZGRpbg==", "Basic /w=="] {
            assert_eq!(outcome("secret", malformed), Err("signature_malformed"), "{malformed}");
        }
        assert_eq!(outcome("secret", ""), Err("signature_missing"));
        assert_eq!(verify([&Secret::new("secret")], None), Err(VerifyError::Missing(Part::Signature)));
    }
}
