//! Where a value stands in a request, and how it is taken out of what stands around it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};

use crate::Part;
use crate::VerifyError;
use crate::message::Message;

/// The longest value that is looked at, in bytes: twice what the largest RSA signature of a sender needs.
const MAX_VALUE_BYTES: usize = 4 * 1_024;

/// How many entries of a list are looked at. A rotation sends two; the limit keeps a hostile header from buying work.
const MAX_ENTRIES: usize = 16;

/// The longest path, in steps.
const MAX_STEPS: usize = 20;

/// The most places where one value may stand: a sender that renamed a header has two.
const MAX_SOURCES: usize = 8;
/// The longest name of a place, in characters.
const MAX_SOURCE_CHARS: usize = 200;

/// Where a value stands: the first of `from` that the request has; of its value the entries between `separator` (if
/// there is one) that begin with `prefix`, without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignatureField)]
pub struct Field {
    /// Where to look, in this order. One source may be written without the list.
    #[serde(with = "one_or_many")]
    #[schema(schema_with = sources_schema)]
    pub from: Vec<Source>,
    /// What a value or an entry begins with, in either case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 100, example = "v1=")]
    pub prefix: String,
    /// What stands between the entries of a list: one character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1, example = ",")]
    pub separator: Option<char>,
}

impl Field {
    /// The values in `message`: one or, of a list, several.
    ///
    /// # Errors
    /// [`VerifyError::Missing`] if no source has a value, [`VerifyError::Malformed`] if the value has not the form.
    pub(crate) fn values(&self, message: &Message<'_>, part: Part) -> Result<Vec<String>, VerifyError> {
        let value = self.from.iter().find_map(|source| source.value(message));
        let value = value.filter(|value| !value.is_empty()).ok_or(VerifyError::Missing(part))?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(VerifyError::Malformed(part));
        }
        let text = str::from_utf8(&value).map_err(|_| VerifyError::Malformed(part))?;
        let values: Vec<String> = match self.separator {
            Some(separator) => text
                .split(separator)
                .filter_map(|entry| self.without_prefix(entry.trim()))
                .take(MAX_ENTRIES)
                .collect(),
            None => self.without_prefix(text).into_iter().collect(),
        };
        if values.is_empty() { Err(VerifyError::Malformed(part)) } else { Ok(values) }
    }

    /// The one value in `message`.
    ///
    /// # Errors
    /// As [`values`](Self::values); a list must have exactly one.
    pub(crate) fn value(&self, message: &Message<'_>, part: Part) -> Result<String, VerifyError> {
        let mut values = self.values(message, part)?;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) if !value.is_empty() => Ok(value),
            _ => Err(VerifyError::Malformed(part)),
        }
    }

    fn without_prefix(&self, entry: &str) -> Option<String> {
        let (prefix, value) = entry.split_at_checked(self.prefix.len())?;
        prefix.eq_ignore_ascii_case(&self.prefix).then(|| value.to_owned())
    }
}

fn sources_schema() -> Schema {
    let one = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^(header|query|form|body):."))
        .max_length(Some(MAX_SOURCE_CHARS))
        .examples(["header:X-Signature"])
        .build();
    let many = ArrayBuilder::new().items(one.clone()).min_items(Some(1)).max_items(Some(MAX_SOURCES));
    OneOfBuilder::new().item(one).item(many).into()
}

/// One place of a request: `header:NAME`, `query:NAME`, `form:NAME` or `body:PATH` (a member of a JSON body, its path
/// joined by dots).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// A header.
    Header(http::HeaderName),
    /// A parameter of the URL.
    Query(String),
    /// A field of a form in the body.
    Form(String),
    /// A text or a number in a JSON body.
    Body(BodyPath),
}

/// Not a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be header:NAME, query:NAME, form:NAME or body:PATH")]
pub struct SourceError;

impl Source {
    /// What stands there.
    pub fn value<'a>(&self, message: &'a Message<'_>) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Header(name) => message.request.headers.get(name).map(|value| value.as_bytes().into()),
            Self::Query(name) => message.query(name).map(|value| value.into_bytes().into()),
            Self::Form(name) => message.form(name).map(|value| value.into_bytes().into()),
            Self::Body(path) => {
                path.text(message.json()?).map(|value| value.into_owned().into_bytes().into())
            }
        }
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (kind, name) = text.split_once(':').ok_or(SourceError)?;
        match kind {
            "header" => name.parse().map(Self::Header).map_err(|_| SourceError),
            "query" if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            "form" if !name.is_empty() => Ok(Self::Form(name.to_owned())),
            "body" => name.parse().map(Self::Body),
            _ => Err(SourceError),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::Body(path) => write!(f, "body:{path}"),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, SourceError> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> String {
        source.to_string()
    }
}

/// A path into a JSON body: names of members and positions in arrays, joined by dots (`signature.token`, `0.secret`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPath(Vec<String>);

impl BodyPath {
    /// Names of members and positions in arrays.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// What stands there.
    pub fn find<'a>(&self, root: &'a serde_json::Value) -> Option<&'a serde_json::Value> {
        self.0.iter().try_fold(root, |value, step| match value {
            serde_json::Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        })
    }

    /// Puts a text there, with the objects around it that are missing; false if something else stands in the way.
    pub fn put(&self, root: &mut serde_json::Value, text: &str) -> bool {
        let mut place = root;
        for step in &self.0 {
            let inner = match place {
                serde_json::Value::Object(members) => Some(members.entry(step).or_insert_with(|| json!({}))),
                serde_json::Value::Array(items) => {
                    step.parse::<usize>().ok().and_then(|position| items.get_mut(position))
                }
                _ => None,
            };
            let Some(inner) = inner else { return false };
            place = inner;
        }
        *place = text.into();
        true
    }

    /// The text or number there, as text.
    pub fn text<'a>(&self, root: &'a serde_json::Value) -> Option<Cow<'a, str>> {
        match self.find(root)? {
            serde_json::Value::String(text) => Some(text.into()),
            serde_json::Value::Number(number) => Some(number.to_string().into()),
            _ => None,
        }
    }
}

impl FromStr for BodyPath {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        let is_path = steps.len() <= MAX_STEPS && steps.iter().all(|step| !step.is_empty());
        if is_path { Ok(Self(steps)) } else { Err(SourceError) }
    }
}

impl fmt::Display for BodyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One source as a text, several as a list.
mod one_or_many {
    use std::fmt;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserializer, Serialize, Serializer};

    use super::{MAX_SOURCES, Source};

    struct Sources;

    impl<'de> Visitor<'de> for Sources {
        type Value = Vec<Source>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a source or a list of sources")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<Source>, E> {
            text.parse().map(|source| vec![source]).map_err(E::custom)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Source>, A::Error> {
            let mut sources = Vec::new();
            while let Some(source) = list.next_element()? {
                sources.push(source);
            }
            match sources.len() {
                1..=MAX_SOURCES => Ok(sources),
                _ => Err(A::Error::custom(format_args!("must name 1 to {MAX_SOURCES} sources"))),
            }
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Source>, D::Error> {
        input.deserialize_any(Sources)
    }

    pub(super) fn serialize<S: Serializer>(sources: &[Source], output: S) -> Result<S::Ok, S::Error> {
        match sources {
            [one] => one.serialize(output),
            many => many.serialize(output),
        }
    }
}
