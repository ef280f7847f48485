//! Newline-delimited JSON: each line is a record.

use serde_json::Value;

use super::{BodyError, Payload};
use crate::records::MAX_RECORDS;

/// Reads a body of lines, in UTF-8. A line that is no JSON is kept as the text that it is: as a record it fails alone.
pub(super) fn read(body: &[u8]) -> Result<Payload, BodyError> {
    let text = str::from_utf8(body).map_err(|error| {
        let line = body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        BodyError::Malformed(format!("The body is not UTF-8 in line {line}"))
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    // One more than is taken, so that it is noticed, and no more.
    let record = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line));
    Ok(lines.take(MAX_RECORDS + 1).map(record).collect::<Value>().into())
}
