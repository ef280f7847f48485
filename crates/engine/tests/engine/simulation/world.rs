//! The world: a queue of what happens when, and the loop that makes it happen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use delivery::Limits;
use domain::{DeliveryId, Timestamp, WebhookId};
use engine::batch::Decided;
use engine::{Clock, Reply, Snapshot};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::config::LoadConfig;
use store::queue::DueDelivery;

use super::database::{Database, Weather, destination_id};
use super::model::Model;
use super::network::Destination;
use super::node::Node;
use super::orders::Order;
use super::scenario::Scenario;
use crate::support::NOW;

pub const SECOND: i64 = 1_000;
/// How long things go wrong: past the last retry of what comes in at the beginning.
const TROUBLE: i64 = 3 * 3_600 * SECOND;
/// More would be a run that never comes to rest: most take some hundreds.
const MAX_STEPS: usize = 50_000;

/// What happens.
pub enum What {
    /// A sender sends its post.
    Post { post: usize },
    /// A sender has waited long enough for the answer to this try.
    Impatient { post: usize, tries: u32 },
    /// The post arrives.
    Arrive { life: u64, post: usize },
    /// The inbox is committed.
    Commit { life: u64 },
    /// The database answers, if it does.
    Committed { life: u64, posts: Vec<usize>, decided: Option<Box<Decided>> },
    /// The answer arrives at the sender.
    Answer { post: usize, reply: Reply },
    /// An exchange ends.
    Ended { life: u64, attempt: u64 },
    /// Outcomes are recorded.
    Record { life: u64 },
    /// The table is looked at.
    Sweep { life: u64 },
    /// Destinations with room are refilled.
    Refill { life: u64 },
    /// The database answers to a claim, if it does.
    Claimed { life: u64, wants: Vec<(WebhookId, usize)>, found: Option<Vec<DueDelivery>> },
    /// The configuration is loaded.
    Refresh { life: u64 },
    /// The process in this place says that it lives, and takes over from the dead.
    Heartbeat { place: usize },
    /// A process starts in this place.
    Start { place: usize },
}

impl What {
    /// The process to which it happens.
    fn life(&self) -> Option<u64> {
        match self {
            What::Arrive { life, .. }
            | What::Commit { life }
            | What::Committed { life, .. }
            | What::Ended { life, .. }
            | What::Record { life }
            | What::Sweep { life }
            | What::Refill { life }
            | What::Claimed { life, .. }
            | What::Refresh { life } => Some(*life),
            _ => None,
        }
    }
}

/// What the processes have room for: so little that nearly everything waits for its turn, or enough.
fn limits(scenario: &Scenario, rng: &mut StdRng) -> Limits {
    match scenario.exact {
        true => Limits { per_destination: 1_024, total: 100_000, in_flight: 10_000 },
        false => Limits {
            per_destination: rng.random_range(1..=6),
            total: rng.random_range(1..=100),
            in_flight: rng.random_range(1..=8),
        },
    }
}

/// A sender's copy of an order.
pub struct Post {
    pub order: usize,
    pub tries: u32,
    /// The final answer.
    pub reply: Option<Reply>,
}

/// All there is.
pub struct World<'a> {
    pub scenario: &'a Scenario,
    pub database: &'a Database,
    pub rng: StdRng,
    pub orders: Vec<Order>,
    pub posts: Vec<Post>,
    pub destinations: BTreeMap<WebhookId, Destination>,
    pub nodes: Vec<Option<Node>>,
    pub model: Model,
    /// The request that each order with a key was first stored as.
    pub first_request: BTreeMap<usize, String>,
    /// When the next attempt is due after each attempt of a delivery, if one is. Several if an attempt was made again,
    /// because the process that made it died or was taken for dead.
    pub due: BTreeMap<(DeliveryId, u32), Vec<Option<i64>>>,
    /// Deliveries that are recorded as delivered.
    pub delivered: BTreeSet<String>,
    /// The moments at which something in the table is due.
    pub moments: BTreeSet<i64>,
    pub limits: Limits,
    pub lives: u64,
    pub exchanges: u64,
    pub is_told: bool,
    /// What happened, if it is told.
    pub story: Vec<String>,
    clock: Arc<AtomicI64>,
    happens: BTreeMap<(i64, u64), What>,
    scheduled: u64,
}

impl<'a> World<'a> {
    pub async fn new(seed: u64, scenario: &'a Scenario, database: &'a Database, is_told: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let destinations: BTreeMap<WebhookId, Destination> = (0..rng.random_range(1..=3))
            .map(|number| (destination_id(number), Destination::draw(number, scenario, &mut rng)))
            .collect();
        database.reset(destinations.values().enumerate()).await;
        let orders: Vec<Order> =
            (0..rng.random_range(1..=10)).map(|number| Order::draw(number, &mut rng)).collect();
        let mut world = Self {
            scenario,
            database,
            limits: limits(scenario, &mut rng),
            rng,
            orders,
            posts: Vec::new(),
            destinations,
            nodes: Vec::new(),
            model: Model::default(),
            first_request: BTreeMap::new(),
            due: BTreeMap::new(),
            delivered: BTreeSet::new(),
            moments: BTreeSet::new(),
            lives: 0,
            exchanges: 0,
            is_told,
            story: Vec::new(),
            clock: Arc::new(AtomicI64::new(NOW.millis())),
            happens: BTreeMap::new(),
            scheduled: 0,
        };
        world.plan();
        world
    }

    /// Starts the processes, and the senders: all at once, or one after the other.
    fn plan(&mut self) {
        for place in 0..self.scenario.nodes {
            self.nodes.push(None);
            self.after(0, What::Start { place });
        }
        let spread = [50, 10 * SECOND, 600 * SECOND][self.rng.random_range(0..3)];
        for order in 0..self.orders.len() {
            for _ in 0..[1, 1, 2, 3][self.rng.random_range(0..4)] {
                let post = self.posts.len();
                self.posts.push(Post { order, tries: 0, reply: None });
                let wait = self.rng.random_range(0..spread);
                self.after(wait, What::Post { post });
            }
        }
    }

    /// Runs until nothing happens any more.
    pub async fn run(&mut self) {
        for _ in 0..MAX_STEPS {
            let Some(((at, _), what)) = self.happens.pop_first() else { return };
            self.clock.store(at, Ordering::SeqCst);
            let Some(life) = what.life() else {
                self.happen(what).await;
                continue;
            };
            // What happens to the dead does not happen.
            let Some(place) = self.place_of(life) else { continue };
            if let Some(node) = self.nodes[place].as_ref().filter(|node| node.paused_until > at) {
                let until = node.paused_until;
                self.at(until, what);
            } else if self.goes_wrong(self.scenario.crashes) {
                self.crash(place);
            } else {
                self.happen(what).await;
                if self.goes_wrong(self.scenario.pauses) {
                    self.pause(place).await;
                }
            }
        }
        panic!("no rest after {MAX_STEPS} steps");
    }

    async fn happen(&mut self, what: What) {
        match what {
            What::Post { post } => self.post(post),
            What::Impatient { post, tries } => self.impatient(post, tries),
            What::Arrive { life, post } => self.arrive(life, post),
            What::Commit { life } => self.commit(life).await,
            What::Committed { life, posts, decided } => self.committed(life, posts, decided),
            What::Answer { post, reply } => self.answer(post, reply),
            What::Ended { life, attempt } => self.ended(life, attempt),
            What::Record { life } => self.record(life).await,
            What::Sweep { life } => self.sweep(life).await,
            What::Refill { life } => self.refill(life).await,
            What::Claimed { life, wants, found } => self.claimed(life, wants, found).await,
            What::Refresh { life } => self.refresh(life).await,
            What::Heartbeat { place } => self.heartbeat(place).await,
            What::Start { place } => self.start(place).await,
        }
    }

    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now())
    }

    pub fn clock(&self) -> Clock {
        Clock::Virtual(self.clock.clone())
    }

    /// Something happens so many milliseconds from now.
    pub fn after(&mut self, millis: i64, what: What) {
        self.at(self.now() + millis, what);
    }

    /// Something happens soon: within so many milliseconds.
    pub fn soon(&mut self, millis: i64, what: What) {
        let wait = self.rng.random_range(1..=millis);
        self.after(wait, what);
    }

    /// Something that a process does happens next: at once, if that is how it is.
    pub fn next(&mut self, what: What) {
        let wait = if self.scenario.exact { 0 } else { self.rng.random_range(0..5) };
        self.after(wait, what);
    }

    pub fn at(&mut self, at: i64, what: What) {
        self.scheduled += 1;
        self.happens.insert((at, self.scheduled), what);
    }

    /// Whether something that has this chance in percent goes wrong now. After a while nothing does any more.
    pub fn goes_wrong(&mut self, percent: u32) -> bool {
        percent > 0 && self.now() < NOW.millis() + TROUBLE && self.rng.random_range(0..100) < percent
    }

    /// What happens to the next transaction.
    pub fn weather(&mut self) -> Weather {
        if self.goes_wrong(self.scenario.database_faults) {
            return Weather::Refused;
        }
        if self.goes_wrong(self.scenario.database_faults) {
            return Weather::AnswerLost;
        }
        Weather::Fine
    }

    pub fn place_of(&self, life: u64) -> Option<usize> {
        self.nodes.iter().position(|node| node.as_ref().is_some_and(|node| node.life == life))
    }

    /// A living process.
    pub fn node(&mut self, life: u64) -> &mut Node {
        self.nodes.iter_mut().flatten().find(|node| node.life == life).unwrap()
    }

    pub fn lives(&self) -> Vec<u64> {
        self.nodes.iter().flatten().map(|node| node.life).collect()
    }

    /// The configuration as it is stored.
    pub async fn load(&self) -> Arc<Snapshot> {
        let config = self.database.store.read(LoadConfig { known: 0 }).await.unwrap().unwrap();
        Arc::new(Snapshot::new(config, &self.database.vault).unwrap())
    }

    /// Tells what happens, for whoever replays a run.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.is_told {
            let millis = self.now() - NOW.millis();
            self.story.push(format!("{:>6}.{:03} {}", millis / 1_000, millis % 1_000, line()));
            eprintln!("{}", self.story[self.story.len() - 1]);
        }
    }
}
