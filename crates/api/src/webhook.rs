//! What incoming and outgoing webhooks have in common.

use domain::incoming::WebhookStatus;
use domain::log::FieldError;
use domain::{Action, ListId, Step, Timestamp};
use engine::{Incoming, Outgoing, Snapshot};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::recent::Recent;

/// Which webhooks of a list to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WebhookFilter {
    /// Only those of this status.
    #[param(inline)]
    status: Option<WebhookStatus>,
    /// Only those whose name contains this, in any case.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
}

impl WebhookFilter {
    /// Whether a webhook is one of them.
    pub fn takes(&self, status: WebhookStatus, name: &str) -> bool {
        let named = |part: &String| name.to_lowercase().contains(&part.to_lowercase());
        self.status.is_none_or(|wanted| wanted == status) && self.q.as_ref().is_none_or(named)
    }
}

impl Recent for Incoming {
    fn created_at(&self) -> Timestamp {
        self.webhook.created_at
    }

    fn id(&self) -> &str {
        self.webhook.id.as_str()
    }
}

impl Recent for Outgoing {
    fn created_at(&self) -> Timestamp {
        self.webhook.created_at
    }

    fn id(&self) -> &str {
        self.webhook.id.as_str()
    }
}

/// The lists that actions name and that don't exist. Those that the webhook named before are left alone: a list that was
/// deleted must not keep it from being changed otherwise.
pub fn unknown_lists(snapshot: &Snapshot, before: &[Step], actions: &[Step]) -> Vec<FieldError> {
    let named_before: Vec<ListId> = before.iter().flat_map(|step| step.action.lists()).copied().collect();
    let is_unknown = |list: &ListId| !snapshot.lists.contains(list) && !named_before.contains(list);
    let mut errors = Vec::new();
    for (index, Step { action, .. }) in actions.iter().enumerate() {
        let one = !matches!(action, Action::AddSubscriber { .. });
        for (position, list) in action.lists().iter().enumerate().filter(|(_, list)| is_unknown(list)) {
            let member = if one { "list_id".to_owned() } else { format!("lists.{position}") };
            let (field, message) = (format!("actions.{index}.{member}"), format!("there is no list {list}"));
            errors.push(FieldError { field, message });
        }
    }
    errors
}
