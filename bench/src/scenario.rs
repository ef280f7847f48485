//! What is measured.
//!
//! - *bare*: a handler that reads the body and answers; everything else is shown as a ratio to it.
//! - *idle*: the memory of the program when nothing happens.
//! - *ingest*: requests are stored durably and acknowledged; no action.
//! - *loop*: HMAC verified, mapped, a new subscriber with a tag, two events, one signed delivery to a receiver on this machine,
//!   its attempt recorded. The rate is that of whole loops: the clock stops when the last attempt is recorded.
//! - *stored*: the loop again, with a million subscribers stored, and with a million deliveries that wait for a destination
//!   that never answers; as a ratio to the loop on an empty database right before and after.
//! - *hang*: ten healthy destinations under an even load, with and without an eleventh that never answers; the ratio is that
//!   of the healthy ones' p99 from request to arrival.
//! - *cost*, *flood*, *bombs*, *many*: see [`crate::cost`], [`crate::flood`], [`crate::bombs`] and [`crate::many`].

use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use store::Store;

use crate::load::{Expected, Load, Measured, Pace};
use crate::process::ChildServer;
use crate::report::{Report, Row, Target};
use crate::subject::{Place, Subject, requests};
use crate::{Database, Measurement, Options, machine, seed};

/// Connections of the measurements that name no other number.
pub const CONNECTIONS: usize = 64;
/// How long the program rests before its idle memory is read.
const REST: Duration = Duration::from_secs(5);
/// Healthy destinations beside the one that never answers.
const DESTINATIONS: usize = 10;
/// Requests a second of the even load on them: each becomes a delivery to every one of them.
const EVEN_RATE: u64 = 200;

/// Runs what the options name.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new(machine::describe(&options.folder));
    for database in &options.database {
        for measurement in &options.only {
            progress(&format!("{measurement:?} on {database:?}"));
            let run = Run { options, database: *database, window: Duration::from_secs(options.seconds) };
            match measurement {
                Measurement::Idle => run.idle(&mut report).await,
                Measurement::Ingest => run.ingest(&mut report).await,
                Measurement::Loop => run.full_loop(&mut report).await,
                Measurement::Stored => run.stored(&mut report).await,
                Measurement::Many => run.many(&mut report).await,
                Measurement::Hang => run.hang(&mut report).await,
                Measurement::Cost => run.cost(&mut report).await,
                Measurement::Strangers => run.strangers(&mut report).await,
                Measurement::Flood => run.flood(&mut report).await,
                Measurement::Bombs => run.bombs(&mut report).await,
            }
            .with_context(|| format!("{measurement:?} on {database:?}"))?;
        }
    }
    Ok(report)
}

#[expect(clippy::print_stderr, reason = "who waits for minutes wants to see how far it is")]
fn progress(what: &str) {
    eprintln!("measuring: {what}");
}

/// What is stored before a loop.
#[derive(Clone, Copy)]
enum Stored {
    Subscribers,
    Deliveries,
}

/// A run of one measurement.
pub struct Run<'a> {
    /// What is measured, and how long.
    pub options: &'a Options,
    /// On which database.
    pub database: Database,
    /// How long.
    pub window: Duration,
}

impl Run<'_> {
    /// The name of the database.
    pub fn name(&self) -> &'static str {
        match self.database {
            Database::Sqlite => "SQLite",
            Database::Postgres => "PostgreSQL",
        }
    }

    /// How long before it is measured.
    pub fn warm_up(&self) -> Duration {
        self.window / 5
    }

    async fn bare(&self) -> anyhow::Result<Measured> {
        let server = ChildServer::start("bare").await?;
        let key = signature::SigningKey::new(&signature::Secret::new("whsec_YmVuY2g="))?;
        let load = Load {
            address: server.address,
            connections: CONNECTIONS,
            pace: Pace::Closed,
            make: requests("/webhooks/a1b2c3d4e5f6?token=abc123def456xyz789".to_owned(), Some(key)),
            next: Default::default(),
            last: u64::MAX,
            expected: Expected::Taken,
            stop: Default::default(),
        };
        load.run(self.warm_up()).await?;
        load.run(self.window).await
    }

    async fn idle(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        tokio::time::sleep(REST).await;
        let memory = subject.memory("VmRSS")?;
        report.add(Row {
            memory_mib: Some(memory),
            target: Target::MemoryAtMost(64.0),
            ..Row::new("idle", self.name())
        });
        Ok(())
    }

    async fn ingest(&self, report: &mut Report) -> anyhow::Result<()> {
        let before = self.bare().await?;
        let mut rows = Vec::new();
        for connections in [8, 64, 256] {
            let place = Place::new(self.options, self.database).await?;
            let subject = place.start().await?;
            let load = subject.ingest(connections).await?;
            load.run(self.warm_up()).await?;
            let cpu = subject.cpu()?;
            let measured = load.run(self.window).await?;
            let mut row = Row::of(format!("ingest, {connections} connections"), self.name(), &measured);
            row.cpu(cpu, subject.cpu()?, measured.requests);
            row.memory_mib = Some(subject.memory("VmHWM")?);
            if connections == CONNECTIONS {
                row.target = Target::RatioAtLeast(0.5);
            }
            rows.push(row);
        }
        self.add_with_bare(report, before, rows).await
    }

    /// Adds rows with their ratio to the mean of the bare handler before and after them.
    async fn add_with_bare(
        &self,
        report: &mut Report,
        before: Measured,
        rows: Vec<Row>,
    ) -> anyhow::Result<()> {
        let after = self.bare().await?;
        let bare = f64::midpoint(before.rate(), after.rate());
        report.add(Row {
            ratio: Some(before.rate() / bare),
            ..Row::of("bare, before".to_owned(), "none", &before)
        });
        for mut row in rows {
            row.ratio = row.rate.map(|rate| rate / bare);
            report.add(row);
        }
        report.add(Row {
            ratio: Some(after.rate() / bare),
            ..Row::of("bare, after".to_owned(), "none", &after)
        });
        Ok(())
    }

    async fn full_loop(&self, report: &mut Report) -> anyhow::Result<()> {
        let before = self.bare().await?;
        let place = Place::new(self.options, self.database).await?;
        let subject = place.start().await?;
        let mut row = self.loop_on("full loop", &subject).await?;
        row.target = Target::RatioAtLeast(if self.database == Database::Sqlite { 0.2 } else { 0.12 });
        self.add_with_bare(report, before, vec![row]).await
    }

    /// The loop at [`CONNECTIONS`] connections, from the first request to the last recorded attempt.
    async fn loop_on(&self, name: &str, subject: &Subject) -> anyhow::Result<Row> {
        let receiver = ChildServer::start("receiver").await?;
        let webhook_id = subject.subscribe(&format!("http://{}/", receiver.address)).await?;
        let load = subject.act(CONNECTIONS, Pace::Closed).await?;
        let warm = load.run(self.warm_up()).await?;
        subject.delivered(&webhook_id, warm.requests).await?;
        lag(&receiver).await?;
        let (cpu, started) = (subject.cpu()?, crate::clock::instant());
        let measured = load.run(self.window).await?;
        subject.delivered(&webhook_id, warm.requests + measured.requests).await?;
        let seconds = started.elapsed().as_secs_f64();
        let mut row = Row::of(name.to_owned(), self.name(), &measured);
        row.rate = Some(measured.requests as f64 / seconds);
        row.cpu(cpu, subject.cpu()?, measured.requests);
        row.memory_mib = Some(subject.memory("VmHWM")?);
        row.lag_us = Some(lag(&receiver).await?);
        Ok(row)
    }

    async fn stored(&self, report: &mut Report) -> anyhow::Result<()> {
        // Each between two on an empty database, for the machine drifts by more than what is looked for.
        let rate = |row: &Row| row.rate.unwrap_or_default();
        let mut before = self.loop_on_empty("loop, nothing stored").await?;
        for what in [Stored::Subscribers, Stored::Deliveries] {
            let row = match what {
                Stored::Subscribers => self.loop_with_subscribers().await?,
                Stored::Deliveries => self.loop_with_waiting().await?,
            };
            let after = self.loop_on_empty("loop, nothing stored, again").await?;
            let base = f64::midpoint(rate(&before), rate(&after));
            let of_loop = Some(rate(&row) / base);
            report.add(before);
            report.add(Row { of_loop, target: Target::OfLoopAtLeast(0.9), ..row });
            before = after;
        }
        report.add(before);
        Ok(())
    }

    async fn loop_on_empty(&self, name: &str) -> anyhow::Result<Row> {
        let place = Place::new(self.options, self.database).await?;
        self.loop_on(name, &place.start().await?).await
    }

    async fn loop_with_subscribers(&self) -> anyhow::Result<Row> {
        let place = Place::new(self.options, self.database).await?;
        // Its start makes the schema.
        drop(place.start().await?);
        seed::subscribers(&Store::open(&place.location())?, self.options.stored).await?;
        let name = format!("loop, {} subscribers stored", self.options.stored);
        self.loop_on(&name, &place.start().await?).await
    }

    async fn loop_with_waiting(&self) -> anyhow::Result<Row> {
        let place = Place::new(self.options, self.database).await?;
        let dead = ChildServer::start("receiver").await?;
        let subject = place.start().await?;
        let settings = serde_json::json!({
            "name": "dead", "url": format!("http://{}/hang", dead.address), "events": ["campaign_sent"],
        });
        let webhook = subject.create("/outgoing-webhooks", settings).await?;
        drop(subject);
        let webhook_id = webhook["id"].as_str().context("no id")?.parse()?;
        seed::deliveries(&Store::open(&place.location())?, &[webhook_id], self.options.stored).await?;
        let name = format!("loop, {} deliveries waiting", self.options.stored);
        self.loop_on(&name, &place.start().await?).await
    }

    async fn hang(&self, report: &mut Report) -> anyhow::Result<()> {
        // A B B A: what drifts with time falls on both alike, so it is the means that are compared.
        let (first, with, again, last) = (
            self.even(false).await?,
            self.even(true).await?,
            self.even(true).await?,
            self.even(false).await?,
        );
        let p99 = |row: &Row| row.lag_us.map_or(0.0, |(_, p99)| p99 as f64);
        let base = f64::midpoint(p99(&first), p99(&last));
        let lag_ratio = Some(f64::midpoint(p99(&with), p99(&again)) / base);
        report.add(first);
        report.add(with);
        report.add(Row { lag_ratio, target: Target::LagOfHealthyAtMost(1.2), ..again });
        report.add(last);
        Ok(())
    }

    async fn even(&self, with_dead: bool) -> anyhow::Result<Row> {
        let place = Place::new(self.options, self.database).await?;
        let (receiver, dead) = (ChildServer::start("receiver").await?, ChildServer::start("receiver").await?);
        let subject = place.start().await?;
        let mut last = String::new();
        for _ in 0..DESTINATIONS {
            last = subject.subscribe(&format!("http://{}/", receiver.address)).await?;
        }
        if with_dead {
            subject.subscribe(&format!("http://{}/hang", dead.address)).await?;
        }
        let load = subject.act(CONNECTIONS, Pace::Open(EVEN_RATE)).await?;
        let warm = load.run(self.warm_up()).await?;
        subject.delivered(&last, warm.requests).await?;
        lag(&receiver).await?;
        let measured = load.run(self.window).await?;
        subject.delivered(&last, warm.requests + measured.requests).await?;
        let what = if with_dead { "and one that never answers" } else { "alone" };
        let mut row = Row::of(format!("{DESTINATIONS} healthy destinations {what}"), self.name(), &measured);
        row.lag_us = Some(lag(&receiver).await?);
        Ok(row)
    }
}

/// What a receiver measured since it was last asked: the p50 and p99 of the time from request to arrival.
async fn lag(receiver: &ChildServer) -> anyhow::Result<(u64, u64)> {
    let client: Client<_, Empty<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(format!("http://{}/report", receiver.address).parse()?).await?;
    let report: Value = serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?;
    let figure = |name: &str| report[name].as_u64().context("the receiver did not report");
    Ok((figure("p50_us")?, figure("p99_us")?))
}
