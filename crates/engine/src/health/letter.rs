//! What is told of a destination, as a mail.

use domain::{EventType, OutgoingWebhook, catalog};
use serde_json::Value;

/// Who gets mails about outgoing webhooks.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    /// Their addresses.
    pub to: Vec<String>,
    /// Where people reach this server, if that is known: mails lead there.
    pub public_url: Option<String>,
}

impl Alerts {
    /// Subject and text of the mail about an event.
    pub(super) fn letter(
        &self,
        event_type: &EventType,
        webhook: &OutgoingWebhook,
        data: &Value,
    ) -> (String, String) {
        let name = &webhook.settings.name;
        let text = |member: &str| data[member].as_str().unwrap_or("an unknown time").to_owned();
        let (host, attempts) = (text("webhook_host"), &data["failed_attempts"]);
        let last = match (&data["http_status"], &data["error_code"]) {
            // An answer that broke off, or is not what was wanted, has a status as well.
            (_, Value::String(code)) if code != "http_status" => format!("The last one failed: {code}."),
            (Value::Number(status), _) => format!("The last one was answered with {status}."),
            _ => String::new(),
        };
        let (subject, mut body) = if *event_type == catalog::WEBHOOK_RECOVERED {
            let body = format!(
                "{host} takes deliveries again since {}. What had waited is being sent.\n\nEvery attempt from {} on had failed, {attempts} in all.\n",
                text("recovered_at"),
                text("failing_since"),
            );
            (format!("{name} delivers again"), body)
        } else if *event_type == catalog::WEBHOOK_DISABLED {
            let body = format!(
                "The program has deactivated this webhook, which delivers to {host}.\n\n{}.\n\nIt gets no events until somebody sets it to active. What waited for it is cancelled, and can be sent again then (\"recover\").\n",
                text("reason"),
            );
            (format!("{name} was deactivated"), body)
        } else {
            let end = match &data["disabled_at_the_earliest"] {
                Value::String(at) => {
                    format!("If nothing arrives until then, the webhook is deactivated at {at} or later.\n")
                }
                _ => String::new(),
            };
            let body = format!(
                "Nothing has arrived at {host} since {}: {attempts} attempts in a row have failed. {last}\n\nWhat is not delivered waits and is tried again by its schedule.\n{end}",
                text("failing_since"),
            );
            (format!("{name} delivers nothing"), body)
        };
        if let Some(url) = &self.public_url {
            body.push_str(&format!("\n{url}/outgoing/{}\n", webhook.id));
        }
        (subject, body)
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn letters_say_what_happened_and_where_to_go() {
        let settings =
            serde_json::json!({"name": "HubSpot", "url": "https://api.example.com/secret", "events": ["*"]});
        let webhook = OutgoingWebhook {
            id: "f6e5d4c3b2a1".parse().unwrap(),
            settings: serde_json::from_value(settings).unwrap(),
            disabled_reason: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        let alerts = Alerts { to: vec![], public_url: Some("https://hooks.example.com".into()) };
        for (kind, subject, part) in [
            (
                catalog::WEBHOOK_FAILING,
                "HubSpot delivers nothing",
                "12 attempts in a row have failed. The last one was answered with 503.",
            ),
            (catalog::WEBHOOK_DISABLED, "HubSpot was deactivated", "Nothing but failure for 5 days."),
            (catalog::WEBHOOK_RECOVERED, "HubSpot delivers again", "again since 2026-01-15T12:00:00Z"),
        ] {
            let (got, text) = alerts.letter(&kind, &webhook, &catalog::example(&kind));
            assert_eq!(got, subject);
            assert!(text.contains(part), "{text}");
            assert!(text.ends_with("https://hooks.example.com/outgoing/f6e5d4c3b2a1\n"), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
