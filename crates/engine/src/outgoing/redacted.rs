//! What the log of an outgoing webhook shows of what was sent, where it must not show all of it: values at the paths that the
//! webhook names, and whatever repeats them, such as an answer that echoes the request.

use domain::Event;
use domain::redact::{MASK, Masked, RedactPath};
use serde_json::Value;
use store::record::AttemptRow;

use super::variables;
use crate::snapshot::Outgoing;

/// The row of an attempt without what the log must not hold.
pub(crate) fn attempt(outgoing: &Outgoing, event: &Event, mut row: AttemptRow) -> AttemptRow {
    let paths = &outgoing.webhook.settings.redact;
    if paths.is_empty() {
        return row;
    }
    // Values stand in an address in more than one encoding.
    row.target = None;
    let masked = match &mut row.request_body {
        Some(body) => match mask_body(paths, body) {
            Some(masked) => masked,
            None => return unseen(row),
        },
        None => Masked::mask(paths, &mut with_beside(event)),
    };
    masked.hide_json(&mut row.request_headers);
    masked.hide_json(&mut row.response_headers);
    masked.hide_json(&mut row.response_body);
    if let Some(error) = &mut row.error {
        masked.hide(error);
    }
    row
}

/// What is masked in a body; `None` if it is not JSON, or was cut.
fn mask_body(paths: &[RedactPath], body: &mut String) -> Option<Masked> {
    let mut value = serde_json::from_str::<Value>(body).ok()?;
    let masked = Masked::mask(paths, &mut value);
    *body = value.to_string();
    Some(masked)
}

/// Nobody looked into the body: all of it may be what must not be shown, and whatever else there is may repeat it.
fn unseen(row: AttemptRow) -> AttemptRow {
    AttemptRow {
        request_headers: "{}".to_owned(),
        request_body: Some(MASK.to_owned()),
        response_headers: "{}".to_owned(),
        response_body: MASK.to_owned(),
        ..row
    }
}

fn envelope(event: &Event) -> Value {
    serde_json::from_str(&event.envelope()).unwrap_or_default()
}

/// The same with what is kept beside the data: headers may have that, too.
fn with_beside(event: &Event) -> Value {
    let mut envelope = envelope(event);
    if let (Value::Object(known), Some(data)) = (variables::beside(event), envelope["data"].as_object_mut()) {
        for (name, value) in known {
            data.entry(name).or_insert(value);
        }
    }
    envelope
}

/// The event's envelope as the log of the webhook shows it.
pub fn shown(paths: &[RedactPath], event: &Event) -> String {
    if paths.is_empty() {
        return event.envelope();
    }
    let mut envelope = envelope(event);
    Masked::mask(paths, &mut envelope);
    envelope.to_string()
}

/// A test's event as it is kept.
pub(crate) fn test_event(outgoing: &Outgoing, event: &Event) -> Event {
    let paths = &outgoing.webhook.settings.redact;
    if paths.is_empty() {
        return event.clone();
    }
    let mut envelope = envelope(event);
    Masked::mask(paths, &mut envelope);
    Event { data: envelope["data"].to_string().into(), ..event.clone() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::log::DeliveryStatus;
    use serde_json::json;

    use super::*;
    use crate::snapshot::Outgoing;
    use crate::testing::{NOW, destination, snapshot};

    fn outgoing_with(redact: &[&str]) -> Outgoing {
        let mut snapshot = Arc::into_inner(snapshot(json!({}), &[&["order_paid"]])).unwrap();
        let outgoing = snapshot.outgoing.remove(&destination(0)).unwrap();
        drop(snapshot);
        let mut outgoing = Arc::into_inner(outgoing).unwrap();
        outgoing.webhook.settings.redact = redact.iter().map(|path| path.parse().unwrap()).collect();
        outgoing
    }

    fn row(request_body: Option<&str>) -> AttemptRow {
        AttemptRow {
            delivery_id: "dlv_01hm6m6f40qv1s0a7yj1e2x3z4".parse().unwrap(),
            webhook_id: "f6e5d4c3b2a1".parse().unwrap(),
            subject: None,
            number: 1,
            attempted_at: NOW,
            first_attempt_at: NOW,
            duration_ms: 1,
            is_sent: true,
            http_status: Some(422),
            error_code: Some("http_status"),
            error: None,
            target: Some("PUT https://a.b/cards/4111-1111".to_owned()),
            request_headers: r#"{"x-card":"4111-1111"}"#.to_owned(),
            request_body: request_body.map(str::to_owned),
            response_headers: "{}".to_owned(),
            response_body: r#"{"echo":{"card":"4111-1111"}}"#.to_owned(),
            status: DeliveryStatus::Failed,
            due_at: None,
            not_before: None,
            sign: None,
        }
    }

    #[test]
    fn what_is_known_of_a_subscriber_is_hidden_where_headers_have_it() {
        let event = Event {
            id: "evt_01hm6m6f40qv1s0a7yj1e2x3z4".parse().unwrap(),
            event_type: "email_opened".parse().unwrap(),
            occurred_at: NOW,
            data: r#"{"subscriber_id":7}"#.into(),
            request_id: None,
            subscriber: Some(r#"{"subscriber_id":7,"phone":"4111-1111"}"#.into()),
        };
        let kept = attempt(&outgoing_with(&["data.phone"]), &event, row(None));
        let shown = format!("{kept:?}");
        assert!(!shown.contains("4111"), "{shown}");
    }

    #[test]
    fn no_part_of_an_entry_shows_it() {
        let event = Event {
            id: "evt_01hm6m6f40qv1s0a7yj1e2x3z4".parse().unwrap(),
            event_type: "order_paid".parse().unwrap(),
            occurred_at: NOW,
            data: r#"{"card":"4111-1111","n":1}"#.into(),
            request_id: None,
            subscriber: None,
        };
        for (path, body) in [
            ("data.card", None),
            ("card", Some(r#"{"card":"4111-1111","n":1}"#)),
            ("card", Some("card=4111-1111")),
        ] {
            let outgoing = outgoing_with(&[path]);
            let kept = attempt(&outgoing, &event, row(body));
            let shown = format!("{kept:?}");
            assert!(!shown.contains("4111"), "{shown}");
        }
        let outgoing = outgoing_with(&["data.card"]);
        assert_eq!(test_event(&outgoing, &event).data.as_ref(), r#"{"card":"••••","n":1}"#);
        assert!(shown(&outgoing.webhook.settings.redact, &event).contains(r#""card":"••••","n":1"#));
        let untouched = attempt(&outgoing_with(&[]), &event, row(None));
        assert!(untouched.response_body.contains("4111"));
    }
}
