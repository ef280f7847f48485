//! What is told of how a destination does, with the change that it is about.

use delivery::Notice;
use domain::audit::{Act, Actor, ActorKind, Entry, TargetKind, Verb};
use domain::change::Draft;
use domain::incoming::WebhookStatus;
use domain::{EventId, EventType, OutgoingWebhook, Timestamp, WebhookId, catalog};
use serde_json::{Value, json};
use store::health::{Disabled, HealthRow};
use store::mails::MailRow;

use crate::command::Executed;
use crate::decide::Decision;

const GONE: &str = "The destination answered 410 Gone: it wants no more deliveries";

impl Decision<'_> {
    /// Tells what is to be told of a webhook's destination. If another node has done so meanwhile, there is nothing.
    pub(crate) fn settle(&mut self, webhook_id: &WebhookId) -> Executed {
        let Some(row) = self.health.remove(webhook_id) else { return Executed::Settled };
        let snapshot = self.snapshot;
        let outgoing = snapshot.outgoing.get(webhook_id).filter(|outgoing| outgoing.gets_deliveries());
        let Some(outgoing) = outgoing else {
            self.writes.health.push(HealthRow::well(webhook_id.clone()));
            return Executed::Settled;
        };
        let webhook = &outgoing.webhook;
        let disable_after = self.shared.operations.disable_after(&webhook.settings);
        let Some(notice) = row.health.notice(disable_after) else { return Executed::Settled };
        let reason = match notice {
            Notice::Gone => Some(GONE.to_owned()),
            Notice::Exhausted => {
                let lasted = span(disable_after.unwrap_or_default());
                Some(format!("Nothing but failure for {lasted}: {} attempts in a row", row.health.failures))
            }
            Notice::Failing | Notice::Recovered => None,
        };
        let (event_type, data) = told(webhook, &row, notice, reason.as_deref(), disable_after);
        let letter = self.shared.operations.alerts.letter(&event_type, webhook, &data);
        let draft = Draft { event_type, data: data.to_string(), subject: None, is_whole: true };
        let event_id = self.tell_about(draft, webhook_id);
        self.mail(event_id, letter);
        if let Some(reason) = reason {
            let act = Act::new(TargetKind::OutgoingWebhook, Verb::Disabled).on(webhook_id);
            let act = act.named(&webhook.settings.name).making(&json!({"disabled_reason": reason}));
            let id = self.shared.ids.lock().next(self.now);
            self.writes.audit.push(Entry { id, actor: Actor::here(ActorKind::Program), act });
            let version = snapshot.version;
            self.writes.disabled.push(Disabled { version, webhook: disabled(webhook, reason, self.now) });
        }
        let health = row.health.told(notice, self.now.millis());
        self.writes.health.push(HealthRow { health, ..row });
        Executed::Settled
    }

    /// Has a letter sent to everyone who is to get it.
    fn mail(&mut self, event_id: EventId, (subject, body): (String, String)) {
        for (number, recipient) in self.shared.operations.alerts.to.iter().enumerate() {
            self.writes.mails.push(MailRow {
                id: format!("{event_id}.{number}"),
                recipient: recipient.clone(),
                subject: subject.clone(),
                body: body.clone(),
                created_at: self.now,
                attempts: 0,
            });
        }
    }
}

fn disabled(webhook: &OutgoingWebhook, reason: String, now: Timestamp) -> OutgoingWebhook {
    let mut webhook = webhook.clone();
    webhook.settings.status = WebhookStatus::Inactive;
    OutgoingWebhook { disabled_reason: Some(reason), updated_at: now, ..webhook }
}

fn told(
    webhook: &OutgoingWebhook,
    row: &HealthRow,
    notice: Notice,
    reason: Option<&str>,
    disable_after: Option<i64>,
) -> (EventType, Value) {
    let health = &row.health;
    let mut data = json!({
        "webhook_id": webhook.id,
        "webhook_name": webhook.settings.name,
        // Not the whole URL: with many receivers it is a secret.
        "webhook_host": host(&webhook.settings.url),
        "failing_since": moment(health.failing_since),
        "failed_attempts": health.failures,
        "http_status": row.last_http_status,
        "error_code": row.last_error_code,
    });
    let event_type: EventType = match notice {
        Notice::Failing => {
            let earliest = health.failing_since.zip(disable_after);
            data["disabled_at_the_earliest"] = moment(earliest.map(|(since, after)| since + after));
            catalog::WEBHOOK_FAILING
        }
        Notice::Recovered => {
            data["recovered_at"] = moment(health.recovered_at);
            catalog::WEBHOOK_RECOVERED
        }
        Notice::Exhausted | Notice::Gone => {
            data["reason"] = reason.into();
            catalog::WEBHOOK_DISABLED
        }
    };
    (event_type, data)
}

fn moment(millis: Option<i64>) -> Value {
    millis.map(|millis| Timestamp::from_millis(millis).to_string()).into()
}

fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// A length of time in words, in its largest whole unit.
fn span(millis: i64) -> String {
    let seconds = millis / 1_000;
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let whole = units.into_iter().find(|(length, _)| seconds >= *length && seconds % length == 0);
    let (length, name) = whole.unwrap_or((1, "second"));
    let count = seconds / length;
    match (count, name) {
        (1, "hour") => "an hour".to_owned(),
        (1, _) => format!("a {name}"),
        _ => format!("{count} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_words() {
        for (seconds, words) in
            [(432_000, "5 days"), (3_600, "an hour"), (90, "90 seconds"), (120, "2 minutes"), (1, "a second")]
        {
            assert_eq!(span(seconds * 1_000), words, "{seconds}");
        }
    }

    #[test]
    fn of_a_url_only_the_host_is_told() {
        assert_eq!(
            host("https://user:pw@hooks.example.com/services/T0/B0/secret?key=1"),
            "hooks.example.com"
        );
    }
}
