//! Secrets that users choose, and how much of them an answer shows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use domain::log::FieldError;
use signature::Secret;

use crate::auth::Caller;

/// Fewer characters than this are guessed.
const MIN_CHARS: usize = 8;
/// More than any scheme has.
const MAX_CHARS: usize = 500;
/// What a masked secret begins with: no secret does.
const MASK: char = '•';

/// How much an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reveal {
    /// All secrets masked: for who may only see.
    Nothing,
    /// The tokens that are part of URLs: for who may change webhooks, and so could make others.
    Tokens,
    /// All of them: once, when they are made.
    All,
}

impl Reveal {
    /// What this caller is shown of what exists.
    pub fn to<R>(caller: &Caller<R>) -> Self {
        if caller.may_write() { Self::Tokens } else { Self::Nothing }
    }

    /// A token of a URL.
    pub fn token(self, token: &Secret) -> String {
        if self >= Self::Tokens { token.expose().to_owned() } else { token.masked() }
    }

    /// Another secret.
    pub fn secret(self, secret: &Secret) -> String {
        if self >= Self::All { secret.expose().to_owned() } else { secret.masked() }
    }
}

/// The secret that is to hold: the one that was given, or `current` if that was left out or given masked.
///
/// # Errors
/// If what was given is no secret.
pub fn choose(field: &str, given: Option<&str>, current: Secret) -> Result<Secret, FieldError> {
    match given {
        None => Ok(current),
        Some(given) if current.is_masked_as(given) => Ok(current),
        Some(given) => match fault(given) {
            None => Ok(Secret::new(given)),
            Some(message) => Err(FieldError { field: field.to_owned(), message }),
        },
    }
}

/// Whether this is the masked form of some secret.
pub fn is_mask(given: &str) -> bool {
    given.starts_with(MASK)
}

fn fault(given: &str) -> Option<String> {
    if is_mask(given) {
        return Some(
            "is the masked form of another secret: send the secret itself, or leave it out".to_owned(),
        );
    }
    if !(MIN_CHARS..=MAX_CHARS).contains(&given.chars().count()) {
        return Some(format!("must have {MIN_CHARS} to {MAX_CHARS} characters"));
    }
    if given.chars().any(char::is_control) || given.trim() != given {
        return Some("must not contain control characters, nor begin or end with white space".to_owned());
    }
    let encoded = given.strip_prefix("whsec_")?;
    let decoded = STANDARD_PAD_INDIFFERENT.decode(encoded).ok().filter(|bytes| !bytes.is_empty());
    decoded.is_none().then(|| "must have base64 behind whsec_".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(given: Option<&str>) -> Result<String, String> {
        let chosen = choose("secret", given, Secret::new("whsec_abcd1234"));
        chosen.map(|secret| secret.expose().to_owned()).map_err(|error| error.message)
    }

    #[test]
    fn left_out_or_masked_it_stays() {
        assert_eq!(chosen(None).unwrap(), "whsec_abcd1234");
        assert_eq!(chosen(Some("••••1234")).unwrap(), "whsec_abcd1234");
    }

    #[test]
    fn a_given_one_is_taken_if_it_can_be_used() {
        for right in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "my own secret", "12345678"] {
            assert_eq!(chosen(Some(right)).unwrap(), right);
        }
        for wrong in [
            "",
            "short",
            "••••4321",
            "whsec_not base64!",
            "whsec_",
            " padded secret",
            "a\nbcdefghi",
            &"a".repeat(501),
        ] {
            assert!(chosen(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_sees_what() {
        let secret = Secret::new("secret-1234");
        assert_eq!(Reveal::Nothing.token(&secret), "••••1234");
        assert_eq!(
            (Reveal::Tokens.token(&secret), Reveal::Tokens.secret(&secret)),
            ("secret-1234".into(), "••••1234".into())
        );
        assert_eq!(Reveal::All.secret(&secret), "secret-1234");
    }
}
