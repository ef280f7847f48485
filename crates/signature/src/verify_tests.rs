use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::Secret;

const NOW: i64 = 1_700_000_000;

fn scheme(text: &str) -> Scheme {
    toml::from_str(text).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(header).collect()
}

fn outcome(
    scheme: &Scheme,
    secrets: &[&str],
    url: &str,
    pairs: &[(&str, &str)],
    body: &str,
    now: i64,
) -> Result<(), &'static str> {
    let keys: Vec<_> = secrets.iter().map(|secret| scheme.key(&Secret::new(*secret)).unwrap()).collect();
    let headers = headers(pairs);
    let request = Request { method: "POST", url, headers: &headers, body: body.as_bytes() };
    scheme.verify(&keys, request, now).map_err(|error| error.code())
}

fn hmac_hex(secret: &str, signed: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    let mut text = String::new();
    hex::push(&mut text, tag.as_ref());
    text
}

const LIST: &str = r#"
    algorithm = "hmac_sha256"
    content = "{timestamp}.{body}"
    signature = { from = "header:X-Sig", separator = ",", prefix = "v1=" }
    timestamp = { from = "header:X-Sig", separator = ",", prefix = "t=" }
"#;

#[test]
fn a_list_with_a_timestamp_and_several_signatures() {
    let good = hmac_hex("new", &format!("{NOW}.{{}}"));
    let other = hmac_hex("other", &format!("{NOW}.{{}}"));
    let upper = good.to_uppercase();
    let cases = [
        (format!("t={NOW},v1={good}"), Ok(())),
        (format!("t={NOW}, v1={upper}"), Ok(())),
        (format!("t={NOW},v1={other},v1={good},v0=x"), Ok(())),
        (format!("v1=zz,v1={good},t={NOW}"), Ok(())),
        (format!("t={NOW},v1={other}"), Err("signature_mismatch")),
        (format!("t={},v1={good}", NOW + 1), Err("signature_mismatch")),
        (format!("t={},v1={good}", NOW - 301), Err("timestamp_out_of_tolerance")),
        (format!("t={},v1={good}", NOW + 301), Err("timestamp_out_of_tolerance")),
        (format!("t={NOW},t={NOW},v1={good}"), Err("signature_malformed")),
        (format!("t=0{NOW},v1={good}"), Err("signature_malformed")),
        (format!("t={NOW},v0={good}"), Err("signature_malformed")),
        (format!("t={NOW},v1="), Err("signature_malformed")),
        (format!("t={NOW},v1={}", &good[2..]), Err("signature_malformed")),
        (format!("v1={good}"), Err("signature_malformed")),
        ("x".repeat(5_000), Err("signature_malformed")),
        (String::new(), Err("signature_missing")),
    ];
    for (value, expected) in cases {
        let pairs = [("x-sig", value.as_str())];
        assert_eq!(outcome(&scheme(LIST), &["old", "new"], "", &pairs, "{}", NOW), expected, "{value}");
    }
    assert_eq!(outcome(&scheme(LIST), &["new"], "", &[], "{}", NOW), Err("signature_missing"));
}

#[test]
fn any_key_of_a_rotation_verifies_and_none_refuses() {
    let value = format!("t={NOW},v1={}", hmac_hex("old", &format!("{NOW}.{{}}")));
    let pairs = [("x-sig", value.as_str())];
    let outcome = |secrets: &[&str]| outcome(&scheme(LIST), secrets, "", &pairs, "{}", NOW);
    assert_eq!(outcome(&["old"]), Ok(()));
    assert_eq!(outcome(&["new", "old"]), Ok(()));
    assert_eq!(outcome(&["old", "new"]), Ok(()));
    assert_eq!(outcome(&["new"]), Err("signature_mismatch"));
    assert_eq!(outcome(&[]), Err("signature_mismatch"));
}

/// RFC 4231, section 4.3 (test case 2), for SHA-512; RFC 2202, section 3 (test case 2), for SHA-1.
#[test]
fn the_other_hashes_have_the_values_of_their_rfcs() {
    let body = "what do ya want for nothing?";
    let sha512 = scheme(
        r#"algorithm = "hmac_sha512"
           key = { encoding = "hex" }
           signature = { from = "query:sig", prefix = "sha512=" }"#,
    );
    let value = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
                 caeab1a34d4a6b4b636e070a38bce737";
    let url = format!("https://example.com/?a=b&sig=SHA512%3D{value}#sig=1");
    assert_eq!(outcome(&sha512, &["4a656665"], &url, &[], body, NOW), Ok(()));
    assert_eq!(
        outcome(&sha512, &["4a656665"], "https://example.com/", &[], body, NOW),
        Err("signature_missing")
    );

    let sha1 = scheme(
        r#"algorithm = "hmac_sha1"
           signature = { from = ["header:X-New", "header:X-Old"] }"#,
    );
    let pairs = [("x-old", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")];
    assert_eq!(outcome(&sha1, &["Jefe"], "", &pairs, body, NOW), Ok(()));
    assert_eq!(outcome(&sha1, &["jefe"], "", &pairs, body, NOW), Err("signature_mismatch"));
}

/// RFC 8032, section 7.1, test 2.
#[test]
fn ed25519() {
    let scheme = scheme(
        r#"algorithm = "ed25519"
           encoding = "base64url"
           key = { encoding = "hex" }
           signature = { from = "header:X-Sig" }"#,
    );
    let key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    let bytes = hex::decode(
        b"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb\
          4302aeeb00d291612bb0c00",
    )
    .unwrap();
    let written = URL_SAFE_PAD_INDIFFERENT.encode(&bytes);
    let outcome = |value: &str, body: &str| outcome(&scheme, &[key], "", &[("x-sig", value)], body, NOW);
    assert_eq!(outcome(&written, "r"), Ok(()));
    assert_eq!(outcome(written.trim_end_matches('='), "r"), Ok(()));
    assert_eq!(outcome(&written, "s"), Err("signature_mismatch"));
    assert_eq!(outcome("?", "r"), Err("signature_malformed"));
}

/// A token and a password prove who sends, and are compared whole.
#[test]
fn tokens_and_passwords() {
    let bearer = scheme(
        r#"algorithm = "token"
           signature = { from = ["header:Authorization", "query:access_token"], prefix = "Bearer " }"#,
    );
    let outcome_of = |value| outcome(&bearer, &["old", "s3cret"], "", &[("authorization", value)], "", NOW);
    assert_eq!(outcome_of("Bearer s3cret"), Ok(()));
    assert_eq!(outcome_of("bearer old"), Ok(()));
    assert_eq!(outcome_of("Bearer s3cre"), Err("signature_mismatch"));
    assert_eq!(outcome_of("s3cret"), Err("signature_malformed"));
    assert_eq!(outcome(&bearer, &["s3cret"], "", &[], "", NOW), Err("signature_missing"));
    let pairs = [("authorization", "Bearer s3cret")];
    assert_eq!(outcome(&bearer, &[], "", &pairs, "", NOW), Err("signature_mismatch"));

    let member = scheme(
        r#"algorithm = "token"
           signature = { from = "body:value.0.clientState" }"#,
    );
    let body = r#"{"value":[{"clientState":"s3cret"}]}"#;
    assert_eq!(outcome(&member, &["s3cret"], "", &[], body, NOW), Ok(()));
    assert_eq!(outcome(&member, &["other"], "", &[], body, NOW), Err("signature_mismatch"));
    assert_eq!(outcome(&member, &["s3cret"], "", &[], "{", NOW), Err("signature_missing"));

    let basic = scheme(
        r#"algorithm = "basic"
           signature = { from = "header:Authorization" }"#,
    );
    // RFC 7617, section 2.
    let outcome_of =
        |secrets: &[&str], value| outcome(&basic, secrets, "", &[("authorization", value)], "", NOW);
    let good = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert_eq!(outcome_of(&["Aladdin:open sesame"], good), Ok(()));
    assert_eq!(outcome_of(&["Aladdin:open sesame", "other"], good), Ok(()));
    assert_eq!(outcome_of(&["other"], good), Err("signature_mismatch"));
    assert_eq!(outcome_of(&["other"], "Bearer x"), Err("signature_malformed"));
}

/// What is signed is the example of a notification in Amazon's documentation of SNS; certificate and signatures were
/// made for this test, with `openssl req -x509` and `openssl dgst -sign`.
#[test]
fn sns_signs_with_either_hash() {
    let sns = scheme(
        r#"algorithm = "rsa_sns"
           encoding = "base64"
           key = { encoding = "pem" }
           content = "{sns}"
           signature = { from = "body:Signature" }"#,
    );
    let sha1 = "Qn9lpRb61G51MpMTNTkml/+3v/smdDIEcaLi1O3/liAXwiEDPtxyHZQ/jwZOu6UPcnlumdWxJrRbWX/ahkD3N7Q3yWyTUpnvnewt\
                J1hLPy8vR9sd8s/X201GuI7toSkOQ+b32ekHYD9od+H3NYvJ8AGNbSR6knBIMlYIrc0hz/aCzinrU0mzpyuwvNyGoM2i2fAxjV+EHl\
                6ZeuKwe7d1p0KkIhmc06Uhb0aZHmA0bagkhEyzduKQPU1YILFZiIt26fzd8gjf9yFWzuC/qrbVahK7ykU0jzWllPjXd03RP7dWIDb7\
                vrSbugMQWJj8aqIBrQC1jhRNXh2KIfOzPgc7NA==";
    let sha256 = "CSju1nnw0BQ6DwEkpF2+clXxXL5fK2LGSBJbMC6uwKq4pi5A0m8Y6OfQpd3itmNdYRb7U9T8cRPILWiSJAD9npobnM7xafENme\
                  ob5BcTkGLc9PiaZvdr0QOSmcPZL4uPa7vA1BePUQyAH0Vez09RIF7b6lwa+rKDtF+vmtd6YT87dwa4n/WUFNyIGS8/5AIVaPC+za\
                  FMa3yFSjVi2xb1L9cQ5C13GVk4Pogjxlrimq2cSYraJsuwNnkK78DMwC7ouREDZJs00PtWIvoqgkai4SN+xyrApgW7dbPefaQCyE\
                  uQLLOtHH/VCsgWY/RUy7WIH21jUYYozoS5bPEtyT+Hlw==";
    let body = |message: &str, version: &str, signature: &str| {
        serde_json::json!({
            "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic", "Subject": "My First Message",
            "Message": message, "Timestamp": "2012-05-02T00:54:06.655Z",
            "SignatureVersion": version, "Signature": signature,
        })
        .to_string()
    };
    let certificate = include_str!("../testdata/sns-certificate.pem");
    let outcome = |body: String| outcome(&sns, &[certificate], "", &[], &body, NOW);
    assert_eq!(outcome(body("Hello world!", "1", sha1)), Ok(()));
    assert_eq!(outcome(body("Hello world!", "2", sha256)), Ok(()));
    assert_eq!(outcome(body("Hello world.", "1", sha1)), Err("signature_mismatch"));
    assert_eq!(outcome(body("Hello world!", "2", sha1)), Err("signature_mismatch"));
    assert_eq!(outcome(body("Hello world!", "3", sha1)), Err("signature_malformed"));
    assert_eq!(outcome("{}".to_owned()), Err("signature_missing"));
}

proptest! {
    #[test]
    fn prop_a_changed_body_is_refused(
        mut body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0..8
    ) {
        let scheme = scheme(LIST);
        let key = scheme.key(&Secret::new("secret")).unwrap();
        let signed = [format!("{NOW}.").as_bytes(), &body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), &signed);
        let mut value = format!("t={NOW},v1=");
        hex::push(&mut value, tag.as_ref());
        let headers = headers(&[("x-sig", &value)]);
        let keys = [key];
        let request = Request { method: "POST", url: "", headers: &headers, body: &body };
        prop_assert_eq!(scheme.verify(&keys, request, NOW), Ok(()));
        let at = at.index(body.len());
        body[at] ^= 1_u8 << bit;
        let request = Request { method: "POST", url: "", headers: &headers, body: &body };
        prop_assert_eq!(scheme.verify(&keys, request, NOW), Err(VerifyError::Mismatch));
    }

    #[test]
    fn prop_any_request_gets_an_answer(
        value in prop::collection::vec(0x20..0x7f_u8, 0..80), body: Vec<u8>, url in ".{0,60}",
        content in prop::sample::select(&[
            "{body}", "{timestamp}{form}", "{id}:{url}{decoded_url}", "{sns}", "{method}{body.a.0}",
        ][..])
    ) {
        let text = format!(
            r#"algorithm = "hmac_sha256"
               content = "{content}"
               id = {{ from = "query:id" }}
               timestamp = {{ from = "body:t" }}
               signature = {{ from = "header:X-Sig", separator = " " }}"#
        );
        let scheme = scheme(&text);
        let key = scheme.key(&Secret::new("secret")).unwrap();
        let headers: HeaderMap =
            [(HeaderName::from_static("x-sig"), HeaderValue::from_bytes(&value).unwrap())].into_iter().collect();
        let request = Request { method: "POST", url: &url, headers: &headers, body: &body };
        prop_assert!(scheme.verify(&[key], request, NOW).is_err());
    }
}
