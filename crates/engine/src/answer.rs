//! What came back, as it is to be read.

use outbound::{MAX_RESPONSE_BODY, Response, SendError};
use serde::de::IgnoredAny;

use crate::body::encoding;

/// The answer without its `Content-Encoding`, if it has one that is known. Never is more of it in memory than of an answer
/// without one; what is past that is cut off. A body that is not what it says stays as it came.
pub(crate) fn decoded(response: Response) -> Response {
    match encoding::beginning(&response.headers, &response.body, MAX_RESPONSE_BODY) {
        Some((body, is_cut)) => {
            Response { body: body.into(), truncated: response.truncated || is_cut, ..response }
        }
        None => response,
    }
}

/// The same of one that broke off: of what had come.
pub(crate) fn decoded_error(error: SendError) -> SendError {
    match error {
        SendError::Interrupted { answer, error } => {
            SendError::Interrupted { answer: Box::new(decoded(*answer)), error }
        }
        other => other,
    }
}

/// Whether it is JSON; of one that is cut off, whether it is as far as it goes.
pub(crate) fn is_json(response: &Response) -> bool {
    match serde_json::from_slice::<IgnoredAny>(&response.body) {
        Ok(_) => true,
        Err(error) => response.truncated && error.is_eof(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::{HeaderMap, HeaderValue, header};

    use super::*;

    fn response(coding: &'static str, body: impl Into<Bytes>) -> Response {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(coding))]);
        Response { status: 200, headers, body: body.into(), truncated: false }
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut coded = GzEncoder::new(Vec::new(), Compression::best());
        coded.write_all(body).unwrap();
        coded.finish().unwrap()
    }

    #[test]
    fn codings_that_are_known_are_taken_off() {
        let json = br#"{"ok":true}"#;
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(json).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(json).unwrap();
        for (coding, body) in [
            ("gzip", gzip(json)),
            ("X-GZIP", gzip(json)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("identity", json.to_vec()),
            ("gzip", json.to_vec()),
            ("br", json.to_vec()),
        ] {
            let read = decoded(response(coding, body));
            assert_eq!((read.body.as_ref(), read.truncated), (json.as_slice(), false), "{coding}");
            assert!(is_json(&read));
        }
    }

    #[test]
    fn a_bomb_is_cut_off() {
        let read = decoded(response("gzip", gzip(&vec![b' '; 64 << 20])));
        assert_eq!((read.body.len(), read.truncated), (MAX_RESPONSE_BODY, true));
    }

    #[test]
    fn what_is_cut_off_is_json_as_far_as_it_goes() {
        let whole = format!(r#"{{"text":"{}"}}"#, "\u{e8}".repeat(MAX_RESPONSE_BODY));
        for (truncated, cut, expected) in [(true, 1_001, true), (true, 1_002, true), (false, 1_001, false)] {
            let body = Bytes::copy_from_slice(&whole.as_bytes()[..cut]);
            let read = Response { truncated, ..response("identity", body) };
            assert_eq!(is_json(&read), expected, "{truncated}, {cut}");
        }
        assert!(is_json(&decoded(response("gzip", gzip(whole.as_bytes())))));
        let html = Response { truncated: true, ..response("identity", "<html>".repeat(1_000)) };
        assert!(!is_json(&html));
        let no_json = Response { truncated: true, ..response("identity", r#"{"a":1}}{"#) };
        assert!(!is_json(&no_json));
    }
}
