//! What the logs of requests and of deliveries have in common: filters, clearing, and JSON that was kept as text.

use domain::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use store::LogFilter;
use utoipa::IntoParams;

/// Entries deleted in one transaction, so that nobody waits long for it.
pub const CLEAR_CHUNK: usize = 1_000;

/// Which entries of a log to show. A status is asked for beside it.
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
    /// what was sent.
    #[param(min_length = 1, max_length = 500)]
    q: Option<String>,
}

impl LogParams {
    /// The entries behind one, of a status.
    pub fn filter<Id, Status>(self, status: Option<Status>, before: Option<Id>) -> LogFilter<Id, Status> {
        let Self { event_type, since, until, q } = self;
        LogFilter { status, event_type, since, until, contains: q, before }
    }
}

/// Which part of a log to clear.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClearParams {
    /// Only what was made before; all that there is now if it is not given.
    #[param(inline)]
    pub until: Option<Timestamp>,
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
