//! `multipart/form-data` (RFC 7578). Of a file its name, type and size are kept, and not what is in it.

use bytes::Bytes;
use encoding_rs::Encoding;
use futures_util::{FutureExt, stream};
use multer::{Field, Multipart};
use serde_json::{Value, json};

use super::fields::{Fields, clean};
use super::{BodyError, Form, Payload, utf8};

/// Reads a form in parts.
pub(super) fn read(
    content_type: &str,
    body: &[u8],
    charset: Option<&'static Encoding>,
) -> Result<Payload, BodyError> {
    let boundary = multer::parse_boundary(content_type).map_err(|error| malformed(&error))?;
    let body = Bytes::copy_from_slice(body);
    let parts = Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(body)]), boundary);
    // All of it is there, so that nothing has to be waited for but more of a body that is cut off.
    let fields = fields(parts, charset).now_or_never();
    fields.unwrap_or_else(|| Err(BodyError::Malformed("The form ends within a part".to_owned())))
}

async fn fields(mut parts: Multipart<'_>, charset: Option<&'static Encoding>) -> Result<Payload, BodyError> {
    let mut fields = Fields::default();
    while let Some(part) = parts.next_field().await.map_err(|error| malformed(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let value = value(part, charset).await?;
        fields.add(&name, value)?;
    }
    Ok(fields.into_value().into())
}

async fn value(part: Field<'_>, charset: Option<&'static Encoding>) -> Result<Value, BodyError> {
    let file = part.file_name().map(clean);
    let content_type = part.content_type().map(ToString::to_string);
    let name = part.name().unwrap_or_default().to_owned();
    let bytes = part.bytes().await.map_err(|error| malformed(&error))?;
    match file {
        // What a browser posts where no file was chosen.
        Some(file) if file.is_empty() && bytes.is_empty() => return Ok(Value::Null),
        Some(file) => {
            return Ok(json!({"file_name": file, "content_type": content_type, "size": bytes.len()}));
        }
        None => {}
    }
    let content_type = content_type.unwrap_or_default();
    let charset = super::parameter(&content_type, "charset").and_then(Encoding::for_label).or(charset);
    let text = String::from_utf8(utf8(&bytes, charset).into_owned())
        .map_err(|_| BodyError::Malformed(format!("The value of the field {name:?} is not UTF-8")))?;
    // A part may say that it is JSON; plain text says nothing.
    let is_json = Form::of(&super::essence(&content_type)) == Some(Form::Json)
        && !content_type.starts_with("text/plain");
    let parsed = if is_json { serde_json::from_str(&text).ok() } else { None };
    Ok(parsed.unwrap_or_else(|| clean(&text).into()))
}

fn malformed(error: &multer::Error) -> BodyError {
    BodyError::Malformed(format!("The body is not a valid form in parts: {error}"))
}
