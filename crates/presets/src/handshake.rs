//! Handshakes: what senders ask before they send, and what they want to hear.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signature::{Message, Request, Secret, Source, SourceError, token};

use crate::template::{Context, Template, TemplateError};

/// Stands for any value but an empty one.
const ANY: &str = "*";

/// The longest secret that a sender may hand over, in bytes.
const MAX_LEARNED_BYTES: usize = 256;

/// A rule: a request of this kind gets this answer, and is not processed further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Handshake {
    /// The method of the request.
    pub method: Method,
    /// What must stand where.
    pub when: Vec<(Source, Expected)>,
    /// Whether the sender signs the request: then it is answered only if its signature is right.
    pub signed: bool,
    /// The status of the answer.
    pub status: u16,
    /// Headers of the answer.
    pub headers: Vec<(HeaderName, Template)>,
    /// The body of the answer.
    pub content: Content,
    /// Where the sender hands over the secret that it will sign with. As soon as there is one, another is no handshake.
    pub learn_secret: Option<Source>,
    /// What has to be done besides.
    pub confirm: Option<Confirm>,
}

/// What must stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any value but an empty one: `*`.
    Any,
    /// This one.
    Value(Template),
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// None.
    Empty,
    /// Plain text.
    Text(Template),
    /// JSON.
    Json(Json),
}

/// JSON whose texts are templates, so that what comes out of a request stays inside its text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// A text.
    Text(Template),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
    /// A number, a boolean or null.
    Fixed(Value),
}

/// A rule, as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    method: Method,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    when: BTreeMap<String, String>,
    #[serde(default)]
    signed: bool,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Template>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Template>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learn_secret: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
}

fn ok() -> u16 {
    200
}

/// Why a rule can't be. The reasons stand in the texts: who reads a file passes on no sources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Not a place of a request.
    #[error("when.{0}: {1}")]
    Source(String, SourceError),
    /// Not a template, or an empty one: what is not there would be as expected.
    #[error("when.{0}: must be a template or *")]
    Expected(String),
    /// Not a header.
    #[error("headers.{0}: must be the name of a header")]
    Header(String),
    /// Not a status that says yes.
    #[error("status: must be 200 to 299")]
    Status,
    /// Two bodies.
    #[error("json: there is a body already")]
    TwoBodies,
    /// Not a template.
    #[error("json: {0}")]
    Template(TemplateError),
    /// The secret is for hashes only.
    #[error("the answer must not show the secret")]
    ShowsSecret,
}

impl TryFrom<Form> for Handshake {
    type Error = HandshakeError;

    fn try_from(form: Form) -> Result<Self, HandshakeError> {
        if !(200..=299).contains(&form.status) {
            return Err(HandshakeError::Status);
        }
        let header = |(name, value): (String, Template)| match name.parse() {
            Ok(parsed) => Ok((parsed, value)),
            Err(_) => Err(HandshakeError::Header(name)),
        };
        let content = match (form.body, form.json) {
            (Some(_), Some(_)) => return Err(HandshakeError::TwoBodies),
            (Some(body), None) => Content::Text(body),
            (None, Some(json)) => Content::Json(Json::parse(json).map_err(HandshakeError::Template)?),
            (None, None) => Content::Empty,
        };
        let rule = Self {
            method: form.method,
            when: form.when.into_iter().map(condition).collect::<Result<_, _>>()?,
            signed: form.signed,
            status: form.status,
            headers: form.headers.into_iter().map(header).collect::<Result<_, _>>()?,
            content,
            learn_secret: form.learn_secret,
            confirm: form.confirm,
        };
        if rule.templates().any(Template::shows_secret) { Err(HandshakeError::ShowsSecret) } else { Ok(rule) }
    }
}

fn condition((source, expected): (String, String)) -> Result<(Source, Expected), HandshakeError> {
    let parsed = source.parse().map_err(|error| HandshakeError::Source(source.clone(), error))?;
    let template = expected.parse::<Template>().ok().filter(|_| !expected.is_empty());
    match (expected.as_str(), template) {
        (ANY, _) => Ok((parsed, Expected::Any)),
        (_, Some(template)) => Ok((parsed, Expected::Value(template))),
        (_, None) => Err(HandshakeError::Expected(source)),
    }
}

impl From<Handshake> for Form {
    fn from(rule: Handshake) -> Self {
        let expected = |expected| match expected {
            Expected::Any => ANY.to_owned(),
            Expected::Value(template) => String::from(template),
        };
        let (body, json) = match rule.content {
            Content::Empty => (None, None),
            Content::Text(body) => (Some(body), None),
            Content::Json(json) => (None, Some(json.into_value())),
        };
        Self {
            method: rule.method,
            when: rule.when.into_iter().map(|(source, value)| (source.into(), expected(value))).collect(),
            signed: rule.signed,
            status: rule.status,
            headers: rule.headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
            body,
            json,
            learn_secret: rule.learn_secret,
            confirm: rule.confirm,
        }
    }
}

impl Json {
    fn parse(json: Value) -> Result<Self, TemplateError> {
        Ok(match json {
            Value::String(text) => Self::Text(text.parse()?),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let parsed = members.into_iter().map(|(name, member)| Ok((name, Self::parse(member)?)));
                Self::Object(parsed.collect::<Result<_, TemplateError>>()?)
            }
            fixed => Self::Fixed(fixed),
        })
    }

    fn into_value(self) -> Value {
        match self {
            Self::Text(template) => Value::String(template.into()),
            Self::Array(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Object(members) => {
                Value::Object(members.into_iter().map(|(name, member)| (name, member.into_value())).collect())
            }
            Self::Fixed(value) => value,
        }
    }

    fn render(&self, context: &Context<'_>) -> Option<Value> {
        Some(match self {
            Self::Text(template) => Value::String(template.render(context)?),
            Self::Array(items) => {
                Value::Array(items.iter().map(|item| item.render(context)).collect::<Option<_>>()?)
            }
            Self::Object(members) => {
                let rendered =
                    members.iter().map(|(name, member)| Some((name.clone(), member.render(context)?)));
                Value::Object(rendered.collect::<Option<_>>()?)
            }
            Self::Fixed(value) => value.clone(),
        })
    }

    fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::Array(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.templates()).collect(),
            Self::Fixed(_) => Vec::new(),
        }
    }
}

/// The methods that handshakes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
    /// POST.
    Post,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
        }
    }
}

/// What has to be done for the sender besides answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// GET [`signature::sns::subscribe_url`], if the [topic](signature::sns::topic) is the one that is wanted.
    Sns,
}

/// The answer to a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, `content-type` among them if there is a body.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: String,
    /// The secret that the sender will sign with.
    pub learned_secret: Option<Secret>,
    /// What has to be done besides.
    pub confirm: Option<Confirm>,
}

/// The answer to `request`, if it is a handshake by one of `rules`. `secrets` are the webhook's, the current one first, or
/// none if it has yet to be learned; `verified` says whether the request's signature is right, if a rule wants to know.
pub fn answer(
    rules: &[Handshake],
    request: Request<'_>,
    secrets: &[Secret],
    verified: impl Fn() -> bool,
) -> Option<Answer> {
    let mut rules = rules.iter().filter(|rule| rule.method.as_str() == request.method);
    let message = Message::new(request);
    rules.find_map(|rule| {
        let answer = rule.answer(&message, secrets)?;
        (!rule.signed || verified()).then_some(answer)
    })
}

impl Handshake {
    /// Whether the answer is made with the secret.
    pub fn uses_secret(&self) -> bool {
        self.templates().any(Template::uses_secret)
    }

    /// All that is answered.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let content = match &self.content {
            Content::Empty => Vec::new(),
            Content::Text(template) => vec![template],
            Content::Json(json) => json.templates(),
        };
        self.headers.iter().map(|(_, template)| template).chain(content)
    }

    fn answer(&self, message: &Message<'_>, secrets: &[Secret]) -> Option<Answer> {
        if !self.when.iter().all(|(source, expected)| expected.holds(source, message, secrets)) {
            return None;
        }
        let context = Context { message, secret: secrets.first() };
        let (content_type, body) = match &self.content {
            Content::Empty => (None, String::new()),
            Content::Text(body) => (Some("text/plain; charset=utf-8"), body.render(&context)?),
            Content::Json(json) => (Some("application/json"), json.render(&context)?.to_string()),
        };
        let content_type = content_type.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value)));
        let mut headers: Vec<_> = content_type.into_iter().collect();
        for (name, template) in &self.headers {
            headers.push((name.clone(), HeaderValue::from_str(&template.render(&context)?).ok()?));
        }
        let handed_over = match &self.learn_secret {
            Some(source) => Some(learned(source, message)?),
            None => None,
        };
        // The same again is asked by who missed the answer; another one would be a takeover.
        if handed_over.as_ref().is_some_and(|secret| !secrets.is_empty() && !secrets.contains(secret)) {
            return None;
        }
        let learned_secret = handed_over.filter(|_| secrets.is_empty());
        Some(Answer { status: self.status, headers, body, learned_secret, confirm: self.confirm })
    }
}

impl Expected {
    /// Whether the request has it there, with any of the secrets; compared as hashes, in constant time.
    fn holds(&self, source: &Source, message: &Message<'_>, secrets: &[Secret]) -> bool {
        let Some(value) = source.value(message).filter(|value| !value.is_empty()) else { return false };
        let Self::Value(template) = self else { return true };
        let Ok(value) = str::from_utf8(&value) else { return false };
        let given = token::hash(value);
        let contexts = secrets.iter().map(Some).chain(secrets.is_empty().then_some(None));
        contexts.map(|secret| template.render(&Context { message, secret })).fold(false, |any, expected| {
            any | expected.is_some_and(|expected| token::hash(&expected) == given)
        })
    }
}

fn learned(source: &Source, message: &Message<'_>) -> Option<Secret> {
    let value = source.value(message).filter(|value| (1..=MAX_LEARNED_BYTES).contains(&value.len()))?;
    let text = str::from_utf8(&value).ok()?;
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| Secret::new(text))
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
