//! The last 24 hours of many webhooks at once.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::Server;

async fn post(server: &Server, webhook: &Value, body: Value) -> Value {
    let path = webhook["url"].as_str().unwrap().strip_prefix("https://mail.example.com").unwrap();
    let request = Request::post(path).header("content-type", "application/json");
    server.send(request.body(Body::from(body.to_string())).unwrap()).await.json()
}

async fn counts(server: Server) {
    let webhook = |name: &str| {
        json!({"name": name, "event_type": "subscriber_added", "on_unprocessable": "refuse",
                                      "signature": {"scheme": "none"}, "actions": [{"type": "add_subscriber"}]})
    };
    let busy = server.post("/incoming-webhooks", webhook("busy")).await.json();
    let quiet = server.post("/incoming-webhooks", webhook("quiet")).await.json();
    for n in 0..5 {
        post(&server, &busy, json!({"data": {"email": format!("ada{n}@example.com")}})).await;
    }
    let failed = post(&server, &busy, json!({"data": {"email": "nobody"}})).await;
    post(&server, &busy, json!({"event": "email_opened", "data": {}})).await;
    let id = |webhook: &Value| webhook["id"].as_str().unwrap().to_owned();
    let stats = server.get(&format!("/incoming-webhooks/{}/stats", id(&busy))).await.json();
    for (member, expected) in
        [("received", 7), ("processed", 5), ("failed", 1), ("ignored", 1), ("rejected", 0)]
    {
        assert_eq!(stats[member], expected, "{member}: {stats}");
        let series = stats["series"].as_array().unwrap();
        assert_eq!(series.len(), 24);
        assert_eq!(
            series.iter().map(|hour| hour[member].as_i64().unwrap()).sum::<i64>(),
            expected,
            "{member}"
        );
    }
    let failed = failed["request_id"].as_str().unwrap().to_owned();
    assert_eq!(server.post(&format!("/requests/{failed}/retry"), json!({})).await.status, 200);
    let all = server.get("/stats").await.json();
    let ids: Vec<&Value> = all["incoming"].as_array().unwrap().iter().map(|one| &one["webhook_id"]).collect();
    assert!(ids.contains(&&busy["id"]) && ids.contains(&&quiet["id"]) && ids.len() == 2, "{all}");
    let asked = format!("/stats?incoming={},{}&outgoing=a1b2c3d4e5f6", id(&quiet), id(&busy));
    let asked = server.get(&asked).await.json();
    assert_eq!(
        (&asked["incoming"][0]["webhook_id"], &asked["incoming"][0]["received"]),
        (&quiet["id"], &json!(0))
    );
    assert_eq!(asked["incoming"][0]["last_received_at"], Value::Null);
    let last = asked["incoming"][1]["last_received_at"].as_str().unwrap();
    let log = server.get(&format!("/incoming-webhooks/{}/requests?limit=1", id(&busy))).await.json();
    assert_eq!(last, log["data"][0]["received_at"], "the newest of all");
    assert_eq!((&asked["incoming"][1]["received"], &asked["incoming"][1]["failed"]), (&json!(7), &json!(2)));
    assert_eq!(
        (&asked["outgoing"][0]["attempts"], &asked["outgoing"][0]["failing"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(server.get("/incoming-webhooks/a1b2c3d4e5f6/stats").await.status, 404);
}

#[tokio::test]
async fn requests_are_counted_by_the_hour_on_sqlite() {
    counts(Server::start().await).await;
}

#[tokio::test]
async fn requests_are_counted_by_the_hour_on_postgres() {
    counts(Server::start_on_postgres().await).await;
}
