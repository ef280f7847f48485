//! Handshakes: what senders ask before they send, and what they want to hear.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signature::{Message, Request, Secret, Source, token};

use crate::template::{Context, Template};

/// Stands in [`Handshake::when`] for any value but an empty one.
const ANY: &str = "*";

/// The longest secret that a sender may hand over, in bytes.
const MAX_LEARNED_BYTES: usize = 256;

/// A rule: a request of this kind gets this answer, and is not processed further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// The method of the request.
    pub method: Method,
    /// What must stand where: a [`Source`], and a [`Template`] of its value, or `*` for any.
    #[serde(default)]
    pub when: BTreeMap<SourceText, Template>,
    /// Whether the sender signs the request: then it is answered only if its signature is right.
    #[serde(default)]
    pub signed: bool,
    /// The status of the answer.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// The body of the answer, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Template>,
    /// The body of the answer, as JSON: its texts are templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Where the sender hands over the secret that it will sign with. It counts only as long as there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learn_secret: Option<Source>,
    /// What has to be done besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
}

fn ok() -> u16 {
    200
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

/// A source as the key of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceText(pub String);

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

/// The answer to `request`, if it is a handshake by one of `rules`. `secrets` are the webhook's, the current one first;
/// `verified` says whether the request's signature is right.
pub fn answer(
    rules: &[Handshake],
    request: Request<'_>,
    secrets: &[Secret],
    verified: bool,
) -> Option<Answer> {
    let rules = rules.iter().filter(|rule| rule.method.as_str() == request.method);
    let message = Message::new(request);
    rules.filter(|rule| verified || !rule.signed).find_map(|rule| rule.answer(&message, secrets))
}

impl Handshake {
    /// What is wrong with the rule, if something is.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (source, expected) in &self.when {
            source.0.parse::<Source>().map_err(|error| format!("when.{}: {error}", source.0))?;
            // What is asked without any value given would answer everyone.
            if expected.to_string().is_empty() {
                return Err(format!("when.{}: must not be empty", source.0));
            }
        }
        for name in self.headers.keys() {
            name.parse::<HeaderName>()
                .map_err(|_| format!("headers.{name}: must be the name of a header"))?;
        }
        if !(200..=299).contains(&self.status) {
            return Err("status: must be 200 to 299".to_owned());
        }
        if self.body.is_some() && self.json.is_some() {
            return Err("json: there is a body already".to_owned());
        }
        let json = self.json.as_ref().map(templates).transpose()?.unwrap_or_default();
        let answered = self.headers.values().chain(&self.body).chain(&json);
        if answered.clone().any(Template::shows_secret) {
            return Err("the answer must not show the secret".to_owned());
        }
        Ok(())
    }

    /// Whether the answer is made with the secret.
    pub fn uses_secret(&self) -> bool {
        let json = self.json.as_ref().and_then(|json| templates(json).ok()).unwrap_or_default();
        self.headers.values().chain(&self.body).chain(&json).any(Template::uses_secret)
    }

    fn answer(&self, message: &Message<'_>, secrets: &[Secret]) -> Option<Answer> {
        if !self.when.iter().all(|(source, expected)| holds(&source.0, expected, message, secrets)) {
            return None;
        }
        let context = Context { message, secret: secrets.first() };
        let mut headers = Vec::new();
        let content = match (&self.body, &self.json) {
            (Some(body), _) => Some(("text/plain; charset=utf-8", body.render(&context)?)),
            (None, Some(json)) => Some(("application/json", render_json(json, &context)?.to_string())),
            (None, None) => None,
        };
        if let Some((content_type, _)) = content {
            headers.push((http::header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
        }
        for (name, template) in &self.headers {
            let value = HeaderValue::from_str(&template.render(&context)?).ok()?;
            headers.push((name.parse().ok()?, value));
        }
        let learned_secret = match &self.learn_secret {
            Some(source) if secrets.is_empty() => Some(learned(source, message)?),
            _ => None,
        };
        let body = content.map(|(_, body)| body).unwrap_or_default();
        Some(Answer { status: self.status, headers, body, learned_secret, confirm: self.confirm })
    }
}

/// Whether the request has the expected value there, with any of the secrets; compared as hashes, in constant time.
fn holds(source: &str, expected: &Template, message: &Message<'_>, secrets: &[Secret]) -> bool {
    let Ok(source) = source.parse::<Source>() else { return false };
    let Some(value) = source.value(message).filter(|value| !value.is_empty()) else { return false };
    if expected.to_string() == ANY {
        return true;
    }
    let Ok(value) = str::from_utf8(&value) else { return false };
    let given = token::hash(value);
    let contexts = secrets.iter().map(Some).chain(secrets.is_empty().then_some(None));
    contexts
        .map(|secret| expected.render(&Context { message, secret }))
        .fold(false, |any, expected| any | expected.is_some_and(|expected| token::hash(&expected) == given))
}

fn learned(source: &Source, message: &Message<'_>) -> Option<Secret> {
    let value = source.value(message).filter(|value| (1..=MAX_LEARNED_BYTES).contains(&value.len()))?;
    let text = str::from_utf8(&value).ok()?;
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| Secret::new(text))
}

/// The texts of `json`, as templates.
fn templates(json: &Value) -> Result<Vec<Template>, String> {
    match json {
        Value::String(text) => Ok(vec![text.parse().map_err(|error| format!("json: {error}"))?]),
        Value::Array(items) => {
            items.iter().map(templates).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        }
        Value::Object(members) => {
            members.values().map(templates).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        }
        _ => Ok(Vec::new()),
    }
}

fn render_json(json: &Value, context: &Context<'_>) -> Option<Value> {
    Some(match json {
        Value::String(text) => Value::String(text.parse::<Template>().ok()?.render(context)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| render_json(item, context)).collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let rendered =
                members.iter().map(|(name, member)| Some((name.clone(), render_json(member, context)?)));
            Value::Object(rendered.collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
