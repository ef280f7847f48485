//! Incoming webhooks: who may post, and what is done with what is posted.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::incoming::IncomingSettings;
use domain::log::FieldError;
use domain::mapping::Rule;
use domain::{IncomingWebhook, Step, WebhookId};
use engine::{Incoming, IncomingSecrets, Rotating, RunError, Snapshot};
use expression::Expression;
use http::StatusCode;
use store::webhooks::{DeleteWebhook, Direction, InsertIncoming, UpdateIncoming};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Patch, Path, Query};
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem};
use crate::recent;
use crate::routes::incoming_secrets;
use crate::routes::incoming_view::{IncomingWebhookInput, IncomingWebhookView};
use crate::secret::Reveal;
use crate::version::{IfMatch, Version, Versioned};
use crate::webhook::{WebhookFilter, unknown_lists};
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .merge(incoming_secrets::routes())
}

/// All incoming webhooks
#[utoipa::path(
    get, path = "/incoming-webhooks", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    params(PageParams, WebhookFilter),
    responses((status = 200, description = "A page of them.", body = Page<IncomingWebhookView>)),
)]
async fn list(
    State(api): State<Api>,
    caller: Caller<Read>,
    paging: Paging,
    Query(filter): Query<WebhookFilter>,
) -> Result<Json<Page<IncomingWebhookView>>, Problem> {
    let configuration = api.configuration().await?;
    let wanted = |incoming: &&Incoming| {
        let settings = &incoming.webhook.settings;
        filter.takes(settings.status, &settings.name)
    };
    let page = recent::page(configuration.incoming.values().map(AsRef::as_ref).filter(wanted), &paging)?;
    Ok(Json(page.map(|incoming| IncomingWebhookView::of(&api, incoming, Reveal::to(&caller)))))
}

/// One incoming webhook
#[utoipa::path(
    get, path = "/incoming-webhooks/{id}", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = IncomingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn show(
    State(api): State<Api>,
    caller: Caller<Read>,
    Path(id): Path<WebhookId>,
) -> Result<Versioned<IncomingWebhookView>, Problem> {
    let configuration = api.configuration().await?;
    let incoming = find(&configuration, &id)?;
    Ok(Versioned(version(&incoming.webhook), IncomingWebhookView::of(&api, incoming, Reveal::to(&caller))))
}

/// Make an incoming webhook
///
/// The answer shows its secrets in clear, this once.
#[utoipa::path(
    post, path = "/incoming-webhooks", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    request_body = IncomingWebhookInput,
    responses((status = 201, description = "The webhook.", body = IncomingWebhookView)),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<IncomingWebhookInput>,
) -> Result<Response, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let made = IncomingSecrets {
        token: Rotating::new(vault.new_token()),
        api_key: Rotating::new(vault.new_api_key()),
        signing: Rotating::new(vault.new_signing_secret()),
        learns: false,
        call_headers: BTreeMap::new(),
    };
    let preset = input.sender(&*api.configuration().await?)?;
    let secrets = input.secrets(made, preset.as_deref(), None)?;
    let (id, settings) = (vault.new_webhook_id(), input.settings(preset.as_deref()));
    check_scripts(&api, &settings).await?;
    let webhook = IncomingWebhook { id, settings, created_at: now, updated_at: now };
    let sealed = vault.seal_incoming(&webhook.id, &secrets);
    api.decide_once(&caller, once, |configuration| {
        check_lists(configuration, &[], &webhook.settings)?;
        input.sender(configuration)?;
        let view = IncomingWebhookView::new(&api, &webhook, &secrets, Reveal::All);
        let answer = Answer::created(Some(format!("{BASE}/incoming-webhooks/{}", webhook.id)), &view)?;
        let act = act(&webhook, Verb::Created).making(&known(&webhook.settings, &secrets));
        let (webhook, secrets) = (webhook.clone(), sealed.clone());
        let work = InsertIncoming { version: configuration.version, webhook, secrets };
        Ok((api.noted(&caller, work, act.always()), answer))
    })
    .await
}

/// Change an incoming webhook
#[utoipa::path(
    patch, path = "/incoming-webhooks/{id}", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which."), IfMatch),
    request_body = IncomingWebhookInput,
    responses((status = 200, description = "The webhook as it is now.", body = IncomingWebhookView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<WebhookId>,
    if_match: IfMatch,
    patch: Patch<IncomingWebhookInput>,
) -> Result<Versioned<IncomingWebhookView>, Problem> {
    let (vault, now) = (api.engine().vault(), api.engine().now());
    let merged = |configuration: &Snapshot| {
        let Incoming { webhook, secrets, .. } = find(configuration, &id)?;
        let current = IncomingWebhookInput::shown(webhook.settings.clone(), secrets, Reveal::Nothing);
        patch.merged_onto(&api, &current)
    };
    let configuration = api.configuration().await?;
    check_scripts(&api, &merged(&configuration)?.settings(None)).await?;
    let found = api
        .decide(|configuration| {
            let Incoming { webhook, secrets, .. } = find(configuration, &id)?;
            if_match.check(&version(webhook))?;
            let input = merged(configuration)?;
            let preset = input.sender(configuration)?;
            let settings = input.settings(preset.as_deref());
            check_lists(configuration, &webhook.settings.actions, &settings)?;
            let preset_before = webhook.settings.preset.as_deref();
            let before = known(&webhook.settings, secrets);
            let secrets = input.secrets(secrets.clone(), preset.as_deref(), preset_before)?;
            let webhook = IncomingWebhook { settings, updated_at: now, ..webhook.clone() };
            let after = known(&webhook.settings, &secrets);
            let act = act(&webhook, Verb::Updated).changing(&before, &after);
            let secrets = vault.seal_incoming(&id, &secrets);
            let work = UpdateIncoming { version: configuration.version, webhook, secrets };
            Ok(api.noted(&caller, work, act.if_done()))
        })
        .await?;
    if !found {
        return Err(not_found());
    }
    let configuration = api.engine().snapshot();
    let incoming = find(&configuration, &id)?;
    Ok(Versioned(version(&incoming.webhook), IncomingWebhookView::of(&api, incoming, Reveal::to(&caller))))
}

/// Delete an incoming webhook
///
/// Its log stays as long as logs are kept.
#[utoipa::path(
    delete, path = "/incoming-webhooks/{id}", tag = "Incoming webhooks", security(("api_key" = ["write"])),
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
        let Incoming { webhook, secrets, .. } = find(configuration, &id)?;
        if_match.check(&version(webhook))?;
        let act = act(webhook, Verb::Deleted).ending(&known(&webhook.settings, secrets));
        let (version, id) = (configuration.version, id.clone());
        let work = DeleteWebhook { version, direction: Direction::Incoming, id };
        Ok(api.noted(&caller, work, act.if_done()))
    });
    if deleted.await? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

/// What is done to a webhook.
pub(super) fn act(webhook: &IncomingWebhook, verb: Verb) -> Act {
    Act::new(TargetKind::IncomingWebhook, verb).on(&webhook.id).named(&webhook.settings.name)
}

/// What everyone may know of it.
fn known(settings: &IncomingSettings, secrets: &IncomingSecrets) -> IncomingWebhookInput {
    IncomingWebhookInput::shown(settings.clone(), secrets, Reveal::Nothing)
}

/// What is configured of it. A secret that is replaced shows in the time of the change.
fn version(webhook: &IncomingWebhook) -> Version {
    Version::of(&(&webhook.settings, webhook.updated_at))
}

pub(crate) fn find<'a>(configuration: &'a Snapshot, id: &WebhookId) -> Result<&'a Incoming, Problem> {
    configuration.incoming.get(id).map(AsRef::as_ref).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("an incoming webhook")
}

/// Everything that is wrong with a mapping and a filter.
pub(super) fn rule_faults(mapping: Option<&[Rule]>, filter: Option<&str>) -> Vec<FieldError> {
    let mut errors = mapping.map(engine::mapping::check).unwrap_or_default();
    if let Some(Err(error)) = filter.map(Expression::compile) {
        errors.push(FieldError { field: "filter".to_owned(), message: error.to_string() });
    }
    errors
}

/// A script that is none is refused when it is saved.
pub(super) async fn check_scripts(api: &Api, settings: &IncomingSettings) -> Result<(), Problem> {
    let errors = api.engine().check_scripts(settings).await.map_err(RunError::from)?;
    if errors.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}

pub(super) fn check_lists(
    configuration: &Snapshot,
    before: &[Step],
    settings: &IncomingSettings,
) -> Result<(), Problem> {
    let errors = unknown_lists(configuration, before, &settings.actions);
    if errors.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidBody, errors)) }
}
