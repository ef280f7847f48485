//! Senders: those that the program knows, and those that users describe.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::incoming::OnUnprocessable;
use domain::log::FieldError;
use domain::mapping::Rule;
use domain::redact::RedactPath;
use engine::Snapshot;
use http::StatusCode;
use presets::{MAX_BYTES, Preset};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signature::Scheme;
use store::presets::{DeletePreset, PresetRow, PutPreset};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path};
use crate::once::Answer;
use crate::problem::{Code, Problem, ProblemBody};
use crate::{Api, BASE};

/// Senders that users may describe: each is in the memory of every node.
const MAX_OWN: usize = 500;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// The senders that are known.
#[derive(Serialize, ToSchema)]
struct Presets {
    /// All of them, by id.
    data: Vec<PresetView>,
}

/// A sender that is known.
#[derive(Serialize, ToSchema)]
#[schema(as = Preset)]
struct PresetView {
    /// What the setting `preset` of an incoming webhook says.
    id: String,
    /// What people call it.
    name: String,
    /// What to know to set it up.
    hint: String,
    /// The sender's own documentation.
    documentation: Vec<String>,
    /// Whether it signs its requests: then the webhook's secret is that of the sender.
    signs: bool,
    /// Whether a user described it.
    own: bool,
    /// Payloads to try it with.
    samples: Vec<SampleView>,
}

/// A payload of a sender.
#[derive(Serialize, ToSchema)]
#[schema(as = PresetSample)]
struct SampleView {
    /// Its content type.
    content_type: String,
    /// Other headers that matter.
    headers: BTreeMap<String, String>,
    /// It, as it is sent.
    body: String,
}

impl PresetView {
    fn new(preset: &Preset, own: bool) -> Self {
        let samples = preset.samples.iter().map(|sample| SampleView {
            content_type: sample.content_type.clone(),
            headers: sample.headers.clone(),
            body: sample.body.clone(),
        });
        Self {
            id: preset.id.clone(),
            name: preset.name.clone(),
            hint: preset.hint.clone(),
            documentation: preset.documentation.clone(),
            signs: preset.scheme.is_some(),
            own,
            samples: samples.collect(),
        }
    }
}

/// A sender, as it is described: everything that a webhook for it has to know.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PresetDescription)]
struct PresetInput {
    /// What the setting `preset` of an incoming webhook says. It can't be changed.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_]+$", example = "our_shop")]
    id: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 500, example = "Our shop")]
    name: String,
    /// What to know to set it up.
    #[serde(default)]
    #[schema(max_length = 5000)]
    hint: String,
    /// The sender's own documentation.
    #[serde(default)]
    #[schema(max_items = 20)]
    documentation: Vec<String>,
    /// How the sender signs; without it only the token in the URL says who sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheme: Option<Scheme>,
    /// What the sender asks before it sends: rules of `method`, `when` (what must stand where), `signed`, and the answer's
    /// `status`, `headers` and `body` or `json`, which are templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, max_items = 20,
        example = json!([{"method": "GET", "when": {"query:challenge": "*"}, "body": "{query:challenge}"}]))]
    handshakes: Vec<Value>,
    /// Texts of the payload that are JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    parse_json: Vec<String>,
    /// Where the array of records stands; without it the payload is one record, or an array of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<String>,
    /// Where the name of the event may stand, in this order: `header:NAME` or `body:PATH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, example = json!(["header:X-Event"]))]
    event: Vec<String>,
    /// What is the same when the sender sends the same again, in this order; of many records each has what `body:` names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, example = json!(["body:id"]))]
    dedupe: Vec<NameInput>,
    /// From a record to a subscriber, unless the webhook has a mapping of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    mapping: Vec<Rule>,
    /// Values of the payload that the log never shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    redact: Vec<RedactPath>,
    /// What the sender is told whose request has no valid email.
    #[serde(default)]
    on_unprocessable: OnUnprocessable,
    /// Payloads to try it with: `content_type`, `headers` and `body`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, max_items = 20)]
    samples: Vec<Value>,
}

/// What names something: one value, or several together.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = PresetName)]
enum NameInput {
    /// One value.
    One(String),
    /// All of these values.
    Together(Vec<String>),
}

impl PresetInput {
    fn new(preset: &Preset) -> Result<Self, Problem> {
        let value = serde_json::to_value(preset).map_err(|error| Problem::internal(&error))?;
        serde_json::from_value(value).map_err(|error| Problem::internal(&error))
    }

    /// What it describes.
    ///
    /// # Errors
    /// The member at fault, and why.
    fn preset(&self) -> Result<Preset, FieldError> {
        let fault = |field: String, message: String| FieldError { field, message };
        let value = serde_json::to_value(self).map_err(|error| fault(String::new(), error.to_string()))?;
        if value.to_string().len() > MAX_BYTES {
            return Err(fault(String::new(), format!("must have at most {MAX_BYTES} bytes as a whole")));
        }
        let preset: Preset = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string().replace('[', ".").replace(']', "");
            fault(path, error.inner().to_string())
        })?;
        match preset.first_fault() {
            Some((member, message)) => Err(fault(member, message)),
            None => Ok(preset),
        }
    }

    fn row(&self) -> Result<PresetRow, Problem> {
        let body = serde_json::to_string(self).map_err(|error| Problem::internal(&error))?;
        Ok(PresetRow { id: self.id.clone(), body })
    }
}

impl Input for PresetInput {
    fn check(&self) -> Vec<FieldError> {
        self.preset().err().into_iter().collect()
    }
}

/// All senders that are known
#[utoipa::path(
    get, path = "/presets", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    responses((status = 200, description = "All of them.", body = Presets)),
)]
async fn list(State(api): State<Api>, _: Caller<Read>) -> Result<Json<Presets>, Problem> {
    let configuration = api.configuration().await?;
    let of_program = presets::all().iter().filter(|preset| !configuration.presets.contains_key(&preset.id));
    let own = configuration.presets.values().map(|preset| PresetView::new(preset, true));
    let mut data: Vec<_> = of_program.map(|preset| PresetView::new(preset, false)).chain(own).collect();
    data.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Json(Presets { data }))
}

/// One sender, as it is described
///
/// Those of the program, too: a beginning for one of your own.
#[utoipa::path(
    get, path = "/presets/{id}", tag = "Incoming webhooks", security(("api_key" = ["read"])),
    params(("id" = String, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = PresetInput)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<String>,
) -> Result<Json<PresetInput>, Problem> {
    let preset = api.configuration().await?.preset(&id).ok_or_else(not_found)?;
    PresetInput::new(&preset).map(Json)
}

/// Describe a sender
#[utoipa::path(
    post, path = "/presets", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    request_body = PresetInput,
    responses(
        (status = 201, description = "It.", body = PresetInput),
        (status = 409, description = "There is one of this id, or there are as many as there may be.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<PresetInput>,
) -> Result<Response, Problem> {
    api.decide_once(&caller, once, |configuration| {
        if configuration.preset(&input.id).is_some() {
            return Err(Problem::new(Code::Conflict, format!("There is a preset {}.", input.id)));
        }
        if configuration.presets.len() >= MAX_OWN {
            return Err(Problem::new(
                Code::Conflict,
                format!("There are {MAX_OWN} presets of your own: delete one."),
            ));
        }
        let answer = Answer::created(Some(format!("{BASE}/presets/{}", input.id)), &input)?;
        let work = PutPreset { version: configuration.version, row: input.row()? };
        let act = Act::new(TargetKind::Preset, Verb::Created).on(&input.id).named(&input.name);
        Ok((api.noted(&caller, work, act.making(&input).always()), answer))
    })
    .await
}

/// Change the description of a sender
///
/// Webhooks with this preset go by it at once. Those of the program can't be changed.
#[utoipa::path(
    patch, path = "/presets/{id}", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = String, Path, description = "Which.")),
    request_body = PresetInput,
    responses((status = 200, description = "It, as it is now.", body = PresetInput)),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<String>,
    patch: Patch<PresetInput>,
) -> Result<Json<PresetInput>, Problem> {
    api.decide(|configuration| {
        let current = PresetInput::new(own(configuration, &id)?)?;
        let input = patch.merged_onto(&api, &current)?;
        if input.id != id {
            return Err(Problem::field("id", "can't be changed: describe another sender"));
        }
        let work = PutPreset { version: configuration.version, row: input.row()? };
        let act = Act::new(TargetKind::Preset, Verb::Updated).on(&id).named(&input.name);
        Ok(api.noted(&caller, work, act.changing(&current, &input).always()))
    })
    .await?;
    PresetInput::new(own(&*api.configuration().await?, &id)?).map(Json)
}

/// Forget a sender
#[utoipa::path(
    delete, path = "/presets/{id}", tag = "Incoming webhooks", security(("api_key" = ["write"])),
    params(("id" = String, Path, description = "Which.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "A webhook has it.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    api.decide(|configuration| {
        let current = PresetInput::new(own(configuration, &id)?)?;
        let mut webhooks = configuration.incoming.values().map(|incoming| &incoming.webhook);
        match webhooks.find(|webhook| webhook.settings.preset.as_deref() == Some(id.as_str())) {
            Some(webhook) => {
                let detail = format!("The incoming webhook {} has this preset: change it first.", webhook.id);
                Err(Problem::new(Code::Conflict, detail))
            }
            None => {
                let work = DeletePreset { version: configuration.version, id: id.clone() };
                let act = Act::new(TargetKind::Preset, Verb::Deleted).on(&id).named(&current.name);
                Ok(api.noted(&caller, work, act.ending(&current).always()))
            }
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn own<'a>(configuration: &'a Snapshot, id: &str) -> Result<&'a Preset, Problem> {
    configuration.presets.get(id).map(AsRef::as_ref).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::no_such("a preset")
}
