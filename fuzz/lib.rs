//! The form of the inputs that the targets share.
//!
//! An input is written like an HTTP message, so that people can read and write seeds: lines `name: value`, an empty line, and
//! whatever follows as the body.

use http::{HeaderMap, HeaderName, HeaderValue};

/// A message, as far as the input is one. Lines that are no headers are left out.
pub fn message(input: &[u8]) -> (HeaderMap, &[u8]) {
    let (head, body) = split(input, b"\n\n");
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let (name, value) = split(line, b": ");
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // One of a name: of several the log keeps all in one value, and an event is named by the first.
            headers.insert(name, value);
        }
    }
    (headers, body)
}

/// What stands before and behind a mark; all of it and nothing where there is none.
pub fn split<'a>(input: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    match input.windows(mark.len()).position(|window| window == mark) {
        Some(at) => (&input[..at], &input[at + mark.len()..]),
        None => (input, &[]),
    }
}
