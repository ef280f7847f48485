//! How deliveries prove who sends them: every method, against receivers that check it, and in no log.

mod tls;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use signature::{Request, Scheme, Secret};
use testkit::receiver::{Answer, ReceivedRequest, always};
use testkit::{Receiver, eventually};

use self::tls::{Authority, Front};
use crate::support::{Kind, PATIENCE, SPEC_PAYLOAD, Server, World, merged, text};

on_both_databases!(
    every_method_reaches_the_receiver_and_no_log,
    several_signatures_at_once_and_while_keys_are_replaced,
    a_client_certificate_opens_what_is_closed_without,
    a_token_is_fetched_once_for_many_and_anew_before_it_ends,
    a_token_is_asked_for_as_its_server_wants_it,
);

async fn outgoing(server: &Server, url: &str, settings: Value) -> Value {
    server.outgoing(url, merged(json!({"events": ["subscriber_added"]}), settings)).await
}

async fn try_it(server: &Server, webhook: &Value) -> Value {
    let path = format!("/outgoing-webhooks/{}/test", text(&webhook["id"]));
    server.post(&path, &json!({})).await.unwrap().expect(StatusCode::OK).unwrap()
}

/// An event for every webhook that wants new subscribers.
async fn sign_up(server: &Server) {
    let webhook = server.incoming(json!({"actions": [{"type": "add_subscriber"}]})).await;
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::OK).unwrap();
}

/// Each method, and what the receiver must see of it: a header, or the query.
fn methods(receiver: &Receiver) -> Vec<(Value, &'static str, String)> {
    let token_url = receiver.url("/token");
    let oauth = |method: &str| json!({"method": method, "token_url": token_url, "client_id": "me", "client_secret": "sekret-client"});
    vec![
        (json!({"method": "none"}), "authorization", String::new()),
        (json!({"method": "api_key", "key": "sekret-key"}), "x-api-key", "sekret-key".into()),
        (json!({"method": "api_key", "key": "sekret-own", "header": "X-Own"}), "x-own", "sekret-own".into()),
        (
            json!({"method": "bearer", "token": "sekret-bearer"}),
            "authorization",
            "Bearer sekret-bearer".into(),
        ),
        // RFC 7617, section 2, with another password: base64 of `Aladdin:sekret sesame`.
        (
            json!({"method": "basic", "username": "Aladdin", "password": "sekret sesame"}),
            "authorization",
            "Basic QWxhZGRpbjpzZWtyZXQgc2VzYW1l".into(),
        ),
        // Without a password, and in UTF-8: base64 of `sk_test:` and of `Jürgen:sekret-pä`.
        (
            json!({"method": "basic", "username": "sk_test", "password": ""}),
            "authorization",
            "Basic c2tfdGVzdDo=".into(),
        ),
        (
            json!({"method": "basic", "username": "Jürgen", "password": "sekret-pä"}),
            "authorization",
            "Basic SsO8cmdlbjpzZWtyZXQtcMOk".into(),
        ),
        (
            json!({"method": "custom_headers", "headers": {"X-One": "sekret-one", "X-Two": "sekret-two"}}),
            "x-two",
            "sekret-two".into(),
        ),
        (json!({"method": "query", "params": {"key": "sekret&query"}}), "?", "key=sekret%26query".into()),
        (oauth("oauth2_client_credentials"), "authorization", "Bearer sekret-access".into()),
        (
            merged(oauth("oauth2_refresh_token"), json!({"refresh_token": "sekret-refresh"})),
            "authorization",
            "Bearer sekret-access".into(),
        ),
    ]
}

fn shown(request: &ReceivedRequest, place: &str) -> String {
    match place {
        "?" => request.path_and_query.split_once('?').map_or("", |(_, query)| query).to_owned(),
        header => request.header(header).unwrap_or_default().to_owned(),
    }
}

async fn every_method_reaches_the_receiver_and_no_log(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let token = json!({"access_token": "sekret-access", "expires_in": 3600, "token_type": "Bearer"});
    receiver.on("/token", always(Answer::ok().body(token.to_string())));
    let methods = methods(&receiver);
    let mut webhooks = Vec::new();
    for (number, (auth, place, expected)) in methods.iter().enumerate() {
        // A receiver that repeats what it was sent, as some that help to debug do.
        let repeated = json!({"you_sent": expected, "at": place}).to_string();
        receiver.on(
            &format!("/{number}"),
            always(
                Answer::ok()
                    .header(HeaderName::from_static("x-echo"), HeaderValue::try_from(expected).unwrap())
                    .body(repeated),
            ),
        );
        webhooks.push(outgoing(&server, &receiver.url(&format!("/{number}")), json!({"auth": auth})).await);
    }
    sign_up(&server).await;
    for webhook in &webhooks {
        server.settled(webhook, PATIENCE).await;
        assert_eq!(try_it(&server, webhook).await["status"], 200);
    }
    let requests = receiver.requests();
    for (number, (auth, place, expected)) in methods.iter().enumerate() {
        let path = format!("/{number}");
        let arrived: Vec<_> = requests.iter().filter(|request| request.path() == path).collect();
        assert_eq!(arrived.len(), 2, "{auth}: a delivery and a test");
        assert!(arrived.iter().all(|request| shown(request, place) == *expected), "{auth}: {arrived:?}");
    }
    let tokens: Vec<_> = requests.iter().filter(|request| request.path() == "/token").collect();
    assert_eq!(tokens.len(), 2, "one for each webhook that needs one");

    for (webhook, (auth, ..)) in webhooks.iter().zip(&methods) {
        let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
        let log = server.list(&format!("{path}/deliveries")).await;
        assert_eq!(log.len(), 2);
        for entry in &log {
            let whole = server.show(&format!("/deliveries/{}", text(&entry["id"]))).await;
            assert_eq!((&whole["status"], leaks(&whole)), (&json!("delivered"), false), "{auth}: {whole}");
        }
        let read = server.show(&path).await;
        assert!(!leaks(&read), "{auth}: {read}");
    }
    assert!(!server.program.log().contains("sekret"), "{}", server.program.log());
}

/// Whether a secret stands in it, as it is or in the form of a header or a URL.
fn leaks(value: &Value) -> bool {
    let text = value.to_string();
    ["sekret", "c2VrcmV0", "zZWtyZXQ"].iter().any(|secret| text.contains(secret))
}

/// What a receiver that was made for another system expects.
fn custom() -> Value {
    json!({"algorithm": "hmac_sha512", "encoding": "base64", "content": "{id}|{timestamp}|{body}",
        "signature": {"from": "header:Other-Signature", "separator": ",", "prefix": "s="},
        "timestamp": {"from": "header:Other-Time"}, "timestamp_unit": "rfc3339", "id": {"from": "header:Other-Id"}})
}

/// The asymmetric scheme, as a receiver would describe it.
fn asymmetric() -> Value {
    json!({"algorithm": "ed25519", "encoding": "base64", "content": "{id}.{timestamp}.{body}",
        "key": {"encoding": "base64", "prefix": "whpk_"},
        "signature": {"from": "header:webhook-signature", "separator": " ", "prefix": "v1a,"},
        "timestamp": {"from": "header:webhook-timestamp"}, "id": {"from": "header:webhook-id"}})
}

/// Whether a receiver that has this secret or public key takes a request.
fn takes(scheme: &Value, key: &str, request: &ReceivedRequest) -> bool {
    let scheme: Scheme = serde_json::from_value(scheme.clone()).unwrap();
    let now = request.header("x-webhook-timestamp").unwrap().parse().unwrap();
    let sent = |body, headers| Request { method: "POST", url: &request.path_and_query, headers, body };
    let key = [scheme.key(&Secret::new(key)).unwrap()];
    let whole = scheme.verify(&key, sent(&request.body, &request.headers), now).is_ok();
    let tampered = scheme.verify(&key, sent(b"{}", &request.headers), now).is_ok();
    let unsigned = scheme.verify(&key, sent(&request.body, &HeaderMap::new()), now).is_ok();
    assert!(!tampered && !unsigned);
    whole
}

async fn several_signatures_at_once_and_while_keys_are_replaced(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let signing = json!({"schemes": ["x_webhook_signature", "standard_webhooks", "ed25519", "custom"], "custom": custom()});
    let webhook = outgoing(&server, &receiver.url("/hook"), json!({"signing": signing})).await;
    let (secret, public) = (text(&webhook["signing"]["secret"]), text(&webhook["public_keys"][0]));
    assert_eq!(try_it(&server, &webhook).await["status"], 200);
    let first = receiver.requests().pop().unwrap();
    assert!(takes(&custom(), secret, &first) && takes(&asymmetric(), public, &first));
    assert!(!takes(&custom(), "another secret", &first));
    let kinds = |request: &ReceivedRequest| -> Vec<String> {
        let list = request.header("webhook-signature").unwrap();
        list.split(' ').map(|entry| entry.split(',').next().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&first), ["v1", "v1a"]);

    let path = format!("/outgoing-webhooks/{}/rotate-secret", text(&webhook["id"]));
    let rotate =
        async |input: Value| server.post(&path, &input).await.unwrap().expect(StatusCode::OK).unwrap();
    let new_secret = rotate(json!({"grace_seconds": 600})).await;
    let new_key = rotate(json!({"which": "private_key", "grace_seconds": 600})).await;
    let (new_secret, new_public) = (text(&new_secret["signing"]["secret"]), text(&new_key["public_keys"][0]));
    assert!(new_secret != secret && new_public != public);
    assert_eq!(try_it(&server, &webhook).await["status"], 200);
    let second = receiver.requests().pop().unwrap();
    assert_eq!(kinds(&second), ["v1", "v1", "v1a", "v1a"]);
    for (scheme, key) in
        [(custom(), secret), (custom(), new_secret), (asymmetric(), public), (asymmetric(), new_public)]
    {
        assert!(takes(&scheme, key, &second), "{scheme}");
    }
    // One that has leaked ends at once.
    rotate(json!({"grace_seconds": 0})).await;
    rotate(json!({"which": "private_key", "grace_seconds": 0})).await;
    assert_eq!(try_it(&server, &webhook).await["status"], 200);
    let third = receiver.requests().pop().unwrap();
    assert!(!takes(&custom(), new_secret, &third) && !takes(&asymmetric(), new_public, &third));
}

async fn a_client_certificate_opens_what_is_closed_without(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let front = Front::start(&authority, receiver.address()).await;
    let (certificate, key) = authority.client();
    let tls = json!({"client_certificate": certificate, "client_key": key, "ca": authority.pem()});
    let webhook = outgoing(&server, &front.url("/hook"), json!({"tls": tls})).await;
    sign_up(&server).await;
    server.settled(&webhook, PATIENCE).await;
    assert_eq!(receiver.requests().len(), 1, "a delivery");
    let result = try_it(&server, &webhook).await;
    assert_eq!((&result["status"], receiver.requests().len()), (&json!(200), 2));

    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    let (other, other_key) = stranger.client();
    for (tls, code) in [
        (
            json!({"client_certificate": other, "client_key": other_key, "ca": authority.pem()}),
            "tls_client_certificate",
        ),
        (
            json!({"client_certificate": null, "client_key": null, "ca": authority.pem()}),
            "tls_client_certificate",
        ),
        (json!({"client_certificate": certificate, "client_key": key, "ca": null}), "tls"),
        (json!(null), "tls"),
    ] {
        server.change(&path, json!({"tls": tls})).await;
        let result = try_it(&server, &webhook).await;
        assert!(text(&result["error_code"]).starts_with(code), "{tls}: {result}");
        assert!(text(&result["hint"]).contains("certificate"), "{result}");
        assert_eq!(result["status"], Value::Null);
    }
    assert_eq!(receiver.requests().len(), 2, "none of them came through");
    server.change(&path, json!({"tls": tls})).await;
    assert_eq!(try_it(&server, &webhook).await["status"], 200);
    // What would show the key: the answers, the log of deliveries, and that of the program.
    let line = key.lines().nth(1).unwrap();
    let log = server.list(&format!("{path}/deliveries")).await;
    let read = server.show(&path).await;
    assert!(
        ![json!(log).to_string(), read.to_string(), server.program.log()]
            .iter()
            .any(|all| all.contains(line))
    );
    // It is sealed in the database, and there after a start.
    let (stored, key) = (server.key.clone(), read["tls"]["client_key"].clone());
    assert_eq!(key, "••••");
    drop(server);
    let server = Server::of(world.node("data").start().await.unwrap(), stored);
    assert_eq!(try_it(&server, &webhook).await["status"], 200);
}

async fn a_token_is_fetched_once_for_many_and_anew_before_it_ends(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    let fetched = |receiver: &Receiver| -> usize {
        receiver.requests().iter().filter(|request| request.path() == "/token").count()
    };
    let token = |seconds: u32| {
        always(Answer::ok().body(json!({"access_token": "t", "expires_in": seconds}).to_string()))
    };
    receiver.on("/token", token(3_600));
    let auth = json!({"method": "oauth2_client_credentials", "token_url": receiver.url("/token"), "client_id": "me", "client_secret": "sekret"});
    let webhook = outgoing(&server, &receiver.url("/hook"), json!({"auth": auth})).await;
    let answers = join_all((0..12).map(|_| try_it(&server, &webhook))).await;
    assert!(answers.iter().all(|answer| answer["status"] == 200));
    assert_eq!(fetched(&receiver), 1, "twelve that came at once waited for one");

    // One that lasts for a second is replaced before that second is over, and no delivery is ever refused.
    receiver.on("/token", token(1));
    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    let changed = merged(auth, json!({"scope": "other"}));
    server.change(&path, json!({"auth": changed})).await;
    eventually("a token to be replaced", PATIENCE, async || {
        assert_eq!(try_it(&server, &webhook).await["status"], 200);
        (fetched(&receiver) >= 3).then_some(())
    })
    .await
    .unwrap();
}

async fn a_token_is_asked_for_as_its_server_wants_it(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver
        .on("/token", always(Answer::ok().body(json!({"access_token": "t", "expires_in": 60}).to_string())));
    let token_url = receiver.url("/token");
    let auth = json!({"method": "oauth2_client_credentials", "token_url": token_url, "client_id": "me", "client_secret": "sekret &",
        "client_auth": "basic", "params": {"audience": "https://api.example.com/"}});
    let webhook = outgoing(&server, &receiver.url("/hook"), json!({"auth": auth})).await;
    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    let asked = async |expected: (Option<&str>, &str)| {
        let before = receiver.requests().len();
        assert_eq!(try_it(&server, &webhook).await["status"], 200);
        let requests = receiver.requests();
        let [token, hook] = &requests[before..] else { panic!("{requests:?}") };
        assert_eq!((token.path(), hook.header("authorization")), ("/token", Some("Bearer t")));
        assert_eq!((token.header("authorization"), String::from_utf8_lossy(&token.body).as_ref()), expected);
    };
    // Base64 of `me:sekret+%26`.
    asked((
        Some("Basic bWU6c2VrcmV0KyUyNg=="),
        "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example.com%2F",
    ))
    .await;
    // What was read masked is sent back with something else changed.
    let mut shown = server.show(&path).await["auth"].take();
    assert_eq!((&shown["client_auth"], text(&shown["params"]["audience"])), (&json!("basic"), "••••com/"));
    shown["client_auth"] = json!("body");
    server.change(&path, json!({"auth": shown})).await;
    asked((
        None,
        "grant_type=client_credentials&client_id=me&client_secret=sekret+%26&audience=https%3A%2F%2Fapi.example.com%2F",
    ))
    .await;
    for (change, field) in [
        (json!({"client_auth": "header"}), "auth.client_auth"),
        (json!({"method": "oauth"}), "auth.method"),
        (json!({"params": {"scope": "x"}}), "auth.params.scope"),
    ] {
        let refused = server.patch(&path, &json!({"auth": change})).await.unwrap();
        let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
}
