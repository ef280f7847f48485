//! How an outgoing webhook makes requests of events: its templates and conditions, compiled once.

use std::collections::HashSet;

use bytes::Bytes;
use domain::Event;
use domain::log::FieldError;
use domain::outgoing::{BodyFormat, Method, OutgoingSettings};
use expression::{Expression, JsonTemplate, Payload, Template};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::draft::Draft;
use super::variables::{self, Asked};
use super::xml;
use crate::actions::call::{CLIMBS, climb, escape_url};
use crate::actions::compile::check_url;

/// The most bytes of a body.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The variables that `lists` and `tags` of a webhook look at.
const LISTS: &str = "subscriber_lists";
const TAGS: &str = "subscriber_tags";

/// Why there is nothing to send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unsendable {
    /// As a stable code.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

impl Unsendable {
    pub(crate) fn template(message: impl Into<String>) -> Self {
        Self { code: "template", message: message.into() }
    }
}

/// A webhook's templates and conditions.
#[derive(Debug)]
pub(crate) struct Rendering {
    url: Address,
    headers: Vec<(HeaderName, Template)>,
    /// Those without placeholders, ready to be sent.
    fixed_headers: HeaderMap,
    body: Body,
    filter: Option<Expression>,
    /// What they ask of a subscriber.
    asked: Asked,
}

#[derive(Debug)]
enum Address {
    Fixed(Url),
    Template(Template),
}

#[derive(Debug)]
enum Body {
    Envelope,
    Json(JsonTemplate),
    Form(JsonTemplate),
    Text(Template),
    Xml(Template),
}

/// Everything that is wrong with the templates and conditions of a webhook.
pub fn check(settings: &OutgoingSettings) -> Vec<FieldError> {
    match Rendering::compile(settings) {
        Ok(rendering) => rendering.malformed().into_iter().collect(),
        Err(faults) => faults,
    }
}

impl Rendering {
    pub(crate) fn compile(settings: &OutgoingSettings) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut wrong = |field: &str, message: String| {
            faults.push(FieldError { field: field.to_owned(), message });
        };
        let filter = settings.filter.as_deref().and_then(|source| match Expression::compile(source) {
            Ok(filter) => {
                let names = filter.variables();
                if let Some(name) = names.iter().find(|name| !variables::is_known(name)) {
                    wrong("filter", variables::unknown(name));
                }
                Some(filter)
            }
            Err(error) => {
                wrong("filter", error.to_string());
                None
            }
        });
        let url = address(&settings.url).map_err(|message| wrong("url", message));
        let (mut headers, mut fixed_headers) = (Vec::new(), HeaderMap::new());
        for (name, value) in &settings.headers {
            let field = format!("headers.{name}");
            let Ok(header) = HeaderName::try_from(name) else { continue };
            if value.contains(['{', '}']) {
                match text_template(value) {
                    Ok(template) => headers.push((header, template)),
                    Err(message) => wrong(&field, message),
                }
            } else if let Ok(value) = HeaderValue::try_from(value) {
                fixed_headers.insert(header, value);
            }
        }
        let body = body(settings).map_err(|fault| wrong(&fault.field, fault.message));
        fixed_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(settings.format.content_type()));
        match (url, body) {
            (Ok(url), Ok(body)) if faults.is_empty() => {
                let asked = Asked::default();
                Ok(Self { url, headers, fixed_headers, body, filter, asked }.asking(settings))
            }
            _ => Err(faults),
        }
    }

    /// Why a payload that is to be XML is none, whatever its placeholders become. What was saved before this was looked at goes on.
    fn malformed(&self) -> Option<FieldError> {
        let Body::Xml(template) = &self.body else { return None };
        let (position, message) = xml::fault(&template.outline(xml::VALUE))?;
        Some(FieldError {
            field: "payload".to_owned(),
            message: format!("at character {position}: {message}"),
        })
    }

    fn asking(mut self, settings: &OutgoingSettings) -> Self {
        let mut names: Vec<String> = self.filter.iter().flat_map(Expression::variables).collect();
        let url = if let Address::Template(template) = &self.url { Some(template) } else { None };
        let text =
            if let Body::Text(template) | Body::Xml(template) = &self.body { Some(template) } else { None };
        let texts = self.headers.iter().map(|(_, template)| template).chain(url).chain(text);
        names.extend(texts.flat_map(Template::variables).map(|(_, name)| name));
        if let Body::Json(template) | Body::Form(template) = &self.body {
            names.extend(template.variables().into_iter().map(|variable| variable.name));
        }
        names.extend((!settings.lists.is_empty()).then(|| LISTS.to_owned()));
        names.extend((!settings.tags.is_empty()).then(|| TAGS.to_owned()));
        self.asked = Asked::by(&names);
        self
    }

    /// What of a subscriber it takes to render an event, and to know whether it is wanted.
    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// What is to be sent of an event.
    ///
    /// # Errors
    /// Says what can't be made of it.
    pub(crate) fn draft(&self, settings: &OutgoingSettings, event: &Event) -> Result<Draft, Unsendable> {
        let mut seen = None;
        let mut payload = || seen.get_or_insert_with(|| Payload::new(&variables::of(event))).clone();
        let url = match &self.url {
            Address::Fixed(url) => url.clone(),
            Address::Template(template) => {
                let text = template.render_text(&payload(), escape_url);
                let text =
                    text.map_err(|error| Unsendable::template(format!("the URL can't be made: {error}")))?;
                if climb(template, &text) {
                    return Err(Unsendable::template(CLIMBS));
                }
                Url::parse(&text)
                    .map_err(|_| Unsendable::template("the URL is not valid with the values of this event"))?
            }
        };
        let mut headers = self.fixed_headers.clone();
        for (name, template) in &self.headers {
            let text = template.render_text(&payload(), str::to_owned);
            let text = text
                .map_err(|error| Unsendable::template(format!("the header {name} can't be made: {error}")))?;
            let value = HeaderValue::from_str(&text).map_err(|_| {
                Unsendable::template(format!("the header {name} would not be visible ASCII characters"))
            })?;
            headers.insert(name, value);
        }
        let is_own_target = matches!(self.url, Address::Template(_));
        let method = match settings.method {
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
        };
        let is_own_body = !matches!(self.body, Body::Envelope);
        let (body, form) = if is_own_body { self.body(&payload())? } else { (event.envelope(), None) };
        let form = form.filter(|_| settings.transform.is_some());
        if body.len() > MAX_BODY_BYTES {
            return Err(Unsendable { code: "too_large", message: "the body has more than 1 MiB".to_owned() });
        }
        Ok(Draft { method, url, headers, body: Bytes::from(body), is_own_body, form, is_own_target })
    }

    /// The body, and of a form what it was made of.
    fn body(&self, payload: &Payload) -> Result<(String, Option<Value>), Unsendable> {
        let fault = |error: &dyn std::fmt::Display| {
            Unsendable::template(format!("the payload can't be made: {error}"))
        };
        let text = match &self.body {
            Body::Envelope => Ok(String::new()),
            Body::Json(template) | Body::Form(template) => {
                let (value, errors) = template.render(payload);
                if let Some(error) = errors.first() {
                    return Err(fault(error));
                }
                return Ok(match self.body {
                    Body::Form(_) => (form(&value), Some(value)),
                    _ => (value.to_string(), None),
                });
            }
            Body::Text(template) => template.render_text(payload, str::to_owned),
            Body::Xml(template) => template.render_text(payload, escape_xml),
        };
        text.map(|text| (text, None)).map_err(|error| fault(&error))
    }

    /// Why an event is not sent, if it is not.
    pub(crate) fn refuses(&self, settings: &OutgoingSettings, event: &Event) -> Option<String> {
        if self.filter.is_none() && settings.lists.is_empty() && settings.tags.is_empty() {
            return None;
        }
        let variables = variables::of(event);
        let has_one = |name: &str, wanted: Vec<Value>| {
            let has: HashSet<&Value> = variables[name].as_array()?.iter().collect();
            Some(wanted.iter().any(|value| has.contains(value)))
        };
        if !settings.lists.is_empty() {
            match has_one(LISTS, settings.lists.iter().map(|list| list.0.into()).collect()) {
                Some(true) => {}
                Some(false) => return Some("the subscriber is on none of the webhook's lists".to_owned()),
                None => return Some("the event does not say which lists a subscriber is on".to_owned()),
            }
        }
        if !settings.tags.is_empty() {
            match has_one(TAGS, settings.tags.iter().map(|tag| tag.as_str().into()).collect()) {
                Some(true) => {}
                Some(false) => return Some("the subscriber has none of the webhook's tags".to_owned()),
                None => return Some("the event does not say which tags a subscriber has".to_owned()),
            }
        }
        match self.filter.as_ref()?.is_true(&Payload::new(&variables)) {
            Ok(true) => None,
            Ok(false) => Some("the webhook's filter does not hold".to_owned()),
            Err(error) => Some(format!("the webhook's filter can't be evaluated: {error}")),
        }
    }
}

/// A URL, or a template of one whose scheme and host are fixed: no event chooses where secrets go.
fn address(url: &str) -> Result<Address, String> {
    if !url.contains(['{', '}']) {
        return Url::parse(url).map(Address::Fixed).map_err(|error| format!("is not a URL: {error}"));
    }
    check_url(url)?;
    text_template(url).map(Address::Template)
}

fn text_template(source: &str) -> Result<Template, String> {
    let template = Template::compile(source).map_err(|error| error.to_string())?;
    match template.variables().into_iter().find(|(_, name)| !variables::is_known(name)) {
        Some((position, name)) => Err(format!("at character {position}: {}", variables::unknown(&name))),
        None => Ok(template),
    }
}

fn body(settings: &OutgoingSettings) -> Result<Body, FieldError> {
    let Some(payload) = &settings.payload else { return Ok(Body::Envelope) };
    let fault = |at: &str, message: String| {
        let field = if at.is_empty() { "payload".to_owned() } else { format!("payload.{at}") };
        FieldError { field, message }
    };
    if let (BodyFormat::Xml | BodyFormat::Text, Value::String(text)) = (settings.format, payload) {
        let template = text_template(text).map_err(|message| fault("", message))?;
        return Ok(if settings.format == BodyFormat::Xml {
            Body::Xml(template)
        } else {
            Body::Text(template)
        });
    }
    let template =
        JsonTemplate::compile(payload).map_err(|error| fault(&error.at, error.problem.to_string()))?;
    if let Some(unknown) = template.variables().into_iter().find(|v| !variables::is_known(&v.name)) {
        let message = format!("at character {}: {}", unknown.position, variables::unknown(&unknown.name));
        return Err(fault(&unknown.at, message));
    }
    Ok(if settings.format == BodyFormat::Form { Body::Form(template) } else { Body::Json(template) })
}

/// The predefined entities of XML 1.0, section 4.6.
fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // No XML 1.0 document may hold these (section 2.2).
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Members nest by brackets; `null` is empty. Items that have members or items themselves are numbered, as PHP writes them:
/// without, each of their members would begin an item of its own.
pub(super) fn form(value: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    add(&mut form, "", value);
    form.finish()
}

fn add(form: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
    let inside = |member: &str| if name.is_empty() { member.to_owned() } else { format!("{name}[{member}]") };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(member, value)| add(form, &inside(member), value))
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(at, item)| add(form, &inside(&at.to_string()), item));
        }
        Value::Array(items) => items.iter().for_each(|item| add(form, &inside(""), item)),
        Value::Null => {
            form.append_pair(name, "");
        }
        Value::String(text) => {
            form.append_pair(name, text);
        }
        other => {
            form.append_pair(name, &other.to_string());
        }
    }
}

#[cfg(test)]
#[path = "rendering_tests.rs"]
mod tests;
