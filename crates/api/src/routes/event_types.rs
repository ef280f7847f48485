//! Kinds of events: the built-in ones, and custom ones as they are declared.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::log::FieldError;
use domain::{EventType, Timestamp, catalog};
use jsonschema::draft202012;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::event_types::{Declared, EventTypeRow, EventTypes, InsertEventType};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input};
use crate::log::json;
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};

/// The most custom kinds, so that they can be loaded at once: no platform names as many.
const MAX_CUSTOM: i64 = 500;
/// The most bytes of a schema or an example, as JSON: all of them together stay below the memory of a small server.
const MAX_JSON_BYTES: usize = 16 * 1024;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, declare))
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
    /// The JSON Schema (2020-12) of its data, of at most 16 KiB.
    #[schema(value_type = Option<Object>, example = json!({"type": "object", "properties": {"order_id": {"type": "integer"}}, "required": ["order_id"]}))]
    schema: Option<Map<String, Value>>,
    /// An example of its data, of at most 16 KiB.
    #[schema(value_type = Option<Object>, example = json!({"order_id": 1042}))]
    example: Option<Map<String, Value>>,
}

impl Input for EventTypeInput {
    fn check(&self) -> Vec<FieldError> {
        let sizes = [("schema", &self.schema), ("example", &self.example)];
        let too_large = sizes.into_iter().filter(|(_, value)| {
            value.as_ref().is_some_and(|value| text(value.clone()).len() > MAX_JSON_BYTES)
        });
        let message = || format!("must have at most {MAX_JSON_BYTES} bytes as JSON");
        let errors: Vec<FieldError> =
            too_large.map(|(field, _)| FieldError { field: field.into(), message: message() }).collect();
        if errors.is_empty() { self.no_schema().into_iter().collect() } else { errors }
    }
}

impl EventTypeInput {
    /// The schema that is none. It is read, and never run: a schema of few bytes can take forever to check a value by.
    fn no_schema(&self) -> Option<FieldError> {
        let schema = Value::Object(self.schema.clone()?);
        let fault = draft202012::meta::validate(&schema).err()?;
        let place = fault.instance_path().iter().map(|step| step.to_string());
        let field = std::iter::once("schema".to_owned()).chain(place).collect::<Vec<_>>().join(".");
        Some(FieldError { field, message: format!("is not of a JSON Schema: {}", fault.masked()) })
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
}

impl From<EventTypeRow> for EventTypeView {
    fn from(row: EventTypeRow) -> Self {
        let EventTypeRow { name, description, schema, example, created_at } = row;
        let (schema, example) = (schema.map(json), example.map(json));
        Self { name, description, built_in: false, schema, example, created_at: Some(created_at) }
    }
}

fn built_in() -> impl Iterator<Item = EventTypeView> {
    catalog::BUILT_IN.iter().map(|(name, description)| EventTypeView {
        name: name.clone(),
        description: (*description).to_owned(),
        built_in: true,
        schema: Some(json(catalog::schema(name).to_string())),
        example: Some(json(catalog::example(name).to_string())),
        created_at: None,
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
    let custom = api.engine().read(EventTypes).await?;
    let mut all = built_in().chain(custom.into_iter().map(EventTypeView::from));
    if let Some(after) = after {
        // No kind goes away, so it is there.
        all.by_ref().find(|view| view.name == after);
    }
    let rest = all.take(paging.load()).collect();
    Ok(Json(Page::new(rest, &paging, |view| view.name.to_string())))
}

/// Declare a custom kind of event
///
/// That tells people and programs what to expect. Events of a kind that is not declared can be published all the same.
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
    if catalog::is_built_in(&name) {
        return Err(name_taken("is that of a built-in kind"));
    }
    let (schema, example) = (schema.map(text), example.map(text));
    let row = EventTypeRow { name, description, schema, example, created_at: api.engine().now() };
    let work = InsertEventType { row: row.clone(), most: MAX_CUSTOM };
    let answer = move |declared: &Declared| match declared {
        Declared::Declared => Answer::created(None, &EventTypeView::from(row.clone())),
        Declared::Exists => Err(name_taken("is that of a kind declared before")),
        Declared::TooMany => {
            let detail = format!("There are {MAX_CUSTOM} custom kinds of events, and there may be no more.");
            Err(Problem::new(Code::Conflict, detail))
        }
    };
    api.write_once(&caller, once, work, answer).await
}

fn name_taken(message: &str) -> Problem {
    Problem::with_errors(Code::Conflict, vec![FieldError { field: "name".into(), message: message.into() }])
}
