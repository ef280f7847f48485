//! Versions of resources: `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1). Who sends the version that they have
//! read does not overwrite what someone else has changed since.

use std::convert::Infallible;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::problem::{Code, Problem};

/// The version of a resource: what it holds, as a short text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// That of a resource which holds this. Whatever differs between callers, such as masked secrets, has no place in it.
    pub fn of(held: &impl Serialize) -> Self {
        // Texts and numbers always have a JSON form.
        let text = serde_json::to_vec(held).unwrap_or_default();
        let hash: [u8; 32] = Sha256::digest(text).into();
        let short = hash.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Self(format!("{short:032x}"))
    }
}

/// A resource that is answered with its version.
pub struct Versioned<T>(pub Version, pub T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let Self(Version(version), body) = self;
        let mut response = Json(body).into_response();
        if let Ok(value) = HeaderValue::try_from(format!("\"{version}\"")) {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

/// The versions for which a change is meant; without any, whatever is there.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// Changes it only if it is still as its `ETag` said; if not, the answer is 412.
    #[param(rename = "If-Match", required = false, value_type = String, max_length = 1000, example = "\"5f2b6c\"")]
    versions: Option<String>,
}

impl IfMatch {
    /// Whether a change is meant for a certain version.
    pub fn is_given(&self) -> bool {
        self.versions.is_some()
    }

    /// Goes on if the change is meant for this version.
    ///
    /// # Errors
    /// If it is meant for another one.
    pub fn check(&self, current: &Version) -> Result<(), Problem> {
        let Some(versions) = &self.versions else { return Ok(()) };
        // Proxies that compress mark an ETag as weak, or add to it; it is our version all the same.
        if versions.trim() == "*" || versions.contains(&current.0) {
            Ok(())
        } else {
            Err(changed_meanwhile())
        }
    }
}

/// What is answered if the resource is another one than the caller has seen.
pub fn changed_meanwhile() -> Problem {
    let detail = "It was changed since you read it: read it again, and send the change with its new ETag in If-Match. \
                  Without If-Match the change is made whatever is there.";
    Problem::new(Code::ChangedMeanwhile, detail)
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let given: Vec<_> = parts.headers.get_all(header::IF_MATCH).iter().collect();
        // What is not text names no version.
        let text = |value: &&HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let versions = (!given.is_empty()).then(|| given.iter().map(text).collect::<Vec<_>>().join(","));
        Ok(Self { versions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_made_to_what_was_read() {
        let (read, other) = (Version::of(&("a", 1)), Version::of(&("a", 2)));
        assert_ne!(read, other);
        let given = |text: &str| IfMatch { versions: Some(text.replace("$", &read.0)) };
        for right in ["\"$\"", "\"x\", \"$\"", "W/\"$\"", "\"$-gzip\"", "*"] {
            assert!(given(right).check(&read).is_ok(), "{right}");
        }
        for wrong in ["\"$\"", "", "\"x\""] {
            assert_eq!(given(wrong).check(&other).unwrap_err().code(), Code::ChangedMeanwhile, "{wrong}");
        }
        assert!(IfMatch::default().check(&other).is_ok());
    }
}
