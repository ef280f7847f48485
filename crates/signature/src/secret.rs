//! Secret text that doesn't show itself.

use std::fmt;

use subtle::ConstantTimeEq;

/// Stands for the hidden part of a masked secret.
const MASK: &str = "••••";

/// How many characters a masked secret ends with, so that people can tell two secrets apart.
const SHOWN: usize = 4;

/// From this length (in characters) on the last [`SHOWN`] are shown: they are at most half of the secret.
const SHOWN_FROM: usize = 2 * SHOWN;

/// Secret text: a signing secret, an API key, a password.
///
/// `Debug` shows it masked, there is no `Display`, and comparing two takes a time that depends on their
/// lengths only.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every call is a place where a secret can leak: search for them.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What may be shown: `••••1234`, or `••••` alone for a secret of less than 8 characters.
    pub fn masked(&self) -> String {
        let last_first = self.0.char_indices().rev().map(|(at, _)| at);
        let Some(shown_from) = last_first.clone().nth(SHOWN - 1) else { return MASK.to_owned() };
        if last_first.count() < SHOWN_FROM {
            return MASK.to_owned();
        }
        format!("{MASK}{}", &self.0[shown_from..])
    }

    /// Whether `text` is this secret's own masked form: a client that sends back what it was shown
    /// means to keep the secret.
    pub fn is_masked_as(&self, text: &str) -> bool {
        text == self.masked()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_end_of_a_long_secret_is_shown() {
        assert_eq!(Secret::new("whsec_abcd1234").masked(), "••••1234");
        assert_eq!(Secret::new("12345678").masked(), "••••5678");
        assert_eq!(Secret::new("1234567").masked(), "••••");
        assert_eq!(Secret::new("").masked(), "••••");
        assert_eq!(Secret::new("contraseña€").masked(), "••••eña€");
    }

    #[test]
    fn debug_is_masked() {
        assert_eq!(format!("{:?}", Secret::new("whsec_abcd1234")), "Secret(••••1234)");
    }

    #[test]
    fn the_masked_form_is_recognised() {
        let secret = Secret::new("whsec_abcd1234");
        assert!(secret.is_masked_as("••••1234"));
        assert!(!secret.is_masked_as("••••4321"));
        assert!(!secret.is_masked_as("whsec_abcd1234"));
    }

    proptest! {
        #[test]
        fn prop_equality_is_that_of_the_text(a in "[ab]{0,4}", b in "[ab]{0,4}") {
            prop_assert_eq!(Secret::new(a.clone()) == Secret::new(b.clone()), a == b);
        }

        #[test]
        fn prop_a_mask_never_shows_more_than_half(text in "\\PC*") {
            let masked = Secret::new(text.clone()).masked();
            let shown = masked.chars().count() - MASK.chars().count();
            prop_assert!(shown <= SHOWN && 2 * shown <= text.chars().count());
            prop_assert!(text.ends_with(&masked[MASK.len()..]));
        }
    }
}
