//! A connection as the HTTP client gets it.
//!
//! A server that refuses our certificate says so in an alert, which with TLS 1.3 comes after the handshake (RFC 8446,
//! section 4.4.2.4) and is an error of a read then. HTTP/2 keeps of such an error only its kind, so it gets one of its own
//! here.

use std::{
    io::{self, IoSlice},
    pin::Pin,
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

/// A connection, with or without TLS.
pub(crate) struct Stream(pub(crate) MaybeHttpsStream<TokioIo<TcpStream>>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf).map_err(|error| match is_about_our_certificate(&error) {
            true => io::Error::new(REFUSED, error),
            false => error,
        })
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }
}
