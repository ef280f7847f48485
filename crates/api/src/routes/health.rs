//! What those who run the server ask it: does it live, can it serve, what does it do.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};
use crate::problem::Problem;

/// The media type of measurements: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4";

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(alive)).routes(routes!(ready)).routes(routes!(metrics))
}

/// That all is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Whether the process runs
#[utoipa::path(
    get, path = "/healthz", tag = "Server",
    responses((status = 200, description = "It does.", body = Health)),
)]
async fn alive() -> Json<Health> {
    OK
}

/// Whether requests can be served
#[utoipa::path(
    get, path = "/readyz", tag = "Server",
    responses(
        (status = 200, description = "They can.", body = Health),
        (status = 503, description = "The database does not answer.", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn ready(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    api.engine().ready().await?;
    Ok(OK)
}

/// Measurements for Prometheus
///
/// Without a key if the server runs with `--metrics-public`.
#[utoipa::path(
    get, path = "/metrics", tag = "Server", security(("api_key" = ["read"])),
    responses((status = 200, description = "In the text format of Prometheus.", body = String, content_type = "text/plain")),
)]
async fn metrics(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    if !api.metrics_public() {
        let (mut parts, _) = request.into_parts();
        Caller::<Read>::from_request_parts(&mut parts, &api).await?;
    }
    let mut text = api.metrics().render();
    match api.engine().webhook_metrics().await {
        Ok(of_webhooks) => text.push_str(&of_webhooks),
        // What is measured when the database is away is asked for most.
        Err(error) => tracing::warn!(error = %error, "webhooks could not be measured"),
    }
    Ok(([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], text).into_response())
}
