//! The server of a receiver: connections, and one request after the other.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::bail;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Answer, ReceivedRequest, Reply, Shared};

/// Far more than a delivery can be (1 MiB in, little added), yet no runaway sender fills the memory of the test.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Accepts connections until it is aborted, which ends the connections too.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        // A client that went away before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else { continue };
        shared.connections.fetch_add(1, Ordering::AcqRel);
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Otherwise a small answer may wait for the client's acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    // It ends with an error whenever a client hangs up or a reply is `Disconnect`.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// An error here makes hyper drop the connection without an answer.
async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> anyhow::Result<Response<Full<Bytes>>> {
    match shared.record(read(request).await?) {
        Reply::Answer(answer) => Ok(response(answer)),
        Reply::Delayed(delay, answer) => {
            tokio::time::sleep(delay).await;
            Ok(response(answer))
        }
        Reply::Hang => pending::<Result<_, Infallible>>().await.map_err(Into::into),
        Reply::Disconnect => bail!("told to disconnect"),
    }
}

#[expect(clippy::disallowed_methods, reason = "latencies are measured in real time")]
async fn read(request: Request<Incoming>) -> anyhow::Result<ReceivedRequest> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(anyhow::Error::from_boxed)?;
    Ok(ReceivedRequest {
        version: head.version,
        method: head.method,
        path_and_query: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers,
        body: body.to_bytes(),
        arrived: Instant::now(),
    })
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}
