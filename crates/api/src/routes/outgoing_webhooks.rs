//! Outgoing webhooks: which events go where, and how.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::incoming::WebhookStatus;
use domain::outgoing::OutgoingSettings;
use domain::{OutgoingWebhook, WebhookId};
use engine::{Outgoing, OutgoingSecrets, RunError, Snapshot};
use http::StatusCode;
use store::audit::Noted;
use store::webhooks::{DeleteWebhook, Direction, InsertOutgoing, UpdateOutgoing};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::outgoing_health::Healths;
use super::outgoing_signing;
use super::outgoing_view::{OutgoingWebhookInput, OutgoingWebhookView};
use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Patch, Path, Query};
use crate::once::{Answer, OnceRequest};
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem};
use crate::recent;
use crate::secret::Reveal;
use crate::version::{IfMatch, Version, Versioned};
use crate::webhook::WebhookFilter;
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .merge(outgoing_signing::routes())
}

/// All outgoing webhooks
#[utoipa::path(
    get, path = "/outgoing-webhooks", tag = "Outgoing webhooks", security(("api_key" = ["read"])),
    params(PageParams, WebhookFilter),
    responses((status = 200, description = "A page of them.", body = Page<OutgoingWebhookView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(filter): Query<WebhookFilter>,
) -> Result<Json<Page<OutgoingWebhookView>>, Problem> {
    let configuration = api.configuration().await?;
    let wanted = |outgoing: &&Outgoing| {
        let settings = &outgoing.webhook.settings;
        filter.takes(settings.status, &settings.name)
    };
    let page = recent::page(configuration.outgoing.values().map(AsRef::as_ref).filter(wanted), &paging)?;
    let healths =
        Healths::of(&api, page.data.iter().map(|outgoing| outgoing.webhook.id.clone()).collect()).await?;
    Ok(Json(page.map(|outgoing| OutgoingWebhookView::of(&api, outgoing, &healths))))
}

/// One outgoing webhook
#[utoipa::path(
    get, path = "/outgoing-webhooks/{id}", tag = "Outgoing webhooks", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = OutgoingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Versioned<OutgoingWebhookView>, Problem> {
    let configuration = api.configuration().await?;
    let outgoing = find(&configuration, &id)?;
    let healths = Healths::of(&api, vec![id.clone()]).await?;
    Ok(Versioned(version(&outgoing.webhook), OutgoingWebhookView::of(&api, outgoing, &healths)))
}

/// Make an outgoing webhook
///
/// The answer shows its secret in clear, this once.
#[utoipa::path(
    post, path = "/outgoing-webhooks", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    request_body = OutgoingWebhookInput,
    responses((status = 201, description = "The webhook.", body = OutgoingWebhookView)),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<OutgoingWebhookInput>,
) -> Result<Response, Problem> {
    insert(&api, &caller, once, &input, |webhook, secrets| {
        let view = OutgoingWebhookView::new(&api, webhook, secrets, Reveal::All, &Healths::none());
        Answer::created(Some(format!("{BASE}/outgoing-webhooks/{}", webhook.id)), &view)
    })
    .await
}

/// Makes one, once for each `Idempotency-Key`.
pub(super) async fn insert(
    api: &Api,
    caller: &Caller<Write>,
    once: Option<OnceRequest>,
    input: &OutgoingWebhookInput,
    answer: impl Fn(&OutgoingWebhook, &OutgoingSecrets) -> Result<Answer, Problem>,
) -> Result<Response, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let made = OutgoingSecrets::new(vault.new_signing_secret());
    let (settings, secrets) = input.decided(api, &made, None)?;
    check_transform(api, &settings).await?;
    let id = vault.new_webhook_id();
    let webhook = OutgoingWebhook { id, settings, disabled_reason: None, created_at: now, updated_at: now };
    let sealed = vault.seal_outgoing(&webhook.id, &secrets);
    api.decide_once(caller, once, |configuration| {
        let answer = answer(&webhook, &secrets)?;
        let act = act(&webhook, Verb::Created).making(&known(&webhook.settings, &secrets));
        let (webhook, secrets) = (webhook.clone(), sealed.clone());
        let work = InsertOutgoing { version: configuration.version, webhook, secrets };
        Ok((api.noted(caller, work, act.always()), answer))
    })
    .await
}

/// Change an outgoing webhook
#[utoipa::path(
    patch, path = "/outgoing-webhooks/{id}", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), IfMatch),
    request_body = OutgoingWebhookInput,
    responses((status = 200, description = "The webhook as it is now.", body = OutgoingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    if_match: IfMatch,
    patch: Patch<OutgoingWebhookInput>,
) -> Result<Versioned<OutgoingWebhookView>, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let merged = |configuration: &Snapshot| {
        let Outgoing { webhook, secrets, .. } = find(configuration, &id)?;
        let current = OutgoingWebhookInput::shown(webhook.settings.clone(), secrets, Reveal::Nothing);
        patch.merged_onto(&api, &current)
    };
    let configuration = api.configuration().await?;
    check_transform(&api, &merged(&configuration)?.settings()).await?;
    let found = api
        .decide(|configuration| {
            let Outgoing { webhook, secrets, .. } = find(configuration, &id)?;
            if_match.check(&version(webhook))?;
            let input = merged(configuration)?;
            let before = known(&webhook.settings, secrets);
            let (settings, secrets) = input.decided(&api, secrets, Some(&webhook.settings))?;
            // Who activates it again has read why it was not.
            let disabled_reason =
                webhook.disabled_reason.clone().filter(|_| settings.status == WebhookStatus::Inactive);
            let webhook = OutgoingWebhook { settings, disabled_reason, updated_at: now, ..webhook.clone() };
            let act = act(&webhook, Verb::Updated).changing(&before, &known(&webhook.settings, &secrets));
            let secrets = vault.seal_outgoing(&id, &secrets);
            let work = UpdateOutgoing { version: configuration.version, webhook, secrets };
            Ok(api.noted(&caller, work, act.if_done()))
        })
        .await?;
    if !found {
        return Err(not_found());
    }
    let configuration = api.engine().snapshot();
    let healths = Healths::of(&api, vec![id.clone()]).await?;
    let outgoing = find(&configuration, &id)?;
    Ok(Versioned(version(&outgoing.webhook), OutgoingWebhookView::of(&api, outgoing, &healths)))
}

/// Delete an outgoing webhook
///
/// What is not delivered yet is cancelled. Its log stays as long as logs are kept.
#[utoipa::path(
    delete, path = "/outgoing-webhooks/{id}", tag = "Outgoing webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), IfMatch),
    responses((status = 204, description = "It is gone.")),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let deleted = api.decide(|configuration| {
        if_match.check(&version(&find(configuration, &id)?.webhook))?;
        deletion(&api, &caller, configuration, &id)
    });
    if deleted.await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

/// Deletes one, and notes it.
pub(super) fn deletion(
    api: &Api,
    caller: &Caller<Write>,
    configuration: &Snapshot,
    id: &WebhookId,
) -> Result<Noted<DeleteWebhook>, Problem> {
    let Outgoing { webhook, secrets, .. } = find(configuration, id)?;
    let act = act(webhook, Verb::Deleted).ending(&known(&webhook.settings, secrets));
    let work =
        DeleteWebhook { version: configuration.version, direction: Direction::Outgoing, id: id.clone() };
    Ok(api.noted(caller, work, act.if_done()))
}

/// What is done to a webhook.
pub(super) fn act(webhook: &OutgoingWebhook, verb: Verb) -> Act {
    Act::new(TargetKind::OutgoingWebhook, verb).on(&webhook.id).named(&webhook.settings.name)
}

/// What everyone may know of it.
fn known(settings: &OutgoingSettings, secrets: &OutgoingSecrets) -> OutgoingWebhookInput {
    OutgoingWebhookInput::shown(settings.clone(), secrets, Reveal::Nothing)
}

/// What is configured of it. A secret that is replaced shows in the time of the change.
fn version(webhook: &OutgoingWebhook) -> Version {
    Version::of(&(&webhook.settings, &webhook.disabled_reason, webhook.updated_at))
}

/// A script that is none is refused when it is saved.
async fn check_transform(api: &Api, settings: &OutgoingSettings) -> Result<(), Problem> {
    let errors = api.engine().check_transform(settings.transform.as_deref()).await.map_err(RunError::from)?;
    if errors.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}

pub(super) fn find<'a>(configuration: &'a Snapshot, id: &WebhookId) -> Result<&'a Outgoing, Problem> {
    configuration.outgoing.get(id).map(AsRef::as_ref).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("an outgoing webhook")
}
