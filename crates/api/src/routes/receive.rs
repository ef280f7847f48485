//! The receive endpoint: what senders post to. The hot path, so it is thin, and outside of all layers.
//!
//! Its answers have a form of their own, and not that of problems: the one that senders know from the WordPress route.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, OriginalUri, Request, State};
use axum::response::{IntoResponse, Response};
use domain::RequestId;
use domain::log::FieldError;
use engine::{Answered, Received, Reply};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde::Serialize;
use url::form_urlencoded;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::Api;
use crate::extract::read_body;

/// The header that may carry the token instead of the URL.
const TOKEN_HEADER: &str = "x-webhook-token";

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(receive).map(|route| route.fallback(shake_hands)))
}

/// The answer to a sender.
#[derive(Serialize, ToSchema)]
struct ReceiveAnswer {
    /// Whether the request was taken.
    success: bool,
    /// What became of it, or why it was not taken.
    #[schema(example = "Webhook processed successfully")]
    message: String,
    /// How many records of it were acted upon.
    #[schema(required = false)]
    processed_records: Option<u32>,
    /// Its entry in the log.
    #[schema(required = false)]
    request_id: Option<RequestId>,
    /// There if this is the answer to an earlier request of the same name.
    #[schema(required = false)]
    duplicate: Option<bool>,
    /// What is at fault.
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

/// What senders post, for the document: the engine reads it.
pub(crate) struct Payload;

impl PartialSchema for Payload {
    fn schema() -> RefOr<Schema> {
        let record = ObjectBuilder::new().schema_type(Type::Object).build();
        let records = ArrayBuilder::new().items(record.clone()).max_items(Some(engine::records::MAX_RECORDS));
        let either = OneOfBuilder::new().item(record).item(records);
        either.description(Some("An object, or an array of objects.")).into()
    }
}

impl ToSchema for Payload {}

/// Receive a webhook
///
/// For senders. The token stands in the URL, or in the header `X-Webhook-Token`. The body is a JSON object, or an array of
/// up to 1,000, each a record; or as many lines of JSON; or a form, urlencoded or in parts, whose names may nest by brackets (of
/// files the name, type and size are kept); or a CloudEvent, structured, in a batch, or with its attributes in headers
/// `ce-…`. It may be compressed by gzip or deflate, which signatures cover as it is sent; the limit of its size holds for what
/// it is decompressed to. A 2xx means that the request is stored for good. A request that is sent again with the same `webhook-id` or
/// `Idempotency-Key` gets the first answer, and is not acted upon again.
#[utoipa::path(
    post, path = "/webhooks/{id}", tag = "Receiving",
    params(
        ("id" = String, Path, description = "The webhook.", pattern = "^[a-z0-9]{12}$"),
        ("token" = Option<String>, Query, description = "The token of the webhook."),
    ),
    request_body(content(
        (Payload = "application/json"),
        (Payload = "application/cloudevents+json"),
        (Payload = "application/cloudevents-batch+json"),
        (Payload = "application/*+json"),
        (String = "application/x-ndjson"),
        (String = "application/jsonl"),
        (Payload = "application/x-www-form-urlencoded"),
        (Payload = "multipart/form-data"),
        (String = "text/plain"),
    )),
    responses(
        (status = 200, description = "Processed, or not for this webhook, or the same as before.", body = ReceiveAnswer),
        (status = 202, description = "Accepted.", body = ReceiveAnswer),
        (status = 400, description = "Not what its type says, or not an object or an array of objects.", body = ReceiveAnswer),
        (status = 401, description = "The signature or the API key is missing or not valid.", body = ReceiveAnswer),
        (status = 403, description = "The webhook does not take requests from this address, or none over plain HTTP.", body = ReceiveAnswer),
        (status = 404, description = "There is no such webhook, or the token is not its own.", body = ReceiveAnswer),
        (status = 408, description = "The body did not arrive in time.", body = ReceiveAnswer),
        (status = 410, description = "The webhook is inactive.", body = ReceiveAnswer),
        (status = 413, description = "The body is too large, as it is sent or once it is decompressed.", body = ReceiveAnswer),
        (status = 415, description = "The body is not of a type that is taken, or compressed in another way.", body = ReceiveAnswer,
            headers(("Accept-Encoding" = String, description = "How it may be compressed."))),
        (status = 422, description = "There is no valid email where an action needs one.", body = ReceiveAnswer),
        (status = 429, description = "Too many requests for this webhook, or from this address.", body = ReceiveAnswer,
            headers(("Retry-After" = u32, description = "When to come again, in seconds."))),
        (status = 503, description = "It could not be stored: to be sent again.", body = ReceiveAnswer,
            headers(("Retry-After" = u32, description = "When to come again, in seconds."))),
    ),
)]
async fn receive(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    match received(&api, peer, request, "POST").await {
        Ok(received) => answered(api.engine().receive(received).await),
        Err(refusal) => answer(refusal),
    }
}

/// Senders that ask before they send do so by other methods, too.
async fn shake_hands(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => return refuse_method(),
    };
    match received(&api, peer, request, method).await {
        Ok(received) => api.engine().handshake(received).await.map_or_else(refuse_method, answered),
        Err(refusal) => answer(refusal),
    }
}

async fn received(
    api: &Api,
    peer: SocketAddr,
    request: Request,
    method: &'static str,
) -> Result<Received, Reply> {
    let (parts, body) = request.into_parts();
    if api.refuses_http(peer.ip(), &parts.headers) {
        metrics::counter!("ccsp_requests_rejected_total", "reason" => "plain_http").increment(1);
        return Err(Reply::refusal(403, "Please use the https address: this request came over plain HTTP"));
    }
    let body = read_body(&parts.headers, body, api.max_body())
        .await
        .map_err(|refusal| Reply::refusal(refusal.status().as_u16(), &refusal.message(api.max_body())))?;
    Ok(Received {
        webhook_id: webhook_id(&parts.uri).to_owned(),
        token: token(&parts.uri, &parts.headers),
        method,
        // The router has taken the base path from the other one.
        url: api.given_url(parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0)),
        sender_ip: api.sender(peer.ip(), &parts.headers),
        headers: parts.headers,
        body,
        sender_key: None,
        max_body: api.max_body(),
    })
}

fn refuse_method() -> Response {
    answer(Reply::refusal(405, "This address takes POST requests"))
}

fn known_answer(known: presets::Answer) -> Response {
    let status = StatusCode::from_u16(known.status).unwrap_or_default();
    let mut response = (status, known.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().extend(known.headers);
    response
}

fn answered(answered: Answered) -> Response {
    match answered {
        Answered::Reply(reply) => answer(reply),
        Answered::Handshake(known) => known_answer(known),
    }
}

/// The last step of the path. It needs no decoding: an id has no character that would be encoded.
fn webhook_id(uri: &Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

fn token(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut parameters = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let in_url = parameters.find(|(name, _)| name == "token").map(|(_, value)| value.into_owned());
    in_url.or_else(|| headers.get(TOKEN_HEADER)?.to_str().ok().map(str::to_owned))
}

fn answer(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], reply.body).into_response();
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // RFC 9110, section 12.5.3.
        response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_in_the_url_or_in_a_header() {
        let mut headers = HeaderMap::new();
        let of = |uri: &str, headers: &HeaderMap| token(&uri.parse().unwrap(), headers);
        assert_eq!(of("/webhooks/a1b2c3d4e5f6", &headers), None);
        assert_eq!(of("/webhooks/a1b2c3d4e5f6?x=1&token=a%2Db", &headers).as_deref(), Some("a-b"));
        headers.insert(TOKEN_HEADER, HeaderValue::from_static("c"));
        assert_eq!(of("/webhooks/a1b2c3d4e5f6", &headers).as_deref(), Some("c"));
        assert_eq!(of("/webhooks/a1b2c3d4e5f6?token=a", &headers).as_deref(), Some("a"));
        assert_eq!(webhook_id(&"/base/webhooks/a1b2c3d4e5f6?token=a".parse().unwrap()), "a1b2c3d4e5f6");
    }
}
