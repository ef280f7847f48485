use std::slice;

use super::*;
use crate::Secret;
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000;
const BODY: &[u8] = br#"{"event":"subscriber_added"}"#;

fn key(text: &str) -> SigningKey {
    SigningKey::new(&Secret::new(text)).unwrap()
}

/// A message as it arrives.
#[derive(Clone)]
struct Message {
    id: String,
    timestamp: String,
    signature: String,
}

impl Message {
    fn signed_by(keys: &[SigningKey], timestamp: i64) -> Self {
        let signature = sign(keys, "msg_1", timestamp, BODY);
        Self { id: "msg_1".to_owned(), timestamp: timestamp.to_string(), signature }
    }

    fn received(&self) -> Received<'_> {
        Received {
            id: Some(self.id.as_bytes()),
            timestamp: Some(self.timestamp.as_bytes()),
            signature: Some(self.signature.as_bytes()),
        }
    }

    fn verify(&self, keys: &[SigningKey]) -> Result<(), VerifyError> {
        verify(keys, &self.received(), BODY, NOW, DEFAULT_TOLERANCE_SECONDS)
    }
}

/// The specification's own example shows a signature without its secret, so the vectors are those of the
/// published libraries at <https://github.com/standard-webhooks/standard-webhooks>:
/// `TestWebhookSign` in libraries/go/webhook_test.go and `test_sign` in libraries/rust/src/lib.rs.
#[test]
fn the_signature_is_that_of_the_published_libraries() {
    let go = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_eq!(
        sign(slice::from_ref(&go), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
    let rust = key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    assert_eq!(
        sign(slice::from_ref(&rust), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body),
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    );
}

#[test]
fn a_rotation_signs_with_both_secrets_and_either_verifies() {
    let (new, old, other) = (key("new secret"), key("old secret"), key("other"));
    let both = Message::signed_by(&[new.clone(), old.clone()], NOW);
    assert_eq!(both.signature.split(' ').count(), 2);
    assert_eq!(both.signature.len(), 2 * ENTRY_LENGTH + 1);
    assert_eq!(both.verify(slice::from_ref(&new)), Ok(()));
    assert_eq!(both.verify(slice::from_ref(&old)), Ok(()));
    assert_eq!(both.verify(slice::from_ref(&other)), Err(VerifyError::Mismatch));

    let one = Message::signed_by(slice::from_ref(&old), NOW);
    assert_eq!(one.verify(&[new, old]), Ok(()));
    assert_eq!(one.verify(&[]), Err(VerifyError::Mismatch));
}

#[test]
fn signatures_of_other_versions_are_passed_over() {
    let key = key("secret");
    let mut message = Message::signed_by(slice::from_ref(&key), NOW);
    let good = message.signature.clone();
    let foreign = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    message.signature = format!("v1a,AAAA {foreign} v2,{} nonsense  {good} {foreign}", &good[3..]);
    assert_eq!(message.verify(slice::from_ref(&key)), Ok(()));

    message.signature = format!("v2,{}", &good[3..]);
    assert_eq!(message.verify(slice::from_ref(&key)), Err(VerifyError::Malformed(Part::Signature)));
}

#[test]
fn only_so_many_signatures_are_looked_at() {
    let key = key("secret");
    let mut message = Message::signed_by(slice::from_ref(&key), NOW);
    let good = message.signature.clone();
    let foreign = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= ";
    message.signature = foreign.repeat(MAX_SIGNATURES - 1) + &good;
    assert_eq!(message.verify(slice::from_ref(&key)), Ok(()));
    message.signature = foreign.repeat(MAX_SIGNATURES) + &good;
    assert_eq!(message.verify(slice::from_ref(&key)), Err(VerifyError::Mismatch));
}

#[test]
fn a_signature_without_padding_verifies() {
    let key = key("secret");
    let mut message = Message::signed_by(slice::from_ref(&key), NOW);
    message.signature = message.signature.replace('=', "");
    assert_eq!(message.verify(slice::from_ref(&key)), Ok(()));
}

#[test]
fn the_tolerance_counts_both_ways() {
    let key = key("secret");
    let tolerance = i64::from(DEFAULT_TOLERANCE_SECONDS);
    for timestamp in [NOW - tolerance, NOW, NOW + tolerance] {
        assert_eq!(
            Message::signed_by(slice::from_ref(&key), timestamp).verify(slice::from_ref(&key)),
            Ok(())
        );
    }
    for timestamp in [NOW - tolerance - 1, NOW + tolerance + 1, 0, i64::MAX] {
        let refused = VerifyError::TimestampOutOfTolerance {
            timestamp,
            now: NOW,
            tolerance_seconds: DEFAULT_TOLERANCE_SECONDS,
        };
        let message = Message::signed_by(slice::from_ref(&key), timestamp);
        assert_eq!(message.verify(slice::from_ref(&key)), Err(refused));
    }
}

#[test]
fn a_missing_part_is_named() {
    let keys = [key("secret")];
    let message = Message::signed_by(&keys, NOW);
    let whole = message.received();
    for empty in [None, Some(b"".as_slice())] {
        let cases = [
            (Received { id: empty, ..whole }, Part::Id),
            (Received { timestamp: empty, ..whole }, Part::Timestamp),
            (Received { signature: empty, ..whole }, Part::Signature),
        ];
        for (received, part) in cases {
            assert_eq!(verify(&keys, &received, BODY, NOW, 300), Err(VerifyError::Missing(part)));
        }
    }
}

#[test]
fn a_malformed_part_is_named() {
    let keys = [key("secret")];
    let message = Message::signed_by(&keys, NOW);
    let whole = message.received();
    let check = |received: Received<'_>, part| {
        let answer = verify(&keys, &received, BODY, NOW, 300);
        assert_eq!(answer, Err(VerifyError::Malformed(part)), "{received:?}");
    };
    for id in ["msg.1", "msg_1.1700000000"] {
        check(Received { id: Some(id.as_bytes()), ..whole }, Part::Id);
    }
    check(Received { id: Some(b"\xff"), ..whole }, Part::Id);
    for timestamp in
        ["now", "+1700000000", "-1", "01700000000", "1700000000.0", " 1700000000", &"9".repeat(20)]
    {
        check(Received { timestamp: Some(timestamp.as_bytes()), ..whole }, Part::Timestamp);
    }
    let long = format!("v1,{}", "A".repeat(1000));
    for signature in ["v1", "v1,", "v1,????", "v1,AAAA", " ", &message.signature[3..], &long] {
        check(Received { signature: Some(signature.as_bytes()), ..whole }, Part::Signature);
    }
}

#[test]
fn a_part_moved_into_its_neighbour_is_refused() {
    let keys = [key("secret")];
    let signature = sign(&keys, "a", NOW, b"1700000001.rest");
    let id = format!("a.{NOW}");
    let moved = Received {
        id: Some(id.as_bytes()),
        timestamp: Some(b"1700000001"),
        signature: Some(signature.as_bytes()),
    };
    assert_eq!(verify(&keys, &moved, b"rest", NOW, 300), Err(VerifyError::Malformed(Part::Id)));
}

proptest! {
    #[test]
    fn prop_what_is_signed_verifies(
        secret in ".{1,80}", id in "[^.]{1,40}", body: Vec<u8>, timestamp in 0..i64::MAX
    ) {
        let keys = [key(&secret)];
        let signature = sign(&keys, &id, timestamp, &body);
        let timestamp_text = timestamp.to_string();
        let received = Received {
            id: Some(id.as_bytes()),
            timestamp: Some(timestamp_text.as_bytes()),
            signature: Some(signature.as_bytes()),
        };
        prop_assert_eq!(verify(&keys, &received, &body, timestamp, 0), Ok(()));
    }

    #[test]
    fn prop_a_changed_body_is_refused(
        mut body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, bit in 0..8
    ) {
        let keys = [key("secret")];
        let signature = sign(&keys, "msg_1", NOW, &body);
        let message = Message { id: "msg_1".to_owned(), timestamp: NOW.to_string(), signature };
        let at = at.index(body.len());
        body[at] ^= 1_u8 << bit;
        prop_assert_eq!(verify(&keys, &message.received(), &body, NOW, 300), Err(VerifyError::Mismatch));
    }

    #[test]
    fn prop_another_id_time_or_secret_is_refused(
        id in "[a-z]{1,9}", shift in 1..300_i64, secret in "[a-z]{1,9}!"
    ) {
        let keys = [key("secret")];
        let message = Message::signed_by(&keys, NOW);
        let changed = [
            Message { id, ..message.clone() },
            Message { timestamp: (NOW - shift).to_string(), ..message.clone() },
            Message::signed_by(&[key(&secret)], NOW),
        ];
        for message in changed {
            prop_assert_eq!(message.verify(&keys), Err(VerifyError::Mismatch));
        }
    }

    #[test]
    fn prop_any_bytes_get_an_answer(
        id: Vec<u8>, timestamp: Vec<u8>, signature: Vec<u8>, list in "(v1,[A-Za-z0-9+/=]{40,46} ?){0,4}"
    ) {
        let keys = [key("secret")];
        for signature in [signature.as_slice(), list.as_bytes()] {
            let hostile = Received { id: Some(&id), timestamp: Some(&timestamp), signature: Some(signature) };
            prop_assert!(verify(&keys, &hostile, BODY, NOW, u32::MAX).is_err());
            let well_dated = Received { id: Some(b"msg_1"), timestamp: Some(b"1700000000"), ..hostile };
            prop_assert!(verify(&keys, &well_dated, BODY, NOW, u32::MAX).is_err());
        }
    }
}
