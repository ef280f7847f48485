//! What handlers take out of a request: parsed and checked at the edge, and a [`Problem`] if it is not right.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use bytes::Bytes;
use domain::log::FieldError;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Api;
use crate::once::OnceRequest;
use crate::problem::{Code, Problem};
use crate::schema::Faults;

/// How long the body of a request may take to arrive: a mebibyte over a slow mobile connection takes 20 s.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A body that a handler takes, described in the OpenAPI document under the name of its schema.
pub trait Input: ToSchema + DeserializeOwned + Send {
    /// Everything that is wrong with it, beyond what its schema says.
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// Members that are one value each, such as a template: a merge patch replaces them as a whole, with what is `null` in them.
    const VALUES: &[&str] = &[];

    /// Takes out of the settings as they are what a merge patch is to replace, although it does not name it.
    fn make_way(_current: &mut Value, _patch: &Value) {}
}

/// How long a file may take to arrive: 16 MiB over a slow line at home.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// A JSON body.
pub struct Body<T>(pub T);

/// The JSON body of a POST that creates or publishes, and the `Idempotency-Key` that came with it.
pub struct Create<T> {
    /// The body.
    pub input: T,
    /// For [`Api::write_once`] and [`Api::execute_once`].
    pub once: Option<OnceRequest>,
}

/// A JSON merge patch (RFC 7396) of a resource whose settings are a `T`. Its handler describes its body as a `T`: the
/// document gets the schema of the patch from that.
pub struct Patch<T> {
    patch: Value,
    whole: std::marker::PhantomData<T>,
}

impl<T: Input> FromRequest<Api> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (_, bytes) = json_body(request, api).await?;
        Ok(Self(whole(api, parse(&bytes)?)?))
    }
}

impl<T: Input> FromRequest<Api> for Create<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, bytes) = json_body(request, api).await?;
        let once = OnceRequest::new(&parts, &bytes)?;
        Ok(Self { input: whole(api, parse(&bytes)?)?, once })
    }
}

impl<T: Input> FromRequest<Api> for Patch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (_, bytes) = json_body(request, api).await?;
        let patch = parse(&bytes)?;
        let faults = api.document().patch(&T::name())?.check(&patch);
        // What is wrong with values shows in the whole as well, beside what is missing there.
        if !faults.unknown.is_empty() || !patch.is_object() {
            refuse(faults)?;
        }
        Ok(Self { patch, whole: std::marker::PhantomData })
    }
}

impl<T: Input + serde::Serialize> Patch<T> {
    /// The settings as they are to become.
    ///
    /// # Errors
    /// If they would not be valid as a whole.
    pub fn merged_onto(&self, api: &Api, current: &T) -> Result<T, Problem> {
        let mut merged = serde_json::to_value(current).map_err(|error| Problem::internal(&error))?;
        T::make_way(&mut merged, &self.patch);
        merge(&mut merged, &self.patch);
        for name in T::VALUES {
            if let Some(value) = self.patch.get(name).filter(|value| !value.is_null()) {
                merged[name] = value.clone();
            }
        }
        let merged: T = read(api, merged)?;
        let mut errors = merged.check();
        if !errors.is_empty() {
            // What was taken by an earlier version stays as it is until it is changed: to pause it, it need not be mended.
            let known = current.check();
            errors.retain(|error| !known.contains(error));
        }
        checked(merged, errors)
    }
}

/// Tells `null` from what is not there, as in a patch: with `#[serde(default, deserialize_with = "present")]`.
///
/// # Errors
/// If what is there is none of it.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.shift_remove(name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

/// Checks a value, and reads it.
fn whole<T: Input>(api: &Api, value: Value) -> Result<T, Problem> {
    let input: T = read(api, value)?;
    let errors = input.check();
    checked(input, errors)
}

/// Checks a value against its schema, and reads it. What the schema can't say is not checked.
fn read<T: Input>(api: &Api, value: Value) -> Result<T, Problem> {
    refuse(api.document().body(&T::name())?.check(&value))?;
    deserialize(value)
}

fn checked<T>(input: T, errors: Vec<FieldError>) -> Result<T, Problem> {
    if errors.is_empty() { Ok(input) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}

/// What fits its schema, with the meaning that the schema can't say, such as the number of steps of a path.
fn deserialize<T: DeserializeOwned>(mut value: Value) -> Result<T, Problem> {
    if let Ok(input) = T::deserialize(&value) {
        return Ok(input);
    }
    // To JSON 7.0 is the whole number 7, to serde it is not.
    whole_numbers(&mut value);
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string().replace('[', ".").replace(']', "");
        Problem::field(path.trim_start_matches('.'), error.inner().to_string())
    })
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let whole = text.strip_suffix(".0").and_then(|whole| whole.parse::<i64>().ok());
            if let Some(whole) = whole {
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

fn refuse(faults: Faults) -> Result<(), Problem> {
    if faults.is_empty() {
        return Ok(());
    }
    let code = if faults.unknown.is_empty() { Code::InvalidBody } else { Code::UnknownFields };
    Err(Problem::with_errors(code, faults.into_all()))
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(Code::MalformedJson, "The body is empty."));
    }
    // serde_json names the line and the column.
    serde_json::from_slice(bytes).map_err(|error| Problem::new(Code::MalformedJson, error.to_string()))
}

async fn json_body(request: Request, api: &Api) -> Result<(Parts, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let detail = "The header Content-Type must be application/json.";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    match read_body(&parts.headers, body, api.max_body()).await {
        Ok(bytes) => Ok((parts, bytes)),
        Err(refusal) => Err(Problem::new(refusal.code(), refusal.message(api.max_body()))),
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRefusal {
    /// It has more bytes than allowed.
    TooLarge,
    /// It did not arrive in its time.
    TooSlow,
    /// The connection broke, or its framing is wrong.
    Broken,
}

impl BodyRefusal {
    /// The problem that it is.
    pub fn code(self) -> Code {
        match self {
            Self::TooLarge => Code::BodyTooLarge,
            Self::TooSlow => Code::BodyTimeout,
            Self::Broken => Code::BodyUnreadable,
        }
    }

    /// The status of its answer.
    pub fn status(self) -> StatusCode {
        self.code().status()
    }

    /// In words.
    pub fn message(self, max_body: usize) -> String {
        match self {
            Self::TooLarge => format!("The body has more than {max_body} bytes"),
            Self::TooSlow => "The body did not arrive in time".to_owned(),
            Self::Broken => "The body could not be read to its end".to_owned(),
        }
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// Why it was not read.
pub async fn read_body(
    headers: &HeaderMap,
    body: axum::body::Body,
    limit: usize,
) -> Result<Bytes, BodyRefusal> {
    read_body_within(headers, body, limit, BODY_TIMEOUT).await
}

/// The same within a time of its own.
///
/// # Errors
/// Why it was not read.
pub async fn read_body_within(
    headers: &HeaderMap,
    body: axum::body::Body,
    limit: usize,
    time: Duration,
) -> Result<Bytes, BodyRefusal> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(BodyRefusal::TooLarge);
    }
    match tokio::time::timeout(time, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyRefusal::TooLarge),
        Ok(Err(_)) => Err(BodyRefusal::Broken),
        Err(_) => Err(BodyRefusal::TooSlow),
    }
}

/// `application/json`, and types that end in `+json` (RFC 6839), such as that of a merge patch.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The parameters of the query, as the document describes them for the operation. Several of these may share one query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let values = query(parts, api)?;
        let query = serde_path_to_error::deserialize(values).map_err(|error| {
            let fault = FieldError { field: error.path().to_string(), message: error.inner().to_string() };
            Problem::with_errors(Code::InvalidQuery, vec![fault])
        })?;
        Ok(Self(query))
    }
}

/// What the document says that the query of this operation may hold.
///
/// # Errors
/// If it holds something else.
pub fn query(parts: &Parts, api: &Api) -> Result<Value, Problem> {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    api.document().query(&parts.method, path)?.read(parts.uri.query().unwrap_or_default())
}

/// The parameters of the path. One that is not of its form names nothing, so it is not found.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let parsed: Result<_, PathRejection> = axum::extract::Path::from_request_parts(parts, api).await;
        parsed.map(|axum::extract::Path(value)| Self(value)).map_err(|_| {
            Problem::new(
                Code::NotFound,
                "An id in the path does not have the form of one, so it names nothing.",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn merges_as_the_rfc_says() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, expected, "{target} {patch}");
        }
    }

    #[test]
    fn json_is_told_by_its_media_type() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            is_json(&headers)
        };
        assert!(
            of("application/json")
                && of("Application/JSON; charset=utf-8")
                && of("application/merge-patch+json")
        );
        assert!(
            !of("text/plain")
                && !of("application/jsonx")
                && !of("text/x+json")
                && !is_json(&HeaderMap::new())
        );
    }
}
