//! From a payload to its records: each is mapped, ignored or invalid by itself, so that one of them takes no other with it.

use std::borrow::Cow;
use std::sync::Arc;

use domain::log::FieldError;
use domain::mapping::{Mapped, Path};
use serde_json::Value;

use crate::actions::plan::Prepared;
use crate::receive::shown;
use crate::sender::Sent;
use crate::snapshot::Incoming;

/// The most records of one request.
pub const MAX_RECORDS: usize = 1_000;

/// The records of a request.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    /// In the order in which they came.
    pub(crate) list: Vec<Record>,
    /// The event that all of them name; the webhook's, if they name none or different ones.
    pub(crate) event: String,
    /// Where the array of them stands: `data.contacts.`, or empty for the payload itself. `None` if there is none: the payload
    /// is the only record.
    base: Option<String>,
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    /// For this webhook.
    Mapped(Prepared),
    /// For another event, or not for the filter: why.
    Ignored(String),
    /// Nothing that could be mapped.
    Invalid(FieldError),
}

impl Records {
    /// A field of the record at this position, as errors name it.
    pub(crate) fn field(&self, position: u32, name: &str) -> String {
        match &self.base {
            Some(base) => format!("{base}{position}.{name}"),
            None => name.to_owned(),
        }
    }
}

/// The records of a payload.
///
/// # Errors
/// If it has not the form of any: then it is for none of the webhook's settings to mend.
pub(crate) fn read(incoming: &Incoming, sent: &Sent<'_>, payload: &Arc<Value>) -> Result<Records, String> {
    if !payload.is_object() && !payload.is_array() {
        return Err("The body must be a JSON object or an array of objects".to_owned());
    }
    let (found, path) = place(incoming, payload);
    let base = path.map(|path| format!("{path}.")).unwrap_or_default();
    let mut names = Names::default();
    let (list, base) = match found {
        Some(Value::Array(items)) if items.len() > MAX_RECORDS => {
            return Err(format!("The array has more than {MAX_RECORDS} records"));
        }
        Some(Value::Array(items)) => {
            check_first_object(items, &base)?;
            let mut list = Vec::with_capacity(items.len());
            for (position, item) in items.iter().enumerate() {
                list.push(if item.is_object() {
                    record(incoming, sent, names.next(sent, item, payload), Arc::new(item.clone()))
                } else {
                    Record::Invalid(not_an_object(format!("{base}{position}"), item))
                });
            }
            (list, Some(base))
        }
        Some(only) if only.is_object() => {
            // Most are the payload itself, which need not be copied.
            let value = if path.is_none() { payload.clone() } else { Arc::new(only.clone()) };
            (vec![record(incoming, sent, names.next(sent, only, payload), value)], None)
        }
        _ => (vec![Record::Invalid(no_records(base.trim_end_matches('.')))], None),
    };
    let own = || incoming.webhook.settings.event_type.as_str().into();
    Ok(Records { list, event: shown(&names.common.unwrap_or_else(own)), base })
}

/// Where the records stand, if anything stands there, and the path to it, unless that is the payload itself.
pub(crate) fn place<'a>(incoming: &'a Incoming, payload: &'a Value) -> (Option<&'a Value>, Option<&'a Path>) {
    if let Some(path) = &incoming.webhook.settings.records {
        return (path.find(payload), Some(path));
    }
    // A sender that is known may post other things, too.
    let of_preset = incoming.preset.as_deref().and_then(|preset| preset.records.as_ref());
    match of_preset.and_then(|path| Some((path.find(payload)?, path))) {
        Some((found, path)) => (Some(found), Some(path)),
        None => (Some(payload), None),
    }
}

/// An array without any object is not of the form that is taken.
fn check_first_object(items: &[Value], base: &str) -> Result<(), String> {
    match items.first() {
        Some(first) if !items.iter().any(Value::is_object) => {
            Err(format!("The array must hold objects; item {base}0 is {}", kind(first)))
        }
        _ => Ok(()),
    }
}

fn record(incoming: &Incoming, sent: &Sent<'_>, event: Option<Cow<'_, str>>, value: Arc<Value>) -> Record {
    let own = incoming.webhook.settings.event_type.as_str();
    if let Some(name) = event.as_ref().filter(|name| incoming.compares_events() && !is_same(name, own)) {
        return Record::Ignored(format!("the event {} is not {own}", shown(name)));
    }
    let beside = sent.beside(event.as_deref().unwrap_or(own));
    match incoming.filter.as_ref().and_then(|filter| filter.ignores(&value, beside.as_deref())) {
        Some(reason) => Record::Ignored(reason),
        None => Record::Mapped(Prepared { mapped: Arc::new(map(incoming, &value)), value, beside }),
    }
}

/// Maps a record.
pub(crate) fn map(incoming: &Incoming, record: &Value) -> Mapped {
    incoming.mapper.map(record)
}

/// Whether a sender's name for an event is this one: `Order.Paid` and `order/paid` are `order_paid`.
fn is_same(name: &str, event_type: &str) -> bool {
    let letter = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
    name.len() == event_type.len() && name.bytes().map(letter).eq(event_type.bytes())
}

/// The names that records give their events, as far as they agree.
#[derive(Default)]
struct Names<'a> {
    common: Option<Cow<'a, str>>,
    differ: bool,
}

impl<'a> Names<'a> {
    /// The name that this record gives, or what is around it.
    fn next(&mut self, sent: &'a Sent<'_>, record: &'a Value, payload: &'a Value) -> Option<Cow<'a, str>> {
        let name = sent.event_of(record, payload);
        if self.differ || name.is_none() {
            return name;
        }
        match &self.common {
            None => self.common.clone_from(&name),
            Some(_) if self.common == name => {}
            Some(_) => (self.differ, self.common) = (true, None),
        }
        name
    }
}

fn not_an_object(field: String, item: &Value) -> FieldError {
    FieldError { field, message: format!("must be an object, and is {}", kind(item)) }
}

fn no_records(path: &str) -> FieldError {
    let message = format!(
        "there is no array of records at {path} in this payload: change `records`, then retry this request from the log"
    );
    FieldError { field: "records".to_owned(), message }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
