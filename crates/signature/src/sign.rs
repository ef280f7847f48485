//! Signing as a [`Scheme`] says: what a sender puts beside its body. For deliveries to receivers that expect another
//! system's signatures, for trying a webhook, and for tests.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use ring::hmac;
use serde_json::Value;

use crate::content::Values;
use crate::ed25519::PrivateKey;
use crate::field::{Field, Source};
use crate::message::{Message, Request};
use crate::scheme::{Encoding, Scheme, TimestampUnit};
use crate::{KeyError, Secret, VerifyError, basic, hex, scheme_key};

/// Why nothing can be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Only the sender has the key for that.
    #[error("only the sender can sign by this scheme: a public key verifies, and does not sign")]
    PublicKey,
    /// The signature would be a part of what is signed, or of a body that has no place for it.
    #[error("the scheme's signature stands in the body, and there is no place for it in this one")]
    InBody,
    /// The secret is no key of the scheme.
    #[error("the secret can't sign")]
    Key(#[source] KeyError),
    /// The body has not what is signed of it.
    #[error("the request has not what is signed")]
    Content(#[source] VerifyError),
    /// Before 1970, or after the last time that can be written.
    #[error("the time can't be written")]
    Time,
}

/// A secret made ready to sign by a [`Scheme`]: make it once per secret, and keep it.
#[derive(Clone)]
pub struct Signer(Kind);

#[derive(Clone)]
enum Kind {
    Hmac(hmac::Key),
    Ed25519(PrivateKey),
    /// The secret itself is what is sent.
    Text(String),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(••••)")
    }
}

impl Signer {
    /// One that signs with a private key, for a scheme with [`Algorithm::Ed25519`](crate::Algorithm::Ed25519).
    pub fn with_private_key(key: PrivateKey) -> Self {
        Self(Kind::Ed25519(key))
    }
}

impl Scheme {
    /// The headers, the parameters and the members of a JSON body that sign a request with `secret`. `id` names the message, where the scheme has
    /// that; `now` is the time of sending in seconds since the Unix epoch.
    ///
    /// # Errors
    /// Says what is wrong; see [`SignError`].
    pub fn sign(
        &self,
        secret: &Secret,
        method: &str,
        url: &str,
        body: &[u8],
        id: &str,
        now: i64,
    ) -> Result<Vec<(Source, String)>, SignError> {
        let headers = HeaderMap::new();
        self.sign_with(&[self.signer(secret)?], Request { method, url, headers: &headers, body }, id, now)
    }

    /// A body with what a sender would have put into it before signing: the members that are signed and missing get `id`.
    ///
    /// # Errors
    /// [`SignError::InBody`] if they have no place in it.
    pub fn with_signed_members(&self, body: &[u8], id: &str) -> Result<Vec<u8>, SignError> {
        let mut members = self.content.members().peekable();
        if members.peek().is_none() {
            return Ok(body.to_vec());
        }
        let mut json: Value = serde_json::from_slice(body).map_err(|_| SignError::InBody)?;
        for path in members {
            if path.text(&json).is_none() && !path.put(&mut json, id) {
                return Err(SignError::InBody);
            }
        }
        Ok(json.to_string().into_bytes())
    }

    /// Makes a secret ready to sign with.
    ///
    /// # Errors
    /// [`SignError::Key`], and [`SignError::PublicKey`] for what a shared secret can't sign.
    pub fn signer(&self, secret: &Secret) -> Result<Signer, SignError> {
        let kind = match self.key(secret).map_err(SignError::Key)?.0 {
            scheme_key::Kind::Hmac(key) => Kind::Hmac(key),
            scheme_key::Kind::Token(_) => Kind::Text(secret.expose().to_owned()),
            scheme_key::Kind::Basic(secret) => Kind::Text(basic::credentials(&secret)),
            scheme_key::Kind::Ring(..) | scheme_key::Kind::Sns(_) => return Err(SignError::PublicKey),
        };
        Ok(Signer(kind))
    }

    /// The same as [`sign`](Self::sign) with several secrets, the current one first: where the signature stands in a
    /// list, each of them signs, or else the first.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_with(
        &self,
        signers: &[Signer],
        request: Request<'_>,
        id: &str,
        now: i64,
    ) -> Result<Vec<(Source, String)>, SignError> {
        let timestamp = self.timestamp.as_ref().map(|_| self.timestamp_unit.write(now)).transpose()?;
        let values = Values { id: self.id.as_ref().map(|_| id.to_owned()), timestamp };
        let message = Message::new(request);

        let fields = [self.id.as_ref(), self.timestamp.as_ref(), Some(&self.signature)];
        let is_inside =
            |field: &&Field| !matches!(field.from.first(), Some(Source::Header(_) | Source::Query(_)));
        if self.covers_body() && fields.iter().flatten().any(is_inside) {
            return Err(SignError::InBody);
        }
        let mut parts = Vec::new();
        for (field, value) in [(self.id.as_ref(), &values.id), (self.timestamp.as_ref(), &values.timestamp)] {
            if let (Some(field), Some(value)) = (field, value) {
                put(&mut parts, field, value)?;
            }
        }
        let count = if self.signature.separator.is_some() { signers.len() } else { 1 };
        for signer in signers.iter().take(count) {
            put(&mut parts, &self.signature, &self.signature_of(signer, &message, &values)?)?;
        }
        Ok(parts)
    }

    fn signature_of(
        &self,
        signer: &Signer,
        message: &Message<'_>,
        values: &Values,
    ) -> Result<String, SignError> {
        match &signer.0 {
            Kind::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                let written = self.content.write(message, values, &mut |piece| context.update(piece));
                written.map_err(SignError::Content)?;
                Ok(self.encoding.encode(context.sign().as_ref()))
            }
            Kind::Ed25519(key) => {
                let mut content = Vec::new();
                let written =
                    self.content.write(message, values, &mut |piece| content.extend_from_slice(piece));
                written.map_err(SignError::Content)?;
                Ok(self.encoding.encode(&key.sign(&content)))
            }
            Kind::Text(text) => Ok(text.clone()),
        }
    }
}

/// Puts the value to where the field is looked for first, into the list that stands there already if it is one.
fn put(parts: &mut Vec<(Source, String)>, field: &Field, value: &str) -> Result<(), SignError> {
    let source = match field.from.first() {
        Some(source @ (Source::Header(_) | Source::Query(_) | Source::Body(_))) => source,
        Some(Source::Form(_)) | None => return Err(SignError::InBody),
    };
    let entry = format!("{}{value}", field.prefix);
    match parts.iter_mut().find(|(found, _)| found == source) {
        Some((_, list)) => {
            list.extend(field.separator);
            list.push_str(&entry);
        }
        None => parts.push((source.clone(), entry)),
    }
    Ok(())
}

/// A JSON body with what of a signature stands in it.
///
/// # Errors
/// [`SignError::InBody`] if there is no place for it.
pub fn put_in_body(body: &[u8], parts: &[(Source, String)]) -> Result<Vec<u8>, SignError> {
    let inside = |(source, value): &(Source, String)| match source {
        Source::Body(path) => Some((path.clone(), value.clone())),
        _ => None,
    };
    let mut inside = parts.iter().filter_map(inside).peekable();
    if inside.peek().is_none() {
        return Ok(body.to_vec());
    }
    let mut json: Value = serde_json::from_slice(body).map_err(|_| SignError::InBody)?;
    if inside.all(|(path, value)| path.put(&mut json, &value)) {
        Ok(json.to_string().into_bytes())
    } else {
        Err(SignError::InBody)
    }
}

impl Encoding {
    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => {
                let mut text = String::new();
                hex::push(&mut text, bytes);
                text
            }
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64url => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

impl TimestampUnit {
    fn write(self, seconds: i64) -> Result<String, SignError> {
        let since_epoch = u64::try_from(seconds).map_err(|_| SignError::Time)?;
        match self {
            Self::Seconds => Ok(seconds.to_string()),
            Self::Milliseconds => Ok(seconds.checked_mul(1_000).ok_or(SignError::Time)?.to_string()),
            Self::Rfc3339 => jiff::Timestamp::from_second(seconds)
                .map(|time| time.to_string())
                .map_err(|_| SignError::Time),
            Self::HttpDate if seconds <= LAST_HTTP_DATE => {
                Ok(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(since_epoch)))
            }
            Self::HttpDate => Err(SignError::Time),
        }
    }
}

/// The end of the year 9999, in seconds since the Unix epoch: such a date has four digits for the year.
const LAST_HTTP_DATE: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;
    use crate::SchemeKey;

    fn scheme(text: &str) -> Scheme {
        toml::from_str(text).unwrap()
    }

    fn verified(scheme: &Scheme, secret: &Secret, parts: &[(Source, String)], body: &[u8], now: i64) -> bool {
        let mut headers = HeaderMap::new();
        let mut url = "https://example.com/in?a=b".to_owned();
        for (source, value) in parts {
            match source {
                Source::Header(name) => {
                    headers.insert(HeaderName::clone(name), HeaderValue::from_str(value).unwrap());
                }
                Source::Query(name) => url = format!("{url}&{name}={value}"),
                Source::Body(_) | Source::Form(_) => unreachable!(),
            }
        }
        let request = Request { method: "POST", url: &url, headers: &headers, body };
        scheme.verify(&[scheme.key(secret).unwrap()], request, now) == Ok(())
    }

    proptest! {
        #[test]
        fn prop_what_is_signed_verifies(
            body: Vec<u8>, now in 0..LAST_HTTP_DATE, id in "[a-z0-9_]{1,20}", secret in "[a-z]{1,40}",
            algorithm in prop::sample::select(&["hmac_sha1", "hmac_sha256", "hmac_sha512"][..]),
            encoding in prop::sample::select(&["hex", "base64", "base64url"][..]),
            unit in prop::sample::select(&["seconds", "milliseconds", "rfc3339", "http_date"][..]),
        ) {
            let scheme = scheme(&format!(
                r#"algorithm = "{algorithm}"
                   encoding = "{encoding}"
                   content = "{{id}}.{{timestamp}}.{{method}}{{body}}"
                   signature = {{ from = ["header:X-Sig", "query:sig"], separator = "|", prefix = "v1=" }}
                   timestamp = {{ from = "header:X-Sig", separator = "|", prefix = "t=" }}
                   timestamp_unit = "{unit}"
                   id = {{ from = "query:id" }}"#
            ));
            let secret = Secret::new(secret);
            let parts = scheme.sign(&secret, "POST", "", &body, &id, now).unwrap();
            prop_assert!(verified(&scheme, &secret, &parts, &body, now));
            prop_assert!(!verified(&scheme, &Secret::new("OTHER"), &parts, &body, now));
        }
    }

    #[test]
    fn secrets_are_sent_as_they_are_looked_for() {
        let token = scheme(
            r#"algorithm = "token"
            signature = { from = "header:Authorization", prefix = "Bearer " }"#,
        );
        let basic = scheme(
            r#"algorithm = "basic"
            signature = { from = "header:Authorization" }"#,
        );
        for (scheme, secret) in [(token, "s3cret"), (basic.clone(), "user:s3cret"), (basic, "s3cret")] {
            let secret = Secret::new(secret);
            let parts = scheme.sign(&secret, "POST", "", b"", "", 0).unwrap();
            assert!(verified(&scheme, &secret, &parts, b"", 0), "{parts:?}");
        }
    }

    #[test]
    fn in_a_list_every_secret_signs() {
        let listed = |separator: &str| {
            scheme(&format!(
                r#"algorithm = "hmac_sha256"
                content = "{{timestamp}}.{{body}}"
                signature = {{ from = "header:X-Sig", prefix = "v1="{separator} }}
                timestamp = {{ from = "header:X-Time" }}"#
            ))
        };
        let headers = HeaderMap::new();
        let request = Request { method: "POST", url: "", headers: &headers, body: b"{}" };
        for (scheme, both) in [(listed(r#", separator = ",""#), true), (listed(""), false)] {
            let (new, old) = (Secret::new("new"), Secret::new("old"));
            let signers = [&new, &old].map(|secret| scheme.signer(secret).unwrap());
            let parts = scheme.sign_with(&signers, request, "", 1).unwrap();
            assert!(verified(&scheme, &new, &parts, b"{}", 1), "{parts:?}");
            assert_eq!(verified(&scheme, &old, &parts, b"{}", 1), both, "{parts:?}");
        }
    }

    #[test]
    fn a_private_key_signs_what_its_public_key_verifies() {
        let scheme = scheme(
            r#"algorithm = "ed25519"
            content = "{timestamp}{body}"
            key = { encoding = "base64", prefix = "whpk_" }
            signature = { from = "header:X-Signature-Ed25519" }
            timestamp = { from = "header:X-Signature-Timestamp" }"#,
        );
        let key = PrivateKey::new(&PrivateKey::text_of_seed([1; 32]).unwrap()).unwrap();
        let public: SchemeKey = scheme.key(&Secret::new(key.public_key())).unwrap();
        let empty = HeaderMap::new();
        let request = Request { method: "POST", url: "", headers: &empty, body: b"{}" };
        let parts = scheme.sign_with(&[Signer::with_private_key(key)], request, "", 9).unwrap();
        let mut headers = HeaderMap::new();
        for (source, value) in parts {
            let Source::Header(name) = source else { panic!("{source:?}") };
            headers.insert(name, HeaderValue::try_from(value).unwrap());
        }
        let sent = Request { headers: &headers, ..request };
        assert_eq!(scheme.verify(std::slice::from_ref(&public), sent, 9), Ok(()));
        let tampered = Request { body: b"{ }", ..sent };
        assert_eq!(scheme.verify(&[public], tampered, 9), Err(VerifyError::Mismatch));
    }

    #[test]
    fn a_signature_may_stand_in_the_body() {
        let inside = scheme(
            r#"algorithm = "hmac_sha256"
            content = "{timestamp}{body.s.token}"
            signature = { from = "body:s.signature" }
            timestamp = { from = "body:s.timestamp" }"#,
        );
        let secret = Secret::new("key");
        let sign = |body: &[u8]| {
            let body = inside.with_signed_members(body, "t1")?;
            let parts = inside.sign(&secret, "POST", "", &body, "t1", 9)?;
            put_in_body(&body, &parts)
        };
        let body = sign(br#"{"event":{"id":1}}"#).unwrap();
        assert!(verified(&inside, &secret, &[], &body, 9), "{}", String::from_utf8_lossy(&body));
        assert!(!verified(&inside, &Secret::new("other"), &[], &body, 9));
        for no_place in [&b"[]"[..], b"{\"s\":7}", b"text"] {
            assert_eq!(sign(no_place), Err(SignError::InBody));
        }
    }

    #[test]
    fn what_only_the_sender_can_do_is_said() {
        let sign =
            |text: &str, secret: &str| scheme(text).sign(&Secret::new(secret), "POST", "", b"{}", "", 0);
        let public = r#"algorithm = "ed25519"
            key = { encoding = "hex" }
            signature = { from = "header:X-Sig" }"#;
        assert_eq!(sign(public, &"00".repeat(32)), Err(SignError::PublicKey));
        assert_eq!(sign(public, "key"), Err(SignError::Key(KeyError::Malformed)));
        let inside = r#"algorithm = "hmac_sha256"
            signature = { from = "body:signature" }"#;
        assert_eq!(sign(inside, "key"), Err(SignError::InBody));
        let in_a_form = inside.replace("body:", "form:").replace("hmac_sha256", "token");
        assert_eq!(sign(&in_a_form, "key"), Err(SignError::InBody));
        let late = r#"algorithm = "hmac_sha256"
            content = "{timestamp}{body}"
            timestamp = { from = "header:X-Time" }
            signature = { from = "header:X-Sig" }"#;
        assert_eq!(scheme(late).sign(&Secret::new("k"), "POST", "", b"", "", -1), Err(SignError::Time));
    }
}
