//! *strangers*: how long the answer to an unknown webhook's id takes, against that to a wrong token. Whoever could tell them
//! apart by time could find out which ids exist.
//!
//! One connection asks for both in turns, one at a time, so that whatever the machine does happens to both. With a token, most of
//! the time is the look at the database for webhooks that another node made, of which there are 20 a second; without one there is
//! no look, and what remains is the comparison.

use anyhow::Context;
use hdrhistogram::Histogram;
use http::{Method, StatusCode};
use serde_json::json;
use testkit::Api;
use testkit::http::BASE;

use crate::clock;
use crate::report::{Figure, Report, Row};
use crate::scenario::Run;
use crate::subject::Place;

/// How far the medians may be apart, either way: what two runs of the same differ by on a busy machine.
const MOST_APART: f64 = 0.1;
/// A token of the right form.
const WRONG: &str = "wrong-token-wrong-token-wrong-token-wrong-to";

impl Run<'_> {
    /// Measures it.
    pub async fn strangers(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let settings = json!({"name": "known", "event_type": "subscriber_added", "signature": {"scheme": "hmac_sha256"}});
        let webhook = subject.create("/incoming-webhooks", settings).await?;
        let known = webhook["id"].as_str().context("no id")?;
        let api = Api::anonymous(subject.address());
        let ids = ["zzzzzzzzzzzz", known];
        for (what, query) in [("wrong", &*format!("?token={WRONG}")), ("no", "")] {
            let [unknown, known] = self.in_turns(&api, ids.map(|id| format!("{id}{query}"))).await?;
            let median = |latency: &Histogram<u64>| latency.value_at_quantile(0.5).max(1);
            let row = |name: String, latency: &Histogram<u64>| Row {
                latency_us: Some((latency.value_at_quantile(0.5), latency.value_at_quantile(0.99))),
                ..Row::new(name, self.name())
            };
            report.add(row(format!("stranger with {what} token: unknown id"), &unknown));
            let ratio = median(&known) as f64 / median(&unknown) as f64;
            let figure = Figure::ratio(ratio, "of unknown id")
                .target(format!("of unknown id 1 ± {MOST_APART}"), (ratio - 1.0).abs() <= MOST_APART);
            let known = row(format!("stranger with {what} token: id of a webhook"), &known);
            report.add(Row { figure: Some(figure), ..known });
        }
        Ok(())
    }

    /// How long the answers to both took, in microseconds.
    async fn in_turns(&self, api: &Api, paths: [String; 2]) -> anyhow::Result<[Histogram<u64>; 2]> {
        let mut latencies = [clock::histogram()?, clock::histogram()?];
        let started = clock::instant();
        while started.elapsed() < self.window {
            for (path, latency) in paths.iter().zip(&mut latencies) {
                let path = format!("{BASE}/webhooks/{path}");
                let sent = clock::instant();
                let answer =
                    api.raw(Method::POST, &path, &[("content-type", "application/json")], "{}").await?;
                latency.saturating_record(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
                answer.expect(StatusCode::NOT_FOUND)?;
            }
        }
        Ok(latencies)
    }
}
