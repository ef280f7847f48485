//! Property tests of the way from a request's bytes to its records. What they throw is random, but in the forms that the
//! parsers look for, so that it gets past their doors.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{LIMIT, check_body, check_request};
use crate::body;
use crate::receive::{Received, admit};
use crate::testing::{NOW, request, snapshot};

const CONTENT_TYPES: &[&str] = &[
    "",
    "application/json",
    "Application/JSON; charset=\"ISO-8859-1\"",
    "application/vnd.x+json",
    "text/plain; charset=utf-16",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=shift_jis",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\"b b\"; charset=latin1",
    "multipart/form-data",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "text/html",
];

const ENCODINGS: &[&str] = &["", "identity", "gzip", "deflate", "gzip, gzip", "br"];

/// Pieces of which bodies are put together: the signs that the parsers look for, and what stands between them.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"null",
    b"\"a\":",
    b"\"email\":\"a@example.com\"",
    b"\"data\":",
    b"\"event\":",
    b"\"data_base64\":\"e30=\"",
    b"a",
    b"a[b]",
    b"a[]",
    b"[",
    b"]",
    b"=",
    b"&",
    b"+",
    b"%",
    b"%00",
    b"%e9",
    b"%5B",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"--b",
    b"--b--",
    b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
    b"; filename=\"x\"",
    b"\r\nContent-Type: application/json",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\0",
    b"{}",
    b"[{}]",
    b"{}\n",
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec(select(PIECES), 0..60).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 1 => vec(any::<u8>(), 0..200), 1 => payload().prop_map(|value| value.to_string().into_bytes())]
}

/// JSON with the names that senders use.
fn payload() -> impl Strategy<Value = Value> {
    let name = || {
        prop_oneof![
            select(&["email", "data", "event", "id", "type", "x.y", "", "0"][..]).prop_map(str::to_owned),
            ".{0,4}"
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        select(&["a@example.com", "subscriber_added", "{\"a\":[1]}", "[{}]"][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn compressed(bytes: &[u8], encoding: &str) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}

/// Headers, and a body in the encoding that they name, or in none in spite of it.
fn message() -> impl Strategy<Value = (HeaderMap, Vec<u8>)> {
    let value =
        || prop_oneof![vec(0x20..0x7f_u8, 0..20), vec(prop_oneof![0x20..0x7f_u8, 0x80..=0xff_u8], 0..8)];
    let names = select(
        &[
            "ce-specversion",
            "ce-type",
            "ce-id",
            "ce-data",
            "webhook-id",
            "idempotency-key",
            "x-github-event",
            "content-encoding",
        ][..],
    );
    let others = vec((names, value()), 0..4);
    (select(CONTENT_TYPES), select(ENCODINGS), others, bytes(), prop::bool::weighted(0.9)).prop_map(
        |(content_type, encoding, others, body, is_honest)| {
            let mut headers = HeaderMap::new();
            for (name, value) in others {
                // One of a name: of several the log keeps all in one value, and an event is named by the first.
                headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap());
            }
            for (name, value) in [("content-type", content_type), ("content-encoding", encoding)] {
                if !value.is_empty() {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            let body = if is_honest { compressed(&body, encoding) } else { body };
            (headers, body)
        },
    )
}

/// Settings of an incoming webhook: any that can be saved.
fn settings() -> impl Strategy<Value = Value> {
    let path = || select(&["data", "email", "[0]", "data.data", "0", "x", "type"][..]);
    let presets: Vec<Option<String>> =
        std::iter::once(None).chain(presets::all().iter().map(|preset| Some(preset.id.clone()))).collect();
    (
        prop::option::of(path()),
        prop::option::of(prop_oneof![path(), Just("header:X-GitHub-Event"), Just("header:ce-type")]),
        vec(path(), 0..3),
        prop::option::of(select(&["email", "data.id > 1", "data | length", "event in ['a']"][..])),
        prop::option::of(path()),
        select(presets),
    )
        .prop_map(|(records, event_path, parse_json, filter, dedupe, preset)| {
            json!({
                "records": records, "event_path": event_path, "parse_json": parse_json, "filter": filter, "preset": preset,
                "dedupe": dedupe.map(|key| json!({"key": key})),
            })
        })
}

proptest! {
    #[test]
    fn prop_any_body_is_read_or_refused((headers, body) in message()) {
        check_body(&headers, &body);
    }

    #[test]
    fn prop_any_request_is_let_in_or_refused((headers, body) in message(), settings in settings()) {
        check_request(headers, body, settings);
    }

    #[test]
    fn prop_a_form_says_the_same_in_either_form(
        fields in vec(("[a-z]{1,3}(\\[[a-z0-9]{0,2}\\]){0,3}", "[ -~é€]{0,20}"), 1..12)
    ) {
        let read = |content_type: &'static str, body: &str| {
            let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            body::read(&headers, body.as_bytes(), LIMIT).unwrap().value
        };
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let part = |(name, value): &(String, String)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts = fields.iter().map(part).collect::<String>() + "--b--\r\n";
        let value = read("application/x-www-form-urlencoded", &encoded);
        prop_assert_eq!(&read("multipart/form-data; boundary=b", &parts), &value);
        let plain = fields.iter().all(|(name, _)| !name.contains('['));
        let names: std::collections::HashSet<_> = fields.iter().map(|(name, _)| name).collect();
        if plain && names.len() == fields.len() {
            let expected: Map<String, Value> =
                fields.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
            prop_assert_eq!(value, Value::Object(expected));
        }
    }

    #[test]
    fn prop_an_event_says_the_same_in_either_mode(kind in "[ -~é€]{1,20}", data in payload()) {
        // Spaces at the ends are no part of a header's value.
        let kind = kind.trim().to_owned();
        let encoded = percent_encoding::utf8_percent_encode(&kind, percent_encoding::NON_ALPHANUMERIC).to_string();
        let mut headers = HeaderMap::new();
        for (name, value) in [("ce-specversion", "1.0"), ("ce-type", encoded.as_str()), ("content-type", "application/json")] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let binary = body::read(&headers, data.to_string().as_bytes(), 1_000_000).unwrap().value;
        let event = json!({"specversion": "1.0", "type": kind, "datacontenttype": "application/json", "data": data});
        let structured = HeaderMap::from_iter([
            (http::header::CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json")),
        ]);
        let structured = body::read(&structured, event.to_string().as_bytes(), 1_000_000).unwrap().value;
        prop_assert_eq!(binary, structured);
    }
}

/// Bodies of the largest size that are made to keep a parser busy: one that takes more than time in proportion would not come
/// back from them.
#[test]
fn the_largest_bodies_that_are_made_to_take_long_do_not() {
    const SIZE: usize = 1_048_576;
    let repeated = |text: &str| text.repeat(SIZE / text.len());
    let parts = "multipart/form-data; boundary=b";
    for (content_type, body) in [
        (parts, repeated("--b\r\n")),
        (parts, repeated("\r\n--")),
        (parts, format!("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{}", repeated("\r\n--"))),
        (parts, repeated("--b\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\n\r\n")),
        (parts, format!("--b\r\n{}", repeated("X: y\r\n"))),
        ("application/x-www-form-urlencoded", repeated("a[b][c][d]&")),
        ("application/x-www-form-urlencoded", repeated("[a]")),
        ("application/x-www-form-urlencoded", repeated("%")),
        ("application/x-www-form-urlencoded", format!("{{{}", repeated("\"a\":1,"))),
        ("application/x-ndjson", repeated("[")),
        ("application/x-ndjson", repeated("{}\n")),
        ("application/x-ndjson", repeated("\n")),
        ("application/json", repeated("[")),
        ("application/json", format!("{{{}\"a\":1}}", repeated("\"a\":1,"))),
        ("application/cloudevents-batch+json", format!("[{}7]", repeated("{\"data_base64\":\"W10=\"},"))),
    ] {
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        for setting in [json!({}), json!({"parse_json": ["a", "[0]"], "event_path": "a.a"})] {
            let request = Received { headers: headers.clone(), max_body: SIZE, ..request(body.clone()) };
            let outcome = admit(&snapshot(setting, &[]), &Arc::new(request), NOW);
            match outcome {
                Ok(accepted) => assert!(accepted.text.len() <= 2 * SIZE, "{content_type}"),
                Err(reply) => assert_eq!(reply.status, 400, "{content_type}"),
            }
        }
    }
}
