//! A subscriber, and a change to one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::email::Email;
use crate::id::{ListId, SubscriberId};
use crate::time::Timestamp;

/// The most custom fields one subscriber has, so that a row stays a row.
pub const MAX_CUSTOM_FIELDS: usize = 200;
/// The most bytes of one custom field's value, as JSON.
pub const MAX_CUSTOM_FIELD_BYTES: usize = 8 * 1024;

/// Whether mail may be sent to a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Asked, and has not confirmed yet.
    Pending,
    /// Wants mail.
    Subscribed,
    /// Wanted out.
    Unsubscribed,
    /// The mailbox does not exist.
    Bounced,
    /// Marked mail as spam.
    Complained,
    /// Taken out by hand.
    AdminUnsubscribed,
}

impl Status {
    /// The name as the API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Subscribed => "subscribed",
            Status::Unsubscribed => "unsubscribed",
            Status::Bounced => "bounced",
            Status::Complained => "complained",
            Status::AdminUnsubscribed => "admin_unsubscribed",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        use Status::{AdminUnsubscribed, Bounced, Complained, Pending, Subscribed, Unsubscribed};
        [Pending, Subscribed, Unsubscribed, Bounced, Complained, AdminUnsubscribed]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// Someone who must not get mail again unless an action says so explicitly or they opt in themselves.
    pub fn is_opted_out(self) -> bool {
        !matches!(self, Status::Pending | Status::Subscribed)
    }
}

/// Whether a subscriber is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// On it.
    Subscribed,
    /// Waiting for a confirmation.
    Pending,
    /// Was on it and left.
    Unsubscribed,
}

impl MemberStatus {
    /// The name as the API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            MemberStatus::Subscribed => "subscribed",
            MemberStatus::Pending => "pending",
            MemberStatus::Unsubscribed => "unsubscribed",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [MemberStatus::Subscribed, MemberStatus::Pending, MemberStatus::Unsubscribed]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// A standard field that holds one line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Telephone number, as given.
    Phone,
    /// Organisation.
    Company,
    /// Where the subscriber came from.
    Source,
}

impl TextField {
    /// All of them, in the order in which they are shown.
    pub const ALL: [TextField; 5] =
        [TextField::FirstName, TextField::LastName, TextField::Phone, TextField::Company, TextField::Source];

    /// The name as the API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            TextField::FirstName => "first_name",
            TextField::LastName => "last_name",
            TextField::Phone => "phone",
            TextField::Company => "company",
            TextField::Source => "source",
        }
    }
}

/// A person who gets mail, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Unique.
    pub id: SubscriberId,
    /// Unique.
    pub email: Email,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number, as given.
    pub phone: Option<String>,
    /// Organisation.
    pub company: Option<String>,
    /// Where the subscriber came from.
    pub source: Option<String>,
    /// Whether mail may be sent.
    pub status: Status,
    /// What else is known.
    pub custom_fields: Map<String, Value>,
    /// The lists.
    pub lists: BTreeMap<ListId, MemberStatus>,
    /// The tags.
    pub tags: BTreeSet<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When the person confirmed the subscription.
    pub confirmed_at: Option<Timestamp>,
}

impl Subscriber {
    /// One with nothing but an address.
    pub fn new(id: SubscriberId, email: Email, status: Status, now: Timestamp) -> Self {
        Self {
            id,
            email,
            first_name: None,
            last_name: None,
            phone: None,
            company: None,
            source: None,
            status,
            custom_fields: Map::new(),
            lists: BTreeMap::new(),
            tags: BTreeSet::new(),
            created_at: now,
            updated_at: now,
            confirmed_at: None,
        }
    }

    /// A standard text field.
    pub fn text(&self, field: TextField) -> Option<&str> {
        match field {
            TextField::FirstName => self.first_name.as_deref(),
            TextField::LastName => self.last_name.as_deref(),
            TextField::Phone => self.phone.as_deref(),
            TextField::Company => self.company.as_deref(),
            TextField::Source => self.source.as_deref(),
        }
    }

    /// The place of a standard text field.
    pub fn text_mut(&mut self, field: TextField) -> &mut Option<String> {
        match field {
            TextField::FirstName => &mut self.first_name,
            TextField::LastName => &mut self.last_name,
            TextField::Phone => &mut self.phone,
            TextField::Company => &mut self.company,
            TextField::Source => &mut self.source,
        }
    }

    /// Sets the given fields; what the change does not name stays. The email and the status are not its business: who may
    /// change them depends on the caller.
    pub fn set(&mut self, fields: &Fields) {
        for (field, value) in &fields.texts {
            *self.text_mut(*field) = value.clone();
        }
        for (name, value) in &fields.custom_fields {
            match value {
                Some(value) if self.has_room_for(name) => {
                    self.custom_fields.insert(name.clone(), value.clone());
                }
                Some(_) => {}
                None => {
                    self.custom_fields.shift_remove(name);
                }
            }
        }
    }

    fn has_room_for(&self, custom_field: &str) -> bool {
        self.custom_fields.len() < MAX_CUSTOM_FIELDS || self.custom_fields.contains_key(custom_field)
    }
}

/// What is to be set on a subscriber: fields not named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The address.
    pub email: Option<Email>,
    /// Standard text fields; `None` clears one.
    pub texts: Vec<(TextField, Option<String>)>,
    /// Custom fields; `None` clears one.
    pub custom_fields: Vec<(String, Option<Value>)>,
    /// The status that the data names.
    pub status: Option<Status>,
    /// The list that the data names.
    pub list: Option<ListId>,
}

/// Whether this can be the name of a custom field: 1 to 64 characters without dots, braces and control characters, which
/// paths and templates give a meaning.
pub fn is_custom_field_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(|c| c.is_control() || matches!(c, '.' | '{' | '}' | '[' | ']' | '"'))
}
