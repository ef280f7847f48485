//! Subscribers: whoever changes one here causes the same events as an incoming webhook that does.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::action::check_tag;
use domain::audit::{Act, TargetKind, Verb};
use domain::log::FieldError;
use domain::mapping::custom_value_fits;
use domain::subscriber::{
    Fields, MAX_CUSTOM_FIELD_BYTES, MAX_CUSTOM_FIELDS, MemberStatus, TextField, is_custom_field_name,
};
use domain::{Email, ListId, Status, Subscriber, SubscriberId, Timestamp, text};
use engine::{Command, Executed, NewSubscriber, SubscriberChange};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::StoreError;
use store::people::{GetSubscriber, ListSubscribers, SubscriberFilter};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Read, Write};
use crate::extract::{Create, Input, Patch, Path, Query};
use crate::once::Answer;
use crate::page::{Page, PageParams, Paging};
use crate::problem::{Code, Problem, ProblemBody};
use crate::version::{IfMatch, Version, Versioned, changed_meanwhile};
use crate::{Api, BASE};

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// What a user sets of a subscriber.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubscriberInput {
    /// The address. Unique, whatever the case of its letters.
    email: Email,
    /// Given name.
    #[schema(max_length = 500, example = "Ada")]
    first_name: Option<String>,
    /// Family name.
    #[schema(max_length = 500, example = "Lovelace")]
    last_name: Option<String>,
    /// Telephone number.
    #[schema(max_length = 500)]
    phone: Option<String>,
    /// Organisation.
    #[schema(max_length = 500)]
    company: Option<String>,
    /// Whether mail may be sent.
    #[serde(default = "subscribed")]
    #[schema(default = "subscribed")]
    status: Status,
    /// Where the subscriber came from.
    #[schema(max_length = 500, example = "form_submission")]
    source: Option<String>,
    /// What else is known, by name: at most 200 values of at most 8 KiB each.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"plan": "pro"}))]
    custom_fields: Map<String, Value>,
    /// The lists, all of them.
    #[serde(default)]
    #[schema(max_items = 1000)]
    lists: Vec<ListId>,
    /// The tags, all of them.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!(["web"]))]
    tags: Vec<String>,
}

fn subscribed() -> Status {
    Status::Subscribed
}

impl Input for SubscriberInput {
    fn check(&self) -> Vec<FieldError> {
        let error = |field: String, message: String| FieldError { field, message };
        let texts = TextField::ALL.into_iter().filter_map(|field| {
            let fault = text::line(self.text(field)?).err()?;
            Some(error(field.as_str().to_owned(), fault.to_string()))
        });
        let tags = self.tags.iter().enumerate().filter_map(|(position, tag)| {
            Some(error(format!("tags.{position}"), check_tag(tag).err()?.to_owned()))
        });
        let custom_fields = self.custom_fields.iter().filter_map(|(name, value)| {
            Some(error(format!("custom_fields.{name}"), custom_field_fault(name, value)?))
        });
        let too_many = (self.custom_fields.len() > MAX_CUSTOM_FIELDS).then(|| {
            error("custom_fields".to_owned(), format!("must have at most {MAX_CUSTOM_FIELDS} members"))
        });
        texts.chain(too_many).chain(custom_fields).chain(tags).collect()
    }
}

fn custom_field_fault(name: &str, value: &Value) -> Option<String> {
    if !is_custom_field_name(name) {
        let rule = "must have a name of 1 to 64 characters, without . { } [ ] \" and control characters, \
                    and without white space around it";
        return Some(rule.to_owned());
    }
    (!custom_value_fits(value)).then(|| format!("must have at most {MAX_CUSTOM_FIELD_BYTES} bytes"))
}

impl SubscriberInput {
    fn text(&self, field: TextField) -> Option<&str> {
        match field {
            TextField::FirstName => self.first_name.as_deref(),
            TextField::LastName => self.last_name.as_deref(),
            TextField::Phone => self.phone.as_deref(),
            TextField::Company => self.company.as_deref(),
            TextField::Source => self.source.as_deref(),
        }
    }

    /// A text as it is kept: trimmed, and none if nothing is left.
    fn line(&self, field: TextField) -> Option<String> {
        text::line(self.text(field)?).ok().flatten()
    }

    /// The custom fields that have a value.
    fn custom_fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.custom_fields.iter().filter(|(_, value)| !value.is_null())
    }

    fn to_new(&self) -> NewSubscriber {
        let texts = TextField::ALL.map(|field| (field, self.line(field)));
        let set = |(name, value): (&String, &Value)| (name.clone(), Some(value.clone()));
        let fields = Fields {
            email: Some(self.email.clone()),
            texts: texts.into(),
            custom_fields: self.custom_fields().map(set).collect(),
            ..Fields::default()
        };
        let (lists, tags) = (self.lists.clone(), self.tags.clone());
        NewSubscriber { fields, status: Some(self.status), lists, tags }
    }

    /// From these settings to others: only what differs, so that what someone else changes meanwhile stays changed.
    fn change_to(&self, after: &Self) -> SubscriberChange {
        let texts = TextField::ALL.map(|field| (field, after.line(field)));
        let texts = texts.into_iter().filter(|(field, text)| *text != self.line(*field)).collect();
        let cleared = self.custom_fields().map(|(name, _)| name);
        let cleared = cleared.filter(|name| after.custom_fields.get(*name).is_none_or(Value::is_null));
        let set = after.custom_fields().filter(|(name, value)| self.custom_fields.get(*name) != Some(*value));
        // Those that go make room for those that come.
        let custom_fields = cleared
            .map(|name| (name.clone(), None))
            .chain(set.map(|(name, value)| (name.clone(), Some(value.clone()))))
            .collect();
        let email = (after.email != self.email).then(|| after.email.clone());
        SubscriberChange {
            fields: Fields { email, texts, custom_fields, ..Fields::default() },
            status: (after.status != self.status).then_some(after.status),
            lists: (after.lists != self.lists).then(|| after.lists.clone()),
            tags: (after.tags != self.tags).then(|| after.tags.clone()),
            only_if: None,
        }
    }
}

impl From<&Subscriber> for SubscriberInput {
    fn from(subscriber: &Subscriber) -> Self {
        let of = subscriber.clone();
        Self {
            email: of.email,
            first_name: of.first_name,
            last_name: of.last_name,
            phone: of.phone,
            company: of.company,
            status: of.status,
            source: of.source,
            custom_fields: of.custom_fields,
            lists: of.lists.into_keys().collect(),
            tags: of.tags.into_iter().collect(),
        }
    }
}

/// A subscriber.
#[derive(Serialize, ToSchema)]
#[schema(as = Subscriber)]
pub(super) struct SubscriberView {
    /// Unique.
    pub(super) id: SubscriberId,
    /// The address.
    pub(super) email: Email,
    /// Given name.
    #[schema(required = true)]
    pub(super) first_name: Option<String>,
    /// Family name.
    #[schema(required = true)]
    pub(super) last_name: Option<String>,
    /// Telephone number.
    #[schema(required = true)]
    pub(super) phone: Option<String>,
    /// Organisation.
    #[schema(required = true)]
    pub(super) company: Option<String>,
    /// Whether mail may be sent.
    pub(super) status: Status,
    /// Where the subscriber came from.
    #[schema(required = true)]
    pub(super) source: Option<String>,
    /// What else is known, by name.
    #[schema(value_type = Object)]
    pub(super) custom_fields: Map<String, Value>,
    /// The lists.
    pub(super) lists: Vec<MembershipView>,
    /// The tags.
    pub(super) tags: Vec<String>,
    /// When it was made.
    pub(super) created_at: Timestamp,
    /// When anything of it last changed.
    pub(super) updated_at: Timestamp,
    /// When the person confirmed the subscription.
    #[schema(required = true)]
    pub(super) confirmed_at: Option<Timestamp>,
}

/// A list that a subscriber is on, or was.
#[derive(Serialize, ToSchema)]
#[schema(as = Membership)]
pub(super) struct MembershipView {
    /// The list.
    pub(super) id: ListId,
    /// Whether the subscriber is on it.
    pub(super) status: MemberStatus,
}

impl From<Subscriber> for SubscriberView {
    fn from(of: Subscriber) -> Self {
        Self {
            id: of.id,
            email: of.email,
            first_name: of.first_name,
            last_name: of.last_name,
            phone: of.phone,
            company: of.company,
            status: of.status,
            source: of.source,
            custom_fields: of.custom_fields,
            lists: of.lists.into_iter().map(|(id, status)| MembershipView { id, status }).collect(),
            tags: of.tags.into_iter().collect(),
            created_at: of.created_at,
            updated_at: of.updated_at,
            confirmed_at: of.confirmed_at,
        }
    }
}

/// Which subscribers to show.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SubscriberParams {
    /// Only the one of this address, in any case.
    #[param(inline)]
    email: Option<Email>,
    /// Only those of this status.
    #[param(inline)]
    status: Option<Status>,
    /// Only those on this list, whatever their status there.
    #[param(minimum = 1)]
    list: Option<i64>,
    /// Only those with this tag.
    #[param(min_length = 1, max_length = 100)]
    tag: Option<String>,
    /// Only those with a value in this custom field.
    #[param(min_length = 1, max_length = 64, example = "plan")]
    custom_field: Option<String>,
    /// Of these only those with this value there, in any case: as a text, or as one of several.
    #[param(min_length = 1, max_length = 500, example = "pro")]
    custom_value: Option<String>,
    /// Only those whose address or name contains this, in any case.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
}

impl SubscriberParams {
    /// Whom they mean.
    pub(super) fn filter(self) -> Result<SubscriberFilter, Problem> {
        let Self { email, status, list, tag, custom_field, custom_value, q: contains } = self;
        if custom_value.is_some() && custom_field.is_none() {
            let message = "says which field has the value".to_owned();
            let error = FieldError { field: "custom_field".to_owned(), message };
            return Err(Problem::with_errors(Code::InvalidQuery, vec![error]));
        }
        let custom_field = custom_field.map(|name| (name, custom_value));
        Ok(SubscriberFilter { email, status, list: list.map(ListId), tag, custom_field, contains })
    }
}

/// All subscribers
#[utoipa::path(
    get, path = "/subscribers", tag = "Subscribers", security(("api_key" = ["read"])), params(PageParams, SubscriberParams),
    responses((status = 200, description = "A page of them.", body = Page<SubscriberView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    paging: Paging,
    Query(params): Query<SubscriberParams>,
) -> Result<Json<Page<SubscriberView>>, Problem> {
    let filter = params.filter()?;
    let before = paging.after()?.map(SubscriberId);
    let found = api.engine().read(ListSubscribers { filter, before, limit: paging.load() }).await?;
    Ok(Json(Page::new(found, &paging, |subscriber| subscriber.id.to_string()).map(SubscriberView::from)))
}

/// One subscriber
#[utoipa::path(
    get, path = "/subscribers/{id}", tag = "Subscribers", security(("api_key" = ["read"])),
    params(("id" = SubscriberId, Path, description = "Which.")),
    responses((status = 200, description = "It.", body = SubscriberView, headers(("ETag" = String, description = "Its version, for `If-Match`.")))),
)]
async fn show(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<SubscriberId>,
) -> Result<Versioned<SubscriberView>, Problem> {
    Ok(versioned(find(&api, id).await?))
}

/// Add a subscriber
///
/// Causes the event `subscriber_added`, and `subscriber_tagged` for each tag.
#[utoipa::path(
    post, path = "/subscribers", tag = "Subscribers", security(("api_key" = ["write"])), request_body = SubscriberInput,
    responses(
        (status = 201, description = "The subscriber.", body = SubscriberView),
        (status = 409, description = "Another subscriber has this address.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(api): State<Api>,
    caller: Caller<Write>,
    Create { input, once }: Create<SubscriberInput>,
) -> Result<Response, Problem> {
    let command = Command::CreateSubscriber(input.to_new());
    let answer = move |executed: &Executed| {
        let subscriber = subscriber_of(executed, &input.lists)?;
        let path = format!("{BASE}/subscribers/{}", subscriber.id);
        Answer::created(Some(path), &SubscriberView::from(subscriber.clone()))
    };
    api.execute_once(&caller, once, command, answer).await
}

/// Change a subscriber
///
/// Causes the event of each change: `subscriber_updated`, `subscriber_status_changed`, `subscriber_tagged`,
/// `subscriber_untagged`. A list that is left out of `lists` is left; one that stays keeps its status.
#[utoipa::path(
    patch, path = "/subscribers/{id}", tag = "Subscribers", security(("api_key" = ["write"])),
    params(("id" = SubscriberId, Path, description = "Which."), IfMatch), request_body = SubscriberInput,
    responses(
        (status = 200, description = "The subscriber as it is now.", body = SubscriberView, headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 409, description = "Another subscriber has this address.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
async fn update(
    State(api): State<Api>,
    _: Caller<Write>,
    Path(id): Path<SubscriberId>,
    if_match: IfMatch,
    patch: Patch<SubscriberInput>,
) -> Result<Versioned<SubscriberView>, Problem> {
    let seen = find(&api, id).await?;
    if_match.check(&version(&seen))?;
    let before = SubscriberInput::from(&seen);
    let after = patch.merged_onto(&api, &before)?;
    let only_if = if_match.is_given().then(|| Box::new(seen));
    let change = SubscriberChange { only_if, ..before.change_to(&after) };
    let executed = api.engine().execute(Command::UpdateSubscriber(id, change)).await?;
    Ok(versioned(subscriber_of(&executed, &after.lists)?.clone()))
}

/// Delete a subscriber
///
/// Causes the event `subscriber_deleted`.
#[utoipa::path(
    delete, path = "/subscribers/{id}", tag = "Subscribers", security(("api_key" = ["write"])),
    params(("id" = SubscriberId, Path, description = "Which."), IfMatch),
    responses((status = 204, description = "It is gone.")),
)]
async fn delete(
    State(api): State<Api>,
    caller: Caller<Write>,
    Path(id): Path<SubscriberId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut only_if = None;
    if if_match.is_given() {
        let seen = find(&api, id).await?;
        if_match.check(&version(&seen))?;
        only_if = Some(Box::new(seen));
    }
    // Nothing of the person but the number: who is to be forgotten is not remembered here.
    let act = Act::new(TargetKind::Subscriber, Verb::Deleted).on(id);
    let deleted = move |executed: &Executed| matches!(executed, Executed::Deleted(_)).then(|| act.clone());
    let command = Command::DeleteSubscriber(id, only_if);
    match api.engine().execute_noted(command, caller.actor(), deleted).await? {
        Executed::Deleted(_) => Ok(StatusCode::NO_CONTENT),
        Executed::ChangedMeanwhile => Err(changed_meanwhile()),
        _ => Err(not_found()),
    }
}

fn versioned(subscriber: Subscriber) -> Versioned<SubscriberView> {
    Versioned(version(&subscriber), subscriber.into())
}

fn version(subscriber: &Subscriber) -> Version {
    Version::of(&SubscriberView::from(subscriber.clone()))
}

async fn find(api: &Api, id: SubscriberId) -> Result<Subscriber, Problem> {
    api.engine().read(GetSubscriber { id }).await?.ok_or_else(not_found)
}

/// The subscriber that a command made or changed; `lists` are those that it named.
fn subscriber_of<'a>(executed: &'a Executed, lists: &[ListId]) -> Result<&'a Subscriber, Problem> {
    match executed {
        Executed::Subscriber(subscriber) => Ok(subscriber),
        Executed::NotFound => Err(not_found()),
        Executed::ChangedMeanwhile => Err(changed_meanwhile()),
        Executed::EmailTaken(other) => {
            let message = format!("is that of the subscriber {other}");
            Err(Problem::with_errors(Code::Conflict, vec![FieldError { field: "email".into(), message }]))
        }
        Executed::UnknownLists(unknown) => Err(unknown_lists(unknown, lists)),
        Executed::UnfitFields(errors) => Err(Problem::with_errors(Code::InvalidBody, errors.clone())),
        _ => Err(StoreError::Defect.into()),
    }
}

fn unknown_lists(unknown: &[ListId], lists: &[ListId]) -> Problem {
    let places = lists.iter().enumerate().filter(|(_, list)| unknown.contains(list));
    let error = |(place, list): (usize, &ListId)| FieldError {
        field: format!("lists.{place}"),
        message: format!("there is no list {list}"),
    };
    Problem::with_errors(Code::InvalidBody, places.map(error).collect())
}

fn not_found() -> Problem {
    Problem::no_such("a subscriber")
}
