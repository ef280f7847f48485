//! *many*: ten thousand destinations that are all far behind. How long the start takes, how much memory the program takes while
//! it works that off, and how even the destinations' shares are, as long as all of them are behind (Jain's index).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use store::Store;
use testkit::Receiver;
use testkit::receiver::{Answer, ReceivedRequest, Reply};

use crate::clock;
use crate::report::{Figure, Report, Row, Target};
use crate::scenario::Run;
use crate::seed;
use crate::subject::Place;

/// Destinations.
const DESTINATIONS: usize = 10_000;
/// The longest start, in seconds.
const START: f64 = 3.0;
/// The most memory, in MiB.
const MEMORY: f64 = 512.0;
/// The least even shares.
const FAIRNESS: f64 = 0.95;
/// How many deliveries there are for each destination, on average, when shares are compared: of two or three, one more or less is
/// half of a share.
const EACH: usize = 10;
/// How long is waited for them at most.
const PATIENCE: Duration = Duration::from_secs(120);

type Shares = Arc<Mutex<HashMap<String, u64>>>;

impl Run<'_> {
    /// Measures it.
    pub async fn many(&self, report: &mut Report) -> anyhow::Result<()> {
        let place = Place::new(self.options, self.database).await?;
        // Its start makes the schema and the key.
        drop(place.start().await?);
        let receiver = Receiver::start_counting().await?;
        let shares = Shares::default();
        let counted = shares.clone();
        receiver.otherwise(move |request: &ReceivedRequest, _: usize| -> Reply {
            *counted.lock().entry(request.path().to_owned()).or_default() += 1;
            Answer::ok().into()
        });
        let store = Store::open(&place.location())?;
        let url = |number| receiver.url(&format!("/{number}"));
        let webhooks = seed::webhooks(&store, place.master_key()?, (0..DESTINATIONS).map(url)).await?;
        seed::deliveries(&store, &webhooks, self.options.stored / DESTINATIONS).await?;
        drop(store);

        let subject = place.start().await?;
        let seconds = subject.started_in.as_secs_f64();
        let what = format!("{DESTINATIONS} destinations, {} deliveries waiting", self.options.stored);
        let figure = Figure::new(format!("{seconds:.1} s to start"));
        let figure = figure.target(format!("≤ {START} s"), seconds <= START);
        report.add(Row { figure: Some(figure), ..Row::new(format!("{what}: start"), self.name()) });

        let (before, began) = (receiver.count(), clock::instant());
        while receiver.count() < EACH * DESTINATIONS && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (arrived, took, counts) = (receiver.count(), began.elapsed(), shares.lock().clone());
        let fairness = jain(counts.values().map(|count| *count as f64));
        let figure = Figure::ratio(fairness, "Jain's index");
        let figure = figure.target(format!("≥ {FAIRNESS}"), fairness >= FAIRNESS);
        let rate = Some((arrived - before) as f64 / took.as_secs_f64());
        report.add(Row { rate, figure: Some(figure), ..Row::new(format!("{what}: shares"), self.name()) });
        report.add(Row {
            memory_mib: Some(subject.memory("VmHWM")?),
            target: Target::MemoryAtMost(MEMORY),
            ..Row::new(format!("{what}: memory"), self.name())
        });
        Ok(())
    }
}

/// 1 if all have as much, one in so many if one has it all.
fn jain(shares: impl Iterator<Item = f64>) -> f64 {
    let (sum, squares) =
        shares.fold((0.0, 0.0), |(sum, squares), share| (sum + share, squares + share * share));
    sum * sum / (DESTINATIONS as f64 * squares)
}
