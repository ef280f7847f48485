//! Measures the management interface, by operation.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method};

use crate::Api;
use crate::audit::{self, REQUEST_ID_HEADER, RequestName};
use crate::openapi::short_path;

/// Counts a request and how long it took, under the pattern of its path: what callers choose is no label.
///
/// Also names the request, for the audit log and for who reports a fault.
pub async fn measure(
    State(api): State<Api>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = api.engine().now();
    let operation = format!("{} {}", known(request.method()), short_path(path.as_str()));
    let name = audit::given_name(request.headers())
        .unwrap_or_else(|| format!("call_{}", api.engine().vault().new_webhook_id()));
    request.extensions_mut().insert(RequestName(name.clone()));
    let mut response = next.run(request).await;
    // Visible ASCII, whoever made it.
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(REQUEST_ID_HEADER, name);
    }
    let millis = api.engine().now().millis().saturating_sub(begun.millis());
    let status = response.status().as_u16().to_string();
    metrics::counter!("ccsp_api_requests_total", "operation" => operation.clone(), "http_status" => status)
        .increment(1);
    // A request takes milliseconds: no precision is lost.
    #[expect(clippy::cast_precision_loss, reason = "53 bits of milliseconds are 285,000 years")]
    metrics::histogram!("ccsp_api_request_seconds", "operation" => operation).record(millis as f64 / 1_000.0);
    response
}

/// A method may be any word: those that HTTP does not define are one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
