//! *strangers*: how long the answer to an unknown webhook's id takes, against that to a wrong token. Whoever could tell them
//! apart by time could find out which ids exist.
//!
//! One connection asks for both in turns, one at a time, so that whatever the machine does happens to both.

use anyhow::Context;
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
        let mut latencies = [clock::histogram()?, clock::histogram()?];
        let started = clock::instant();
        while started.elapsed() < self.window {
            for (id, latency) in ids.iter().zip(&mut latencies) {
                let path = format!("{BASE}/webhooks/{id}?token={WRONG}");
                let sent = clock::instant();
                let answer =
                    api.raw(Method::POST, &path, &[("content-type", "application/json")], "{}").await?;
                latency.saturating_record(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
                answer.expect(StatusCode::NOT_FOUND)?;
            }
        }
        let medians = latencies.each_ref().map(|latency| latency.value_at_quantile(0.5).max(1));
        let ratio = medians[1] as f64 / medians[0] as f64;
        for ((name, latency), is_last) in
            [("unknown id", &latencies[0]), ("wrong token", &latencies[1])].into_iter().zip([false, true])
        {
            let times = (latency.value_at_quantile(0.5), latency.value_at_quantile(0.99));
            let figure = Figure::ratio(ratio, "of unknown id")
                .target(format!("of unknown id 1 ± {MOST_APART}"), (ratio - 1.0).abs() <= MOST_APART);
            let figure = is_last.then_some(figure);
            report.add(Row { latency_us: Some(times), figure, ..Row::new(name, self.name()) });
        }
        Ok(())
    }
}
