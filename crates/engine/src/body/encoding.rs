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
    let decoder = decoder(&coding, body).ok_or(BodyError::Encoding)?;
    match inflate(decoder, limit) {
        Ok(Some(bytes)) => Ok(bytes.into()),
        Ok(None) => Err(BodyError::TooLarge(limit)),
        Err(_) => Err(BodyError::Malformed(format!("The body is not valid {coding}, or not all of it"))),
    }
}

/// The beginning of a body without its encoding, `limit` bytes of it at most, and whether that is not all of it; `None` if the
/// body has no encoding that is known here, or is not in it.
pub(crate) fn beginning(headers: &HeaderMap, body: &[u8], limit: usize) -> Option<(Vec<u8>, bool)> {
    let coding = coding(headers).ok().flatten()?;
    let one_more = u64::try_from(limit).ok()?.saturating_add(1);
    let mut read = Vec::new();
    // What was read before an error stays.
    let outcome = decoder(&coding, body)?.take(one_more).read_to_end(&mut read);
    if outcome.is_err() && read.is_empty() {
        return None;
    }
    let is_cut = outcome.is_err() || read.len() > limit;
    read.truncate(limit);
    Some((read, is_cut))
}

fn decoder<'a>(coding: &str, body: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    match coding {
        "gzip" | "x-gzip" => Some(Box::new(MultiGzDecoder::new(body))),
        "deflate" if is_zlib(body) => Some(Box::new(ZlibDecoder::new(body))),
        "deflate" => Some(Box::new(DeflateDecoder::new(body))),
        _ => None,
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
