//! `Content-Encoding` (RFC 9110, section 8.4): gzip and deflate.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use super::BodyError;

/// How much is decompressed at a time, in bytes.
const CHUNK: usize = 16 * 1_024;

/// The body without its encoding, if that has at most `limit` bytes. Never is more kept in memory than that.
pub(super) fn decode<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    limit: usize,
) -> Result<Cow<'a, [u8]>, BodyError> {
    let Some(coding) = coding(headers)? else { return Ok(body.into()) };
    let decompressed = match coding.as_str() {
        "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(body), limit),
        "deflate" if is_zlib(body) => inflate(ZlibDecoder::new(body), limit),
        "deflate" => inflate(DeflateDecoder::new(body), limit),
        _ => return Err(BodyError::Encoding),
    };
    match decompressed {
        Ok(Some(bytes)) => Ok(bytes.into()),
        Ok(None) => Err(BodyError::TooLarge(limit)),
        Err(_) => Err(BodyError::Malformed(format!("The body is not valid {coding}, or not all of it"))),
    }
}

/// The one coding of a body, in lower case.
fn coding(headers: &HeaderMap) -> Result<Option<String>, BodyError> {
    let mut found = None;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let value = value.to_str().map_err(|_| BodyError::Encoding)?;
        for coding in value.split(',').map(|coding| coding.trim().to_ascii_lowercase()) {
            if coding.is_empty() || coding == "identity" {
                continue;
            }
            if found.replace(coding).is_some() {
                return Err(BodyError::Encoding);
            }
        }
    }
    Ok(found)
}

/// Whether deflate data has the header of RFC 1950, as it should. RFC 9110, section 8.4.1.2, knows of senders that leave it out.
fn is_zlib(body: &[u8]) -> bool {
    let header = body.first_chunk().map(|header| u16::from_be_bytes(*header));
    header.is_some_and(|header| header >> 8 & 0x0f == 8 && header % 31 == 0)
}

/// All that comes out, or nothing if that is more than `limit` bytes.
fn inflate(mut input: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let (mut output, mut chunk) = (Vec::new(), [0; CHUNK]);
    loop {
        let count = input.read(&mut chunk)?;
        if count == 0 {
            return Ok(Some(output));
        }
        if output.len() + count > limit {
            return Ok(None);
        }
        if output.capacity() < output.len() + count {
            // As a vector would grow, but not past the limit.
            output.reserve_exact(output.len().max(count).min(limit - output.len()));
        }
        output.extend_from_slice(&chunk[..count]);
    }
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
