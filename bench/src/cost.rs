//! *cost*: processor time of receiving with a signature, a mapping of 10 fields, a filter and two actions, against that of
//! plain ingest of the same bodies in the same run.
//!
//! Twice: on subscribers that exist and stay as they are, which is what receiving costs; and on new ones, which adds what
//! their rows and events cost to write.

use anyhow::Context;
use serde_json::{Value, json};
use signature::{Secret, SigningKey};

use crate::load::{Load, Make, Pace};
use crate::report::{Figure, Report, Row};
use crate::scenario::{CONNECTIONS, Run};
use crate::subject::{Place, Subject, signed};

/// How much more it may cost.
const MOST: f64 = 1.3;
/// Subscribers of the load on existing ones.
const EXISTING: u64 = 1_000;

impl Run<'_> {
    /// Measures it.
    pub async fn cost(&self, report: &mut Report) -> anyhow::Result<()> {
        // Plain before and after, for the machine drifts.
        let before = self.cost_of("plain ingest", None).await?;
        let existing = self
            .cost_of("signature, 10 fields, filter, 2 actions; existing subscribers", Some(existing))
            .await?;
        let new = self.cost_of("signature, 10 fields, filter, 2 actions; new subscribers", Some(new)).await?;
        let after = self.cost_of("plain ingest, again", None).await?;
        let used = |row: &Row| row.cpu_per_1000.map_or(0.0, |(program, database)| program + database);
        let plain = f64::midpoint(used(&before), used(&after));
        report.add(before);
        let times = |row: &Row| used(row) / plain;
        let (of_existing, of_new) = (times(&existing), times(&new));
        let figure =
            Figure::ratio(of_existing, "× plain").target(format!("CPU ≤ {MOST} ×"), of_existing <= MOST);
        report.add(Row { figure: Some(figure), ..existing });
        // What it costs beyond receiving to write a new subscriber, a tag and two events; nobody set a target for that.
        report.add(Row { figure: Some(Figure::ratio(of_new, "× plain")), ..new });
        report.add(after);
        Ok(())
    }

    /// The cost of acting on such requests, or of plain ingest.
    async fn cost_of(&self, name: &str, requests: Option<Requests>) -> anyhow::Result<Row> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let load = match requests {
            Some(requests) => acting(&subject, requests).await?,
            None => plain(&subject).await?,
        };
        load.run(self.warm_up()).await?;
        let cpu = subject.cpu()?;
        let measured = load.run(self.window).await?;
        let mut row = Row::of(name.to_owned(), self.name(), &measured);
        row.cpu(cpu, subject.cpu()?, measured.requests);
        Ok(row)
    }
}

type Requests = fn(String, Option<SigningKey>) -> Make;

async fn plain(subject: &Subject) -> anyhow::Result<Load> {
    let settings = json!({"name": "plain", "event_type": "subscriber_added"});
    let webhook = subject.create("/incoming-webhooks", settings).await?;
    subject.load(CONNECTIONS, Pace::Closed, &webhook, existing, None)
}

async fn acting(subject: &Subject, requests: Requests) -> anyhow::Result<Load> {
    let webhook = subject.create("/incoming-webhooks", settings()).await?;
    let secret = webhook["signature"]["secret"].as_str().context("no secret")?.to_owned();
    subject.load(CONNECTIONS, Pace::Closed, &webhook, requests, Some(SigningKey::new(&Secret::new(secret))?))
}

fn settings() -> Value {
    let custom = |name: &str| json!({"to": format!("custom_field.{name}"), "from": format!("data.{name}")});
    json!({
        "name": "full", "event_type": "subscriber_added", "signature": {"scheme": "hmac_sha256"},
        "filter": "data.status == 'subscribed'",
        "mapping": [
            {"to": "email", "from": "data.contact_email"}, {"to": "first_name", "from": "data.first_name"},
            {"to": "last_name", "from": "data.last_name"}, {"to": "phone", "from": "data.phone"},
            {"to": "company", "from": "data.company_name"},
            custom("city"), custom("country"), custom("plan"), custom("language"), custom("referrer"),
        ],
        "actions": [{"type": "add_subscriber"}, {"type": "apply_tag", "tags": ["web"]}],
    })
}

fn existing(path: String, key: Option<SigningKey>) -> Make {
    signed(path, key, |number| body(number % EXISTING))
}

fn new(path: String, key: Option<SigningKey>) -> Make {
    signed(path, key, body)
}

fn body(number: u64) -> String {
    format!(
        r#"{{"event":"subscriber_added","timestamp":"2024-01-15T10:30:00Z","data":{{"contact_email":"john.doe.{number}@example.com","status":"subscribed","first_name":"John","last_name":"Doe","phone":"+15550100","company_name":"Acme Corp","city":"Turin","country":"IT","plan":"pro","language":"it","referrer":"search"}}}}"#
    )
}
