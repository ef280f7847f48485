//! HTTP/1.1 by hand: bytes out, bytes in, so that a request can be as wrong as it likes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of ours takes nearly as long.
const LIMIT: Duration = Duration::from_secs(20);

/// An answer, as far as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Sends bytes on a connection of their own, and gives what comes back, if anything does. With `half_close` the sender is done
/// after the bytes, and says so: a server that waits for more sees that there is none.
pub async fn exchange(address: SocketAddr, bytes: &[u8], half_close: bool) -> Option<Answer> {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let bytes = bytes.to_vec();
    // Beside the reading, for an answer may come before everything is sent.
    let writing = tokio::spawn(async move {
        // A server that refuses early may not take the rest.
        let _ = to.write_all(&bytes).await;
        if half_close {
            let _ = to.shutdown().await;
        }
        to
    });
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(LIMIT, from.read_to_end(&mut answer)).await;
    writing.abort();
    ended.ok()?.ok().or((!answer.is_empty()).then_some(0))?;
    parse(&answer)
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(Answer { status, body: bytes[end + 4..].to_vec() })
}
