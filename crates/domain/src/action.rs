//! What an incoming webhook does with each record it receives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::event::EventType;
use crate::id::ListId;
use crate::incoming::is_header_name;
use crate::mapping::Rule;
use crate::subscriber::Status;
use crate::text;

/// The most actions of one webhook: more is a programme, and belongs into an automation.
pub const MAX_ACTIONS: usize = 50;
/// The most tags or lists one action names.
pub const MAX_NAMES: usize = 100;

/// The most headers of one call.
pub const MAX_HEADERS: usize = 50;
/// The most characters of a URL, with its placeholders.
pub const MAX_URL_CHARS: usize = 2_048;
/// The most bytes of a script: what the sandbox takes.
pub const MAX_CODE_BYTES: usize = 256 * 1_024;
/// How long a call may take, in seconds, if nothing else is said: a third of what a delivery may, for others wait behind it.
pub const DEFAULT_CALL_SECONDS: u32 = 10;
/// The longest time that a call may take, in seconds.
pub const MAX_CALL_SECONDS: u32 = 30;

/// What is said of an option that can't be yet.
const NEEDS_MAIL: &str =
    "must be left out or false: it needs mail to be sent, which this version does not do";

/// One thing to do.
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
        /// Whether to ask the subscriber by mail first. Only `false` can be saved yet: no mail is sent.
        #[serde(default, skip_serializing_if = "is_false")]
        double_opt_in: bool,
        /// Whether to welcome the subscriber by mail. Only `false` can be saved yet: no mail is sent.
        #[serde(default, skip_serializing_if = "is_false")]
        send_welcome: bool,
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
    /// Tells an event of its own. Outgoing webhooks that subscribe to it get it.
    PublishEvent {
        /// The event.
        event_type: EventType,
        /// What there is to know about it: texts in it may have placeholders. Without it, the data of the record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        data: Option<Map<String, Value>>,
    },
    /// Calls a URL of another system. What it answers is there for the actions behind it.
    CallApi {
        /// What actions behind it call its answer: `responses.NAME`. The last answer is `response` as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$", example = "crm")]
        name: Option<String>,
        /// The method.
        #[serde(default)]
        method: CallMethod,
        /// Where to. Values of placeholders are percent-encoded.
        #[schema(
            min_length = 8,
            max_length = 2048,
            example = "https://api.example.com/contacts/{mapped.email}"
        )]
        url: String,
        /// Headers; their values may have placeholders. Those that carry secrets are read back masked.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// What to send: JSON whose texts may have placeholders, or a text. Nothing if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// How long the call may take, in seconds.
        #[serde(default = "default_call_seconds")]
        #[schema(minimum = 1, maximum = 30, default = 10)]
        timeout_seconds: u32,
        /// Which values of the answer go to which fields of the subscriber: rules over `{"status","body"}`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(max_items = 200)]
        save_response: Vec<Rule>,
    },
    /// Runs `function handle(payload, context)` in JavaScript. It returns nothing, or an object with `payload` (what the
    /// actions behind it work on), `actions` (to be done in its place) or `error` (a text: the action failed).
    CustomCode {
        /// The script.
        #[schema(min_length = 1, max_length = 262_144)]
        code: String,
    },
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn default_call_seconds() -> u32 {
    DEFAULT_CALL_SECONDS
}

/// How another system is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallMethod {
    /// GET.
    Get,
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
}

impl CallMethod {
    /// As it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }
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
            Action::PublishEvent { .. } => "publish_event",
            Action::CallApi { .. } => "call_api",
            Action::CustomCode { .. } => "custom_code",
        }
    }

    /// Whether it leaves the process, and so can't be done in the transaction that stores the request.
    pub fn is_slow(&self) -> bool {
        matches!(self, Action::CallApi { .. } | Action::CustomCode { .. })
    }

    /// Whether it is done to a subscriber, who is found by the email.
    pub fn needs_email(&self) -> bool {
        !self.is_slow() && !matches!(self, Action::PublishEvent { .. })
    }

    /// The lists it names.
    pub fn lists(&self) -> &[ListId] {
        match self {
            Action::AddSubscriber { lists, .. } => lists,
            Action::AddToList { list_id, .. } | Action::RemoveFromList { list_id, .. } => {
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

impl Action {
    /// Everything that is wrong with it, beyond what its types say: member and message.
    pub fn check(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut wrong = |member: String, message: String| faults.push((member, message));
        for (member, tags) in self.tags() {
            if tags.len() > MAX_NAMES {
                wrong(member.to_owned(), format!("must have at most {MAX_NAMES} tags"));
            }
            for (position, tag) in tags.iter().enumerate() {
                if let Err(message) = check_tag(tag) {
                    wrong(format!("{member}.{position}"), message.into());
                }
            }
        }
        if self.lists().len() > MAX_NAMES {
            wrong("lists".into(), format!("must have at most {MAX_NAMES} lists"));
        }
        match self {
            Action::AddToList { double_opt_in, send_welcome, .. } => {
                for (member, is_asked) in [("double_opt_in", *double_opt_in), ("send_welcome", *send_welcome)]
                {
                    if is_asked {
                        wrong(member.into(), NEEDS_MAIL.into());
                    }
                }
            }
            Action::CallApi { name, url, headers, timeout_seconds, save_response, .. } => {
                if name.as_deref().is_some_and(|name| !is_name(name)) {
                    wrong("name".into(), "must be lower case letters, digits and _, at most 40".into());
                }
                if url.chars().count() > MAX_URL_CHARS {
                    wrong("url".into(), format!("must have at most {MAX_URL_CHARS} characters"));
                }
                if !(1..=MAX_CALL_SECONDS).contains(timeout_seconds) {
                    wrong("timeout_seconds".into(), format!("must be 1 to {MAX_CALL_SECONDS} seconds"));
                }
                if headers.len() > MAX_HEADERS {
                    wrong("headers".into(), format!("must have at most {MAX_HEADERS} headers"));
                }
                for header in headers.keys().filter(|header| !is_header_name(header)) {
                    wrong(format!("headers.{header}"), "must be the name of an HTTP header".into());
                }
                if save_response.len() > crate::mapping::MAX_RULES {
                    let most = crate::mapping::MAX_RULES;
                    wrong("save_response".into(), format!("must have at most {most} rules"));
                }
            }
            Action::CustomCode { code } if code.len() > MAX_CODE_BYTES => {
                wrong("code".into(), format!("must have at most {MAX_CODE_BYTES} bytes"));
            }
            _ => {}
        }
        faults
    }
}

fn is_name(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 40 && name.bytes().all(word) && name.starts_with(|c: char| c.is_ascii_lowercase())
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
