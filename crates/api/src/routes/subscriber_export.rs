//! Subscribers as a file.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::SubscriberId;
use domain::audit::{Act, TargetKind, Verb};
use domain::subscriber::MemberStatus;
use serde::Serialize;
use serde_json::Value;
use store::people::ListSubscribers;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};
use crate::export::{EXPORT_PAGE, ExportParams, Line, export_with};
use crate::extract::Query;
use crate::problem::Problem;
use crate::routes::subscribers::{SubscriberParams, SubscriberView};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(download))
}

/// A subscriber with a cell for each declared custom field.
#[derive(Serialize)]
struct SubscriberLine {
    #[serde(flatten)]
    subscriber: SubscriberView,
    #[serde(skip)]
    declared: Arc<[String]>,
}

impl Line for SubscriberLine {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "email",
        "first_name",
        "last_name",
        "phone",
        "company",
        "status",
        "source",
        "lists",
        "tags",
        "created_at",
        "updated_at",
        "confirmed_at",
    ];

    fn cells(&self) -> Vec<String> {
        let of = &self.subscriber;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let lists = of.lists.iter().filter(|list| list.status == MemberStatus::Subscribed);
        let lists: Vec<String> = lists.map(|list| list.id.to_string()).collect();
        let mut cells = vec![
            of.id.to_string(),
            of.email.to_string(),
            text(&of.first_name),
            text(&of.last_name),
            text(&of.phone),
            text(&of.company),
            of.status.as_str().to_owned(),
            text(&of.source),
            lists.join(" "),
            of.tags.join(","),
            of.created_at.to_string(),
            of.updated_at.to_string(),
            of.confirmed_at.map(|moment| moment.to_string()).unwrap_or_default(),
        ];
        cells.extend(
            self.declared.iter().map(|name| of.custom_fields.get(name).map(cell).unwrap_or_default()),
        );
        let mut rest = of.custom_fields.clone();
        rest.retain(|name, _| !self.declared.contains(name));
        cells.push(if rest.is_empty() { String::new() } else { Value::Object(rest).to_string() });
        cells
    }
}

/// A value in a cell: several texts with commas between them.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// Subscribers as a file
///
/// All that the filter takes, the newest first. As CSV, each declared custom field has a column of its own, and what nobody
/// declared stands in the last column as JSON; `POST /subscribers/import` understands the head.
#[utoipa::path(
    get, path = "/subscribers/export", tag = "Subscribers", security(("api_key" = ["read"])), params(ExportParams, SubscriberParams),
    responses((status = 200, description = "All of them.", content((String = "application/x-ndjson"), (String = "text/csv")))),
)]
async fn download(
    State(api): State<Api>,
    caller: Caller<Read>,
    Query(ExportParams { format }): Query<ExportParams>,
    Query(params): Query<SubscriberParams>,
) -> Result<Response, Problem> {
    let filter = params.filter()?;
    api.note(&caller, Act::new(TargetKind::Subscriber, Verb::Exported)).await?;
    let declared: Arc<[String]> =
        api.configuration().await?.custom_fields.iter().map(|field| field.name.clone()).collect();
    let own = declared.iter().map(|name| format!("custom_fields.{name}"));
    let columns: Vec<String> = own.chain(std::iter::once("custom_fields".to_owned())).collect();
    export_with("subscribers", format, &columns, move |before: Option<SubscriberId>| {
        let (api, filter, declared) = (api.clone(), filter.clone(), declared.clone());
        async move {
            let page = ListSubscribers { filter, before, limit: EXPORT_PAGE };
            let found = api.engine().read(page).await?;
            let next = found.last().filter(|_| found.len() == EXPORT_PAGE).map(|last| last.id);
            let line = |subscriber| SubscriberLine {
                subscriber: SubscriberView::from(subscriber),
                declared: declared.clone(),
            };
            Ok((found.into_iter().map(line).collect(), next))
        }
    })
    .await
}
