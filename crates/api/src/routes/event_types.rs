//! Kinds of events: the built-in ones, and custom ones as they are declared.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use domain::{EventType, Timestamp, catalog};
use engine::Snapshot;
use engine::kinds::DataSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::event_types::{EventTypeRow, InsertEventType, UpdateEventType};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path};
use crate::log::json;
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::{Api, BASE};

/// The most custom kinds, so that they can be held in memory: no platform names as many.
const MAX_CUSTOM: usize = 500;
/// The most bytes of a schema or an example, as JSON: all of them together stay below the memory of a small server.
const MAX_JSON_BYTES: usize = 16 * 1024;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, declare)).routes(routes!(show, update))
}

/// A custom kind of event to be declared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventTypeInput {
    /// Unique; not that of a built-in kind.
    name: EventType,
    /// What it means.
    #[serde(default)]
    #[schema(max_length = 5000, example = "An order was paid.")]
    description: String,
    /// The JSON Schema (2020-12) of its data, of at most 16 KiB and 500 parts. References lead to its own parts, and not in a
    /// circle; patterns have no look-around.
    #[schema(value_type = Option<Object>, example = json!({"type": "object", "properties": {"order_id": {"type": "integer"}}, "required": ["order_id"]}))]
    schema: Option<Map<String, Value>>,
    /// An example of its data, of at most 16 KiB; as the schema says, if there is one.
    #[schema(value_type = Option<Object>, example = json!({"order_id": 1042}))]
    example: Option<Map<String, Value>>,
}

/// What can be changed of a custom kind of event.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventTypeSettings {
    /// What it means.
    #[serde(default)]
    #[schema(max_length = 5000, example = "An order was paid.")]
    description: String,
    /// The JSON Schema of its data; the rules are those of declaring it.
    #[schema(value_type = Option<Object>)]
    schema: Option<Map<String, Value>>,
    /// An example of its data.
    #[schema(value_type = Option<Object>)]
    example: Option<Map<String, Value>>,
}

impl Input for EventTypeInput {
    fn check(&self) -> Vec<FieldError> {
        check(self.schema.as_ref(), self.example.as_ref())
    }
}

impl Input for EventTypeSettings {
    const VALUES: &[&str] = &["schema", "example"];

    fn check(&self) -> Vec<FieldError> {
        check(self.schema.as_ref(), self.example.as_ref())
    }
}

fn check(schema: Option<&Map<String, Value>>, example: Option<&Map<String, Value>>) -> Vec<FieldError> {
    let too_large = [("schema", schema), ("example", example)]
        .into_iter()
        .filter(|(_, value)| value.is_some_and(|value| text(value.clone()).len() > MAX_JSON_BYTES));
    let message = || format!("must have at most {MAX_JSON_BYTES} bytes as JSON");
    let errors: Vec<FieldError> =
        too_large.map(|(field, _)| FieldError { field: field.into(), message: message() }).collect();
    let Some(schema) = schema.filter(|_| errors.is_empty()) else { return errors };
    match (DataSchema::compile(&Value::Object(schema.clone())), example) {
        (Err(fault), _) => vec![fault],
        (Ok(schema), Some(example)) => schema.faults(&Value::Object(example.clone()), "example"),
        (Ok(_), None) => Vec::new(),
    }
}

fn text(object: Map<String, Value>) -> String {
    Value::Object(object).to_string()
}

/// A kind of event.
#[derive(Serialize, ToSchema)]
#[schema(as = EventTypeEntry)]
struct EventTypeView {
    /// Unique.
    name: EventType,
    /// Counts the changes of its schema, from 1.
    #[schema(minimum = 1)]
    version: u32,
    /// What it means.
    description: String,
    /// Whether the program itself knows it.
    built_in: bool,
    /// The JSON Schema of its data; `null` if none was declared.
    #[schema(value_type = Option<Object>, required = true)]
    schema: Option<Box<RawValue>>,
    /// An example of its data; `null` if none was declared.
    #[schema(value_type = Option<Object>, required = true)]
    example: Option<Box<RawValue>>,
    /// When it was declared; `null` if it is built in.
    #[schema(required = true)]
    created_at: Option<Timestamp>,
    /// When it was last changed; `null` if it is built in.
    #[schema(required = true)]
    updated_at: Option<Timestamp>,
}

impl From<&EventTypeRow> for EventTypeView {
    fn from(row: &EventTypeRow) -> Self {
        let EventTypeRow { name, version, description, schema, example, created_at, updated_at } =
            row.clone();
        Self {
            name,
            version,
            description,
            built_in: false,
            schema: schema.map(json),
            example: example.map(json),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
        }
    }
}

fn built_in() -> impl Iterator<Item = EventTypeView> {
    catalog::BUILT_IN.iter().map(|(name, description)| EventTypeView {
        name: name.clone(),
        version: catalog::version(name),
        description: (*description).to_owned(),
        built_in: true,
        schema: Some(json(catalog::schema(name).to_string())),
        example: Some(json(catalog::example(name).to_string())),
        created_at: None,
        updated_at: None,
    })
}

/// All kinds of events
///
/// The built-in ones first, then the declared ones.
#[utoipa::path(
    get, path = "/event-types", tag = "Events", security(("api_key" = ["read"])), params(PageParams),
    responses((status = 200, description = "A page of them.", body = Page<EventTypeView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
) -> Result<Json<Page<EventTypeView>>, Problem> {
    let after: Option<EventType> = paging.after()?;
    let configuration = api.configuration().await?;
    let mut all = built_in().chain(configuration.kinds.rows().iter().map(EventTypeView::from));
    if let Some(after) = after {
        // No kind goes away, so it is there.
        all.by_ref().find(|view| view.name == after);
    }
    let rest = all.take(paging.load()).collect();
    Ok(Json(Page::new(rest, &paging, |view| view.name.to_string())))
}

/// One kind of event
#[utoipa::path(
    get, path = "/event-types/{name}", tag = "Events", security(("api_key" = ["read"])),
    params(("name" = EventType, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = EventTypeView)),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(name): Path<EventType>,
) -> Result<Json<EventTypeView>, Problem> {
    if let Some(found) = built_in().find(|view| view.name == name) {
        return Ok(Json(found));
    }
    Ok(Json(find(&*api.configuration().await?, &name)?.into()))
}

/// Declare a custom kind of event
///
/// That tells people and programs what to expect. With a schema, events of the kind are checked by it when they are published,
/// whoever publishes them. Events of a kind that is not declared can be published all the same.
#[utoipa::path(
    post, path = "/event-types", tag = "Events", security(("api_key" = ["write"])), request_body = EventTypeInput,
    responses(
        (status = 201, description = "The kind.", body = EventTypeView),
        (status = 409, description = "There is one of this name, or there are as many as there may be.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn declare(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<EventTypeInput>,
) -> Result<Response, Problem> {
    let EventTypeInput { name, description, schema, example } = input;
    let (schema, example, now) = (schema.map(text), example.map(text), api.engine().now());
    let row =
        EventTypeRow { name, version: 1, description, schema, example, created_at: now, updated_at: now };
    api.decide_once(&caller, once, |configuration| {
        check_new(configuration, &row.name)?;
        let path = format!("{BASE}/event-types/{}", row.name);
        let answer = Answer::created(Some(path), &EventTypeView::from(&row))?;
        let work = InsertEventType { version: configuration.version, row: row.clone() };
        let act = Act::new(TargetKind::EventType, Verb::Created).named(row.name.as_str());
        Ok((api.noted(&caller, work, act.making(&EventTypeSettings::from(&row)).always()), answer))
    })
    .await
}

fn check_new(configuration: &Snapshot, name: &EventType) -> Result<(), Problem> {
    if catalog::is_built_in(name) {
        return Err(name_taken("is that of a built-in kind"));
    }
    if configuration.kinds.find(name).is_some() {
        return Err(name_taken("is that of a kind declared before"));
    }
    if configuration.kinds.rows().len() >= MAX_CUSTOM {
        let detail = format!("There are {MAX_CUSTOM} custom kinds of events, and there may be no more.");
        return Err(Problem::new(Code::Conflict, detail));
    }
    Ok(())
}

/// Change a custom kind of event
///
/// It holds for what is published from then on. Another schema is another version.
#[utoipa::path(
    patch, path = "/event-types/{name}", tag = "Events", security(("api_key" = ["write"])),
    params(("name" = EventType, Path, description = "Which.")), request_body = EventTypeSettings,
    responses(
        (status = 200, description = "The kind as it is now.", body = EventTypeView),
        (status = 409, description = "It is built in.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn update(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(name): Path<EventType>,
    patch: Patch<EventTypeSettings>,
) -> Result<Json<EventTypeView>, Problem> {
    if catalog::is_built_in(&name) {
        return Err(Problem::new(Code::Conflict, "A built-in kind is as it is. Declare one of your own."));
    }
    let now = api.engine().now();
    let decide = |configuration: &Snapshot| {
        let before = find(configuration, &name)?;
        let current = EventTypeSettings::from(before);
        let settings = patch.merged_onto(&api, &current)?;
        let act = Act::new(TargetKind::EventType, Verb::Updated).named(name.as_str());
        let act = act.changing(&current, &settings);
        let EventTypeSettings { description, schema, example } = settings;
        let is_another = schema != current.schema;
        let version = before.version.saturating_add(is_another.into());
        let (schema, example) = (schema.map(text), example.map(text));
        let row = EventTypeRow { version, description, schema, example, updated_at: now, ..before.clone() };
        let work = UpdateEventType { version: configuration.version, row };
        Ok(api.noted(&caller, work, act.if_done()))
    };
    if !api.decide(decide).await? {
        return Err(not_found());
    }
    Ok(Json(find(&*api.configuration().await?, &name)?.into()))
}

impl From<&EventTypeRow> for EventTypeSettings {
    fn from(row: &EventTypeRow) -> Self {
        let object = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Self {
            description: row.description.clone(),
            schema: object(&row.schema),
            example: object(&row.example),
        }
    }
}

fn find<'a>(configuration: &'a Snapshot, name: &EventType) -> Result<&'a EventTypeRow, Problem> {
    configuration.kinds.find(name).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "There is no kind of event of this name.")
}

fn name_taken(message: &str) -> Problem {
    Problem::with_errors(Code::Conflict, vec![FieldError { field: "name".into(), message: message.into() }])
}
