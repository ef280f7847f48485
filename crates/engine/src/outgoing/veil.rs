//! Keeps secrets out of what a destination says: some repeat in their answer what they were sent, and the answer is logged.

use domain::Auth;
use http::HeaderMap;
use url::form_urlencoded;

use super::oauth;

/// What takes the place of a secret.
const MASK: &str = "••••";
/// A shorter secret is not looked for: it would be found in words that are none.
const MIN_CHARS: usize = 4;

/// The texts that must not be logged of one exchange, the longest first.
pub(crate) struct Veil(Vec<String>);

impl Veil {
    /// What a webhook's authentication has, and what was sent with a request that is marked as secret.
    pub(crate) fn new(auth: &Auth, sent: Option<&HeaderMap>) -> Self {
        let mut secrets: Vec<String> = Vec::new();
        if *auth != (Auth::None {}) {
            secrets.extend(auth.clone().secrets_mut().into_iter().map(|(_, secret)| secret.clone()));
        }
        // The server that gives tokens may repeat this one in what it says of an error.
        secrets.extend(oauth::basic_of(auth));
        let marked =
            sent.into_iter().flat_map(|headers| headers.values()).filter(|value| value.is_sensitive());
        for value in marked.filter_map(|value| value.to_str().ok()) {
            // With its scheme (`Bearer`) or without.
            secrets.push(value.rsplit(' ').next().unwrap_or(value).to_owned());
            secrets.push(value.to_owned());
        }
        let encoded: Vec<String> =
            secrets.iter().flat_map(|secret| [in_url(secret), in_json(secret)]).collect();
        secrets.extend(encoded);
        secrets.retain(|secret| secret.chars().count() >= MIN_CHARS);
        secrets.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Self(secrets)
    }

    /// Whether there is nothing to hide.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without them.
    pub(crate) fn over(&self, text: String) -> String {
        let hide = |text: String, secret: &String| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), MASK),
            false => text,
        };
        self.0.iter().fold(text, hide)
    }
}

/// As it stands in a query.
fn in_url(secret: &str) -> String {
    form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

/// As it stands in a text of JSON.
fn in_json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::outgoing::auth;

    fn veiled(auth: serde_json::Value, token: Option<&str>, said: &str) -> String {
        let auth: Auth = serde_json::from_value(auth).unwrap();
        let (mut url, mut headers) = ("https://a.b/".parse().unwrap(), HeaderMap::new());
        auth::apply(&auth, token, &mut url, &mut headers);
        Veil::new(&auth, Some(&headers)).over(said.to_owned())
    }

    #[test]
    fn whatever_was_sent_as_a_secret_is_not_repeated() {
        let oauth = json!({"method": "oauth2_client_credentials", "token_url": "https://t", "client_id": "i", "client_secret": "sekret"});
        for (auth, token, said, shown) in [
            (json!({"method": "none"}), None, "sekret", "sekret"),
            (json!({"method": "api_key", "key": "sekret"}), None, r#"{"got":"sekret"}"#, r#"{"got":"••••"}"#),
            (json!({"method": "bearer", "token": "sekret"}), None, "Bearer sekret, sekret", "••••, ••••"),
            (
                json!({"method": "basic", "username": "Aladdin", "password": "open sesame"}),
                None,
                "QWxhZGRpbjpvcGVuIHNlc2FtZQ== is open sesame",
                "•••• is ••••",
            ),
            (
                json!({"method": "query", "params": {"k": "a&b c"}}),
                None,
                "/?k=a%26b+c or a&b c",
                "/?k=•••• or ••••",
            ),
            (oauth, Some("token"), "Bearer token by sekret", "•••• by ••••"),
            (
                // Base64 of `me:sekret`.
                json!({"method": "oauth2_client_credentials", "token_url": "https://t", "client_id": "me", "client_secret": "sekret",
                    "client_auth": "basic", "params": {"key": "sekret2"}}),
                Some("token"),
                "Basic bWU6c2VrcmV0, sekret2",
                "Basic ••••, ••••",
            ),
            (json!({"method": "api_key", "key": "abc"}), None, "abcd", "abcd"),
        ] {
            assert_eq!(veiled(auth, token, said), shown);
        }
    }
}
