//! A connection as the HTTP client gets it.
//!
//! A server that refuses our certificate says so in an alert, which with TLS 1.3 comes after the handshake (RFC 8446,
//! section 4.4.2.4) and is an error of a read then. HTTP/2 keeps of such an error only its kind, so it gets one of its own
//! here.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::net::TcpStream;

use crate::error::is_about_our_certificate;

/// The kind of an error that stands for the server's refusal of our certificate. Nothing else on a socket has it.
pub(crate) const REFUSED: io::ErrorKind = io::ErrorKind::PermissionDenied;

/// A connection, with or without TLS, counted while it is open.
pub(crate) struct Stream {
    pub(crate) io: MaybeHttpsStream<TokioIo<TcpStream>>,
    pub(crate) _one: One,
}

/// How many connections are open.
#[derive(Clone, Default)]
pub(crate) struct Open(Arc<AtomicUsize>);

/// One of them, until it is dropped.
pub(crate) struct One(Arc<AtomicUsize>);

impl Open {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::Relaxed);
        One(Arc::clone(&self.0))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf).map_err(|error| match is_about_our_certificate(&error) {
            true => io::Error::new(REFUSED, error),
            false => error,
        })
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
