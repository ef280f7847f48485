//! The senders that the program knows.

use std::collections::BTreeMap;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list))
}

/// The senders that the program knows.
#[derive(Serialize, ToSchema)]
struct Presets {
    /// All of them, by name.
    data: Vec<PresetView>,
}

/// A sender that the program knows.
#[derive(Serialize, ToSchema)]
#[schema(as = Preset)]
struct PresetView {
    /// What the setting `preset` of an incoming webhook says.
    id: &'static str,
    /// What people call it.
    name: &'static str,
    /// What to know to set it up.
    hint: &'static str,
    /// The sender's own documentation.
    documentation: &'static [String],
    /// Whether it signs its requests: then the webhook's secret is that of the sender.
    signs: bool,
    /// Payloads to try it with.
    samples: Vec<SampleView>,
}

/// A payload of a sender.
#[derive(Serialize, ToSchema)]
#[schema(as = PresetSample)]
struct SampleView {
    /// Its content type.
    content_type: &'static str,
    /// Other headers that matter.
    headers: &'static BTreeMap<String, String>,
    /// It, as it is sent.
    body: &'static str,
}

/// All senders that the program knows
#[utoipa::path(
    get, path = "/presets", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    responses((status = 200, description = "All of them.", body = Presets)),
)]
async fn list(_: Caller<Read>) -> Json<Presets> {
    let view = |preset: &'static presets::Preset| PresetView {
        id: &preset.id,
        name: &preset.name,
        hint: &preset.hint,
        documentation: &preset.documentation,
        signs: preset.scheme.is_some(),
        samples: preset
            .samples
            .iter()
            .map(|sample| SampleView {
                content_type: &sample.content_type,
                headers: &sample.headers,
                body: &sample.body,
            })
            .collect(),
    };
    Json(Presets { data: presets::all().iter().map(view).collect() })
}
