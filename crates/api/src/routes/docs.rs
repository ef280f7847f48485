//! Pages for people: the reference, and what each error means.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;

use crate::{Api, reference};

/// The routes of this family. They are not part of the interface, so the document does not describe them.
pub fn routes() -> Router<Api> {
    Router::new()
        .route("/docs", get(async |State(api): State<Api>| Html(reference::page(api.document().value()))))
        .route("/docs/errors", get(async || Html(reference::errors_page())))
}
