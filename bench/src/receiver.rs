//! The receiver of deliveries, as a process of its own: counts, and measures how long each took from its request to here.
//!
//! `POST /hang` is a destination that never answers. `GET /report` gives and resets what was measured: the number of
//! deliveries, and percentiles of their lag in microseconds.

use std::sync::Arc;

use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::{bare, clock};

/// What the payload names the moment of its request, in microseconds since the Unix epoch.
pub const SENT_AT: &str = "\"sent_at\":";

type Lags = Arc<Mutex<Histogram<u64>>>;

/// Runs it until the process is killed.
pub async fn run() -> anyhow::Result<()> {
    let lags: Lags = Arc::new(Mutex::new(clock::histogram()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    bare::announce(&listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let lags = lags.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, lags.clone()));
            // A connection that breaks is the sender's business.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, lags: Lags) -> hyper::Result<Response<Full<Bytes>>> {
    if request.method() == Method::GET {
        return Ok(Response::new(Full::from(report(&mut lags.lock()))));
    }
    let hangs = request.uri().path() == "/hang";
    let body = request.into_body().collect().await?.to_bytes();
    if hangs {
        std::future::pending::<()>().await;
    }
    if let Some(sent) = sent_at(&body) {
        lags.lock().saturating_record(clock::micros().saturating_sub(sent));
    }
    Ok(Response::new(Full::from("{}")))
}

fn sent_at(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(SENT_AT)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

fn report(lags: &mut Histogram<u64>) -> String {
    let (p50, p99) = (lags.value_at_quantile(0.5), lags.value_at_quantile(0.99));
    let text = format!(r#"{{"count":{},"p50_us":{p50},"p99_us":{p99}}}"#, lags.len());
    lags.reset();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_moment_in_a_payload() {
        assert_eq!(sent_at(br#"{"data":{"custom_fields":{"sent_at":123456,"x":1}}}"#), Some(123_456));
        assert_eq!(sent_at(b"{}"), None);
        assert_eq!(sent_at(b"\xff"), None);
    }
}
