use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::fields::{MAX_DEPTH, MAX_FIELDS};
use super::*;
use crate::records::MAX_RECORDS;

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const PARTS: &str = "multipart/form-data; boundary=----XyZ";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    pairs.iter().map(header).collect()
}

fn read_as(content_type: &str, body: impl AsRef<[u8]>) -> Result<Value, BodyError> {
    read_with(&[("content-type", content_type)], body)
}

fn read_with(pairs: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> Result<Value, BodyError> {
    let payload = read(&headers(pairs), body.as_ref(), 1_000_000)?;
    let kept: Value = serde_json::from_str(&payload.text).expect("the log keeps JSON");
    assert_eq!(kept, payload.value, "as the log keeps it");
    Ok(payload.value)
}

fn malformed(content_type: &str, body: impl AsRef<[u8]>) -> String {
    match read_as(content_type, body) {
        Err(BodyError::Malformed(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_form_is_an_object_and_brackets_nest() {
    for (body, value) in [
        ("email=ada%40example.com&name=Ada+L", json!({"email": "ada@example.com", "name": "Ada L"})),
        ("data[email]=a&data[list][name]=b", json!({"data": {"email": "a", "list": {"name": "b"}}})),
        ("tags[]=a&tags[]=b", json!({"tags": ["a", "b"]})),
        ("tag=a&tag=b&tag=c", json!({"tag": ["a", "b", "c"]})),
        (
            "items[0][sku]=x&items[999999999][sku]=y",
            json!({"items": {"0": {"sku": "x"}, "999999999": {"sku": "y"}}}),
        ),
        ("a[b=1&[c]=2&d]=3", json!({"a[b": "1", "[c]": "2", "d]": "3"})),
        ("a=1&a[b]=2", json!({"a": {"b": "2"}})),
        ("a[b]=1&a[]=2", json!({"a": [{"b": "1"}, "2"]})),
        ("a[b]=1&a=2", json!({"a": [{"b": "1"}, "2"]})),
        ("empty=&flag&&", json!({"empty": "", "flag": ""})),
        ("n%00=%00", json!({"n\u{fffd}": "\u{fffd}"})),
        ("a=1%&b=%zz&c=a=b\r\n", json!({"a": "1%", "b": "%zz", "c": "a=b"})),
    ] {
        assert_eq!(read_as(FORM, body).unwrap(), value, "{body}");
    }
}

#[test]
fn a_form_has_limits() {
    assert_eq!(malformed(FORM, ""), "The body is empty");
    assert_eq!(malformed(FORM, "a=1&".repeat(MAX_FIELDS + 1)), "The form has more than 1000 fields");
    assert_eq!(
        malformed(FORM, format!("a{}=1", "[b]".repeat(MAX_DEPTH))),
        "A name in the form nests deeper than 20"
    );
    read_as(FORM, "a[]=1&".repeat(MAX_FIELDS)).unwrap();
}

#[test]
fn a_form_is_in_the_characters_that_it_names() {
    assert_eq!(malformed(FORM, "name=Ren%e9e"), "The value of the field \"name\" is not UTF-8");
    assert_eq!(malformed(FORM, "n%e9=1"), "The name of a field is not UTF-8");
    let latin = "application/x-www-form-urlencoded; charset=ISO-8859-1";
    assert_eq!(read_as(latin, "name=Ren%e9e").unwrap(), json!({"name": "Renée"}));
    assert_eq!(
        read_as(latin, "name=Ren%C3%A9e").unwrap(),
        json!({"name": "Renée"}),
        "it was UTF-8 after all"
    );
}

#[test]
fn json_under_the_type_of_a_form_is_json() {
    assert_eq!(read_as(FORM, r#"{"email": "a=b&c"}"#).unwrap(), json!({"email": "a=b&c"}));
    assert_eq!(read_as(FORM, "{a=1").unwrap(), json!({"{a": "1"}), "but if it is none it is a form");
}

#[test]
fn json_comes_under_many_names() {
    for right in [
        "application/json",
        "Application/JSON ; Charset=\"UTF-8\"",
        "application/vnd.api+json",
        "application/ld+json;profile=x",
        "text/plain;charset=UTF-8",
        "text/json",
    ] {
        assert_eq!(read_as(right, " {\"a\": 1}").unwrap(), json!({"a": 1}), "{right}");
    }
    for wrong in
        ["text/html", "application/octet-stream", "+json", "text/x+json", "multipart/mixed; boundary=x"]
    {
        assert_eq!(read_as(wrong, "{}"), Err(BodyError::Type), "{wrong}");
    }
    assert!(malformed("text/plain", "hello").contains("line 1 column 1"));
}

#[test]
fn json_is_kept_as_it_was_sent() {
    let sent = b"\xef\xbb\xbf {\"n\": 1.00, \"n\": 12345678901234567890123, \"t\": \"a\\u0000b\"} ";
    let payload = read(&headers(&[("content-type", "application/json")]), sent, 1_000).unwrap();
    assert_eq!(payload.text.as_bytes(), &sent[3..], "without the byte order mark");
    assert_eq!(
        payload.value,
        json!({"n": 12345678901234567890123_f64, "t": "a\0b"}),
        "of two alike the last counts"
    );
}

#[test]
fn json_in_other_characters_is_read_if_it_says_so() {
    assert!(
        malformed("application/json", b"{\"a\":\"\xe9\"}").contains("invalid unicode code point at line 1")
    );
    assert_eq!(read_as("application/json; charset=latin1", b"{\"a\":\"\xe9\"}").unwrap(), json!({"a": "é"}));
    assert!(malformed("application/json; charset=klingon", b"{\"a\":\"\xe9\"}").contains("line 1"));
}

#[test]
fn each_line_is_a_record() {
    let body = "{\"a\":1}\r\n\n  {\"a\":2}\n{oops\n7";
    for name in LINE_TYPES {
        assert_eq!(read_as(name, body).unwrap(), json!([{"a": 1}, {"a": 2}, "{oops", 7]), "{name}");
    }
    assert_eq!(malformed("application/jsonl", b"{}\n\xff"), "The body is not UTF-8 in line 2");
    let many = read_as("application/x-ndjson", "{}\n".repeat(100_000)).unwrap();
    assert_eq!(
        many.as_array().unwrap().len(),
        MAX_RECORDS + 1,
        "no more than are needed to see that there are too many"
    );
}

/// A form in parts: the headers of each, and what it holds.
fn parts(parts: &[(&str, &str)]) -> String {
    let part = |(headers, value): &(&str, &str)| {
        format!("------XyZ\r\nContent-Disposition: form-data; {headers}\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "------XyZ--\r\n"
}

#[test]
fn parts_are_fields_and_nest_alike() {
    let body = parts(&[
        ("name=\"email\"", "ada@example.com"),
        ("name=\"data[name]\"", "Ada\r\nLovelace"),
        ("name=\"tags[]\"", "a"),
        ("name=\"tags[]\"", "b"),
        ("name=\"raw\"\r\nContent-Type: application/json", "{\"n\":1}"),
        ("name=\"text\"\r\nContent-Type: text/plain", "{\"n\":1}"),
        ("name=\"broken\"\r\nContent-Type: application/json", "{"),
    ]);
    let value = json!({"email": "ada@example.com", "data": {"name": "Ada\r\nLovelace"}, "tags": ["a", "b"],
        "raw": {"n": 1}, "text": "{\"n\":1}", "broken": "{"});
    assert_eq!(read_as(PARTS, body).unwrap(), value);
}

#[test]
fn of_a_file_its_content_is_not_kept() {
    let body = parts(&[
        ("name=\"cv\"; filename=\"cv.pdf\"\r\nContent-Type: application/pdf", "secret bytes"),
        ("name=\"photos\"; filename=\"a.png\"", "1"),
        ("name=\"photos\"; filename=\"b.png\"", "22"),
        ("name=\"none\"; filename=\"\"\r\nContent-Type: application/octet-stream", ""),
    ]);
    let photo = |name: &str, size: usize| json!({"file_name": name, "content_type": null, "size": size});
    let value = json!({
        "cv": {"file_name": "cv.pdf", "content_type": "application/pdf", "size": 12},
        "photos": [photo("a.png", 1), photo("b.png", 2)],
        "none": null,
    });
    assert_eq!(read_as(PARTS, body).unwrap(), value);
}

#[test]
fn a_form_in_parts_has_limits_and_an_end() {
    let field = ("name=\"a[]\"", "1");
    read_as(PARTS, parts(&[field; MAX_FIELDS])).unwrap();
    assert_eq!(malformed(PARTS, parts(&[field; MAX_FIELDS + 1])), "The form has more than 1000 fields");
    let whole = parts(&[field, field]);
    for cut in 1..whole.len() - 4 {
        malformed(PARTS, &whole[..cut]);
    }
    malformed("multipart/form-data", &whole);
    malformed("multipart/form-data; boundary=other", &whole);
    malformed(PARTS, "email=ada@example.com");
    let latin =
        parts(&[("name=\"a\"", "?")]).replace('?', "\u{e9}").chars().map(|c| c as u8).collect::<Vec<_>>();
    assert_eq!(malformed(PARTS, &latin), "The value of the field \"a\" is not UTF-8");
    let declared = format!("{PARTS}; charset=windows-1252");
    assert_eq!(read_as(&declared, &latin).unwrap(), json!({"a": "é"}));
}

#[test]
fn an_event_in_headers_is_as_one_in_the_body() {
    let binary = |content_type: &'static str, body: &str| {
        let pairs = [
            ("content-type", content_type),
            ("ce-specversion", "1.0"),
            ("ce-type", "com.example.signup"),
            ("ce-source", "/shop"),
            ("ce-id", "e1"),
            ("ce-subject", "Ren%C3%A9e %22x%22"),
            ("ce-data", "no attribute"),
            ("ce-not-one", "either"),
        ];
        read_with(&pairs, body).unwrap()
    };
    let mut event = json!({"specversion": "1.0", "type": "com.example.signup", "source": "/shop", "id": "e1",
        "subject": "Renée \"x\""});
    assert_eq!(binary("", ""), event, "without data");
    event["datacontenttype"] = "application/json".into();
    event["data"] = json!({"email": "ada@example.com"});
    assert_eq!(binary("application/json", "{\"email\":\"ada@example.com\"}"), event);
    event["datacontenttype"] = FORM.into();
    assert_eq!(binary(FORM, "email=ada@example.com"), event);

    let unencoded = read_with(&[("ce-specversion", "1.0"), ("ce-id", "%ff")], "");
    assert_eq!(unencoded, Err(BodyError::Malformed("The header ce-id is not UTF-8".into())));
    assert_eq!(read_with(&[("content-type", "application/json"), ("ce-id", "e1")], "{}").unwrap(), json!({}));
}

#[test]
fn an_event_may_carry_its_data_in_base64() {
    let event = |data: &str| json!({"specversion": "1.0", "id": "e1", "data_base64": data}).to_string();
    let structured =
        |data: &str| read_as("application/cloudevents+json; charset=UTF-8", event(data)).unwrap();
    assert_eq!(structured("eyJhIjoxfQ==")["data"], json!({"a": 1}));
    assert_eq!(structured("aGVsbG8=")["data"], "hello");
    for other in ["//4=", "not base64"] {
        assert_eq!(structured(other), json!({"specversion": "1.0", "id": "e1", "data_base64": other}));
    }
    let batch = format!("[{},{{\"data\":1}},7]", event("eyJhIjoxfQ=="));
    let batch = read_as("application/cloudevents-batch+json", batch).unwrap();
    assert_eq!((&batch[0]["data"], &batch[1]["data"], &batch[2]), (&json!({"a": 1}), &json!(1), &json!(7)));
}

#[test]
fn what_is_compressed_is_read_as_what_it_was() {
    let gzipped = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"email=ada@example.com").unwrap();
        encoder.finish().unwrap()
    };
    let form = [("content-type", FORM), ("content-encoding", "gzip")];
    assert_eq!(read_with(&form, &gzipped).unwrap(), json!({"email": "ada@example.com"}));
    assert_eq!(read(&headers(&form), &gzipped, 20).unwrap_err(), BodyError::TooLarge(20));
    for (error, status) in [(BodyError::Type, 415), (BodyError::Encoding, 415), (BodyError::TooLarge(1), 413)]
    {
        assert_eq!(Reply::from(error).status, status);
    }
}
