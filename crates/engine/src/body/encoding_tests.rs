use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const LIMIT: usize = 100_000;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn headers(codings: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for coding in codings {
        headers.append(header::CONTENT_ENCODING, HeaderValue::from_bytes(coding.as_bytes()).unwrap());
    }
    headers
}

fn decoded(coding: &str, body: &[u8]) -> Result<Vec<u8>, BodyError> {
    decode(&headers(&[coding]), body, LIMIT).map(Cow::into_owned)
}

#[test]
fn what_was_compressed_comes_out() {
    let body = "email=ada@example.com&".repeat(1_000).into_bytes();
    assert_eq!(decoded("gzip", &gzip(&body)).unwrap(), body);
    assert_eq!(decoded("X-GZIP", &gzip(&body)).unwrap(), body);
    assert_eq!(decoded("deflate", &zlib(&body)).unwrap(), body);
    assert_eq!(decoded("deflate", &deflate(&body)).unwrap(), body, "without the header that it should have");
    let members = [gzip(&body[..100]), gzip(&body[100..])].concat();
    assert_eq!(decoded("gzip", &members).unwrap(), body, "in several members");
    for none in [&[][..], &["identity"], &["", " Identity , "], &["identity", "identity"]] {
        assert!(
            matches!(decode(&headers(none), &body, LIMIT), Ok(Cow::Borrowed(same)) if same == body),
            "{none:?}"
        );
    }
}

#[test]
fn one_coding_that_is_known_is_taken() {
    for other in [
        &["br"][..],
        &["zstd"],
        &["compress"],
        &["gzip, gzip"],
        &["gzip", "deflate"],
        &["gzip;q=1"],
        &["\u{e9}"],
    ] {
        assert_eq!(decode(&headers(other), &gzip(b"{}"), LIMIT), Err(BodyError::Encoding), "{other:?}");
    }
}

#[test]
fn what_is_cut_off_or_broken_is_malformed() {
    let whole = gzip(&[b'x'; 1_000]);
    let mut broken = whole.clone();
    broken[12] ^= 0xff;
    let trailing = [whole.clone(), b"more".to_vec()].concat();
    let last = whole.len() - 1;
    for (coding, body) in [
        ("gzip", &whole[..last]),
        ("gzip", b"{}"),
        ("gzip", b""),
        ("gzip", &broken),
        ("gzip", &trailing),
        ("deflate", &zlib(b"{}")[..5]),
    ] {
        assert!(matches!(decoded(coding, body), Err(BodyError::Malformed(_))), "{coding} {body:?}");
    }
}

#[test]
fn a_bomb_is_too_large_and_stays_within_the_limit() {
    for (size, fits) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false), (50_000_000, false)] {
        let body = vec![0; size];
        for (coding, bomb) in [("gzip", gzip(&body)), ("deflate", zlib(&body)), ("deflate", deflate(&body))] {
            let outcome = decoded(coding, &bomb);
            assert_eq!(outcome.is_ok(), fits, "{coding} of {size} bytes");
            match outcome {
                Ok(bytes) => assert!(bytes.len() == size && bytes.capacity() <= LIMIT),
                Err(error) => assert_eq!(error, BodyError::TooLarge(LIMIT)),
            }
        }
    }
    let many_members = gzip(b"").repeat(50_000);
    assert_eq!(decoded("gzip", &many_members).unwrap(), b"");
}

proptest! {
    #[test]
    fn prop_any_bytes_decompress_to_no_more_than_the_limit(
        body in proptest::collection::vec(any::<u8>(), 0..2_000),
        coding in prop::sample::select(vec!["gzip", "deflate", "x-gzip", "identity", "br", "gzip,"]),
        is_whole in any::<bool>(),
        cut in 0..2_000_usize,
        limit in 0..3_000_usize,
    ) {
        let compressed = match coding {
            "deflate" => zlib(&body),
            _ => gzip(&body),
        };
        for input in [&body, &compressed[..cut.min(compressed.len())], &compressed[..]] {
            match decode(&headers(&[coding]), input, limit) {
                Ok(Cow::Owned(bytes)) => prop_assert!(bytes.capacity() <= limit),
                Ok(Cow::Borrowed(bytes)) => prop_assert!(bytes == input && coding == "identity"),
                Err(BodyError::TooLarge(_) | BodyError::Encoding | BodyError::Malformed(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        if is_whole && coding != "br" && coding != "identity" && body.len() <= limit {
            prop_assert_eq!(decode(&headers(&[coding]), &compressed, limit).unwrap().into_owned(), body);
        }
    }
}
