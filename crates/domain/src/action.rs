//! What an incoming webhook does with each record it receives.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::ListId;
use crate::subscriber::Status;
use crate::text;

/// The most actions of one webhook: more is a programme, and belongs into an automation.
pub const MAX_ACTIONS: usize = 50;
/// The most tags or lists one action names.
pub const MAX_NAMES: usize = 100;

/// One thing to do. Actions run in order; one that fails stops those behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Creates the subscriber, or updates the one of that email.
    AddSubscriber {
        /// Lists to put the subscriber on.
        #[serde(default)]
        #[schema(max_items = 100)]
        lists: Vec<ListId>,
        /// Tags to apply.
        #[serde(default)]
        #[schema(max_items = 100)]
        tags: Vec<String>,
        /// The status to set, also on a subscriber who opted out. Without it a new subscriber gets the status that the
        /// data names, else `subscribed`, and an opted-out subscriber stays opted out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
        /// Whether to set the mapped fields on a subscriber who exists already.
        #[serde(default = "yes")]
        update_existing: bool,
    },
    /// Updates the subscriber of that email.
    UpdateSubscriber {
        /// Whether to create the subscriber if there is none; otherwise the action is skipped.
        #[serde(default)]
        create_if_missing: bool,
        /// Tags to apply.
        #[serde(default)]
        #[schema(max_items = 100)]
        add_tags: Vec<String>,
        /// Tags to remove.
        #[serde(default)]
        #[schema(max_items = 100)]
        remove_tags: Vec<String>,
    },
    /// Puts the subscriber on a list.
    AddToList {
        /// The list.
        list_id: ListId,
    },
    /// Takes the subscriber off a list.
    RemoveFromList {
        /// The list.
        list_id: ListId,
        /// Whether to set the subscriber's status to `unsubscribed` as well.
        #[serde(default)]
        unsubscribe: bool,
    },
    /// Applies tags.
    ApplyTag {
        /// The tags.
        #[schema(min_items = 1, max_items = 100)]
        tags: Vec<String>,
    },
    /// Removes tags.
    RemoveTag {
        /// The tags.
        #[schema(min_items = 1, max_items = 100)]
        tags: Vec<String>,
    },
    /// Sets the status, also of a subscriber who opted out.
    ChangeStatus {
        /// The status.
        status: Status,
    },
}

fn yes() -> bool {
    true
}

impl Action {
    /// The name of its type, as in configuration and log.
    pub fn name(&self) -> &'static str {
        match self {
            Action::AddSubscriber { .. } => "add_subscriber",
            Action::UpdateSubscriber { .. } => "update_subscriber",
            Action::AddToList { .. } => "add_to_list",
            Action::RemoveFromList { .. } => "remove_from_list",
            Action::ApplyTag { .. } => "apply_tag",
            Action::RemoveTag { .. } => "remove_tag",
            Action::ChangeStatus { .. } => "change_status",
        }
    }

    /// The lists it names.
    pub fn lists(&self) -> &[ListId] {
        match self {
            Action::AddSubscriber { lists, .. } => lists,
            Action::AddToList { list_id } | Action::RemoveFromList { list_id, .. } => {
                std::slice::from_ref(list_id)
            }
            _ => &[],
        }
    }

    /// The tags it names, each behind the name of the member it stands in.
    pub fn tags(&self) -> Vec<(&'static str, &[String])> {
        match self {
            Action::AddSubscriber { tags, .. } | Action::ApplyTag { tags } | Action::RemoveTag { tags } => {
                vec![("tags", tags)]
            }
            Action::UpdateSubscriber { add_tags, remove_tags, .. } => {
                vec![("add_tags", add_tags), ("remove_tags", remove_tags)]
            }
            _ => Vec::new(),
        }
    }
}

/// The most characters of a tag.
pub const MAX_TAG_CHARS: usize = 100;

/// A tag's name: one line of at most [`MAX_TAG_CHARS`] characters without white space around it.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_tag(tag: &str) -> Result<(), &'static str> {
    match text::line(tag) {
        Ok(Some(line)) if line != tag => Err("must not begin or end with white space"),
        Ok(Some(line)) if line.chars().count() > MAX_TAG_CHARS => Err("must have at most 100 characters"),
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("must not be empty"),
        Err(text::TextError::Control) => Err("must not contain control characters"),
        Err(_) => Err("must have at most 100 characters"),
    }
}
