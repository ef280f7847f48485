//! What an incoming webhook would do with a payload, without doing it.

use axum::Json;
use axum::extract::State;
use domain::incoming::IncomingSettings;
use domain::log::{ActionLog, FieldError, Outcome, RequestStatus};
use domain::mapping::{Rule, Target};
use domain::{Event, EventType, RequestId, Step, WebhookId};
use engine::mapping::{RecordTrace, Trace};
use engine::{Executed, Incoming, Previewed, Snapshot};
use expression::Took;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use store::commit::{RequestRow, Writes};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::incoming_webhooks::{check_lists, check_scripts, rule_faults};
use super::subscribers::SubscriberView;
use crate::Api;
use crate::auth::{Caller, Write};
use crate::call_headers;
use crate::extract::{Body, Input, Path, present};
use crate::log::json;
use crate::problem::{Code, Problem};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(preview))
}

/// A payload to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewInput {
    /// What a sender would post: an object, or an array of objects.
    payload: Value,
    /// A mapping to try instead of the saved one; `null` for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Rule>>, max_items = 200)]
    mapping: Option<Option<Vec<Rule>>>,
    /// A filter to try instead of the saved one; `null` for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    filter: Option<Option<String>>,
    /// Actions to try instead of the saved ones.
    #[serde(default)]
    #[schema(max_items = 50)]
    actions: Option<Vec<Step>>,
    /// A script to try instead of the saved one; `null` for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 262_144)]
    transform: Option<Option<String>>,
    /// Where the records stand, to try instead of what is saved; `null` for the payload itself.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<domain::mapping::Path>)]
    records: Option<Option<domain::mapping::Path>>,
}

impl Input for PreviewInput {
    fn check(&self) -> Vec<FieldError> {
        let mut errors = rule_faults(
            self.mapping.as_ref().and_then(Option::as_deref),
            self.filter.as_ref().and_then(Option::as_deref),
        );
        errors.extend(self.actions.as_deref().map(engine::actions::check).unwrap_or_default());
        errors
    }
}

impl PreviewInput {
    /// The webhook's settings with what is to be tried instead of what is saved, if there is any of it.
    fn draft(&self, incoming: &Incoming) -> Option<IncomingSettings> {
        let saved = incoming.webhook.settings.clone();
        let draft = IncomingSettings {
            mapping: self.mapping.clone().unwrap_or(saved.mapping),
            filter: self.filter.clone().unwrap_or(saved.filter),
            actions: self.actions.clone().map_or(saved.actions, call_headers::masked),
            transform: self.transform.clone().unwrap_or(saved.transform),
            records: self.records.clone().unwrap_or(saved.records),
            ..saved
        };
        (draft != incoming.webhook.settings).then_some(draft)
    }
}

/// Checks what is to be tried as if it were to be saved.
async fn check(
    api: &Api,
    configuration: &Snapshot,
    incoming: &Incoming,
    draft: &IncomingSettings,
) -> Result<(), Problem> {
    let errors = draft.check();
    if !errors.is_empty() {
        return Err(Problem::with_errors(Code::InvalidBody, errors));
    }
    check_lists(configuration, &incoming.webhook.settings.actions, draft)?;
    check_scripts(api, draft).await
}

/// What would become of a payload.
#[derive(Serialize, ToSchema)]
struct Preview {
    /// How the request would end.
    status: RequestStatus,
    /// What the sender would be answered.
    response: PreviewResponse,
    /// What would become of each record before any action.
    records: Vec<PreviewRecord>,
    /// What each action would do.
    actions: Vec<ActionLog>,
    /// Why it would fail, if it would.
    errors: Vec<FieldError>,
    /// What does not fit, without being a failure.
    warnings: Vec<String>,
    /// The subscribers that would be changed.
    subscribers: Vec<PreviewChange>,
    /// The events that would be told.
    events: Vec<PreviewEvent>,
    /// The outgoing webhooks that would get them.
    deliveries: Vec<PreviewDelivery>,
}

/// The answer to a sender.
#[derive(Serialize, ToSchema)]
struct PreviewResponse {
    /// Its status.
    status: u16,
    /// Its body.
    #[schema(value_type = Value)]
    body: Box<RawValue>,
}

/// A record.
#[derive(Serialize, ToSchema)]
struct PreviewRecord {
    /// Why nothing of it would be mapped, if so: it would be ignored, or is no record.
    #[schema(required = true)]
    left_out: Option<String>,
    /// Each rule of the mapping; without a mapping, each field that was found.
    mapping: Vec<PreviewRule>,
}

/// What came from where and what it became.
#[derive(Serialize, ToSchema)]
struct PreviewRule {
    /// The field.
    to: Target,
    /// Where it was looked for: a path, a template's text, or `value`.
    #[schema(example = "data.contact_email")]
    from: String,
    /// What was found there; `null` if nothing was.
    found: Value,
    /// What the field would be set to; `null` if it would stay as it is. A name is an object of its parts.
    value: Value,
    /// Which part of the rule gave the value.
    took: Took,
    /// What could not be done, or does not fit.
    warnings: Vec<String>,
}

impl From<RecordTrace> for PreviewRecord {
    fn from(RecordTrace { left_out, mapping }: RecordTrace) -> Self {
        let rule = |Trace { to, from, found, value, took, warnings }: Trace| PreviewRule {
            to,
            from,
            found: found.unwrap_or_default(),
            value: value.unwrap_or_default(),
            took,
            warnings,
        };
        Self { left_out, mapping: mapping.into_iter().map(rule).collect() }
    }
}

/// A change of a subscriber.
#[derive(Serialize, ToSchema)]
struct PreviewChange {
    /// As it is; `null` if the subscriber would be new.
    #[schema(required = true)]
    before: Option<SubscriberView>,
    /// As it would be; the id of a new one would be another. `null` if the subscriber would be gone.
    #[schema(required = true)]
    after: Option<SubscriberView>,
}

/// An event.
#[derive(Serialize, ToSchema)]
struct PreviewEvent {
    /// What kind.
    event_type: EventType,
    /// What there would be to know about it.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// A delivery.
#[derive(Serialize, ToSchema)]
struct PreviewDelivery {
    /// Where to.
    webhook_id: WebhookId,
    /// Of which kind of event.
    event_type: EventType,
}

/// Try a payload on an incoming webhook
///
/// Tells what mapping and actions would do with the payload, by today's configuration and subscribers: rule by rule what came
/// from where and what it became, and what each action would do. Nothing is changed, stored or sent. An editor sends what is
/// not saved yet along.
#[utoipa::path(
    post, path = "/incoming-webhooks/{id}/preview", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = WebhookId, Path, description = "Which.")),
    request_body = PreviewInput,
    responses((status = 200, description = "What would become of it.", body = Preview)),
)]
async fn preview(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<WebhookId>,
    Body(input): Body<PreviewInput>,
) -> Result<Json<Preview>, Problem> {
    let configuration = api.configuration().await?;
    let incoming = configuration.incoming.get(&id).ok_or_else(not_found)?;
    let request = RequestRow {
        id: RequestId::lowest_at(api.engine().now()),
        webhook_id: id,
        received_at: api.engine().now(),
        event_type: incoming.webhook.settings.event_type.to_string(),
        sender_ip: String::new(),
        method: "POST".to_owned(),
        content_type: "application/json".to_owned(),
        headers: "{}".to_owned(),
        payload: input.payload.to_string(),
        status: RequestStatus::Accepted,
        attempts: 0,
        outcome: String::new(),
        response_status: 0,
        response_body: String::new(),
        resent_from: None,
        sealed: None,
    };
    let draft = input.draft(incoming);
    if let Some(draft) = &draft {
        check(&api, &configuration, incoming, draft).await?;
    }
    let Previewed { executed, writes, records } = api.engine().preview(request, draft).await?;
    match executed {
        Executed::Rerun(run) if run.attempts > 0 => Ok(Json(Preview::of(run, writes, records))),
        Executed::Rerun(_) => {
            let message = "must be a JSON object or an array of at most 1,000 objects".to_owned();
            let error = FieldError { field: "payload".to_owned(), message };
            Err(Problem::with_errors(Code::InvalidBody, vec![error]))
        }
        _ => Err(not_found()),
    }
}

fn not_found() -> Problem {
    Problem::no_such("an incoming webhook")
}

impl Preview {
    fn of(run: RequestRow, writes: Writes, records: Vec<RecordTrace>) -> Self {
        // It was written by this very process.
        let Outcome { actions, errors, warnings, .. } =
            serde_json::from_str(&run.outcome).unwrap_or_default();
        let event =
            |event: Event| PreviewEvent { event_type: event.event_type, data: json(event.data.to_string()) };
        Self {
            status: run.status,
            response: PreviewResponse { status: run.response_status, body: json(run.response_body) },
            records: records.into_iter().map(Into::into).collect(),
            actions,
            errors,
            warnings,
            subscribers: writes
                .subscribers
                .into_iter()
                .map(|change| PreviewChange {
                    before: change.before.map(Into::into),
                    after: change.after.map(Into::into),
                })
                .collect(),
            events: writes.events.into_iter().map(event).collect(),
            deliveries: writes
                .deliveries
                .into_iter()
                .map(|delivery| PreviewDelivery {
                    webhook_id: delivery.webhook_id,
                    event_type: delivery.event_type,
                })
                .collect(),
        }
    }
}
