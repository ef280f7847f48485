//! What a receiver answers, and when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::ReceivedRequest;

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is answered at once.
    Answer(Answer),
    /// It is answered after that long.
    Delayed(Duration, Answer),
    /// It is never answered, and the connection stays open.
    Hang,
    /// The connection is closed without an answer (on HTTP/2 the stream is reset).
    Disconnect,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        Reply::Answer(answer)
    }
}

impl From<StatusCode> for Reply {
    fn from(status: StatusCode) -> Reply {
        Reply::Answer(Answer::new(status))
    }
}

/// An HTTP response.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// One with that status and an empty body.
    pub fn new(status: StatusCode) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// 200 with an empty JSON object: what a friendly destination says.
    pub fn ok() -> Answer {
        Answer::new(StatusCode::OK)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body("{}")
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Answer {
        self.headers.append(name, value);
        self
    }

    /// The same with that body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Answer {
        self.body = body.into();
        self
    }
}

/// The function behind a [`Behaviour`].
type Decide = dyn Fn(&ReceivedRequest, usize) -> Reply + Send + Sync;

/// Decides what happens to each request of a path, given the request and how many came before it.
///
/// Any closure of that form is one.
#[derive(Clone)]
pub struct Behaviour(Arc<Decide>);

impl Behaviour {
    pub(super) fn reply(&self, request: &ReceivedRequest, nth: usize) -> Reply {
        (self.0)(request, nth)
    }
}

impl<F> From<F> for Behaviour
where
    F: Fn(&ReceivedRequest, usize) -> Reply + Send + Sync + 'static,
{
    fn from(decide: F) -> Behaviour {
        Behaviour(Arc::new(decide))
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Behaviour")
    }
}

/// The same for every request.
pub fn always(reply: impl Into<Reply>) -> Behaviour {
    let reply = reply.into();
    Behaviour::from(move |_: &ReceivedRequest, _| reply.clone())
}

/// `failure` for the first `times` requests, then [`Answer::ok`].
pub fn fail_first(times: usize, failure: impl Into<Reply>) -> Behaviour {
    let failure = failure.into();
    Behaviour::from(
        move |_: &ReceivedRequest, nth| {
            if nth < times { failure.clone() } else { Answer::ok().into() }
        },
    )
}
