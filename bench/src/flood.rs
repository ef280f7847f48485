//! *flood*: unsigned requests to one webhook, as fast as [`CONNECTIONS`] connections can, while legitimate ones go to
//! another at an even [`RATE`].
//!
//! What is compared is how many of the legitimate ones are answered a second, beside the flood and alone. They come at an even
//! rate because the generator shares the machine: whoever sends as fast as it can is slowed by another who does, whatever the
//! server does. The growth of memory is that from before the flood to its peak; the disk is what the log keeps of the flood.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::load::{Measured, Pace};
use crate::report::{Figure, Report, Row};
use crate::scenario::{CONNECTIONS, Run};
use crate::subject::{Place, Subject};

/// Legitimate requests a second: those of a busy site.
const RATE: u64 = 1_000;
/// The most that memory may grow, in MiB.
const MAX_GROWTH: f64 = 64.0;
/// The most that the log may keep of the flood, in MiB: it logs 100 rejections a minute, each of at most some 6 KiB.
const MAX_DISK: f64 = 4.0;
/// The share of their throughput that legitimate requests keep at least.
const LEAST_KEPT: f64 = 0.8;
/// Longer than any flood takes.
const PATIENCE: Duration = Duration::from_secs(600);

impl Run<'_> {
    /// Measures it.
    pub async fn flood(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let legitimate = subject.act(CONNECTIONS, Pace::Open(RATE)).await?;
        legitimate.run(self.warm_up()).await?;
        let alone = legitimate.run(self.window).await?;

        let (flood, flooded) = subject.flood(CONNECTIONS, self.options.flood).await?;
        subject.forget_peak()?;
        let before = subject.memory("VmRSS")?;
        let (stop, beside) = (legitimate.stop.clone(), legitimate.run(PATIENCE));
        let flooding = async {
            let flood = flood.run(PATIENCE).await;
            stop.store(true, Ordering::Relaxed);
            flood
        };
        let (beside, flood) = tokio::try_join!(beside, flooding)?;
        let growth = subject.memory("VmHWM")? - before;
        let (entries, kept) = kept(&subject, &flooded).await?;

        let share = beside.rate() / alone.rate();
        let row = |name: String, measured: &Measured| Row::of(name, self.name(), measured);
        report.add(row(format!("{RATE} legitimate/s, alone"), &alone));
        let figure =
            Figure::ratio(share, "of alone").target(format!("of alone ≥ {LEAST_KEPT}"), share >= LEAST_KEPT);
        report.add(Row {
            figure: Some(figure),
            ..row(format!("{RATE} legitimate/s, beside a flood"), &beside)
        });
        let target = format!("growth ≤ {MAX_GROWTH} MiB");
        let figure = Figure::ratio(growth, "MiB more").target(target, growth <= MAX_GROWTH);
        report.add(Row {
            figure: Some(figure),
            ..row(format!("flood of {} unsigned", flood.requests), &flood)
        });
        let figure =
            Figure::ratio(kept, "MiB kept").target(format!("disk ≤ {MAX_DISK} MiB"), kept <= MAX_DISK);
        let name = format!("log of the flood: {entries} entries");
        report.add(Row { figure: Some(figure), ..Row::new(name, self.name()) });
        Ok(())
    }
}

/// What the log keeps of a flood: how many entries, and how many MiB as the API shows them, which is more than is stored.
async fn kept(subject: &Subject, webhook_id: &str) -> anyhow::Result<(usize, f64)> {
    let (mut entries, mut bytes, mut cursor) = (0, 0, String::new());
    loop {
        let path = format!("/incoming-webhooks/{webhook_id}/requests?limit=200{cursor}");
        let answer = subject.api.get(&path).await?;
        bytes += answer.body.len();
        let page: Value = answer.expect(http::StatusCode::OK)?;
        let data = page["data"].as_array().context("no list")?;
        if data.iter().any(|entry| entry["status"] != "rejected") {
            bail!("a request of the flood was let in");
        }
        entries += data.len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((entries, bytes as f64 / 1_048_576.0)),
        }
    }
}
