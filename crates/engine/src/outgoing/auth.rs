//! Puts a webhook's authentication on a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Auth;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

/// Puts it on. `token` is that of OAuth. What was checked when it was saved can be set.
pub(crate) fn apply(auth: &Auth, token: Option<&str>, url: &mut Url, headers: &mut HeaderMap) {
    let mut set = |name: &str, value: &str| {
        if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            // So that the log masks it, whatever its name is.
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    };
    match auth {
        Auth::None {} => {}
        Auth::ApiKey { key, header } => set(header, key),
        Auth::Bearer { token } => set(header::AUTHORIZATION.as_str(), &format!("Bearer {token}")),
        Auth::Basic { username, password } => {
            let encoded = STANDARD.encode(format!("{username}:{password}"));
            set(header::AUTHORIZATION.as_str(), &format!("Basic {encoded}"));
        }
        Auth::CustomHeaders { headers } => headers.iter().for_each(|(name, value)| set(name, value)),
        Auth::Query { params } => {
            url.query_pairs_mut().extend_pairs(params);
        }
        Auth::Oauth2ClientCredentials { .. } | Auth::Oauth2RefreshToken { .. } => {
            if let Some(token) = token {
                set(header::AUTHORIZATION.as_str(), &format!("Bearer {token}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_method_in_its_place() {
        for (auth, token, url, header) in [
            (json!({"method": "none"}), None, "https://a.b/?x=1", None),
            (json!({"method": "api_key", "key": "k"}), None, "https://a.b/?x=1", Some(("x-api-key", "k"))),
            (
                json!({"method": "bearer", "token": "t"}),
                None,
                "https://a.b/?x=1",
                Some(("authorization", "Bearer t")),
            ),
            // The example of RFC 7617, section 2.
            (
                json!({"method": "basic", "username": "Aladdin", "password": "open sesame"}),
                None,
                "https://a.b/?x=1",
                Some(("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ),
            (
                json!({"method": "basic", "username": "sk_test", "password": ""}),
                None,
                "https://a.b/?x=1",
                Some(("authorization", "Basic c2tfdGVzdDo=")),
            ),
            // The example of RFC 7617, section 2.1: in UTF-8.
            (
                json!({"method": "basic", "username": "test", "password": "123£"}),
                None,
                "https://a.b/?x=1",
                Some(("authorization", "Basic dGVzdDoxMjPCow==")),
            ),
            (
                json!({"method": "custom_headers", "headers": {"X-My": "m"}}),
                None,
                "https://a.b/?x=1",
                Some(("x-my", "m")),
            ),
            (
                json!({"method": "query", "params": {"api_key": "a&b"}}),
                None,
                "https://a.b/?x=1&api_key=a%26b",
                None,
            ),
            (
                json!({"method": "oauth2_client_credentials", "token_url": "https://t", "client_id": "i", "client_secret": "s"}),
                Some("tok"),
                "https://a.b/?x=1",
                Some(("authorization", "Bearer tok")),
            ),
        ] {
            let auth: Auth = serde_json::from_value(auth).unwrap();
            let (mut to, mut headers) = ("https://a.b/?x=1".parse().unwrap(), HeaderMap::new());
            apply(&auth, token, &mut to, &mut headers);
            assert_eq!(to.as_str(), url);
            assert_eq!(headers.iter().next().map(|(n, v)| (n.as_str(), v.to_str().unwrap())), header);
            assert!(headers.values().all(HeaderValue::is_sensitive));
            assert!(!crate::headers::to_json(&headers).contains("sesame"));
        }
    }
}
