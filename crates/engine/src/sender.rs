//! What a preset says of a request: whether it is signed right, what it is called, and what event it names.

use std::borrow::Cow;

use domain::{EventPath, Timestamp};
use http::HeaderMap;
use presets::Preset;
use serde_json::Value;
use signature::{Algorithm, Message, Part, Request, Secret, Source, VerifyError};

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

fn of(request: &Received) -> Request<'_> {
    Request { method: request.method, url: &request.url, headers: &request.headers, body: &request.body }
}

/// What came in beside the body, with what the user and the sender's preset find in it and in the payload.
pub(crate) struct Sent<'a> {
    pub(crate) headers: &'a HeaderMap,
    incoming: &'a Incoming,
    message: Message<'a>,
}

impl<'a> Sent<'a> {
    pub(crate) fn new(incoming: &'a Incoming, url: &'a str, headers: &'a HeaderMap) -> Self {
        // What stands in the body is looked up in the payload that it came to.
        let message = Message::new(Request { method: "POST", url, headers, body: &[] });
        Self { headers, incoming, message }
    }

    /// The name that a record gives its event: where the user says, or else the preset, or else in `event`.
    pub(crate) fn event<'p>(&'p self, record: &'p Value) -> Option<Cow<'p, str>> {
        match &self.incoming.webhook.settings.event_path {
            Some(EventPath::Header(name)) => text_of(self.headers.get(name)?.as_bytes().into()),
            Some(EventPath::Record(path)) => event_text(path.find(record)?),
            None => {
                let preset = self.incoming.preset.as_deref();
                let named = preset.and_then(|preset| self.first(&preset.event, record));
                named.or_else(|| event_text(record.get("event")?))
            }
        }
    }

    /// What the sender calls the request, by the preset.
    pub(crate) fn name(&self, payload: &Value) -> Option<String> {
        let preset = self.incoming.preset.as_deref()?;
        // One value can't name many records.
        if preset.records.is_some() {
            return None;
        }
        self.first(&preset.dedupe, payload).map(|name| name.replace('\0', "\u{fffd}"))
    }

    fn first<'p>(&'p self, sources: &'p [Source], payload: &'p Value) -> Option<Cow<'p, str>> {
        sources.iter().find_map(|source| match source {
            Source::Body(path) => path.text(payload).filter(|text| !text.is_empty()),
            Source::Form(name) => payload.get(name)?.as_str().filter(|text| !text.is_empty()).map(Cow::from),
            Source::Header(_) | Source::Query(_) => text_of(source.value(&self.message)?),
        })
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
    use std::sync::Arc;

    use presets::Sample;
    use serde_json::json;

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
                senders += 1;
            }
        }
        assert!(senders >= 25, "{senders}");
    }

    #[test]
    fn a_request_is_named_and_signed_as_its_sender_does() {
        let stripe = presets::find("stripe").unwrap();
        let sample = &stripe.samples[0];
        let accepted = admitted(stripe, post(stripe, sample, Some(SECRET)));
        assert_eq!(accepted.event_type, "customer.created");
        assert_eq!(accepted.dedupe_key.as_deref(), Some("preset:evt_1"));
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
