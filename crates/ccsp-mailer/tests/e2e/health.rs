//! Destinations that fail: who gets how much, who is told, and what becomes of what waits.

use std::collections::HashSet;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::receiver::{Answer, ReceivedRequest, always};
use testkit::{Mailbox, Receiver, eventually};

use crate::support::{Kind, PATIENCE, Server, World, text};

on_both_databases!(those_who_run_it_are_told);

/// A circuit opens after half a minute.
const OPENS: Duration = Duration::from_secs(120);

async fn state_becomes(server: &Server, path: &str, state: &str, patience: Duration) -> Value {
    let what = format!("the destination to be {state}");
    let found = eventually(&what, patience, async || {
        let webhook = server.show(path).await;
        (webhook["health"]["state"] == state).then_some(webhook)
    });
    found.await.unwrap()
}

fn ids(requests: &[ReceivedRequest]) -> HashSet<&str> {
    requests.iter().map(|request| request.header("webhook-id").unwrap()).collect()
}

async fn publish(server: &Server, count: usize) {
    let events: Vec<Value> = (0..count).map(|n| json!({"event": "order_paid", "data": {"n": n}})).collect();
    server.make("/events", events.into()).await;
}

async fn those_who_run_it_are_told(kind: Kind) {
    let world = World::new(kind).await;
    let mailbox = Mailbox::start(0).await.unwrap();
    let mail = ["--smtp-url", &mailbox.url(), "--mail-from", "CloudCusp <mailer@example.com>"];
    let mut node = world.node("data").arg("--alert-email").arg("ops@example.com");
    for arg in mail {
        node = node.arg(arg);
    }
    let server = Server::start(&node).await;
    let (ill, watcher) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    ill.otherwise(always(Answer::new(StatusCode::SERVICE_UNAVAILABLE)));
    let settings = json!({"events": ["*"], "disable_after_seconds": 4,
        "retry": {"schedule_seconds": [1, 2, 3, 4, 5, 6, 7, 8]}});
    let webhook = server.outgoing(&ill.url("/"), settings).await;
    assert_eq!(webhook["health"]["state"], "healthy");
    server.outgoing(&watcher.url("/"), json!({"events": ["webhook_*"]})).await;
    publish(&server, 1).await;

    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    let disabled = state_becomes(&server, &path, "disabled", PATIENCE).await;
    assert_eq!(disabled["status"], "inactive");
    let reason = text(&disabled["disabled_reason"]);
    assert!(reason.starts_with("Nothing but failure for 4 seconds"), "{reason}");
    let mut told = watcher.wait_for(2, PATIENCE).await.unwrap();
    // As they happened: two deliveries at once may overtake each other.
    told.sort_by(|a, b| a.header("webhook-id").cmp(&b.header("webhook-id")));
    let told: Vec<Value> = told.iter().map(|request| request.json().unwrap()).collect();
    assert_eq!(
        (&told[0]["event"], &told[1]["event"]),
        (&json!("webhook_failing"), &json!("webhook_disabled"))
    );
    assert_eq!(told[1]["data"]["reason"], reason);
    let mut mails = mailbox.wait_for(2, PATIENCE).await.unwrap();
    mails.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(mails[0].subject.ends_with("delivers nothing") && mails[1].subject.ends_with("was deactivated"));
    assert!(mails[1].text.contains(reason) && mails[1].to == ["ops@example.com"], "{mails:?}");

    let authorization = format!("Bearer {}", server.key);
    let headers = &[("authorization", authorization.as_str())];
    let id = text(&webhook["id"]);
    for series in [
        format!("ccsp_webhook_attempts_total{{webhook=\"{id}\",status=\"retrying\"}}"),
        format!("ccsp_webhook_circuit_open{{webhook=\"{id}\"}} 0"),
        "ccsp_mails_total{outcome=\"sent\"} 2".to_owned(),
    ] {
        // A mail is counted when its server has said that it has it.
        let what = format!("{series} in the metrics");
        let shown = eventually(&what, PATIENCE, async || {
            let metrics = server.raw(Method::GET, "/metrics", headers, "").await.unwrap();
            String::from_utf8(metrics.body.to_vec()).unwrap().contains(&series).then_some(())
        });
        shown.await.unwrap();
    }

    let doctor = ["doctor", "--listen", "127.0.0.1:0", mail[0], mail[1], mail[2], mail[3]];
    let report = node.run(&doctor).await.unwrap();
    let shown = String::from_utf8(report.stdout).unwrap();
    assert!(shown.contains("ok     mail server: 127.0.0.1"), "{shown}");
    drop(mailbox);
    let shown = String::from_utf8(node.run(&doctor).await.unwrap().stdout).unwrap();
    assert!(shown.contains("fault  mail server: --smtp-url: 127.0.0.1"), "{shown}");
}

/// On one database: it takes the half minute after which a circuit opens.
#[tokio::test]
async fn a_destination_that_is_down_gets_probes() {
    let world = World::new(Kind::Sqlite).await;
    let server = world.serve().await;
    let receiver = Receiver::start().await.unwrap();
    receiver.otherwise(always(Answer::new(StatusCode::SERVICE_UNAVAILABLE)));
    let settings = json!({"events": ["order_paid"], "retry": {"schedule_seconds": [33, 7200]}});
    let webhook = server.outgoing(&receiver.url("/"), settings).await;
    let path = format!("/outgoing-webhooks/{}", text(&webhook["id"]));
    publish(&server, 20).await;
    let first = receiver.wait_for(20, PATIENCE).await.unwrap();
    let open = state_becomes(&server, &path, "open", OPENS).await;
    assert!(open["health"]["next_probe_at"].is_string(), "{open}");

    let before = receiver.count();
    publish(&server, 300).await;
    // The first probe.
    receiver.wait_for(before + 1, OPENS).await.unwrap();
    receiver.otherwise(always(Answer::ok()));
    let refused = receiver.count();
    // Of the first ones some were on their way when the circuit opened.
    let probes = ids(&receiver.requests()[before..refused]).difference(&ids(&first)).count();
    assert!(probes <= 2, "{probes} requests while the circuit was open");
    state_becomes(&server, &path, "healthy", OPENS).await;
    // Of the first ones, whose turn came again, one may be on its way: it is neither pending nor delivered.
    let arrived = eventually("all that waited to arrive", OPENS, async || {
        let stats = server.show(&format!("{path}/stats")).await;
        let accepted = receiver.requests().split_off(refused);
        (stats["pending"] == 0 && stats["delivered"] == accepted.len()).then_some((stats, accepted))
    });
    let (stats, accepted) = arrived.await.unwrap();
    assert_eq!(stats["failed"], 0, "nothing has expired: {stats}");
    assert_eq!(ids(&accepted).len(), accepted.len(), "some arrived twice");
    let delivered = stats["delivered"].as_u64().unwrap();
    assert_eq!(delivered + stats["retrying"].as_u64().unwrap(), 320);
}
