//! The OpenAPI document.

use crate::support::Server;

#[tokio::test]
async fn is_as_committed() {
    let server = Server::start().await;
    let answer = server.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!("openapi", answer.json());
}
