use std::collections::BTreeMap;

use domain::mapping::{self, Found, Path};
use domain::subscriber::TextField;
use expression::Mapping;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};
use signature::{Message, Request, Secret, Source};
use url::form_urlencoded;

use super::*;
use crate::preset::{Record, Sample};

#[test]
fn every_file_is_usable_and_says_where_it_is_from() {
    let ids: Vec<_> = all().iter().map(|preset| preset.id.as_str()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    for preset in all() {
        let urls = &preset.documentation;
        assert!(urls.iter().all(|url| url.starts_with("https://")), "{}", preset.id);
        assert_eq!(urls.is_empty(), preset.id == "generic", "{}", preset.id);
        assert!(!preset.samples.is_empty(), "{}", preset.id);
        assert_eq!(find(&preset.id), Some(preset));
        let again = toml::to_string(preset).unwrap();
        assert_eq!(Preset::parse(&again).unwrap(), *preset, "{}", preset.id);
    }
    assert_eq!(find("nobody"), None);
}

#[test]
fn every_sample_says_what_its_preset_reads() {
    for preset in all() {
        for sample in &preset.samples {
            // By what records are recognised is tried by the engine, which does that.
            let unnamed = sample.records.iter().map(|record| Record { dedupe: None, ..record.clone() });
            let expected: Vec<_> = unnamed.collect();
            assert_eq!(read(preset, sample), expected, "{}: {}", preset.id, sample.body);
        }
    }
}

/// What the engine does with a request, in small.
fn read(preset: &Preset, sample: &Sample) -> Vec<Record> {
    let mut payload = match sample.content_type.as_str() {
        "application/x-www-form-urlencoded" => form(&sample.body),
        _ => serde_json::from_str(&sample.body).unwrap(),
    };
    for path in &preset.parse_json {
        let Some(text) = path.find(&payload).and_then(Value::as_str) else { continue };
        let parsed = serde_json::from_str(text).unwrap();
        payload[path.to_string()] = parsed;
    }
    let found = preset.records.as_ref().and_then(|path: &Path| path.find(&payload));
    let records = found.unwrap_or(&payload);
    let headers = headers(&sample.headers);
    let records = records.as_array().map_or(std::slice::from_ref(records), Vec::as_slice);
    records.iter().map(|record| read_record(preset, record, &headers)).collect()
}

fn read_record(preset: &Preset, record: &Value, headers: &HeaderMap) -> Record {
    let rules = Mapping::compile(&preset.mapping).unwrap();
    let mut mapped = rules.apply(record).mapped();
    for Found { to, from, value } in mapping::found_beside(record, &mapped) {
        mapped.set(&to, value, &from);
    }
    let fields = mapped.fields;
    let text = |wanted: TextField| {
        let found = fields.texts.iter().rev().find(|(field, _)| *field == wanted);
        found.and_then(|(_, text)| text.clone())
    };
    Record {
        event: first(&preset.event, record, headers),
        dedupe: None,
        email: fields.email.as_ref().map(ToString::to_string),
        first_name: text(TextField::FirstName),
        last_name: text(TextField::LastName),
    }
}

fn first(sources: &[Source], record: &Value, headers: &HeaderMap) -> Option<String> {
    sources.iter().find_map(|source| match source {
        Source::Body(path) => path.text(record).map(String::from),
        Source::Header(name) => headers.get(name).map(|value| value.to_str().unwrap().to_owned()),
        Source::Query(_) | Source::Form(_) => None,
    })
}

/// A form whose names nest by brackets.
fn form(body: &str) -> Value {
    let mut root = Map::new();
    for (name, value) in form_urlencoded::parse(body.as_bytes()) {
        let steps: Vec<_> = name.split('[').map(|step| step.trim_end_matches(']')).collect();
        let (last, parents) = steps.split_last().unwrap();
        let parent = parents.iter().fold(&mut root, |parent, step| {
            let member = parent.entry(*step).or_insert_with(|| Value::Object(Map::new()));
            member.as_object_mut().unwrap()
        });
        parent.insert((*last).to_owned(), Value::String(value.into_owned()));
    }
    Value::Object(root)
}

fn headers(pairs: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(header).collect()
}

/// A request that a sender signed, and where its values are from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    preset: String,
    /// Where secret, body and signature are from, or by which recipe they were made.
    source: String,
    secret: String,
    now: i64,
    #[serde(default)]
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
    /// Whether the signature covers the body.
    #[serde(default = "yes")]
    covers_body: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

fn vectors() -> Vec<Vector> {
    toml::from_str::<Vectors>(include_str!("../testdata/vectors.toml")).unwrap().vectors
}

impl Vector {
    fn verify(&self, secret: &str, body: &str, now: i64) -> Result<(), &'static str> {
        self.verify_any(&[secret], body, now)
    }

    fn verify_any(&self, secrets: &[&str], body: &str, now: i64) -> Result<(), &'static str> {
        let scheme = find(&self.preset).unwrap().scheme.as_ref().unwrap();
        let keys: Vec<_> = secrets.iter().map(|text| scheme.key(&Secret::new(*text)).unwrap()).collect();
        let headers = headers(&self.headers);
        let request = Request { method: "POST", url: &self.url, headers: &headers, body: body.as_bytes() };
        scheme.verify(&keys, request, now).map_err(|error| error.code())
    }
}

#[test]
fn every_preset_that_signs_verifies_what_its_sender_signed() {
    let vectors = vectors();
    for preset in all().iter().filter(|preset| preset.scheme.is_some()) {
        assert!(vectors.iter().any(|vector| vector.preset == preset.id), "{} has no vector", preset.id);
    }
    for vector in vectors {
        let name = format!("{} ({})", vector.preset, vector.source);
        assert!(!vector.source.is_empty());
        assert_eq!(vector.verify(&vector.secret, &vector.body, vector.now), Ok(()), "{name}");

        let changed = format!("{} ", vector.body);
        let expected = if vector.covers_body { Err("signature_mismatch") } else { Ok(()) };
        assert_eq!(vector.verify(&vector.secret, &changed, vector.now), expected, "{name}");

        let scheme = find(&vector.preset).unwrap().scheme.as_ref().unwrap();
        if scheme.timestamp.is_some() {
            let late = vector.now + i64::from(scheme.tolerance_seconds) + 1;
            let answer = vector.verify(&vector.secret, &vector.body, late);
            assert_eq!(answer, Err("timestamp_out_of_tolerance"), "{name}");
        }
        let unsigned = Vector { headers: BTreeMap::new(), ..vector };
        if unsigned.covers_body {
            let answer = unsigned.verify(&unsigned.secret, &unsigned.body, unsigned.now);
            assert_eq!(answer, Err("signature_missing"), "{name}");
        }
    }
}

/// Whoever tries a webhook signs as the sender does, wherever that can be done without its private key or its body.
#[test]
fn what_we_sign_as_a_sender_verifies() {
    let mut signed = Vec::new();
    for vector in vectors() {
        let scheme = find(&vector.preset).unwrap().scheme.as_ref().unwrap();
        let body = vector.body.as_bytes();
        let parts = scheme.sign(&Secret::new(&vector.secret), "POST", &vector.url, body, "msg_1", vector.now);
        let Ok(parts) = parts else { continue };
        let body = String::from_utf8(signature::put_in_body(body, &parts).unwrap()).unwrap();
        let headers = parts.into_iter().filter_map(|(source, value)| match source {
            Source::Header(name) => Some((name.to_string(), value)),
            Source::Body(_) => None,
            other => panic!("{other:?}"),
        });
        let vector = Vector { headers: headers.collect(), body, ..vector };
        assert_eq!(vector.verify(&vector.secret, &vector.body, vector.now), Ok(()), "{}", vector.preset);
        signed.push(vector.preset);
    }
    signed.dedup();
    let unsigned: Vec<_> = all()
        .iter()
        .filter(|preset| preset.scheme.is_some() && !signed.contains(&preset.id))
        .map(|preset| preset.id.as_str())
        .collect();
    assert_eq!(unsigned, ["sendgrid", "ses"]);
}

#[test]
fn another_secret_is_refused_unless_both_count() {
    let symmetric =
        |vector: &Vector| !vector.secret.starts_with("MFkw") && !vector.secret.starts_with("-----");
    for vector in vectors().into_iter().filter(symmetric) {
        // Base64 or not, it is a key of its form; and HMAC would pad with the zeros of AAAA by itself.
        let other = format!("{}BBBB", vector.secret.trim_end_matches('='));
        assert_eq!(
            vector.verify(&other, &vector.body, vector.now),
            Err("signature_mismatch"),
            "{}",
            vector.preset
        );
        let rotated = vector.verify_any(&[&other, &vector.secret], &vector.body, vector.now);
        assert_eq!(rotated, Ok(()), "{}", vector.preset);
    }
}

#[test]
fn what_a_scheme_looks_for_is_found_in_its_message() {
    // A source that is never found would be a misspelt name: each field has a value in some vector.
    for vector in vectors() {
        let scheme = find(&vector.preset).unwrap().scheme.as_ref().unwrap();
        let headers = headers(&vector.headers);
        let request =
            Request { method: "POST", url: &vector.url, headers: &headers, body: vector.body.as_bytes() };
        let message = Message::new(request);
        for field in
            [Some(&scheme.signature), scheme.timestamp.as_ref(), scheme.id.as_ref()].into_iter().flatten()
        {
            assert!(field.from.iter().any(|source| source.value(&message).is_some()), "{}", vector.preset);
        }
    }
}
