//! *bombs*: ten scripts at a time that try to take the machine, while legitimate requests go on at an even [`RATE`].
//!
//! Each must end as a failed action, all ten of a round within [`MOST_MILLIS`] of the first one's request, and the legitimate
//! requests keep their throughput.

use std::time::Duration;

use anyhow::{Context, bail};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::eventually;

use crate::clock;
use crate::load::Pace;
use crate::report::{Figure, Report, Row};
use crate::scenario::{CONNECTIONS, Run};
use crate::subject::{Place, Subject};

/// Legitimate requests a second.
const RATE: u64 = 500;
/// Bombs at a time.
const AT_A_TIME: usize = 10;
/// How long the bombs of a round may take to end, in milliseconds.
const MOST_MILLIS: u128 = 2_000;
/// The share of their throughput that legitimate requests keep at least.
const LEAST_KEPT: f64 = 0.8;
/// How long the last bombs may take: those of a round wait for each other's places.
const PATIENCE: Duration = Duration::from_secs(60);

/// What users might write, by mistake or not.
const BOMBS: [(&str, &str); 5] = [
    ("endless loop", "for (;;) {}"),
    ("memory", "return new Array(1e9).fill('x').length"),
    ("regular expression", "return /^(a+)+$/.test('a'.repeat(40) + '!')"),
    ("recursion", "const f = (n) => 1 + f(n + 1); return f(0)"),
    ("output", "return { data: 'x'.repeat(1024 * 1024 * 1024) }"),
];

impl Run<'_> {
    /// Measures it.
    pub async fn bombs(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let legitimate = subject.act(CONNECTIONS, Pace::Open(RATE)).await?;
        legitimate.run(self.warm_up()).await?;
        let alone = legitimate.run(self.window).await?;
        let mut webhooks = Vec::new();
        for (name, code) in BOMBS {
            webhooks.push(bomb(&subject, name, code).await?);
        }
        let (beside, rounds) =
            tokio::join!(legitimate.run(self.window), throw(&subject, &webhooks, self.window));
        let (beside, (rounds, longest)) = (beside?, rounds?);

        let share = beside.rate() / alone.rate();
        report.add(Row::of(format!("{RATE} legitimate/s, without bombs"), self.name(), &alone));
        let figure =
            Figure::ratio(share, "of alone").target(format!("of alone ≥ {LEAST_KEPT}"), share >= LEAST_KEPT);
        let name = format!("{RATE} legitimate/s, beside bombs");
        report.add(Row { figure: Some(figure), ..Row::of(name, self.name(), &beside) });
        let figure = Figure::new(format!("{longest} ms"))
            .target(format!("round ≤ {MOST_MILLIS} ms"), longest <= MOST_MILLIS);
        let name = format!("{rounds} rounds of {AT_A_TIME} bombs, the longest");
        report.add(Row { figure: Some(figure), ..Row::new(name, self.name()) });
        for ((name, _), webhook) in BOMBS.iter().zip(&webhooks) {
            let figure = Figure::new(format!("{} ms", longest_of(&subject, webhook).await?));
            report.add(Row { figure: Some(figure), ..Row::new(format!("bomb: {name}"), self.name()) });
        }
        Ok(())
    }
}

async fn bomb(subject: &Subject, name: &str, code: &str) -> anyhow::Result<Value> {
    let code = format!("function handle(payload, context) {{ {code} }}");
    let settings = json!({
        "name": name, "event_type": "subscriber_added", "actions": [{"type": "custom_code", "code": code}],
    });
    subject.create("/incoming-webhooks", settings).await
}

/// Throws rounds of ten for so long, each when the one before it has ended: how many rounds, and the milliseconds of the
/// longest.
async fn throw(subject: &Subject, webhooks: &[Value], window: Duration) -> anyhow::Result<(usize, u128)> {
    let started = clock::instant();
    let (mut rounds, mut longest) = (0, 0);
    while started.elapsed() < window {
        let thrown = clock::instant();
        for webhook in webhooks.iter().cycle().take(AT_A_TIME) {
            let url: http::Uri = webhook["url"].as_str().context("no url")?.parse()?;
            let path = url.path_and_query().context("no path")?.as_str();
            let headers = [("content-type", "application/json")];
            let body = r#"{"data":{"email":"bomb@example.com"}}"#;
            let answer = subject.api.raw(Method::POST, path, &headers, body).await?;
            answer.expect(StatusCode::ACCEPTED)?;
        }
        for webhook in webhooks {
            ended(subject, webhook).await?;
        }
        (rounds, longest) = (rounds + 1, longest.max(thrown.elapsed().as_millis()));
    }
    Ok((rounds, longest))
}

/// Waits until nothing is left to be done for a webhook.
async fn ended(subject: &Subject, webhook: &Value) -> anyhow::Result<()> {
    let id = webhook["id"].as_str().context("no id")?;
    let open = ["accepted", "retrying"]
        .map(|status| format!("/incoming-webhooks/{id}/requests?status={status}&limit=1"));
    eventually("the bombs to end", PATIENCE, async || {
        for path in &open {
            let page = subject.api.get(path).await.ok()?.json().ok()?;
            if !page["data"].as_array()?.is_empty() {
                return None;
            }
        }
        Some(())
    })
    .await
}

/// The longest that a bomb took, in milliseconds; all of them must have failed.
async fn longest_of(subject: &Subject, webhook: &Value) -> anyhow::Result<i64> {
    let id = webhook["id"].as_str().context("no id")?;
    let page = subject
        .api
        .get(&format!("/incoming-webhooks/{id}/requests?limit=200"))
        .await?
        .expect(StatusCode::OK)?;
    let mut longest = 0;
    for entry in page["data"].as_array().context("no list")? {
        let action = &entry["actions"][0];
        if entry["status"] != "failed" || action["status"] != "failed" {
            bail!("a bomb did not fail: {entry}");
        }
        longest = longest.max(action["duration_ms"].as_i64().unwrap_or(i64::MAX));
    }
    Ok(longest)
}
