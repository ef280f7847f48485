//! JSON.

use serde_json::Value;

use super::{BodyError, Payload};

/// Reads a body that is JSON in UTF-8. The log keeps it as it was sent.
pub(super) fn read(body: &[u8]) -> Result<Payload, BodyError> {
    let value = parse(body).map_err(BodyError::Malformed)?;
    // It was parsed as JSON, which is UTF-8.
    Ok(Payload { value, text: String::from_utf8_lossy(body).into_owned() })
}

/// Reads JSON.
///
/// # Errors
/// Says where it is none.
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("The body is not valid JSON: {error}"))
}
