//! How a delivery proves who sends it, beside its signature. All of it is secret: it is kept sealed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::outgoing::header_fault;

/// The most headers or parameters of one method.
const MAX_ENTRIES: usize = 50;
/// The most bytes of one value.
const MAX_VALUE_BYTES: usize = 4_096;

/// How a delivery proves who sends it. Values are written, and read back masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Not at all. With braces, or serde would take any member: a token without a method must not be dropped in silence.
    None {},
    /// A key in a header.
    ApiKey {
        /// The key.
        key: String,
        /// The header.
        #[serde(default = "default_header")]
        #[schema(default = "X-API-Key")]
        header: String,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// The token.
        token: String,
    },
    /// HTTP Basic authentication (RFC 7617), in UTF-8. One of both may be empty.
    Basic {
        /// The user, without a colon.
        username: String,
        /// The password; empty where the user is the key.
        password: String,
    },
    /// Headers of one's own.
    CustomHeaders {
        /// Names and values.
        headers: BTreeMap<String, String>,
    },
    /// Parameters in the URL: less secure, for servers log URLs.
    Query {
        /// Names and values.
        params: BTreeMap<String, String>,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4): a token is fetched, and fetched anew before it expires.
    #[serde(rename = "oauth2_client_credentials")]
    Oauth2ClientCredentials {
        /// Where tokens are given.
        #[schema(format = "uri")]
        token_url: String,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: String,
        /// What is asked for, if the server wants that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// Where the server takes the client's credentials.
        #[serde(default, skip_serializing_if = "ClientAuth::is_default")]
        client_auth: ClientAuth,
        /// What else the server wants to be told, such as `audience` or `resource`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[schema(example = json!({"audience": "https://api.example.com/"}))]
        params: BTreeMap<String, String>,
    },
    /// The same from a refresh token (RFC 6749, section 6).
    #[serde(rename = "oauth2_refresh_token")]
    Oauth2RefreshToken {
        /// Where tokens are given.
        #[schema(format = "uri")]
        token_url: String,
        /// The client.
        client_id: String,
        /// Its secret, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_secret: Option<String>,
        /// What a token is given for.
        refresh_token: String,
        /// What is asked for, if the server wants that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// Where the server takes the client's credentials.
        #[serde(default, skip_serializing_if = "ClientAuth::is_default")]
        client_auth: ClientAuth,
        /// What else the server wants to be told, such as `audience` or `resource`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[schema(example = json!({"audience": "https://api.example.com/"}))]
        params: BTreeMap<String, String>,
    },
}

/// Where the server that gives tokens takes the client's credentials (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In the body, as `client_id` and `client_secret`.
    #[default]
    Body,
    /// In the header `Authorization: Basic`.
    Basic,
}

impl ClientAuth {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the program itself says in a request for a token: nothing may be said twice (RFC 6749, section 3.2).
const OWN_PARAMS: [&str; 5] = ["client_id", "client_secret", "grant_type", "refresh_token", "scope"];

fn default_header() -> String {
    "X-API-Key".to_owned()
}

impl Default for Auth {
    fn default() -> Self {
        Auth::None {}
    }
}

impl Auth {
    /// The headers that it sets.
    pub fn header_names(&self) -> Vec<&str> {
        match self {
            Auth::None {} | Auth::Query { .. } => Vec::new(),
            Auth::ApiKey { header, .. } => vec![header],
            Auth::CustomHeaders { headers } => headers.keys().map(String::as_str).collect(),
            Auth::Bearer { .. }
            | Auth::Basic { .. }
            | Auth::Oauth2ClientCredentials { .. }
            | Auth::Oauth2RefreshToken { .. } => vec!["Authorization"],
        }
    }

    /// The secrets in it, each with its dotted path.
    pub fn secrets_mut(&mut self) -> Vec<(String, &mut String)> {
        match self {
            Auth::None {} => Vec::new(),
            Auth::ApiKey { key, .. } => vec![("key".into(), key)],
            Auth::Bearer { token } => vec![("token".into(), token)],
            Auth::Basic { password, .. } => vec![("password".into(), password)],
            Auth::CustomHeaders { headers } => {
                headers.iter_mut().map(|(name, value)| (format!("headers.{name}"), value)).collect()
            }
            Auth::Query { params } => values_of(params).collect(),
            Auth::Oauth2ClientCredentials { client_secret, params, .. } => {
                let mut secrets = vec![("client_secret".into(), client_secret)];
                secrets.extend(values_of(params));
                secrets
            }
            Auth::Oauth2RefreshToken { client_secret, refresh_token, params, .. } => {
                let mut secrets = vec![("refresh_token".into(), refresh_token)];
                secrets.extend(client_secret.iter_mut().map(|secret| ("client_secret".into(), secret)));
                secrets.extend(values_of(params));
                secrets
            }
        }
    }

    /// Where tokens are fetched, if they are.
    pub fn token_url(&self) -> Option<&str> {
        match self {
            Auth::Oauth2ClientCredentials { token_url, .. } | Auth::Oauth2RefreshToken { token_url, .. } => {
                Some(token_url)
            }
            _ => None,
        }
    }

    /// Everything that is wrong with it: dotted path and message. Whether a URL may be called is for `outbound` to say.
    pub fn check(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut copy = self.clone();
        let is_basic = matches!(self, Auth::Basic { .. });
        for (path, value) in copy.secrets_mut() {
            let fault = if is_basic { basic_fault(value) } else { value_fault(value) };
            faults.extend(fault.map(|message| (path, message)));
        }
        let mut wrong = |path: String, message: &str| faults.push((path, message.to_owned()));
        match self {
            Auth::ApiKey { header, .. } => {
                if let Some(message) = header_fault(header, "") {
                    wrong("header".into(), message);
                }
            }
            Auth::Basic { username, password } => {
                if username.is_empty() && password.is_empty() {
                    wrong("username".into(), "must not be empty, unless there is a password");
                }
                // Whatever is behind the first colon is the password.
                if username.contains(':') {
                    wrong("username".into(), "must not have a colon");
                }
                if let Some(message) = basic_fault(username) {
                    wrong("username".into(), &message);
                }
            }
            Auth::CustomHeaders { headers } => {
                if headers.is_empty() || headers.len() > MAX_ENTRIES {
                    wrong("headers".into(), "must be 1 to 50 headers");
                }
                for name in headers.keys() {
                    if let Some(message) = header_fault(name, "") {
                        wrong(format!("headers.{name}"), message);
                    }
                }
            }
            Auth::Query { params } if params.is_empty() || params.len() > MAX_ENTRIES => {
                wrong("params".into(), "must be 1 to 50 parameters");
            }
            Auth::Oauth2ClientCredentials { params, .. } => check_params(params, wrong),
            Auth::Oauth2RefreshToken { client_auth, client_secret, params, .. } => {
                if *client_auth == ClientAuth::Basic && client_secret.is_none() {
                    wrong("client_secret".into(), "is required if client_auth is basic");
                }
                check_params(params, wrong);
            }
            _ => {}
        }
        faults
    }
}

fn values_of(params: &mut BTreeMap<String, String>) -> impl Iterator<Item = (String, &mut String)> {
    params.iter_mut().map(|(name, value)| (format!("params.{name}"), value))
}

/// What is wrong with the names of parameters of a request for a token.
fn check_params(params: &BTreeMap<String, String>, mut wrong: impl FnMut(String, &str)) {
    if params.len() > MAX_ENTRIES {
        wrong("params".into(), "must be at most 50 parameters");
    }
    for name in params.keys() {
        if OWN_PARAMS.contains(&name.as_str()) {
            wrong(format!("params.{name}"), "is set by the program itself");
        } else if value_fault(name).is_some() {
            wrong(format!("params.{name}"), "must have a name of visible ASCII characters");
        }
    }
}

fn value_fault(value: &str) -> Option<String> {
    if value.is_empty() {
        return Some("must not be empty".to_owned());
    }
    let visible = |b: u8| (0x20..=0x7e).contains(&b);
    (!value.bytes().all(visible) || value.len() > MAX_VALUE_BYTES)
        .then(|| format!("must be at most {MAX_VALUE_BYTES} visible ASCII characters"))
}

/// RFC 7617, section 2: any text without control characters, and none as well.
fn basic_fault(value: &str) -> Option<String> {
    (value.chars().any(char::is_control) || value.len() > MAX_VALUE_BYTES)
        .then(|| format!("must be at most {MAX_VALUE_BYTES} bytes without control characters"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_contracts_forms() {
        for (json, secrets) in [
            (json!({"method": "none"}), 0),
            (json!({"method": "api_key", "key": "k", "header": "X-API-Key"}), 1),
            (json!({"method": "bearer", "token": "t"}), 1),
            (json!({"method": "basic", "username": "u", "password": "p"}), 1),
            (json!({"method": "basic", "username": "sk_live_1", "password": ""}), 1),
            (json!({"method": "basic", "username": "", "password": "token"}), 1),
            (json!({"method": "basic", "username": "Jürgen", "password": "pä:ß"}), 1),
            (json!({"method": "custom_headers", "headers": {"A": "1", "B": "2"}}), 2),
            (json!({"method": "query", "params": {"api_key": "1"}}), 1),
            (
                json!({"method": "oauth2_client_credentials", "token_url": "https://a.b/t", "client_id": "i", "client_secret": "s", "scope": "x"}),
                1,
            ),
            (
                json!({"method": "oauth2_refresh_token", "token_url": "https://a.b/t", "client_id": "i", "client_secret": "s", "refresh_token": "r"}),
                2,
            ),
            (
                json!({"method": "oauth2_client_credentials", "token_url": "https://a.b/t", "client_id": "i", "client_secret": "s",
                       "client_auth": "basic", "params": {"audience": "a", "resource": "r"}}),
                3,
            ),
        ] {
            let mut auth: Auth = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&auth).unwrap(), json);
            assert_eq!(auth.check(), []);
            assert_eq!(auth.secrets_mut().len(), secrets, "{json}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_request_for_a_token_is_named() {
        for (more, path) in [
            (json!({"client_auth": "basic"}), "client_secret"),
            (json!({"params": {"grant_type": "password"}}), "params.grant_type"),
            (json!({"params": {"": "a"}}), "params."),
            (json!({"params": {"audience": "é"}}), "params.audience"),
            (json!({"params": (0..51).map(|n| (n.to_string(), "v")).collect::<BTreeMap<_, _>>()}), "params"),
        ] {
            let mut json = json!({"method": "oauth2_refresh_token", "token_url": "https://a.b/t", "client_id": "i", "refresh_token": "r"});
            json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let auth: Auth = serde_json::from_value(json).unwrap();
            let faults = auth.check();
            assert!(faults.len() == 1 && faults[0].0 == path, "{faults:?}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (json, path) in [
            (json!({"method": "api_key", "key": "a\nb"}), "key"),
            (json!({"method": "api_key", "key": "a", "header": "X Y"}), "header"),
            (json!({"method": "bearer", "token": ""}), "token"),
            (json!({"method": "basic", "username": "a:b", "password": "p"}), "username"),
            (json!({"method": "basic", "username": "a\u{7f}", "password": "p"}), "username"),
            (json!({"method": "basic", "username": "a", "password": "p\n"}), "password"),
            (json!({"method": "basic", "username": "", "password": ""}), "username"),
            (json!({"method": "custom_headers", "headers": {}}), "headers"),
            (json!({"method": "custom_headers", "headers": {"A B": "1"}}), "headers.A B"),
            (json!({"method": "query", "params": {"a": "é"}}), "params.a"),
        ] {
            let auth: Auth = serde_json::from_value(json).unwrap();
            let faults = auth.check();
            assert!(faults.len() == 1 && faults[0].0 == path, "{faults:?}");
        }
    }
}
