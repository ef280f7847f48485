use std::sync::Arc;

use base64::Engine;
use domain::audit::ActorKind;
use serde_json::{Value, json};
use signature::{Secret, SigningKey, standard_webhooks, x_webhook};

use super::*;
use crate::item::Item;
use crate::kept::MAX_REJECTED_BYTES;
use crate::names::MAX_CHARS;
use crate::records::{MAX_RECORDS, Record};
use crate::testing::{API_KEY, ID, NOW, OLD_TOKEN, SECRET, TOKEN, request, signup, snapshot};

fn admit_by(settings: Value, request: Received) -> Result<Accepted, Reply> {
    admit(&snapshot(settings, &[]), &Arc::new(request), NOW)
}

fn admitted(request: Received) -> Accepted {
    admit_by(json!({}), request).unwrap()
}

/// The status and the message of a refusal.
fn refused(outcome: Result<Accepted, Reply>) -> (u16, String) {
    let reply = outcome.expect_err("a refusal");
    assert_eq!(reply.retry_after, None);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["success"], false);
    assert_eq!(body.as_object().unwrap().len(), 2, "success and message, nothing else: {body}");
    (reply.status, body["message"].as_str().unwrap().to_owned())
}

/// The code of a rejection: a request that is logged and answered with 401.
fn rejected(outcome: Result<Accepted, Reply>) -> String {
    let (status, code) = rejected_with(outcome);
    assert_eq!(status, 401);
    code
}

fn rejected_with(outcome: Result<Accepted, Reply>) -> (u16, String) {
    let Content::Rejected { reply, reason } = outcome.expect("a request to be logged").content else {
        panic!("let in")
    };
    (reply.status, reason.field)
}

fn records_of(accepted: &Accepted) -> &[Record] {
    match &accepted.content {
        Content::Records(records) => &records.list,
        other => panic!("no records: {other:?}"),
    }
}

fn key(secret: &str) -> SigningKey {
    SigningKey::new(&Secret::new(secret)).unwrap()
}

#[test]
fn an_unknown_webhook_and_a_wrong_token_get_the_same_answer() {
    let whole = || request(signup("ada@example.com"));
    let strangers = [
        Received { webhook_id: "zzzzzzzzzzzz".into(), ..whole() },
        Received { webhook_id: String::new(), ..whole() },
        Received { webhook_id: ID.to_uppercase(), ..whole() },
        Received { token: None, ..whole() },
        Received { token: Some(String::new()), ..whole() },
        Received { token: Some(TOKEN[1..].to_owned()), ..whole() },
        Received { token: Some(format!("{TOKEN} ")), ..whole() },
        Received { token: Some(String::new()), webhook_id: "zzzzzzzzzzzz".into(), ..whole() },
    ];
    let answers: Vec<Reply> =
        strangers.into_iter().map(|stranger| admit_by(json!({}), stranger).unwrap_err()).collect();
    assert_eq!(answers[0].status, 404);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn an_inactive_webhook_is_gone_for_who_has_the_token_and_unknown_for_others() {
    let inactive = json!({"status": "inactive"});
    let whole = || request(signup("ada@example.com"));
    assert_eq!(refused(admit_by(inactive.clone(), whole())), (410, "This webhook is inactive".to_owned()));
    let stranger = Received { token: Some("wrong".into()), ..whole() };
    assert_eq!(refused(admit_by(inactive, stranger)).0, 404);
}

#[test]
fn the_token_before_is_valid_until_its_time_is_over() {
    let whole = || Arc::new(Received { token: Some(OLD_TOKEN.into()), ..request(signup("ada@example.com")) });
    let snapshot = snapshot(json!({}), &[]);
    assert_eq!(records_of(&admit(&snapshot, &whole(), NOW).unwrap()).len(), 1);
    assert_eq!(refused(admit(&snapshot, &whole(), NOW.plus_millis(1))).0, 404);
}

#[test]
fn only_listed_addresses_may_post_where_there_is_a_list() {
    let from = |allowlist: Value, address: &str| {
        let received = Received { sender_ip: address.parse().unwrap(), ..request(signup("ada@example.com")) };
        admit_by(json!({"ip_allowlist": allowlist}), received)
    };
    let listed = || json!(["203.0.113.0/24", "2001:db8::/32"]);
    for address in ["203.0.113.200", "2001:db8:7::1", "::ffff:203.0.113.1"] {
        assert_eq!(records_of(&from(listed(), address).unwrap()).len(), 1, "{address}");
    }
    for address in ["198.51.100.1", "2001:db9::1", "::203.0.113.1"] {
        assert_eq!(rejected_with(from(listed(), address)), (403, "ip_not_allowed".to_owned()), "{address}");
    }
    assert_eq!(records_of(&from(json!([]), "198.51.100.1").unwrap()).len(), 1, "no list");
}

#[test]
fn a_user_name_and_a_password_may_prove_the_sender() {
    let basic = json!({"signature": {"scheme": "basic"}});
    let by = |credentials: &str| {
        let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials));
        admit_by(basic.clone(), request(signup("ada@example.com")).with("authorization", value))
    };
    let accepted = by(&format!("anyone:{SECRET}")).unwrap();
    assert!(accepted.headers.contains("authorization") && !accepted.headers.contains("Basic"), "masked");
    assert_eq!(rejected(by("anyone:other")), "signature_mismatch");
    assert_eq!(rejected(by(SECRET)), "signature_malformed");
    assert_eq!(rejected(admit_by(basic.clone(), request("{}"))), "signature_missing");
}

#[test]
fn an_api_key_is_needed_where_it_is_asked_for() {
    let asks = json!({"require_api_key": true});
    let whole = || request(signup("ada@example.com"));
    assert_eq!(rejected(admit_by(asks.clone(), whole())), "api_key");
    assert_eq!(rejected(admit_by(asks.clone(), whole().with("x-api-key", "ccsp_other"))), "api_key");
    assert_eq!(records_of(&admit_by(asks, whole().with("x-api-key", API_KEY)).unwrap()).len(), 1);
    assert_eq!(records_of(&admitted(whole().with("x-api-key", "whatever"))).len(), 1);
}

#[test]
fn hmac_sha256_is_checked_over_the_raw_body() {
    let signed = json!({"signature": {"scheme": "hmac_sha256"}});
    let body = signup("ada@example.com");
    let whole = || request(body.clone());
    let right = x_webhook::sign(&key(SECRET), body.as_bytes());
    let by = |value: &str| admit_by(signed.clone(), whole().with("x-webhook-signature", value));
    assert_eq!(records_of(&by(&right).unwrap()).len(), 1);
    assert_eq!(rejected(admit_by(signed.clone(), whole())), "signature_missing");
    assert_eq!(rejected(by("")), "signature_missing");
    assert_eq!(rejected(by("sha256=zz")), "signature_malformed");
    assert_eq!(rejected(by(&right.replace("sha256=", "sha1="))), "signature_malformed");
    assert_eq!(rejected(by(&x_webhook::sign(&key("another"), body.as_bytes()))), "signature_mismatch");
    let changed = request(body.replace("Ada", "Eve")).with("x-webhook-signature", &right);
    assert_eq!(rejected(admit_by(signed.clone(), changed)), "signature_mismatch");
}

#[test]
fn a_signature_covers_the_bytes_as_they_are_sent() {
    use std::io::Write;
    let body = signup("ada@example.com");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let sent = encoder.finish().unwrap();
    let by = |signature: &str| {
        let request = request(sent.clone()).with("content-encoding", "gzip");
        admit_by(
            json!({"signature": {"scheme": "hmac_sha256"}}),
            request.with("x-webhook-signature", signature),
        )
    };
    let accepted = by(&x_webhook::sign(&key(SECRET), &sent)).unwrap();
    assert_eq!(
        (records_of(&accepted).len(), accepted.text.as_str()),
        (1, body.as_str()),
        "kept decompressed"
    );
    assert_eq!(rejected(by(&x_webhook::sign(&key(SECRET), body.as_bytes()))), "signature_mismatch");

    let small =
        Received { max_body: body.len() - 1, ..request(sent.clone()).with("content-encoding", "gzip") };
    assert_eq!(refused(admit_by(json!({}), small)).0, 413);
    let bomb = Received { max_body: 10, ..request(sent).with("content-encoding", "gzip") };
    let unsigned = admit_by(json!({"signature": {"scheme": "hmac_sha256"}}), bomb);
    assert_eq!(rejected(unsigned), "signature_missing", "nothing of a stranger is decompressed");
}

#[test]
fn the_signature_may_stand_in_a_header_of_another_name() {
    let signed = json!({"signature": {"scheme": "hmac_sha256", "header": "X-Hub-Signature-256"}});
    let body = signup("ada@example.com");
    let right = x_webhook::sign(&key(SECRET), body.as_bytes());
    let named = request(body.clone()).with("x-hub-signature-256", &right);
    assert_eq!(records_of(&admit_by(signed.clone(), named).unwrap()).len(), 1);
    let misnamed = request(body).with("x-webhook-signature", &right);
    assert_eq!(rejected(admit_by(signed, misnamed)), "signature_missing");
}

#[test]
fn standard_webhooks_are_checked_with_their_time() {
    let signed = json!({"signature": {"scheme": "standard_webhooks", "tolerance_seconds": 60}});
    let body = signup("ada@example.com");
    let at = |seconds: i64| {
        request(body.clone()).with("webhook-id", "msg_1").with("webhook-timestamp", seconds.to_string()).with(
            "webhook-signature",
            standard_webhooks::sign(&[key(SECRET)], "msg_1", seconds, body.as_bytes()),
        )
    };
    let now = NOW.seconds();
    for seconds in [now, now - 60, now + 60] {
        let accepted = admit_by(signed.clone(), at(seconds)).unwrap();
        assert_eq!(accepted.names.request.as_deref(), Some("webhook-id:msg_1"));
    }
    for (request, code) in [
        (at(now - 61), "timestamp_out_of_tolerance"),
        (at(now + 61), "timestamp_out_of_tolerance"),
        (at(now).without("webhook-id"), "signature_missing"),
        (at(now).without("webhook-timestamp"), "signature_missing"),
        (at(now).without("webhook-signature"), "signature_missing"),
        (at(now).with("webhook-timestamp", "soon"), "signature_malformed"),
        (at(now).with("webhook-signature", "v1,short"), "signature_malformed"),
        (at(now).with("webhook-id", "msg_2"), "signature_mismatch"),
        (at(now).with("webhook-timestamp", (now - 1).to_string()), "signature_mismatch"),
    ] {
        assert_eq!(rejected(admit_by(signed.clone(), request)), code);
    }
}

#[test]
fn of_what_is_rejected_little_is_kept_and_no_secret() {
    let signed = json!({"signature": {"scheme": "hmac_sha256"}});
    let long = request(vec![0; 100_000]).with("authorization", "Bearer hunter2").without("content-type");
    let accepted = admit_by(signed, long).unwrap();
    assert!(accepted.text.len() <= 3 * MAX_REJECTED_BYTES && !accepted.text.contains('\0'));
    assert!(!accepted.headers.contains("hunter2"), "{}", accepted.headers);
    assert_eq!(accepted.names, Names::default(), "who can't prove who they are names nothing");
}

#[test]
fn json_comes_as_json() {
    for right in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.api+json",
        "application/json;",
        "text/json",
        "text/plain",
    ] {
        admitted(request("{}").with("content-type", right));
    }
    for wrong in ["text/html", "application/xml", "json", "application/jsonp", "text/x+json", "image/svg+xml"]
    {
        let outcome = admit_by(json!({}), request("{}").with("content-type", wrong));
        assert_eq!(refused(outcome).0, 415, "{wrong}");
    }
}

#[test]
fn who_does_not_say_what_it_is_and_posts_json_means_json() {
    for body in ["{}", " [{}]", "\u{feff}{}"] {
        admitted(request(body).without("content-type"));
        admitted(request(body).with("content-type", ""));
    }
    for body in ["", "email=ada@example.com", "7"] {
        assert_eq!(refused(admit_by(json!({}), request(body).without("content-type"))).0, 415, "{body}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_the_place() {
    let message = |body: &[u8]| {
        let (status, message) = refused(admit_by(json!({}), request(body.to_vec())));
        assert_eq!(status, 400, "{message}");
        message
    };
    assert!(message(b"{\"a\": 1,\n \"b\" 2}").ends_with("expected `:` at line 2 column 6"));
    assert!(message(b"{\"a\":").contains("line 1 column 5"));
    assert!(message(b"{} x").contains("trailing characters at line 1 column 4"));
    assert!(message(b"{\"a\":\"\xff\"}").contains("invalid unicode code point at line 1 column"));
    assert!(message(br#"{"a":"\ud800"}"#).contains("line 1 column"));
    assert!(message(b"{\"a\":\"\0\"}").contains("control character"));
    assert!(message(b"{\"a\":1e999}").contains("number out of range at line 1 column"));
    for empty in [b"".as_slice(), b" \n\t"] {
        assert_eq!(message(empty), "The body is empty");
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    admitted(request(nested(126)));
    let (status, message) = refused(admit_by(json!({}), request(nested(127))));
    assert_eq!(status, 400);
    assert!(message.contains("recursion limit exceeded at line 1 column"), "{message}");
    assert_eq!(refused(admit_by(json!({}), request("[".repeat(1_000_000)))).0, 400);
}

#[test]
fn the_body_is_an_object_or_an_array_of_objects() {
    for other in ["1", "null", "\"text\"", "true"] {
        let (status, message) = refused(admit_by(json!({}), request(other)));
        assert_eq!(
            (status, message.as_str()),
            (400, "The body must be a JSON object or an array of objects")
        );
    }
    let (status, message) = refused(admit_by(json!({}), request("[1, null]")));
    assert_eq!((status, message.as_str()), (400, "The array must hold objects; item 0 is a number"));
    let many = |count: usize| request(format!("[{}]", vec!["{}"; count].join(",")));
    assert_eq!(records_of(&admitted(many(MAX_RECORDS))).len(), MAX_RECORDS);
    assert_eq!(refused(admit_by(json!({}), many(MAX_RECORDS + 1))).0, 400);
    assert!(records_of(&admitted(request("[]"))).is_empty());
}

#[test]
fn a_request_may_carry_a_name_of_its_own() {
    let key = |name: &'static str, value: &str| admitted(request("{}").with(name, value)).names.request;
    assert_eq!(key("webhook-id", " msg_1 ").as_deref(), Some("webhook-id:msg_1"));
    assert_eq!(key("idempotency-key", "k").as_deref(), Some("idempotency-key:k"));
    assert_eq!(key("webhook-id", ""), None);
    assert_eq!(key("x-request-id", "k"), None);
    let both = request("{}").with("webhook-id", "a").with("idempotency-key", "b");
    assert_eq!(admitted(both).names.request.as_deref(), Some("webhook-id:a"));
    assert!(key("idempotency-key", &"k".repeat(MAX_CHARS)).is_some());
    let long = request("{}").with("idempotency-key", "k".repeat(MAX_CHARS + 1));
    assert_eq!(refused(admit_by(json!({}), long)).0, 400);
    assert_eq!(refused(admit_by(json!({}), request("{}").with("webhook-id", b"\xe9"))).0, 400);
}

#[test]
fn the_payload_may_hold_the_name() {
    let key = |payload: Value, header: Option<&str>| {
        let mut request = request(payload.to_string());
        if let Some(header) = header {
            request = request.with("webhook-id", header);
        }
        admit_by(json!({"dedupe": {"key": "data.order.id"}}), request).unwrap().names.request
    };
    let order = |id: Value| json!({"data": {"order": {"id": id}}});
    assert_eq!(key(order(json!(7)), None).as_deref(), Some("payload:7"));
    assert_eq!(
        key(order(json!("7")), Some("msg_1")).as_deref(),
        Some("payload:\"7\""),
        "a text is no number"
    );
    assert_eq!(key(order(Value::Null), Some("msg_1")).as_deref(), Some("webhook-id:msg_1"));
    assert_eq!(key(json!({}), None), None);
    let long = |end: &str| key(order(json!("x".repeat(10_000) + end)), None).unwrap();
    assert!(long("a").len() < 100 && long("a") != long("b"));
}

#[test]
fn the_log_keeps_what_came_in() {
    let body = format!(" {} ", signup("ada@example.com"));
    let accepted = admitted(request(body.clone()).with("x-webhook-token", TOKEN));
    assert_eq!(accepted.text, body);
    assert_eq!((accepted.received_at, accepted.method.as_str()), (NOW, "POST"));
    assert_eq!(
        (accepted.sender_ip.as_str(), accepted.content_type.as_str()),
        ("203.0.113.7", "application/json")
    );
    assert!(!accepted.headers.contains(TOKEN), "{}", accepted.headers);
}

#[test]
fn another_configuration_lets_a_request_in_anew_or_refuses_it() {
    let item = || Item::Request(Box::new(admitted(request(signup("ada@example.com")))));
    let under = |settings: Value| {
        let mut item = item();
        item.under(&snapshot(settings, &[]));
        item
    };
    let Item::Request(other) = under(json!({"event_type": "order_paid"})) else { panic!("refused") };
    assert!(matches!(records_of(&other), [Record::Ignored(_)]));
    let Item::Request(other) = under(json!({"require_api_key": true})) else { panic!("refused") };
    assert_eq!(rejected(Ok(*other)), "api_key");
    let Item::Refused(reply) = under(json!({"status": "inactive"})) else { panic!("let in") };
    assert_eq!(reply.status, 410);
    let mut item = item();
    item.under(&Snapshot::default());
    assert!(matches!(item, Item::Refused(reply) if reply.status == 404), "its webhook is deleted");
}

#[test]
fn what_is_sent_again_by_hand_is_let_in_under_another_configuration_too() {
    let stored = crate::fuzz::row(&admitted(request(signup("ada@example.com"))));
    let id = stored.id;
    let stored = Arc::new(ByHand { row: stored, actor: Actor::here(ActorKind::CommandLine) });
    let item = || Item::Request(Box::new(resent(&snapshot(json!({}), &[]), &stored).unwrap()));
    let mut other = item();
    other.under(&snapshot(json!({"event_type": "order_paid"}), &[]));
    let Item::Request(other) = other else { panic!("refused") };
    assert!(matches!(records_of(&other), [Record::Ignored(_)]));
    assert_eq!((other.resent_from, &other.names), (Some(id), &Names::default()));
    let mut gone = item();
    gone.under(&Snapshot::default());
    assert!(matches!(gone, Item::Refused(reply) if reply.status == 404));
}

#[test]
fn what_proves_the_sender_is_kept_nowhere() {
    let scheme = |from: &str| json!({"scheme": "custom", "custom": {"algorithm": "token", "signature": {"from": from}}});
    let in_body =
        |secret: &str| json!({"email": "a@example.com", "proof": [{"key": secret}], "n": secret}).to_string();
    let settings = json!({"signature": scheme("body:proof.0.key")});
    let accepted = admit_by(settings.clone(), request(in_body(SECRET))).unwrap();
    assert_eq!(records_of(&accepted).len(), 1);
    assert!(!accepted.text.contains(SECRET) && accepted.text.contains("a@example.com"), "{}", accepted.text);
    assert_eq!(accepted.original.as_deref(), Some(in_body(SECRET).as_str()), "for what runs it later");
    let again = readmit(&accepted.incoming, &crate::fuzz::row(&accepted)).unwrap();
    assert!(!again.is_partial, "nobody needs it");
    let wrong = admit_by(settings, request(in_body("nearly right"))).unwrap();
    assert!(!wrong.text.contains("nearly right"), "{}", wrong.text);
    let in_header = json!({"signature": scheme("header:x-door")});
    let accepted = admit_by(in_header, request("{}").with("x-door", SECRET)).unwrap();
    assert!(
        !accepted.headers.contains(SECRET) && accepted.headers.contains("x-door"),
        "{}",
        accepted.headers
    );
}
