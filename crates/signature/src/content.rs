//! What is signed: a template over the parts of a request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::field::BodyPath;
use crate::message::Message;
use crate::{Part, VerifyError, sns};

/// The most pairs of a form that are sorted: a sender that signs them posts some dozens.
const MAX_FORM_PAIRS: usize = 1_000;

/// What is signed, as text with placeholders:
///
/// | placeholder | stands for |
/// | --- | --- |
/// | `{body}` | the raw body |
/// | `{body.PATH}` | a text or number of a JSON body |
/// | `{timestamp}`, `{id}` | the values of the scheme's fields, as they were sent |
/// | `{method}` | `POST` |
/// | `{url}` | the whole URL, with its query |
/// | `{decoded_url}` | the same with some characters decoded, as HubSpot signs it |
/// | `{form}` | the pairs of a form, sorted by name, then by value: each name with its value behind it, nothing between |
/// | `{sns}` | the members of an Amazon SNS message, as it signs them |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Content {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Body,
    BodyMember(BodyPath),
    Timestamp,
    Id,
    Method,
    Url,
    DecodedUrl,
    Form,
    Sns,
}

/// Not a template of signed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be text with the placeholders {{body}}, {{body.PATH}}, {{timestamp}}, {{id}}, {{method}}, {{url}}, \
     {{decoded_url}}, {{form}} and {{sns}}"
)]
pub struct ContentError;

impl Default for Content {
    /// The raw body.
    fn default() -> Self {
        Self { text: "{body}".into(), pieces: vec![Piece::Body] }
    }
}

/// The values of a scheme's fields.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) id: Option<String>,
    pub(crate) timestamp: Option<String>,
}

impl Content {
    pub(crate) fn has_timestamp(&self) -> bool {
        self.pieces.contains(&Piece::Timestamp)
    }

    pub(crate) fn has_id(&self) -> bool {
        self.pieces.contains(&Piece::Id)
    }

    /// The members of a JSON body that are signed.
    pub(crate) fn members(&self) -> impl Iterator<Item = &BodyPath> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::BodyMember(path) => Some(path),
            _ => None,
        })
    }

    /// Whether all of the body is signed.
    pub(crate) fn covers_body(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Body | Piece::Form | Piece::Sns))
    }

    pub(crate) fn is_sns(&self) -> bool {
        self.pieces.contains(&Piece::Sns)
    }

    /// Hands what is signed to `sink`, piece by piece.
    ///
    /// # Errors
    /// A part that the template needs is missing or malformed.
    pub(crate) fn write(
        &self,
        message: &Message<'_>,
        values: &Values,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), VerifyError> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => sink(text.as_bytes()),
                Piece::Body => sink(message.request.body),
                Piece::BodyMember(path) => {
                    let value = message.json().and_then(|json| path.text(json));
                    sink(value.ok_or(VerifyError::Missing(Part::Content))?.as_bytes());
                }
                Piece::Timestamp => sink(present(values.timestamp.as_deref(), Part::Timestamp)?),
                Piece::Id => sink(present(values.id.as_deref(), Part::Id)?),
                Piece::Method => sink(message.request.method.as_bytes()),
                Piece::Url => sink(message.request.url.as_bytes()),
                Piece::DecodedUrl => sink(decoded(message.request.url).as_bytes()),
                Piece::Form => write_form(message.request.body, sink)?,
                Piece::Sns => {
                    let text = message.json().and_then(sns::signed_text);
                    sink(text.ok_or(VerifyError::Malformed(Part::Content))?.as_bytes());
                }
            }
        }
        Ok(())
    }

    /// Refuses an id that holds what the template puts behind it (the dot of `{id}.{timestamp}`): then one signed text
    /// could be cut in several ways, and whoever holds one signed message could present it as another.
    pub(crate) fn check_id(&self, id: &str) -> Result<(), VerifyError> {
        let ambiguous = self.pieces.windows(2).any(|pair| match pair {
            [Piece::Id, Piece::Text(text)] => id.contains(text.as_str()),
            _ => false,
        });
        if ambiguous { Err(VerifyError::Malformed(Part::Id)) } else { Ok(()) }
    }
}

fn present(value: Option<&str>, part: Part) -> Result<&[u8], VerifyError> {
    value.map(str::as_bytes).ok_or(VerifyError::Missing(part))
}

/// Source: "Mandrill: Authenticating webhook requests" and "Twilio: Webhooks security", which agree but for names that
/// stand twice: Twilio's libraries sort the values and leave out a pair that was there.
fn write_form(body: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<(), VerifyError> {
    let mut pairs: Vec<_> = form_urlencoded::parse(body).take(MAX_FORM_PAIRS + 1).collect();
    if pairs.len() > MAX_FORM_PAIRS {
        return Err(VerifyError::Malformed(Part::Content));
    }
    pairs.sort();
    pairs.dedup();
    for (name, value) in pairs {
        sink(name.as_bytes());
        sink(value.as_bytes());
    }
    Ok(())
}

/// The characters that HubSpot decodes in a URL before it signs it. The question mark that begins the query is none of
/// them; a percent sign stays as it is.
/// Source: "Validate the v3 request signature" in <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>.
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

fn decoded(url: &str) -> String {
    let mut parts = url.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).unwrap_or_default();
        match DECODED.iter().find(|(digits, _)| digits.eq_ignore_ascii_case(code)) {
            Some((_, character)) => {
                text.push(*character);
                text.push_str(&part[2..]);
            }
            None => {
                text.push('%');
                text.push_str(part);
            }
        }
    }
    text
}

impl FromStr for Content {
    type Err = ContentError;

    fn from_str(text: &str) -> Result<Self, ContentError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or(ContentError)?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(placeholder(name)?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let is_fixed = pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
        if is_fixed || pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('}'))) {
            return Err(ContentError);
        }
        Ok(Self { text: text.to_owned(), pieces })
    }
}

fn placeholder(name: &str) -> Result<Piece, ContentError> {
    Ok(match name {
        "body" => Piece::Body,
        "timestamp" => Piece::Timestamp,
        "id" => Piece::Id,
        "method" => Piece::Method,
        "url" => Piece::Url,
        "decoded_url" => Piece::DecodedUrl,
        "form" => Piece::Form,
        "sns" => Piece::Sns,
        _ => {
            let path = name.strip_prefix("body.").ok_or(ContentError)?;
            Piece::BodyMember(path.parse().map_err(|_| ContentError)?)
        }
    })
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Content {
    type Error = ContentError;

    fn try_from(text: String) -> Result<Self, ContentError> {
        text.parse()
    }
}

impl From<Content> for String {
    fn from(content: Content) -> String {
        content.text
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::message::Request;

    fn written(template: &str, url: &str, body: &str) -> Result<String, VerifyError> {
        let headers = HeaderMap::new();
        let request = Request { method: "POST", url, headers: &headers, body: body.as_bytes() };
        let values = Values { id: Some("msg_1".into()), timestamp: Some("12".into()) };
        let mut bytes = Vec::new();
        let content: Content = template.parse().unwrap();
        content.write(&Message::new(request), &values, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn every_placeholder_stands_for_its_part() {
        let url = "https://example.com/in?a=%2Fb%20%3f#x";
        let cases = [
            ("{body}", r#"{"a":1}"#, r#"{"a":1}"#),
            ("v0:{timestamp}:{body}", "{}", "v0:12:{}"),
            ("{id}.{timestamp}.{body}", "{}", "msg_1.12.{}"),
            ("{timestamp}{body.signature.token}", r#"{"signature":{"token":"t0"}}"#, "12t0"),
            ("{body.0.n}", r#"[{"n":7}]"#, "7"),
            ("{method} {url}", "", "POST https://example.com/in?a=%2Fb%20%3f#x"),
            ("{decoded_url}", "", "https://example.com/in?a=/b%20?#x"),
            ("{form}", "b=2&a=x+y&b=1&c=%41&b=2", "ax yb1b2cA"),
        ];
        for (template, body, expected) in cases {
            assert_eq!(written(template, url, body).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_a_body_does_not_have_is_said() {
        assert_eq!(written("{body.a}", "", "{}"), Err(VerifyError::Missing(Part::Content)));
        assert_eq!(written("{body.a}", "", r#"{"a":{}}"#), Err(VerifyError::Missing(Part::Content)));
        assert_eq!(written("{sns}", "", "[]"), Err(VerifyError::Malformed(Part::Content)));
        let long = "a=1&".repeat(MAX_FORM_PAIRS + 1);
        assert_eq!(written("{form}", "", &long), Err(VerifyError::Malformed(Part::Content)));
    }

    #[test]
    fn an_unknown_placeholder_is_refused_and_so_is_content_that_signs_nothing() {
        for text in ["", "fixed", "{", "{body", "{boddy}", "{body.}", "{body}}", "{body.a..b}"] {
            assert_eq!(text.parse::<Content>(), Err(ContentError), "{text}");
        }
    }

    #[test]
    fn an_id_cannot_hold_what_ends_it() {
        let content: Content = "{id}.{timestamp}.{body}".parse().unwrap();
        assert_eq!(content.check_id("msg_1"), Ok(()));
        assert_eq!(content.check_id("msg.1"), Err(VerifyError::Malformed(Part::Id)));
    }
}
