//! Who may post: addresses, proxies, passwords, and tokens that are replaced.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Kind, SPEC_PAYLOAD, Server, World, target, text};

on_both_databases!(
    only_listed_addresses_may_post,
    a_password_proves_the_sender,
    a_token_is_replaced_with_grace,
    too_many_requests_are_told_to_come_again,
);

/// The statuses that are logged of a webhook's requests, the newest first, with the addresses of the senders.
async fn log(server: &Server, webhook: &Value) -> Vec<(String, String)> {
    let log = server.list(&format!("/incoming-webhooks/{}/requests", text(&webhook["id"]))).await;
    log.iter()
        .map(|entry| (text(&entry["status"]).to_owned(), text(&entry["sender_ip"]).to_owned()))
        .collect()
}

async fn only_listed_addresses_may_post(kind: Kind) {
    let world = World::new(kind).await;
    let server = Server::start(&world.node("data").arg("--trusted-proxies").arg("127.0.0.0/8")).await;
    let webhook = server.incoming(json!({"ip_allowlist": ["198.51.100.7", "2001:db8::/32"]})).await;
    assert_eq!(webhook["ip_allowlist"], json!(["198.51.100.7/32", "2001:db8::/32"]));
    for (forwarded, status) in [
        ("198.51.100.7", 200),
        ("203.0.113.1, 198.51.100.7", 200),
        ("198.51.100.7, 203.0.113.1", 403),
        ("2001:db8::7", 200),
        ("198.51.100.8", 403),
    ] {
        let answer = server.receive(&webhook, &[("x-forwarded-for", forwarded)], SPEC_PAYLOAD).await;
        answer.expect(StatusCode::from_u16(status).unwrap()).unwrap();
    }
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::FORBIDDEN).unwrap();
    let expected = [
        ("rejected", "127.0.0.1"),
        ("rejected", "198.51.100.8"),
        ("processed", "2001:db8::7"),
        ("rejected", "203.0.113.1"),
        ("processed", "198.51.100.7"),
        ("processed", "198.51.100.7"),
    ];
    assert_eq!(log(&server, &webhook).await, expected.map(|(status, ip)| (status.to_owned(), ip.to_owned())));
}

async fn a_password_proves_the_sender(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let secret = "Aladdin:open sesame";
    let webhook = server.incoming(json!({"signature": {"scheme": "basic", "secret": secret}})).await;
    let by = async |value: &str| server.receive(&webhook, &[("authorization", value)], SPEC_PAYLOAD).await;
    // The example of RFC 7617, section 2.
    by("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==").await.expect(StatusCode::OK).unwrap();
    by("Basic QWxhZGRpbjpvcGVuIHNlc2FtZX==").await.expect(StatusCode::UNAUTHORIZED).unwrap();
    server.receive(&webhook, &[], SPEC_PAYLOAD).await.expect(StatusCode::UNAUTHORIZED).unwrap();
    let statuses: Vec<String> = log(&server, &webhook).await.into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, ["rejected", "rejected", "processed"]);
}

async fn a_token_is_replaced_with_grace(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let first = server.incoming(json!({})).await;
    let path = format!("/incoming-webhooks/{}/regenerate-token", text(&first["id"]));
    let replace =
        async |body: Value| server.post(&path, &body).await.unwrap().expect(StatusCode::OK).unwrap();
    let status_of = async |webhook: &Value| {
        let headers = [("content-type", "application/json")];
        let answer = server.raw(Method::POST, &target(webhook), &headers, SPEC_PAYLOAD).await.unwrap();
        answer.status.as_u16()
    };

    let second = replace(json!({"grace_seconds": 3600})).await;
    assert_ne!(second["token"], first["token"]);
    assert_eq!((status_of(&first).await, status_of(&second).await), (200, 200));
    // What else is changed meanwhile leaves the time of grace alone.
    server.change(&format!("/incoming-webhooks/{}", text(&first["id"])), json!({"name": "Other"})).await;
    assert_eq!(status_of(&first).await, 200);

    let third = replace(json!({})).await;
    let statuses = (status_of(&first).await, status_of(&second).await, status_of(&third).await);
    assert_eq!(statuses, (404, 404, 200));
    let wrong = server.post(&path, &json!({"grace_seconds": -1})).await.unwrap();
    wrong.expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
}

async fn too_many_requests_are_told_to_come_again(kind: Kind) {
    let world = World::new(kind).await;
    let server = world.serve().await;
    let limit = json!({"requests": 2, "per_seconds": 3600});
    let webhook = server.incoming(json!({"rate_limit": limit})).await;
    assert_eq!(webhook["rate_limit"], limit);
    for status in [200, 200, 429] {
        let answer = server.receive(&webhook, &[], SPEC_PAYLOAD).await;
        let body = answer.expect(StatusCode::from_u16(status).unwrap()).unwrap();
        assert_eq!(body["success"], status == 200);
        let seconds = answer.header("retry-after").map(|seconds| seconds.parse::<u32>().unwrap());
        assert!(
            seconds.is_none_or(|seconds| (1..=1_800).contains(&seconds))
                && seconds.is_some() == (status == 429)
        );
    }
    assert_eq!(log(&server, &webhook).await.len(), 2);
}
