//! The document itself.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(show))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "Server",
    responses((status = 200, description = "The OpenAPI document of the interface.", content_type = "application/json")),
)]
async fn show(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], api.document().text())
}
