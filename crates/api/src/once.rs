//! `Idempotency-Key`: the same POST twice is carried out once, and answered twice.
//!
//! The answer is kept in the transaction that the POST causes (`store::once`), sealed by the engine, and belongs to the
//! API key that sent it. It is looked up there too, and before a refusal goes out.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::log::FieldError;
use engine::{Command, Executed, Snapshot};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::once::{OnceKey, OnceOutcome};
use store::{StoreError, Work};

use crate::Api;
use crate::api::STALE_TRIES;
use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// The header that names a POST.
pub const HEADER: &str = "idempotency-key";
/// The header of an answer that is given again.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";
/// How long an answer is kept: a client that has not got through for a day starts anew.
const KEPT_MILLIS: i64 = 24 * 3_600 * 1_000;
/// The most characters of a key.
const MAX_KEY_CHARS: usize = 255;

/// A POST that is to be carried out once.
#[derive(Clone, Debug)]
pub struct OnceRequest {
    key: String,
    fingerprint: Vec<u8>,
}

impl OnceRequest {
    /// From the request, if it has the header.
    ///
    /// # Errors
    /// If the header has not the form of a key.
    pub fn new(parts: &Parts, body: &Bytes) -> Result<Option<Self>, Problem> {
        let Some(key) = key(&parts.headers)? else { return Ok(None) };
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let mut hash = Sha256::new();
        // Neither a method nor a target contains a line feed, so no two requests have the same text.
        for part in [parts.method.as_str().as_bytes(), b"\n", target.as_bytes(), b"\n", body] {
            hash.update(part);
        }
        let request = Self { key, fingerprint: hash.finalize().to_vec() };
        if let Some(asked) = parts.extensions.get::<Arc<Asked>>() {
            let _ = asked.request.set(request.clone());
        }
        Ok(Some(request))
    }

    /// As the store knows it: what the caller names so is the caller's alone.
    pub(crate) fn of<R>(self, caller: &Caller<R>, api: &Api) -> OnceKey {
        self.by(caller.id(), api)
    }

    fn by(self, caller: &str, api: &Api) -> OnceKey {
        OnceKey {
            scope: caller.to_owned(),
            key: self.key,
            fingerprint: self.fingerprint,
            expires_at: api.engine().now().plus_millis(KEPT_MILLIS),
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if visible && (1..=MAX_KEY_CHARS).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            let message = format!("must be 1 to {MAX_KEY_CHARS} visible ASCII characters");
            let error = FieldError { field: "Idempotency-Key".to_owned(), message };
            Err(Problem::with_errors(Code::InvalidHeader, vec![error]))
        }
    }
}

/// What a request with a key turns out to be, while it is on its way to its handler.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    caller: OnceLock<String>,
    request: OnceLock<OnceRequest>,
}

impl Asked {
    /// Notes who sends it, once they have proved it.
    pub(crate) fn by(parts: &Parts, caller: &str) {
        if let Some(asked) = parts.extensions.get::<Arc<Self>>() {
            let _ = asked.caller.set(caller.to_owned());
        }
    }

    async fn answer(&self, api: &Api) -> Result<Option<Answer>, StoreError> {
        let (Some(caller), Some(request)) = (self.caller.get(), self.request.get()) else { return Ok(None) };
        let kept = api.engine().kept(request.clone().by(caller, api)).await?;
        // What the log's `resend` keeps has a form of its own.
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()))
    }
}

/// Answers a POST that was carried out before with its answer also where a handler refuses it before its transaction: what it
/// made is there already, or what it was for is gone since.
pub async fn replay(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    if !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    let asked = Arc::<Asked>::default();
    request.extensions_mut().insert(asked.clone());
    let response = next.run(request).await;
    if !response.status().is_client_error() {
        return response;
    }
    match asked.answer(&api).await {
        Ok(None) => response,
        Ok(Some(answer)) => replayed(answer),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// A successful answer, in a form that can be kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Answer {
    /// 201, with the path of the new thing, if it has one, and what it is.
    ///
    /// # Errors
    /// Never for what has a JSON form.
    pub fn created(location: Option<String>, body: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::CREATED, location, body)
    }

    /// An answer of this status.
    ///
    /// # Errors
    /// Never for what has a JSON form.
    pub fn new(status: StatusCode, location: Option<String>, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| Problem::internal(&error))?;
        Ok(Self { status: status.as_u16(), location, body })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl Api {
    /// Runs a transaction that creates something, once for each `Idempotency-Key`. `answer` turns its outcome into what
    /// the caller gets; a [`Problem`] is not kept, so the POST may be tried again under the same key: it must mean that
    /// nothing was changed.
    ///
    /// # Errors
    /// That of `answer`, those of the database, and a key that was used for another request.
    pub async fn write_once<R, W: Work<Output: Sync>>(
        &self,
        caller: &Caller<R>,
        once: Option<OnceRequest>,
        work: W,
        answer: impl Fn(&W::Output) -> Result<Answer, Problem> + Send + Sync + 'static,
    ) -> Result<Response, Problem> {
        let answer = Arc::new(answer);
        let outcome = self.written(once.map(|once| once.of(caller, self)), work, answer.clone()).await?;
        respond(outcome, &*answer)
    }

    /// The same for what is decided by the configuration, and decided again if that has changed meanwhile.
    ///
    /// # Errors
    /// That of `decide`, those of the database, and a key that was used for another request.
    pub async fn decide_once<R, W: Work<Output: Sync>>(
        &self,
        caller: &Caller<R>,
        once: Option<OnceRequest>,
        decide: impl Fn(&Snapshot) -> Result<(W, Answer), Problem>,
    ) -> Result<Response, Problem> {
        let once = once.map(|once| once.of(caller, self));
        for _ in 0..STALE_TRIES {
            let (work, answer) = decide(&*self.configuration().await?)?;
            let answer = Arc::new(move |_: &W::Output| Ok(answer.clone()));
            match self.written(once.clone(), work, answer.clone()).await {
                Err(StoreError::StaleConfig) => {}
                outcome => return respond(outcome?, &*answer),
            }
        }
        Err(StoreError::StaleConfig.into())
    }

    /// [`Api::write_once`] for a command to the engine.
    ///
    /// # Errors
    /// The same.
    pub async fn execute_once<R>(
        &self,
        caller: &Caller<R>,
        once: Option<OnceRequest>,
        command: Command,
        answer: impl Fn(&Executed) -> Result<Answer, Problem> + Send + Sync + 'static,
    ) -> Result<Response, Problem> {
        let Some(once) = once else {
            let executed = self.engine().execute(command).await?;
            return answer(&executed).map(IntoResponse::into_response);
        };
        let answer = Arc::new(answer);
        let outcome =
            self.engine().execute_once(command, once.of(caller, self), kept(answer.clone())).await?;
        respond(outcome, &*answer)
    }

    async fn written<W: Work<Output: Sync>>(
        &self,
        key: Option<OnceKey>,
        work: W,
        answer: Arc<impl Fn(&W::Output) -> Result<Answer, Problem> + Send + Sync + 'static>,
    ) -> Result<OnceOutcome<W::Output>, StoreError> {
        match key {
            Some(key) => self.engine().write_once(work, key, kept(answer)).await,
            None => self.engine().write(work).await.map(OnceOutcome::First),
        }
    }
}

/// From the outcome to the answer to keep, if there is one to keep.
fn kept<O>(
    answer: Arc<impl Fn(&O) -> Result<Answer, Problem> + Send + Sync + 'static>,
) -> impl Fn(&O) -> Option<Vec<u8>> + Send + Sync + 'static {
    move |output| serde_json::to_vec(&answer(output).ok()?).ok()
}

fn respond<O>(
    outcome: OnceOutcome<O>,
    answer: &impl Fn(&O) -> Result<Answer, Problem>,
) -> Result<Response, Problem> {
    match outcome {
        OnceOutcome::First(output) => answer(&output).map(IntoResponse::into_response),
        OnceOutcome::Again(kept) => {
            let answer: Answer = serde_json::from_slice(&kept).map_err(|error| Problem::internal(&error))?;
            Ok(replayed(answer))
        }
        OnceOutcome::Mismatch => Err(reused()),
    }
}

/// An answer that was given before.
pub(crate) fn replayed(answer: impl IntoResponse) -> Response {
    ([(REPLAYED_HEADER, "true")], answer).into_response()
}

/// What says that the key came with another request.
pub(crate) fn reused() -> Problem {
    let detail = "This Idempotency-Key came with another request within the last 24 hours.";
    Problem::new(Code::IdempotencyKeyReused, detail)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn once(target: &str, key: &[u8], body: &'static str) -> Result<Option<OnceRequest>, Problem> {
        let value = HeaderValue::from_bytes(key).unwrap();
        let request = Request::post(target).header(HEADER, value).body(()).unwrap();
        OnceRequest::new(&request.into_parts().0, &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert_eq!(once("/a", b"k-1", "").unwrap().unwrap().key, "k-1");
        for wrong in ["", "a b", "é", &"k".repeat(256)] {
            let problem = once("/a", wrong.as_bytes(), "").unwrap_err();
            assert_eq!(problem.code(), Code::InvalidHeader, "{wrong}");
        }
    }

    #[test]
    fn another_path_or_body_is_another_request() {
        let print = |target, body| once(target, b"k", body).unwrap().unwrap().fingerprint;
        assert_eq!(print("/a", "{}"), print("/a", "{}"));
        assert_ne!(print("/a", "{}"), print("/b", "{}"));
        assert_ne!(print("/a", "{}"), print("/a", "[]"));
        assert_ne!(print("/a", "x"), print("/a?x", ""));
    }
}
