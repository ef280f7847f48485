//! Text with values of a request in it: what a handshake expects and what it answers.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use signature::{Message, Secret, Source};

/// The longest value of a request that is taken, in bytes: a validation token of Microsoft Graph has some 200.
const MAX_VALUE_BYTES: usize = 2_048;
/// The longest text that is signed for a sender, in bytes.
const MAX_SIGNED_BYTES: usize = 256;
/// The most arguments of a hash.
const MAX_ARGUMENTS: usize = 4;

/// Text with placeholders:
///
/// | placeholder | stands for |
/// | --- | --- |
/// | `{header:NAME}`, `{query:NAME}`, `{form:NAME}`, `{body:PATH}` | what stands there in the request |
/// | `{endpoint}` | the URL of the webhook, without its query |
/// | `{address}` | the URL of the webhook with its token, as it is entered at the sender's |
/// | `{hmac(VALUE)}`, `{hmac(VALUE, base64)}` | HMAC-SHA256 of a value, keyed with the secret, in hex or base64 |
/// | `{sha256(VALUE, …)}` | SHA-256 of the values, one behind the other, in hex; `secret` is a value here |
/// | `{secret}` | the secret: only in what is expected |
///
/// `hmac` signs letters, digits and `-_.~+/` only, with `=` at the end: whoever could have other text signed, could
/// have a body signed, and send it as the sender's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Value),
    Hmac(Value, Encoding),
    Sha256(Vec<Value>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Source(Source),
    Endpoint,
    Address,
    Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Hex,
    Base64,
}

/// Not a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be text with the placeholders {{header:NAME}}, {{query:NAME}}, {{form:NAME}}, {{body:PATH}}, {{endpoint}}, \
     {{address}}, {{hmac(VALUE)}}, {{hmac(VALUE, base64)}} and {{sha256(VALUE, …)}}"
)]
pub struct TemplateError;

/// What a template takes its values from.
pub(crate) struct Context<'a> {
    pub(crate) message: &'a Message<'a>,
    pub(crate) secret: Option<&'a Secret>,
}

impl Template {
    /// Whether the secret itself would stand in the text.
    pub(crate) fn shows_secret(&self) -> bool {
        self.pieces.contains(&Piece::Value(Value::Secret))
    }

    /// Whether the text holds a hash made with the secret.
    pub(crate) fn uses_secret(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Hmac(..) => true,
            Piece::Sha256(values) => values.contains(&Value::Secret),
            Piece::Text(_) | Piece::Value(_) => false,
        })
    }

    /// The text; `None` if the request has not what it needs.
    pub(crate) fn render(&self, context: &Context<'_>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(fixed) => text.push_str(fixed),
                Piece::Value(value) => text.push_str(&value.text(context)?),
                Piece::Hmac(value, encoding) => {
                    let signed = value.text(context).filter(|text| is_harmless(text))?;
                    let key = hmac::Key::new(hmac::HMAC_SHA256, context.secret?.expose().as_bytes());
                    text.push_str(&encoding.encode(hmac::sign(&key, signed.as_bytes()).as_ref()));
                }
                Piece::Sha256(values) => {
                    let mut hash = digest::Context::new(&digest::SHA256);
                    for value in values {
                        hash.update(value.text(context)?.as_bytes());
                    }
                    text.push_str(&Encoding::Hex.encode(hash.finish().as_ref()));
                }
            }
        }
        Some(text)
    }
}

impl Value {
    fn text(&self, context: &Context<'_>) -> Option<String> {
        match self {
            Self::Source(source) => {
                let value = source.value(context.message).filter(|value| value.len() <= MAX_VALUE_BYTES)?;
                let text = str::from_utf8(&value).ok()?;
                let is_line = !text.is_empty() && !text.chars().any(char::is_control);
                is_line.then(|| text.to_owned())
            }
            Self::Endpoint => Some(endpoint(context.message).to_owned()),
            // The token has no character that would be encoded.
            Self::Address => {
                let token = context.message.query("token")?;
                Some(format!("{}?token={token}", endpoint(context.message)))
            }
            Self::Secret => context.secret.map(|secret| secret.expose().to_owned()),
        }
    }
}

/// The URL without what stands behind the path.
fn endpoint<'a>(message: &Message<'a>) -> &'a str {
    message.request.url.split(['?', '#']).next().unwrap_or_default()
}

/// Whether to sign it can do no harm: no sender posts a body that looks like this.
fn is_harmless(text: &str) -> bool {
    let content = text.trim_end_matches('=');
    text.len() <= MAX_SIGNED_BYTES
        && !content.is_empty()
        && content.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/".contains(&byte))
}

impl Encoding {
    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => STANDARD.encode(bytes),
            Self::Hex => bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")),
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inner, behind) = after.split_once('}').ok_or(TemplateError)?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(placeholder(inner)?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('}'))) {
            return Err(TemplateError);
        }
        Ok(Self { text: text.to_owned(), pieces })
    }
}

fn placeholder(text: &str) -> Result<Piece, TemplateError> {
    let Some((function, rest)) = text.split_once('(') else { return value(text).map(Piece::Value) };
    let arguments: Vec<_> = rest.strip_suffix(')').ok_or(TemplateError)?.split(',').map(str::trim).collect();
    match (function, arguments.as_slice()) {
        ("hmac", [signed] | [signed, "hex"]) => Ok(Piece::Hmac(signed_value(signed)?, Encoding::Hex)),
        ("hmac", [signed, "base64"]) => Ok(Piece::Hmac(signed_value(signed)?, Encoding::Base64)),
        ("sha256", values) if values.len() <= MAX_ARGUMENTS => {
            Ok(Piece::Sha256(values.iter().map(|text| value(text)).collect::<Result<_, _>>()?))
        }
        _ => Err(TemplateError),
    }
}

fn signed_value(text: &str) -> Result<Value, TemplateError> {
    value(text).and_then(|value| if value == Value::Secret { Err(TemplateError) } else { Ok(value) })
}

fn value(text: &str) -> Result<Value, TemplateError> {
    match text {
        "endpoint" => Ok(Value::Endpoint),
        "address" => Ok(Value::Address),
        "secret" => Ok(Value::Secret),
        _ => text.parse().map(Value::Source).map_err(|_| TemplateError),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;
    use signature::Request;

    use super::*;

    fn rendered(template: &str, url: &str, body: &str) -> Option<String> {
        let headers = HeaderMap::new();
        let request = Request { method: "POST", url, headers: &headers, body: body.as_bytes() };
        let context = Context { message: &Message::new(request), secret: Some(&Secret::new("Jefe")) };
        template.parse::<Template>().unwrap().render(&context)
    }

    #[test]
    fn values_and_hashes() {
        let url = "https://example.com/in?token=t&a=abc#x";
        assert_eq!(rendered("<{query:a}>", url, "").as_deref(), Some("<abc>"));
        assert_eq!(rendered("{body:x.0}", url, r#"{"x":[7]}"#).as_deref(), Some("7"));
        assert_eq!(rendered("{form:b}", url, "b=c%20d").as_deref(), Some("c d"));
        assert_eq!(rendered("{endpoint}", url, "").as_deref(), Some("https://example.com/in"));
        assert_eq!(rendered("{address}", url, "").as_deref(), Some("https://example.com/in?token=t"));
        assert_eq!(rendered("{address}", "https://example.com/in?a=b", ""), None);
        // FIPS 180-2, appendix B.1: "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(rendered("{sha256(query:a)}", url, "").as_deref(), Some(abc));
        for missing in ["{query:b}", "{hmac(query:b)}", "{sha256(query:a, body:x)}", "{header:x}"] {
            assert_eq!(rendered(missing, url, ""), None, "{missing}");
        }
    }

    /// A body, or a signed text of any preset, is nothing that a handshake signs.
    #[test]
    fn what_could_be_a_body_is_not_signed() {
        let signed = |value: &str| {
            let body = serde_json::json!({ "c": value }).to_string();
            rendered("{hmac(body:c)}", "", &body).is_some()
        };
        assert!(signed("qgg8vlvZRS6UYooatFL8Aw"));
        assert!(signed("MWU3ZWQ0ZGY=="));
        for value in ["{}", "[]", "1.{}", "v0:1:x", "a=b", "a&b", "a b", "=", "é", &"a".repeat(257)] {
            assert!(!signed(value), "{value}");
        }
    }

    #[test]
    fn other_placeholders_are_refused() {
        for text in [
            "{",
            "}",
            "{}",
            "{x}",
            "{query:}",
            "{hmac()}",
            "{hmac(secret)}",
            "{hmac(query:a, hex",
            "{md5(query:a)}",
        ] {
            assert_eq!(text.parse::<Template>(), Err(TemplateError), "{text}");
        }
        assert!("{secret}".parse::<Template>().unwrap().shows_secret());
    }

    proptest! {
        #[test]
        fn prop_any_text_is_a_template_or_none(text in ".{0,60}", inner in "[a-z0-9:(), ]{0,30}") {
            let _ = text.parse::<Template>();
            if let Ok(template) = format!("a{{{inner}}}b").parse::<Template>() {
                prop_assert_eq!(template.to_string(), format!("a{{{inner}}}b"));
            }
        }
    }
}
