//! What the logs have in common: filters, pages, clearing, and JSON that was kept as text.

use domain::Timestamp;
use engine::Searched;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::LogFilter;
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::page::cursor;

/// Entries deleted in one transaction while the caller waits, so that nobody else waits long.
pub const CLEAR_CHUNK: usize = 1_000;

/// Until now: what is made from here on is not meant. Ids are of whole milliseconds, so those of this one are.
pub fn until_now(api: &Api) -> Timestamp {
    api.engine().now().plus_millis(1)
}

/// Which entries of a log are meant. A status is asked for beside it.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogParams {
    /// Only those of this kind of event.
    #[param(min_length = 1, max_length = 64, example = "subscriber_added")]
    event_type: Option<String>,
    /// Only those made then or later.
    #[param(inline)]
    since: Option<Timestamp>,
    /// Only those made before.
    #[param(inline)]
    until: Option<Timestamp>,
    /// Only those that contain this text, in any case: a request in its payload, headers, errors and actions, a delivery in
    /// what was sent and what came back, an event in its data.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
}

impl LogParams {
    /// The entries of these statuses.
    pub fn filter<Id, Status>(self, statuses: Vec<Status>) -> LogFilter<Id, Status> {
        let Self { event_type, since, until, q } = self;
        LogFilter { statuses, event_type, since, until, contains: q, ids: None }
    }
}

/// A page of a log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogPage<T> {
    /// The entries, newest first.
    pub data: Vec<T>,
    /// For the page behind this one; `null` on the last.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// If the page ended early, because looking through more would have taken long: entries older than this were not looked
    /// at. `next_cursor` goes on there.
    #[schema(required = true)]
    pub searched_until: Option<Timestamp>,
}

impl<T> LogPage<T> {
    /// The page of what was found; `made_at` is the moment in an id.
    pub fn new<Id: ToString + Copy>(
        searched: &Searched<Id>,
        data: Vec<T>,
        made_at: impl Fn(Id) -> Timestamp,
    ) -> Self {
        Self {
            data,
            next_cursor: searched.next.map(|next| cursor(&next.to_string())),
            searched_until: searched.next.filter(|_| searched.ended_early).map(made_at),
        }
    }
}

/// How a log is cleared.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClearParams {
    /// Only to say how many it would be.
    #[serde(default)]
    #[param(default = false)]
    pub dry_run: bool,
}

/// What was cleared.
#[derive(Serialize, ToSchema)]
pub struct Cleared {
    /// How many entries were deleted; with `dry_run`, how many it would be.
    pub deleted: i64,
}

/// JSON that was kept as text, as it was, and any other text as a JSON string.
pub fn json(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The body of a request: JSON, or whatever else was sent as a JSON string.
pub fn payload(text: String) -> Box<RawValue> {
    let quoted = |text: &str| serde_json::value::to_raw_value(text).unwrap_or(RawValue::NULL.to_owned());
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => json(text),
        Err(_) => quoted(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_stays_as_it_is_and_what_is_not_becomes_a_string() {
        for (text, shown) in [
            (r#"{"n":12345678901234567890.10}"#, r#"{"n":12345678901234567890.10}"#),
            ("{ \"a\" : 1 }", "{ \"a\" : 1 }"),
            (r#"{"a":"#, r#""{\"a\":""#),
            ("", r#""""#),
            ("a \"b\"", r#""a \"b\"""#),
        ] {
            assert_eq!(payload(text.to_owned()).get(), shown);
        }
    }
}
