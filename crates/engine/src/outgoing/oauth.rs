//! Access tokens of OAuth 2.0: fetched once, kept in memory, fetched anew a little before they expire.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Auth, ClientAuth, Timestamp, WebhookId};
use http::{HeaderMap, HeaderValue, Method, header};
use outbound::{Client, Request, SendError};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;
use url::form_urlencoded;

use crate::answer;
use crate::clock::Clock;
use crate::error::chain;

/// How long a token is taken to last of which the server does not say it (RFC 6749, section 5.1, only recommends that it does).
const DEFAULT_LIFETIME_SECONDS: i64 = 300;
/// How long before its end a token is not used any more: as long as a delivery may take, and some for clocks that differ.
const MARGIN_MS: i64 = 60_000;
/// How long fetching a token may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The URL is none, or may not be called.
    #[error("the token URL can't be used")]
    Url,
    /// No answer.
    #[error("the token URL did not answer: {}", chain(.0))]
    Send(SendError),
    /// Another answer than a token.
    #[error("the token URL answered {status}{}", after_colon(.said))]
    Refused {
        /// Its status.
        status: u16,
        /// The error that it names.
        said: Option<String>,
    },
}

fn after_colon(said: &Option<String>) -> String {
    said.as_ref().map(|said| format!(": {said}")).unwrap_or_default()
}

#[derive(Clone, Debug)]
struct Token {
    access: String,
    expires_at: Timestamp,
    /// By what it was fetched: with other settings it is another one.
    auth: Auth,
    /// The refresh token to use next, if the server gave a new one.
    refresh: Option<String>,
}

/// The tokens of this node: of its webhooks, and a while longer of those that are gone (see [`Tokens::retain`]).
pub(crate) struct Tokens {
    clock: Clock,
    kept: Mutex<HashMap<WebhookId, Arc<AsyncMutex<Option<Token>>>>>,
}

/// A token, and the refresh token that takes the place of the one before, if there is a new one.
pub(crate) struct Fetched {
    pub(crate) access: String,
    pub(crate) new_refresh: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<serde_json::Value>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

impl Tokens {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Forgets the tokens of all but these.
    pub(crate) fn retain(&self, is_used: impl Fn(&WebhookId) -> bool) {
        self.kept.lock().retain(|id, _| is_used(id));
    }

    /// A token that can be used; one that is not this one, which the destination has refused.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn get(
        &self,
        client: &Client,
        id: &WebhookId,
        auth: &Auth,
        refused: Option<&str>,
    ) -> Result<Fetched, TokenError> {
        let slot = self.kept.lock().entry(id.clone()).or_default().clone();
        // Whoever comes meanwhile waits, and finds the token: it is fetched once.
        let mut kept = slot.lock().await;
        let now = self.clock.now();
        let usable = kept.as_ref().filter(|token| {
            token.auth == *auth && token.expires_at > now && Some(token.access.as_str()) != refused
        });
        if let Some(token) = usable {
            return Ok(Fetched { access: token.access.clone(), new_refresh: None });
        }
        let refresh =
            kept.as_ref().filter(|token| token.auth == *auth).and_then(|token| token.refresh.clone());
        let fetched = fetch(client, auth, refresh.as_deref()).await;
        let answer = fetched.inspect_err(|_| *kept = None)?;
        let seconds = lifetime(answer.expires_in.as_ref());
        // A short one is used for half its time.
        let usable_ms = (seconds * 1_000 - MARGIN_MS).max(seconds * 500);
        *kept = Some(Token {
            access: answer.access_token.clone(),
            expires_at: self.clock.now().plus_millis(usable_ms),
            auth: auth.clone(),
            refresh: answer.refresh_token.clone().or(refresh),
        });
        Ok(Fetched { access: answer.access_token, new_refresh: answer.refresh_token })
    }
}

async fn fetch(client: &Client, auth: &Auth, refresh: Option<&str>) -> Result<Answer, TokenError> {
    let url = auth.token_url().and_then(|url| url.parse().ok()).ok_or(TokenError::Url)?;
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(crate::send::USER_AGENT));
    if let Some(credentials) = basic_of(auth) {
        // Base64 is visible ASCII.
        if let Ok(mut value) = HeaderValue::try_from(format!("Basic {credentials}")) {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
    }
    let body = Bytes::from(form_of(auth, refresh));
    let request =
        Request { method: Method::POST, url, headers, body, timeout: TIMEOUT, connect_timeout: None };
    let response = client.send(request).await.map(answer::decoded).map_err(TokenError::Send)?;
    let is_ok = (200..300).contains(&response.status);
    match serde_json::from_slice::<Answer>(&response.body) {
        Ok(answer) if is_ok && HeaderValue::from_str(&answer.access_token).is_ok() => Ok(answer),
        _ => {
            let refusal = serde_json::from_slice::<Refusal>(&response.body).ok();
            let said = refusal.map(|refusal| match refusal.error_description {
                Some(description) => format!("{}: {description}", refusal.error),
                None => refusal.error,
            });
            let said = said.or_else(|| is_ok.then(|| "without an access_token".to_owned()));
            let said = said.map(|said| said.chars().take(300).collect::<String>().replace('\0', ""));
            Err(TokenError::Refused { status: response.status, said })
        }
    }
}

/// RFC 6749, sections 4.4.2 and 6.
fn form_of(auth: &Auth, refresh: Option<&str>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let (id, secret, scope, client_auth, params) = match auth {
        Auth::Oauth2ClientCredentials { client_id, client_secret, scope, client_auth, params, .. } => {
            form.append_pair("grant_type", "client_credentials");
            (client_id, Some(client_secret), scope, client_auth, params)
        }
        Auth::Oauth2RefreshToken {
            client_id,
            client_secret,
            refresh_token,
            scope,
            client_auth,
            params,
            ..
        } => {
            form.append_pair("grant_type", "refresh_token");
            form.append_pair("refresh_token", refresh.unwrap_or(refresh_token));
            (client_id, client_secret.as_ref(), scope, client_auth, params)
        }
        _ => return String::new(),
    };
    // Credentials stand in one place: whoever sends them in two is refused (RFC 6749, section 2.3).
    let (id, secret) = match client_auth {
        ClientAuth::Body => (Some(id), secret),
        ClientAuth::Basic => (None, None),
    };
    for (name, value) in [("client_id", id), ("client_secret", secret), ("scope", scope.as_ref())] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.extend_pairs(params);
    form.finish()
}

/// The client's credentials as they stand in `Authorization: Basic`, if that is where they stand: each urlencoded before they
/// are joined (RFC 6749, section 2.3.1).
pub(crate) fn basic_of(auth: &Auth) -> Option<String> {
    let (client_auth, id, secret) = match auth {
        Auth::Oauth2ClientCredentials { client_auth, client_id, client_secret, .. } => {
            (client_auth, client_id, client_secret)
        }
        Auth::Oauth2RefreshToken { client_auth, client_id, client_secret: Some(client_secret), .. } => {
            (client_auth, client_id, client_secret)
        }
        _ => return None,
    };
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    (*client_auth == ClientAuth::Basic)
        .then(|| STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

/// Some servers send the number as a text.
fn lifetime(expires_in: Option<&serde_json::Value>) -> i64 {
    let seconds = expires_in.and_then(|value| match value {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    });
    seconds.filter(|seconds| (1..=10 * 365 * 86_400).contains(seconds)).unwrap_or(DEFAULT_LIFETIME_SECONDS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_of_the_grants() {
        let credentials = json!({"method": "oauth2_client_credentials", "token_url": "https://t", "client_id": "i", "client_secret": "s&", "scope": "a b"});
        let refresh = json!({"method": "oauth2_refresh_token", "token_url": "https://t", "client_id": "i", "refresh_token": "r"});
        let basic = json!({"method": "oauth2_client_credentials", "token_url": "https://t", "client_id": "i", "client_secret": "s",
            "client_auth": "basic", "scope": "a", "params": {"audience": "https://a.b/", "resource": "r"}});
        for (auth, new, expected) in [
            (basic, None, "grant_type=client_credentials&scope=a&audience=https%3A%2F%2Fa.b%2F&resource=r"),
            (credentials, None, "grant_type=client_credentials&client_id=i&client_secret=s%26&scope=a+b"),
            (refresh.clone(), None, "grant_type=refresh_token&refresh_token=r&client_id=i"),
            (refresh, Some("r2"), "grant_type=refresh_token&refresh_token=r2&client_id=i"),
        ] {
            assert_eq!(form_of(&serde_json::from_value(auth).unwrap(), new), expected);
        }
    }

    #[test]
    fn credentials_in_the_header_are_urlencoded_first() {
        for (client_auth, expected) in
            // Base64 of `my+id%3A:s%26+%C3%A4`.
            [("body", None), ("basic", Some("bXkraWQlM0E6cyUyNislQzMlQTQ="))]
        {
            let auth = json!({"method": "oauth2_client_credentials", "token_url": "https://t", "client_id": "my id:",
                "client_secret": "s& ä", "client_auth": client_auth});
            assert_eq!(basic_of(&serde_json::from_value(auth).unwrap()).as_deref(), expected);
        }
    }

    #[test]
    fn tokens_of_those_that_are_gone_are_forgotten() {
        let tokens = Tokens::new(Clock::System);
        let [gone, stays] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb"].map(|id| id.parse::<WebhookId>().unwrap());
        for id in [&gone, &stays] {
            tokens.kept.lock().entry(id.clone()).or_default();
        }
        tokens.retain(|id| *id == stays);
        assert_eq!(tokens.kept.lock().keys().cloned().collect::<Vec<_>>(), [stays]);
    }

    #[test]
    fn lifetimes() {
        for (given, seconds) in [
            (json!(3600), 3600),
            (json!("3600"), 3600),
            (json!(null), 300),
            (json!(-1), 300),
            (json!("x"), 300),
        ] {
            assert_eq!(lifetime(Some(&given)), seconds);
        }
    }
}
