//! Closing a connection so that its last answer arrives.
//!
//! A server may answer before it has read everything, as it does a body that is too large. If it closed the connection then,
//! the system would reset it for the bytes that nobody read, and the reset may overtake the answer. So it only says that it
//! sends no more, and reads on for a while, into nothing: RFC 9112, section 9.6.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What is read at once.
const CHUNK: usize = 16 * 1024;

/// A connection that is closed in stages.
pub struct Lingering<S> {
    stream: S,
    patience: Duration,
    /// There once the sending side is closed.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    /// Of this connection. After its last answer the client may go on sending for as long as `patience`.
    pub fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, deadline: None }
    }
}

impl<S: AsyncRead + Unpin> Lingering<S> {
    /// Reads into nothing until the client is done as well, or the time is up.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        loop {
            if deadline.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut chunk = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut chunk);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk)) {
                Ok(()) if !chunk.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deadline.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        self.poll_drain(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn reads_on_until_the_client_is_done() {
        let (mut client, server) = duplex(64);
        let closing = tokio::spawn(async move {
            let mut server = Lingering::new(server, Duration::from_secs(60));
            server.write_all(b"too much").await.unwrap();
            server.shutdown().await.unwrap();
        });
        // More than fits between the two, so it is read, or it would not be taken.
        client.write_all(&[b'x'; 10_000]).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "too much");
        drop(client);
        closing.await.unwrap();
    }

    #[tokio::test]
    async fn does_not_wait_for_ever() {
        let (_client, server) = duplex(64);
        Lingering::new(server, Duration::from_millis(10)).shutdown().await.unwrap();
    }
}
