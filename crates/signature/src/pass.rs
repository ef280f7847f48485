//! Passes: who holds the master key proves it to the server without showing it.
//!
//! A pass is the time at which it was made, sealed with the master key for a place of its own. So nothing is stored for
//! it, nobody without the key can make one, and one that was overheard is of no use a minute later.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::CryptoRng;

use crate::{MasterKey, Secret};

/// What a pass begins with, so that it is told from an API key without opening it.
const PREFIX: &str = "ccsp_pass_";

/// Keeps a pass from being opened as anything else that is sealed, and the other way round.
const IDENTITY: &str = "pass";

/// How far the time of a pass may be from the present, in seconds: one is made for each request, on a machine whose
/// clock is that of the server or set by the same source.
const LIFETIME_SECONDS: u64 = 60;

impl MasterKey {
    /// A pass, to be shown now; `now` in seconds since the Unix epoch.
    pub fn issue_pass(&self, now: i64, rng: &mut (impl CryptoRng + ?Sized)) -> Secret {
        let sealed = self.seal(IDENTITY, &now.to_be_bytes(), rng);
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Whether a text is a pass that was made with this key a moment ago.
    pub fn takes_pass(&self, text: &str, now: i64) -> bool {
        let Some(sealed) = text.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        else {
            return false;
        };
        let made = self.open(IDENTITY, &sealed).ok().and_then(|bytes| bytes.try_into().ok());
        made.is_some_and(|bytes| i64::from_be_bytes(bytes).abs_diff(now) <= LIFETIME_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn a_pass_is_good_for_its_key_and_for_a_minute() {
        let mut rng = StdRng::seed_from_u64(1);
        let (key, other) = (MasterKey::generate(&mut rng), MasterKey::generate(&mut rng));
        let pass = key.issue_pass(NOW, &mut rng);
        for (now, good) in
            [(NOW, true), (NOW + 60, true), (NOW - 60, true), (NOW + 61, false), (NOW - 61, false)]
        {
            assert_eq!(key.takes_pass(pass.expose(), now), good, "{now}");
        }
        assert!(!other.takes_pass(pass.expose(), NOW));
        let without_prefix = pass.expose().trim_start_matches(PREFIX);
        assert!(!key.takes_pass(without_prefix, NOW));
    }

    #[test]
    fn another_sealed_value_is_no_pass() {
        let mut rng = StdRng::seed_from_u64(1);
        let key = MasterKey::generate(&mut rng);
        for (identity, plaintext) in [("other", &NOW.to_be_bytes()[..]), (IDENTITY, b"short")] {
            let sealed = URL_SAFE_NO_PAD.encode(key.seal(identity, plaintext, &mut rng));
            assert!(!key.takes_pass(&format!("{PREFIX}{sealed}"), NOW), "{identity}");
        }
    }

    proptest! {
        #[test]
        fn prop_what_is_made_up_is_no_pass(text: String) {
            let key = MasterKey::generate(&mut StdRng::seed_from_u64(1));
            prop_assert!(!key.takes_pass(&text, NOW));
            let prefixed = format!("{PREFIX}{text}");
            prop_assert!(!key.takes_pass(&prefixed, NOW));
        }
    }
}
