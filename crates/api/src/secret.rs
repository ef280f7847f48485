//! Secrets that users choose, and how much of them an answer shows.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};
use domain::Auth;
use domain::log::FieldError;
use engine::Rotating;
use serde::Deserialize;
use signature::Secret;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract::Input;

/// Fewer characters than this are guessed.
const MIN_CHARS: usize = 8;
/// More than any scheme has.
const MAX_CHARS: usize = 500;
/// A public key in PEM is longer: one of RSA with 8,192 bits has 1,500 characters, its certificate twice as many.
const MAX_PEM_CHARS: usize = 4_000;
/// What a public key in PEM begins with.
const PEM: &str = "-----BEGIN ";
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
pub fn choose(field: &str, given: Option<&str>, current: Rotating) -> Result<Rotating, FieldError> {
    match given {
        None => Ok(current),
        Some(given) if current.current.is_masked_as(given) => Ok(current),
        Some(given) => read(field, given).map(|secret| current.set(secret)),
    }
}

/// A secret that was given.
///
/// # Errors
/// If it is none.
pub fn read(field: &str, given: &str) -> Result<Secret, FieldError> {
    match fault(given) {
        None => Ok(Secret::new(given)),
        Some(message) => Err(FieldError { field: field.to_owned(), message }),
    }
}

/// How a secret is replaced.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretReplacement)]
pub struct Replacement {
    /// The new one; made at random if not given.
    #[schema(min_length = 8, max_length = 4000)]
    pub secret: Option<String>,
    /// How long the old one counts as well, in seconds; a day if not given, at most 30 days.
    #[serde(default = "default_grace")]
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    pub grace_seconds: u32,
}

/// The contract's: a day, in which whoever is on the other side can follow.
pub fn default_grace() -> u32 {
    86_400
}

impl Input for Replacement {
    fn check(&self) -> Vec<FieldError> {
        self.secret.as_deref().and_then(|given| read("secret", given).err()).into_iter().collect()
    }
}

/// How a webhook's authentication is shown.
pub fn shown_auth(auth: &Auth, reveal: Reveal) -> Auth {
    let mut shown = auth.clone();
    for (_, value) in shown.secrets_mut() {
        *value = reveal.secret(&Secret::new(value.as_str()));
    }
    shown
}

/// The authentication that is to hold: the one that was given, with what `current` has at each place that was given masked.
///
/// # Errors
/// Everything that is wrong with it.
pub fn choose_auth(given: &Auth, current: &Auth) -> Result<Auth, Vec<FieldError>> {
    let mut known = current.clone();
    let known: Vec<(String, String)> =
        known.secrets_mut().into_iter().map(|(path, value)| (path, value.clone())).collect();
    let (mut chosen, mut errors) = (given.clone(), Vec::new());
    for (path, value) in chosen.secrets_mut() {
        if !is_mask(value) {
            continue;
        }
        let same = known
            .iter()
            .find(|(place, secret)| *place == path && Secret::new(secret.as_str()).is_masked_as(value));
        match same {
            Some((_, secret)) => value.clone_from(secret),
            None => errors.push(FieldError {
                field: format!("auth.{path}"),
                message: "is the masked form of another secret: send the secret itself".to_owned(),
            }),
        }
    }
    if errors.is_empty() {
        let faults = chosen.check().into_iter();
        errors.extend(faults.map(|(path, message)| FieldError { field: format!("auth.{path}"), message }));
    }
    if errors.is_empty() { Ok(chosen) } else { Err(errors) }
}

/// Whether this is the masked form of some secret.
pub fn is_mask(given: &str) -> bool {
    given.starts_with(MASK)
}

/// What is wrong with a secret that someone chose.
pub(crate) fn fault(given: &str) -> Option<String> {
    if is_mask(given) {
        return Some(
            "is the masked form of another secret: send the secret itself, or leave it out".to_owned(),
        );
    }
    let is_pem = given.starts_with(PEM);
    let max = if is_pem { MAX_PEM_CHARS } else { MAX_CHARS };
    if !(MIN_CHARS..=max).contains(&given.chars().count()) {
        return Some(format!("must have {MIN_CHARS} to {MAX_CHARS} characters, or as PEM {MAX_PEM_CHARS}"));
    }
    if is_pem {
        return None;
    }
    if given.chars().any(char::is_control) || given.trim() != given {
        return Some("must not contain control characters, nor begin or end with white space".to_owned());
    }
    None
}

/// What is wrong with a secret as one of Standard Webhooks: behind `whsec_` theirs are base64. Those of others, such as
/// Stripe, begin in the same way and are text.
pub(crate) fn standard_fault(given: &str) -> Option<String> {
    let encoded = given.strip_prefix("whsec_")?;
    let decoded = STANDARD_PAD_INDIFFERENT.decode(encoded).ok().filter(|bytes| !bytes.is_empty());
    decoded.is_none().then(|| "must have base64 behind whsec_".to_owned())
}

/// What is wrong with a secret that signs by Standard Webhooks: the published libraries decode what stands behind `whsec_`, and
/// take nothing but base64 with its padding.
pub(crate) fn standard_signing_fault(given: &str) -> Option<&'static str> {
    let encoded = given.strip_prefix("whsec_").unwrap_or(given);
    let is_decoded = STANDARD.decode(encoded).is_ok_and(|bytes| !bytes.is_empty());
    (!is_decoded).then_some(
        "can't sign for standard_webhooks, whose receivers expect base64: send whsec_ and, in base64, 24 to 64 bytes, or leave \
         standard_webhooks out of signing.schemes",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(given: Option<&str>) -> Result<String, String> {
        let chosen = choose("secret", given, Rotating::new(Secret::new("whsec_abcd1234")));
        chosen.map(|secret| secret.current.expose().to_owned()).map_err(|error| error.message)
    }

    #[test]
    fn left_out_or_masked_it_stays() {
        assert_eq!(chosen(None).unwrap(), "whsec_abcd1234");
        assert_eq!(chosen(Some("••••1234")).unwrap(), "whsec_abcd1234");
    }

    #[test]
    fn a_given_one_is_taken_if_it_can_be_used() {
        for right in [
            "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_not base64!",
            "my own secret",
            "12345678",
        ] {
            assert_eq!(chosen(Some(right)).unwrap(), right);
        }
        for wrong in ["", "short", "••••4321", "whsec_", " padded secret", "a\nbcdefghi", &"a".repeat(501)]
        {
            assert!(chosen(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn behind_the_prefix_of_standard_webhooks_stands_base64() {
        for right in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MDEyMw", "my own secret"] {
            assert_eq!(standard_fault(right), None, "{right}");
        }
        for wrong in ["whsec_not base64!", "whsec_", "whsec_1_2_3"] {
            assert!(standard_fault(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn what_signs_for_standard_webhooks_is_base64_with_or_without_the_prefix() {
        for right in
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MDEyMw=="]
        {
            assert_eq!(standard_signing_fault(right), None, "{right}");
        }
        for wrong in ["my plain secret text", "whsec_MDEyMw", "whsec_", "whsec_a-b_", "whsk_MDEy"] {
            assert!(standard_signing_fault(wrong).is_some(), "{wrong}");
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
