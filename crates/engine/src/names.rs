//! What a request and its records are called, so that the same again is acted upon once. Pure.
//!
//! A request is named by its payload, as the user or the sender's preset says, or else by a header. An array of records is
//! named record by record, so that one that comes again in another array is known. And what was signed with a time names a
//! request that nothing else does, or nothing that was signed: whoever has seen it can't have it acted upon again.

use http::HeaderMap;
use serde_json::Value;
use signature::token;

use crate::receive::Received;
use crate::records;
use crate::sender::{self, Sent};
use crate::snapshot::Incoming;

/// The most characters of a sender's name for a request.
pub(crate) const MAX_CHARS: usize = 255;

/// The names of a request; nobody has to give any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Its own.
    pub(crate) request: Option<String>,
    /// Of what was signed, if that says more than its own.
    pub(crate) signed: Option<String>,
    /// Those of the records of an array, by position; empty if there is none.
    pub(crate) records: Vec<Option<String>>,
}

impl Names {
    /// Those of a request that was let in.
    ///
    /// # Errors
    /// If a header can't be a name.
    pub(crate) fn of(
        incoming: &Incoming,
        sent: &Sent<'_>,
        request: &Received,
        payload: &Value,
    ) -> Result<Self, String> {
        let records = of_records(incoming, sent, payload);
        let mut names = Self { request: in_payload(incoming, sent, payload), ..Self::default() };
        let mut is_signed = names.request.is_some();
        if names.request.is_none() {
            names.request = named_by_header(sent.headers)?;
        }
        if names.request.is_none() {
            names.request = of_all(&records);
            is_signed = names.request.is_some();
        }
        let scheme = incoming.scheme.as_ref();
        if let Some(scheme) = scheme.filter(|scheme| !(is_signed && scheme.covers_body())) {
            names.signed =
                sender::name_of_signed(scheme, request).map(|name| format!("signed:{}", short(name)));
        }
        names.request = names.request.map(|name| kept(incoming, name));
        names.records = records;
        Ok(names)
    }

    /// Those that stand for all of it.
    pub(crate) fn of_request(&self) -> impl Iterator<Item = &String> {
        self.request.iter().chain(&self.signed)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.of_request().chain(self.records.iter().flatten())
    }
}

/// The names of the records of an array.
pub(crate) fn of_records(incoming: &Incoming, sent: &Sent<'_>, payload: &Value) -> Vec<Option<String>> {
    match records::place(incoming, payload).0 {
        Some(Value::Array(items)) => {
            let name = |item| of_record(incoming, sent, item).map(|name| kept(incoming, name));
            items.iter().map(name).collect()
        }
        _ => Vec::new(),
    }
}

/// What names the request in the payload as a whole, or what the preset says names it beside that.
fn in_payload(incoming: &Incoming, sent: &Sent<'_>, payload: &Value) -> Option<String> {
    match records::place(incoming, payload).0 {
        Some(Value::Array(_)) => by_key(incoming, payload).or_else(|| of_preset(sent.name(None))),
        Some(only) => by_key(incoming, payload).or_else(|| of_record(incoming, sent, only)),
        None => by_key(incoming, payload),
    }
}

fn of_record(incoming: &Incoming, sent: &Sent<'_>, record: &Value) -> Option<String> {
    by_key(incoming, record).or_else(|| of_preset(sent.name(Some(record))))
}

fn by_key(incoming: &Incoming, value: &Value) -> Option<String> {
    let key = &incoming.webhook.settings.dedupe.as_ref()?.key;
    let found = key.find(value).filter(|found| !found.is_null())?;
    Some(format!("payload:{}", short(found.to_string())))
}

fn of_preset(name: Option<String>) -> Option<String> {
    name.map(|name| format!("preset:{}", short(name)))
}

/// An array is the same again if each of its records is.
fn of_all(records: &[Option<String>]) -> Option<String> {
    let names: Option<Vec<&str>> = records.iter().map(Option::as_deref).collect();
    let names = names.filter(|names| !names.is_empty())?;
    Some(format!("records:{}", token::hash(&names.join("\n")).to_hex()))
}

/// A name as it is kept: it may be a value that is not to be.
fn kept(incoming: &Incoming, name: String) -> String {
    if incoming.redact.is_empty() { name } else { token::hash(&name).to_hex() }
}

/// A name of bounded length, as much another as the text is.
fn short(text: String) -> String {
    if text.chars().count() <= MAX_CHARS { text } else { token::hash(&text).to_hex() }
}

fn named_by_header(headers: &HeaderMap) -> Result<Option<String>, String> {
    let named = ["webhook-id", "svix-id", "idempotency-key"]
        .into_iter()
        .find_map(|name| Some((name, headers.get(name)?)));
    let Some((name, value)) = named else { return Ok(None) };
    let key =
        value.to_str().map_err(|_| format!("The header {name} must be visible ASCII characters"))?.trim();
    if key.len() > MAX_CHARS {
        return Err(format!("The header {name} must have at most {MAX_CHARS} characters"));
    }
    Ok((!key.is_empty()).then(|| format!("{name}:{key}")))
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
