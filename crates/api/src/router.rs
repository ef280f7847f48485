//! Puts the routes together, and the document that describes them.

use std::any::Any;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Uri};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::api::{Api, ApiState};
use crate::document::Document;
use crate::measure::measure;
use crate::problem::{Code, Problem};
use crate::{BASE, once, routes};

/// Below this there are resources and no pages: [`BASE`] and what others of WordPress may have been.
const WORDPRESS_ROUTES: &str = "/wp-json";

/// The whole interface.
#[expect(clippy::expect_used, reason = "the document is the same in every build, and tests make it")]
pub fn router(state: ApiState) -> Router {
    let (managed, receiving, described) = described_routes();
    let document = Document::new(&described).expect("a document by which requests can be checked");
    let api = Api::new(state, document);
    let managed = managed
        .route_layer(middleware::from_fn_with_state(api.clone(), once::replay))
        .route_layer(middleware::from_fn_with_state(api.clone(), measure))
        .route_layer(middleware::from_fn_with_state(api.clone(), require_https))
        .merge(routes::docs::routes())
        .fallback(elsewhere)
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "The header Allow names the methods that are.")
        })
        .layer(CatchPanicLayer::custom(panicked));
    // The receive endpoint is outside of all layers: each costs, and it answers in its own form.
    receiving.merge(managed).with_state(api)
}

/// The routes for management, those for senders, and what both say of themselves.
fn described_routes() -> (Router<Api>, Router<Api>, OpenApi) {
    let receiving = OpenApiRouter::default().nest(BASE, routes::receive::routes());
    let resources = OpenApiRouter::default()
        .merge(routes::incoming_webhooks::routes())
        .merge(routes::preview::routes())
        .merge(routes::incoming_trial::routes())
        .merge(routes::presets::routes())
        .merge(routes::requests::routes())
        .merge(routes::outgoing_webhooks::routes())
        .merge(routes::hooks::routes())
        .merge(routes::deliveries::routes())
        .merge(routes::stats::routes())
        .merge(routes::overview::routes())
        .merge(routes::events::routes())
        .merge(routes::event_types::routes())
        .merge(routes::samples::routes())
        .merge(routes::feed::routes())
        .merge(routes::listen::routes())
        .merge(routes::imports::routes())
        .merge(routes::subscriber_export::routes())
        .merge(routes::subscriber_events::routes())
        .merge(routes::subscribers::routes())
        .merge(routes::lists::routes())
        .merge(routes::tags::routes())
        .merge(routes::custom_fields::routes())
        .merge(routes::tasks::routes())
        .merge(routes::recovery::routes())
        .merge(routes::trial::routes())
        .merge(routes::api_keys::routes())
        .merge(routes::session::routes())
        .merge(routes::users::routes())
        .merge(routes::audit_log::routes())
        .merge(routes::server::routes())
        .merge(routes::openapi::routes());
    let managed = OpenApiRouter::default().nest(BASE, resources).merge(routes::health::routes());
    let (receiving, mut described) = receiving.split_for_parts();
    let (managed, managing) = managed.split_for_parts();
    described.merge(managing);
    (managed, receiving, described)
}

/// What is no resource is the page's, which shows what belongs there.
async fn elsewhere(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let is_looked_at = method == Method::GET || method == Method::HEAD;
    if !is_looked_at || uri.path().starts_with(WORDPRESS_ROUTES) {
        return Problem::new(Code::NotFound, "There is nothing at this address.").into_response();
    }
    ui::respond(uri.path(), &headers).map(Body::from).into_response()
}

/// Refuses what came over plain HTTP where the public URL is https. What watches the server from inside asks beside
/// [`BASE`], and over plain HTTP.
async fn require_https(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with(BASE) && api.refuses_http(peer.ip(), request.headers()) {
        let detail = "This request came over plain HTTP, where others can read the key that it carries.";
        return Problem::new(Code::HttpsRequired, detail).into_response();
    }
    next.run(request).await
}

/// The panic itself is told by the process's hook; its text may quote what a caller sent, so it is not repeated.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(Code::Internal, "The server's log says what.").into_response()
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http::Request;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    #[test]
    fn every_schema_of_the_document_compiles() {
        let (_, _, described) = described_routes();
        let document = Document::new(&described).unwrap();
        assert!(document.schemas().count() > 100);
        document.schemas().for_each(|schema| {
            schema.check(&Value::Null);
        });
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing_of_itself() {
        async fn broken() -> &'static str {
            panic!("with a secret")
        }
        let router: Router = Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (500, &"application/problem+json".parse().unwrap())
        );
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
}
