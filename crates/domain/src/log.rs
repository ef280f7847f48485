//! What the log says of a request: how it ended, and what each action did.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::id::{EventId, RequestId};

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The name as the API shows it and the store keeps it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The value of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                [$($name::$variant),+].into_iter().find(|value| value.as_str() == name)
            }
        }
    };
}
pub(crate) use named_enum;

named_enum!(
    /// How a request ended.
    RequestStatus {
        /// Everything was done.
        Processed = "processed",
        /// Stored and acknowledged, and not, or not wholly, acted upon yet.
        Accepted = "accepted",
        /// Not for this webhook: another event type.
        Ignored = "ignored",
        /// Something has to be mended; then it can be retried by hand.
        Failed = "failed",
        /// Not let in.
        Rejected = "rejected",
        /// Failed for a passing reason, and will be tried again.
        Retrying = "retrying",
    }
);

named_enum!(
    /// How an action ended.
    ActionStatus {
        /// Done.
        Done = "done",
        /// There was nothing to do it to.
        Skipped = "skipped",
        /// Could not be done.
        Failed = "failed",
        /// Leaves the process, and waits for its turn to do so.
        Pending = "pending",
    }
);

named_enum!(
    /// How a delivery stands.
    DeliveryStatus {
        /// Not tried yet.
        Pending = "pending",
        /// Arrived.
        Delivered = "delivered",
        /// Tried, and will be tried again.
        Retrying = "retrying",
        /// Tried to the end of its schedule.
        Failed = "failed",
        /// Will not be sent: see why.
        Cancelled = "cancelled",
    }
);

named_enum!(
    /// Why a delivery was cancelled.
    CancelReason {
        /// The program deactivated its webhook: nothing but failure, or the destination wanted no more.
        WebhookDisabled = "webhook_disabled",
        /// Someone deactivated its webhook.
        WebhookInactive = "webhook_inactive",
        /// Its webhook was deleted.
        WebhookDeleted = "webhook_deleted",
        /// Someone cancelled it.
        Cancelled = "cancelled",
    }
);

impl CancelReason {
    /// Those by which a webhook got no deliveries any more: once it does again, they can be made.
    pub const OF_WEBHOOK: [Self; 2] = [Self::WebhookDisabled, Self::WebhookInactive];
}

/// Which action of which record.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub struct Place {
    /// The record's position in the request, from 0 on; not shown for the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub record: u32,
    /// The action's position in the webhook's configuration, from 0 on.
    #[serde(default)]
    #[schema(required = true)]
    pub step: u32,
    /// If a script asked for it: its position in what the script returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub part: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What one action did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionLog {
    /// Its type.
    #[serde(rename = "type")]
    pub action: String,
    /// Which it is.
    #[serde(flatten)]
    pub place: Place,
    /// How it ended.
    pub status: ActionStatus,
    /// In words.
    pub detail: String,
    /// Whole milliseconds it took.
    pub duration_ms: i64,
    /// What came back: the answer to a call, what a script returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub output: Option<Value>,
    /// Whether it failed for a reason that may pass: then it is tried again by itself.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub passing: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A field of a request at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where: a dotted path.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// What a request came to, as the log keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// What each action did; of all records, in order.
    pub actions: Vec<ActionLog>,
    /// Why it failed, if it did.
    pub errors: Vec<FieldError>,
    /// What did not fit, without being a failure.
    pub warnings: Vec<String>,
    /// The events that it caused.
    pub events: Vec<EventId>,
    /// Of several records, those that had been sent before: nothing is done with them, now or when the request is run again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub duplicates: Vec<Duplicate>,
    /// How often it was begun, once that is another number than its runs: a run that goes on where an action came back begins
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub tries: Option<i64>,
}

/// A record that had been sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Duplicate {
    /// Its position in the request, from 0 on.
    pub record: u32,
    /// The request that it came with first.
    pub of: RequestId,
}

impl Duplicate {
    /// Whether the record at this position is one of these, which are in the order of their positions.
    pub fn is_among(duplicates: &[Self], record: u32) -> bool {
        duplicates.binary_search_by_key(&record, |duplicate| duplicate.record).is_ok()
    }
}
