//! What parent and child say to each other: frames of a length (4 bytes, big-endian) and that many bytes of JSON.
//!
//! The child greets; from then on it answers each request with one response, in order.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{error::ScriptError, limits::Limits};

/// The longest frame beside the value in it: its envelope, or an error with its message.
pub(crate) const ENVELOPE: usize = 16 * 1024;

/// What a child says first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// Why it can't work, if it can't.
    pub problem: Option<String>,
}

/// A script to run, and what it may know of the world.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request<'a> {
    pub code: Cow<'a, str>,
    pub function: Cow<'a, str>,
    /// What the function is called with; none if it is only looked for.
    pub arguments: Option<Vec<Box<RawValue>>>,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
    pub seed: u64,
    pub limits: Limits,
}

/// How it went: the value, which is null if the function was only looked for.
pub(crate) type Response = Result<Box<RawValue>, ScriptError>;

/// Reads a frame of at most `max` bytes; none at the end of the stream.
pub(crate) fn read(stream: &mut impl Read, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = vec![0; checked(length, max)?];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Writes a frame.
pub(crate) fn write(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    stream.write_all(&length_of(body)?)?;
    stream.write_all(body)?;
    stream.flush()
}

/// [`read()`] for the parent, where the end of the stream is an error.
pub(crate) async fn receive<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    max: usize,
) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let mut body = vec![0; checked(length, max)?];
    stream.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}

/// [`write()`] for the parent.
pub(crate) async fn send(stream: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    stream.write_all(&length_of(body)?).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

fn checked(length: [u8; 4], max: usize) -> io::Result<usize> {
    let length = u32::from_be_bytes(length) as usize;
    if length > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    Ok(length)
}

fn length_of(body: &[u8]) -> io::Result<[u8; 4]> {
    let length =
        u32::try_from(body.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(length.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..5)) {
            let mut stream = Vec::new();
            for body in &bodies {
                write(&mut stream, body).unwrap();
            }
            let mut rest = stream.as_slice();
            for body in &bodies {
                prop_assert_eq!(&read(&mut rest, 100).unwrap().unwrap(), body);
            }
            prop_assert!(read(&mut rest, 100).unwrap().is_none());
        }
    }

    #[test]
    fn a_frame_past_the_limit_is_refused_before_it_is_read() {
        let mut stream = [0xff, 0xff, 0xff, 0xff].as_slice();
        assert_eq!(read(&mut stream, 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
