//! Saying that a connection ends because a body was not read.
//!
//! Who is answered before everything was read, as with a body that is too large, can't send another request on this connection:
//! what follows in it is the rest of that body. HTTP/1.1 has the answer say so (RFC 9112, section 9.6); otherwise a client that keeps
//! connections would send its next request into one that is being closed, and lose it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::response::Response;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Version};
use tower::ServiceExt;

/// A body that tells whether it was read to its end.
struct Watched<B> {
    body: B,
    is_read: Arc<AtomicBool>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Has a request answered, and the answer say so if the connection ends with it.
pub async fn answer(router: axum::Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    // Streams of HTTP/2 end by themselves.
    let shares_connection = request.version() <= Version::HTTP_11 && !request.body().is_end_stream();
    if !shares_connection {
        return router.oneshot(request).await;
    }
    let is_read = Arc::new(AtomicBool::new(false));
    let watched = is_read.clone();
    let mut response = router.oneshot(request.map(|body| Watched { body, is_read: watched })).await?;
    if !is_read.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
