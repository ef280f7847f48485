//! Sessions of people who log in with a browser: a cookie with a random token, of which the hash is stored.
//!
//! The cookie is `HttpOnly` and `SameSite=Strict`. Where the server is reached over HTTPS it is `Secure` and has the prefix
//! `__Host-`, so that no other host can set it (RFC 6265bis, section 4.1.3.2). A change asks for a second token in a header,
//! which another site can neither read nor guess: it is derived from the first.

use axum::http::HeaderValue;
use domain::Timestamp;
use http::header;
use http::request::Parts;
use signature::{Secret, TokenHash, token};
use store::users::{FindSession, NewSession, Session, TouchSession};

use crate::Api;
use crate::problem::{Code, Problem};

/// The header of the second token.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
/// How long a session lasts at most, in seconds: a month.
const LIFETIME_SECONDS: i64 = 30 * 86_400;
/// How long it lasts without being used: a week.
const IDLE_MILLIS: i64 = 7 * 86_400 * 1_000;
/// How exactly it is noted that it is used: each note is a write.
const TOUCH_MILLIS: i64 = 3_600 * 1_000;

/// A session that a request came with.
pub(crate) struct Active {
    token: String,
    /// Whose it is, and until when.
    pub(crate) session: Session,
}

impl Active {
    /// What the header of a change must have.
    pub(crate) fn csrf_token(&self) -> String {
        csrf_token(&self.token)
    }

    /// The hash by which it is stored.
    pub(crate) fn hash(&self) -> Vec<u8> {
        token::hash(&self.token).as_bytes().to_vec()
    }

    /// # Errors
    /// If the request changes something without the second token.
    pub(crate) fn check_csrf(&self, parts: &Parts) -> Result<(), Problem> {
        let given = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        let given = given.and_then(TokenHash::from_hex);
        let is_right = given.is_some_and(|given| given == token::hash(&derived(&self.token)));
        if parts.method.is_safe() || is_right {
            return Ok(());
        }
        Err(Problem::new(
            Code::CsrfTokenNeeded,
            "The header X-CSRF-Token is missing, or is that of another session.",
        ))
    }
}

fn csrf_token(token: &str) -> String {
    token::hash(&derived(token)).to_hex()
}

/// Another text for another purpose, so that the hash of the one says nothing of the other.
fn derived(token: &str) -> String {
    format!("csrf {token}")
}

/// A session to be begun, what the browser gets, and the second token.
pub(crate) fn begin(api: &Api) -> (NewSession, Secret, String) {
    let token = api.engine().vault().new_token();
    let now = api.engine().now();
    let session = NewSession {
        token_hash: token::hash(token.expose()).as_bytes().to_vec(),
        now,
        expires_at: now.plus_millis(LIFETIME_SECONDS * 1_000),
    };
    let csrf = csrf_token(token.expose());
    (session, token, csrf)
}

/// The session of a request, if it has one that has not ended.
///
/// # Errors
/// Those of the database.
pub(crate) async fn find(parts: &Parts, api: &Api) -> Result<Option<Active>, Problem> {
    let Some(token) = cookie(parts, name(api)) else { return Ok(None) };
    let now = api.engine().now();
    let token_hash = token::hash(&token).as_bytes().to_vec();
    let wanted =
        FindSession { token_hash: token_hash.clone(), now, used_since: now.plus_millis(-IDLE_MILLIS) };
    let Some(session) = api.engine().read(wanted).await? else { return Ok(None) };
    if session.used_at < now.plus_millis(-TOUCH_MILLIS) {
        api.engine().write(TouchSession { token_hash, now }).await?;
    }
    Ok(Some(Active { token, session }))
}

/// The value of `Set-Cookie` that begins a session, or ends it.
#[expect(clippy::expect_used, reason = "tokens are URL-safe characters, as the tests of the generator show")]
pub(crate) fn set_cookie(api: &Api, token: Option<&Secret>) -> HeaderValue {
    let (value, seconds) = match token {
        Some(token) => (token.expose(), LIFETIME_SECONDS),
        None => ("", 0),
    };
    let secure = if api.is_https() { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", name(api));
    HeaderValue::try_from(text).expect("visible ASCII characters")
}

/// Browsers take the prefix from HTTPS only.
fn name(api: &Api) -> &'static str {
    if api.is_https() { "__Host-ccsp_session" } else { "ccsp_session" }
}

fn cookie(parts: &Parts, name: &str) -> Option<String> {
    let headers = parts.headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut cookies = headers.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    cookies.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
}

/// When a session that begins now ends.
pub(crate) fn expires_at(now: Timestamp) -> Timestamp {
    now.plus_millis(LIFETIME_SECONDS * 1_000)
}
