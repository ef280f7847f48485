//! The retries of an outgoing webhook, as the interface has them: by the name of a schedule, or as a list.

use domain::log::FieldError;
use domain::outgoing::{RetrySchedule, RetrySettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// When a delivery that failed is tried again: the name of a schedule, or a list of one's own. If both are given they must
/// say the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// `default`: after 5 minutes, 30 minutes and 2 hours; `extended`: nine times over 3 days, the first after 5 seconds;
    /// `custom`: as `schedule_seconds` says.
    schedule: Option<RetrySchedule>,
    /// Seconds from the first attempt to each retry, growing.
    #[schema(max_items = 18, example = json!([300, 1800, 7200]))]
    schedule_seconds: Option<Vec<u32>>,
}

impl Retry {
    /// As it is shown: with both.
    pub fn shown(settings: RetrySettings) -> Self {
        Self { schedule: Some(settings.name()), schedule_seconds: Some(settings.schedule_seconds) }
    }

    /// What it means.
    pub fn settings(&self) -> RetrySettings {
        let named = || Some(self.schedule?.seconds()?.to_vec());
        match self.schedule_seconds.clone().or_else(named) {
            Some(schedule_seconds) => RetrySettings { schedule_seconds },
            None => RetrySettings::default(),
        }
    }

    /// What does not fit together.
    pub fn fault(&self) -> Option<FieldError> {
        let message = match (self.schedule?.seconds(), self.schedule_seconds.as_deref()) {
            (None, None) => "needs schedule_seconds",
            (Some(named), Some(seconds)) if named != seconds => {
                "is not what schedule_seconds says: leave one of them out, or choose custom"
            }
            _ => return None,
        };
        Some(FieldError { field: "retry.schedule".to_owned(), message: message.to_owned() })
    }

    /// Of a webhook as it is, what a change is to take the place of: who names one of the two means the other one, too.
    pub fn make_way(current: &mut Value, patch: &Value) {
        let Some(changes) = patch.get("retry").and_then(Value::as_object) else { return };
        let Some(current) = current.get_mut("retry").and_then(Value::as_object_mut) else { return };
        if !changes.contains_key("schedule") {
            current.remove("schedule");
        }
        // `custom` alone keeps the list that there is.
        if changes.get("schedule").is_some_and(|name| name != "custom") {
            current.remove("schedule_seconds");
        }
    }
}
