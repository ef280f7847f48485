//! What a preset says of a request: whether it is signed right, what it is called, and what event it names.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use domain::redact::MASK;
use domain::{EventPath, Timestamp};
use http::HeaderMap;
use presets::Preset;
use serde_json::{Value, json};
use signature::{Algorithm, Message, Part, Request, Scheme, Secret, Source, VerifyError};

use crate::headers;
use crate::receive::Received;
use crate::snapshot::Incoming;

/// Checks a request by the scheme that the webhook's preset or the webhook itself describes.
///
/// # Errors
/// If it is not right. Without a scheme nothing is: who asks for a signature gets nothing that has none.
pub(crate) fn verify(incoming: &Incoming, request: &Received, now: Timestamp) -> Result<(), VerifyError> {
    let scheme = incoming.scheme.as_ref().ok_or(VerifyError::Missing(Part::Signature))?;
    let keys = match scheme.algorithm {
        Algorithm::RsaSns => request.sender_key.as_slice(),
        _ => incoming.scheme_keys.at(now),
    };
    scheme.verify(keys, of(request), now.seconds())
}

/// Parses the texts of a payload that are JSON, as the preset and the user say. One that is none stays a text.
pub(crate) fn parse_inside(incoming: &Incoming, payload: &mut Value) {
    let of_preset = incoming.preset.iter().flat_map(|preset| &preset.parse_json);
    for path in of_preset.chain(&incoming.webhook.settings.parse_json) {
        let Some(member) = path.find_mut(payload) else { continue };
        if let Some(inside) = member.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *member = inside;
        }
    }
}

/// The answer to a handshake.
pub(crate) fn handshake(
    preset: &Preset,
    incoming: &Incoming,
    request: &Received,
    now: Timestamp,
    verified: impl Fn() -> bool,
) -> Option<presets::Answer> {
    let secrets = &incoming.secrets;
    let known: Vec<Secret> = if secrets.learns { vec![] } else { secrets.signing.at(now).cloned().collect() };
    presets::answer(&preset.handshakes, of(request), &known, verified)
}

/// What names a request by what its sender signed.
pub(crate) fn name_of_signed(scheme: &Scheme, request: &Received) -> Option<String> {
    scheme.name(of(request))
}

fn of(request: &Received) -> Request<'_> {
    Request { method: request.method, url: &request.url, headers: &request.headers, body: &request.body }
}

/// What came in beside the body, with what the user and the sender's preset find in it and in the payload.
pub(crate) struct Sent<'a> {
    pub(crate) headers: &'a HeaderMap,
    incoming: &'a Incoming,
    message: Message<'a>,
    /// The headers as the log keeps them.
    kept: &'a str,
    /// Whether that is all that is left of them.
    is_stored: bool,
    /// The event that the log knows of a stored request, if that was named where the log keeps nothing.
    event: Option<&'a str>,
    /// What conditions see beside a record, of the event before: most records of a request name the same.
    beside: RefCell<Option<(String, Arc<Value>)>>,
}

impl<'a> Sent<'a> {
    /// Of a request that came in; `kept` are its headers as the log keeps them.
    pub(crate) fn of(incoming: &'a Incoming, request: &'a Received, kept: &'a str) -> Self {
        // What stands in the body is looked up in the payload that it came to.
        let (url, headers) = (&request.url, &request.headers);
        let message = Message::new(Request { method: "POST", url, headers, body: &[] });
        Self { headers, incoming, message, kept, is_stored: false, event: None, beside: RefCell::default() }
    }

    /// Of a request that was stored, with the headers and the event that the log has.
    pub(crate) fn stored(
        incoming: &'a Incoming,
        headers: &'a HeaderMap,
        kept: &'a str,
        event: &'a str,
    ) -> Self {
        let message = Message::new(Request { method: "POST", url: "", headers, body: &[] });
        let event = names_events_unseen(incoming).then_some(event);
        Self { headers, incoming, message, kept, is_stored: true, event, beside: RefCell::default() }
    }

    /// The name of the event of a record: its own, or else that of the payload around it.
    pub(crate) fn event_of<'p>(&'p self, record: &'p Value, payload: &'p Value) -> Option<Cow<'p, str>> {
        let named = self.event(record).or_else(|| self.event(payload));
        named.or_else(|| self.event.map(Cow::from))
    }

    /// The name that a record gives its event: where the user says, or else the preset, or else in `event`.
    pub(crate) fn event<'p>(&'p self, record: &'p Value) -> Option<Cow<'p, str>> {
        match &self.incoming.webhook.settings.event_path {
            Some(EventPath::Header(name)) => self.shown(self.headers.get(name)?.as_bytes().into()),
            Some(EventPath::Record(path)) => event_text(path.find(record)?),
            None => {
                let preset = self.incoming.preset.as_deref();
                let named = preset.and_then(|preset| self.first(&preset.event, record));
                named.or_else(|| event_text(record.get("event")?))
            }
        }
    }

    /// What conditions and scripts see beside a record, if any of the webhook's asks for it: the name of the event, and the
    /// headers as the log keeps them, so that a request that is run again is judged by the same.
    pub(crate) fn beside(&self, event: &str) -> Option<Arc<Value>> {
        if !self.incoming.asks_beside {
            return None;
        }
        let mut last = self.beside.borrow_mut();
        if let Some((_, beside)) = last.as_ref().filter(|(of, _)| of == event) {
            return Some(beside.clone());
        }
        let headers: Value = serde_json::from_str(self.kept).unwrap_or_default();
        let beside = Arc::new(json!({"event": event, "headers": headers}));
        *last = Some((event.to_owned(), beside.clone()));
        Some(beside)
    }

    /// What the sender calls a record, by the preset; without one, what it calls the request beside its records.
    pub(crate) fn name(&self, record: Option<&Value>) -> Option<String> {
        let preset = self.incoming.preset.as_deref()?;
        preset.dedupe.iter().find_map(|name| self.together(name, record))
    }

    fn together(&self, name: &presets::Name, record: Option<&Value>) -> Option<String> {
        let record = match name.is_of_record() {
            true => record?,
            false => &Value::Null,
        };
        let parts: Option<Vec<_>> = name.sources().iter().map(|source| self.part(source, record)).collect();
        Some(parts?.join(" ").replace('\0', "\u{fffd}"))
    }

    /// A part of a name: also what is no text.
    fn part<'p>(&'p self, source: &Source, record: &'p Value) -> Option<Cow<'p, str>> {
        self.value(source, record).or_else(|| match source {
            Source::Body(path) => {
                let found = path.find(record).filter(|found| found.is_array() || found.is_object())?;
                Some(found.to_string().into())
            }
            _ => None,
        })
    }

    fn first<'p>(&'p self, sources: &'p [Source], payload: &'p Value) -> Option<Cow<'p, str>> {
        sources.iter().find_map(|source| self.value(source, payload))
    }

    fn value<'p>(&'p self, source: &Source, payload: &'p Value) -> Option<Cow<'p, str>> {
        match source {
            Source::Body(path) => path.text(payload).filter(|text| !text.is_empty()),
            Source::Form(name) => payload.get(name)?.as_str().filter(|text| !text.is_empty()).map(Cow::from),
            Source::Header(_) | Source::Query(_) => self.shown(source.value(&self.message)?),
        }
    }

    /// A text, unless it is what the log keeps in its place.
    fn shown<'p>(&self, bytes: Cow<'p, [u8]>) -> Option<Cow<'p, str>> {
        text_of(bytes).filter(|text| !self.is_stored || text != MASK)
    }
}

/// Whether events are named where the log keeps nothing: in the URL, or in a header that is masked.
fn names_events_unseen(incoming: &Incoming) -> bool {
    let is_masked = |name: &str| {
        headers::is_secret(name) || incoming.secret_headers.iter().any(|secret| secret.as_str() == name)
    };
    let is_unseen = |source: &Source| match source {
        Source::Query(_) => true,
        Source::Header(name) => is_masked(name.as_str()),
        Source::Form(_) | Source::Body(_) => false,
    };
    match &incoming.webhook.settings.event_path {
        Some(EventPath::Header(name)) => is_masked(&name.to_ascii_lowercase()),
        Some(EventPath::Record(_)) => false,
        None => incoming.preset.as_deref().is_some_and(|preset| preset.event.iter().any(is_unseen)),
    }
}

fn text_of(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    if bytes.is_empty() {
        return None;
    }
    Some(match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    })
}

/// The name of an event that a value is: a text, or a number, as some senders count theirs.
fn event_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use presets::Sample;

    use super::*;
    use crate::receive::{Accepted, Content, admit};
    use crate::records::Record;
    use crate::testing::{NOW, SECRET, request, snapshot};

    fn post(preset: &Preset, sample: &Sample, secret: Option<&str>) -> Received {
        let mut request = request(sample.body.clone());
        request.headers.insert("content-type", sample.content_type.parse().unwrap());
        for (name, value) in &sample.headers {
            request.headers.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let Some((scheme, secret)) = preset.scheme.as_ref().zip(secret) else { return request };
        let body = request.body.clone();
        let signed = scheme.sign(&Secret::new(secret), "POST", &request.url, &body, "msg_1", NOW.seconds());
        for (source, value) in signed.unwrap_or_default() {
            if let Source::Header(name) = source {
                request.headers.insert(name, value.parse().unwrap());
            }
        }
        request
    }

    fn admitted(preset: &Preset, request: Received) -> Accepted {
        let scheme = if preset.scheme.is_some() { "preset" } else { "none" };
        let settings = json!({"preset": preset.id, "signature": {"scheme": scheme}});
        admit(&snapshot(settings, &[]), &Arc::new(request), NOW).unwrap()
    }

    #[test]
    fn the_samples_of_known_senders_are_mapped_without_a_mapping() {
        let mut senders = 0;
        for preset in presets::all() {
            for sample in &preset.samples {
                let accepted = admitted(preset, post(preset, sample, Some(SECRET)));
                // Those whose keys are certificates, or whose signature stands in the body, are signed by nobody here.
                let Content::Records(records) = &accepted.content else { continue };
                let emails: Vec<Option<String>> = records
                    .list
                    .iter()
                    .map(|record| match record {
                        Record::Mapped(record) => {
                            record.mapped.fields.email.as_ref().map(ToString::to_string)
                        }
                        other => panic!("{}: {other:?}", preset.id),
                    })
                    .collect();
                let expected: Vec<_> = sample.records.iter().map(|record| record.email.clone()).collect();
                assert_eq!(emails, expected, "{}: {}", preset.id, sample.body);
                assert_eq!(names(&accepted, expected.len()), named(&sample.records), "{}", preset.id);
                senders += 1;
            }
        }
        assert!(senders >= 25, "{senders}");
    }

    /// By what each record is recognised, as its preset says: by itself, or with the whole request.
    fn names(accepted: &Accepted, records: usize) -> Vec<Option<String>> {
        let own = |name: &Option<String>| Some(name.as_ref()?.strip_prefix("preset:")?.to_owned());
        let of_record = |record: usize| accepted.names.records.get(record).and_then(own);
        (0..records).map(|record| of_record(record).or_else(|| own(&accepted.names.request))).collect()
    }

    fn named(records: &[presets::Record]) -> Vec<Option<String>> {
        records.iter().map(|record| record.dedupe.clone()).collect()
    }

    #[test]
    fn a_request_is_named_and_signed_as_its_sender_does() {
        let stripe = presets::find("stripe").unwrap();
        let sample = &stripe.samples[0];
        let accepted = admitted(stripe, post(stripe, sample, Some(SECRET)));
        assert_eq!(accepted.event_type, "customer.created");
        assert_eq!(accepted.names.request.as_deref(), Some("preset:evt_1"));
        for secret in [None, Some("whsec_another")] {
            let rejected = admitted(stripe, post(stripe, sample, secret));
            assert!(matches!(rejected.content, Content::Rejected { .. }), "{secret:?}");
        }
        let mut tampered = post(stripe, sample, Some(SECRET));
        tampered.body = sample.body.replace("Ada", "Eve").into();
        assert!(matches!(admitted(stripe, tampered).content, Content::Rejected { .. }));
        let mut replayed = post(stripe, sample, Some(SECRET));
        replayed.headers = post(stripe, sample, Some(SECRET)).headers;
        let settings = json!({"preset": "stripe", "signature": {"scheme": "preset"}});
        let late = admit(&snapshot(settings, &[]), &Arc::new(replayed), NOW.plus_millis(301_000)).unwrap();
        assert!(matches!(late.content, Content::Rejected { .. }), "stale");
    }
}
