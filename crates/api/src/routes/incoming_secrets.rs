//! The secrets of an incoming webhook are replaced, and senders have time to follow.

use axum::extract::State;
use axum::response::Response;
use domain::audit::Verb;
use domain::{IncomingWebhook, WebhookId};
use engine::{Incoming, IncomingSecrets, Snapshot};
use http::StatusCode;
use serde::Deserialize;
use signature::Secret;
use store::webhooks::UpdateIncoming;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Write};
use crate::extract::{Create, Input, Path};
use crate::once::{Answer, OnceRequest};
use crate::problem::Problem;
use crate::routes::incoming_signature::secret_fault;
use crate::routes::incoming_view::IncomingWebhookView;
use crate::routes::incoming_webhooks::{act, find};
use crate::secret::{Replacement, Reveal};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(regenerate_token))
        .routes(routes!(rotate_secret))
        .routes(routes!(rotate_api_key))
}

/// How the token is replaced.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenReplacement {
    /// How long the old token stays valid beside the new one, in seconds; at most 30 days.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    grace_seconds: u32,
}

impl Input for TokenReplacement {}

/// Replace the token of an incoming webhook
///
/// The address changes with it: senders need the new one before the time of grace is over.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/regenerate-token", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = TokenReplacement,
    responses((status = 200, description = "The webhook with its new token.", body = IncomingWebhookView)),
)]
async fn regenerate_token(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    Create { input, once }: Create<TokenReplacement>,
) -> Result<Response, Problem> {
    let (now, new) = (api.engine().now(), api.engine().vault().new_token());
    let change = |incoming: &Incoming| {
        let token = incoming.secrets.token.replaced(new.clone(), now, input.grace_seconds);
        Ok(Changed {
            secrets: IncomingSecrets { token, ..incoming.secrets.clone() },
            api_key: None,
            signing: None,
        })
    };
    replace(&api, &caller, (&id, Verb::TokenReplaced), once, change).await
}

/// Replace the secret of an incoming webhook
///
/// The answer shows the new one in clear, this once. Until the time of grace is over requests may be signed with either.
/// Where the sender hands over its secret, and none is given here, the next one that it hands over is taken.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/rotate-secret", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = Replacement,
    responses((status = 200, description = "The webhook with its new secret.", body = IncomingWebhookView)),
)]
async fn rotate_secret(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    Create { input, once }: Create<Replacement>,
) -> Result<Response, Problem> {
    let (now, made) = (api.engine().now(), api.engine().vault().new_signing_secret());
    let change = |incoming: &Incoming| {
        let new = chosen(&input, &made);
        if input.secret.is_some() {
            let scheme = incoming.webhook.settings.signature.scheme;
            let fault = incoming.check_secret(&new).err().map(|error| error.to_string());
            if let Some(message) = fault.or_else(|| secret_fault(scheme, &new)) {
                return Err(Problem::field("secret", message));
            }
        }
        let secrets = incoming.secrets.clone();
        let signing = secrets.signing.replaced(new.clone(), now, input.grace_seconds);
        let learns = incoming.preset().is_some_and(presets::Preset::learns_secret) && input.secret.is_none();
        let secrets = IncomingSecrets { signing, learns, ..secrets };
        Ok(Changed { secrets, api_key: None, signing: Some(new) })
    };
    replace(&api, &caller, (&id, Verb::SecretReplaced), once, change).await
}

/// Replace the API key of an incoming webhook
///
/// The answer shows the new one in clear, this once. Until the time of grace is over requests may carry either.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/rotate-api-key", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = Replacement,
    responses((status = 200, description = "The webhook with its new API key.", body = IncomingWebhookView)),
)]
async fn rotate_api_key(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    Create { input, once }: Create<Replacement>,
) -> Result<Response, Problem> {
    let (now, made) = (api.engine().now(), api.engine().vault().new_api_key());
    let change = |incoming: &Incoming| {
        let new = chosen(&input, &made);
        let api_key = incoming.secrets.api_key.replaced(new.clone(), now, input.grace_seconds);
        let secrets = IncomingSecrets { api_key, ..incoming.secrets.clone() };
        Ok(Changed { secrets, api_key: Some(new), signing: None })
    };
    replace(&api, &caller, (&id, Verb::ApiKeyReplaced), once, change).await
}

/// The secrets as they are to be, and those of them that the answer shows.
struct Changed {
    secrets: IncomingSecrets,
    api_key: Option<Secret>,
    signing: Option<Secret>,
}

/// The given one, which has been checked, or else the one that was made.
fn chosen(input: &Replacement, made: &Secret) -> Secret {
    input.secret.as_ref().map_or_else(|| made.clone(), Secret::new)
}

async fn replace(
    api: &Api,
    caller: &Caller<Write>,
    (id, verb): (&WebhookId, Verb),
    once: Option<OnceRequest>,
    change: impl Fn(&Incoming) -> Result<Changed, Problem>,
) -> Result<Response, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let decide = |configuration: &Snapshot| {
        let incoming = find(configuration, id)?;
        let Changed { secrets, api_key, signing } = change(incoming)?;
        let webhook = IncomingWebhook { updated_at: now, ..incoming.webhook.clone() };
        let view = IncomingWebhookView::new(api, &webhook, &secrets, Reveal::to(caller))
            .revealing(api_key.as_ref(), signing.as_ref());
        let answer = Answer::new(StatusCode::OK, None, &view)?;
        let secrets = vault.seal_incoming(id, &secrets);
        let act = act(&webhook, verb);
        let work = UpdateIncoming { version: configuration.version, webhook, secrets };
        Ok((api.noted(caller, work, act.if_done()), answer))
    };
    api.decide_once(caller, once, decide).await
}
