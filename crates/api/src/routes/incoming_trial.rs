//! Trying an incoming webhook for real, as its sender would.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use domain::WebhookId;
use engine::{Answered, Received, TrialError, TrialSignature};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::receive::Payload;
use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Path, Query, read_body};
use crate::log::payload;
use crate::problem::{Code, Problem, ProblemBody};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(try_out))
}

/// How the request is signed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TrialParams {
    /// `right` as the webhook asks, `wrong` nearly so, `none` without signature and API key: the latter two to see a
    /// request refused.
    #[serde(default)]
    #[param(inline, default = "right")]
    signature: HowSigned,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HowSigned {
    #[default]
    Right,
    Wrong,
    None,
}

impl From<HowSigned> for TrialSignature {
    fn from(how: HowSigned) -> Self {
        match how {
            HowSigned::Right => Self::Right,
            HowSigned::Wrong => Self::Wrong,
            HowSigned::None => Self::None,
        }
    }
}

/// What the sender would have been answered.
#[derive(Serialize, ToSchema)]
struct TrialAnswer {
    /// The status.
    status: u16,
    /// The body; as a string if it is not JSON.
    #[schema(value_type = Value)]
    body: Box<RawValue>,
}

/// Send a request to an incoming webhook as its sender would
///
/// The body and its headers are taken as a sender's own; the token, the API key and the signature are added, without being
/// shown. The request is acted upon and logged as any other. See `preview` for what changes nothing.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/test", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), TrialParams),
    request_body = Payload,
    responses(
        (status = 200, description = "What the sender would have been answered, whatever that is.", body = TrialAnswer),
        (status = 409, description = "It can't be signed here.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn try_out(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    _: Caller<Write>,
    Path(id): Path<WebhookId>,
    Query(TrialParams { signature }): Query<TrialParams>,
    request: Request,
) -> Result<Json<TrialAnswer>, Problem> {
    api.engine().refresh().await?;
    let (mut parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body, api.max_body())
        .await
        .map_err(|refusal| Problem::new(refusal.code(), refusal.message(api.max_body())))?;
    // Those of the caller of this interface, and not of the sender.
    for name in [header::AUTHORIZATION, header::COOKIE] {
        parts.headers.remove(name);
    }
    let received = Received {
        webhook_id: id.to_string(),
        token: None,
        method: "POST",
        url: api.public_url(&format!("/webhooks/{id}")),
        sender_ip: api.sender(peer.ip(), &parts.headers),
        headers: parts.headers,
        body,
        sender_key: None,
        max_body: api.max_body(),
    };
    let request = api.engine().as_sender(&id, received, signature.into()).map_err(refused)?;
    let (status, body) = match api.engine().receive(request).await {
        Answered::Reply(reply) => (reply.status, reply.body),
        Answered::Handshake(answer) => (answer.status, answer.body),
    };
    Ok(Json(TrialAnswer { status, body: payload(body) }))
}

fn refused(error: TrialError) -> Problem {
    match error {
        TrialError::NotFound => Problem::no_such("an incoming webhook"),
        TrialError::Sign(cause) => {
            Problem::new(Code::Conflict, format!("Only its sender can sign for this webhook: {cause}."))
        }
        TrialError::Unsigned | TrialError::Secret => {
            Problem::new(Code::Conflict, format!("It can't be tried so: {error}."))
        }
    }
}
