//! *flood*: unsigned requests to one webhook beside legitimate ones to another, which are sent as fast as [`CONNECTIONS`]
//! connections can, alone and beside the flood.
//!
//! What is compared is the throughput of the legitimate ones, beside the flood and alone before and after it. Floods of two
//! paces are measured. The one with a target comes at an even [`RATE`], five times what a busy site gets in a day's best minute,
//! for the generator shares the machine with the program: a flood that is sent as fast as it can takes from the legitimate
//! side what *sending* it costs, too, and half of all connections, whatever the server does. That one is measured as well,
//! without a target.
//!
//! The growth of memory is that from before the flood to its peak beside it. The disk is what the data folder (on PostgreSQL
//! the database, as the server tells its size) grows by in a flood of its own with nobody else writing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::load::{Load, Measured, Pace};
use crate::report::{Figure, Report, Row};
use crate::scenario::{CONNECTIONS, Run};
use crate::subject::{Place, Subject};

/// Unsigned requests a second of the flood that has a target: far more than anybody sends by mistake.
const RATE: u64 = 5_000;
/// The most that memory may grow, in MiB.
const MAX_GROWTH: f64 = 64.0;
/// The most that the disk may hold of the flood, in MiB: 100 rejections a minute are logged, each of at most some 6 KiB, which
/// the database's own log holds once more.
const MAX_DISK: f64 = 4.0;
/// The share of their throughput that legitimate requests keep at least.
const LEAST_KEPT: f64 = 0.8;
/// Longer than any flood takes.
const PATIENCE: Duration = Duration::from_secs(600);

/// A flood, what came of the legitimate requests beside it, and by how many MiB memory grew.
struct Flooded {
    flood: Measured,
    beside: Measured,
    growth: f64,
}

impl Run<'_> {
    /// Measures it.
    pub async fn flood(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let legitimate = subject.act(CONNECTIONS, Pace::Closed).await?;
        legitimate.run(self.warm_up()).await?;
        let before = legitimate.run(self.window).await?;
        let paced = self.flooded(&subject, &legitimate, Pace::Open(RATE)).await?;
        let between = legitimate.run(self.window).await?;
        let fastest = self.flooded(&subject, &legitimate, Pace::Closed).await?;
        let after = legitimate.run(self.window).await?;

        let row = |name: &str, measured: &Measured| Row::of(name.to_owned(), self.name(), measured);
        report.add(row("legitimate at full speed, alone", &before));
        let share = paced.beside.rate() / f64::midpoint(before.rate(), between.rate());
        let kept =
            Figure::ratio(share, "of alone").target(format!("of alone ≥ {LEAST_KEPT}"), share >= LEAST_KEPT);
        let name = format!("legitimate at full speed, beside a flood of {RATE}/s");
        report.add(Row { figure: Some(kept), ..row(&name, &paced.beside) });
        let grown = Figure::ratio(paced.growth, "MiB more")
            .target(format!("growth ≤ {MAX_GROWTH} MiB"), paced.growth <= MAX_GROWTH);
        let name = format!("flood of {} unsigned", paced.flood.requests);
        report.add(Row { figure: Some(grown), ..row(&name, &paced.flood) });
        report.add(row("legitimate at full speed, alone again", &between));
        let share = fastest.beside.rate() / f64::midpoint(between.rate(), after.rate());
        let name = "legitimate at full speed, beside a flood at full speed";
        report.add(Row { figure: Some(Figure::ratio(share, "of alone")), ..row(name, &fastest.beside) });
        let name = format!("flood of {} unsigned at full speed", fastest.flood.requests);
        let grown = Figure::ratio(fastest.growth, "MiB more");
        report.add(Row { figure: Some(grown), ..row(&name, &fastest.flood) });
        report.add(row("legitimate at full speed, alone at last", &after));
        self.disk_of_a_flood(report).await
    }

    async fn flooded(&self, subject: &Subject, legitimate: &Load, pace: Pace) -> anyhow::Result<Flooded> {
        let (flood, _) = subject.flood(CONNECTIONS, pace, self.options.flood).await?;
        subject.forget_peak()?;
        let before = subject.memory("VmRSS")?;
        let beside = legitimate.run(PATIENCE);
        let flooding = async {
            let flood = flood.run(PATIENCE).await;
            legitimate.stop.store(true, Ordering::Relaxed);
            flood
        };
        let (beside, flood) = tokio::try_join!(beside, flooding)?;
        legitimate.stop.store(false, Ordering::Relaxed);
        Ok(Flooded { flood, beside, growth: subject.memory("VmHWM")? - before })
    }

    async fn disk_of_a_flood(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let (flood, flooded) = subject.flood(CONNECTIONS, Pace::Closed, self.options.flood).await?;
        let before = subject.disk_mib(&place).await?;
        flood.run(PATIENCE).await?;
        let growth = subject.disk_mib(&place).await? - before;
        let entries = entries(&subject, &flooded).await?;
        let figure =
            Figure::ratio(growth, "MiB more").target(format!("disk ≤ {MAX_DISK} MiB"), growth <= MAX_DISK);
        let name = format!("data after a flood of {}: {entries} entries", self.options.flood);
        report.add(Row { figure: Some(figure), ..Row::new(name, self.name()) });
        Ok(())
    }
}

/// How many entries the log has of a flood, of which nothing was let in.
async fn entries(subject: &Subject, webhook_id: &str) -> anyhow::Result<usize> {
    let (mut entries, mut cursor) = (0, String::new());
    loop {
        let path = format!("/incoming-webhooks/{webhook_id}/requests?limit=200{cursor}");
        let page: Value = subject.api.get(&path).await?.expect(http::StatusCode::OK)?;
        let data = page["data"].as_array().context("no list")?;
        if data.iter().any(|entry| entry["status"] != "rejected") {
            bail!("a request of the flood was let in");
        }
        entries += data.len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(entries),
        }
    }
}
