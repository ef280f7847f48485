//! Two thousand hostile requests: each gets a clear refusal, none a 5xx, and the data stays as it was.

mod generator;
mod values;
mod wire;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use testkit::Receiver;

use crate::support::{Kind, Server, World, target, text};
use generator::{Attack, Expect, Generator, Places};

on_both_databases!(hostile_requests_are_refused_and_change_nothing);

const REQUESTS: usize = 2_000;
/// The log is looked at so often, for only its end is kept.
const LOOK_EVERY: usize = 50;
/// The resources whose entries must stay as they are.
const RESOURCES: &[&str] =
    &["/subscribers", "/lists", "/tags", "/incoming-webhooks", "/outgoing-webhooks", "/api-keys"];

async fn hostile_requests_are_refused_and_change_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    protect(&server, &receiver).await;
    let before = entries(&server).await;
    let places = sacrifice(&server, &receiver).await;

    let mut generator = Generator::new(StdRng::seed_from_u64(2_000), places);
    let (mut refused, mut stored) = (0, Vec::new());
    for number in 0..REQUESTS {
        let attack = generator.next();
        let status = check(&server, number, &attack).await;
        refused += usize::from(status >= 400);
        if let (Expect::Stored { .. }, 200) = (&attack.expect, status) {
            stored.push(attack.expect);
        }
        if number % LOOK_EVERY == 0 {
            let log = server.program.log();
            assert!(!log.contains("panicked") && !log.contains("ERROR"), "after {number}:\n{log}");
        }
    }
    assert!(refused > REQUESTS / 2, "only {refused} were refused");

    let after = entries(&server).await;
    for entry in &before {
        assert!(after.contains(entry), "changed or gone: {}", entry.1);
    }
    // What was valid although it looked evil is data like any other.
    assert!(stored.len() > REQUESTS / 100);
    for expect in stored {
        let Expect::Stored { email, first_name } = expect else { continue };
        assert_eq!(server.subscriber(&email).await.unwrap()["first_name"], first_name);
    }
    let incoming = server.incoming(json!({})).await;
    server.receive(&incoming, &[], crate::support::SPEC_PAYLOAD).await.expect(http::StatusCode::OK).unwrap();
}

/// What must not change.
async fn protect(server: &Server, receiver: &Receiver) {
    let list = server.make("/lists", json!({"name": "Protected"})).await;
    for (name, status) in [("one", "subscribed"), ("two", "unsubscribed"), ("three", "bounced")] {
        let subscriber = json!({
            "email": format!("{name}@protected.example.com"), "first_name": name, "status": status,
            "tags": ["protected"], "custom_fields": {"plan": "pro"}, "lists": [list["id"]],
        });
        server.make("/subscribers", subscriber).await;
    }
    server.incoming(json!({"name": "Protected"})).await;
    let events = json!({"name": "Protected", "events": ["campaign_failed"]});
    server.outgoing(&receiver.url("/protected"), events).await;
    server.make("/api-keys", json!({"name": "Protected", "scope": "read"})).await;
}

/// Every entry of every resource, with the resource's path.
async fn entries(server: &Server) -> Vec<(&'static str, Value)> {
    let mut entries = Vec::new();
    for path in RESOURCES {
        let all = server.list_all(path).await;
        assert!(!all.is_empty(), "{path}");
        entries.extend(all.into_iter().map(|entry| (*path, entry)));
    }
    entries
}

/// What the attacks may aim at.
async fn sacrifice(server: &Server, receiver: &Receiver) -> Places {
    let list = server.make("/lists", json!({"name": "Sacrificed"})).await;
    let tag = server.make("/tags", json!({"name": "sacrificed"})).await;
    let subscriber = server.make("/subscribers", json!({"email": "sacrificed@example.com"})).await;
    let incoming = server.incoming(json!({"name": "Sacrificed"})).await;
    // Signed requests, so that what is wrong with a signature is seen as well.
    let signed = server.incoming(json!({"signature": {"scheme": "standard_webhooks"}})).await;
    let outgoing = server.outgoing(&receiver.url("/hook"), json!({"name": "Sacrificed"})).await;
    // The webhook that payloads go to is not the one that is attacked, which may get to be inactive.
    let receiving = server.incoming(json!({"name": "Receiving"})).await;
    Places {
        key: server.key.clone(),
        receiving: target(&receiving),
        signed: target(&signed),
        list: list["id"].as_i64().unwrap(),
        destination: receiver.url("/hook"),
        patched: vec![
            format!("/lists/{}", list["id"]),
            format!("/tags/{}", tag["id"]),
            format!("/subscribers/{}", subscriber["id"]),
            format!("/incoming-webhooks/{}", text(&incoming["id"])),
            format!("/outgoing-webhooks/{}", text(&outgoing["id"])),
        ],
        outgoing: text(&outgoing["id"]).to_owned(),
        incoming: text(&incoming["id"]).to_owned(),
    }
}

/// Sends it, and sees that the answer is as it must be; gives its status, 0 if there was none.
async fn check(server: &Server, number: usize, attack: &Attack) -> u16 {
    let shown = || {
        let request = String::from_utf8_lossy(&attack.bytes[..attack.bytes.len().min(1_500)]).into_owned();
        format!("attack {number} ({}):\n{request}\nlog:\n{}", attack.name, server.program.log())
    };
    let half_closed = matches!(attack.expect, Expect::Broken);
    let answer = wire::exchange(server.program.address(), &attack.bytes, half_closed).await;
    let Some(answer) = answer else {
        assert!(half_closed, "no answer to {}", shown());
        return 0;
    };
    let status = answer.status;
    assert!((200..300).contains(&status) || (400..500).contains(&status), "{answer:?} to {}", shown());
    if matches!(attack.expect, Expect::Refused) {
        assert!(status >= 400, "{answer:?} to {}", shown());
    }
    if status >= 400 && !half_closed {
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let said =
            body.as_ref().and_then(|body| body["message"].as_str().or_else(|| body["detail"].as_str()));
        assert!(said.is_some_and(|text| !text.is_empty()), "says nothing: {answer:?} to {}", shown());
    }
    status
}
