//! What goes wrong, as RFC 9457 `application/problem+json`.
//!
//! Each problem has a [`Code`]: stable, explained at `/docs/errors`, and what a client may act upon; its texts may change.

use axum::response::{IntoResponse, Response};
use domain::log::FieldError;
use engine::RunError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

/// The media type of problems (RFC 9457, section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";
/// When to come again if the database is away, in seconds: about what a restart of it takes.
const RETRY_AFTER_SECONDS: &str = "5";

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:ident, $title:literal, $help:literal;)+) => {
        /// What kind of thing went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// All of them, in the order in which `/docs/errors` shows them.
            pub const ALL: &[Code] = &[$(Code::$variant),+];

            /// The stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text),+ }
            }

            /// The status of its answers.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$variant => StatusCode::$status),+ }
            }

            /// What went wrong, whatever the occasion.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),+ }
            }

            /// What to do about it.
            pub fn help(self) -> &'static str {
                match self { $(Code::$variant => $help),+ }
            }
        }
    };
}

codes! {
    /// The body is no JSON.
    MalformedJson = "malformed-json", BAD_REQUEST, "The body is not valid JSON",
        "The detail names the line and the column at which reading ended. Send one JSON document in UTF-8.";
    /// The body has members that nothing is known of.
    UnknownFields = "unknown-fields", BAD_REQUEST, "The body has unknown fields",
        "The errors name them. Remove them, or mend their spelling: a field that is not known is refused, so that a typo never passes silently.";
    /// A parameter of the query is not known or not valid.
    InvalidQuery = "invalid-query", BAD_REQUEST, "The query is not valid",
        "The errors name the parameters. A cursor is only valid as it was received, for the same list.";
    /// A header is not valid.
    InvalidHeader = "invalid-header", BAD_REQUEST, "A header is not valid",
        "The errors name it.";
    /// The body could not be read to its end.
    BodyUnreadable = "body-unreadable", BAD_REQUEST, "The body could not be read",
        "The connection broke, or the body's framing is wrong. Send the request again.";
    /// No key, or not a valid one.
    Unauthorized = "unauthorized", UNAUTHORIZED, "An API key is needed",
        "Send `Authorization: Bearer <api key>` with a key that has not been revoked. `ccsp-mailer api-key create` makes one.";
    /// Another password, or nobody of that address.
    LogInFailed = "log-in-failed", UNAUTHORIZED, "The email address or the password is wrong",
        "Try again. Who has forgotten the password asks an owner for a link to choose another one; `ccsp-mailer user link` makes one on the server.";
    /// A link was used, or is too old.
    LinkExpired = "link-expired", GONE, "The link is not good any more",
        "A link is good once, and for a while. `ccsp-mailer user link` makes another one; the link for the first user is printed when the server starts.";
    /// The token against forged requests is missing.
    CsrfTokenNeeded = "csrf-token-needed", FORBIDDEN, "The CSRF token is missing or wrong",
        "A change that is asked for by a session needs the header `X-CSRF-Token` with the `csrf_token` of `GET /session`: load the page again.";
    /// The key's scope does not reach.
    Forbidden = "forbidden", FORBIDDEN, "The API key may not do this",
        "The detail names the scope that is needed. Use a key that has it: `admin` includes `write`, and `write` includes `read`.";
    /// Over plain HTTP.
    HttpsRequired = "https-required", FORBIDDEN, "HTTPS is needed",
        "The server's public URL is https, and this request came over plain HTTP, where others can read its secrets: replace the key that was sent. Use the https address. Behind a proxy that ends TLS, name the proxy in `--trusted-proxies` and have it set `X-Forwarded-Proto`, or start the server with `--allow-http`.";
    /// Nothing there.
    NotFound = "not-found", NOT_FOUND, "Not found",
        "There is nothing at this address, or no longer.";
    /// Not with this method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed here",
        "The header `Allow` names the methods that are.";
    /// The body took too long.
    BodyTimeout = "body-timeout", REQUEST_TIMEOUT, "The body did not arrive in time",
        "Send the request again, over a faster connection or with a smaller body.";
    /// Something like it is there already, or something else depends on it.
    Conflict = "conflict", CONFLICT, "The request is at odds with what is stored",
        "The detail says with what.";
    /// It is another one than the caller has seen.
    ChangedMeanwhile = "changed-meanwhile", PRECONDITION_FAILED, "It was changed meanwhile",
        "Someone changed it after you had read it. Read it again, and send the change with its new `ETag` in `If-Match`. Without `If-Match` a change is made whatever is there.";
    /// The body is too large.
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "The detail names the limit. Send less at once.";
    /// The body is of another kind.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body must be JSON",
        "Send `Content-Type: application/json`.";
    /// The body's values are not what they must be.
    InvalidBody = "invalid-body", UNPROCESSABLE_ENTITY, "The body is not valid",
        "The errors name every field at fault, by its path, and say what would be right.";
    /// The key of another request.
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request",
        "Use a new `Idempotency-Key` for each new request, and the same one only to repeat a request unchanged.";
    /// Too often.
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "That was too often",
        "Come again after the seconds that `Retry-After` names.";
    /// A defect or a broken database.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here",
        "The server's log says what. Nothing was changed.";
    /// The database is away.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The server can't do this at the moment",
        "Nothing was changed. Come again after the seconds that `Retry-After` names.";
}

/// Something that went wrong, ready to be answered.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    header: Option<(&'static str, &'static str)>,
}

/// A problem as it goes over the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Names the kind of problem, and is the address of its explanation.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/docs/errors#invalid-body")]
    kind: String,
    /// The kind of problem, in words.
    #[schema(example = "The body is not valid")]
    title: &'a str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    status: u16,
    /// What went wrong this time.
    detail: &'a str,
    /// Every field, parameter or header at fault.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem of this kind, and what went wrong this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), header: None }
    }

    /// A problem with fields, parameters or headers.
    pub fn with_errors(code: Code, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => code.title().to_owned(),
            [one] if one.field.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} faults, see errors", many.len()),
        };
        Self { errors, ..Self::new(code, detail) }
    }

    /// One field of the body at fault.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), message: message.into() };
        Self::with_errors(Code::InvalidBody, vec![error])
    }

    /// There is no such thing: `what` with its article, such as "a list".
    pub fn no_such(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is not {what} with this id"))
    }

    /// A defect of the program. `cause` goes to the log, and only there.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %chain(cause), "a request failed");
        Self::new(Code::Internal, "The server's log says what.")
    }

    /// What kind it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The same, with a header in its answer; its name in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if !error.is_passing() {
            return Self::internal(&error);
        }
        tracing::warn!(error = %chain(&error), "the database is not available to a request");
        Self::new(Code::Unavailable, "The database is not available.")
            .with_header("retry-after", RETRY_AFTER_SECONDS)
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Script(_) => {
                tracing::warn!(error = %chain(&error), "a script could not be run for a request");
                Self::new(Code::Unavailable, "Scripts can't be run at this moment.")
                    .with_header("retry-after", RETRY_AFTER_SECONDS)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            kind: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.title(),
            status: status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        // A struct of texts and numbers always has a JSON form.
        let body = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// An error with everything behind it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_of_the_form_of_an_anchor() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_passing_failure_asks_to_come_again_and_another_says_nothing_of_itself() {
        let passing = Problem::from(StoreError::Conflict).into_response();
        assert_eq!(passing.status(), 503);
        assert_eq!(passing.headers()["retry-after"], "5");
        let lasting = Problem::from(StoreError::Database("relation secret_table is gone".into()));
        assert!(!lasting.detail.contains("secret"));
        assert_eq!(lasting.into_response().status(), 500);
    }
}
