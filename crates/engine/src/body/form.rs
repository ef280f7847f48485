//! `application/x-www-form-urlencoded`, as the URL standard parses it (<https://url.spec.whatwg.org/#urlencoded-parsing>), but
//! for bytes that are no text: they are refused instead of replaced.

use encoding_rs::Encoding;
use percent_encoding::percent_decode;

use super::fields::{Fields, clean};
use super::{BodyError, Payload, utf8};

/// Reads a form.
pub(super) fn read(body: &[u8], charset: Option<&'static Encoding>) -> Result<Payload, BodyError> {
    let mut fields = Fields::default();
    for pair in body.trim_ascii_end().split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let middle = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (&pair[..middle], pair.get(middle + 1..).unwrap_or_default());
        let name = text(name, charset)
            .ok_or_else(|| BodyError::Malformed("The name of a field is not UTF-8".to_owned()))?;
        let value = text(value, charset)
            .ok_or_else(|| BodyError::Malformed(format!("The value of the field {name:?} is not UTF-8")))?;
        fields.add(&name, clean(&value).into())?;
    }
    Ok(fields.into_value().into())
}

fn text(encoded: &[u8], charset: Option<&'static Encoding>) -> Option<String> {
    let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(utf8(&bytes, charset).into_owned()).ok()
}
