//! What happened to a subscriber.

use axum::Json;
use axum::extract::State;
use domain::{EventId, SubscriberId};
use store::events::{EventsAbout, EventsById};
use store::people::GetSubscriber;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::auth::{Caller, Read};
use crate::extract::Path;
use crate::log::LogPage;
use crate::page::{PageParams, Paging};
use crate::problem::Problem;
use crate::routes::events::EventView;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list))
}

/// The events of a subscriber
///
/// All that are about this one, whatever the address was then: those that changes caused, and those that were published with this
/// `subscriber_id`. They are found as long as the log of events is kept, also when the subscriber was deleted.
#[utoipa::path(
    get, path = "/subscribers/{id}/events", tag = "Subscribers", security(("api_key" = ["read"])),
    params(("id" = SubscriberId, Path, description = "Whose."), PageParams),
    responses((status = 200, description = "A page of them, the newest first. Much to look through ends it early.", body = LogPage<EventView>)),
)]
async fn list(
    State(api): State<Api>,
    _: Caller<Read>,
    Path(id): Path<SubscriberId>,
    paging: Paging,
) -> Result<Json<LogPage<EventView>>, Problem> {
    let since = api.engine().read(GetSubscriber { id }).await?.map(|subscriber| subscriber.created_at);
    let log = EventsAbout { subscriber: id, since };
    let searched = api.engine().search(&log, paging.after()?, paging.limit()).await?;
    let events = api.engine().read(EventsById { ids: searched.ids.clone() }).await?;
    Ok(Json(LogPage::new(&searched, events.iter().map(EventView::from).collect(), EventId::made_at)))
}
