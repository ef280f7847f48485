//! REST hooks: how Zapier, n8n and their like subscribe to an event and unsubscribe again. A hook is an outgoing webhook.

use axum::extract::State;
use axum::response::Response;
use domain::log::FieldError;
use domain::{EventPattern, Timestamp, WebhookId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::outgoing_view::OutgoingWebhookInput;
use super::outgoing_webhooks;
use crate::auth::{Caller, Write};
use crate::extract::{Create, Input, Path};
use crate::once::Answer;
use crate::problem::Problem;
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(subscribe)).routes(routes!(unsubscribe))
}

/// What an integration subscribes to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HookInput {
    /// Where each event is posted to: `https`, or `http`. Private and local addresses are refused unless the server allows them.
    #[schema(
        max_length = 2048,
        pattern = "^[Hh][Tt][Tt][Pp][Ss]?://.",
        example = "https://hooks.zapier.com/hooks/standard/1/2"
    )]
    target_url: String,
    /// The event: a name, `*` for all, or a beginning such as `subscriber_*`.
    event: EventPattern,
}

/// A hook.
#[derive(Serialize, ToSchema)]
struct Hook {
    /// Unique; that of its outgoing webhook.
    id: WebhookId,
    /// Where each event is posted to.
    target_url: String,
    /// The event.
    event: EventPattern,
    /// What its deliveries are signed with, shown this once.
    secret: String,
    /// When it was made.
    created_at: Timestamp,
}

impl HookInput {
    /// The webhook that it is: with the settings that one has of which nothing more is said.
    fn webhook(&self) -> Result<OutgoingWebhookInput, serde_json::Error> {
        let url = url::Url::parse(&self.target_url).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("hook");
        serde_json::from_value(json!({"name": host, "url": self.target_url, "events": [self.event]}))
    }
}

impl Input for HookInput {
    fn check(&self) -> Vec<FieldError> {
        let renamed = |fault: FieldError| match fault.field.as_str() {
            "url" => FieldError { field: "target_url".to_owned(), ..fault },
            _ => fault,
        };
        self.webhook().map(|webhook| webhook.check()).unwrap_or_default().into_iter().map(renamed).collect()
    }
}

/// Subscribe to an event
///
/// Makes an outgoing webhook that is named for the host of the URL; it can be changed like every other one. A receiver that
/// answers 410 ends it.
#[utoipa::path(
    post, path = "/hooks", tag = "Hooks", security(("api_key" = ["write"])),
    request_body = HookInput,
    responses((status = 201, description = "The hook.", body = Hook)),
)]
async fn subscribe(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<HookInput>,
) -> Result<Response, Problem> {
    let destination = api.engine().check_destination(&input.target_url);
    destination.map_err(|message| Problem::field("target_url", message))?;
    let made = input.webhook().map_err(|error| Problem::internal(&error))?;
    outgoing_webhooks::insert(&api, &caller, once, &made, |webhook, secrets| {
        let hook = Hook {
            id: webhook.id.clone(),
            target_url: input.target_url.clone(),
            event: input.event.clone(),
            secret: secrets.signing.current.expose().to_owned(),
            created_at: webhook.created_at,
        };
        Answer::created(Some(format!("{BASE}/outgoing-webhooks/{}", webhook.id)), &hook)
    })
    .await
}

/// Unsubscribe
///
/// What is not delivered yet is cancelled. To unsubscribe again does no harm.
#[utoipa::path(
    delete, path = "/hooks/{id}", tag = "Hooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 204, description = "It is gone, or was.")),
)]
async fn unsubscribe(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode, Problem> {
    if api.configuration().await?.outgoing.contains_key(&id) {
        api.decide(|configuration| outgoing_webhooks::deletion(&api, &caller, configuration, &id)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
